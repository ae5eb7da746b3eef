package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/internal/keypair"
	"streampump/internal/pki"
)

// ca vouches for the certificates of a test.
type ca struct {
	*pki.Authority
	t testing.TB
}

func newCA(t testing.TB) *ca {
	t.Helper()
	return &ca{pki.New(t, "root").Below("R1", func(c *x509.Certificate) {
		c.Subject.Organization = []string{"Trust"}
	}), t}
}

// pair is a certificate and its key as PEM.
type pair struct{ cert, key []byte }

// issue makes a certificate with a new key that lives for as long as given, from now
// on; its end may have passed.
func (a *ca) issue(life time.Duration, names ...string) pair {
	a.t.Helper()
	c := a.Issue(func(c *x509.Certificate) {
		c.NotBefore = time.Now().Truncate(time.Second)
		c.NotAfter = c.NotBefore.Add(life)
		if life < 0 {
			c.NotBefore = c.NotAfter.Add(-90 * day)
		}
	}, names...)
	return pair{pki.CertPEM(c), pki.KeyPEM(a.t, c)}
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
