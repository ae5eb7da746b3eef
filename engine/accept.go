package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"streampump/codec"
)

// acceptor takes connections and hands them to the loops. It is ours and not
// gnet's, because one failed accept ends gnet's engine, and because drain,
// socket activation and hand-over will come through the same door.
type acceptor struct {
	eng      *Engine
	listener *net.TCPListener
	spare    *os.File // a descriptor kept back, to say 503 when none is left

	ushered  chan *net.TCPConn // to the ushers
	underway sync.WaitGroup    // what the ushers have
}

// ushers is how many of a listener's connections are handed to loops at a time.
// Each waits until its loop has it, and a loop takes several in one turn: of 5,000
// players who join at once the last is served after nine tenths of the time that
// one usher alone needs. Twice as many gain a little more and need more threads.
const ushers = 4

// acceptBackoff is how long accepting rests when no descriptor is left: long
// enough not to spin, short enough that a freed one is used at once.
const acceptBackoff = 50 * time.Millisecond

// maxRefusing bounds the connections that are open only to be told that there
// is no room; beyond it they are closed at once.
const maxRefusing = 256

// listen opens an address. "[::]:port" takes IPv4 as well. An address in use by
// sockets of an earlier process in TIME_WAIT is taken over.
func (e *Engine) listen(address string) (*acceptor, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = e.listenOptions(int(fd)) }); e != nil {
			return e
		}
		return err
	}}
	lc.SetMultipathTCP(false)
	lc.KeepAlive = -1 // net is not to set it on each connection: see listenOptions
	network := "tcp"
	if host, _, err := net.SplitHostPort(address); err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
			network = "tcp4"
		}
	}
	ln, err := lc.Listen(context.Background(), network, address)
	if err != nil {
		return nil, fmt.Errorf("can not listen on %s: %w", address, bare(err))
	}
	a := &acceptor{eng: e, listener: ln.(*net.TCPListener), ushered: make(chan *net.TCPConn)}
	a.reserve()
	return a, nil
}

// An idle connection is probed after keepAlive, and each of keepAliveProbes is
// given keepAliveInterval to be answered: it finds peers that vanished without a
// FIN and have nothing to be sent.
const (
	keepAlive         = 60 * time.Second
	keepAliveInterval = 12 * time.Second
	keepAliveProbes   = 5
)

// listenOptions sets what a listener's connections inherit: once, and not with
// five calls for each of thousands that may come at once.
func (e *Engine) listenOptions(fd int) error {
	set := []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		// No answer waits for another's acknowledgement.
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(keepAlive / time.Second)},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(keepAliveInterval / time.Second)},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes},
		{unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, e.cfg.Fanout.NotSentLowat},
	}
	for _, o := range set {
		if o.name == unix.TCP_NOTSENT_LOWAT && o.value == 0 {
			continue // the system's own
		}
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}

// reserve keeps a descriptor back; false if there is none.
func (a *acceptor) reserve() bool {
	if a.spare == nil {
		a.spare, _ = os.Open(os.DevNull)
	}
	return a.spare != nil
}

// release gives the spare descriptor back for use.
func (a *acceptor) release() {
	if a.spare != nil {
		_ = a.spare.Close()
		a.spare = nil
	}
}

// run accepts until the listener is closed.
func (a *acceptor) run() {
	var group sync.WaitGroup
	defer group.Wait()
	defer close(a.ushered)
	for range ushers {
		group.Go(a.usher)
	}
	for a.next() {
	}
}

// next accepts a connection; false if the listener is closed. While descriptors
// are short it does everything itself, one thing after the other.
func (a *acceptor) next() bool {
	conn, err := a.listener.AcceptTCP()
	if err == nil && !a.eng.crowded() {
		a.underway.Add(1)
		a.ushered <- conn
		return true
	}
	a.underway.Wait()
	switch {
	case err == nil && a.reserve():
		// Handing it to a loop takes a descriptor for a moment: the spare one.
		a.release()
		a.eng.admit(conn)
		a.reserve()
	case err == nil:
		a.noDescriptor(syscall.EMFILE)
		a.eng.refuse(conn, codec.CauseFailed, acceptBackoff)
	case errors.Is(err, net.ErrClosed):
		a.release()
		return false
	default:
		a.outOfDescriptors(err)
	}
	return true
}

// usher hands connections to loops until no more come.
func (a *acceptor) usher() {
	for conn := range a.ushered {
		a.eng.admit(conn)
		a.underway.Done()
	}
}

// noDescriptor counts and logs a connection that could not be taken.
func (a *acceptor) noDescriptor(err error) {
	a.eng.stats.acceptErrors.Add(1)
	a.eng.doorLog.Error("a connection can not be accepted; raise the descriptor limit, or lower limits.connections below it", "error", err)
}

// outOfDescriptors tells one waiting peer with the spare descriptor, and rests.
func (a *acceptor) outOfDescriptors(err error) {
	a.noDescriptor(err)
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		a.release()
		if conn, err := a.acceptNow(); err == nil {
			a.eng.refuse(conn, codec.CauseFailed, acceptBackoff)
		}
		a.reserve()
	}
	time.Sleep(acceptBackoff)
}

// acceptNow accepts a connection that is already waiting.
func (a *acceptor) acceptNow() (*net.TCPConn, error) {
	if err := a.listener.SetDeadline(time.Now().Add(acceptBackoff)); err != nil {
		return nil, err
	}
	defer func() { _ = a.listener.SetDeadline(time.Time{}) }()
	return a.listener.AcceptTCP()
}

// refuse tells a peer that has no loop why, and waits at most so long for it to
// close: what arrives after our close would make the system take the answer back.
func (e *Engine) refuse(conn *net.TCPConn, cause codec.Cause, wait time.Duration) {
	_, _ = conn.Write(e.protocols[0].AppendRefusal(nil, cause)) // into an empty socket buffer: never blocks
	_ = conn.CloseWrite()
	if wait > 0 && conn.SetReadDeadline(time.Now().Add(wait)) == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(conn, maxDrain))
	}
	_ = conn.Close()
}

// admit counts a connection in and hands it to a loop, or refuses it.
func (e *Engine) admit(tcp *net.TCPConn) {
	c := &conn{peer: addrPort(tcp.RemoteAddr()), pending: true}
	if c.refused = e.count(c); c.refused != NoReason {
		c.pending = false
		if e.stats.refusing.Add(1) > maxRefusing {
			e.stats.refusing.Add(-1)
			e.refuse(tcp, codec.CauseFull, 0)
			return
		}
	}
	compact(tcp.LocalAddr())
	compact(tcp.RemoteAddr())
	l := e.pick()
	c.loop = l
	if err := e.enroll(l, tcp, c); err != nil {
		e.uncount(c)
		e.stats.acceptErrors.Add(1)
		e.doorLog.Error("a connection can not be taken on", "error", err)
	}
}

// compact gives an address a copy of its bytes. net leaves it pointing into the
// 64 bytes of the system call's answer, and gnet keeps the address for as long
// as the connection lives: twice 48 bytes of every viewer.
func compact(a net.Addr) {
	if t, ok := a.(*net.TCPAddr); ok {
		ip := t.IP
		if v4 := ip.To4(); v4 != nil {
			ip = v4
		}
		t.IP = append(make(net.IP, 0, len(ip)), ip...)
	}
}

// addrPort is a TCP address without the IPv6 mapping of IPv4 addresses.
func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
