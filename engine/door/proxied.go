package door

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"streampump/engine/admission"
	"streampump/engine/proxyproto"
	"streampump/engine/reason"
)

// maxUnnamed is how many connections of trusted proxies may be waited for at once, or
// wait for a loop in their turn. A proxy names its peer in the first segment.
const maxUnnamed = 1024

// proxied reports whether what comes from an address is a proxy's, that names the peer
// it stands for.
func (d *Door) proxied(addr netip.Addr) bool {
	for _, p := range d.cfg.Proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// name finds out for whom a proxy has connected, on a goroutine of its own, and then
// takes the connection in as that peer's. Until then it is in no books: it may be
// anybody's.
func (a *acceptor) name(c Arrival) {
	d := a.door
	if d.unnamed.Add(1) > maxUnnamed || d.crowded() {
		d.unnamed.Add(-1)
		d.lose(c, reason.ProxyCrowded, nil)
		return
	}
	d.accepting.Go(func() {
		defer d.unnamed.Add(-1) // in the books, or gone; it may have to wait for a loop
		h, err := d.header(c.TCP)
		if err != nil {
			d.lose(c, whyUnnamed(err), err)
			return
		}
		if h.Source.IsValid() {
			c.Peer = h.Source
		}
		a.take(c)
	})
}

// whyUnnamed is the reason for which a connection has no name.
func whyUnnamed(err error) reason.Reason {
	switch {
	case errors.Is(err, net.ErrClosed):
		return reason.ShuttingDown
	case errors.Is(err, os.ErrDeadlineExceeded):
		return reason.ProxyLate
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return reason.PeerLeft // as those that only look whether somebody listens
	case errors.Is(err, proxyproto.ErrNone):
		return reason.ProxyMissing
	}
	return reason.ProxyBroken
}

// header takes a PROXY header off a connection, and nothing else: what follows is left
// for whoever reads next.
func (d *Door) header(conn *net.TCPConn) (h proxyproto.Header, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return h, err
	}
	if err := conn.SetReadDeadline(time.Now().Add(d.cfg.HeaderTime)); err != nil {
		return h, err
	}
	stop := context.AfterFunc(d.closing, func() { _ = conn.Close() })
	defer stop()
	var failed error
	buf := make([]byte, proxyproto.Max)
	err = raw.Read(func(fd uintptr) (done bool) {
		h, done, failed = look(int(fd), buf)
		return done
	})
	if err = errors.Join(err, failed); err != nil {
		return proxyproto.Header{}, err
	}
	return h, conn.SetReadDeadline(time.Time{})
}

// look reads the header if all of it has arrived. What has not is waited for: the
// system tells of what arrives, and not of what is still there.
func look(fd int, buf []byte) (h proxyproto.Header, done bool, err error) {
	n, _, err := unix.Recvfrom(fd, buf, unix.MSG_PEEK)
	for errors.Is(err, unix.EINTR) {
		n, _, err = unix.Recvfrom(fd, buf, unix.MSG_PEEK)
	}
	switch {
	case errors.Is(err, unix.EAGAIN):
		return h, false, nil
	case err != nil:
		return h, true, err
	case n == 0:
		return h, true, io.EOF
	}
	h, size, err := proxyproto.Parse(buf[:n])
	if err != nil || size == 0 {
		return h, err != nil, err
	}
	if n, err = unix.Read(fd, buf[:size]); err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	return h, true, err
}

// take sends a connection on whose peer is known.
func (a *acceptor) take(c Arrival) {
	switch {
	case a.tls != nil:
		a.encrypt(c)
	case a.door.crowded():
		a.squeeze(c)
	default:
		a.door.usher(arrival{Arrival: c})
	}
}

// plainly is an arrival that has yet to be admitted.
func plainly(conn *net.TCPConn) Arrival {
	return Arrival{TCP: conn, Peer: admission.Address(conn.RemoteAddr())}
}
