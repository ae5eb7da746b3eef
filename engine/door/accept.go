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
	"streampump/engine/admission"
	"streampump/engine/reason"
)

// acceptor takes connections and hands them to the loops. It is ours and not
// gnet's, because one failed accept ends gnet's engine, and because drain,
// socket activation and hand-over will come through the same door.
type acceptor struct {
	door     *Door
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

// maxDrain bounds what is read of a refused peer, for it to see the answer.
const maxDrain = 1 << 20

// maxRefusing bounds the connections that are open only to be told that there
// is no room; beyond it they are closed at once.
const maxRefusing = 256

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
	if err == nil && !a.door.crowded() {
		a.underway.Add(1)
		a.ushered <- conn
		return true
	}
	a.underway.Wait()
	switch {
	case err == nil && a.reserve():
		// Handing it to a loop takes a descriptor for a moment: the spare one.
		a.release()
		a.door.admit(conn)
		a.reserve()
	case err == nil:
		a.noDescriptor(syscall.EMFILE)
		a.door.refuse(conn, codec.CauseFailed, acceptBackoff)
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
		a.door.admit(conn)
		a.underway.Done()
	}
}

// noDescriptor counts and logs a connection that could not be taken.
func (a *acceptor) noDescriptor(err error) {
	a.door.errors.Add(1)
	a.door.cfg.Log.Error("a connection can not be accepted; raise the descriptor limit, or lower limits.connections below it", "error", err)
}

// outOfDescriptors tells one waiting peer with the spare descriptor, and rests.
func (a *acceptor) outOfDescriptors(err error) {
	a.noDescriptor(err)
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		a.release()
		if conn, err := a.acceptNow(); err == nil {
			a.door.refuse(conn, codec.CauseFailed, acceptBackoff)
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
func (d *Door) refuse(conn *net.TCPConn, cause codec.Cause, wait time.Duration) {
	_, _ = conn.Write(d.cfg.Refusal(cause)) // into an empty socket buffer: never blocks
	_ = conn.CloseWrite()
	if wait > 0 && conn.SetReadDeadline(time.Now().Add(wait)) == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(conn, maxDrain))
	}
	_ = conn.Close()
}

// admit counts a connection in and hands it to a loop, or refuses it.
func (d *Door) admit(tcp *net.TCPConn) {
	ticket, refused := d.cfg.Books.Enter(admission.Address(tcp.RemoteAddr()).Addr())
	if refused != reason.None {
		var ok bool
		if ticket, ok = d.cfg.Books.Refuse(maxRefusing); !ok {
			d.refuse(tcp, codec.CauseFull, 0)
			return
		}
	}
	compact(tcp.LocalAddr())
	compact(tcp.RemoteAddr())
	if err := d.cfg.Hand(tcp, ticket, refused); err != nil {
		d.errors.Add(1)
		d.cfg.Log.Error("a connection can not be taken on", "error", err)
	}
}

// crowded reports whether the next connection may take the last descriptor.
func (d *Door) crowded() bool { return !d.cfg.Spare(d.cfg.Books.Open()) }

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
