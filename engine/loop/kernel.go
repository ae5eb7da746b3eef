package loop

import (
	"net"

	"golang.org/x/sys/unix"
)

// Kernel is what a loop asks of the operating system for its sockets. Tests put their
// own sockets behind it. The loop's goroutine calls it.
type Kernel interface {
	// Writev writes what the socket takes. n counts the bytes taken; errno is
	// EAGAIN when it takes none.
	Writev(fd int, iov []unix.Iovec) (n int, errno unix.Errno)
	// HalfClose sends FIN after what is queued.
	HalfClose(fd int)
	// Watch asks to be told, once each time, when a full socket takes bytes again;
	// Unwatch ends that, before the descriptor is closed.
	Watch(fd int) error
	Unwatch(fd int)
	// Datagrams sends each of some buffers as a datagram from the loop's own socket fd, the
	// way r. runs say which buffers go to which port, in their order. n is how many runs were
	// taken; if that is not all, errno says why the next was not: EAGAIN when the socket is
	// full; EMSGSIZE, EINVAL or EIO also where a run has to be sent one by one.
	Datagrams(fd int, r *Route, bufs []unix.Iovec, runs []Run) (n int, errno unix.Errno)
	// Hear opens a socket at the loop's own port for packets, or the next one, for reports.
	// It gets what the peer at the end of the way r sends there from the given port of its,
	// and nothing else, and Ready tells when something comes. Heed has that be told no longer,
	// or again, and then at once if something has. It has room for so many bytes that are not
	// read yet, or what the system allows. Forget closes the socket, and says how
	// many datagrams the system dropped because it was full.
	Hear(r *Route, reports bool, port uint16, room int) (fd int, err error)
	Heed(fd int, on bool)
	Forget(fd int) (dropped uint32)
	// Receive takes datagrams that have come to a socket of Hear, some and at most as many as
	// said. They stay as they are until the next call. cut is how many there were besides
	// that are too long to be received, and more says that there may be further ones.
	Receive(fd int, most int) (in [][]byte, cut int, more bool)
	// Scope is the interface over which a connection's peer is reached, if it is one whose
	// address alone does not tell; 0 if the system does not know.
	Scope(fd int) uint32
	// Probe has the system find out within about a minute that the peer of a silent
	// connection has vanished.
	Probe(fd int)
	// Ready fills fds with watched sockets that take bytes again, and heeded ones to which
	// something has come.
	Ready(fds []int32) int
}

// Run is datagrams to one port that are handed over together: all have the length of the
// first, but for the last, which may be shorter.
type Run struct {
	Port  uint16
	Count uint16
}

// Reactor is what a loop needs from the event loop that drives it.
type Reactor interface {
	// Wake makes the event loop call [Loop.Run] soon, but not before it has tended
	// every socket that was ready at the call. Any goroutine may call it.
	Wake()
	// Listen has what c's peer sends be read, or no longer be read: then it stays in the
	// socket, and so does the end of it. The loop's goroutine calls it.
	Listen(c *Conn, on bool)
	// Close closes c's socket; [Loop.Closed] is called before the descriptor is closed.
	// The loop's goroutine calls it.
	Close(c *Conn)
}

// Socket is the reactor's own handle of a connection.
type Socket interface {
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}
