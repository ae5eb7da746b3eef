package admin

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"streampump/engine"
)

// pipes is a listener whose connections are in memory, so that their time is the
// test's.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	over  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), over: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.over) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8087} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// What a client withholds costs its own connection after a time, and nothing else.
func TestSlowClientsAreCut(t *testing.T) {
	for name, c := range map[string]struct {
		sends string
		takes bool // what is answered
		after time.Duration
		last  string // of what is answered
	}{
		"no_request":    {"", true, headTime, ""},
		"half_a_head":   {"GET /healthz HTTP/1.1\r\nHost: ", true, headTime, ""},
		"no_body":       {"PUT /debug/rates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\nblock", true, bodyTime, "did not come in time\n"},
		"body_of_get":   {"GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n", true, bodyTime, "did not come in time\n"},
		"idle":          {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", true, idleTime, "ok\n"},
		"takes_nothing": {"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n", false, writeTime, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := newPipes()
				s := newServer(ln.Addr().(*net.TCPAddr).AddrPort().Addr(), Options{Source: fixed{}, Log: slog.New(slog.DiscardHandler)})
				go s.serve(ln)
				defer s.Close(context.Background())
				conn := ln.dial()
				began := time.Now()
				_, _ = io.WriteString(conn, c.sends)
				var answer []byte
				if c.takes {
					answer, _ = io.ReadAll(conn)
				} else {
					time.Sleep(writeTime + time.Second)
					if _, err := conn.Read(make([]byte, 1)); err == nil {
						t.Error("it still waits to be read")
					}
					return
				}
				if took := time.Since(began); took != c.after {
					t.Errorf("it was cut after %v, want %v", took, c.after)
				}
				if !strings.HasSuffix(string(answer), c.last) {
					t.Errorf("it was answered %q", answer)
				}
			})
		})
	}
}

// A long profile is not cut by the bounds of its request.
func TestLongProfileIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		s := newServer(ln.Addr().(*net.TCPAddr).AddrPort().Addr(), Options{Source: fixed{}, Log: slog.New(slog.DiscardHandler)})
		go s.serve(ln)
		defer s.Close(context.Background())
		conn := ln.dial()
		began := time.Now()
		_, _ = io.WriteString(conn, "POST /debug/pprof/mutex?seconds=600 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		answer, err := io.ReadAll(conn)
		if took := time.Since(began); err != nil || took != 600*time.Second || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 OK")) {
			t.Errorf("after %v, %v: %.40q", took, err, answer)
		}
	})
	new(switchboard).set(Rates{})
}

// Bodies are bounded in bytes, whatever asks for them.
func TestLongBodyIsRefused(t *testing.T) {
	for _, request := range []string{"PUT /debug/rates", "POST /debug/pprof/symbol", "GET /status"} {
		method, path, _ := strings.Cut(request, " ")
		w := ask(handler(), httptest.NewRequest(method, path, strings.NewReader(strings.Repeat("x", maxBody+1))))
		if w.Code != http.StatusRequestEntityTooLarge || w.Header().Get("Connection") != "close" {
			t.Errorf("%s: %d %v", request, w.Code, w.Header())
		}
	}
}

// Connections beyond the limit are told so, and there is room again when others go.
func TestConnectionsAreBounded(t *testing.T) {
	s := open(t, Options{})
	var idle []net.Conn
	for range maxConnections {
		conn, err := net.Dial("tcp", s.Address().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		idle = append(idle, conn)
	}
	one := func() int {
		tr := &http.Transport{DisableKeepAlives: true}
		r, err := (&http.Client{Transport: tr}).Get("http://" + s.Address().String() + "/healthz")
		if err != nil {
			return 0 // closed before the request was written
		}
		_ = r.Body.Close()
		return r.StatusCode
	}
	if code := one(); code == http.StatusOK {
		t.Fatalf("connection %d was served", maxConnections+1)
	}
	for _, conn := range idle {
		_ = conn.Close()
	}
	for code := 0; code != http.StatusOK; code = one() {
		if t.Context().Err() != nil {
			t.Fatal("there is no room again")
		}
	}
}

// The words that the one too many gets.
func TestCrowdedAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		l := limit(ln, 1)
		go func() {
			for {
				if _, err := l.Accept(); err != nil {
					return
				}
			}
		}()
		ln.dial()
		answer, err := io.ReadAll(ln.dial())
		if err != nil || string(answer) != crowdedAnswer {
			t.Errorf("%q, %v", answer, err)
		}
		_ = ln.Close()
	})
	head, body, _ := strings.Cut(crowdedAnswer, "\r\n\r\n")
	if !strings.HasSuffix(head, "Content-Length: 50") || len(body) != 50 {
		t.Errorf("%q", crowdedAnswer)
	}
}

// Profiles are bounded in number: beyond it 503, and room again when one is done.
func TestProfilesAtOnceAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := handler()
		var making sync.WaitGroup
		for range maxProfiles {
			making.Go(func() {
				if w := ask(h, httptest.NewRequest("GET", "/debug/pprof/goroutine?seconds=5", nil)); w.Code != 200 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		synctest.Wait()
		w := ask(h, httptest.NewRequest("GET", "/debug/pprof/heap", nil))
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "too many profiles are being made") {
			t.Errorf("one too many: %d %s", w.Code, w.Body)
		}
		if w := ask(h, httptest.NewRequest("GET", "/status", nil)); w.Code != 200 {
			t.Errorf("the status meanwhile: %d", w.Code)
		}
		making.Wait()
		if w := ask(h, httptest.NewRequest("GET", "/debug/pprof/heap", nil)); w.Code != 200 {
			t.Errorf("afterwards: %d %s", w.Code, w.Body)
		}
	})
}

type broken struct{}

func (broken) Snapshot() engine.Snapshot { panic("a fault of the test") }

func (broken) Viewers(context.Context, engine.Wanted) ([]engine.ViewerRow, bool, error) {
	panic("a fault of the test")
}

// What net/http has to say goes into our log.
func TestOwnErrorsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ln := newPipes()
		s := newServer(ln.Addr().(*net.TCPAddr).AddrPort().Addr(), Options{Source: broken{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
		go s.serve(ln)
		conn := ln.dial()
		_, _ = io.WriteString(conn, "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
		_, _ = io.ReadAll(conn)
		s.Close(context.Background())
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "a fault of the test") || !strings.Contains(log.String(), `from="admin listener"`) {
			t.Errorf("%s", log.String())
		}
	})
}
