package load

import (
	"crypto/tls"
	"os"
	"strings"
	"testing"
	"time"

	"streampump/bench/secure"
)

// secured makes a server of players that speak TLS, and says how they do.
func secured(t *testing.T, s *server) (*server, *tls.Config) {
	t.Helper()
	a, err := secure.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Issue(t.TempDir(), 0o600, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	s.tls = &tls.Config{Certificates: []tls.Certificate{cert}}
	return serve(t, s), secure.Config("localhost", a.Roots())
}

// TestPlayersOverTLS: both kinds join, at once; the others' stream is drained as it is.
func TestPlayersOverTLS(t *testing.T) {
	t.Parallel()
	s, config := secured(t, &server{stamped: true})
	r := play(t.Context(), t, Options{
		Addr: s.addr, Path: "/x", TLS: config, Players: 120, Verify: 5, Threads: 2, PID: os.Getpid(),
		Throttle: Throttle{Percent: 5, Rate: 100_000},
	})
	if len(r.Problems) > 0 || len(r.Notes) > 0 || r.Waiting != 0 {
		t.Fatalf("%+v", r)
	}
	if want := (Counts{Started: 120, Connected: 120, Joined: 120, Held: 120}); r.Counts != want {
		t.Errorf("%+v", r.Counts)
	}
	if len(r.TLS) != 1 || r.TLS["TLS 1.3, TLS_AES_128_GCM_SHA256"] != 120 && r.TLS["TLS 1.3, TLS_CHACHA20_POLY1305_SHA256"] != 120 {
		t.Errorf("%v", r.TLS)
	}
	if v := r.Verified; v == nil || v.Objects == 0 || v.Broken != 0 || v.Foreign || r.Delay == nil {
		t.Errorf("%+v", v)
	}
	if m := r.Measured; m == nil || m.Bytes < 120*1400 {
		t.Errorf("%+v", m)
	}
	if r.JoinCPU == nil || *r.JoinCPU <= 0 {
		t.Errorf("no account of the joins: %v", r.JoinCPU)
	}
}

// TestDescribeOverTLS: a handshake for each connection.
func TestDescribeOverTLS(t *testing.T) {
	t.Parallel()
	s, config := secured(t, &server{})
	r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", TLS: config, Players: 10, Verify: 2, Describe: true, Churn: 20})
	n := 0
	for _, of := range r.TLS {
		n += of
	}
	if len(r.Problems) > 0 || r.Counts.Held != 10 || n != 2*r.Counts.Started {
		t.Errorf("%d handshakes, %+v", n, r)
	}
}

// TestServerThatNobodyVouchesFor gets no player.
func TestServerThatNobodyVouchesFor(t *testing.T) {
	t.Parallel()
	s, _ := secured(t, &server{})
	stranger, err := secure.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	plain := serve(t, &server{})
	for want, o := range map[string]Options{
		"tls: failed to verify certificate: x509: certificate signed by unknown authority": {Addr: s.addr, TLS: secure.Config("localhost", stranger.Roots())},
		"tls: first record does not look like a TLS handshake":                             {Addr: plain.addr, TLS: secure.Config("localhost", nil)},
	} {
		o.Path, o.Players, o.Verify, o.Duration = "/x", 6, 3, time.Second
		r := play(t.Context(), t, o)
		lost := 0
		for reason, n := range r.Reasons {
			if strings.HasPrefix(reason, want) || reason == "the server closed the connection" {
				lost += n
			}
		}
		if lost != 6 || r.Counts.Connected != 0 || r.TLS != nil {
			t.Errorf("%s: %+v, %v", want, r.Counts, r.Reasons)
		}
	}
}
