package mmsh

import (
	"strconv"
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
)

// class is what a request is, and so how it is answered.
type class uint8

const (
	asIs     class = iota // answered with request.status whatever the engine says
	asMMST                // answered with silence and a half-close
	asRTSP                // answered in its own protocol
	rootPage              // GET /: a line naming the product
	options               // KeepAlive of pipelined players ([MS-WMSP] 2.2.2.3.2)
	logLine               // Log ([MS-WMSP] 2.2.2.4)
	session               // SelectStream, KeepAlive, Stop: 200, or 400 without a session
	lookup                // GET of what cannot be a stream
	playlist              // GET of PATH.asx
	describe              // Describe ([MS-WMSP] 2.2.2.1)
	play                  // Play ([MS-WMSP] 2.2.2.6)
	download              // GET by a client that is no MMSH player: the plain form
	setup                 // PushSetup ([MS-WMHTTP] 2.2.2.1)
	start                 // PushStart ([MS-WMHTTP] 2.2.2.2)
	send                  // POST of an ASF stream in chunks, by an encoder that knows no PushStart
)

// request is one classified request, until it is answered. Its texts are parts of
// one copy of its head.
type request struct {
	class    class
	status   int         // asIs: the answer
	event    codec.Event // what the engine is asked once the body has come
	body     int64       // bytes of the body still to come
	keep     bool        // the peer allows the connection to be kept
	expects  bool        // the peer waits for our word before it sends the body
	bare     bool        // HEAD: an answer has no body
	player   bool        // the GET of an MMSH player
	major    int         // version of an NSPlayer or the like; 0 if not told
	switches bool        // has a Supported header and knows what to do with $C
	host     string      // the host that was asked, for playlists
	cseq     string      // asRTSP: the CSeq to echo
	takes    schemes     // what the peer can prove itself with
}

// maxBody is the most bytes of a body that is read past: a player's log has about 3
// KiB. A stream's body is not one of these.
const maxBody = 64 << 10

// Where things are. Prefix and suffixes are compared without case.
const (
	streamsPrefix  = "/streams/"
	pushSuffix     = "_push"
	playlistSuffix = ".asx"
)

// fileSuffixes may follow a stream's name. It is the same stream, but players that go
// by the end of an address (Audacious) then know what it is. No stream's own name has
// a dot.
var fileSuffixes = [...]string{videoSuffix, soundSuffix, ".wmv"}

// What a playlist puts behind the name of a stream.
const (
	videoSuffix = ".asf"
	soundSuffix = ".wma" // of sound alone
)

// classify says what a request is ([MS-WMSP] 2.2.2 and [MS-WMHTTP] 2.2.2, in
// that order of precedence).
func classify(r *http1.Request) *request {
	q := &request{keep: keepsAlive(r), expects: expects(r), bare: r.Method == "HEAD"}
	q.event.Agent = http1.Agent(r.Fields.Get("User-Agent"))
	switch {
	case r.Proto == "RTSP":
		return q.rtsp(r)
	case r.Proto != "HTTP":
		return q.refuse(400, "the request is "+strconv.Quote(http1.Clip(r.Proto))+", not HTTP")
	case r.Major != 1:
		return q.refuse(505, "the request is HTTP/"+strconv.Itoa(r.Major))
	}
	if err := r.CheckHost(); err != nil {
		return q.refuse(400, err.Error())
	}
	at, path, query, ok := http1.SplitTarget(r.Target)
	if !ok {
		return q.refuse(400, "the request's target is "+strconv.Quote(http1.Clip(r.Target)))
	}
	// The target's host counts before the Host field (RFC 9112, 3.2.2).
	if at == "" {
		at = r.Fields.Get("Host")
	}
	q.host = at
	// A token may have got into the path, with an encoded "?": no stream has such a name,
	// but the log has the path.
	path = http1.Redact(http1.NormalPath(path))
	proof := credentials(r, http1.Token(query))
	q.takes = schemesOf(r.Fields)
	if r.Fields.Has("Transfer-Encoding") {
		return q.coded(r, path).proven(proof)
	}
	length, known, err := r.Fields.ContentLength()
	if err != nil {
		return q.refuse(400, err.Error())
	}
	q.body = length
	q.method(r, path, known)
	if q.class != start && q.body > maxBody {
		return q.refuse(413, "the request's body has "+strconv.FormatInt(q.body, 10)+" bytes")
	}
	return q.proven(proof)
}

// coded classifies a request whose body comes in a transfer coding. A length that two
// readers see differently is a hole (RFC 9112, 6.1), so only plain chunks are taken,
// and only where they bring a stream: neither players nor encoders of the protocol
// ever chunk ([MS-WMHTTP] 2.2.1).
func (q *request) coded(r *http1.Request, path string) *request {
	_, isPush, _ := cutName(path, pushSuffix)
	switch {
	case r.Method == "POST" && !isPush:
		return q.refuse(501, "the request has a Transfer-Encoding, and its path does not end in "+pushSuffix+", as an encoder's does")
	case r.Method != "POST":
		return q.refuse(501, "the request has a Transfer-Encoding")
	case isPushType(mediaType(r)):
		return q.refuse(411, "the encoder pushes in chunks, but its protocol needs a Content-Length")
	case r.Minor == 0 || r.Fields.Has("Content-Length") || !isChunked(r.Fields):
		return q.refuse(400, "the length of the encoder's body is ambiguous")
	}
	q.push(send, codec.Publish, r, path)
	return q
}

// isChunked reports whether a body is wrapped in chunks and nothing else.
func isChunked(f http1.Fields) bool {
	n := 0
	for v := range f.All("Transfer-Encoding") {
		if n++; !strings.EqualFold(v, "chunked") {
			return false
		}
	}
	return n == 1
}

func (q *request) method(r *http1.Request, path string, known bool) {
	switch r.Method {
	case "GET", "HEAD":
		q.get(r, path)
	case "POST":
		q.post(r, path, known)
	case "OPTIONS":
		q.reply(options)
	case "PUT", "DELETE", "PATCH", "TRACE", "CONNECT":
		q.unserved(405, r, path)
	default:
		q.unserved(501, r, path)
	}
}

// unserved refuses a method. Some programs push with PUT, or with one of their own.
func (q *request) unserved(status int, r *http1.Request, path string) {
	what := "the request's method is " + strconv.Quote(http1.Clip(r.Method))
	if _, isPush, _ := cutName(path, pushSuffix); isPush {
		what += ": " + howToPush
	}
	q.refuse(status, what)
}

// get classifies GET and HEAD. A Windows download reader calls itself NSPlayer
// too, but has a WMFSDK token and nothing of the protocol in its Pragma lines:
// it wants a file ([MS-WMSP] 3.2.5.1).
func (q *request) get(r *http1.Request, path string) {
	p := readPragma(r.Fields)
	if p.agent != "" {
		q.event.Agent = http1.Agent(p.agent + " via " + r.Fields.Get("User-Agent"))
	}
	q.player, q.major = player(r.Fields.Get("User-Agent"))
	q.event.Pump = q.player && http1.HasProduct(r.Fields.Get("User-Agent"), pumpProduct)
	if q.player && !p.known && strings.Contains(strings.ToLower(r.Fields.Get("User-Agent")), "wmfsdk/") {
		q.player = false
	}
	name, isList, ok := cutName(path, playlistSuffix)
	q.event.Path = name
	switch {
	case r.Fields.Has("x-sessioncookie"):
		// RTSP within HTTP, which VLC tries after any refusal by RTSP but 401 and 404. A
		// stream of this protocol is nothing that it could use.
		q.refuse(501, "the request asks for RTSP within HTTP, which is not spoken here: let the player use TCP alone")
	case path == "/":
		q.reply(rootPage)
	case !ok:
		q.ask(lookup, codec.Lookup)
	case isList:
		q.ask(playlist, codec.Lookup)
	case q.player:
		q.event.Session = viewerKey(p.client)
		q.switches = q.major >= 9 && r.Fields.Has("Supported")
		q.asked(p)
	default:
		q.event.Form = codec.Plain
		q.ask(download, codec.Play)
	}
	if q.bare {
		q.onlyLooks()
	}
}

// onlyLooks makes a HEAD of what would be a GET: it is answered the same, but opens
// no session.
func (q *request) onlyLooks() {
	switch q.class {
	case describe, play, download:
		q.event = codec.Event{Kind: codec.Lookup, Path: q.event.Path, Agent: q.event.Agent, Pump: q.event.Pump}
	}
}

// asked sub-classifies a player's GET. By the letter xPlayStrm=1 alone makes it a
// Play ([MS-WMSP] 2.2.2.6). PeerCastStation up to 2.9 leaves it out and only mentions
// a selection, as no Describe does ([MS-WMSP] 2.2.2.1); other servers take that for a
// Play too. A selection within a session is SelectStream.
func (q *request) asked(p pragma) {
	switch {
	case p.pipeline, p.next && !p.play:
		q.refuse(400, "the request follows only from an experiment that is not offered here")
	case p.selects && !p.play && p.client != 0:
		q.ask(session, codec.Control)
	case p.play, p.chooses && !p.noPlay:
		q.ask(play, codec.Play)
		q.event.Switch = q.switches
	default:
		q.ask(describe, codec.Describe)
	}
}

// post classifies POST: what an encoder sends, and what a player says besides
// its two GETs.
func (q *request) post(r *http1.Request, path string, known bool) {
	p := readPragma(r.Fields)
	q.event.Path, _, _ = cutName(path, "")
	q.event.Session = viewerKey(p.client)
	switch media := mediaType(r); {
	case media == "application/x-wms-pushsetup":
		q.push(setup, codec.Setup, r, path)
	case media == "application/x-wms-pushstart":
		q.pushStart(r, path, known)
	case media == "application/x-wms-logstats", p.log:
		q.note(logLine)
	case media == "application/x-wms-sendevent":
		q.note(asIs)
	case media == "application/x-wms-getcontentinfo":
		q.answer(200)
	case p.selects:
		q.ask(session, codec.Control)
	case p.keepAlive:
		q.ask(session, codec.Control)
		q.keep = false // [MS-WMSP] 3.2.5.8
	case p.stop:
		q.ask(session, codec.Stop)
	default:
		q.unknownPost(media, path)
	}
}

// unknownPost refuses a POST that is none of the known requests.
func (q *request) unknownPost(media, path string) {
	what := "the request is a POST of " + strconv.Quote(http1.Clip(media))
	if media == "" {
		what = "the request is a POST without a Content-Type"
	}
	if _, isPush, _ := cutName(path, pushSuffix); isPush {
		q.refuse(415, what+" to an encoder's address: "+howToPush)
		return
	}
	q.refuse(400, what+", and none of a player's or an encoder's")
}

// mediaType is a request's media type, in lower case and without parameters.
func mediaType(r *http1.Request) string {
	media, _, _ := strings.Cut(r.Fields.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// isPushType reports whether a media type is one of an encoder's.
func isPushType(media string) bool {
	return media == "application/x-wms-pushsetup" || media == "application/x-wms-pushstart"
}

// pushStart tells a body of packets from the empty one of a request that only
// announces itself. Only its length ends it ([MS-WMHTTP] 3.1.4.2.1).
func (q *request) pushStart(r *http1.Request, path string, known bool) {
	switch {
	case !known:
		q.refuse(411, "the encoder's PushStart has no Content-Length, which is the only end that it has")
	case q.body == 0:
		q.push(setup, codec.Setup, r, path)
	default:
		q.push(start, codec.Publish, r, path)
	}
}

// push is a request of an encoder. A target without the suffix that makes it
// an encoder's is kept whole: no stream has such a name.
func (q *request) push(c class, k codec.Kind, r *http1.Request, path string) {
	q.ask(c, k)
	q.event.Session = pushKey(r.Fields)
	q.event.Path = path
	if name, isPush, _ := cutName(path, pushSuffix); isPush {
		q.event.Path = name
	}
}

// rtsp refuses at once: a player that asks us for RTSP goes on with HTTP as soon as
// it is refused.
func (q *request) rtsp(r *http1.Request) *request {
	q.reply(asRTSP)
	if n, err := strconv.ParseUint(r.Fields.Get("CSeq"), 10, 32); err == nil {
		q.cseq = strconv.FormatUint(n, 10)
	}
	return q
}

// ask makes the request a question to the engine.
func (q *request) ask(c class, k codec.Kind) { q.class, q.event.Kind = c, k }

// reply makes the request one that concerns no stream.
func (q *request) reply(c class) { q.class, q.event.Kind = c, codec.Reply }

// answer makes the request one with a fixed answer.
func (q *request) answer(status int) {
	q.reply(asIs)
	q.status = status
}

// note makes the request one that is accepted whatever it says; a session that it
// names lives on.
func (q *request) note(c class) {
	q.reply(c)
	q.status = 200
	if q.event.Session != 0 {
		q.event.Kind = codec.Control
	}
}

// refuse makes the request a breach of the protocol. We do not wait for its body.
func (q *request) refuse(status int, what string) *request {
	*q = request{class: asIs, status: status, bare: q.bare,
		event: codec.Event{Kind: codec.Bad, Agent: q.event.Agent, Err: &requestError{what}}}
	return q
}

// requestError is a request that broke the protocol; the text is the
// operator's sentence.
type requestError struct{ what string }

func (e *requestError) Error() string { return e.what }

// keepsAlive reports whether the peer lets us keep the connection.
func keepsAlive(r *http1.Request) bool {
	if r.Fields.Token("Connection", "close") {
		return false
	}
	return r.Minor >= 1 || r.Fields.Token("Connection", "keep-alive")
}

// expects reports whether the peer holds the body back until it hears from us
// (RFC 9110, 10.1.1).
func expects(r *http1.Request) bool {
	return r.Minor >= 1 && r.Fields.Token("Expect", "100-continue")
}

// player reports whether a User-Agent is an MMSH player's, and its major version
// ([MS-WMSP] 2.2.1.9).
func player(agent string) (ok bool, major int) {
	product, _, _ := strings.Cut(agent, " ")
	name, version, _ := strings.Cut(product, "/")
	switch strings.ToLower(name) {
	case "nsplayer", "nsserver", "wmcacheproxy":
	default:
		return false, 0
	}
	version, _, _ = strings.Cut(version, ".")
	major, err := strconv.Atoi(version)
	if err != nil || major < 0 {
		major = 0
	}
	return true, major
}

// cutName takes the stream's name out of a path, and off it a suffix that says what
// is wanted of the stream, or, without one, the end that a file would have. A path
// that cannot name a stream is given back whole and ok is false: the engine will not
// find it either.
func cutName(path, suffix string) (name string, cut, ok bool) {
	if len(path) <= len(streamsPrefix) || !strings.EqualFold(path[:len(streamsPrefix)], streamsPrefix) {
		return path, false, false
	}
	name = strings.TrimSuffix(path[len(streamsPrefix):], "/")
	if name, cut = cutSuffix(name, suffix); !cut {
		for _, s := range fileSuffixes {
			if trimmed, is := cutSuffix(name, s); is {
				name = trimmed
				break
			}
		}
	}
	if !isName(name) {
		return path, false, false
	}
	return name, cut, true
}

// cutSuffix takes a suffix off a name in any letter case, if something is left.
func cutSuffix(name, suffix string) (string, bool) {
	if i := len(name) - len(suffix); suffix != "" && i > 0 && strings.EqualFold(name[i:], suffix) {
		return name[:i], true
	}
	return name, false
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}
