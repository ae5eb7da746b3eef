package mmsh

import (
	"time"

	"streampump/codec"
	"streampump/codec/http1"
)

// Options are what a [Protocol] is told about the program it is part of.
type Options struct {
	Product string // the program's name for people, e.g. "Stream Pump"
	Version string // its version; may be empty
	// MaxHead is the most bytes of one request head; 0 means [http1.MaxHead].
	MaxHead int
	// Timeout is how long a session lives without a request, as peers are
	// told ([MS-WMSP] 2.2.1.4.36). Their keep-alives follow from it, so it
	// must not be above the engine's own. 0 means [DefaultTimeout].
	Timeout time.Duration
	// Page gives the text of a page outside "/streams/", if there is one at that path,
	// as a CA asks for that examines the host. Any goroutine may call it, and it must
	// not wait for anything. nil: there are none.
	Page func(path string) (text string, ok bool)
}

// DefaultTimeout is the lifetime of an idle session ([MS-WMSP] 3.2.2).
const DefaultTimeout = 60 * time.Second

// What we call ourselves. Players and encoders refuse a server whose name is not one
// of Microsoft's ([MS-WMSP] 3.1.5.3, [MS-WMHTTP] 3.1.5.1).
const (
	// viewerServer is what a live encoder calls itself. A Cougar of version 9
	// would owe players of version 9 a $M, which no other player survives.
	viewerServer = "Rex/12.0.7600.16385"
	// encoderServer is what encoders have been told since the original Stream Pump.
	encoderServer = "Cougar/9.6.7600.16564"
)

// Protocol is the server's side of MMSH. It is immutable; its methods may be
// called from any goroutine.
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
func (p *Protocol) Name() string { return "mmsh" }

// Classify implements [codec.Protocol]. It claims whatever begins like a request of
// HTTP or RTSP, which gets an answer in words, and MMST, which players try first for
// mms:// and which must be let down gently.
func (p *Protocol) Classify(first []byte) codec.Claim {
	switch speechOf(first) {
	case unclear:
		return codec.NeedMore
	case speaksHTTP, speaksMMST:
		return codec.Mine
	}
	return codec.NotMine
}

// speech is what a connection speaks, by its first bytes.
type speech uint8

const (
	unclear       speech = iota // there are too few of them
	speaksHTTP                  // or RTSP
	speaksMMST                  // a player's first try for mms://
	speaksUnknown               // what begins neither
)

// tells is how many first bytes always tell what a connection speaks: a method is
// known by fewer, and the mark of MMST ends with the eighth.
const tells = 8

// speechOf looks at the first bytes of a connection, at most
// [tells] of them.
func speechOf(first []byte) speech {
	first = first[:min(len(first), tells)]
	begun := false // the first line has: empty ones before it are passed over
	for _, c := range first {
		switch {
		case begun && (c == ' ' || c == '\r' || c == '\n'):
			// A method, or a line too short for a request, which is told so.
			return speaksHTTP
		case http1.IsTokenByte(c):
			begun = true
		case c == '\r', c == '\n':
		default:
			return mmstOrNot(first)
		}
	}
	if len(first) == tells {
		return speaksHTTP
	}
	return unclear
}

// mmstMark is what every MMST message has in its bytes 4 to 7; the four
// before it are a version and a counter ([MS-MMSP] 2.2.3).
const mmstMark = "\xCE\xFA\x0B\xB0"

// mmstOrNot judges first bytes that begin no request.
func mmstOrNot(first []byte) speech {
	const at = 4
	have := first[min(len(first), at):]
	switch {
	case string(have) != mmstMark[:len(have)]:
		return speaksUnknown
	case len(have) < len(mmstMark):
		return unclear
	}
	return speaksMMST
}

// Accept implements [codec.Protocol].
func (p *Protocol) Accept(peer codec.Peer) codec.Session {
	return &server{p: p, local: peer.Local, secure: peer.Secure}
}

// AppendRefusal implements [codec.Protocol].
func (p *Protocol) AppendRefusal(dst []byte, c codec.Cause) []byte {
	r := refuseCause(c)
	r.proto, r.server = http10, viewerServer
	return p.appendRefusal(dst, r)
}
