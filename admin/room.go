package admin

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
)

// limited is a listener with a bound on how many connections are open. For one beyond
// it, the one that has waited for its client for longest is closed, whatever the client
// withholds: a request, the rest of one, or reading its answer. A page in the operator's
// browser can do so, and so can anybody on this machine. Only if there is work to be
// done for all, which other bounds do not allow, the newcomer is told so and closed.
type limited struct {
	net.Listener
	most int

	mu   sync.Mutex
	idle []*counted // that wait for their clients, those that have waited for longest first
	busy int        // the others
}

func limit(ln net.Listener, most int) *limited { return &limited{Listener: ln, most: most} }

const crowdedAnswer = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: 50\r\n\r\n" +
	"too many connections to the admin listener; wait.\n"

// Accept implements [net.Listener].
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &counted{Conn: conn, of: l}
		old, ok := l.enter(c)
		if old != nil {
			_ = old.Close()
		}
		if ok {
			return c, nil
		}
		_, _ = io.WriteString(conn, crowdedAnswer) // into an empty socket buffer: never blocks
		_ = conn.Close()
	}
}

// enter counts a connection in, in the place of old if that is not nil; not ok if
// there is no room.
func (l *limited) enter(c *counted) (old *counted, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy+len(l.idle) >= l.most {
		if len(l.idle) == 0 {
			return nil, false
		}
		old = l.idle[0]
		old.leave()
	}
	l.idle = append(l.idle, c)
	return old, true
}

// counted is one of them.
type counted struct {
	net.Conn
	of *limited

	// Guarded by of.mu.
	busy bool // there is work to be done for it
	gone bool
}

// work says whether there is work to be done for the connection, or it waits for its
// client.
func (c *counted) work(busy bool) {
	if c == nil {
		return
	}
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.gone || c.busy == busy {
		return
	}
	c.leave()
	c.gone, c.busy = false, busy
	if busy {
		c.of.busy++
	} else {
		c.of.idle = append(c.of.idle, c)
	}
}

// leave takes the connection out. The lock is held.
func (c *counted) leave() {
	switch {
	case c.gone:
	case c.busy:
		c.of.busy--
	default:
		c.of.idle = slices.DeleteFunc(c.of.idle, func(o *counted) bool { return o == c })
	}
	c.gone = true
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	c.of.mu.Lock()
	c.leave()
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// noteState notes that an answer is done, for [http.Server].
func noteState(conn net.Conn, s http.ConnState) {
	if c, ok := conn.(*counted); ok && s == http.StateIdle {
		c.work(false)
	}
}

// connKey is the context's key for the connection of a request.
type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// connOf is the connection of a request; nil if there is none, as in tests.
func connOf(r *http.Request) *counted {
	c, _ := r.Context().Value(connKey{}).(*counted)
	return c
}
