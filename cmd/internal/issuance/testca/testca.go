// Package testca runs a CA for tests: Pebble, the small one of Let's Encrypt's makers,
// in the test's own process. It validates as Let's Encrypt does, with connections to
// the ports that it is told, and resolves every name to loopback. Only tests use it.
package testca

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// life is how long its certificates are good.
const life = 90 * 24 * time.Hour

// CA is a running one.
type CA struct {
	Directory string // its address
	File      string // the certificate to trust when talking to it, as PEM

	server   *httptest.Server
	resolver string
	handler  atomic.Pointer[http.Handler]
	open     chan struct{} // closed once it answers
	once     sync.Once
	root     *x509.Certificate
	orders   atomic.Int64
}

// New opens the CA's address. Requests wait until [CA.Examine].
func New(t testing.TB) *CA {
	t.Helper()
	c := &CA{open: make(chan struct{}), resolver: resolver(t)}
	c.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-c.open
		n := &noted{ResponseWriter: w}
		h := c.handler.Load()
		if h == nil { // the test is over already
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		(*h).ServeHTTP(n, r)
		if r.URL.Path == "/order-plz" && n.status == http.StatusCreated {
			c.orders.Add(1)
		}
	}))
	c.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	c.server.StartTLS()
	t.Cleanup(func() {
		c.once.Do(func() { close(c.open) })
		c.server.CloseClientConnections() // the agent's may be idle for a minute
		c.server.Close()
	})
	c.Directory = c.server.URL + wfe.DirectoryPath
	c.File = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.server.Certificate().Raw})
	if err := os.WriteFile(c.File, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// Examine makes the CA answer, and look for proofs at these ports of every name. Called
// again, it makes another one at the same address, which knows nothing of the first.
func (c *CA) Examine(t testing.TB, httpPort, tlsPort int) {
	t.Helper()
	for name, value := range map[string]string{
		"PEBBLE_VA_NOSLEEP":   "1", // or it waits up to 5 s before it looks
		"PEBBLE_AUTHZREUSE":   "0", // every order needs its proof
		"PEBBLE_VA_SLEEPTIME": "", "PEBBLE_VA_ALWAYS_VALID": "",
	} {
		t.Setenv(name, value)
	}
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{
		"default": {Description: "for tests", ValidityPeriod: uint64(life / time.Second)},
	})
	front := wfe.New(quiet, store, va.New(quiet, httpPort, tlsPort, false, c.resolver, store), authority,
		[]string{"ca.example"}, false, false, 1, 1)
	root, err := x509.ParseCertificate(authority.GetRootCert(0).DER)
	if err != nil {
		t.Fatal(err)
	}
	c.root = root
	h := front.Handler()
	c.handler.Store(&h)
	c.once.Do(func() { close(c.open) })
}

// Pool is what clients trust that trust this CA.
func (c *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c.root)
	return p
}

// noted is an answer whose status is kept.
type noted struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (n *noted) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

// Orders is how many certificates were asked for. Requests that the CA, by chance,
// wants to have repeated do not count.
func (c *CA) Orders() int { return int(c.orders.Load()) }

// resolver answers for every name that it is this machine.
func resolver(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{Listener: ln, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1},
				A:   net.IPv4(127, 0, 0, 1),
			}}
		}
		_ = w.WriteMsg(m) // fails only if the CA has gone
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.ActivateAndServe() // ends with Shutdown
	}()
	t.Cleanup(func() {
		_ = s.Shutdown() // an error if it has not begun yet
		_ = ln.Close()
		<-done
	})
	return ln.Addr().String()
}
