package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"streampump/internal/keypair"
	"streampump/internal/pki"
)

// pipe is a connection over loopback: one in memory would make both sides wait for
// each other's alerts.
func pipe(t testing.TB) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
	return client, server
}

func TestCertificateForAName(t *testing.T) {
	a, dir := newCA(t), t.TempDir()
	s, _ := open(t,
		a.issue(90*day, "first.example", "other.example").put(t, dir, "1"),
		a.issue(90*day, "*.star.example").put(t, dir, "2"),
		a.issue(90*day, "exact.star.example").put(t, dir, "3"))
	for name, want := range map[string]string{
		"first.example":        "first.example",
		"OTHER.example":        "first.example",
		"a.star.example":       "*.star.example",
		"A.Star.Example":       "*.star.example",
		"exact.star.example":   "exact.star.example",
		"a.b.star.example":     "first.example", // a * is one label
		"star.example":         "first.example",
		"unknown.example":      "first.example",
		"exact.star.example.":  "exact.star.example", // by the letter no name in a greeting ends so
		"":                     "first.example",
		strings.Repeat("a", 9): "first.example",
	} {
		c, err := s.pick(&tls.ClientHelloInfo{ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}})
		if err != nil || c.Leaf.DNSNames[0] != want {
			t.Errorf("%q gets %v, %v, want %s", name, c, err, want)
		}
	}
	st, err := shaken(t, s, &tls.Config{RootCAs: a.Pool(), ServerName: "exact.star.example"})
	if err != nil || st.PeerCertificates[0].DNSNames[0] != "exact.star.example" {
		t.Errorf("%v", err)
	}
}

// Two certificates for one name, with keys of two kinds: each client gets the one that
// it can check, and so do clients that ask for no name.
func TestKeyThatTheClientKnows(t *testing.T) {
	a, dir := newCA(t), t.TempDir()
	s, _ := open(t, a.issue(90*day, "pump.example").put(t, dir, "ec"), rsaPair(t, "pump.example").put(t, dir, "rsa"))
	for _, name := range []string{"pump.example", "", "unknown.example"} {
		for scheme, want := range map[tls.SignatureScheme]string{tls.ECDSAWithP256AndSHA256: "ec", tls.PSSWithSHA256: "rsa", tls.Ed25519: "ec"} {
			c, err := s.pick(&tls.ClientHelloInfo{ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13}, SignatureSchemes: []tls.SignatureScheme{scheme}})
			kind := "ec"
			if _, is := c.PrivateKey.(crypto.Signer).Public().(interface{ Size() int }); is {
				kind = "rsa"
			}
			if err != nil || kind != want {
				t.Errorf("%q with %v gets %s, %v, want %s", name, scheme, kind, err, want)
			}
		}
	}
}

// rsaPair is a certificate with an RSA key, which vouches for itself.
func rsaPair(t *testing.T, host string) pair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(90 * day)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	made := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return pair{pki.CertPEM(made), pki.KeyPEM(t, made)}
}

func TestProtocols(t *testing.T) {
	a, dir := newCA(t), t.TempDir()
	s, _ := open(t, a.issue(90*day, "pump.example").put(t, dir, "1"))
	for _, c := range []struct {
		name    string
		change  func(*tls.Config)
		version uint16
		alpn    string
		refused string
	}{
		{"tls13", func(*tls.Config) {}, tls.VersionTLS13, "", ""},
		{"tls12", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, tls.VersionTLS12, "", ""},
		{"tls11", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, 0, "", "protocol version not supported"},
		{"http", func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} }, tls.VersionTLS13, "http/1.1", ""},
		{"only_h2", func(c *tls.Config) { c.NextProtos = []string{"h2"} }, 0, "", "no application protocol"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := &tls.Config{RootCAs: a.Pool(), ServerName: "pump.example"}
			c.change(client)
			st, err := shaken(t, s, client)
			switch {
			case c.refused != "":
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("%v, want %q", err, c.refused)
				}
			case err != nil || st.Version != c.version || st.NegotiatedProtocol != c.alpn:
				t.Errorf("version %x, %q, %v", st.Version, st.NegotiatedProtocol, err)
			}
		})
	}
}

// A client that comes again needs no certificate, even after that has been replaced.
func TestTicketsOutliveACertificate(t *testing.T) {
	a, dir := newCA(t), t.TempDir()
	f := a.issue(90*day, "pump.example").put(t, dir, "1")
	s, _ := open(t, f)
	client := &tls.Config{RootCAs: a.Pool(), ServerName: "pump.example", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	for i, want := range []bool{false, true, true} {
		if i == 2 {
			a.issue(90*day, "pump.example").put(t, dir, "1")
			if err := s.Reload(); err != nil {
				t.Fatal(err)
			}
		}
		if st, err := shaken(t, s, client); err != nil || st.DidResume != want {
			t.Errorf("handshake %d: resumed %v, %v", i, st.DidResume, err)
		}
	}
}

func TestNoCertificateYet(t *testing.T) {
	a := newCA(t)
	j := newJournal()
	s, err := Open(Options{Domains: []string{"a.example", "b.example"}, Log: j.log()})
	if err != nil {
		t.Fatal(err)
	}
	client := &tls.Config{RootCAs: a.Pool(), ServerName: "b.example"}
	if _, err := shaken(t, s, client); err == nil {
		t.Error("a handshake without a certificate")
	}
	s.Trouble("a.example", "the CA is away")
	c := a.issue(90*day, "b.example").parsed(t)
	s.Put("b.example", c)
	if _, err := shaken(t, s, client); err != nil {
		t.Error(err)
	}
	want := []Certificate{
		{Names: []string{"a.example"}, Automatic: true, Problem: "the CA is away"},
		{Names: []string{"b.example"}, Issuer: "Trust R1", NotBefore: c.Leaf.NotBefore, NotAfter: c.Leaf.NotAfter, Automatic: true},
	}
	if got := s.Snapshot(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Challenges of a CA are answered with a configuration of their own.
func TestChallenge(t *testing.T) {
	a, dir := newCA(t), t.TempDir()
	proof := a.issue(day, "proof.example").parsed(t)
	s, err := Open(Options{
		Files: []keypair.Files{a.issue(90*day, "pump.example").put(t, dir, "1")}, Log: newJournal().log(),
		Challenge: func(h *tls.ClientHelloInfo) *tls.Config {
			if len(h.SupportedProtos) != 1 || h.SupportedProtos[0] != "acme-tls/1" {
				return nil
			}
			return &tls.Config{NextProtos: []string{"acme-tls/1"}, Certificates: []tls.Certificate{*proof}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for alpn, want := range map[string]string{"acme-tls/1": "proof.example", "http/1.1": "pump.example"} {
		st, err := shaken(t, s, &tls.Config{RootCAs: a.Pool(), ServerName: want, NextProtos: []string{alpn}})
		if err != nil || st.NegotiatedProtocol != alpn {
			t.Errorf("%s: %q, %v", alpn, st.NegotiatedProtocol, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	a, dir := newCA(t), t.TempDir()
	one, other := a.issue(90*day, "a.example").put(t, dir, "1"), a.issue(90*day, "a.example").put(t, dir, "2")
	_, err := Open(Options{Files: []keypair.Files{one, {Cert: one.Cert, Key: other.Key}}, Log: newJournal().log()})
	var e *keypair.Error
	if !errors.As(err, &e) || !e.InKey || e.File != filepath.Join(dir, "2.key") {
		t.Errorf("%v", err)
	}
}

func TestReload(t *testing.T) {
	a, dir := newCA(t), t.TempDir()
	f := a.issue(90*day, "old.example").put(t, dir, "1")
	s, j := open(t, f)
	write(t, f.Key, a.issue(90*day, "x.example").key)
	const want = "1.key\" does not belong to the certificate"
	for range 3 {
		if err := s.Reload(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if got := s.Snapshot()[0]; got.Names[0] != "old.example" || !strings.Contains(got.Problem, want) {
		t.Errorf("%+v", got)
	}
	if lines := j.lines("refused"); len(lines) != 1 || !strings.HasPrefix(lines[0], "level=ERROR") {
		t.Errorf("%q", lines)
	}
	// An expired one is no improvement.
	a.issue(-day, "ended.example").put(t, dir, "1")
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "expired on") {
		t.Errorf("%v", err)
	}
	a.issue(90*day, "new.example").put(t, dir, "1")
	if err := s.Reload(); err != nil || s.Snapshot()[0].Names[0] != "new.example" || s.Snapshot()[0].Problem != "" {
		t.Errorf("%v, %+v", err, s.Snapshot())
	}
	if lines := j.lines("read anew"); len(lines) != 1 || !strings.Contains(lines[0], "names=new.example issuer=\"Trust R1\"") {
		t.Errorf("%q", lines)
	}
}
