package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// nonces makes the nonces of Digest, and knows them again without remembering any:
//
//	base64url( time in ms, 8 bytes │ random, 8 bytes │ HMAC-SHA-256 of both, 16 bytes )
//
// The key is drawn when the process starts, so nonces of an earlier one are not ours.
type nonces struct{ key [32]byte }

func newNonces() *nonces {
	n := &nonces{}
	_, _ = rand.Read(n.key[:]) // never fails (crypto/rand)
	return n
}

const (
	nonceBody = 16
	nonceSize = nonceBody + 16
)

// nonceLife is how long a nonce is good. Players use one within seconds, but an
// encoder that comes back hours later may ask with the one it knows, and some of them
// do not understand that it is stale (Windows Media Encoder 9). That an answer is good
// only once does not depend on it.
const nonceLife = 12 * time.Hour

// make is a new nonce.
func (n *nonces) make(now time.Time) string {
	var b [nonceSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(now.UnixMilli()))
	_, _ = rand.Read(b[8:nonceBody])
	copy(b[nonceBody:], n.mac(b[:nonceBody]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (n *nonces) mac(body []byte) []byte {
	h := hmac.New(sha256.New, n.key[:])
	h.Write(body)
	return h.Sum(nil)[:nonceSize-nonceBody]
}

// made is when a nonce of ours was made; ok is false for one that is not ours, is too
// old, or is of the future.
func (n *nonces) made(nonce string, now time.Time) (at time.Time, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != nonceSize || !hmac.Equal(b[nonceBody:], n.mac(b[:nonceBody])) {
		return time.Time{}, false
	}
	at = time.UnixMilli(int64(binary.BigEndian.Uint64(b)))
	age := now.Sub(at)
	return at, age < nonceLife && age > -time.Minute // the machine's clock may be set back
}
