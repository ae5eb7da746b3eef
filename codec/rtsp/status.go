package rtsp

import (
	"strconv"
	"strings"
	"time"

	"streampump/codec"
	"streampump/codec/http1"
)

// The statuses that RTSP has and HTTP has not, or calls otherwise (RFC 2326, 7.1.1).
const (
	statusTooLarge     = 413
	statusNoRoom       = 453
	statusNoSession    = 454
	statusWrongState   = 455
	statusNotTogether  = 459
	statusOnlyTogether = 460
	statusTransport    = 461
	statusVersion      = 505
	statusOption       = 551
)

// phrase is what goes with a status.
func phrase(status int) string {
	switch status {
	case statusTooLarge:
		return "Request Entity Too Large"
	case statusNoRoom:
		return "Not Enough Bandwidth"
	case statusNoSession:
		return "Session Not Found"
	case statusWrongState:
		return "Method Not Valid in This State"
	case statusNotTogether:
		return "Aggregate Operation Not Allowed"
	case statusOnlyTogether:
		return "Only Aggregate Operation Allowed"
	case statusTransport:
		return "Unsupported Transport"
	case statusVersion:
		return "RTSP Version Not Supported"
	case statusOption:
		return "Option not supported"
	default:
		return http1.Reason(status)
	}
}

// allowed is the methods that are served. Players look for GET_PARAMETER in it, and keep
// alive with OPTIONS if they do not find it.
const allowed = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER, ANNOUNCE, RECORD"

// appendStatus begins an answer. cseq is that of the request, as it was spelled; empty
// if there is none.
func (p *Protocol) appendStatus(dst []byte, cseq string, status int) []byte {
	dst = append(dst, "RTSP/1.0 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(append(append(dst, ' '), phrase(status)...), "\r\n"...)
	if cseq != "" {
		dst = http1.AppendField(dst, "CSeq", cseq)
	}
	if p.o.Server != "" {
		dst = http1.AppendField(dst, "Server", p.o.Server)
	}
	return dst
}

// appendSession names the session, with the time that it lives directly behind it, where
// ffmpeg looks for it.
func (p *Protocol) appendSession(dst []byte, id uint64) []byte {
	if id == 0 {
		return dst
	}
	dst = appendHex(append(dst, "Session: "...), "0123456789abcdef", id, 16)
	dst = append(dst, ";timeout="...)
	dst = strconv.AppendInt(dst, int64(max(p.o.Timeout/time.Second, 1)), 10)
	return append(dst, "\r\n"...)
}

// appendHex appends the last n of a number's 16 hexadecimal digits.
func appendHex(dst []byte, digits string, v uint64, n int) []byte {
	for shift := 4 * (n - 1); shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&15])
	}
	return dst
}

// refusal is an answer that says no.
type refusal struct {
	status      int
	text        string // the operator's sentence; empty sends none
	location    string // of a 302
	unsupported string // of a 551
	retry       time.Duration
	challenge   *codec.Challenge // of a 401
	closes      bool             // no further request is taken on the connection
}

func (p *Protocol) appendRefusal(dst []byte, cseq string, r refusal) []byte {
	dst = p.appendStatus(dst, cseq, r.status)
	switch {
	case r.location != "":
		dst = http1.AppendField(dst, "Location", r.location)
	case r.unsupported != "":
		dst = http1.AppendField(dst, "Unsupported", r.unsupported)
	case r.challenge != nil:
		dst = appendChallenge(dst, r.challenge)
	case r.status == 405:
		dst = http1.AppendField(dst, "Allow", allowed)
	}
	if r.retry > 0 {
		dst = http1.AppendInt(dst, "Retry-After", int64((r.retry+time.Second-1)/time.Second))
	}
	if r.closes {
		dst = http1.AppendField(dst, "Connection", "close")
	}
	if r.text != "" {
		dst = http1.AppendField(dst, "Content-Type", "text/plain; charset=utf-8")
		dst = http1.AppendInt(dst, "Content-Length", int64(len(r.text)+1))
		return append(append(http1.AppendBlank(dst), r.text...), '\n')
	}
	return http1.AppendBlank(dst)
}

// refuseVerdict is the refusal that a verdict calls for. VLC takes any status but 401
// and 404 for a sign that it should try RTSP within HTTP, so a stream that is known and
// not up is not found either.
func refuseVerdict(v *codec.Verdict) refusal {
	r := refusal{status: 404, text: v.Text(), retry: v.RetryAfter, closes: true}
	switch v.Code {
	case codec.Full:
		r.status = statusNoRoom
	case codec.Busy, codec.Refused, codec.Forbidden:
		r.status = 403
	case codec.NoSession:
		r.status, r.closes = statusNoSession, false
	case codec.Unproven:
		r.status, r.challenge, r.closes = 401, v.Challenge, false
	case codec.Slowed, codec.Undecided:
		r.status = 503
	}
	return r
}

// isElsewhere reports whether an address is one that players of RTSP can follow: the
// engine's may be those of other protocols, or of web pages.
func isElsewhere(location string) bool {
	scheme, _, ok := strings.Cut(strings.ToLower(location), "://")
	return ok && (scheme == "rtsp" || scheme == "rtsps")
}

// causeRetry is after how long a peer for whom there was no room may try again.
const causeRetry = 10 * time.Second

// refuseCause is the refusal that a cause calls for, where one can be given.
func refuseCause(c codec.Cause, reason string) refusal {
	r := refusal{closes: true}
	if r.status, r.text = causeStatus(c); c == codec.CauseFull {
		r.retry = causeRetry
	}
	if reason != "" {
		r.text = reason
	}
	return r
}

// causeStatus is the status and the sentence of a cause.
func causeStatus(c codec.Cause) (status int, text string) {
	switch c {
	case codec.CauseEnded:
		return 404, "the stream is over"
	case codec.CauseIdle:
		return 408, "nothing came for too long"
	case codec.CauseTaken:
		return 403, "another encoder took the stream over"
	case codec.CauseFull:
		return 503, "no room for another connection"
	case codec.CauseHeadLate:
		return 408, "no complete request came in time"
	case codec.CauseRefused:
		return 403, "the stream cannot take this"
	case codec.CauseClear:
		return 400, "this port speaks TLS: write rtsps:// in front of the address"
	case codec.CauseShutdown:
		return 503, "the server is going down"
	default:
		return 503, "the server cannot go on"
	}
}
