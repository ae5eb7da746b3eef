package loop

import "golang.org/x/sys/unix"

// transportKind says how a connection's bytes get onto its socket. A viewer
// carries it, so that a sweep does not look at the connection.
type transportKind uint8

const (
	plainTCP   transportKind = iota
	transports               // how many kinds there are
)

// transport stands between a connection and the kernel. One of each kind serves all
// connections of a loop; what it must remember of a connection is kept in the
// connection. The loop's goroutine calls it.
type transport interface {
	// write sends what the socket takes of iov. n counts the bytes of iov that are
	// gone; errno is EAGAIN when the socket is full.
	write(c *Conn, fd int32, iov []unix.Iovec) (n int, errno unix.Errno)
	// finish ends our side after what is queued.
	finish(c *Conn)
}

// plain is TCP as it is: the shared packets go to the kernel from where they lie,
// and nothing is kept.
type plain struct{ loop *Loop }

func (t plain) write(_ *Conn, fd int32, iov []unix.Iovec) (int, unix.Errno) {
	return t.loop.kernel.Writev(int(fd), iov)
}

func (t plain) finish(c *Conn) { t.loop.kernel.HalfClose(int(c.fd)) }
