package rtmp

import "streampump/codec"

// push is an encoder's side of a session, from the publish that was accepted on.
type push struct {
	intake
	rest bool // there is more to yield of the newest message
	due  bool // and an acknowledgement
	back bool // its last byte was not taken yet
}

// pending reports whether an event is owed that needs no further bytes of the encoder.
func (p *push) pending() bool { return p.rest || p.due }

// media yields the event of a message of a stream; n is how many bytes of the message
// were taken now. What more there is to it comes of further.
func (s *server) media(m *message, n int) (taken int, ev codec.Event) {
	p := s.push
	ev, p.rest = p.take(m)
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
	} else {
		p.due = false
		ev = s.ask(&request{verb: verbAck})
	}
	if !p.pending() && p.back {
		p.back = false
		n = 1
	}
	return n, ev
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
