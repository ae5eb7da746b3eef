package rtsp

import (
	"errors"
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
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
	a, given, err := r.Fields.Authorization()
	if !given && token == "" {
		return nil
	}
	c := &codec.Credentials{Token: strings.Clone(token), Odd: err}
	switch d := a.Digest; {
	case d != nil && !at.sameStream(d.URI):
		c.Odd = errors.New("the request's Digest Authorization is for another address")
	case d != nil:
		c.Digest = &codec.Digest{
			User: d.User, Realm: d.Realm, Nonce: d.Nonce, ClientNonce: d.ClientNonce, Count: d.Count, Response: d.Response,
			URI: d.URI, Method: r.Method, SHA256: d.SHA256, Session: d.Session, Auth: d.Auth,
		}
	case a.Basic:
		c.User, c.Password, c.HasPassword = a.User, a.Password, true
	}
	return c
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
