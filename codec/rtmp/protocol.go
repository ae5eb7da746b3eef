package rtmp

import (
	"streampump/codec"
)

// Options are what a [Protocol] is told about the program it is part of.
type Options struct {
	// Server is what the program calls itself in the answer to connect, as in
	// "Stream-Pump/1.2"; empty sends nothing.
	Server string
}

// Protocol is the server's side of RTMP. It is immutable; its methods may be called from
// any goroutine.
type Protocol struct{ o Options }

var _ codec.Protocol = (*Protocol)(nil)

// NewProtocol makes the protocol.
func NewProtocol(o Options) *Protocol { return &Protocol{o: o} }

// Name implements [codec.Protocol].
func (p *Protocol) Name() string { return "rtmp" }

// Classify implements [codec.Protocol]: the first byte is the version. No method of HTTP
// or RTSP begins with it, nor does a message of MMST.
func (p *Protocol) Classify(first []byte) codec.Claim {
	switch {
	case len(first) == 0:
		return codec.NeedMore
	case first[0] == version:
		return codec.Mine
	default:
		return codec.NotMine
	}
}

// Accept implements [codec.Protocol].
func (p *Protocol) Accept(codec.Peer) codec.Session {
	return &server{p: p, in: chunks{limits: tight}, shake: new(shaking)}
}

// AppendRefusal implements [codec.Protocol]. A peer that has not shaken hands
// understands nothing.
func (p *Protocol) AppendRefusal(dst []byte, _ codec.Cause) []byte { return dst }
