package rtsp

import (
	"strconv"
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
	"streampump/codec/sdp"
)

// What an encoder asks for.

// mayAnnounce reports whether the connection can become an encoder's, or is one's that
// does not send.
func (s *server) mayAnnounce() bool { return s.state == ready && !s.view.isSetUp() }

// announcement is how far an ANNOUNCE has come. To read a description costs ten times what
// it costs to ask who sends it. So it is read once the engine has let the encoder in, with the
// last byte of the request, which is kept back until then ([inlet.hold]).
type announcement struct {
	may      *push // what the encoder becomes if its description can be used
	answered bool  // it may not, and has been told so
}

// announce asks whether an encoder may bring its description, and then reads it.
func (s *server) announce(q *request, m *message) {
	switch kind := contentType(m.req.Fields); {
	case !s.mayAnnounce():
		q.say(wrongState("the connection has a stream already"))
		return
	case kind != "" && kind != "application/sdp":
		q.refuse(415, "the encoder announces its stream as "+strconv.Quote(http1.Clip(kind))+", and only application/sdp can be read")
		return
	case len(m.body) > 0 && m.announce.may == nil:
		q.ask(codec.Setup)
		s.identifyPush(q, &m.req)
		s.in.hold()
		return
	}
	if q.push = m.announce.may; q.push != nil {
		q.event.Path = q.push.name
	}
	d, err := sdp.Parse(m.body)
	if err == nil {
		q.media, err = newMedia(d)
	}
	if err != nil {
		q.refuse(400, "the encoder's ANNOUNCE cannot be used: "+err.Error())
	}
}

// identifyPush adds to an encoder's question which session it is of, and what it brings.
func (s *server) identifyPush(q *request, r *http1.Request) {
	came := ""
	q.event.Path = pushName(q.at.name)
	if s.push != nil && s.push.name == q.event.Path {
		q.event.Session, came = s.push.key, s.push.token
	}
	q.event.Credentials = credentials(r, &q.at, came)
}

// record says that an encoder's packets follow.
func (s *server) record(q *request, r *http1.Request) {
	switch {
	case s.push == nil || s.push.setUp == 0:
		q.say(wrongState("no track is set up to be recorded"))
	case s.state == recording: // it changes nothing
	case s.push.mixed():
		q.say(refusal{status: statusTransport, text: "the tracks of a session all come by UDP, or all over the connection"})
	default:
		if err := s.push.narrow(); err != nil {
			q.refuse(400, "the tracks that are set up cannot be used: "+err.Error())
			return
		}
		s.identifyPush(q, r)
		q.ask(codec.Publish)
		q.event.Path, q.event.Session, q.event.Ports = s.push.name, s.push.key, s.push.source()
	}
}

// contentType is the media type of a message's body, in lower case and without parameters.
func contentType(f http1.Fields) string {
	media, _, _ := strings.Cut(f.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// setupPush sets a track of an encoder up.
func (s *server) setupPush(q *request, r *http1.Request) {
	track, ok := s.push.trackAt(r.Target)
	switch {
	case q.on.odd:
		q.say(refusal{status: 400, text: "the SETUP names channels that are not between 0 and 255"})
	case !ok:
		q.say(refusal{status: 404, text: "the ANNOUNCE has no such track"})
	case q.on.datagrams:
		if !s.push.connectApart(track, q.on.ports) {
			q.say(refusal{status: 400, text: "the SETUP names ports that another track has"})
		}
	default:
		if q.on.channels, ok = s.push.connectHere(track, q.on); !ok {
			q.say(refusal{status: 400, text: "the SETUP names channels that another track has"})
		}
	}
}
