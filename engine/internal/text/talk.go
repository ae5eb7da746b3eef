package text

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
	ports  codec.Ports
}

var _ codec.Knocking = (*talk)(nil)

// NewTalk is the dialled side of a conversation: it says "(TICK)" at an interval, answers
// "REPLY words" with "(RE words)", has something to say about the packet in "NOTED P x",
// breaks off at "DENIED", and says "(END CAUSE)" last.
//
// At "WANT N why" it asks for N ports for datagrams, and says "(OURS port port … for PEER)";
// at "FROM port port …" it says from where they come, and then "(GO)". They are lines, as an
// encoder's are, and what it sends back is "knock CHANNEL".
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
	case whole && bytes.HasPrefix(line, []byte("WANT ")):
		return len(line) + 1, t.want(strings.Fields(string(line))[1:])
	case whole && bytes.HasPrefix(line, []byte("FROM ")):
		return len(line) + 1, t.from(strings.Fields(string(line))[1:])
	case whole && string(line) == "DENIED":
		return len(line) + 1, codec.Event{Kind: codec.Bad, Err: fmt.Errorf("no: %w", codec.ErrDenied)}
	}
	return t.pull.Consume(b)
}

var errNoted = errors.New("there was something in between")

// want asks for ports.
func (t *talk) want(words []string) codec.Event {
	t.ports = codec.Ports{}
	n, _ := strconv.Atoi(words[0])
	for i := range n {
		t.ports[i] = 1
	}
	return codec.Event{Kind: codec.Setup, Ports: &t.ports, Err: errors.New(strings.Join(words[1:], " "))}
}

// from names the source's ports.
func (t *talk) from(words []string) codec.Event {
	t.ports = codec.Ports{}
	for i, w := range words {
		n, _ := strconv.ParseUint(w, 10, 16)
		t.ports[i] = uint16(n)
	}
	return codec.Event{Kind: codec.Publish, Ports: &t.ports}
}

func (t *talk) Answer(dst []byte, ev *codec.Event, v *codec.Verdict) ([]byte, codec.Next) {
	switch ev.Kind {
	case codec.Setup:
		dst = append(dst, "(OURS"...)
		for i, p := range v.Offer.Ports {
			if ev.Ports[i] != 0 {
				dst = fmt.Appendf(dst, " %d", p)
			}
		}
		return fmt.Appendf(dst, " for %s)", v.Offer.Peer), codec.Keep
	case codec.Publish:
		return append(dst, "(GO)"...), codec.Keep
	}
	return fmt.Appendf(dst, "(RE %s)", ev.Path), codec.Keep
}

// AppendKnock implements [codec.Knocking].
func (t *talk) AppendKnock(dst []byte, channel uint8) []byte {
	return fmt.Appendf(dst, "knock %d", channel)
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
