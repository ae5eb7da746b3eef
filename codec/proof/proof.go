// Package proof finds what a request brings to prove who it is from: a token in its
// address, or an Authorization, which HTTP and RTSP share (RFC 7616, RFC 7617; RFC 2326,
// 14).
package proof

import (
	"errors"
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
)

// Of is what a request with the given fields and method brings, besides a token; nil if
// that is nothing. isFor reports whether a Digest is for the address of the request, or
// for one that is as good.
func Of(f http1.Fields, method, token string, isFor func(d *http1.Digest) bool) *codec.Credentials {
	a, given, err := f.Authorization()
	if !given && token == "" {
		return nil
	}
	c := &codec.Credentials{Token: strings.Clone(token), Odd: err}
	switch d := a.Digest; {
	case d != nil && !isFor(d):
		c.Odd = errors.New("the request's Digest Authorization is for another address")
	case d != nil:
		c.Digest = &codec.Digest{
			User: d.User, Realm: d.Realm, Nonce: d.Nonce, ClientNonce: d.ClientNonce, Count: d.Count, Response: d.Response,
			URI: d.URI, Method: method, SHA256: d.SHA256, Session: d.Session, Auth: d.Auth,
		}
	case a.Basic:
		c.User, c.Password, c.HasPassword = a.User, a.Password, true
	}
	return c
}
