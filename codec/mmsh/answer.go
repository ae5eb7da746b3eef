package mmsh

import (
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
)

// Answer implements [codec.Session].
func (s *server) Answer(dst []byte, ev *codec.Event, v *codec.Verdict) ([]byte, codec.Next) {
	switch {
	case s.state == inviting:
		s.state = reading
		return http1.AppendContinue(dst, http11), codec.Keep
	case s.push != nil:
		return s.answerPush(dst, ev)
	case s.ex != nil && s.ex.up != nil:
		s.ex = nil
		return s.answerBreach(dst, ev)
	case s.ex == nil || s.ex.req == nil:
		return dst, codec.Close // nothing was asked: the engine is in error, the peer is let go
	}
	q := s.ex.req
	s.ex = nil
	dst, next := s.answer(dst, q, v)
	switch {
	case next == codec.Keep:
		s.state = waiting
	case next == codec.Stream && q.event.Form == codec.Plain:
		s.state = downloading
	case next == codec.Stream:
		s.state = streaming
	case next == codec.Ingest:
		s.state = ingesting
	default:
		s.state = over
	}
	return dst, next
}

// answer is one function for each class of request.
func (s *server) answer(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	switch q.class {
	case asMMST:
		// VLC and MPlayer try MMST before HTTP on the same port. A reset
		// while they still write kills MPlayer, silence costs VLC 40 s; a
		// half-close sends both on at once.
		return dst, codec.Close
	case asRTSP:
		return appendRTSP(dst, q.cseq), codec.Close
	case rootPage:
		return s.root(dst, q)
	case options:
		return s.options(dst, q)
	case logLine:
		return s.empty(dst, q, v, 204)
	case session:
		return s.control(dst, q, v)
	case lookup, playlist:
		return s.look(dst, q, v)
	case describe, play, download:
		return s.view(dst, q, v)
	case setup, start, send:
		return s.encoder(dst, q, v)
	default:
		if q.status == 200 {
			return s.empty(dst, q, v, 200)
		}
		return s.fixed(dst, q)
	}
}

// fixed answers with the error that the request itself calls for.
func (s *server) fixed(dst []byte, q *request) ([]byte, codec.Next) {
	r := refusal{proto: http10, server: viewerServer, status: q.status, bare: q.bare}
	if q.event.Err != nil {
		r.text = q.event.Err.Error()
	}
	return s.p.appendRefusal(dst, r), codec.Close
}

// root answers people who point a browser at the port with a line.
func (s *server) root(dst []byte, q *request) ([]byte, codec.Next) {
	text := s.p.o.Product
	if s.p.o.Version != "" {
		text += " " + s.p.o.Version
	}
	return s.page(dst, q, text+"\n")
}

// page answers with a text.
func (s *server) page(dst []byte, q *request, text string) ([]byte, codec.Next) {
	dst = http1.AppendStatus(dst, http10, 200)
	dst = http1.AppendField(dst, "Server", viewerServer)
	dst = http1.AppendField(dst, "Content-Type", textType)
	return appendBody(dst, text, q)
}

// options answers the keep-alive of pipelined players ([MS-WMSP] 2.2.2.3.2).
func (s *server) options(dst []byte, q *request) ([]byte, codec.Next) {
	dst = http1.AppendStatus(dst, http11, 200)
	dst = http1.AppendField(dst, "Server", viewerServer)
	dst = http1.AppendField(dst, "Public", "GET, POST, OPTIONS")
	dst = http1.AppendField(dst, "Allow", "OPTIONS")
	return appendBody(dst, "", q)
}

// control answers SelectStream, KeepAlive and Stop ([MS-WMSP] 3.2.5.7, .8, .10).
// All streams are always sent, so a selection changes nothing.
func (s *server) control(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	if v.Code == codec.OK {
		return s.empty(dst, q, v, 200)
	}
	r := refuseVerdict(v)
	r.proto, r.server, r.bare = http11, viewerServer, q.bare
	return s.p.appendRefusal(dst, r), codec.Close
}

// empty accepts a POST without a body in the answer.
func (s *server) empty(dst []byte, q *request, v *codec.Verdict, status int) ([]byte, codec.Next) {
	key := v.Session
	if key == 0 && v.Code == codec.OK {
		key = q.event.Session
	}
	dst = http1.AppendStatus(dst, http11, status)
	dst = s.p.appendSession(dst, key)
	return appendBody(dst, "", q)
}

// view answers Describe, Play, and the GET of a client that is no MMSH player
// ([MS-WMSP] 3.2.5.4, 3.2.5.6). HEAD is told the same, except what only a session or
// the header itself would tell (RFC 9110, 9.3.2).
func (s *server) view(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	if q.bare {
		v = looked(*v)
	}
	if v.Code != codec.OK {
		return s.denied(dst, q, v)
	}
	// HTTP/1.0 and no chunks, whatever was asked: VLC, MPlayer and libmms cannot take
	// chunks, and encoders answer like this too ([MS-WMSP] 4.11).
	dst = http1.AppendStatus(dst, http10, 200)
	switch q.class {
	case download:
		dst = http1.AppendField(dst, "Server", viewerServer)
		dst = http1.AppendField(dst, "Cache-Control", "no-cache")
		dst = http1.AppendField(dst, "Pragma", "no-cache")
		dst = http1.AppendField(dst, "Content-Type", v.Media.MIME())
		return appendEndless(dst, q)
	case play:
		dst = s.p.appendViewer(dst, q, v)
		dst = http1.AppendField(dst, "Content-Type", playType)
		return appendEndless(dst, q)
	default:
		dst = s.p.appendViewer(dst, q, v)
		dst = http1.AppendField(dst, "Content-Type", describeType)
		if !q.bare {
			dst = http1.AppendInt(dst, "Content-Length", int64(v.HeadSize))
		}
		dst, next := appendConnection(dst, q.keep)
		return http1.AppendBlank(dst), next
	}
}

// looked is what a Lookup's verdict would be for a peer that wants the stream.
func looked(v codec.Verdict) *codec.Verdict {
	v.Session = 0
	switch {
	case v.Code != codec.OK:
	case v.Media == nil:
		v.Code = codec.NotUp
	case v.Crowded:
		v.Code = codec.Full
	}
	return &v
}

// look answers GET and HEAD of a playlist, a page, or something we do not have.
func (s *server) look(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	if q.class == lookup && s.p.o.Page != nil {
		if text, ok := s.p.o.Page(q.event.Path); ok {
			return s.page(dst, q, text)
		}
	}
	switch {
	case v.Code == codec.OK && q.class == playlist:
		return s.playlist(dst, q, v)
	case v.Code == codec.OK:
		return s.denied(dst, q, &codec.Verdict{Code: codec.NoStream})
	default:
		return s.denied(dst, q, v)
	}
}

// denied refuses a GET or HEAD. An unknown stream, and one that has no room, is looked
// for elsewhere, but only by those who follow: players below 7.0 do not ([MS-WMSP]
// 3.2.5.4), and libmms and MPlayer, which say 4.1, fail on it. They are told 503.
func (s *server) denied(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	r := refuseVerdict(v)
	r.proto, r.server, r.bare = http10, viewerServer, q.bare
	if (v.Code == codec.NoStream || v.Code == codec.Full) && v.Location != "" && (!q.player || q.major >= redirectable) {
		r.status, r.location, r.retry = 302, v.Location, 0
		if v.Code == codec.Full && !strings.Contains(v.Location, "?") {
			r.location += q.handOn() // it is let in there by what it was let in by here
		}
	}
	return s.p.refuse(dst, q, v, r)
}

// encoder answers PushSetup. A PushStart or an upload that is let in gets nothing, or
// the word that its body is awaited: the answer comes when the body is complete
// ([MS-WMHTTP] 3.2.5.1, .2).
func (s *server) encoder(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	switch {
	case v.Code != codec.OK:
		r := refuseVerdict(v)
		if v.Code == codec.NoStream && strings.HasPrefix(q.event.Path, "/") {
			r.text += ": an encoder's address is " + streamsPrefix + "PATH" + pushSuffix
		}
		r.proto, r.server = http11, encoderServer
		return s.p.refuse(dst, q, v, r)
	case q.class == setup:
		return s.p.appendAccepted(dst, v.Session, q.keep)
	case q.class == start:
		s.push = &push{left: q.body, key: v.Session, keep: q.keep}
	default:
		s.ex = &exchange{up: &upload{}}
	}
	if q.expects {
		dst = http1.AppendContinue(dst, http11)
	}
	return dst, codec.Ingest
}

// answerPush answers what ended a push's body: its last byte, or a breach.
func (s *server) answerPush(dst []byte, ev *codec.Event) ([]byte, codec.Next) {
	p := s.push
	s.push = nil
	if ev.Kind == codec.Pause {
		dst, next := s.p.appendAccepted(dst, p.key, p.keep)
		if s.state = over; next == codec.Keep {
			s.state = waiting
		}
		return dst, next
	}
	return s.answerBreach(dst, ev)
}

// answerBreach refuses the rest of an encoder's body.
func (s *server) answerBreach(dst []byte, ev *codec.Event) ([]byte, codec.Next) {
	s.state = over
	r := refusal{proto: http11, server: encoderServer, status: 422}
	if ev.Err != nil {
		r.text = ev.Err.Error()
	}
	return s.p.appendRefusal(dst, r), codec.Close
}

// AppendEnd implements [codec.Session].
func (s *server) AppendEnd(dst []byte, c codec.Cause, reason string) []byte {
	switch s.state {
	case streaming:
		if c == codec.CauseSwitch {
			dst = AppendReason(dst, IDEnd, ReasonNext)
			return AppendReason(dst, IDChange, 0)
		}
		s.state = over
		return AppendReason(dst, IDEnd, ReasonOver)
	case ingesting:
		s.push, s.ex = nil, nil
		return s.end(dst, encoderServer, http11, c, reason)
	case thanking:
		s.state = over
		dst, _ = s.p.appendAccepted(dst, 0, false)
		return dst
	case reading, asked:
		return s.end(dst, viewerServer, http11, c, reason)
	case opening, waiting:
		// A peer that has begun to speak, or finds no room, is told why. One that has
		// been answered and says nothing further is just let go.
		if s.ex != nil && s.ex.begun() || c == codec.CauseFull {
			return s.end(dst, viewerServer, http10, c, reason)
		}
	}
	s.state = over
	return dst
}

func (s *server) end(dst []byte, server, proto string, c codec.Cause, reason string) []byte {
	s.state, s.ex = over, nil
	r := refuseCause(c)
	if reason != "" {
		r.text = reason
	}
	r.proto, r.server = proto, server
	return s.p.appendRefusal(dst, r)
}
