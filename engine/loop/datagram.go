package loop

import (
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/reason"
)

// A viewer may have its packets as datagrams ([codec.Event.Ports]). It is a viewer like any
// other, with a cursor into the backlog, and goes on with whole packets and whole units;
// only the way there is another. All of a loop's are sent from two sockets that are the
// loop's own, straight from the backlog. Its connection has what is said, and its end is
// the viewer's end: nothing that comes to the sockets is read, so nobody can speak for
// another.
//
//	backlog ─► gather ─► byDatagrams ─► sockets of the loop ─► the peer's ports
//	session ─► answer ─► tell ────────► the connection
//
// When a socket is full, all who send by it wait until it takes datagrams again. A datagram
// that cannot be sent for any other reason is lost, and its viewer goes on at a key start.

const (
	// datagramTurn is how many datagrams one call sends.
	datagramTurn = 64
	// runBytes is how many bytes are handed over together: as the system has it, a little
	// less than the longest datagram.
	runBytes = 65_000
	// datagramLag is how far a viewer may be behind before it leaves packets out: what
	// comes later than that is too much at once for who receives it.
	datagramLag = int64(time.Second)
	// notFull stands for a socket where none is full.
	notFull = -1
)

// Route is the way to a peer: the addresses at the two ends of its connection. Scope is the
// interface that they belong to, where they do not tell; otherwise 0.
type Route struct {
	From, To netip.Addr
	Scope    uint32
}

// destination is where the datagrams of a viewer go.
type destination struct {
	route Route
	ports *codec.Ports
	waits bool // in datagrams.waiting
	told  bool // the operator knows that some could not be sent
	alone bool // no two can be handed over together
}

// datagrams is what a loop has to send them.
type datagrams struct {
	// Set once.
	port uint16 // of the socket for packets; 0: the loop sends none
	fds  [2]int // for packets and for reports

	// Owned by the loop.
	full    int     // the socket that is; notFull: none
	waiting []*Conn // until it takes datagrams again
	to      []*destination
	free    []int32 // places in to
	told    []byte  // scratch: answers
	next    batch
	heard   map[int32]*Conn // encoders, by their sockets
}

// SendFrom gives the loop its sockets for datagrams, one for packets and one for reports,
// at a port and the next. They remain the caller's to close. It is called before anything
// else is done with the loop.
func (l *Loop) SendFrom(port uint16, packets, reports int) {
	l.datagrams.port, l.datagrams.fds = port, [2]int{packets, reports}
}

// datagramPort is the port of ours from which the peer can be sent datagrams, and to which
// it can send its own; 0 if there are none: they would not be encrypted, or have another
// address than the connection, or the operator does not want them so far away.
func (c *Conn) datagramPort() uint16 {
	d := &c.loop.datagrams
	if d.port == 0 || c.tls != nil || c.named() || !c.loop.group.cfg.Datagrams.Reach(c.peer.Addr()) {
		return 0
	}
	return d.port
}

// named reports whether a proxy has said that it connects for the peer.
func (c *Conn) named() bool {
	if c.socket == nil {
		return false
	}
	at := admission.Address(c.socket.RemoteAddr())
	return at.Port() != c.peer.Port() || at.Addr().WithZone("") != c.peer.Addr().WithZone("")
}

// destination is where the datagrams of the connection's viewer go; nil if it has none.
func (c *Conn) destination() *destination {
	if c.apart == 0 {
		return nil
	}
	return c.loop.datagrams.to[c.apart-1]
}

// openDatagrams has the packets of a viewer-to-be go to ports of its peer. What it was
// answered goes out first. False if the connection is closed instead.
func (c *Conn) openDatagrams(ports *codec.Ports) bool {
	l, d := c.loop, &c.loop.datagrams
	switch {
	case c.datagramPort() == 0:
		c.doom(reason.BadRequest) // its session asks for what it was not offered
		return false
	case c.half:
		c.doom(c.leftReason()) // nothing would show whether it is still there
		return false
	}
	if o := c.out; o != nil {
		if !c.saidWhole(o.gather(l.iov[:0]), o.left()) {
			return false
		}
		l.freeOutbox(c)
	}
	to := &destination{ports: ports, route: c.route()}
	l.kernel.Probe(int(c.fd)) // no packet tells when its peer has vanished
	if n := len(d.free); n > 0 {
		c.apart = d.free[n-1] + 1
		d.free = d.free[:n-1]
		d.to[c.apart-1] = to
		return true
	}
	d.to = append(d.to, to)
	c.apart = int32(len(d.to))
	return true
}

// route is the way to the connection's peer.
func (c *Conn) route() Route {
	r := Route{From: c.local().Addr(), To: c.peer.Addr()}
	if r.To.IsLinkLocalUnicast() && r.To.Is6() {
		r.Scope = c.loop.kernel.Scope(int(c.fd))
	}
	return r
}

// closeDatagrams forgets where they went.
func (c *Conn) closeDatagrams() {
	if c.apart == 0 {
		return
	}
	d := &c.loop.datagrams
	if d.to[c.apart-1].waits {
		d.waiting = slices.DeleteFunc(d.waiting, func(w *Conn) bool { return w == c })
	}
	d.to[c.apart-1] = nil
	d.free = append(d.free, c.apart-1)
	c.apart = 0
}

// tell sends a viewer with datagrams what it is answered, over its connection.
func (c *Conn) tell(own, head []byte) {
	iov := c.loop.iov[:0]
	for _, b := range [2][]byte{own, head} {
		if len(b) > 0 {
			iov = appendIov(iov, b)
		}
	}
	if len(iov) > 0 {
		c.saidWhole(iov, len(own)+len(head))
	}
}

// saidWhole sends what is said on a connection beside datagrams. A peer that lets so many
// answers wait that its socket takes no other is not listening, and its connection is
// closed: false.
func (c *Conn) saidWhole(iov []unix.Iovec, want int) bool {
	l := c.loop
	n, full, errno := l.write(c, c.transport, c.fd, iov, want)
	switch {
	case errno == unix.EAGAIN || errno == 0 && full:
		c.doom(reason.AnswerStalled)
	case errno != 0:
		l.unwritten(c, errno)
	}
	c.bytes += uint64(n)
	return errno == 0 && !full
}

// lastDatagrams sends the rest of what a viewer is in the middle of, if the socket takes it.
func (l *Loop) lastDatagrams(c *Conn, b []byte) {
	if len(b) > 0 {
		n, _, _ := l.write(c, apart, c.fd, appendIov(l.iov[:0], b), len(b))
		c.viewer().bytes += uint64(n)
	}
}

// part sends a viewer that is between packets its last datagrams, which say that its stream
// is over. It has left when the socket has taken them.
func (l *Loop) part(c *Conn, cause codec.Cause) {
	v := c.viewer()
	v.parked = c.parked // it is served once more
	o := c.outgoing()
	o.own = c.sess.AppendEnd(o.own, cause, "")
	v.mode.set(parting, true)
	l.send(c)
}

// dropDatagrams sends the rest of the packet that a viewer is in, which leaves or is closed
// with a word, and forgets what else there was for it.
func (c *Conn) dropDatagrams() {
	l, v := c.loop, c.viewer()
	if v.pin != nil && v.sent != nothingLeft {
		l.lastDatagrams(c, l.restOfPacket(v))
		l.pass.packets++
	}
	l.freeOutbox(c)
}
