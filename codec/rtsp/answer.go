package rtsp

import (
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
)

// answer is one function for each verb.
func (s *server) answer(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	switch {
	case q.no.status != 0:
		return s.refuse(dst, q, q.no)
	case q.event.Kind == codec.Reply && q.verb == verbSetup:
		return s.answerSetupPush(dst, q)
	case q.media != nil:
		return s.answerAnnounce(dst, q)
	case q.event.Kind == codec.Reply:
		return s.answerReply(dst, q)
	case q.event.Kind == codec.Halt, q.event.Kind == codec.Pause:
		s.state = ready
		s.in.passed()
		return s.accept(dst, q, codec.Keep)
	case q.event.Kind == codec.Stop:
		return s.accept(dst, q, codec.Close)
	case v.Code != codec.OK:
		return s.deny(dst, q, v)
	}
	switch q.verb {
	case verbDescribe:
		return s.answerDescribe(dst, q, v)
	case verbSetup:
		return s.answerSetup(dst, q, v)
	case verbPlay:
		return s.answerPlay(dst, q, v)
	case verbAnnounce:
		s.in.msg.announce.may = &push{key: v.Session, name: strings.Clone(q.event.Path), token: tokenIn(q)}
		return dst, codec.Keep // the answer comes when its description has been read
	default: // RECORD
		s.in.wanted()
		if s.push.order = nil; s.push.apart != 0 {
			s.push.order = &order{} // after a pause numbers may begin anywhere
		}
		return s.accept(dst, q, codec.Ingest)
	}
}

// answerAnnounce makes the connection an encoder's.
func (s *server) answerAnnounce(dst []byte, q *request) ([]byte, codec.Next) {
	s.push = q.push
	s.push.media, s.push.strict = q.media, true
	s.open(s.push.key)
	return s.accept(dst, q, codec.Keep)
}

// open gives the session its id, once: the engine may have to go on under another key,
// of which the peer learns nothing.
func (s *server) open(key uint64) {
	if s.id == 0 {
		s.id = key
	}
}

// accept answers with 200 and nothing to say.
func (s *server) accept(dst []byte, q *request, next codec.Next) ([]byte, codec.Next) {
	dst = s.p.appendStatus(dst, q.cseq, 200)
	return http1.AppendBlank(s.p.appendSession(dst, s.known())), next
}

// told reports whether the peer has been told of its session: with the first SETUP.
func (s *server) told() bool {
	return s.view.isSetUp() || s.push != nil && s.push.setUp != 0
}

// known is the session that an answer names; 0 if it names none.
func (s *server) known() uint64 {
	if s.told() {
		return s.id
	}
	return 0
}

// answerReply answers what keeps a session alive, and what changes nothing.
func (s *server) answerReply(dst []byte, q *request) ([]byte, codec.Next) {
	switch {
	case q.verb == verbOptions:
		dst = s.p.appendStatus(dst, q.cseq, 200)
		dst = http1.AppendField(dst, "Public", allowed)
		return http1.AppendBlank(s.p.appendSession(dst, s.known())), codec.Keep
	case q.verb == verbTeardown && s.state != recording:
		return s.accept(dst, q, codec.Close)
	default:
		return s.accept(dst, q, codec.Keep)
	}
}

// usualSDP is more bytes than most descriptions have.
const usualSDP = 2 << 10

// answerDescribe sends the description. Its addresses begin with what the viewer asked
// for, so that they lead back to here by whatever name.
func (s *server) answerDescribe(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	m, ok := v.Media.(*media)
	if !ok {
		return s.deny(dst, q, &codec.Verdict{Code: codec.NoStream})
	}
	s.look(q, v, m)
	var room [usualSDP]byte // its length comes before it
	body := m.appendSDP(room[:0], q.at.base, q.at.name)
	dst = s.p.appendStatus(dst, q.cseq, 200)
	dst = append(append(append(dst, "Content-Base: "...), q.at.base...), "/\r\n"...)
	dst = http1.AppendField(dst, "Content-Type", "application/sdp")
	dst = http1.AppendField(dst, "Cache-Control", "no-cache")
	dst = http1.AppendInt(dst, "Content-Length", int64(len(body)))
	return append(http1.AppendBlank(dst), body...), codec.Keep
}

// look notes what a viewer has been told of a stream. That changes nothing in what it
// has set up, unless this is of that stream and no longer true.
func (s *server) look(q *request, v *codec.Verdict, m *media) {
	s.open(v.Session)
	switch {
	case s.state == playing:
		return
	case s.view == nil:
		s.view = &view{}
	case !s.view.isSetUp():
		*s.view = view{name: s.view.name}
	case !s.view.of(q.at.name):
		return
	case s.view.changed(m):
		s.view.tracks, s.view.apart, s.view.ports = 0, 0, nil
	}
	if s.view.name != q.at.name {
		s.view.name = strings.Clone(q.at.name)
	}
	s.view.key, s.view.token, s.view.media = v.Session, tokenIn(q), m
}

// tokenIn is the token that a request brings, or its connection has brought.
func tokenIn(q *request) string {
	if c := q.event.Credentials; c != nil {
		return c.Token
	}
	return ""
}

// answerSetup sets a track up for a viewer. The channels are ours, whatever it asks for,
// so that all viewers can be sent the same bytes; no player minds.
func (s *server) answerSetup(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	m, ok := v.Media.(*media)
	switch {
	case !ok:
		return s.deny(dst, q, &codec.Verdict{Code: codec.NoStream})
	case s.view.of(q.at.name) && s.view.changed(m):
		return s.refuse(dst, q, startedOver)
	}
	tracks := m.tracks()
	if q.at.track == wholeStream {
		if s.view.isSetUp() && len(tracks) > 1 {
			return s.refuse(dst, q, refusal{status: statusNotTogether, text: "each track is set up at its own address"})
		}
		q.at.track = 0
	}
	if q.at.track >= len(tracks) {
		return s.refuse(dst, q, refusal{status: 404, text: "the stream has no such track"})
	}
	s.look(q, v, m)
	s.view.setUp(q.at.track, q.on)
	dst = s.p.appendStatus(dst, q.cseq, 200)
	if q.on.datagrams {
		dst = appendPorts(dst, q.on.ports, s.port)
	} else {
		dst = appendChannels(dst, [2]uint8{packetChannel(q.at.track), reportChannel(q.at.track)})
	}
	dst = append(appendSSRC(dst, tracks[q.at.track].ssrc), "\r\n"...)
	return http1.AppendBlank(s.p.appendSession(dst, s.id)), codec.Keep
}

// startedOver is the answer to a viewer that has been described what is no longer
// there.
var startedOver = refusal{status: statusNoSession, text: "the stream has started over with other tracks: ask for its description again", closes: true}

// appendSSRC names the source of a track's packets, of eight digits (RFC 2326, 12.39).
func appendSSRC(dst []byte, ssrc uint32) []byte {
	return appendHex(append(dst, ";ssrc="...), "0123456789ABCDEF", uint64(ssrc), 8)
}

// answerSetupPush tells an encoder that its track is set up.
func (s *server) answerSetupPush(dst []byte, q *request) ([]byte, codec.Next) {
	dst = s.p.appendStatus(dst, q.cseq, 200)
	if q.on.datagrams {
		dst = appendPorts(dst, q.on.ports, s.port)
	} else {
		dst = appendChannels(dst, q.on.channels)
	}
	dst = append(dst, ";mode=record\r\n"...)
	return http1.AppendBlank(s.p.appendSession(dst, s.id)), codec.Keep
}

// answerPlay lets the packets follow. Where they begin is not known yet, and nothing is
// said about it: no player needs that, and some believe what is wrong.
func (s *server) answerPlay(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	m, ok := v.Media.(*media)
	if !ok || s.view.changed(m) {
		return s.refuse(dst, q, startedOver)
	}
	s.view.key, s.view.media = v.Session, m
	return s.accept(dst, q, codec.Stream)
}

// refuse says no.
func (s *server) refuse(dst []byte, q *request, r refusal) ([]byte, codec.Next) {
	dst = s.p.appendRefusal(dst, q.cseq, r)
	if r.closes {
		return dst, codec.Close
	}
	return dst, codec.Keep
}

// deny says no for the engine. A stream that is somewhere else is looked for there, but
// only by who asks for its description.
func (s *server) deny(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	r := refuseVerdict(v)
	if (v.Code == codec.NoStream || v.Code == codec.Full) && q.verb == verbDescribe && isElsewhere(v.Location) {
		r.status, r.location, r.retry = 302, v.Location, 0
		if v.Code == codec.Full && !strings.Contains(v.Location, "?") {
			r.location += q.handOn() // it is let in there by what it was let in by here
		}
	}
	return s.refuse(dst, q, r)
}

// handOn is the token of the request as it stands in the address of another pump, if the
// request brings nothing else.
func (q *request) handOn() string {
	c := q.event.Credentials
	if c != nil && c.Token != "" && !c.HasPassword && c.Digest == nil && strings.IndexFunc(c.Token, notInToken) < 0 {
		return "?" + http1.TokenName + "=" + c.Token
	}
	return ""
}

// notInToken reports characters that mean something in a URL.
func notInToken(r rune) bool {
	return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && !strings.ContainsRune("-._~:", r)
}
