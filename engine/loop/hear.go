package loop

import (
	"errors"
	"fmt"
	"slices"

	"streampump/codec"
	"streampump/engine/clock"
	"streampump/engine/stream"
)

// An encoder may send its packets as datagrams ([codec.Event.Ports] of a Publish). For each
// of its ports there is a socket, an ear, that the kernel gives what comes from there and
// nothing else: who may speak is decided before anything is read. Its connection has what
// is said, and its end is the end of the push.
//
//	ear ─► rings ─► hunger ─► hear ─► session ─► handle
//
// Datagrams are read in turns and no faster than the encoder's rate, as packets over a
// connection are (intake.go). What comes beyond it stays in the ear, and when that is full
// the kernel drops it.

// ears are an encoder's.
type ears struct {
	sess codec.Hearing
	all  []ear
	turn int    // in all: whose it is
	cut  uint64 // datagrams that were too long
	shut bool   // none is heeded: the encoder is ahead of its rate
}

// ear is one of its sockets.
type ear struct {
	fd      int32
	port    uint16 // of the encoder's
	channel uint8
	ready   bool // something may be in it
}

// hearTurn is how many datagrams are read at once.
const hearTurn = 32

var (
	errDeaf  = errors.New("this connection cannot have packets over UDP")
	errHeard = errors.New("the encoder of another stream at this address sends its packets over UDP from the same port")
	errSpare = errors.New("there is no file descriptor left for another encoder's packets over UDP; raise the limit of open files (LimitNOFILE), or let it send over TCP")
)

// ears are where the connection's datagrams come; nil if it sends none.
func (c *Conn) ears() *ears {
	if c.inbox == nil {
		return nil
	}
	return c.inbox.ears
}

// aboutEars adds to what the log says of an encoder that it sends datagrams, if it does.
func (c *Conn) aboutEars(attrs []any) []any {
	if c.ears() != nil {
		attrs = append(attrs, "transport", apart.String())
	}
	return attrs
}

// openEars has the packets of an encoder of st come from ports of its peer; nil: they come
// over the connection. An error is the operator's sentence.
func (c *Conn) openEars(st *stream.Stream, ports *codec.Ports) error {
	if c.closeEars(); ports == nil {
		return nil
	}
	sess, ok := c.sess.(codec.Hearing)
	if !ok || c.half || c.datagramPort() == 0 {
		return errDeaf // its session asks for what it was not offered
	}
	c.box().ears = &ears{sess: sess}
	route, tracks := c.route(), 0
	for channel := 0; channel < len(ports); channel += 2 {
		if ports[channel] != 0 {
			tracks++
		}
	}
	for channel, port := range ports {
		if port == 0 {
			continue
		}
		room := stream.ReportRoom
		if channel&1 == 0 {
			room = stream.PacketRoom / tracks
		}
		err := errHeard
		if !c.hearsAnother(st, port) {
			err = c.openEar(&route, uint8(channel), port, room)
		}
		if err != nil {
			c.closeEars()
			return err
		}
	}
	return nil
}

// hearsAnother reports whether the loop hears a port of the peer's address for another
// stream: the system gives what comes from there to the newest ear, so that whoever shares
// an address with an encoder could take its packets. Of the same stream the newest may: it is
// the encoder that comes back.
func (c *Conn) hearsAnother(st *stream.Stream, port uint16) bool {
	for _, o := range c.loop.datagrams.heard {
		if o == c || o.peer.Addr() != c.peer.Addr() || o.ingest == nil || o.ingest.Stream == st {
			continue
		}
		if slices.ContainsFunc(o.ears().all, func(e ear) bool { return e.port == port }) {
			return true
		}
	}
	return false
}

// openEar opens one, with room for so many bytes.
func (c *Conn) openEar(r *Route, channel uint8, port uint16, room int) error {
	l := c.loop
	if !l.group.TakeEars(1) {
		return errSpare
	}
	fd, err := l.kernel.Hear(r, channel&1 == 1, port, room)
	if err != nil {
		l.group.TakeEars(-1)
		return fmt.Errorf("an encoder's packets over UDP cannot be received: %w", err)
	}
	h := c.ears()
	h.all = append(h.all, ear{fd: int32(fd), port: port, channel: channel})
	l.datagrams.heard[int32(fd)] = c
	return nil
}

// closeEars ends what an encoder sends as datagrams, if it does.
func (c *Conn) closeEars() {
	h, l := c.ears(), c.loop
	if h == nil {
		return
	}
	c.inbox.ears = nil
	c.tidy()
	missed := h.cut
	for _, e := range h.all {
		delete(l.datagrams.heard, e.fd)
		missed += uint64(l.kernel.Forget(int(e.fd)))
	}
	l.group.TakeEars(-len(h.all))
	if missed == 0 {
		return
	}
	l.stats.unheard.Add(missed)
	l.group.slowLog.Warn("packets of an encoder over UDP came too fast or were too long, and were lost here",
		c.about("peer", c.peer, "packets", missed, "agent", c.agent)...)
}

// rings notes that something has come to an ear.
func (c *Conn) rings(fd int32) {
	h := c.ears()
	for i := range h.all {
		if e := &h.all[i]; e.fd == fd {
			e.ready = true
			c.loop.hunger(c)
		}
	}
}

// hear takes what an encoder has sent as datagrams, as much as a turn and its rate allow,
// and what has waited long enough for others before it.
func (c *Conn) hear() {
	h, l := c.ears(), c.loop
	if h == nil || c.doomed {
		return
	}
	l.turnLeft = packetTurn
	if h.due(l.group.clock) <= l.now && !c.heard(h, 0, nil) {
		return
	}
	for e := h.next(); e != nil && c.mayBring(); e = h.next() {
		in, cut, more := l.kernel.Receive(int(e.fd), c.mayHear())
		e.ready = more
		h.cut += uint64(cut)
		l.turnLeft -= cut
		for _, b := range in {
			c.brought(len(b), false)
			if !c.heard(h, e.channel, b) {
				return
			}
		}
	}
	c.commit()
	c.hearOn()
}

// mayHear is how many datagrams are read at once of an encoder that may bring some.
func (c *Conn) mayHear() int {
	l := c.loop
	n := min(hearTurn, l.turnLeft)
	if each := l.group.packetTime; each > 0 {
		n = min(n, 1+int((stream.PacketsAhead-max(0, c.entitled-l.now))/each))
	}
	return n
}

// next is the ear whose turn it is, of those in which something may be; nil if there is
// none.
func (h *ears) next() *ear {
	for range h.all {
		h.turn++
		if e := &h.all[h.turn%len(h.all)]; e.ready {
			return e
		}
	}
	return nil
}

// heard passes a datagram on to the session, or with nil that time has passed, and acts on
// what comes of it. False if nothing further is heard.
func (c *Conn) heard(h *ears, channel uint8, b []byte) bool {
	l := c.loop
	at := l.group.clock.Time(l.now)
	for more := true; more; b = nil {
		l.ev, more = h.sess.Hear(channel, b, at)
		if l.ev.Kind == codec.None {
			break
		}
		if c.handle(); c.ears() != h || c.doomed {
			return false
		}
	}
	return true
}

// hearOn sees to it that what is still in an encoder's ears has its turn. While it is ahead
// of its rate nobody looks whether more comes.
func (c *Conn) hearOn() {
	h := c.ears()
	waits, was := h.waits(), h.shut
	if h.shut = waits && c.ahead(); h.shut {
		c.tellAhead("encoder sends too fast over UDP, and what is too much is lost")
	} else if waits {
		c.loop.hunger(c)
	}
	if h.shut != was {
		for i := range h.all {
			c.loop.kernel.Heed(int(h.all[i].fd), was)
		}
	}
	if at := c.hearDeadline(); at < c.deadline && !c.parked {
		c.setTimer(at)
	}
}

// waits reports whether something may be in an ear.
func (h *ears) waits() bool {
	for i := range h.all {
		if h.all[i].ready {
			return true
		}
	}
	return false
}

// hearDeadline is when an encoder's datagrams have their next turn; clock.Never if that is
// up to the encoder.
func (c *Conn) hearDeadline() int64 {
	h := c.ears()
	if h == nil {
		return clock.Never
	}
	at := h.due(c.loop.group.clock)
	if h.shut {
		at = min(at, c.entitled-stream.PacketsAhead+stream.PacketsPause)
	}
	return at
}

// due is when a datagram has waited long enough for those before it; clock.Never if none
// waits.
func (h *ears) due(c *clock.Clock) int64 {
	if at, ok := h.sess.Due(); ok {
		return c.At(at)
	}
	return clock.Never
}
