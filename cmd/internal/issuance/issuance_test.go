package issuance

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"streampump/cmd/internal/issuance/testca"
	"streampump/internal/keypair"
	"streampump/internal/pki"
)

// site is an agent whose proofs can be seen at two addresses, as a pump's can.
type site struct {
	t      *testing.T
	agent  *Agent
	ca     *testca.CA
	plain  net.Listener // where Page is asked
	secure net.Listener // where Challenge is
	kept   chan *tls.Certificate
	told   chan string // why there is none
	mu     sync.Mutex
	log    bytes.Buffer
	grown  chan struct{} // closed, and made anew, when there is more in the log
}

func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.grown)
	s.grown = make(chan struct{})
	return s.log.Write(p)
}

// await waits for a line of the log with a text, and returns it.
func (s *site) await(text string) string {
	s.t.Helper()
	limit := time.After(time.Minute)
	for {
		s.mu.Lock()
		grown := s.grown
		s.mu.Unlock()
		for line := range strings.Lines(s.said()) {
			if strings.Contains(line, text) {
				return line
			}
		}
		select {
		case <-grown:
		case <-limit:
			s.t.Fatalf("the log does not say %q:\n%s", text, s.said())
		}
	}
}

// issued waits for a certificate.
func (s *site) issued() *tls.Certificate {
	s.t.Helper()
	s.await(`msg="a certificate was issued" domain=pump.example`)
	return next(s.t, s, s.kept)
}

// failed waits for a failure, and returns the line of the log and what the status says.
func (s *site) failed() (line, status string) {
	s.t.Helper()
	line = s.await(`msg="no certificate was issued" domain=pump.example`)
	return line, next(s.t, s, s.told)
}

// said is what is in the log.
func (s *site) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// newSite makes a site for pump.example; change may change the options. Without a CA
// it has the address of one that does not answer.
func newSite(t *testing.T, authority *testca.CA, folder string, change func(*Options)) *site {
	t.Helper()
	s := &site{
		t: t, ca: authority, plain: listen(t), secure: listen(t),
		kept: make(chan *tls.Certificate, 9), told: make(chan string, 9), grown: make(chan struct{}),
	}
	o := Options{
		Domains: []string{"pump.example"}, Email: "me@pump.example", Folder: folder, TLS: true, HTTP: true, Version: "1.2.3",
		Keep:    func(_ string, c *tls.Certificate) { s.kept <- c },
		Trouble: func(_, problem string) { s.told <- problem },
		Log:     slog.New(slog.NewTextHandler(s, nil)),
	}
	if authority != nil {
		roots, err := keypair.Roots(authority.File)
		if err != nil {
			t.Fatal(err)
		}
		o.Directory, o.Roots = authority.Directory, roots
	}
	if change != nil {
		change(&o)
	}
	var err error
	if s.agent, err = New(o); err != nil {
		t.Fatal(err)
	}
	s.serve()
	return s
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func port(ln net.Listener) int { return ln.Addr().(*net.TCPAddr).Port }

// closed is a port at which nobody answers.
func closed(t *testing.T) int {
	ln := listen(t)
	_ = ln.Close()
	return port(ln)
}

// serve answers at both addresses.
func (s *site) serve() {
	go func() {
		_ = http.Serve(s.plain, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if text, ok := s.agent.Page(r.URL.Path); ok {
				_, _ = io.WriteString(w, text)
				return
			}
			http.NotFound(w, r)
		}))
	}()
	config := &tls.Config{
		GetCertificate:     func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") },
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) { return s.agent.Challenge(h), nil },
	}
	go func() {
		for {
			c, err := s.secure.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = tls.Server(c, config).Handshake()
				_ = c.Close()
			}()
		}
	}()
}

// run runs the agent until the test ends.
func (s *site) run() {
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.agent.Run(ctx) })
	s.t.Cleanup(func() { end(); running.Wait() })
}

// next is what comes next out of a channel.
func next[T any](t *testing.T, s *site, c chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("nothing came\n%s", s.said())
	}
	panic("not reached")
}

// verified checks that a client of the CA trusts a certificate for the name.
func (s *site) verified(c *tls.Certificate) {
	s.t.Helper()
	between := x509.NewCertPool()
	for _, der := range c.Certificate[1:] {
		x, err := x509.ParseCertificate(der)
		if err != nil {
			s.t.Fatal(err)
		}
		between.AddCert(x)
	}
	if _, err := c.Leaf.Verify(x509.VerifyOptions{DNSName: "pump.example", Roots: s.ca.Pool(), Intermediates: between}); err != nil {
		s.t.Error(err)
	}
}

// Each proof alone is enough, and the CA does look: at a port where nothing is, it
// sees none.
func TestCertificateByEachProof(t *testing.T) {
	for _, c := range []struct {
		name string
		http func(*site) int // the port at which the CA looks
		tls  func(*site) int
	}{
		{"tls", func(s *site) int { return closed(s.t) }, func(s *site) int { return port(s.secure) }},
		{"http", func(s *site) int { return port(s.plain) }, func(s *site) int { return closed(s.t) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			authority := testca.New(t)
			s := newSite(t, authority, folder, nil)
			authority.Examine(t, c.http(s), c.tls(s))
			s.run()
			s.verified(s.issued())
			if m := s.agent.proofs.pages.Load(); m != nil && len(*m) > 0 {
				t.Errorf("pages stay: %v", *m)
			}
			if m := s.agent.proofs.certs.Load(); m != nil && len(*m) > 0 {
				t.Errorf("certificates stay: %v", *m)
			}
		})
	}
}

// The next run needs no CA: account and certificate are in the folder, for us alone.
func TestFolderOutlivesTheAgent(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made", "if need be")
	authority := testca.New(t)
	s := newSite(t, authority, folder, nil)
	authority.Examine(t, port(s.plain), port(s.secure))
	s.run()
	first := s.issued()
	again := newSite(t, authority, folder, nil)
	if c := next(t, again, again.kept); !bytes.Equal(c.Certificate[0], first.Certificate[0]) {
		t.Error("another certificate")
	}
	if due, want := again.agent.names[0].due, first.Leaf.NotAfter.Add(-30*24*time.Hour); due.Sub(want).Abs() > time.Hour {
		t.Errorf("the renewal is due %v, want %v", due, want)
	}
	if a, b := s.agent.client.Key.(*ecdsa.PrivateKey), again.agent.client.Key; !a.Equal(b) {
		t.Error("another account")
	}
	err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may use %s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil || authority.Orders() != 1 {
		t.Errorf("%d orders, %v", authority.Orders(), err)
	}
	// Another CA's are not mistaken for it.
	if _, err := Stored(folder, "https://ca.example/dir", "pump.example"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("from another CA: %v", err)
	}
}

// A certificate whose last third has begun is in use until a newer one has come.
func TestRenewal(t *testing.T) {
	folder := t.TempDir()
	authority := testca.New(t)
	now := time.Now()
	old := selfMade(t, now.Add(-70*24*time.Hour), now.Add(20*24*time.Hour))
	dir := Place(folder, authority.Directory)
	if err := errors.Join(makeFolder(dir), store(dir, "pump.example", old)); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, authority, folder, nil)
	authority.Examine(t, port(s.plain), port(s.secure))
	if c := next(t, s, s.kept); !bytes.Equal(c.Certificate[0], old.Certificate[0]) {
		t.Error("the old one is not used")
	}
	s.run()
	s.verified(s.issued())
}

// selfMade is a certificate for pump.example, not of the CA.
func selfMade(t *testing.T, begin, end time.Time) *tls.Certificate {
	t.Helper()
	c := pki.New(t, "other").Issue(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = begin, end }, "pump.example")
	return &c
}

// What went wrong is a sentence in log and status, and the next try is far off.
func TestFailures(t *testing.T) {
	t.Run("no_proof_seen", func(t *testing.T) {
		authority := testca.New(t)
		s := newSite(t, authority, t.TempDir(), nil)
		authority.Examine(t, closed(t), closed(t))
		s.run()
		line, got := s.failed()
		for _, part := range []string{
			"no certificate was issued: the CA could not see over TLS, at port 443, that the name is ours: ",
			"; and the CA could not see over HTTP, at port 80, that the name is ours: ", "connection refused",
		} {
			if !strings.Contains(got, part) {
				t.Errorf("no %q in %q", part, got)
			}
		}
		if !strings.Contains(line, "level=ERROR") || !strings.Contains(line, "again=3") || !strings.Contains(line, "failures=1") {
			t.Errorf("the log: %s", line)
		}
		if authority.Orders() != 2 {
			t.Errorf("%d orders, want one for each proof", authority.Orders())
		}
	})
	t.Run("wrong_site", func(t *testing.T) {
		authority := testca.New(t)
		other := newSite(t, authority, t.TempDir(), nil)
		s := newSite(t, authority, t.TempDir(), func(o *Options) { o.HTTP = false })
		authority.Examine(t, closed(t), port(other.secure)) // which has never heard of it
		s.run()
		if _, got := s.failed(); !strings.Contains(got, "over TLS, at port 443, that the name is ours: ") {
			t.Errorf("%q", got)
		}
	})
	t.Run("no_ca", func(t *testing.T) {
		s := newSite(t, nil, t.TempDir(), func(o *Options) { o.Directory = "https://" + listenClosed(t) + "/dir" })
		s.run()
		if _, got := s.failed(); !strings.Contains(got, "the CA cannot be reached: dial tcp 127.0.0.1:") {
			t.Errorf("%q", got)
		}
	})
	t.Run("untrusted_ca", func(t *testing.T) {
		authority := testca.New(t)
		authority.Examine(t, 1, 1)
		s := newSite(t, authority, t.TempDir(), func(o *Options) { o.Roots = nil })
		s.run()
		if _, got := s.failed(); !strings.Contains(got, "the CA cannot be reached: tls: failed to verify certificate") {
			t.Errorf("%q", got)
		}
	})
}

// A CA that has lost its accounts refuses once, and gets a new one with the next try.
func TestAccountThatTheCAForgot(t *testing.T) {
	authority := testca.New(t)
	s := newSite(t, authority, t.TempDir(), nil)
	n := s.agent.names[0]
	for i, want := range []bool{true, false, true} {
		if i < 2 {
			authority.Examine(t, port(s.plain), port(s.secure))
		}
		s.agent.try(t.Context(), n)
		if issued := n.failures == 0; issued != want {
			t.Errorf("try %d: issued %v\n%s", i, issued, s.said())
		}
	}
	s.await("the CA says: ")
}

func listenClosed(t *testing.T) string {
	ln := listen(t)
	_ = ln.Close()
	return ln.Addr().String()
}

func TestPauses(t *testing.T) {
	refused := explain(&acme.Error{StatusCode: 403, ProblemType: "urn:ietf:params:acme:error:rejectedIdentifier", Detail: "no"})
	limited := explain(&acme.Error{
		StatusCode: 429, ProblemType: "urn:ietf:params:acme:error:rateLimited", Detail: "too many",
		Header: http.Header{"Retry-After": {"86400"}},
	})
	away := explain(&net.OpError{Op: "dial", Err: errors.New("refused")})
	for _, c := range []struct {
		n    int
		err  error
		want time.Duration
	}{
		{1, refused, 30 * time.Minute},
		{2, refused, time.Hour},
		{3, refused, 2 * time.Hour},
		{6, refused, 12 * time.Hour},
		{1000, refused, 12 * time.Hour},
		{1, limited, 24 * time.Hour},
		{1, away, time.Minute},
		{3, away, 4 * time.Minute},
		{1000, away, time.Hour},
	} {
		got := pause(c.n, c.err)
		if got < c.want || got > c.want+c.want/10 {
			t.Errorf("failure %d (%v): %v, want %v and up to a tenth more", c.n, c.err, got, c.want)
		}
	}
}

func TestSentences(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&acme.Error{StatusCode: 400, ProblemType: "urn:x", Detail: "bad\n things"}, "the CA says: bad things (400, urn:x)"},
		{&acme.OrderError{Status: "invalid", Problem: &acme.Error{Detail: "CAA"}}, "the CA says: CAA"},
		{&acme.AuthorizationError{Errors: []error{&acme.Error{Detail: "404"}}}, "404"},
		{context.DeadlineExceeded, "the CA took too long"},
		{&acme.Error{Detail: strings.Repeat("x", 999)}, "the CA says: " + strings.Repeat("x", 300) + "… (0; is this the address of a CA's directory?)"},
		{errors.New("other"), "other"},
	} {
		if got := explain(c.err); got.Error() != c.want || !errors.Is(got, c.err) {
			t.Errorf("%v, want %s", got, c.want)
		}
	}
}

// Others than a CA meet nothing, and nobody else's handshake is touched.
func TestStrangersWhoPretendToBeACA(t *testing.T) {
	s := newSite(t, nil, t.TempDir(), func(o *Options) { o.Directory = "https://ca.example/dir" })
	for _, protos := range [][]string{nil, {"http/1.1"}, {"acme-tls/1", "http/1.1"}} {
		if c := s.agent.Challenge(&tls.ClientHelloInfo{SupportedProtos: protos}); c != nil {
			t.Errorf("%q are examined", protos)
		}
	}
	c, err := tls.Dial("tcp", s.secure.Addr().String(), &tls.Config{ServerName: "pump.example", NextProtos: []string{acme.ALPNProto}})
	if err == nil {
		_ = c.Close()
		t.Error("a proof for nobody")
	}
	if _, ok := s.agent.Page("/.well-known/acme-challenge/x"); ok {
		t.Error("a page for nobody")
	}
}

func TestBrokenAccountKey(t *testing.T) {
	folder := t.TempDir()
	dir := Place(folder, "https://ca.example:14000/dir")
	if filepath.Base(dir) != "ca.example_14000" {
		t.Errorf("the folder is %s", dir)
	}
	if err := errors.Join(makeFolder(dir), os.WriteFile(filepath.Join(dir, "account.key"), []byte("no"), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err := New(Options{Domains: []string{"pump.example"}, Directory: "https://ca.example:14000/dir", Folder: folder, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "account.key\" is broken") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = New(Options{Directory: "https://ca.example/dir", Folder: filepath.Join(folder, "file")})
	if err == nil || !strings.Contains(err.Error(), "cannot be made") {
		t.Errorf("%v", err)
	}
}
