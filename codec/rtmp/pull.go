package rtmp

import (
	"bytes"
	"errors"
	"fmt"

	"streampump/codec"
)

// DefaultAgent is the flashVer of a pull. Servers expect that of a player; what is behind
// it tells another pump that this is none.
const DefaultAgent = "LNX 9,0,124,2 " + pumpProduct + "/1"

// maxRedirects is how often one pull may be redirected; honest sources need one.
const maxRedirects = 5

// PullOptions say what is pulled, and as whom.
type PullOptions struct {
	URL   URL
	Agent string // the flashVer to send; empty means [DefaultAgent]
}

// stage is how far the present connection is.
type stage uint8

const (
	stageHello   stage = iota // C0 C1 was sent. S0 S1 ends it, which is answered with C2.
	stageEcho                 // S2 is awaited, and not looked at. Its end lets connect out.
	stageConnect              // connect was sent
	stageCreate               // createStream was sent
	stagePlay                 // play was sent, and media come. A goodbye, AppendEnd or a breach ends it.
	stageOver                 // what still comes is not looked at
)

// pull is our side of a connection to a source (RTMP 1.0).
//
//	C0 C1 ─► C2, connect ─► createStream ─► play ─► media … ─► deleteStream
//
// Each answer is an event that lets the next call out. A redirect begins anew on another
// connection. While media come, what is said are acknowledgements and answers to pings.
type pull struct {
	o         PullOptions
	url       URL
	redirects int

	// Of the present connection.
	stage   stage
	shake   shaking
	in      chunks
	acks    acks
	ack     bool   // an acknowledgement is due
	say     []byte // what the next Answer is
	stream  uint32 // the id of the stream that we play, as the source gave it
	from    intake // what comes
	owed    int    // bytes at the front of the next input that were taken before
	checked bool   // the source has had its answer to onBWDone
	passed  int    // messages that meant nothing, since the last event
}

// NewPull makes the conversation with a source that we fetch: one attempt, from the
// first connection to the end of the stream.
func NewPull(o PullOptions) codec.Dialled {
	if o.Agent == "" {
		o.Agent = DefaultAgent
	}
	return &pull{o: o, url: o.URL}
}

// Target implements [codec.Dialled].
func (p *pull) Target() codec.Target {
	return codec.Target{Address: p.url.HostPort(), TLS: p.url.TLS, Tunnelled: true}
}

// AppendHello implements [codec.Dialled]. Nothing of it ever goes to a proxy.
func (p *pull) AppendHello(dst []byte, _ bool) []byte {
	*p = pull{o: p.o, url: p.url, redirects: p.redirects}
	p.in.limits = wide
	return clientHello(dst)
}

// Consume implements [codec.Session]. Where something is left to say or to yield behind
// the last byte, that byte is asked for again.
func (p *pull) Consume(b []byte) (n int, ev codec.Event) {
	for ev.Kind == codec.None && p.stage != stageOver {
		if ev = p.waiting(); ev.Kind != codec.None || n == len(b) {
			break
		}
		n, p.owed = n+p.owed, 0
		if n == len(b) {
			break
		}
		var took int
		took, ev = p.next(b[n:])
		n += took
	}
	switch ev.Kind {
	case codec.None:
		return len(b), ev
	case codec.Bad, codec.Finish, codec.Redial:
		p.stage = stageOver
	default:
		if n == len(b) && p.isWaiting() {
			n, p.owed = n-1, 1
		}
	}
	return n, ev
}

// isWaiting reports whether there is an event without further bytes.
func (p *pull) isWaiting() bool { return p.ack || p.from.busy() }

// waiting is the next event that needs no further bytes; none if there is none.
func (p *pull) waiting() codec.Event {
	if p.ack {
		p.ack, p.say = false, appendAck(p.say, p.acks.said)
		return codec.Event{Kind: codec.Reply}
	}
	for p.from.busy() {
		if ev, _ := p.from.more(); ev.Kind != codec.None {
			return ev
		}
	}
	return codec.Event{}
}

// greeted takes the source's part of the handshake. C2 does not wait for S2, because
// some send that only then.
func (p *pull) greeted(b []byte) (n int, ev codec.Event) {
	if p.stage == stageEcho {
		n, done := p.shake.echo(b)
		if !done {
			return n, ev
		}
		p.stage = stageConnect
		return n, p.reply(p.appendConnect(nil))
	}
	first := b[0]
	n, one, err := p.shake.hello(b)
	switch {
	case err != nil && first == tlsAlert:
		return n, broken(errors.New("the source speaks TLS on this port: its address must begin with rtmps://"))
	case err != nil && (first == 'H' || first == '<'):
		return n, broken(errors.New("the source's answer is not RTMP, but a web server's: another port may be for RTMP, or this one wants TLS (rtmps://)"))
	case err != nil:
		return n, broken(fmt.Errorf("the source's answer is not RTMP: %w", err))
	case one == nil:
		return n, ev
	}
	p.stage = stageEcho
	return n, p.reply(bytes.Clone(one))
}

// tlsAlert is the byte that a server of TLS begins its answer with when it gets something
// else (RFC 8446, 5.1).
const tlsAlert = 0x15

// next takes the next part of what comes.
func (p *pull) next(b []byte) (n int, ev codec.Event) {
	if p.stage <= stageEcho {
		return p.greeted(b)
	}
	n, found, err := p.in.next(b)
	switch {
	case err != nil:
		return n, broken(fmt.Errorf("the source's messages cannot be told apart: %w", err))
	case !found:
		return n, codec.Event{}
	}
	p.ack = p.acks.due(p.in.received)
	ev = p.take(&p.in.msg)
	if p.passed++; ev.Kind != codec.None {
		p.passed = 0
	} else if p.passed == maxPassed {
		// To the engine this is a request, and has its time: see [server.slows].
		p.passed, p.ack, p.acks.said = 0, true, p.in.received
	}
	return n, ev
}

// take is the event of a message.
func (p *pull) take(m *message) codec.Event {
	switch m.typ {
	case typeWindow:
		p.acks.set(m.body)
	case typeUserControl:
		return p.controlled(m.body)
	case typeCommand, typeCommand3:
		return p.told(m)
	case typeData, typeData3:
		if p.plays(m) {
			return p.data(m)
		}
	case typeAudio, typeVideo, typeAggregate:
		if p.plays(m) {
			ev, _ := p.from.take(m)
			return ev
		}
	}
	return codec.Event{}
}

// plays reports whether a message is of the stream that we play. Some servers have media on
// stream 0.
func (p *pull) plays(m *message) bool {
	return p.stage == stagePlay && (m.stream == p.stream || m.stream == 0)
}

// Answer implements [codec.Session].
func (p *pull) Answer(dst []byte, ev *codec.Event, _ *codec.Verdict) ([]byte, codec.Next) {
	dst = append(dst, p.say...)
	p.say = p.say[:0]
	if ev.Kind == codec.Bad {
		return dst, codec.Close
	}
	return dst, codec.Keep
}

// AppendEnd implements [codec.Session].
func (p *pull) AppendEnd(dst []byte, _ codec.Cause, _ string) []byte {
	if p.stream != 0 {
		dst = p.appendDelete(dst)
	}
	p.stage = stageOver
	return dst
}

// reply is the event that lets out what is to be said.
func (p *pull) reply(say []byte) codec.Event {
	p.say = say
	return codec.Event{Kind: codec.Reply}
}

// redirected goes where the source sends us and begins anew there. A pull that was
// configured with TLS stays with TLS, whoever redirects it: the operator asked for a
// source that nobody on the way can read, change or pretend to be.
func (p *pull) redirected(application, whole string) codec.Event {
	location := application
	if whole != "" {
		location = whole
	}
	if p.redirects++; p.redirects > maxRedirects {
		return broken(fmt.Errorf("the source redirects us too often, last to %q", scheme.Shown(location)))
	}
	to, err := follow(p.url, application, whole)
	switch {
	case err != nil:
		return broken(fmt.Errorf("the source redirects us: %w", err))
	case p.o.URL.TLS && !to.TLS:
		return broken(fmt.Errorf("the source redirects us from TLS to %q, which is without, so we do not follow", scheme.Shown(location)))
	}
	p.url = to
	return codec.Event{Kind: codec.Redial}
}
