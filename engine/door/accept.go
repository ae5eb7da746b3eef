package door

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"streampump/codec"
	"streampump/engine/reason"
	"streampump/engine/secure"
)

// acceptor accepts a listener's connections and has them ushered to the loops. It is
// ours and not gnet's, because one failed accept ends gnet's engine, and because
// socket activation comes through the same door, and drain and hand-over will.
type acceptor struct {
	door     *Door
	listener *net.TCPListener
	tls      *secure.Server // nil: plain
	// inherited: another process has opened the listener.
	inherited bool

	// Guarded by squeezing: connections that a proxy has named come on goroutines of
	// their own.
	squeezing sync.Mutex
	spare     *os.File // a descriptor kept back, to say 503 when none is left
}

// acceptBackoff is how long accepting rests when no descriptor is left: long
// enough not to spin, short enough that a freed one is used at once.
const acceptBackoff = 50 * time.Millisecond

// maxDrain bounds what is read from a refused peer so that it sees the answer.
const maxDrain = 1 << 20

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
	for a.next() {
	}
}

// next accepts a connection; false if the listener is closed.
func (a *acceptor) next() bool {
	conn, err := a.listener.AcceptTCP()
	switch {
	case errors.Is(err, net.ErrClosed):
		a.squeezing.Lock()
		defer a.squeezing.Unlock()
		a.release()
		return false
	case err != nil:
		a.outOfDescriptors(err)
	default:
		if a.inherited {
			ownKeepAlive(conn)
		}
		c := plainly(conn)
		if a.door.proxied(c.Peer.Addr()) {
			a.name(c)
		} else {
			a.take(c)
		}
	}
	return true
}

// squeeze takes a connection in while descriptors are short, one at a time. Handing
// it to a loop takes a descriptor for a moment: the spare one.
func (a *acceptor) squeeze(in Arrival) {
	a.squeezing.Lock()
	defer a.squeezing.Unlock()
	if !a.reserve() {
		a.noDescriptor(syscall.EMFILE)
		a.door.refuse(in.TCP, codec.CauseFailed, acceptBackoff)
		return
	}
	a.release()
	c := arrival{in, make(chan struct{})}
	a.door.usher(c)
	select {
	case <-c.done:
	case <-time.After(patience): // its loop is stuck
	}
	if a.door.closing.Err() == nil {
		a.reserve()
	}
}

// noDescriptor counts and logs a connection that could not be taken.
func (a *acceptor) noDescriptor(err error) {
	a.door.errors.Add(1)
	a.door.cfg.Log.Error("a connection cannot be accepted; raise the descriptor limit, or lower limits.connections below it", "why", err)
}

// outOfDescriptors tells one waiting peer with the spare descriptor, and rests.
func (a *acceptor) outOfDescriptors(err error) {
	a.noDescriptor(err)
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		a.tellOne()
	}
	time.Sleep(acceptBackoff)
}

// tellOne accepts a waiting peer with the spare descriptor, to tell it that there is no
// room. On a TLS listener it cannot be told without a handshake.
func (a *acceptor) tellOne() {
	a.squeezing.Lock()
	defer a.squeezing.Unlock()
	a.release()
	switch conn, err := a.acceptNow(); {
	case err != nil:
	case a.tls != nil:
		_ = conn.Close()
	default:
		a.door.refuse(conn, codec.CauseFailed, acceptBackoff)
	}
	a.reserve()
}

// acceptNow accepts a connection that is already waiting.
func (a *acceptor) acceptNow() (*net.TCPConn, error) {
	if err := a.listener.SetDeadline(time.Now().Add(acceptBackoff)); err != nil {
		return nil, err
	}
	defer func() { _ = a.listener.SetDeadline(time.Time{}) }()
	return a.listener.AcceptTCP()
}

// refuse tells a peer that has no loop why, and waits no longer than wait for it to
// close: what arrives after our close would make the system take the answer back.
func (d *Door) refuse(conn *net.TCPConn, cause codec.Cause, wait time.Duration) {
	_, _ = conn.Write(d.cfg.Refusal(cause)) // into an empty socket buffer: never blocks
	_ = conn.CloseWrite()
	if wait > 0 && conn.SetReadDeadline(time.Now().Add(wait)) == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(conn, maxDrain))
	}
	_ = conn.Close()
}

// admit counts a connection in, unless that has been done, and hands it to a loop, or
// refuses it.
func (d *Door) admit(a Arrival, loop int) {
	if a.TLS == nil && !d.count(&a) {
		d.refuse(a.TCP, codec.CauseFull, 0)
		return
	}
	compact(a.TCP.LocalAddr())
	compact(a.TCP.RemoteAddr())
	if err := d.cfg.Hand(loop, a); err != nil {
		d.errors.Add(1)
		d.cfg.Log.Error("a connection cannot be taken over", "why", err)
	}
}

// count enters a connection into the books; false if it cannot even be told that
// there is no room.
func (d *Door) count(a *Arrival) (ok bool) {
	a.Ticket, a.Refused = d.cfg.Books.Enter(a.Peer.Addr())
	if a.Refused == reason.None {
		return true
	}
	a.Ticket, ok = d.cfg.Books.Refuse(MaxRefusing)
	return ok
}

// crowded reports whether the next connection could take the last descriptor.
func (d *Door) crowded() bool { return !d.cfg.Spare(d.cfg.Books.Open() + int(d.unnamed.Load())) }

// compact gives an address its own copy of its bytes. net leaves it pointing into the
// 64 bytes of the system call's answer, and gnet keeps the address for as long as the
// connection lives: that is twice 48 bytes for every viewer.
func compact(a net.Addr) {
	if t, ok := a.(*net.TCPAddr); ok {
		ip := t.IP
		if v4 := ip.To4(); v4 != nil {
			ip = v4
		}
		t.IP = append(make(net.IP, 0, len(ip)), ip...)
	}
}
