package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	_ "unsafe" // for linkname
)

// The cipher suites of TLS 1.3 that crypto/tls offers and takes, best first: with
// instructions for AES, and without. No configuration has them.
var (
	//go:linkname fastSuites crypto/tls.defaultCipherSuitesTLS13
	fastSuites []uint16
	//go:linkname slowSuites crypto/tls.defaultCipherSuitesTLS13NoAES
	slowSuites []uint16
)

// only has both ends know only one cipher suite.
func only(t *testing.T, suite uint16) {
	fast, slow := fastSuites, slowSuites
	t.Cleanup(func() { fastSuites, slowSuites = fast, slow })
	fastSuites, slowSuites = []uint16{suite}, []uint16{suite}
}

// shaken is a connection after its handshake with a client of such a configuration.
func shaken(t *testing.T, s *Server, cfg *tls.Config) (c *Conn, near net.Conn, client *tls.Conn) {
	t.Helper()
	near, far := pair(t)
	client = tls.Client(far, cfg)
	failed := make(chan error, 1)
	go func() { failed <- client.Handshake() }()
	c, err := s.Serve(context.Background(), near, nil)
	if err = errors.Join(err, <-failed); err != nil {
		t.Fatal(err)
	}
	return c, near, client
}

// carries looks that a client reads what is sent.
func carries(t *testing.T, c *Conn, near net.Conn, client *tls.Conn) {
	t.Helper()
	out := &sink{}
	c.Attach(out)
	want := strings.Repeat("0123456789abcdef", 3000)
	send(t, c, out, []byte(want))
	if err := c.End(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = near.Write(slices.Concat(out.records...)) }()
	got := make([]byte, len(want)+1)
	n := 0
	var err error
	for err == nil {
		var k int
		k, err = client.Read(got[n:])
		n += k
	}
	if string(got[:n]) != want || err.Error() != "EOF" {
		t.Errorf("the client got %d bytes of %d, or others: %v", n, len(want), err)
	}
}

// However a handshake goes, the first record has the number behind those of the session
// tickets.
func TestTakingOver(t *testing.T) {
	all := []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256}
	remembers := func(c *tls.Config) { c.ClientSessionCache = tls.NewLRUClientSessionCache(1) }
	cases := []struct {
		name    string
		server  func(*tls.Config)
		client  func(*tls.Config)
		times   int // the last of so many handshakes
		tickets uint64
	}{
		{"a ticket", nil, remembers, 1, 1},
		{"resumed", nil, remembers, 2, 1},
		{"no ticket", func(c *tls.Config) { c.SessionTicketsDisabled = true }, remembers, 1, 0},
		{"none wanted", nil, nil, 1, 0},
		{"another hello", func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP384} }, func(c *tls.Config) {
			remembers(c)
			c.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384}
		}, 1, 1},
	}
	for _, suite := range all {
		for _, k := range cases {
			t.Run(tls.CipherSuiteName(suite)+"/"+k.name, func(t *testing.T) {
				only(t, suite)
				near, far := server(t, tls.VersionTLS13), &tls.Config{InsecureSkipVerify: true, ServerName: "other"}
				if k.server != nil {
					k.server(near)
				}
				if k.client != nil {
					k.client(far)
				}
				s := NewServer(near)
				for i := range k.times {
					c, conn, client := shaken(t, s, far)
					if !c.Seals() || c.sealer.number != k.tickets || c.sealer.theirs != k.tickets {
						t.Fatalf("it seals: %v; %d records have been sent, want %d", c.Seals(), c.sealer.number, k.tickets)
					}
					state := client.ConnectionState()
					if state.HelloRetryRequest != (k.name == "another hello") {
						t.Error("whether there was a second hello is not what the case is about")
					}
					if state.CipherSuite != suite || state.DidResume != (i > 0) {
						t.Fatalf("it has %s, resumed %v", tls.CipherSuiteName(state.CipherSuite), state.DidResume)
					}
					carries(t, c, conn, client)
				}
			})
		}
	}
}

// A secret stays with its connection: nothing of the handshake is kept, and the
// configurations that tell secrets are used again and tell nobody.
func TestSecretsAreNotKept(t *testing.T) {
	s := NewServer(server(t, tls.VersionTLS13))
	for range 3 {
		c, _, _ := shaken(t, s, &tls.Config{InsecureSkipVerify: true})
		if c.wire.shaking != nil || len(s.spare) != 1 || s.spare[0].handover != nil {
			t.Errorf("kept: %v; %d configurations", c.wire.shaking, len(s.spare))
		}
	}
	near, far := pair(t)
	far.Close()
	if _, err := s.Serve(context.Background(), near, nil); err == nil || len(s.spare) != 1 {
		t.Errorf("a failed handshake: %v, %d configurations", err, len(s.spare))
	}
	line := fmt.Sprintf("%s%064x %064x\n", serverSecret, 1, 2)
	if n, err := s.spare[0].Write([]byte(line)); n != len(line) || err != nil {
		t.Errorf("a secret that nobody waits for: %d, %v", n, err)
	}
}

// Another configuration that the caller chooses for a handshake is used as it is.
func TestAnotherConfiguration(t *testing.T) {
	cfg := server(t, tls.VersionTLS13)
	other := server(t, tls.VersionTLS13)
	other.NextProtos = []string{"other"}
	cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		switch {
		case slices.Contains(h.SupportedProtos, "none"):
			return nil, errors.New("there is none")
		case slices.Contains(h.SupportedProtos, "other"):
			return other, nil
		}
		return nil, nil
	}
	s := NewServer(cfg)
	for _, k := range []struct {
		proto string
		seals bool
	}{{"other", false}, {"http/1.1", true}} {
		c, near, client := shaken(t, s, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{k.proto}})
		if c.Protocol() != k.proto || c.Seals() != k.seals {
			t.Errorf("%s: ALPN chose %q, and it seals: %v", k.proto, c.Protocol(), c.Seals())
		}
		carries(t, c, near, client)
	}
	near, far := pair(t)
	go func() {
		_ = tls.Client(far, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"none"}}).Handshake()
	}()
	if _, err := s.Serve(context.Background(), near, nil); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("got %v", err)
	}
}

// What crypto/tls has told is not believed if it does not fit.
func TestHandoversThatDoNotFit(t *testing.T) {
	state := &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256}
	secret := func() *handover { return &handover{size: 32} }
	var theirs sealer
	if err := theirs.begin(suites[state.CipherSuite], make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	first := theirs.seal(plain([]byte("ticket")), typeHandshake)
	strange := append([]byte{typeData, 3, 3, 0, 30}, make([]byte, 30)...)
	cases := []struct {
		name   string
		state  tls.ConnectionState
		secret int
		flight []byte
		seals  bool
		failed bool
	}{
		{"all fits", *state, 32, slices.Concat(strange, first), true, false},
		{"TLS 1.2", tls.ConnectionState{Version: tls.VersionTLS12, CipherSuite: tls.TLS_AES_128_GCM_SHA256}, 32, nil, false, false},
		{"no such suite", tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: 0x1304}, 32, nil, false, false},
		{"no secret", *state, 0, nil, false, false},
		{"another's secret", *state, 48, nil, false, false},
		{"a record too many", *state, 32, slices.Concat(first, strange), false, true},
		{"a part of a record", *state, 32, first[:20], false, true},
		{"a part of a head", *state, 32, first[:4], false, true},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			h := secret()
			h.size, h.flight = k.secret, k.flight
			var s sealer
			err := s.take(&k.state, h)
			if (err != nil) != k.failed || !k.failed && s.ready() != k.seals {
				t.Errorf("it seals: %v, %v", s.ready(), err)
			}
		})
	}
}

// Where FIPS 140 is asked for, crypto/tls makes the records: its module wants to count
// them itself.
func TestRecordsOfFIPS140(t *testing.T) {
	const child = "STREAMPUMP_FIPS140_CHILD"
	if os.Getenv(child) != "" {
		c, near, client := shaken(t, NewServer(server(t, tls.VersionTLS13)), &tls.Config{InsecureSkipVerify: true})
		if c.Seals() {
			t.Error("it seals")
		}
		carries(t, c, near, client)
		return
	}
	for _, mode := range []string{"on", "only"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRecordsOfFIPS140$", "-test.v")
		cmd.Env = append(os.Environ(), child+"=1", "GODEBUG=fips140="+mode)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%s: %v\n%s", mode, err, out)
		}
	}
}
