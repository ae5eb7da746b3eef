package loop

import (
	"unsafe"

	"streampump/engine/reason"

	"golang.org/x/sys/unix"
)

// then is what follows when an outbox has been sent.
type then uint8

const (
	thenRead    then = iota // the next request is awaited
	thenPackets             // the stream's packets
	thenClose               // half-close, drain, close
	thenDrain               // drain, close
)

// outbox is what a connection sends besides packets: an answer of its own, and a
// shared head behind it. A connection has one only while it holds something; a viewer
// in mid-stream has none.
type outbox struct {
	own    []byte
	shared []byte // immutable
	sent   int    // bytes of own and shared already sent
	then   then
}

// spareOutboxes is how many empty outboxes a loop keeps at most, and spareOwn how
// large the buffer of one may be. It begins with usualOwn bytes, which most answers fit.
const (
	spareOutboxes = 64
	spareOwn      = 4 << 10
	usualOwn      = 512
)

// outgoing is the connection's outbox, ready to be appended to: the rest of an
// earlier shared head has been copied, so that the order is kept.
func (c *Conn) outgoing() *outbox {
	l := c.loop
	if c.out == nil {
		if n := len(l.spare); n > 0 {
			c.out = l.spare[n-1]
			l.spare = l.spare[:n-1]
		} else {
			c.out = &outbox{own: make([]byte, 0, usualOwn)}
		}
		if v := c.viewer(); v != nil {
			v.outbox = true
		}
	}
	c.out.flatten()
	return c.out
}

// flatten drops what is sent and moves the rest into own.
func (o *outbox) flatten() {
	if o.sent == 0 && o.shared == nil {
		return
	}
	own := o.own[min(o.sent, len(o.own)):]
	shared := o.shared[max(0, o.sent-len(o.own)):]
	o.own = append(append(o.own[:0], own...), shared...)
	o.shared, o.sent = nil, 0
}

// left is how many bytes are still to be sent.
func (o *outbox) left() int { return len(o.own) + len(o.shared) - o.sent }

// gather adds what is left to iov.
func (o *outbox) gather(iov []unix.Iovec) []unix.Iovec {
	if o.sent < len(o.own) {
		iov = appendIov(iov, o.own[o.sent:])
	}
	if rest := o.shared[max(0, o.sent-len(o.own)):]; len(rest) > 0 {
		iov = appendIov(iov, rest)
	}
	return iov
}

// take counts up to n bytes as sent and returns the rest of n.
func (o *outbox) take(n int) int {
	k := min(n, o.left())
	o.sent += k
	return n - k
}

// freeOutbox gives the connection's outbox back.
func (l *Loop) freeOutbox(c *Conn) {
	o := c.out
	if o == nil {
		return
	}
	c.out = nil
	if v := c.viewer(); v != nil {
		v.outbox = false
		v.mode &^= introduced
	}
	if cap(o.own) > spareOwn || len(l.spare) >= spareOutboxes {
		return
	}
	*o = outbox{own: o.own[:0]}
	l.spare = append(l.spare, o)
}

// appendIov adds one buffer to a vector.
func appendIov(iov []unix.Iovec, b []byte) []unix.Iovec {
	iov = append(iov, unix.Iovec{Base: unsafe.SliceData(b)})
	iov[len(iov)-1].SetLen(len(b))
	return iov
}

// send goes on with whatever the connection has to send, unless its socket is
// known to be full.
func (l *Loop) send(c *Conn) {
	switch v := c.viewer(); {
	case c.doomed || c.parked || c.phase == phaseClosed || !l.sendRecords(c):
	case v != nil:
		l.serve(v)
	case c.out != nil:
		l.flush(c)
	}
}

// flush sends the outbox of a connection that is not a viewer.
func (l *Loop) flush(c *Conn) {
	for want := c.out.left(); want > 0; want = c.out.left() {
		iov := c.out.gather(l.iov[:0])
		n, full, errno := l.write(c, c.transport, c.fd, iov, want)
		if errno != 0 {
			l.unwritten(c, errno)
			return
		}
		c.bytes += uint64(n)
		c.out.take(n)
		if full {
			l.park(c)
			return
		}
	}
	after := c.out.then
	if after == thenClose && !l.transports[c.transport].finish(c) {
		l.park(c)
		return
	}
	l.freeOutbox(c)
	if after >= thenClose {
		c.phase = phaseDrain
	}
	if c.half && c.phase != phaseAsking && (c.phase == phaseDrain || len(c.waiting()) == 0) {
		c.doom(c.leftReason()) // there is nothing to wait for
		return
	}
	c.rearm()
}

// write is the one place where bytes that are sent go to a transport. It returns how
// many of them are gone, and whether the socket is full; if it took none, why.
func (l *Loop) write(c *Conn, k transportKind, fd int32, iov []unix.Iovec, want int) (n int, full bool, errno unix.Errno) {
	n, full, errno = l.transports[k].write(c, fd, iov, want)
	if errno == 0 {
		l.pass.bytes += uint64(n)
	}
	return n, full, errno
}

// unwritten deals with a socket that took nothing: it is full, or the connection
// is broken.
func (l *Loop) unwritten(c *Conn, errno unix.Errno) {
	if errno == unix.EAGAIN {
		l.park(c)
		return
	}
	if c.half {
		c.doom(c.leftReason()) // it had gone altogether, as most have
		return
	}
	c.doom(reason.WriteFailed)
}
