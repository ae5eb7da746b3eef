package rtsp

import (
	"strconv"
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
)

// verb is a method that we know (RFC 2326, 10).
type verb uint8

const (
	verbUnknown verb = iota
	verbOptions
	verbDescribe
	verbSetup
	verbPlay
	verbPause
	verbTeardown
	verbGetParameter
	verbSetParameter
	verbAnnounce
	verbRecord
	// known, but nothing that is asked of a server
	verbRedirect
	verbRegister
	verbPlayNotify
)

var verbs = [...]string{
	"", "OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER",
	"ANNOUNCE", "RECORD", "REDIRECT", "REGISTER", "PLAY_NOTIFY",
}

// verbOf is the verb that a method names; methods are case-sensitive.
func verbOf(method string) verb {
	for v, name := range verbs {
		if v > 0 && name == method {
			return verb(v)
		}
	}
	return verbUnknown
}

// request is one request, until it is answered. Its texts are parts of one copy of its
// head: what is kept for longer is copied.
type request struct {
	verb  verb
	cseq  string
	event codec.Event
	at    target
	on    transport // SETUP
	media *media    // ANNOUNCE, with its description
	push  *push     // the same: of the encoder that was let in
	// no is what it is answered with whatever the engine says, if it has a status.
	no refusal
}

const (
	// maxCSeq is the longest CSeq that is echoed.
	maxCSeq = 32
	// maxUnsupported is the most bytes of a Require that are echoed.
	maxUnsupported = 256
)

// mediaPlayer is what Windows Media Player calls itself. It asks for RTSP first, and
// for HTTP once it is refused, unless it is asked for a password or told of a limit.
const mediaPlayer = "WMPlayer/"

// pumpProduct is what pumps call themselves.
const pumpProduct = "StreamPump"

// request makes a message the request under way and returns its event.
func (s *server) request(m *message) codec.Event {
	r := &m.req
	q := s.newRequest()
	q.verb, q.event.Kind, q.event.Agent = verbOf(r.Method), codec.Reply, http1.Agent(r.Fields.Get("User-Agent"))
	var ok bool
	q.cseq, ok = cseqOf(r.Fields)
	switch required := requires(r.Fields); {
	case r.Proto != "RTSP":
		q.refuse(400, "the request is "+strconv.Quote(http1.Clip(r.Proto))+", not RTSP")
	case !ok:
		q.refuse(400, "the request has no CSeq, or one of more than 32 bytes")
	case r.Major != 1:
		q.say(refusal{status: statusVersion})
	case required != "":
		q.say(refusal{status: statusOption, unsupported: required})
	case s.strange(r.Fields):
		q.say(refusal{status: statusNoSession})
	default:
		s.verb(q, m)
	}
	if q.event.Kind == codec.Finish {
		s.endPush(thanking)
	}
	s.in.done()
	return q.event
}

// cseqOf is a request's CSeq as it is spelled. Whether it is a number means nothing to us,
// and nobody sends a long one.
func cseqOf(f http1.Fields) (cseq string, ok bool) {
	cseq = f.Get("CSeq")
	if cseq == "" || len(cseq) > maxCSeq {
		return "", false
	}
	return cseq, true
}

// requires is what a peer needs us to support that we do not: whatever it is (RFC 2326,
// 12.32). Clients of ONVIF ask for a way back like this, and then again without.
func requires(f http1.Fields) string {
	for _, name := range [...]string{"Require", "Proxy-Require"} {
		if v := f.Get(name); v != "" {
			return v[:min(len(v), maxUnsupported)]
		}
	}
	return ""
}

// strange reports whether a request names another session than this connection's. Before
// a peer is told of one, what it names is its own invention and means nothing.
func (s *server) strange(f http1.Fields) bool {
	name, _, _ := strings.Cut(f.Get("Session"), ";")
	if name = strings.TrimSpace(name); name == "" || !s.told() {
		return false
	}
	id, err := strconv.ParseUint(name, 16, 64)
	return err != nil || id != s.id
}

// verb says what a request is.
func (s *server) verb(q *request, m *message) {
	switch q.verb {
	case verbOptions, verbGetParameter, verbSetParameter:
		return // to keep the session alive; what else they say changes nothing
	case verbUnknown:
		q.say(refusal{status: 501})
		return
	case verbRedirect, verbRegister, verbPlayNotify:
		q.say(refusal{status: 405})
		return
	}
	var err error
	if q.at, err = parseTarget(m.req.Target); err != nil {
		q.refuse(400, err.Error())
		return
	}
	q.event.Path = q.at.name
	if s.push != nil {
		q.event.Path = s.push.name // its tracks' addresses are the encoder's own
	}
	switch q.verb {
	case verbDescribe:
		s.describe(q, &m.req)
	case verbSetup:
		s.setup(q, &m.req)
	case verbPlay:
		s.play(q, &m.req)
	case verbPause:
		s.pause(q)
	case verbTeardown:
		s.teardown(q, &m.req)
	case verbAnnounce:
		s.announce(q, m)
	case verbRecord:
		s.record(q, &m.req)
	}
}

// describe asks for a stream's description.
func (s *server) describe(q *request, r *http1.Request) {
	switch {
	case s.push != nil:
		q.say(wrongState("the connection is that of an encoder"))
	case len(q.event.Agent) >= len(mediaPlayer) && strings.EqualFold(q.event.Agent[:len(mediaPlayer)], mediaPlayer):
		q.say(refusal{status: 415, text: "Windows Media Player plays the streams here over HTTP", closes: true})
	default:
		q.ask(codec.Describe)
		s.identify(q, r)
	}
}

// identify adds to a viewer's question which session it is of, and what it brings.
func (s *server) identify(q *request, r *http1.Request) {
	came := ""
	if s.view != nil {
		q.event.Session = s.view.key
	}
	if s.view.of(q.at.name) {
		came = s.view.token
	}
	q.event.Pump = http1.HasProduct(q.event.Agent, pumpProduct)
	q.event.Credentials = credentials(r, &q.at, came)
}

// setup asks for one track, or brings one.
func (s *server) setup(q *request, r *http1.Request) {
	if !r.Fields.Has("Transport") {
		q.refuse(400, "the SETUP has no Transport")
		return
	}
	var ok bool
	q.on, ok = transportOf(r.Fields, s.port != 0, s.push != nil)
	switch {
	case s.state != ready:
		q.say(wrongState("tracks cannot be set up while the stream runs"))
	case !ok:
		q.say(refusal{status: statusTransport})
	case s.push != nil:
		s.setupPush(q, r)
	case q.on.record:
		q.say(wrongState("a SETUP to record comes after an ANNOUNCE"))
	case s.view.isSetUp() && !s.view.of(q.at.name):
		q.say(refusal{status: statusNotTogether, text: "a session has the tracks of one stream"})
	default:
		q.ask(codec.Describe)
		s.identify(q, r)
	}
}

// play asks for the packets of the tracks that are set up. Where they begin is not up to
// the viewer: a Range, Scale or Speed means nothing.
func (s *server) play(q *request, r *http1.Request) {
	switch {
	case s.push != nil || !s.view.isSetUp():
		q.say(wrongState("no track is set up to be played"))
	case !s.view.of(q.at.name):
		q.say(refusal{status: 404, text: "that is not the stream whose tracks are set up"})
	case s.single(q):
		q.say(refusal{status: statusOnlyTogether, text: "the tracks of a stream are played together"})
	case s.state == playing: // it changes nothing: the end of a seek, or a keep-alive
	case s.view.mixed():
		q.say(refusal{status: statusTransport, text: "the tracks of a session all go by UDP, or all over the connection"})
	default:
		s.identify(q, r)
		q.ask(codec.Play)
		q.event.Path, q.event.Form, q.event.Ports = s.view.name, s.view.form(), s.view.destination()
	}
}

// single reports whether a request is about one of several tracks that are set up.
func (s *server) single(q *request) bool {
	return q.at.track != wholeStream && s.view.tracks&^(1<<q.at.track) != 0
}

// pause stops the packets for a while.
func (s *server) pause(q *request) {
	switch {
	case s.state == playing && s.single(q):
		q.say(refusal{status: statusOnlyTogether, text: "the tracks of a stream are paused together"})
	case s.state == playing:
		q.ask(codec.Halt)
		q.event.Session = s.view.key
	case s.state == recording:
		q.ask(codec.Pause)
	case s.push == nil && !s.view.isSetUp():
		q.say(wrongState("no track is set up"))
	}
}

// teardown ends the session, or an encoder's track.
func (s *server) teardown(q *request, r *http1.Request) {
	switch {
	case s.push != nil && s.state == recording:
		track := wholeStream
		if len(s.push.media.tracks()) > 1 {
			track = s.push.announced(r.Target)
		}
		if track != wholeStream {
			if s.push.end(track).Kind != codec.Finish {
				return
			}
		}
		q.ask(codec.Finish)
	case s.state == playing && s.single(q):
		q.say(refusal{status: statusOnlyTogether, text: "the tracks of a stream are ended together"})
	case s.view.isSetUp(): // playing, or after a pause, as GStreamer ends
		q.ask(codec.Stop)
		q.event.Session = s.view.key
	}
}

// ask makes the request a question to the engine.
func (q *request) ask(k codec.Kind) { q.event.Kind = k }

// say gives the request a fixed answer.
func (q *request) say(r refusal) { q.no = r }

// refuse makes the request a breach of the protocol.
func (q *request) refuse(status int, what string) {
	q.no = refusal{status: status, text: what, closes: true}
	q.event = codec.Event{Kind: codec.Bad, Agent: q.event.Agent, Err: &requestError{what}}
}

// wrongState is the answer to what cannot be asked now.
func wrongState(text string) refusal { return refusal{status: statusWrongState, text: text} }

// requestError is a request that broke the protocol; the text is the operator's
// sentence.
type requestError struct{ what string }

func (e *requestError) Error() string { return e.what }
