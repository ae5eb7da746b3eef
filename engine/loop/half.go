package loop

import "streampump/engine/clock"

// A peer that closes its side has only said that it will send nothing further. Most
// such peers have gone, which the first bytes that reach them show; some ask and go
// on listening (a request piped into netcat), and get their whole answer, or the
// stream until they reset or stall. Nothing more is read from them. For encoders it
// is the end: they have nothing to listen for.

// Owed reports whether a peer that has closed its side is still owed something. The
// loop's goroutine calls it, as it does HalfClosed.
func (c *Conn) Owed() bool {
	switch c.phase {
	case phaseView:
		return !c.doomed && c.apart == 0 // nothing else shows whether it still wants datagrams
	case phaseAsking:
		return !c.doomed && c.ingest == nil
	case phaseRequest, phaseEnding:
		return !c.doomed && c.ingest == nil && (c.out != nil || len(c.waiting()) > 0)
	default:
		return false
	}
}

// HalfClosed goes on with a connection whose peer has closed its side, on another
// descriptor of its socket. The old one is still valid. The loop's goroutine calls
// it.
func (l *Loop) HalfClosed(c *Conn, fd int) {
	l.enter()
	defer l.leave()
	if c.watched {
		l.kernel.Unwatch(int(c.fd))
		c.watched = false
	}
	delete(l.conns, c.fd)
	c.fd = int32(fd)
	l.conns[c.fd] = c
	c.half, c.quiet = true, false
	// It can ask for nothing more here: its session may go on elsewhere.
	c.releaseKey()
	if v := c.viewer(); v != nil {
		v.fd = c.fd
		c.mark = v.bytes
	}
	if c.parked {
		c.unpark()
		l.send(c) // if it is still full, parks it again and watches the new descriptor
		return
	}
	c.rearm()
}

// halfDeadline is when a viewer that has closed its side is looked at again.
func (c *Conn) halfDeadline() int64 {
	if !c.half {
		return clock.Never
	}
	return c.loop.now + int64(c.loop.group.cfg.Timeouts.Drain)
}

// forgotten reports whether a viewer that has closed its side was sent nothing since
// the last look: while its stream is silent, nothing shows whether it is still there,
// and most are not.
func (c *Conn) forgotten() bool {
	v := c.viewer()
	was := c.mark
	c.mark = v.bytes
	return v.waitEnd == 0 && v.bytes == was
}
