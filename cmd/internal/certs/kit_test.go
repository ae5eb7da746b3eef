package certs

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/config/keypair"
)

// ca vouches for the certificates of a test.
type ca struct {
	t    testing.TB
	cert *x509.Certificate
	key  crypto.Signer
	last int64 // serial number
}

func newCA(t testing.TB) *ca {
	t.Helper()
	a := &ca{t: t, key: ecKey(t), last: 1}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Trust"}, CommonName: "R1"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func rsaKey(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// pool is what clients trust.
func (a *ca) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// pair is a certificate and its key as PEM.
type pair struct{ cert, key []byte }

// issue makes a certificate with a new key that lives for as long as given, from now
// on; its end may have passed.
func (a *ca) issue(life time.Duration, names ...string) pair {
	now := time.Now().Truncate(time.Second)
	begin := now
	if life < 0 {
		begin = now.Add(life - 90*day)
	}
	return a.make(ecKey(a.t), begin, now.Add(life), names...)
}

func (a *ca) make(key crypto.Signer, begin, end time.Time, names ...string) pair {
	a.t.Helper()
	a.last++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.last), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: begin, NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	}
}

// parsed is the pair as a handshake uses it.
func (p pair) parsed(t testing.TB) *tls.Certificate {
	t.Helper()
	c, err := keypair.Files{Cert: "c", Key: "k"}.Parse(p.cert, p.key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// put writes a pair into a folder, as name.pem and name.key.
func (p pair) put(t testing.TB, dir, name string) keypair.Files {
	t.Helper()
	f := keypair.Files{Cert: filepath.Join(dir, name+".pem"), Key: filepath.Join(dir, name+".key")}
	write(t, f.Cert, p.cert)
	write(t, f.Key, p.key)
	return f
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// journal is a log that can be waited for.
type journal struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{} // closed, and made anew, when there is more
}

func newJournal() *journal { return &journal{grown: make(chan struct{})} }

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.grown)
	j.grown = make(chan struct{})
	return j.text.Write(p)
}

func (j *journal) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// lines are those with a text.
func (j *journal) lines(with string) (out []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		if strings.Contains(line, with) {
			out = append(out, strings.TrimSuffix(line, "\n"))
		}
	}
	return out
}

// await waits until n lines have a text, and returns the last.
func (j *journal) await(t testing.TB, with string, n int) string {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		j.mu.Lock()
		grown := j.grown
		j.mu.Unlock()
		if lines := j.lines(with); len(lines) >= n {
			return lines[n-1]
		}
		select {
		case <-grown:
		case <-limit:
			t.Fatalf("no %d lines with %q in\n%s", n, with, strings.Join(j.lines(""), "\n"))
		}
	}
}

// open is a store of files, with its log.
func open(t testing.TB, files ...keypair.Files) (*Store, *journal) {
	t.Helper()
	j := newJournal()
	s, err := Open(Options{Files: files, Log: j.log()})
	if err != nil {
		t.Fatal(err)
	}
	return s, j
}

// runs runs a store until the test ends.
func runs(t testing.TB, s *Store) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	t.Cleanup(func() { end(); running.Wait() })
}

// shaken is a whole handshake with a store: what the client sees.
func shaken(t testing.TB, s *Store, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	here, there := pipe(t)
	server := tls.Server(there, s.TLSConfig())
	done := make(chan error, 1)
	go func() {
		err := server.Handshake()
		if err == nil {
			_, err = server.Write([]byte("x")) // and a ticket before it
		}
		done <- err
	}()
	c := tls.Client(here, client)
	err := c.Handshake()
	if err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	_ = here.Close()
	<-done
	return c.ConnectionState(), err
}
