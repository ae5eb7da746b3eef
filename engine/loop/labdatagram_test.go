package loop

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/engine/internal/text"
)

// The sockets of a lab's loops for datagrams.
const (
	labPackets = 5
	labReports = 6
)

// labDatagrams is what a loop's sockets for datagrams take.
type labDatagrams struct {
	room    int // datagrams; negative: no limit
	calls   int
	runs    int
	full    bool
	watched int // the socket that is
	probed  int // connections
}

func (d *labDatagrams) watch(fd int, on bool) {
	if d.watched = 0; on {
		d.watched = fd
	}
}

// again tells once that a full socket takes datagrams again.
func (d *labDatagrams) again() bool {
	if d.watched == 0 || !d.full || d.room == 0 {
		return false
	}
	d.full = false
	return true
}

// setDatagramRoom changes what a loop's sockets take, and wakes the loop as the watcher
// does.
func (k *labLoop) setDatagramRoom(n int) {
	k.datagrams.room = n
	if k.datagrams.watched != 0 && k.datagrams.full && n != 0 {
		k.loop.Wake()
	}
	k.lab.run()
}

func (k *labLoop) Datagrams(fd int, r *Route, bufs []unix.Iovec, runs []Run) (n int, errno unix.Errno) {
	d := &k.datagrams
	d.calls++
	for _, run := range runs {
		p, count := k.at(r, run.Port), int(run.Count)
		switch {
		case p.error != 0:
			return n, p.error
		case count > 1 && p.alone:
			return n, unix.EMSGSIZE
		case d.room == 0:
			d.full = true
			return n, unix.EAGAIN
		}
		if d.room > 0 { // a run that finds some is taken whole
			d.room = max(0, d.room-count)
		}
		d.runs++
		for i, v := range bufs[:count] {
			if v.Len > bufs[0].Len || v.Len < bufs[0].Len && i < count-1 {
				k.lab.t.Errorf("datagram %d of a run of %d has %d bytes, the first %d", i, count, v.Len, bufs[0].Len)
			}
			p.hears(fd, run.Port, unsafe.Slice(v.Base, v.Len))
		}
		bufs = bufs[count:]
		n++
	}
	return n, 0
}

// at is the peer that has a port.
func (k *labLoop) at(r *Route, port uint16) *peer {
	for _, p := range k.socks {
		if p.port != 0 && port >= p.port && port < p.port+3 {
			if r.To != p.c.peer.Addr() {
				k.lab.t.Errorf("datagrams for %s go to %v", p.name, r.To)
			}
			return p
		}
	}
	k.lab.t.Fatalf("a datagram goes to port %d, which nobody has", port)
	return nil
}

// hears takes one datagram: a whole one, to the right port, from the right socket.
func (p *peer) hears(fd int, port uint16, b []byte) {
	if p.deaf {
		return
	}
	_, channel, size := textProgramme.Datagram(b)
	if size != len(b) || port != p.port+uint16(channel) || fd != labPackets+int(channel&1) {
		p.lab.t.Errorf("%s got %q to port %d from socket %d", p.name, b, port, fd)
	}
	p.total += len(b)
	p.writes++
	if !p.mute {
		p.got = append(p.got, b...)
	}
}

func (k *labLoop) Scope(int) uint32 { return 0 }

func (k *labLoop) Probe(fd int) { k.datagrams.probed++ }

// listener opens a connection that plays the stream by datagrams.
func (b *lab) listener(name string, loop int, request string) *peer {
	p := b.dial(name, loop, "10.0.0.1")
	p.port = uint16(10_000 + 4*b.nextFd)
	p.send(fmt.Sprintf("%s port=%d\n", request, p.port))
	return p
}

// textProgramme takes datagrams apart.
var textProgramme = text.NewMedia("A").NewProgramme()
