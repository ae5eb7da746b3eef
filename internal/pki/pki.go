// Package pki makes authorities and certificates for tests, all with times around the
// test's own clock.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority vouches for others.
type Authority struct {
	t    testing.TB
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// New makes an authority that vouches for itself.
func New(t testing.TB, name string) *Authority {
	t.Helper()
	a := &Authority{t: t}
	a.Cert, a.key = sign(t, a.template(name), nil, nil)
	return a
}

// Alone makes a certificate for hosts that vouches for itself: it is its own authority.
func Alone(t testing.TB, hosts ...string) tls.Certificate {
	t.Helper()
	a := &Authority{t: t}
	c := a.template(hosts[0])
	c.KeyUsage |= x509.KeyUsageDigitalSignature
	name(c, hosts)
	cert, key := sign(t, c, nil, nil)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// Below makes an authority that this one vouches for. Change may change its certificate
// before it is signed.
func (a *Authority) Below(name string, change func(*x509.Certificate)) *Authority {
	a.t.Helper()
	c := a.template(name)
	if change != nil {
		change(c)
	}
	b := &Authority{t: a.t}
	b.Cert, b.key = sign(a.t, c, a.Cert, a.key)
	return b
}

func (a *Authority) template(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
}

// Issue makes a certificate for hosts, names or addresses, with its key. Change may
// change it before it is signed.
func (a *Authority) Issue(change func(*x509.Certificate), hosts ...string) tls.Certificate {
	a.t.Helper()
	c := &x509.Certificate{Subject: pkix.Name{CommonName: "someone"}}
	name(c, hosts)
	if change != nil {
		change(c)
	}
	cert, key := sign(a.t, c, a.Cert, a.key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// name makes a certificate one for hosts.
func name(c *x509.Certificate, hosts []string) {
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
}

// Pool holds this authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Cert)
	return pool
}

// sign makes a certificate, valid from an hour ago to an hour ahead unless it says
// something else; without a parent it vouches for itself.
func sign(t testing.TB, c, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, by = c, key
	}
	c.SerialNumber = big.NewInt(1)
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Hour)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// CertPEM is the text of a certificate and of those that come with it.
func CertPEM(c tls.Certificate) (text []byte) {
	for _, der := range c.Certificate {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return text
}

// KeyPEM is the text of a certificate's key.
func KeyPEM(t testing.TB, c tls.Certificate) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// PEM is the text of the authority's own certificate.
func (a *Authority) PEM() []byte {
	return CertPEM(tls.Certificate{Certificate: [][]byte{a.Cert.Raw}})
}

// Write replaces a file in a folder as careful programs do, by another, and returns
// its name.
func Write(t testing.TB, dir, name string, text []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	return file
}
