// Package reactor drives loops with gnet: it owns the event loops, the wait for
// sockets that take bytes again, and the system calls that write.
package reactor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"

	"streampump/engine/loop"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// Config is how event loops run.
type Config struct {
	// ReadBuffer is a loop's buffer for incoming bytes.
	ReadBuffer int
	// Processors are what the loops' threads stay on, in the loops' order, again
	// from the start if there are too few. Empty: the system moves them.
	Processors []int
	Log        *slog.Logger
}

// Reactor drives one loop with a gnet event loop. Each loop has a
// gnet.Client of its own with a single event loop in it: so we choose the loop
// of a connection, and the handler is the loop.
type Reactor struct {
	gnet.BuiltinEventEngine
	cfg     Config
	loop    *loop.Loop
	client  *gnet.Client
	sockets *sockets
	watcher *os.File // the epoll set, as the Go runtime's poller sees it
	done    sync.WaitGroup

	mu     sync.Mutex
	events gnet.EventLoop // known since the first connection
}

// Start starts the event loop of l.
func Start(l *loop.Loop, cfg Config) (*Reactor, error) {
	s, err := newSockets()
	if err != nil {
		return nil, fmt.Errorf("no epoll set for loop %d: %w", l.ID(), err)
	}
	r := &Reactor{cfg: cfg, loop: l, sockets: s}
	l.Drive(s, r)
	r.client, err = gnet.NewClient(r,
		gnet.WithNumEventLoop(1),
		gnet.WithReadBufferCap(cfg.ReadBuffer),
		gnet.WithLockOSThread(r.pinned()),
		// The only balancer that several listeners may ask at once; there is one
		// loop to choose.
		gnet.WithLoadBalancing(gnet.LeastConnections),
		gnet.WithTCPNoDelay(gnet.TCPDelay), // connections inherit their options: see listenOptions
		gnet.WithLogger(gnetLog{cfg.Log}))
	if err == nil {
		l.StartLabelled(func() { err = r.client.Start() })
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("event loop %d does not start: %w", l.ID(), err)
	}
	l.StartLabelled(r.watch)
	return r, nil
}

// Stop ends the event loop; its connections are closed.
func (r *Reactor) Stop() {
	_ = r.client.Stop()
	_ = r.watcher.Close()
	r.done.Wait()
}

// watch wakes the loop when a full socket takes bytes again: the epoll set is
// itself watched, by the Go runtime's poller, so no thread waits in it.
func (r *Reactor) watch() {
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
				r.loop.Wake()
				return false
			})
			if err != nil {
				return
			}
		}
	})
}

// Wake posts a run of the loop. Before the first connection there is nothing
// to run for, except mail, for which the first connection wakes again.
func (r *Reactor) Wake() {
	r.mu.Lock()
	events := r.events
	if events == nil {
		r.loop.Idle()
	}
	r.mu.Unlock()
	if events == nil {
		return
	}
	if err := events.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
		r.loop.Run()
		return nil
	})); err != nil {
		r.loop.Idle()
	}
}

// Close closes the socket of c from the loop.
func (r *Reactor) Close(c *loop.Conn) {
	r.mu.Lock()
	events := r.events
	r.mu.Unlock()
	if err := events.Close(c.Socket().(gnet.Conn)); err != nil {
		r.cfg.Log.Error("a connection did not close cleanly", "peer", c.Peer(), "error", err)
	}
}

// Enroll hands an accepted connection to the loop; the descriptor is duplicated
// and the original closed, whatever comes of it.
func (r *Reactor) Enroll(tcp *net.TCPConn, c *loop.Conn) error {
	_, err := r.client.EnrollContext(tcp, c)
	if err == nil && c.Socket() == nil {
		// gnet closed it because its epoll set took no more, and says nothing.
		return errNotEnrolled
	}
	return err
}

// OnOpen enters the connection that enroll made.
func (r *Reactor) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	c := g.Context().(*loop.Conn)
	r.mu.Lock()
	first := r.events == nil
	if first {
		r.events = g.EventLoop()
	}
	r.mu.Unlock()
	if first && r.pinned() {
		r.pin()
	}
	if first {
		r.loop.Wake()
	}
	r.loop.Opened(c, g, g.Fd())
	return nil, gnet.None
}

// OnTraffic takes everything that arrived: gnet's own inbound buffer has no bound.
func (r *Reactor) OnTraffic(g gnet.Conn) gnet.Action {
	b, err := g.Next(-1)
	if err == nil && len(b) > 0 {
		r.loop.Traffic(g.Context().(*loop.Conn), b)
	}
	return gnet.None
}

// OnClose is called before the descriptor is closed.
func (r *Reactor) OnClose(g gnet.Conn, _ error) gnet.Action {
	if c, ok := g.Context().(*loop.Conn); ok {
		r.loop.Closed(c)
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
