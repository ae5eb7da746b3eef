package loop

import (
	"streampump/engine/clock"
	"streampump/engine/stream"
)

// Reading costs the loop time that its other connections want, so what one encoder sends
// has a bound: it has a rate of packets ([stream.Packets]), and each turn takes some of them
// only. What it sends beyond either waits, and meanwhile it is not read. The log says
// that it is slowed down.
//
// What a peer sends while it is not read stays in its socket, where the kernel bounds
// it. We notice that such a peer has closed its side when we have read what it sent
// before.

// packetTurn is how many packets a turn takes of one encoder: less than a tenth of a
// millisecond of the loop's time, so that a dozen that are too fast do not delay viewers.
// What is read at once has less than fifty of usual size.
const packetTurn = 128

// mayBring reports whether a turn takes another packet of an encoder.
func (c *Conn) mayBring() bool { return c.loop.turnLeft > 0 && !c.ahead() }

// ahead reports whether an encoder is ahead of its rate.
func (c *Conn) ahead() bool { return c.entitled-c.loop.now > stream.PacketsAhead }

// brought counts what the session took of an encoder at once: a packet, or a part of one.
// Behind a packet, rest says, a part counts by its bytes alone.
func (c *Conn) brought(n int, rest bool) {
	l := c.loop
	if c.entitled < l.now {
		c.entitled, c.warned = l.now, false
	}
	packets := stream.Packets(n)
	if rest {
		packets--
	}
	l.turnLeft -= packets
	c.entitled += int64(packets) * l.group.packetTime
}

// turnDeadline is when an encoder whose bytes wait has its next turn by its rate;
// clock.Never if nothing waits, or only for a turn.
func (c *Conn) turnDeadline() int64 {
	if len(c.waiting()) > 0 && c.ahead() {
		return c.entitled - stream.PacketsAhead + stream.PacketsPause
	}
	return clock.Never
}

// bringOn sees to it that what an encoder has sent and must wait has its turn, and that
// it is not read meanwhile.
func (c *Conn) bringOn() {
	if len(c.waiting()) == 0 {
		c.listen(true)
		return
	}
	c.listen(false)
	if c.ahead() && !c.warned && c.ingest != nil {
		c.warned = true // once, until it has been within its rate
		c.loop.group.slowLog.Warn("encoder is slowed down", c.about("stream", c.ingest.Stream.Config.Path, "peer", c.peer, "agent", c.agent,
			"why", stream.TooFast, "limit", c.loop.group.cfg.Limits.Packets)...)
	}
	c.rearm()
}

// unheard drops what waits, and reads the peer again: its last answer is on its way, and
// what it sent before matters no more.
func (c *Conn) unheard() {
	if c.inbox != nil {
		c.inbox.bytes = nil
		c.tidy()
	}
	c.listen(true)
}

// listen has the peer read, or not read for now. One that has closed its side has
// nothing to read.
func (c *Conn) listen(on bool) {
	if c.quiet != on || c.half {
		return
	}
	c.quiet = !on
	c.loop.reactor.Listen(c, on)
}
