package mmsh

import (
	"bytes"
	"errors"
	"fmt"

	"streampump/codec"
	"streampump/codec/asf"
)

// push is the body of one PushStart ([MS-WMHTTP] 2.2.2.2).
//
// What may follow what ([MS-WMHTTP] 3.2.5.3 to 3.2.5.7), with what we allow
// beyond it because real sources do it:
//
//	$H        at any time, as a new header; in pieces, if it is cut short;
//	          passed over if it is the present one again
//	$C        at any time; with the header inside, or bare and then a $H
//	$D        not after $E(1) or a bare $C: a header must come first
//	$E(1)     at any time
//	$E other  at any time: the stream is over
//	$F, others  at any time, passed over by their length
//
// Whether a body may begin with $D depends on what came before it on other
// connections, so the engine judges it.
type push struct {
	left int64  // bytes of the body still to come
	key  uint64 // of the session, for the 204 at the end
	keep bool   // the connection may be kept after that
	// held says that the body's last byte is left for the next call, so that the end
	// has a byte to come with.
	held bool
	in   unframer
	seq  sequence
}

// consume takes packets out of the body and ends at its end.
func (p *push) consume(b []byte) (n int, ev codec.Event) {
	if int64(len(b)) > p.left {
		b = b[:p.left]
	}
	if p.held && len(b) > 0 {
		return p.pause(len(b))
	}
	for n < len(b) {
		k, id, body, err := p.in.next(b[n:])
		n += k
		p.left -= int64(k)
		if err != nil {
			return n, bad(err)
		}
		ev = p.seq.pushed(id, body)
		switch {
		case ev.Kind == codec.None:
			continue
		case p.left == 0 && ev.Kind != codec.Finish && ev.Kind != codec.Bad:
			p.left, p.held = 1, true
			n--
		}
		return n, ev
	}
	if p.left == 0 && n > 0 {
		return p.pause(n)
	}
	return n, codec.Event{}
}

// pause ends the body.
func (p *push) pause(n int) (int, codec.Event) {
	p.left = 0
	if !p.in.between() || p.seq.head.begun() {
		return n, bad(errors.New("the body of the push ends in the middle of a packet or header"))
	}
	return n, codec.Event{Kind: codec.Pause}
}

// sequence watches what follows what, for pushes and pulls alike.
type sequence struct {
	head    pieces
	pending bool   // after $E(1) or a bare $C: a header must come before data
	last    *media // the newest header
}

// pushed is the event of one packet of a push.
func (s *sequence) pushed(id byte, body []byte) codec.Event {
	if s.head.begun() && id != IDHeader && id != 0 {
		return bad(s.head.short(id))
	}
	switch id {
	case IDData:
		return s.data(body)
	case IDHeader:
		return s.piece(body, false)
	case IDChange:
		// Here the new header is inside; on the viewers' side it is not, and some
		// encoders were modelled on that.
		if s.pending = true; len(body) > ReasonSize {
			return s.piece(body[ReasonSize:], true)
		}
	case IDEnd:
		return s.end(body)
	}
	return codec.Event{}
}

func (s *sequence) data(payload []byte) codec.Event {
	if s.pending {
		return bad(errors.New("a data packet came where a new header must come first"))
	}
	return codec.Event{Kind: codec.Packet, Data: payload}
}

func (s *sequence) end(body []byte) codec.Event {
	if reason(body) != ReasonNext {
		return codec.Event{Kind: codec.Finish}
	}
	s.pending = true
	return codec.Event{}
}

// piece is the event of one piece of a header; last says that none follows.
func (s *sequence) piece(b []byte, last bool) codec.Event {
	whole, err := s.head.add(b, last)
	if err != nil {
		return bad(err)
	}
	if whole == nil {
		return codec.Event{}
	}
	m, err := newMedia(whole)
	if err != nil {
		return bad(err)
	}
	if s.repeated(m) {
		return codec.Event{}
	}
	s.pending, s.last = false, m
	return codec.Event{Kind: codec.Header, Media: m}
}

// repeated reports whether a header is the previous one, repeated in the middle of
// the packets as some sources do every few seconds: nothing begins with it. If the
// source's clock restarts there all the same, its packets show it.
func (s *sequence) repeated(m *media) bool {
	return s.last != nil && !s.pending && bytes.Equal(m.h.Live(), s.last.h.Live())
}

func bad(err error) codec.Event { return codec.Event{Kind: codec.Bad, Err: err} }

// pieces puts together a header that comes in several $H. The header itself says how
// long it is.
type pieces struct{ buf []byte }

func (p *pieces) begun() bool { return len(p.buf) > 0 }

// add takes the next piece. whole is nil until the header is complete; then it is
// part of b or of what was gathered, and valid for as long as b.
func (p *pieces) add(b []byte, last bool) (whole []byte, err error) {
	if p.begun() {
		p.buf = append(p.buf, b...)
		b = p.buf
	}
	size, ok := asf.HeaderSize(b)
	switch {
	case ok && (size < 0 || size > asf.HeaderMax):
		p.buf = nil
		return nil, errors.New("the header is not an ASF header, or has an impossible size")
	case ok && size <= len(b):
		p.buf = nil
		return b[:size], nil
	case last:
		p.buf = nil
		return nil, fmt.Errorf("the header is cut short: %d of %d bytes", len(b), size)
	case !p.begun():
		p.buf = append(p.buf, b...)
	}
	return nil, nil
}

// short is the error for something else in the middle of a header.
func (p *pieces) short(id byte) error {
	size, _ := asf.HeaderSize(p.buf)
	return fmt.Errorf("a %s came in the middle of the header: %d of %d bytes are there", idName(id), len(p.buf), size)
}
