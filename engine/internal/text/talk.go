package text

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"streampump/codec"
)

// talk is a pull that goes on talking. What it says has no line ends: who reads a pipe
// gets one piece for each time that it speaks.
type talk struct {
	*pull
	every  time.Duration
	begun  bool // the tick behind the hello has been
	tunnel bool
}

// NewTalk is the dialled side of a conversation: it says "(TICK)" at an interval, answers
// "REPLY words" with "(RE words)", has something to say about the packet in "NOTED P x",
// breaks off at "DENIED", and says "(END CAUSE)" last.
func NewTalk(every time.Duration) codec.Dialled {
	return &talk{pull: NewPull().(*pull), every: every}
}

// NewTunnelledTalk is the same where a proxy has to join the connections.
func NewTunnelledTalk(every time.Duration) codec.Dialled {
	return &talk{pull: NewPull().(*pull), every: every, tunnel: true}
}

// NewSecureTalk is the same over TLS.
func NewSecureTalk(every time.Duration) codec.Dialled {
	return &talk{pull: NewSecurePull(0).(*pull), every: every}
}

func (t *talk) Target() codec.Target {
	to := t.pull.Target()
	to.Tunnelled = t.tunnel
	return to
}

func (t *talk) Consume(b []byte) (int, codec.Event) {
	switch line, _, whole := bytes.Cut(b, []byte("\n")); {
	case whole && bytes.HasPrefix(line, []byte("REPLY ")):
		return len(line) + 1, codec.Event{Kind: codec.Reply, Path: string(line[len("REPLY "):])}
	case whole && bytes.HasPrefix(line, []byte("NOTED ")):
		return len(line) + 1, codec.Event{Kind: codec.Packet, Data: line[len("NOTED "):], Err: errNoted}
	case whole && string(line) == "DENIED":
		return len(line) + 1, codec.Event{Kind: codec.Bad, Err: fmt.Errorf("no: %w", codec.ErrDenied)}
	}
	return t.pull.Consume(b)
}

var errNoted = errors.New("there was something in between")

func (t *talk) Answer(dst []byte, ev *codec.Event, _ *codec.Verdict) ([]byte, codec.Next) {
	return fmt.Appendf(dst, "(RE %s)", ev.Path), codec.Keep
}

func (t *talk) AppendHello(dst []byte, proxied bool) []byte {
	t.begun = false
	return t.pull.AppendHello(dst, proxied)
}

// Tick implements [codec.Ticking]; behind a hello it says nothing.
func (t *talk) Tick(dst []byte, now time.Duration) ([]byte, time.Duration) {
	if t.begun {
		dst = append(dst, "(TICK)"...)
	}
	t.begun = true
	return dst, now + t.every
}

func (t *talk) AppendEnd(dst []byte, c codec.Cause, _ string) []byte {
	return fmt.Appendf(dst, "(END %s)", causeNames[c])
}
