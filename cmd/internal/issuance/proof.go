package issuance

import (
	"crypto/tls"
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/acme"
)

// kind is a proof that a name is ours, in the CA's words.
type kind string

const (
	byTLS  kind = "tls-alpn-01" // RFC 8737
	byHTTP kind = "http-01"     // RFC 8555, 8.3
)

// what is the proof in a sentence.
func (k kind) what() string {
	if k == byTLS {
		return "over TLS, at port 443"
	}
	return "over HTTP, at port 80"
}

// kinds are the proofs to try, in order.
func (a *Agent) kinds() (out []kind) {
	if a.o.TLS {
		out = append(out, byTLS)
	}
	if a.o.HTTP {
		out = append(out, byHTTP)
	}
	return out
}

// proofs are what the CA may ask for at the moment. Readers take no lock: what they
// load is never changed.
type proofs struct {
	mu    sync.Mutex // of writers
	pages atomic.Pointer[map[string]string]
	certs atomic.Pointer[map[string]*tls.Certificate]
}

// Page is the answer to a GET of a path, if the CA may ask for it now.
func (a *Agent) Page(path string) (text string, ok bool) {
	if m := a.proofs.pages.Load(); m != nil {
		text, ok = (*m)[path]
	}
	return text, ok
}

// Challenge is the configuration for a handshake by which a CA examines us; nil for
// any other.
func (a *Agent) Challenge(hello *tls.ClientHelloInfo) *tls.Config {
	if len(hello.SupportedProtos) != 1 || hello.SupportedProtos[0] != acme.ALPNProto {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{acme.ALPNProto},
		GetCertificate: a.proofFor,
		// The CA comes once, and a stranger who pretends to be one gets nothing to keep.
		SessionTicketsDisabled: true,
	}
}

var errNoProof = errors.New("no CA is to examine this name now")

// proofFor is the certificate that a CA looks for in a handshake.
func (a *Agent) proofFor(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if m := a.proofs.certs.Load(); m != nil && (*m)[hello.ServerName] != nil {
		return (*m)[hello.ServerName], nil
	}
	return nil, errNoProof
}

// offer shows a proof to whoever asks for it, until it is withdrawn.
func (a *Agent) offer(k kind, domain, token string) (withdraw func(), err error) {
	p := &a.proofs
	if k == byTLS {
		c, err := a.client.TLSALPN01ChallengeCert(token, domain)
		if err != nil {
			return nil, err
		}
		put(&p.mu, &p.certs, domain, &c)
		return func() { remove(&p.mu, &p.certs, domain) }, nil
	}
	text, err := a.client.HTTP01ChallengeResponse(token)
	if err != nil {
		return nil, err
	}
	path := a.client.HTTP01ChallengePath(token)
	put(&p.mu, &p.pages, path, text)
	return func() { remove(&p.mu, &p.pages, path) }, nil
}

// put puts a value into a copy of a map, and the copy in the map's place.
func put[V any](mu *sync.Mutex, at *atomic.Pointer[map[string]V], key string, v V) {
	change(mu, at, func(m map[string]V) { m[key] = v })
}

func remove[V any](mu *sync.Mutex, at *atomic.Pointer[map[string]V], key string) {
	change(mu, at, func(m map[string]V) { delete(m, key) })
}

func change[V any](mu *sync.Mutex, at *atomic.Pointer[map[string]V], f func(map[string]V)) {
	mu.Lock()
	defer mu.Unlock()
	m := map[string]V{}
	if old := at.Load(); old != nil {
		maps.Copy(m, *old)
	}
	f(m)
	at.Store(&m)
}
