package mmsh

import (
	"strconv"
	"time"

	"streampump/codec"
	"streampump/codec/http1"
)

// Versions that answers are written in.
const (
	http10 = "HTTP/1.0" // to GET: nothing of 1.1 is promised
	http11 = "HTTP/1.1" // to POST and OPTIONS
)

// Media types. Players compare them letter by letter and accept no parameters.
const (
	describeType = "application/vnd.ms.wms-hdr.asfv1"
	playType     = "application/x-mms-framed"
	plainType    = "video/x-ms-asf"
	playlistType = "video/x-ms-asf"
	textType     = "text/plain; charset=utf-8"
)

const (
	// redirectable is the first version of NSPlayer that follows a 302 ([MS-WMSP] 3.2.5.4).
	redirectable = 7
	// resettable is the first that may be sent xResetStrm: older ones then
	// want two headers before the data ([MS-WMSP] 3.2.5.6).
	resettable = 7

	// features: broadcast comes first, because MPlayer reads up to the
	// comma; never seekable, because VLC and libmms would then seek.
	features = `features="broadcast,playlist"`
	// viewerSupported is what we support: a stream goes on after $C without being
	// asked, and SelectStream is answered ([MS-WMSP] 2.2.1.7).
	viewerSupported = "com.microsoft.wm.predstrm, com.microsoft.wm.sswitch"
	// encoderSupported means nothing in a push; every server sends it.
	encoderSupported = "com.microsoft.wm.srvppair, com.microsoft.wm.sswitch, " +
		"com.microsoft.wm.predstrm, com.microsoft.wm.fastcache, com.microsoft.wm.startupprofile"
)

// appendViewer appends what every answer to a player's GET says ([MS-WMSP]
// 2.2.2.1, 2.2.2.6), a Pragma line for each token as encoders do.
func (p *Protocol) appendViewer(dst []byte, q *request, v *codec.Verdict) []byte {
	dst = p.appendSession(dst, v.Session)
	dst = http1.AppendField(dst, "Pragma", features)
	if v.Replaced && q.major >= resettable {
		dst = http1.AppendField(dst, "Pragma", "xResetStrm=1")
	}
	if q.switches {
		dst = http1.AppendField(dst, "Supported", viewerSupported)
	}
	return dst
}

// appendSession appends what every answer within a session says.
func (p *Protocol) appendSession(dst []byte, key uint64) []byte {
	dst = http1.AppendField(dst, "Server", viewerServer)
	dst = http1.AppendField(dst, "Cache-Control", "no-cache")
	dst = http1.AppendField(dst, "Pragma", "no-cache")
	if key != 0 {
		dst = append(dst, "Pragma: client-id="...)
		dst = appendClientID(dst, key)
		dst = append(dst, "\r\n"...)
	}
	return p.appendTimeout(append(dst, "Pragma: "...))
}

func (p *Protocol) appendTimeout(dst []byte) []byte {
	dst = append(dst, "timeout="...)
	dst = strconv.AppendInt(dst, p.o.Timeout.Milliseconds(), 10)
	return append(dst, "\r\n"...)
}

// appendAccepted is the 204 that an encoder gets after PushSetup and at the end of a
// PushStart's body ([MS-WMHTTP] 3.2.5.1). Encoders compare the names of header fields
// letter by letter.
func (p *Protocol) appendAccepted(dst []byte, key uint64, keep bool) ([]byte, codec.Next) {
	dst = http1.AppendStatus(dst, http11, 204)
	dst = http1.AppendField(dst, "Server", encoderServer)
	dst = http1.AppendInt(dst, "Content-Length", 0)
	dst = p.appendTimeout(append(dst, "Pragma: no-cache, "...))
	dst = http1.AppendField(dst, "Cache-Control", "no-cache")
	if key != 0 {
		dst = append(dst, "Set-Cookie: push-id="...)
		dst = appendPushID(dst, key)
		dst = append(dst, "\r\n"...)
	}
	dst = http1.AppendField(dst, "Supported", encoderSupported)
	dst, next := appendConnection(dst, keep)
	return http1.AppendBlank(dst), next
}

// appendBody ends a head and appends the whole body. A 204 states its length too:
// players wait for that.
func appendBody(dst []byte, body string, q *request) ([]byte, codec.Next) {
	dst = http1.AppendInt(dst, "Content-Length", int64(len(body)))
	dst, next := appendConnection(dst, q.keep)
	dst = http1.AppendBlank(dst)
	if !q.bare {
		dst = append(dst, body...)
	}
	return dst, next
}

// appendEndless ends the head of a body that lasts as long as the connection.
func appendEndless(dst []byte, q *request) ([]byte, codec.Next) {
	dst = http1.AppendField(dst, "Connection", "close")
	if q.bare {
		return http1.AppendBlank(dst), codec.Close
	}
	return http1.AppendBlank(dst), codec.Stream
}

// appendConnection says how the connection goes on. VLC and libmms read a
// Describe to the end of the connection unless it says Keep-Alive.
func appendConnection(dst []byte, keep bool) ([]byte, codec.Next) {
	if keep {
		return http1.AppendField(dst, "Connection", "Keep-Alive"), codec.Keep
	}
	return http1.AppendField(dst, "Connection", "close"), codec.Close
}

// refusal is an error answer.
type refusal struct {
	proto, server string
	status        int
	text          string // the operator's sentence; may be empty
	location      string // 302 only
	retry         time.Duration
	bare          bool             // HEAD: no body
	keep          bool             // the connection may be kept (401 only)
	challenge     *codec.Challenge // 401 only
	takes         schemes          // and what of it the peer can answer
}

func (p *Protocol) appendRefusal(dst []byte, r refusal) []byte {
	text := r.text
	if text == "" {
		text = http1.Reason(r.status)
	}
	text += "\n"
	dst = http1.AppendStatus(dst, r.proto, r.status)
	dst = http1.AppendField(dst, "Server", r.server)
	dst = http1.AppendField(dst, "Cache-Control", "no-cache")
	if r.location != "" {
		dst = http1.AppendField(dst, "Location", r.location)
	}
	if r.retry > 0 {
		dst = http1.AppendInt(dst, "Retry-After", int64((r.retry+time.Second-1)/time.Second))
	}
	if r.challenge != nil {
		dst = appendChallenge(dst, r.challenge, r.takes)
	}
	if r.status == 405 {
		dst = http1.AppendField(dst, "Allow", "GET, HEAD, POST, OPTIONS")
	}
	dst = http1.AppendField(dst, "Content-Type", textType)
	dst = http1.AppendInt(dst, "Content-Length", int64(len(text)))
	dst, _ = appendConnection(dst, r.keep)
	dst = http1.AppendBlank(dst)
	if r.bare {
		return dst
	}
	return append(dst, text...)
}

// refuseVerdict is the refusal that a verdict calls for.
func refuseVerdict(v *codec.Verdict) refusal {
	r := refusal{status: 404, text: v.Text(), retry: v.RetryAfter}
	switch v.Code {
	case codec.NotUp, codec.Full, codec.Undecided:
		r.status = 503
	case codec.Busy:
		r.status = 409
	case codec.NoSession:
		r.status = 400
	case codec.Refused:
		r.status = 422
	case codec.Unproven:
		r.status, r.challenge = 401, v.Challenge
	case codec.Forbidden:
		r.status = 403
	case codec.Slowed:
		r.status = 429
	}
	return r
}

// causeRetry is after how long a peer for whom there was no room may try again.
const causeRetry = 10 * time.Second

// refuseCause is the refusal that a cause calls for, where one can be given.
func refuseCause(c codec.Cause) refusal {
	r := refusal{}
	r.status, r.text = causeStatus(c)
	if c == codec.CauseFull {
		r.retry = causeRetry
	}
	return r
}

// causeStatus is the status and the sentence of a cause.
func causeStatus(c codec.Cause) (status int, text string) {
	switch c {
	case codec.CauseEnded:
		return 410, "the stream is over"
	case codec.CauseIdle:
		return 408, "nothing came for too long"
	case codec.CauseTaken:
		return 409, "another encoder took the stream over"
	case codec.CauseFull:
		return 503, "no room for another connection"
	case codec.CauseHeadLate:
		return 408, "no complete request came in time"
	case codec.CauseRefused:
		return 422, "the stream cannot take this"
	case codec.CauseClear:
		return 400, "this port speaks TLS: write https:// in front of the address"
	case codec.CauseShutdown:
		return 503, "the server is going down"
	default:
		return 503, "the server cannot go on"
	}
}

// appendRTSP refuses RTSP, but not with a status that stops a player from trying HTTP
// next, as those for authentication and for a full server do.
func appendRTSP(dst []byte, cseq string) []byte {
	dst = append(dst, "RTSP/1.0 400 Bad Request\r\n"...)
	if cseq != "" {
		dst = http1.AppendField(dst, "CSeq", cseq)
	}
	dst = http1.AppendField(dst, "Connection", "close")
	return http1.AppendBlank(dst)
}
