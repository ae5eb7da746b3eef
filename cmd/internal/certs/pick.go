package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
)

// index finds certificates by name. It is immutable.
type index struct {
	names map[string][]*tls.Certificate // in lower case, "*.example.org" as it is written
	// first are for whoever asks for no name: the first certificate, and others for its
	// first name, which may have another kind of key.
	first []*tls.Certificate
}

func newIndex(all []*tls.Certificate) *index {
	x := &index{names: map[string][]*tls.Certificate{}}
	for _, c := range all {
		for _, name := range hostNames(c.Leaf) {
			x.names[name] = append(x.names[name], c)
		}
	}
	if len(all) > 0 {
		x.first = all[:1]
		if names := hostNames(all[0].Leaf); len(names) > 0 {
			x.first = x.names[names[0]]
		}
	}
	return x
}

// hostNames are the names that a certificate is found by, in lower case. The common
// name counts where there are no others: that is what old clients look at.
func hostNames(c *x509.Certificate) (names []string) {
	for _, name := range c.DNSNames {
		names = append(names, strings.ToLower(name))
	}
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, strings.ToLower(c.Subject.CommonName))
	}
	return names
}

var errNone = errors.New("there is no certificate yet")

// pick is the certificate for a handshake; see [tls.Config].GetCertificate. Of several
// for a name it is the first that the client can check.
func (s *Store) pick(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	x := s.index.Load()
	if len(x.first) == 0 {
		return nil, errNone
	}
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	found := x.names[name]
	if _, parent, ok := strings.Cut(name, "."); ok && len(found) == 0 {
		found = x.names["*."+parent]
	}
	if len(found) == 0 {
		found = x.first
	}
	nameless := *hello
	nameless.ServerName = "" // what is asked of it is not its names
	for _, c := range found {
		if nameless.SupportsCertificate(c) == nil {
			return c, nil
		}
	}
	return found[0], nil
}
