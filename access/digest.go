package access

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"streampump/codec"
)

// proof is how a Digest turned out.
type proof uint8

const (
	wrong proof = iota
	right
	stale // right, but its nonce is too old, or the answer was used before
)

// digests checks what Digest brings, and makes its challenges.
type digests struct {
	nonces  *nonces
	replays *replays
}

// check holds a proof against an account that is for it. An account that does not
// exist takes the same work. ahead says that the proof will be used once more.
func (d *digests) check(a *Account, c *codec.Digest, now time.Time, ahead bool) proof {
	kind, ha1 := DigestMD5, noHash
	if c.SHA256 {
		kind = DigestSHA256
	}
	if a != nil {
		ha1 = a.hash.Reveal()
	}
	answer := c.Response
	if !c.Salted {
		answer = strings.ToLower(answer) // one answer, however it is spelled
	}
	if want := response(kind, ha1, c); !same(want, answer) || a == nil {
		return wrong
	}
	made, ok := d.nonces.made(c.Nonce, now)
	if !ok || !d.replays.first(c.Nonce, answer, made, ahead) {
		return stale
	}
	return right
}

// noHash stands for the hash of an account that does not exist.
var noHash = strings.Repeat("0", 32)

// response is what a peer that knows the password answers (RFC 7616, 3.4.1).
func response(kind Kind, ha1 string, c *codec.Digest) string {
	if c.Salted {
		return salted(ha1, c)
	}
	if c.Session {
		ha1 = digestOf(kind, ha1+":"+c.Nonce+":"+c.ClientNonce)
	}
	ha2 := digestOf(kind, c.Method+":"+c.URI)
	if !c.Auth {
		return digestOf(kind, ha1+":"+c.Nonce+":"+ha2)
	}
	return digestOf(kind, strings.Join([]string{ha1, c.Nonce, c.Count, c.ClientNonce, "auth", ha2}, ":"))
}

// salted is what an encoder of RTMP answers that knows the password, in the scheme that is
// named after Adobe. It hashes the name, a salt and the password first, and the salt is
// ours to choose: with the realm between colons for one, that is the hash of Digest.
func salted(ha1 string, c *codec.Digest) string {
	sum, _ := hex.DecodeString(ha1) // what is stored has been read before
	e := base64.StdEncoding
	sum, _ = hex.DecodeString(digestOf(DigestMD5, e.EncodeToString(sum)+c.Nonce+c.ClientNonce))
	return e.EncodeToString(sum)
}
