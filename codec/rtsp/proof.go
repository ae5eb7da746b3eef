package rtsp

import (
	"streampump/codec"
	"streampump/codec/http1"
	"streampump/codec/proof"
)

// Who a peer is, it proves with a token in its address, or with an Authorization, as in
// HTTP (RFC 2326, 14). A challenge goes out on the connection that its answer comes on.
// Players send their Authorization with every further request, but ask for tracks and
// packets at the addresses that we gave them, which have no token: the one that they
// came with stays good on its connection.

// credentials are what a request brings, or its connection has brought; nil if that is
// nothing.
func credentials(r *http1.Request, at *target, came string) *codec.Credentials {
	token := at.token
	if token == "" {
		token = came
	}
	return proof.Of(r.Fields, r.Method, token, func(d *http1.Digest) bool { return at.sameStream(d.URI) })
}

// appendChallenge asks for a proof. live555 reads realm, nonce and stale by their
// places, so Digest has nothing else; that includes qop, which it ignores anyway. SHA-256
// is only asked for where MD5 is not good enough: ffmpeg then gives up, and live555 and
// GStreamer answer with MD5 all the same.
func appendChallenge(dst []byte, c *codec.Challenge) []byte {
	switch {
	case c.MD5:
		dst = appendDigest(dst, c, "")
	case c.SHA256:
		dst = appendDigest(dst, c, ", algorithm=SHA-256")
	}
	if c.Basic {
		dst = http1.AppendBasicChallenge(dst, c.Realm)
	}
	return dst
}

func appendDigest(dst []byte, c *codec.Challenge, algorithm string) []byte {
	dst = append(append(dst, `WWW-Authenticate: Digest realm="`...), c.Realm...)
	dst = append(append(append(dst, `", nonce="`...), c.Nonce...), '"')
	if c.Stale {
		dst = append(dst, ", stale=TRUE"...)
	}
	return append(append(dst, algorithm...), "\r\n"...)
}
