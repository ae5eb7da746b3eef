package loop

import (
	"slices"

	"golang.org/x/sys/unix"
)

// labEars is what a loop has of sockets for encoders' datagrams.
type labEars struct {
	ears     []*labEar
	heard    [][]byte // scratch
	receives int
	noEars   int // the one that cannot be opened, counted from now; 0: all can
}

// checkEars sees to it that none is left at a lab's end.
func (b *lab) checkEars() {
	for _, k := range b.loops {
		if n := len(k.ears) + b.e.Ears(); n != 0 {
			b.t.Errorf("%d sockets for datagrams are still open at the end", n)
		}
	}
}

// labEar is a socket for an encoder's datagrams.
type labEar struct {
	fd      int
	peer    *peer
	port    uint16
	reports bool
	lies    [][]byte // what has come and is not read
	room    int      // datagrams; more are dropped
	dropped uint32
	bytes   int // for which there is to be room
	heeded  bool
	edge    bool // something came that Ready has not told of
}

// Hear implements [Kernel].
func (k *labLoop) Hear(r *Route, reports bool, port uint16, room int) (int, error) {
	if k.noEars > 0 {
		if k.noEars--; k.noEars == 0 {
			return -1, unix.EMFILE
		}
	}
	k.lab.nextFd++
	e := &labEar{fd: k.lab.nextFd, port: port, reports: reports, room: 1000, bytes: room, heeded: true}
	for _, p := range k.socks {
		if p.c.peer.Addr() == r.To && p.port != 0 && port >= p.port && port < p.port+4 {
			e.peer = p
		}
	}
	if e.peer == nil {
		k.lab.t.Fatalf("nobody at %v has port %d", r.To, port)
	}
	k.ears = append(k.ears, e)
	return e.fd, nil
}

func (k *labLoop) ear(fd int) *labEar {
	i := slices.IndexFunc(k.ears, func(e *labEar) bool { return e.fd == fd })
	if i < 0 {
		k.lab.t.Fatalf("socket %d is not open", fd)
	}
	return k.ears[i]
}

// Heed implements [Kernel].
func (k *labLoop) Heed(fd int, on bool) {
	e := k.ear(fd)
	e.heeded, e.edge = on, on && len(e.lies) > 0
	if e.edge {
		k.loop.Wake()
	}
}

// Forget implements [Kernel].
func (k *labLoop) Forget(fd int) uint32 {
	e := k.ear(fd)
	k.ears = slices.DeleteFunc(k.ears, func(x *labEar) bool { return x == e })
	return e.dropped
}

// Receive implements [Kernel].
func (k *labLoop) Receive(fd int, most int) (in [][]byte, cut int, more bool) {
	e := k.ear(fd)
	k.receives++
	n := min(len(e.lies), most)
	in, k.heard = k.heard[:0], k.heard[:0]
	for _, b := range e.lies[:n] {
		if len(b) > 500 { // which is too long here
			cut++
			continue
		}
		in = append(in, b)
	}
	k.heard = in
	e.lies = slices.Delete(e.lies, 0, n)
	return in, cut, n == most
}

// rung is the heeded sockets to which something has come, once each time.
func (k *labLoop) rung(fds []int32) (n int) {
	for _, e := range k.ears {
		if e.heeded && e.edge && n < len(fds) {
			e.edge = false
			fds[n] = int32(e.fd)
			n++
		}
	}
	return n
}

// comes has a datagram arrive from a port of the peer's, and does not let the loop run.
func (p *peer) comes(port uint16, b string) (heard bool) {
	for _, e := range p.at.ears {
		if e.peer != p || e.port != port {
			continue
		}
		if len(e.lies) >= e.room {
			e.dropped++
			return true
		}
		e.lies = append(e.lies, []byte(b))
		if e.edge = true; e.heeded {
			p.at.loop.Wake()
		}
		return true
	}
	return false
}
