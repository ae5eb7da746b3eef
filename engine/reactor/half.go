package reactor

import (
	"errors"
	"io"

	"streampump/engine/loop"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// halves are the connections whose peers have closed their own side and are still
// owed something, with their descriptors. gnet closes a connection when its peer has
// nothing more to say, so its socket is taken out of gnet's hands under a descriptor
// of ours. Nothing more is read from it; writing to it and waiting for it are ours
// anyway.
type halves map[*loop.Conn]int

// keepHalf takes over a connection that gnet is about to close, if that is only
// because its peer has closed its side and the loop has something to send it.
func (r *Reactor) keepHalf(g gnet.Conn, c *loop.Conn, why error) bool {
	if !errors.Is(why, io.EOF) || !c.Owed() {
		return false
	}
	fd, err := unix.FcntlInt(uintptr(g.Fd()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return false // no descriptor is left: it ends as gnet has it
	}
	r.halves[c] = fd
	r.loop.HalfClosed(c, fd)
	return true
}

// closeHalf closes such a connection, as gnet closes the others.
func (r *Reactor) closeHalf(c *loop.Conn, fd int) {
	delete(r.halves, c)
	r.loop.Closed(c)
	_ = unix.Close(fd)
}
