package rtmp

import (
	"streampump/codec"
)

// state is where a connection that we accepted is.
type state uint8

const (
	// greeting waits for C0 and C1. The answer to them ends it.
	greeting state = iota
	// ready for commands: nothing streams. An accepted play or publish ends it.
	ready
	// playing: messages go to the viewer, and answers between them. A pause, the end of its
	// stream, AppendEnd or the connection's end ends it.
	playing
	// publishing: messages come from the encoder. The end of its stream or a breach ends
	// it.
	publishing
	// thanking for a push that its encoder has ended. AppendEnd ends it.
	thanking
	// over: the last answer is given and what still comes is not looked at.
	over
)

// modest is what a viewer that plays may send: acknowledgements, and the end of its
// stream. There are many viewers.
var modest = limits{message: 4 << 10, total: 8 << 10, streams: 16}

// server is our side of a connection that a peer opened. Thousands of them are playing,
// so what only the beginning and encoders need is kept apart.
type server struct {
	p     *Protocol
	shake *shaking // until the peer has shaken hands
	in    chunks
	acks  acks
	q     *request // that the engine has been asked
	room  *request // for the next one; nil while a viewer plays
	app   *app     // from connect on
	view  *view    // of a viewer
	push  *push    // of an encoder
	state state
	again bool // a viewer has had a stream, and may play it once more, or another
	spent int  // bytes of spareTalk that are used up
}

const (
	// spareTalk is how many bytes a peer may send while it has no stream, and requestTalk how
	// many more for each request: as much as the longest message twice, and as any request
	// needs. Requests have a rate; what means nothing has none, and messages have as little
	// as one byte.
	spareTalk   = 64 << 10
	requestTalk = 1 << 10
)

var errTalk = &requestError{"the peer sends more than there is to say without a stream"}

// app is what a peer has connected to.
type app struct {
	path  string // with a query, if it has one
	agent string // what the peer calls itself
}

// Consume implements [codec.Session].
func (s *server) Consume(b []byte) (n int, ev codec.Event) {
	for s.state < thanking {
		var k int
		switch {
		case s.push != nil && s.push.pending():
			k, ev = s.further()
		case n == len(b):
			return n, ev
		case s.shake != nil:
			k, ev = s.greet(b[n:])
		case s.state == ready:
			k, ev = s.talk(b[n:])
		default:
			k, ev = s.next(b[n:])
		}
		n += k
		switch ev.Kind {
		case codec.None:
			if s.push == nil || s.push.passed < maxPassed {
				continue
			}
			ev = s.slows()
		case codec.Bad:
			return len(b), s.broken(ev.Err)
		}
		if s.push != nil {
			s.push.passed, s.in.limits = 0, s.push.limits()
		}
		return n, ev
	}
	return len(b), codec.Event{}
}

// talk takes bytes of messages of a peer that has no stream.
func (s *server) talk(b []byte) (n int, ev codec.Event) {
	if s.spent == spareTalk {
		return 0, broken(errTalk)
	}
	n, ev = s.next(b[:min(len(b), spareTalk-s.spent)])
	if s.spent += n; ev.Kind != codec.None {
		s.spent = max(s.spent-requestTalk, 0)
	}
	return n, ev
}

// greet takes the peer's part of the handshake.
func (s *server) greet(b []byte) (n int, ev codec.Event) {
	if s.state != greeting {
		n, done := s.shake.echo(b)
		if done {
			s.shake = nil
		}
		return n, ev
	}
	n, one, err := s.shake.hello(b)
	switch {
	case err != nil:
		return n, broken(err)
	case one == nil:
		return n, ev
	}
	q := s.request(verbHello)
	q.echo = one
	return n, s.ask(q)
}

// next takes bytes of messages.
func (s *server) next(b []byte) (n int, ev codec.Event) {
	n, found, err := s.in.next(b)
	switch {
	case err != nil:
		return n, broken(err)
	case !found:
		return n, ev
	}
	m := &s.in.msg
	switch m.typ {
	case typeCommand, typeCommand3:
		ev = s.command(m)
		if ev.Kind == codec.None && s.state == playing {
			s.room = nil // it was for nothing
		}
	case typeUserControl:
		ev = s.userControl(m.body)
	case typeWindow:
		s.acks.set(m.body)
	default:
		if s.state == publishing {
			n, ev = s.media(m, n)
		}
	}
	if s.push != nil && ev.Kind == codec.None {
		s.push.passed++
	}
	return n, ev
}

// userControl is the event of what is said about the connection: a ping wants an answer.
func (s *server) userControl(body []byte) (ev codec.Event) {
	if event, what, ok := userControl(body); ok && event == eventPing {
		q := s.request(verbPing)
		q.ping = what
		return s.ask(q)
	}
	return ev
}

// request is an empty request. The one before it is over.
func (s *server) request(v verb) *request {
	if s.room == nil {
		s.room = new(request)
	}
	*s.room = request{verb: v}
	return s.room
}

// ask makes a request the one under way and returns its event, which is a Reply if nothing
// else was said. Until a peer has asked for a stream, all it says are steps towards that.
func (s *server) ask(q *request) codec.Event {
	if q.event.Kind == codec.None {
		q.event.Kind = codec.Reply
	}
	q.event.Partial = (q.event.Kind == codec.Reply || q.event.Ahead) && s.view == nil && s.push == nil
	if s.app != nil {
		q.event.Agent = s.app.agent
	}
	s.q = q
	return q.event
}

// broken is the event of bytes that are no message, or of a source that breaks a rule.
func (s *server) broken(err error) codec.Event {
	s.q = s.request(verbBroken)
	s.q.event = codec.Event{Kind: codec.Bad, Err: err}
	if s.app != nil {
		s.q.event.Agent = s.app.agent
	}
	return s.q.event
}

// Answer implements [codec.Session].
func (s *server) Answer(dst []byte, _ *codec.Event, v *codec.Verdict) ([]byte, codec.Next) {
	q := s.q
	if q == nil {
		s.state = over
		return dst, codec.Close // nothing was asked: the engine is in error, the peer is let go
	}
	s.q = nil
	dst, next := s.answer(dst, q, v)
	switch next {
	case codec.Close:
		s.end()
	case codec.Stream:
		s.state, s.in.limits, s.spent = playing, modest, 0
		s.in.release()
	case codec.Ingest:
		s.state, s.in.limits, s.spent = publishing, s.push.limits(), 0
	}
	if s.state == playing {
		s.room = nil
	}
	return dst, next
}

// end forgets all that only a stream needs.
func (s *server) end() {
	s.state, s.view, s.push, s.q, s.room, s.shake = over, nil, nil, nil, nil, nil
	s.in = chunks{}
}

// AppendEnd implements [codec.Session].
func (s *server) AppendEnd(dst []byte, c codec.Cause, reason string) []byte {
	switch {
	case s.state == playing && c == codec.CauseSwitch:
		return dst // players cannot be moved to other tracks
	case s.state == playing:
		dst = s.view.appendEnd(dst, c, reason)
	case s.push != nil:
		dst = s.push.appendEnd(dst, c, reason)
	case s.state == ready && s.app != nil:
		dst = appendStatus(dst, 0, levelError, connectClosed, causeText(c, reason))
	}
	s.end()
	return dst
}
