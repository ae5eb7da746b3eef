package text

import (
	"bytes"
	"strconv"
	"time"

	"streampump/codec"
)

// heard is what a session has of datagrams that it has not passed on.
type heard struct {
	rest []byte // of the datagram that is being heard
	kept []byte // what waits
	due  time.Time
}

var _ codec.Hearing = (*session)(nil)

// Hear implements [codec.Hearing].
func (s *session) Hear(_ uint8, b []byte, now time.Time) (ev codec.Event, more bool) {
	h := &s.heard
	if b != nil {
		h.rest = b
	}
	if len(h.rest) == 0 && len(h.kept) > 0 && !now.Before(h.due) {
		h.rest, h.kept = h.kept, nil
	}
	if len(h.rest) == 0 || !s.body {
		return codec.Event{}, false
	}
	line, rest, _ := bytes.Cut(h.rest, []byte("\n"))
	h.rest = rest
	if ms, ok := bytes.CutPrefix(line, []byte("WAIT ")); ok {
		n, _ := strconv.Atoi(string(ms))
		h.kept, h.due, h.rest = bytes.Clone(rest), now.Add(time.Duration(n)*time.Millisecond), nil
		return codec.Event{}, false
	}
	return bodyEvent(line), true
}

// Due implements [codec.Hearing].
func (s *session) Due() (at time.Time, ok bool) { return s.heard.due, len(s.heard.kept) > 0 }
