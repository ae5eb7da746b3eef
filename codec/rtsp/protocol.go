package rtsp

import (
	"strings"
	"time"

	"streampump/codec"
	"streampump/codec/http1"
)

// Options are what a [Protocol] is told about the program it is part of.
type Options struct {
	// Server is what the program calls itself in answers, as in "Stream-Pump/1.2"; empty
	// sends nothing.
	Server string
	// MaxHead is the most bytes of one request head; 0 means [http1.MaxHead].
	MaxHead int
	// Timeout is how long a session lives without a request, as peers are told (RFC 2326,
	// 12.37). Their keep-alives follow from it, so it must not be above the engine's own.
	// Peers are told whole seconds. 0 means [DefaultTimeout].
	Timeout time.Duration
}

// DefaultTimeout is the lifetime of an idle session (RFC 2326, 12.37).
const DefaultTimeout = 60 * time.Second

// Protocol is the server's side of RTSP. It is immutable; its methods may be called from
// any goroutine.
type Protocol struct{ o Options }

var _ codec.Protocol = (*Protocol)(nil)

// NewProtocol makes the protocol.
func NewProtocol(o Options) *Protocol {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	return &Protocol{o: o}
}

// Name implements [codec.Protocol].
func (p *Protocol) Name() string { return "rtsp" }

// Classify implements [codec.Protocol]. It claims what begins with a method that HTTP
// does not have, with one of either about an address of RTSP, and with OPTIONS about
// none ("*") of RTSP's version. Empty lines may come first.
func (p *Protocol) Classify(first []byte) codec.Claim {
	first = first[:min(len(first), codec.MaxClassify)]
	claim := claimOf(strings.TrimLeft(string(first), "\r\n"))
	if claim == codec.NeedMore && len(first) == codec.MaxClassify {
		return codec.NotMine
	}
	return claim
}

// claimOf judges the beginning of a request's first line.
func claimOf(line string) codec.Claim {
	i := 0
	for i < len(line) && http1.IsTokenByte(line[i]) {
		i++
	}
	method, rest := line[:i], line[i:]
	switch {
	case rest == "":
		return codec.NeedMore
	case rest[0] != ' ' || method == "":
		return codec.NotMine
	case isOurs(method):
		return codec.Mine
	}
	if rest = strings.TrimLeft(rest, " "); method == "OPTIONS" && strings.HasPrefix(rest, "*") {
		return startsWith(strings.TrimLeft(rest[1:], " "), "rtsp")
	}
	return startsWith(rest, "rtsp")
}

// startsWith reports whether a text that may be cut short begins with a word, in any letter
// case.
func startsWith(s, word string) codec.Claim {
	n := min(len(s), len(word))
	switch {
	case !strings.EqualFold(s[:n], word[:n]):
		return codec.NotMine
	case n < len(word):
		return codec.NeedMore
	}
	return codec.Mine
}

// isOurs reports whether a method is of RTSP and not of HTTP.
func isOurs(method string) bool {
	return verbOf(method) != verbUnknown && method != "OPTIONS"
}

// Accept implements [codec.Protocol].
func (p *Protocol) Accept(peer codec.Peer) codec.Session {
	return &server{p: p, port: peer.Datagrams}
}

// AppendRefusal implements [codec.Protocol].
func (p *Protocol) AppendRefusal(dst []byte, c codec.Cause) []byte {
	return p.appendRefusal(dst, "", refuseCause(c, ""))
}
