package loop

import "golang.org/x/sys/unix"

// transportKind says how a connection's bytes get onto its socket. A viewer
// carries it, so that a sweep does not look at the connection.
type transportKind uint8

const (
	plainTCP   transportKind = iota
	tlsTCP                   // encrypted by us
	apart                    // as datagrams, beside a plain connection; of viewers only
	transports               // how many kinds there are
)

// String is what an operator calls it.
func (k transportKind) String() string { return [...]string{"tcp", "tls", "udp"}[k] }

// transport stands between a connection and the kernel. One of each kind serves all
// connections of a loop; what it must remember of a connection is kept in the
// connection. The loop's goroutine calls it.
type transport interface {
	// write sends what the socket takes of iov, which has want bytes, or a part of it
	// that is enough for one call. n counts the bytes of iov that are gone. full says
	// that the socket takes no more now; if it took nothing, errno is EAGAIN, or why the
	// connection is broken.
	write(c *Conn, fd int32, iov []unix.Iovec, want int) (n int, full bool, errno unix.Errno)
	// finish ends our side after what is queued; false if the socket must take bytes
	// first, and then it is called again.
	finish(c *Conn) (done bool)
}

// plain is TCP as it is: the shared packets go to the kernel from where they lie,
// and nothing is kept.
type plain struct{ loop *Loop }

func (t plain) write(_ *Conn, fd int32, iov []unix.Iovec, want int) (n int, full bool, errno unix.Errno) {
	t.loop.pass.writes++
	n, errno = t.loop.kernel.Writev(int(fd), iov)
	return n, n < want, errno
}

func (t plain) finish(c *Conn) (done bool) {
	t.loop.kernel.HalfClose(int(c.fd))
	return true
}
