package rtmp

import "streampump/codec"

// push is an encoder's side of a session, from the publish that was accepted on.
type push struct {
	intake
	rest bool // there is more to yield of the newest message
	due  bool // and an acknowledgement
	back bool // its last byte was not taken yet
	// passed counts the messages that meant nothing, since the last event.
	passed int
}

// pass counts what was passed over of an aggregate that has more.
func (p *push) pass(ev codec.Event) {
	if ev.Kind == codec.None && p.rest {
		p.passed = maxPassed
	}
}

// limits are those of an encoder: it has room for much once its stream has begun.
func (p *push) limits() limits {
	if p.media == nil {
		return early
	}
	return wide
}

// pending reports whether an event is owed that needs no further bytes of the encoder.
func (p *push) pending() bool { return p.rest || p.due }

// media yields the event of a message of a stream; n is how many bytes of the message
// were taken now. What more there is to it comes of further.
func (s *server) media(m *message, n int) (taken int, ev codec.Event) {
	p := s.push
	ev, p.rest = p.take(m)
	p.pass(ev)
	if p.due = s.acks.due(s.in.received); p.pending() && n > 0 {
		p.back = true
		n--
	}
	return n, ev
}

// further yields what is owed. n is 1 if that was the last, and a byte was kept back for
// it.
func (s *server) further() (n int, ev codec.Event) {
	p := s.push
	if p.rest {
		ev, p.rest = p.more()
		p.pass(ev)
	} else {
		p.due = false
		ev = s.ask(s.request(verbAck))
	}
	if !p.pending() && p.back {
		p.back = false
		n = 1
	}
	return n, ev
}

// slows yields an acknowledgement, due or not, behind messages that meant nothing. For the
// engine it is a request, which has its time: nobody makes us read such messages as fast as
// they can be sent.
func (s *server) slows() codec.Event {
	s.acks.said = s.in.received
	return s.ask(s.request(verbAck))
}

// appendEnd appends what an encoder is told at the end.
func (p *push) appendEnd(dst []byte, c codec.Cause, reason string) []byte {
	switch c {
	case codec.CauseEnded:
		return appendStatus(dst, ourStream, levelStatus, unpublished, causeText(c, reason))
	case codec.CauseTaken:
		return appendStatus(dst, ourStream, levelError, publishBadName, causeText(c, reason))
	default:
		return appendStatus(dst, ourStream, levelError, connectClosed, causeText(c, reason))
	}
}
