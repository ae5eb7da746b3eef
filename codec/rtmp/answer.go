package rtmp

import "streampump/codec"

// answer puts the engine's decision on a request into words.
func (s *server) answer(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	switch q.verb {
	case verbHello:
		s.state = ready
		return serverHello(dst, q.echo), codec.Keep
	case verbBroken:
		if s.app != nil {
			dst = appendStatus(dst, s.stream(), levelError, connectClosed, q.event.Err.Error())
		}
		return dst, codec.Close
	case verbConnect:
		return s.answerConnect(dst, q, v)
	case verbPlay, verbPlay2:
		return s.answerPlay(dst, q, v)
	case verbPublish:
		return s.answerPublish(dst, q, v)
	case verbPause:
		return s.answerPause(dst, q, v)
	case verbEnd:
		s.view, s.again = nil, true
		return dst, s.rest()
	}
	return s.answerCall(dst, q), s.goOn()
}

// answerCall answers what changes nothing.
func (s *server) answerCall(dst []byte, q *request) []byte {
	switch q.verb {
	case verbPing:
		return appendUserControl(dst, eventPong, q.ping)
	case verbAck:
		return appendAck(dst, s.acks.said)
	case verbCreate:
		return appendCreated(dst, q.id)
	default:
		return appendAnswered(dst, q.id)
	}
}

// goOn is how the connection goes on as it was.
func (s *server) goOn() codec.Next {
	if s.state == publishing {
		return codec.Ingest
	}
	return codec.Keep
}

// rest makes a viewer's connection one that may ask again.
func (s *server) rest() codec.Next {
	s.state, s.in.limits = ready, tight
	return codec.Keep
}

// stream is the message stream on which the peer is told about what it does.
func (s *server) stream() uint32 {
	if s.state == playing || s.state == publishing {
		return ourStream
	}
	return 0
}

// answerPlay begins a viewer's stream.
func (s *server) answerPlay(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	switch {
	case q.no != "":
		return appendStatus(dst, ourStream, levelError, q.no, q.text), s.goOn()
	case v.Code == codec.OK && !isOurs(v.Media):
		v = &codec.Verdict{Code: codec.NoStream}
	case v.Code == codec.OK:
		s.again = s.again || s.view != nil // which is paused, and not gone on with
		s.view = &view{key: v.Session, name: q.name, credentials: q.event.Credentials}
		return s.appendPreamble(appendPlaying(dst, q.name), v), codec.Stream
	}
	return refusePlay(dst, q, v)
}

// appendPreamble appends what a viewer needs that begins anew on the same connection. To
// the programme it may be one that goes on behind packets that it has left out, and has all.
func (s *server) appendPreamble(dst []byte, v *codec.Verdict) []byte {
	if !s.again {
		return dst
	}
	return v.Media.(*media).set.append(dst, 0, nil)
}

// isOurs reports whether a stream is carried by RTMP.
func isOurs(m codec.Media) bool {
	_, ok := m.(*media)
	return ok
}

// answerPublish begins an encoder's stream. What it may send is known once the first
// header comes.
func (s *server) answerPublish(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	switch {
	case q.no != "":
		return appendStatus(dst, ourStream, levelError, q.no, q.text), s.goOn()
	case v.Code != codec.OK:
		return appendStatus(dst, ourStream, levelError, publishCode(v.Code), v.Text()), codec.Close
	}
	s.push, s.view = &push{}, nil
	dst = appendUserControl(dst, eventStreamBegin, ourStream)
	return appendStatus(dst, ourStream, levelStatus, publishStart, q.name+" is being published."), codec.Ingest
}

// answerPause halts a viewer's stream, or has it go on.
func (s *server) answerPause(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	switch {
	case q.event.Kind == codec.Halt:
		s.view.paused = true
		return appendStatus(dst, ourStream, levelStatus, pauseNotify, s.view.name+" is paused."), s.rest()
	case v.Code != codec.OK || !isOurs(v.Media):
		return refusePlay(dst, q, v)
	}
	s.view.key, s.view.paused = v.Session, false
	return appendStatus(dst, ourStream, levelStatus, unpaused, s.view.name+" goes on."), codec.Stream
}
