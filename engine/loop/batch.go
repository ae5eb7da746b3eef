package loop

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/engine/notice"
)

// batch is the datagrams of one call, and where in a vector it is. Those of one length
// that follow each other to one port, as most of a large picture do, are a run, which
// costs the system little more than a single one.
type batch struct {
	left []unix.Iovec // what has not been looked at yet
	buf  []byte       // the same of the buffer before those
	at   int          // how many bytes have been

	odd    uint8 // the socket: that of reports
	bufs   [datagramTurn]unix.Iovec
	runs   [datagramTurn]Run
	starts [datagramTurn]int // where each run begins in the vector
	count  int               // of bufs
	used   int               // of runs
	bytes  int               // of the newest run
	closed bool              // nothing can be added to that
}

// open begins a vector at a place.
func (b *batch) open(iov []unix.Iovec, at int) {
	b.left, b.buf, b.at = iov, nil, at
	for b.more() && at >= len(b.buf) {
		at -= len(b.buf)
		b.buf = nil
	}
	b.buf = b.buf[min(at, len(b.buf)):]
}

// close forgets a vector.
func (b *batch) close() { b.left, b.buf = nil, nil }

// fill makes the next datagrams the batch, as many as one call can send: they are all for
// one socket. Those of channels without a port are passed over.
func (b *batch) fill(prog datagramCutter, to *destination) {
	for b.count, b.used = 0, 0; b.more(); {
		data, channel, size := prog.Datagram(b.buf)
		port := uint16(0)
		if int(channel) < len(to.ports) {
			port = to.ports[channel]
		}
		if port != 0 {
			if b.count == datagramTurn || b.count > 0 && b.odd != channel&1 {
				return
			}
			b.odd = channel & 1
			b.add(data, port, to.alone)
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

// add adds a datagram, to the newest run if it can be.
func (b *batch) add(data []byte, port uint16, alone bool) {
	if b.used == 0 || alone || b.closed || b.runs[b.used-1].Port != port ||
		len(data) > b.length() || b.bytes+len(data) > runBytes {
		b.runs[b.used], b.starts[b.used] = Run{Port: port}, b.at
		b.used++
		b.bytes, b.closed = 0, false
	}
	b.bufs[b.count] = unix.Iovec{Base: unsafe.SliceData(data)}
	b.bufs[b.count].SetLen(len(data))
	b.count++
	b.runs[b.used-1].Count++
	b.bytes += len(data)
	b.closed = len(data) < b.length()
}

// length is that of the datagrams of the newest run.
func (b *batch) length() int {
	return int(b.bufs[b.count-int(b.runs[b.used-1].Count)].Len)
}

// size is how many datagrams the first n runs have, and how many bytes those.
func (b *batch) size(n int) (datagrams, bytes int) {
	for _, r := range b.runs[:n] {
		datagrams += int(r.Count)
	}
	for _, v := range b.bufs[:datagrams] {
		bytes += int(v.Len)
	}
	return datagrams, bytes
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
	b.open(iov, 0)
	for n < want && !full {
		b.fill(v.prog, to)
		n = b.at
		if b.count == 0 {
			continue
		}
		l.pass.writes++
		taken, errno := l.kernel.Datagrams(d.fds[b.odd], &to.route, b.bufs[:b.count], b.runs[:b.used])
		_, bytes := b.size(taken)
		sent += bytes
		switch {
		case taken == b.used:
		case errno == unix.EAGAIN:
			n, full = b.starts[taken], true
			l.datagramsFull(d.fds[b.odd])
		case b.runs[taken].Count > 1 && takesNoRuns(errno):
			to.alone, n = true, b.starts[taken]
			b.open(iov, n)
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

// takesNoRuns reports whether an error may be because datagrams are a run. Each may be
// longer than the way allows and has to be fragmented, or the way is encrypted by IPsec.
func takesNoRuns(errno unix.Errno) bool {
	return errno == unix.EMSGSIZE || errno == unix.EINVAL || errno == unix.EIO
}

// loseDatagrams counts what of a vector cannot be sent to one viewer, behind those of the
// batch that were. Nothing is wrong with the others': a firewall may be in between, or no
// way there.
func (l *Loop) loseDatagrams(v *viewer, to *destination, taken int, why unix.Errno) {
	b := &l.datagrams.next
	sent, _ := b.size(taken)
	lost := b.count - sent
	for b.more() {
		b.fill(v.prog, to)
		lost += b.count
	}
	l.pass.lost += uint64(lost)
	v.mode.set(unsent, true)
	if !to.told {
		to.told = true
		l.group.loseLog.Warn("packets cannot be sent to a viewer over UDP", v.conn.about("stream", v.conn.viewed.Stream.Config.Path,
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
