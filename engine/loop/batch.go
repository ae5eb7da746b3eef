package loop

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/codec"
	"streampump/engine/notice"
)

// batch is the datagrams of one call, and where in a vector it is.
type batch struct {
	left []unix.Iovec // what has not been looked at yet
	buf  []byte       // the same of the buffer before those
	at   int          // how many bytes have been

	count  int
	odd    uint8 // the socket: that of reports
	bufs   [datagramTurn]unix.Iovec
	ports  [datagramTurn]uint16
	starts [datagramTurn]int // where each begins in the vector
}

// open begins a vector.
func (b *batch) open(iov []unix.Iovec) { b.left, b.buf, b.at = iov, nil, 0 }

// close forgets a vector.
func (b *batch) close() { b.left, b.buf = nil, nil }

// fill makes the next datagrams the batch, as many as one call can send: they are all for
// one socket. Those of channels without a port are passed over.
func (b *batch) fill(prog datagramCutter, ports *codec.Ports) {
	for b.count = 0; b.more(); {
		data, channel, size := prog.Datagram(b.buf)
		port := uint16(0)
		if int(channel) < len(ports) {
			port = ports[channel]
		}
		if port != 0 {
			if b.count == datagramTurn || b.count > 0 && b.odd != channel&1 {
				return
			}
			b.odd = channel & 1
			b.add(data, port)
		}
		b.at += size
		b.buf = b.buf[size:]
	}
}

// datagramCutter takes the first datagram off bytes that are made of them.
type datagramCutter interface {
	Datagram(b []byte) (datagram []byte, channel uint8, size int)
}

// more goes on to the next buffer; false if there is none.
func (b *batch) more() bool {
	for len(b.buf) == 0 && len(b.left) > 0 {
		b.buf = unsafe.Slice(b.left[0].Base, b.left[0].Len)
		b.left = b.left[1:]
	}
	return len(b.buf) > 0
}

func (b *batch) add(data []byte, port uint16) {
	b.bufs[b.count] = unix.Iovec{Base: unsafe.SliceData(data)}
	b.bufs[b.count].SetLen(len(data))
	b.ports[b.count], b.starts[b.count] = port, b.at
	b.count++
}

// size is how many bytes the first n datagrams have.
func (b *batch) size(n int) (bytes int) {
	for i := range n {
		bytes += int(b.bufs[i].Len)
	}
	return bytes
}

// byDatagrams is the transport of viewers with datagrams. The vector is made of them, with
// what is around them on a connection; n is always where one begins. One that cannot be
// sent is lost with all behind it.
type byDatagrams struct{ loop *Loop }

func (t byDatagrams) finish(*Conn) (done bool) { return true } // they have no end

func (t byDatagrams) write(c *Conn, _ int32, iov []unix.Iovec, want int) (n int, full bool, errno unix.Errno) {
	l, d := t.loop, &t.loop.datagrams
	if d.full != notFull {
		return 0, true, unix.EAGAIN
	}
	v, to, b, sent := c.viewer(), c.destination(), &d.next, 0
	b.open(iov)
	for n < want && !full {
		b.fill(v.prog, to.ports)
		n = b.at
		if b.count == 0 {
			continue
		}
		l.pass.writes++
		taken, errno := l.kernel.Datagrams(d.fds[b.odd], &to.route, b.bufs[:b.count], b.ports[:b.count])
		sent += b.size(taken)
		switch {
		case taken == b.count:
		case errno == unix.EAGAIN:
			n, full = b.starts[taken], true
			l.datagramsFull(d.fds[b.odd])
		default:
			l.loseDatagrams(v, to, taken, errno)
			n = want
		}
	}
	b.close()
	v.bytes -= uint64(n - sent) // whoever counts n counts what is around them
	l.pass.bytes -= uint64(n - sent)
	if n == 0 && full {
		return 0, true, unix.EAGAIN
	}
	return n, full, 0
}

// loseDatagrams counts what of a vector cannot be sent to one viewer, behind those of the
// batch that were. Nothing is wrong with the others': a firewall may be in between, or no
// way there.
func (l *Loop) loseDatagrams(v *viewer, to *destination, taken int, why unix.Errno) {
	b := &l.datagrams.next
	lost := b.count - taken
	for b.more() {
		b.fill(v.prog, to.ports)
		lost += b.count
	}
	l.pass.lost += uint64(lost)
	v.mode.set(unsent, true)
	if !to.told {
		to.told = true
		l.group.loseLog.Warn("packets cannot be sent to a viewer over UDP", v.conn.about("stream", v.conn.viewed.Config.Path,
			"peer", v.conn.peer, "why", why, "agent", notice.Brief(v.conn.agent))...)
	}
}

// datagramsFull notes that a socket takes nothing more, until it does again.
func (l *Loop) datagramsFull(fd int) {
	if err := l.kernel.Watch(fd); err != nil {
		l.group.loadLog.Error("a full socket for datagrams cannot be watched", "why", err)
		return // it is tried again when those who send by it have waited too long
	}
	l.datagrams.full = fd
}

// await has a parked viewer wait for the full socket.
func (d *datagrams) await(c *Conn, to *destination) {
	if !to.waits {
		to.waits = true
		d.waiting = append(d.waiting, c)
	}
}

// datagramsAgain goes on when a socket that was full takes datagrams again: each viewer
// that waits has its turn, in their order.
func (l *Loop) datagramsAgain() {
	d := &l.datagrams
	l.kernel.Unwatch(d.full)
	d.full = notFull
	for i, c := range d.waiting {
		if to := c.destination(); to != nil && to.waits {
			to.waits = false
			c.unpark()
			l.hunger(c)
		}
		d.waiting[i] = nil
	}
	d.waiting = d.waiting[:0]
}
