package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// netReactor drives one loop with a gnet event loop. Each loop has a
// gnet.Client of its own with a single event loop in it: so we choose the loop
// of a connection, and the handler is the loop.
type netReactor struct {
	gnet.BuiltinEventEngine
	loop    *loop
	client  *gnet.Client
	sockets *sockets
	watcher *os.File // the epoll set, as the Go runtime's poller sees it
	done    sync.WaitGroup

	mu     sync.Mutex
	events gnet.EventLoop // known since the first connection
}

// startReactor starts the event loop of l.
func startReactor(l *loop) (*netReactor, error) {
	s, err := newSockets()
	if err != nil {
		return nil, fmt.Errorf("no epoll set for loop %d: %w", l.id, err)
	}
	r := &netReactor{loop: l, sockets: s}
	l.kernel, l.reactor = s, r
	r.client, err = gnet.NewClient(r,
		gnet.WithNumEventLoop(1),
		gnet.WithReadBufferCap(l.eng.cfg.ReadBuffer),
		gnet.WithLockOSThread(l.eng.pinned()),
		// The only balancer that several listeners may ask at once; there is one
		// loop to choose.
		gnet.WithLoadBalancing(gnet.LeastConnections),
		gnet.WithTCPNoDelay(gnet.TCPDelay), // connections inherit their options: see listenOptions
		gnet.WithLogger(gnetLog{l.eng.log}))
	if err == nil {
		l.startLabelled(func() { err = r.client.Start() })
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("event loop %d does not start: %w", l.id, err)
	}
	l.startLabelled(r.watch)
	return r, nil
}

// stop ends the event loop; its connections are closed.
func (r *netReactor) stop() {
	_ = r.client.Stop()
	_ = r.watcher.Close()
	r.done.Wait()
}

// watch wakes the loop when a full socket takes bytes again: the epoll set is
// itself watched, by the Go runtime's poller, so no thread waits in it.
func (r *netReactor) watch() {
	_ = unix.SetNonblock(r.sockets.epoll, true)
	r.watcher = os.NewFile(uintptr(r.sockets.epoll), "epoll")
	raw, err := r.watcher.SyscallConn()
	if err != nil {
		return
	}
	r.done.Go(func() {
		for {
			waited := false
			err := raw.Read(func(uintptr) bool {
				if waited {
					return true
				}
				// The poller forgets here what it has seen so far, so the loop
				// looks after that, and what comes later ends the wait.
				waited = true
				r.loop.wake()
				return false
			})
			if err != nil {
				return
			}
		}
	})
}

// wake posts a run of the loop. Before the first connection there is nothing
// to run for, except mail, for which the first connection wakes again.
func (r *netReactor) wake() {
	r.mu.Lock()
	events := r.events
	if events == nil {
		r.loop.pending.Store(false)
	}
	r.mu.Unlock()
	if events == nil {
		return
	}
	if err := events.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
		r.loop.run()
		return nil
	})); err != nil {
		r.loop.pending.Store(false)
	}
}

// close closes the socket of c from the loop.
func (r *netReactor) close(c *conn) {
	r.mu.Lock()
	events := r.events
	r.mu.Unlock()
	if err := events.Close(c.socket); err != nil {
		r.loop.eng.log.Error("a connection did not close cleanly", "peer", c.peer, "error", err)
	}
}

// enroll hands an accepted connection to a loop; the descriptor is duplicated
// and the original closed, whatever comes of it.
func (e *Engine) enroll(l *loop, tcp *net.TCPConn, c *conn) error {
	_, err := e.reactors[l.id].client.EnrollContext(tcp, c)
	if err == nil && c.socket == nil {
		// gnet closed it because its epoll set took no more, and says nothing.
		return errNotEnrolled
	}
	return err
}

// OnOpen enters the connection that enroll made.
func (r *netReactor) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	c := g.Context().(*conn)
	c.socket, c.fd = g, int32(g.Fd())
	r.mu.Lock()
	first := r.events == nil
	if first {
		r.events = g.EventLoop()
	}
	r.mu.Unlock()
	if first && r.loop.eng.pinned() {
		r.pin()
	}
	if first {
		r.loop.wake()
	}
	r.loop.opened(c)
	return nil, gnet.None
}

// OnTraffic takes everything that arrived: gnet's own inbound buffer has no bound.
func (r *netReactor) OnTraffic(g gnet.Conn) gnet.Action {
	b, err := g.Next(-1)
	if err == nil && len(b) > 0 {
		r.loop.traffic(g.Context().(*conn), b)
	}
	return gnet.None
}

// OnClose is called before the descriptor is closed.
func (r *netReactor) OnClose(g gnet.Conn, _ error) gnet.Action {
	if c, ok := g.Context().(*conn); ok {
		r.loop.closed(c)
	}
	return gnet.None
}

// gnetLog passes gnet's messages on to the product's log. Its debug and info
// lines speak of its own life only.
type gnetLog struct{ log *slog.Logger }

func (g gnetLog) Debugf(format string, args ...any) {}
func (g gnetLog) Infof(format string, args ...any)  {}
func (g gnetLog) Warnf(format string, args ...any) {
	g.log.Warn("event loop", "what", fmt.Sprintf(format, args...))
}
func (g gnetLog) Errorf(format string, args ...any) {
	g.log.Error("event loop", "what", fmt.Sprintf(format, args...))
}
func (g gnetLog) Fatalf(format string, args ...any) {
	g.log.Error("event loop", "what", fmt.Sprintf(format, args...))
}

// errNotEnrolled: the event loop could not watch the connection.
var errNotEnrolled = errors.New("the event loop can not watch another connection (fs.epoll.max_user_watches)")
