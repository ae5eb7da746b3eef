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
				s := on(ln.Addr().(*net.TCPAddr).AddrPort().Addr(), ln, Options{Source: fixed{}, Log: slog.New(slog.DiscardHandler)})
				s.Serve()
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
		s := on(ln.Addr().(*net.TCPAddr).AddrPort().Addr(), ln, Options{Source: fixed{}, Log: slog.New(slog.DiscardHandler)})
		s.Serve()
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

// Of profiles that last there is one at a time; who asks for another is told so.
func TestOneProfileAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := handler()
		var making sync.WaitGroup
		making.Go(func() {
			if w := ask(h, httptest.NewRequest("GET", "/debug/pprof/goroutine?seconds=5", nil)); w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
		synctest.Wait()
		for _, request := range []string{
			"GET /debug/pprof/heap?seconds=1", "GET /debug/pprof/profile", "GET /debug/pprof/trace", "GET /debug/pprof/profile?seconds=0", "POST /debug/pprof/mutex?seconds=1", "POST /debug/pprof/block?seconds=1",
		} {
			method, path, _ := strings.Cut(request, " ")
			w := ask(h, httptest.NewRequest(method, path, nil))
			if w.Code != http.StatusServiceUnavailable || w.Body.String() != "another profile is being made; try again when that is done\n" || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: %d %s", request, w.Code, w.Body)
			}
		}
		for _, path := range []string{"/status", "/debug/pprof/heap"} {
			if w := ask(h, httptest.NewRequest("GET", path, nil)); w.Code != 200 {
				t.Errorf("%s meanwhile: %d", path, w.Code)
			}
		}
		making.Wait()
		if w := ask(h, httptest.NewRequest("GET", "/debug/pprof/goroutine?seconds=1", nil)); w.Code != 200 {
			t.Errorf("afterwards: %d %s", w.Code, w.Body)
		}
	})
}

// How long a profile may last is bounded.
func TestProfilesEnd(t *testing.T) {
	for _, s := range []string{"3601", "-1", "NaN", "Inf", "x"} {
		w := get(t, "/debug/pprof/profile?seconds="+s)
		if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Body.String(), "seconds must be a whole number from 0 to 3600, not ") {
			t.Errorf("%s: %d %s", s, w.Code, w.Body)
		}
	}
}

// A gate lets so many through, and more when those are done.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		h := newGate(2, "full").admit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
		var busy sync.WaitGroup
		for range 2 {
			busy.Go(func() { ask(h, httptest.NewRequest("GET", "/", nil)) })
		}
		synctest.Wait()
		if w := ask(h, httptest.NewRequest("GET", "/", nil)); w.Code != http.StatusServiceUnavailable || !strings.HasPrefix(w.Body.String(), "full; ") {
			t.Errorf("one too many: %d %s", w.Code, w.Body)
		}
		close(hold)
		busy.Wait()
		if w := ask(h, httptest.NewRequest("GET", "/", nil)); w.Code != 200 {
			t.Errorf("afterwards: %d", w.Code)
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
		s := on(ln.Addr().(*net.TCPAddr).AddrPort().Addr(), ln, Options{Source: broken{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
		s.Serve()
		conn := ln.dial()
		_, _ = io.WriteString(conn, "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
		_, _ = io.ReadAll(conn)
		s.Close(context.Background())
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "a fault of the test") || !strings.Contains(log.String(), `from="admin listener"`) {
			t.Errorf("%s", log.String())
		}
	})
}
