// Package reactor drives loops with gnet: it owns the event loops and how they are
// woken, what connections are watched for, the wait for sockets to take bytes again,
// and the system calls that write. The documentation of package engine says what gnet
// is used for and what not.
package reactor

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"streampump/engine/loop"

	"github.com/panjf2000/gnet/v2"
)

// Config is how event loops run.
type Config struct {
	// ReadBuffer is the size of a loop's buffer for incoming bytes.
	ReadBuffer int
	// Processors are those that the loops' threads stay on, in the loops' order, from
	// the start again if there are too few. Empty: the system moves the threads.
	Processors []int
	Log        *slog.Logger
	// Datagrams are the loops' sockets for them, in the loops' order; empty: they send none.
	Datagrams []*DatagramSockets
}

// Reactor drives one loop with a gnet event loop. Each loop has a gnet.Client of its
// own with a single event loop in it: so we choose a connection's loop, and the
// handler is the loop.
type Reactor struct {
	gnet.BuiltinEventEngine
	cfg     Config
	loop    *loop.Loop
	client  *gnet.Client
	sockets *sockets
	bell    *bell

	// Owned by the loop.
	events gnet.EventLoop
	hung   error // the error of hanging the bell
	halves halves
}

// Start starts the event loop of l.
func Start(l *loop.Loop, cfg Config) (*Reactor, error) {
	r := &Reactor{cfg: cfg, loop: l, halves: halves{}}
	var err error
	if r.sockets, err = newSockets(); err != nil {
		return nil, fmt.Errorf("no epoll set for loop %d: %w", l.ID(), err)
	}
	if r.bell, err = newBell(); err != nil {
		r.sockets.close()
		return nil, fmt.Errorf("no event counter for loop %d: %w", l.ID(), err)
	}
	l.Drive(r.sockets, r)
	if len(cfg.Datagrams) > 0 {
		d := cfg.Datagrams[l.ID()]
		r.sockets.outgoing = &outgoing{sockets: d}
		l.SendFrom(d.port, d.fds[0], d.fds[1])
	}
	if err = r.start(); err != nil {
		r.bell.close()
		r.sockets.close()
		return nil, fmt.Errorf("event loop %d does not start: %w", l.ID(), err)
	}
	return r, nil
}

// start runs gnet's event loop and hangs the bell in it.
func (r *Reactor) start() error {
	var err error
	r.client, err = gnet.NewClient(r,
		gnet.WithNumEventLoop(1),
		gnet.WithReadBufferCap(r.cfg.ReadBuffer),
		gnet.WithLockOSThread(r.pinned()),
		// The only balancer that several ushers may ask at once; there is one loop to
		// choose.
		gnet.WithLoadBalancing(gnet.LeastConnections),
		gnet.WithTCPNoDelay(gnet.TCPDelay), // connections inherit their options from the listener (package door)
		gnet.WithLogger(gnetLog{r.cfg.Log}))
	if err != nil {
		return err
	}
	r.loop.StartLabelled(func() { err = r.client.Start() })
	if err != nil {
		return err
	}
	rope, err := bellRope()
	if err == nil {
		_, err = r.client.EnrollContext(rope, r.bell)
	}
	if err == nil {
		err = r.hung
	}
	if err != nil {
		_ = r.client.Stop()
	}
	return err
}

// Stop ends the event loop; its connections are closed.
func (r *Reactor) Stop() {
	_ = r.client.Stop()
	for c := range r.halves { // the loop's goroutine has ended
		r.Close(c)
	}
	r.bell.close()
	r.sockets.close()
}

// Wake has the loop run after everything that is ready now. Any goroutine may call
// it.
func (r *Reactor) Wake() { r.bell.ring() }

// Close closes the socket of c. The loop's goroutine calls it.
func (r *Reactor) Close(c *loop.Conn) {
	if fd, ok := r.halves[c]; ok {
		r.closeHalf(c, fd)
		return
	}
	if err := r.events.Close(c.Socket().(gnet.Conn)); err != nil {
		r.cfg.Log.Error("a connection did not close cleanly", "peer", c.Peer(), "why", err)
	}
}

// Listen has what the peer of c sends be read, or left in its socket. The loop's
// goroutine calls it.
func (r *Reactor) Listen(c *loop.Conn, on bool) {
	g, ok := c.Socket().(gnet.Conn)
	if _, half := r.halves[c]; half || !ok {
		return
	}
	watch := r.bell.watchNothing
	if on {
		watch = r.bell.watchReads
	}
	if err := watch(g.Fd()); err != nil { // it fails for a bad descriptor only
		r.cfg.Log.Error("whether a connection is read cannot be changed", "peer", c.Peer(), "read", on, "why", err)
	}
}

// Enroll hands an accepted connection to the loop; the descriptor is duplicated and
// the original closed, even if that fails.
func (r *Reactor) Enroll(tcp *net.TCPConn, c *loop.Conn) error {
	dropZone(tcp.LocalAddr())
	dropZone(tcp.RemoteAddr())
	_, err := r.client.EnrollContext(tcp, c)
	if err == nil && c.Socket() == nil {
		// gnet closed it because its epoll set took no more, and says nothing.
		return errNotEnrolled
	}
	return err
}

// dropZone takes the name of a network interface off an address that gnet will keep.
// gnet looks it up, and leaks the duplicated descriptor if the interface is gone; and
// when the connection ends, it takes the name's memory, which is not its own, for a
// buffer. The [loop.Conn] has the whole address.
func dropZone(a net.Addr) {
	if t, ok := a.(*net.TCPAddr); ok {
		t.Zone = ""
	}
}

// OnOpen enters the connection that Enroll handed over, or hangs the bell.
func (r *Reactor) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	c, ok := g.Context().(*loop.Conn)
	if !ok {
		r.events = g.EventLoop()
		r.hung = r.bell.hang(g.Fd(), r.sockets.epoll)
		if r.pinned() {
			r.pin()
		}
		return nil, gnet.None
	}
	if err := r.bell.watchReads(g.Fd()); err != nil { // it fails for a bad descriptor only
		r.cfg.Log.Error("a connection is told of urgent data", "peer", c.Peer(), "why", err)
	}
	r.loop.Opened(c, g, g.Fd())
	return nil, gnet.None
}

// OnTraffic takes everything that arrived: gnet's own inbound buffer has no bound. If
// the connection is the bell, the loop runs.
func (r *Reactor) OnTraffic(g gnet.Conn) gnet.Action {
	b, err := g.Next(-1)
	if c, ok := g.Context().(*loop.Conn); !ok {
		r.loop.Run()
	} else if err == nil && len(b) > 0 {
		r.loop.Traffic(c, b)
	}
	return gnet.None
}

// OnClose is called before the descriptor is closed.
func (r *Reactor) OnClose(g gnet.Conn, why error) gnet.Action {
	c, ok := g.Context().(*loop.Conn)
	if ok && !r.keepHalf(g, c, why) {
		r.loop.Closed(c)
	}
	return gnet.None
}

// gnetLog passes gnet's messages on to the product's log. Its debug and info lines
// speak only of its own life.
type gnetLog struct{ log *slog.Logger }

func (g gnetLog) Debugf(format string, args ...any) {}
func (g gnetLog) Infof(format string, args ...any)  {}
func (g gnetLog) Warnf(format string, args ...any) {
	if strings.HasPrefix(format, staleEvent) {
		return
	}
	g.log.Warn("an event loop reports a fault", "why", fmt.Sprintf(format, args...))
}
func (g gnetLog) Errorf(format string, args ...any) {
	g.log.Error("an event loop reports a fault", "why", fmt.Sprintf(format, args...))
}
func (g gnetLog) Fatalf(format string, args ...any) {
	g.log.Error("an event loop reports a fault", "why", fmt.Sprintf(format, args...))
}

// staleEvent begins what gnet says of an event for a connection that was closed
// after the event had been handed out: a viewer that breaks while it is written to.
const staleEvent = "received event["

// errNotEnrolled: the event loop could not watch the connection.
var errNotEnrolled = errors.New("the event loop cannot watch another connection (fs.epoll.max_user_watches)")
