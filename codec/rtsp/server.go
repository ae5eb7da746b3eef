package rtsp

import (
	"errors"

	"streampump/codec"
	"streampump/codec/http1"
)

// state is where a connection that we accepted is (RFC 2326, A).
type state uint8

const (
	// ready for requests: nothing streams. An accepted PLAY or RECORD ends it.
	ready state = iota
	// playing: packets go to the viewer, and answers between them. PAUSE, TEARDOWN,
	// AppendEnd or the connection's end ends it.
	playing
	// recording: packets come from the encoder. PAUSE, TEARDOWN, the goodbyes of all
	// tracks or a breach ends it.
	recording
	// thanking for a push that its encoder has ended with TEARDOWN. AppendEnd ends it.
	thanking
	// over: the last answer is given and what still comes is not looked at.
	over
)

// server is our side of a connection that a peer opened: one session, whose id is known
// on this connection only. Thousands of them are playing, so what only requests and
// encoders need is kept apart.
type server struct {
	p     *Protocol
	in    inlet
	q     *request // that the engine has been asked, if asked; or memory for one
	view  *view    // of a viewer, once it has described a stream or set up a track
	push  *push    // of an encoder, from ANNOUNCE on
	id    uint64   // what the peer calls the session; 0 before there is one
	port  uint16   // of ours from which packets can go by UDP; 0: they cannot
	state state
	asked bool
}

// Consume implements [codec.Session].
func (s *server) Consume(b []byte) (n int, ev codec.Event) {
	if s.push != nil && s.state == recording {
		if ev, ok := s.push.waiting(); ok {
			return 0, ev
		}
	}
	for n < len(b) && s.state < thanking {
		s.in.keep, s.in.talks = s.bodies(), s.state == ready
		k, found, err := s.in.next(b[n:], s.maxHead())
		n += k
		switch {
		case err != nil:
			return len(b), s.broken(err)
		case found == aRequest && s.in.msg.announce.answered: // what has come is its last byte
		case found == aRequest:
			if ev = s.request(s.in.msg); s.in.begun() {
				n-- // with which it is looked at again
			}
			return n, ev
		case found == aPacket:
			back := 0
			if ev, back = s.packet(); ev.Kind != codec.None {
				return n - back, ev
			}
		}
	}
	return len(b), codec.Event{}
}

// bodies are those that are read: a description, where one is of use. Answers are to
// nothing that was asked.
func (s *server) bodies() bodies {
	if s.mayAnnounce() {
		return description
	}
	return noBodies
}

// maxStreamingHead is the most bytes of a head while a stream runs. Viewers may take all
// the time that they like for one, and there are many; with a proof it has half a kilobyte.
const maxStreamingHead = 4 << 10

// maxHead is the most bytes of the next head; 0 stands for [http1.MaxHead].
func (s *server) maxHead() int {
	most := s.p.o.MaxHead
	if s.state != ready && (most == 0 || most > maxStreamingHead) {
		return maxStreamingHead
	}
	return most
}

// packet is the event of an interleaved packet of an encoder; back is how many bytes of
// it are to be given again after that.
func (s *server) packet() (ev codec.Event, back int) {
	ev, again := s.push.packet(s.in.channel(), s.in.packets.data)
	switch {
	case ev.Kind == codec.Finish:
		s.endPush(over)
	case ev.Kind == codec.Bad:
		return s.broken(ev.Err), 0
	case again:
		back = s.in.back()
	}
	return ev, back
}

// endPush forgets the encoder's side of the session.
func (s *server) endPush(next state) {
	s.push, s.state = nil, next
	s.in.passed()
}

// broken is the event of bytes that are no message.
func (s *server) broken(err error) codec.Event {
	status := 400
	if e := (*http1.Error)(nil); errors.As(err, &e) && e.Status != 400 {
		status = statusTooLarge
	}
	q := s.newRequest()
	if m := s.in.msg; m != nil && m.is == aRequest {
		q.cseq, _ = cseqOf(m.req.Fields)
	}
	q.refuse(status, err.Error())
	return q.event
}

// newRequest is the request that the engine is about to be asked.
func (s *server) newRequest() *request {
	if s.q == nil {
		s.q = &request{}
	}
	s.asked = true
	return s.q
}

// forget forgets the request that was answered. Its memory and its message's are for the
// next one, as long as nothing streams: then requests are rare, and connections many.
func (s *server) forget() {
	s.asked = false
	if s.state == ready {
		*s.q = request{}
		return
	}
	s.q = nil
	s.in.rest()
}

// Answer implements [codec.Session].
func (s *server) Answer(dst []byte, _ *codec.Event, v *codec.Verdict) ([]byte, codec.Next) {
	if !s.asked {
		s.state = over
		return dst, codec.Close // nothing was asked: the engine is in error, the peer is let go
	}
	dst, next := s.answer(dst, s.q, v)
	if s.in.begun() {
		s.in.msg.announce.answered = s.in.msg.announce.may == nil
	}
	switch next {
	case codec.Close:
		s.endPush(over)
	case codec.Stream:
		s.state = playing
	case codec.Ingest:
		s.state = recording
	}
	s.forget()
	return dst, next
}

// AppendEnd implements [codec.Session]. A viewer is told with a goodbye for each of its
// tracks, which is what players look at: the end of the connection alone costs VLC ten
// seconds, and a request stops nobody.
func (s *server) AppendEnd(dst []byte, c codec.Cause, reason string) []byte {
	was, q, asked := s.state, s.q, s.asked
	s.q, s.asked = nil, false
	switch {
	case was == playing && c == codec.CauseSwitch:
		return dst // viewers cannot be moved to other tracks
	case was == playing:
		dst = s.view.appendBye(dst)
	case was == thanking:
		dst = http1.AppendBlank(s.p.appendSession(s.p.appendStatus(dst, q.cseq, 200), s.id))
	case was == ready && (asked || s.in.begun() || c == codec.CauseFull):
		// A peer that has begun to speak, or finds no room, is told why. One that has been
		// answered and says nothing further is just let go.
		cseq := ""
		if q != nil {
			cseq = q.cseq
		}
		dst = s.p.appendRefusal(dst, cseq, refuseCause(c, reason))
	}
	s.endPush(over)
	return dst
}
