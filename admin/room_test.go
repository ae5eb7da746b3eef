package admin

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"streampump/engine"
)

// Whatever clients withhold, who comes is answered: the one that has waited for its
// client for longest gives way.
func TestNobodyKeepsOthersOut(t *testing.T) {
	for name, sends := range map[string]string{
		"no_request":        "",
		"half_a_head":       "GET /healthz HTTP/1.1\r\nHost: ",
		"no_body":           "PUT /debug/rates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\nblock",
		"no_body_elsewhere": "POST /status HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 20\r\n\r\n",
		"takes_nothing":     "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"takes_no_refusal":  "GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := newPipes()
				s := on(ln.Addr().(*net.TCPAddr).AddrPort().Addr(), ln, Options{Source: long{}, Log: slog.New(slog.DiscardHandler)})
				s.Serve()
				defer s.Close(context.Background())
				var all []net.Conn
				for range maxConnections {
					conn := ln.dial()
					_, _ = io.WriteString(conn, sends)
					all = append(all, conn)
					synctest.Wait()
				}
				for range 2 {
					if code := healthOf(t, ln.dial()); code != http.StatusOK {
						t.Errorf("who comes is answered %d", code)
					}
				}
				for i, conn := range all[:2] {
					if _, err := io.ReadAll(conn); err != nil {
						t.Errorf("connection %d, the oldest, is not closed: %v", i, err)
					}
				}
				if isClosed(all[maxConnections-1]) {
					t.Error("the newest is closed")
				}
				for _, conn := range all {
					_ = conn.Close()
				}
			})
		})
	}
}

// long has a status that is written in many pieces.
type long struct{ fixed }

func (long) Snapshot() engine.Snapshot {
	return engine.Snapshot{Streams: make([]engine.StreamSnapshot, 100)}
}

// healthOf asks whether the pump serves, and keeps the connection.
func healthOf(t *testing.T, conn net.Conn) int {
	t.Helper()
	_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	_, _ = io.ReadAll(r.Body)
	_ = r.Body.Close()
	synctest.Wait()
	return r.StatusCode
}

// isClosed reports whether the other end of a pipe is closed: it takes nothing more.
func isClosed(conn net.Conn) bool {
	_, err := conn.Write(nil)
	return err != nil
}

// If there is work to be done for all, the newcomer is told so, and there is room
// again when that is done.
func TestCrowdedAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		l := limit(ln, 2)
		taken := make(chan net.Conn, 9)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.(*counted).work(true)
				taken <- conn
			}
		}()
		ln.dial()
		ln.dial()
		first := <-taken
		for range 2 {
			answer, err := io.ReadAll(ln.dial())
			if err != nil || string(answer) != crowdedAnswer {
				t.Errorf("%q, %v", answer, err)
			}
		}
		_ = first.Close()
		ln.dial()
		<-taken
		<-taken
		_ = ln.Close()
	})
	head, body, _ := strings.Cut(crowdedAnswer, "\r\n\r\n")
	if !strings.HasSuffix(head, "Content-Length: 50") || len(body) != 50 {
		t.Errorf("%q", crowdedAnswer)
	}
}
