package mmsh

import (
	"errors"
	"net/netip"

	"streampump/codec"
	"streampump/codec/http1"
)

// state is where a connection that we accepted is.
type state uint8

const (
	// opening: the first bytes of the connection tell whether it speaks HTTP
	// or MMST, which begins no request. [tells] of them end it.
	opening state = iota
	// waiting: for a request, or for the rest of its head. A whole head ends it.
	waiting
	// inviting the body of a request that is held back until then. Answer ends it.
	inviting
	// reading past the body of a request. Its last byte ends it: the engine is asked.
	reading
	// asked: the engine has the request. Answer ends it.
	asked
	// streaming the framed form to a player: what it sends is ignored, because an
	// answer could only come in the middle of the stream ([MS-WMSP] 3.2.5.8). AppendEnd
	// or the connection's end ends it.
	streaming
	// downloading: the same with the plain form.
	downloading
	// ingesting the body of a PushStart or of an upload. Its last byte, $E or a
	// breach ends it.
	ingesting
	// thanking for an upload that is complete. AppendEnd ends it.
	thanking
	// over: the last answer is given and what still comes is not looked at.
	over
)

// server is our side of a connection that a peer opened. Thousands of them are
// streaming, so what only requests and pushes need is kept apart and given up then.
type server struct {
	p     *Protocol
	local netip.AddrPort
	ex    *exchange // while a request is under way
	push  *push     // after an accepted PushStart
	state state
	// secure says that the peer reached us by TLS.
	secure bool
}

// exchange is one request on its way.
type exchange struct {
	cut   http1.Cutter
	req   *request
	first []byte  // bytes that came while opening and do not tell yet
	up    *upload // its body, if that brings a stream in chunks
}

// begun reports whether part of a request has come.
func (e *exchange) begun() bool { return len(e.first) > 0 || e.cut.Started() }

// Consume implements [codec.Session].
func (s *server) Consume(b []byte) (int, codec.Event) {
	switch s.state {
	case opening:
		return s.open(b)
	case waiting:
		return s.head(b)
	case reading:
		return s.body(b)
	case ingesting:
		return s.packets(b)
	default:
		return len(b), codec.Event{}
	}
}

// open finds out what the connection speaks. It goes by the bytes, not by the pieces
// they come in, and needs no more of them than Classify does.
func (s *server) open(b []byte) (int, codec.Event) {
	if s.ex == nil {
		s.ex = s.newExchange()
	}
	held, first := s.ex.first, b
	if len(held) > 0 {
		first = append(held, b[:min(len(b), tells-len(held))]...)
	}
	switch speechOf(first) {
	case unclear:
		s.ex.first = append(s.ex.first[:0], first...)
		return len(b), codec.Event{}
	case speaksMMST:
		s.ex.req = &request{class: asMMST, event: codec.Event{Kind: codec.Reply}}
		return len(b), s.ask()
	}
	s.state, s.ex.first = waiting, nil
	if len(held) > 0 {
		// Nothing this short and still unclear is a whole head; it may not even begin
		// one.
		if _, ev := s.head(held); ev.Kind != codec.None {
			return 0, ev
		}
	}
	return s.head(b)
}

func (s *server) newExchange() *exchange {
	return &exchange{cut: http1.Cutter{Max: s.p.o.MaxHead, Strict: true}}
}

// head reads a request's head.
func (s *server) head(b []byte) (int, codec.Event) {
	if len(b) == 0 {
		return 0, codec.Event{}
	}
	if s.ex == nil {
		s.ex = s.newExchange()
	}
	n, head, err := s.ex.cut.Consume(b)
	switch {
	case err != nil:
		s.ex.req = breach(err)
		return len(b), s.ask()
	case head == nil:
		return n, codec.Event{}
	}
	q := requestOf(head)
	s.ex.req = q
	switch {
	case q.class == start || q.body == 0:
		return n, s.ask()
	case q.expects:
		s.state = inviting
		return n, codec.Event{Kind: codec.Reply, Agent: q.event.Agent}
	}
	s.state = reading
	k, ev := s.body(b[n:])
	return n + k, ev
}

// requestOf is the request in a whole head.
func requestOf(head []byte) *request {
	r, err := http1.ParseRequest(head, nil)
	if err != nil {
		return breach(err)
	}
	return classify(&r)
}

// body reads past a request's body. Nothing in it matters here: a log is taken
// whatever it says ([MS-WMSP] note 74), and the directives of a PushSetup
// (Template-URL, AutoDestroy) make and destroy publishing points, which only
// our configuration does.
func (s *server) body(b []byte) (int, codec.Event) {
	q := s.ex.req
	n := int(min(int64(len(b)), q.body))
	if q.body -= int64(n); q.body > 0 {
		return n, codec.Event{}
	}
	return n, s.ask()
}

// ask gives the request to the engine.
func (s *server) ask() codec.Event {
	s.state = asked
	return s.ex.req.event
}

// packets reads the body of a push or an upload.
func (s *server) packets(b []byte) (int, codec.Event) {
	if s.push == nil {
		return s.uploaded(b)
	}
	n, ev := s.push.consume(b)
	switch ev.Kind {
	case codec.Pause, codec.Bad:
		s.state = asked
	case codec.Finish:
		s.push.in.release()
		s.state = over
	}
	return n, ev
}

// uploaded reads the body of an upload.
func (s *server) uploaded(b []byte) (int, codec.Event) {
	n, ev := s.ex.up.consume(b)
	switch ev.Kind {
	case codec.Bad:
		s.state = asked
	case codec.Finish:
		s.ex, s.state = nil, thanking
	}
	return n, ev
}

// breach is the request that stands for bytes that are not one.
func breach(err error) *request {
	status := 400
	if e := (*http1.Error)(nil); errors.As(err, &e) {
		status = e.Status
	}
	q := &request{}
	return q.refuse(status, err.Error())
}
