package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"streampump/internal/keypair"
)

// entry is one certificate, from files or from a CA.
type entry struct {
	files  keypair.Files
	domain string // of one from a CA

	cert    *tls.Certificate // in use; nil if there is none yet
	problem string           // why there is no newer one
	barred  string           // why its files cannot be read; empty if nothing was said of that
	doubted time.Time        // since when the files have not been good; zero if they are
	told    time.Time        // when its end was last warned of
	ended   bool             // its end was told
}

// worse says why a new certificate must not take the place of the one in use.
func (e *entry) worse(c *tls.Certificate, now time.Time) error {
	old := e.cert.Leaf
	if now.After(c.Leaf.NotAfter) && now.Before(old.NotAfter) {
		return fmt.Errorf("the certificate %q expired on %s", e.files.Cert, c.Leaf.NotAfter.UTC().Format(timeForm))
	}
	if now.Before(c.Leaf.NotBefore) && !now.Before(old.NotBefore) && now.Before(old.NotAfter) {
		return fmt.Errorf("the certificate %q is not valid before %s", e.files.Cert, c.Leaf.NotBefore.UTC().Format(timeForm))
	}
	return nil
}

// timeForm is how times are shown to people.
const timeForm = "2006-01-02 15:04 MST"

// same reports whether two certificates are one, with the same chain. Their keys are
// then the same too: each fits the first of the chain.
func same(a, b *tls.Certificate) bool {
	return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
}

// attrs are an entry's certificate in the log.
func (e *entry) attrs(now time.Time) []any {
	c := e.show()
	return []any{"names", strings.Join(c.Names, ","), "issuer", c.Issuer, "until", c.NotAfter, "days", c.Days(now)}
}

// Certificate is a certificate as others see it.
type Certificate struct {
	Names     []string  // host names and addresses; the domain, if there is none yet
	Issuer    string    // empty if there is no certificate yet
	NotBefore time.Time // zero if there is no certificate yet
	NotAfter  time.Time // likewise
	Files     keypair.Files
	Automatic bool   // it comes from a CA, not from files of the operator
	Problem   string // why there is no newer one; empty if all is well
}

// show is an entry as others see it.
func (e *entry) show() Certificate {
	c := Certificate{Files: e.files, Automatic: e.domain != "", Problem: e.problem}
	if e.cert == nil {
		c.Names = []string{e.domain}
		return c
	}
	leaf := e.cert.Leaf
	c.Names, c.Issuer = names(leaf), issuer(leaf)
	c.NotBefore, c.NotAfter = leaf.NotBefore, leaf.NotAfter
	return c
}

// names are the names and addresses that a certificate is good for.
func names(c *x509.Certificate) []string {
	out := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	if len(out) == 0 && c.Subject.CommonName != "" {
		out = append(out, c.Subject.CommonName)
	}
	return out
}

// issuer is who vouches for a certificate.
func issuer(c *x509.Certificate) string {
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		return "itself"
	}
	parts := append(slices.Clone(c.Issuer.Organization), c.Issuer.CommonName)
	return strings.TrimSpace(strings.Join(parts, " "))
}

// Snapshot are the certificates now, in the order of the configuration, those from
// files first.
func (s *Store) Snapshot() (out []Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		out = append(out, e.show())
	}
	return out
}
