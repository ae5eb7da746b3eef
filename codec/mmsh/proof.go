package mmsh

import (
	"streampump/codec"
	"streampump/codec/http1"
	"streampump/codec/proof"
)

// Who a peer is, it proves with a token in its address, or with an Authorization.
//
// A challenge goes out on the same connection that its answer comes on, as NTLM made
// both players and encoders used to ([MS-WMSP] 3.2.5.1, [MS-WMHTTP] 3.2.5.1). An
// encoder proves itself at PushSetup; its PushStart is known by the push-id of that,
// and brings nothing else (Windows Media Encoder 9). A peer is refused for good only
// before a body that it has begun to send: the connection is closed then.

// credentials are what a request brings; nil if that is nothing.
func credentials(r *http1.Request, token string) *codec.Credentials {
	return proof.Of(r.Fields, r.Method, token, func(d *http1.Digest) bool { return d.For(r.Target) })
}

// proven gives a request that is asked about a stream what its peer brought.
func (q *request) proven(c *codec.Credentials) *request {
	switch q.event.Kind {
	case codec.Lookup, codec.Describe, codec.Play, codec.Setup, codec.Publish:
		q.event.Credentials = c
	}
	return q
}

// schemes are the ways to prove oneself that a peer says it knows. None says nothing.
type schemes uint8

const (
	takesDigest schemes = 1 << iota
	takesBasic
)

// schemesOf reads X-Accept-Authentication ([MS-WMSP] 3.2.5.1, [MS-WMHTTP] 3.2.5.1).
func schemesOf(f http1.Fields) (s schemes) {
	if f.Token("X-Accept-Authentication", "Digest") {
		s |= takesDigest
	}
	if f.Token("X-Accept-Authentication", "Basic") {
		s |= takesBasic
	}
	return s
}

// appendChallenge asks for a proof: in the ways that the peer says it knows, or in all
// if it knows none of them. Encoders take Basic without saying so ([MS-WMHTTP] notes
// 2 to 5). SHA-256 comes first, and MD5 behind it: curl takes the first that it
// knows, and ffmpeg, which does not know SHA-256, the last.
func appendChallenge(dst []byte, c *codec.Challenge, takes schemes) []byte {
	digest, basic := c.MD5 || c.SHA256, c.Basic
	if digest && takes&takesDigest != 0 || basic && takes&takesBasic != 0 {
		digest, basic = digest && takes&takesDigest != 0, basic && takes&takesBasic != 0
	}
	if digest && c.SHA256 {
		dst = http1.AppendDigestChallenge(dst, c.Realm, c.Nonce, "SHA-256", c.Stale)
	}
	if digest && c.MD5 {
		dst = http1.AppendDigestChallenge(dst, c.Realm, c.Nonce, "MD5", c.Stale)
	}
	if basic {
		dst = http1.AppendBasicChallenge(dst, c.Realm)
	}
	return dst
}

// refuse sends a refusal, and lets the connection go on if the peer is to try again
// and owes us no body.
func (p *Protocol) refuse(dst []byte, q *request, v *codec.Verdict, r refusal) ([]byte, codec.Next) {
	r.keep = v.Code == codec.Unproven && q.keep && q.class != start && q.class != send
	r.takes = q.takes
	dst = p.appendRefusal(dst, r)
	if r.keep {
		return dst, codec.Keep
	}
	return dst, codec.Close
}
