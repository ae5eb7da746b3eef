package loop

import (
	"time"

	"streampump/engine/clock"
	"streampump/engine/reason"
	"streampump/engine/stream"
)

// Reading costs the loop time that its other connections want, so what one peer sends
// has a bound. Requests have one of their own (requests.go); what is left are those
// who may send without an end:
//
//   - A viewer has no reason to send more than a keep-alive or a report now and then. It
//     has an allowance of bytes. Past that it is not read for a moment, and if it goes on
//     after that, it is closed.
//   - An encoder has a rate of packets ([stream.Packets]), and each turn takes some of them
//     only. What it sends beyond either waits, and meanwhile it is not read. The log says
//     that it is slowed down.
//
// What a peer sends while it is not read stays in its socket, where the kernel bounds
// it. We notice that such a peer has closed its side when we have read what it sent
// before.

// A viewer may send talkBurst bytes at once, and talkRate a second. A report of an RTSP
// player has a hundred bytes and comes every five seconds, a request of any player has
// less than a kilobyte, and no player sends ten a second while it plays.
const (
	talkRate  = 4 << 10
	talkBurst = 64 << 10
	// talkPause is how long a viewer that has sent more is not read.
	talkPause = int64(time.Second)

	// talkByte is the time that a viewer has for each byte, in nanoseconds.
	talkByte = int64(time.Second) / talkRate
)

// packetTurn is how many packets a turn takes of one encoder: less than a tenth of a
// millisecond of the loop's time, so that a dozen that are too fast do not delay viewers.
// What is read at once has less than fifty of usual size.
const packetTurn = 128

// talks counts what a viewer has sent: its lastIn is up to when that has used up its
// allowance.
func (c *Conn) talks(n int) {
	l := c.loop
	c.lastIn = max(c.lastIn, l.now) + int64(n)*talkByte
	switch most := l.now + talkBurst*talkByte; {
	case c.lastIn <= most:
		c.warned = false
	case c.warned:
		if !c.doomed {
			l.group.complain(reason.ViewerFloods, c.peer, c.agent, nil)
		}
		c.doom(reason.ViewerFloods)
	default:
		c.warned, c.lastIn = true, most // what it is over is forgotten, once
		c.listen(false)
		c.rearm()
	}
}

// quietDeadline is when a viewer that has sent too much is read again; clock.Never if it
// is being read.
func (c *Conn) quietDeadline() int64 {
	if !c.quiet {
		return clock.Never
	}
	return c.lastIn - talkBurst*talkByte + talkPause
}

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
	c.tellAhead("encoder is slowed down")
	c.rearm()
}

// tellAhead tells the operator of an encoder that is ahead of its rate: once, until it has
// been within it.
func (c *Conn) tellAhead(what string) {
	if !c.ahead() || c.warned || c.ingest == nil {
		return
	}
	c.warned = true
	c.loop.group.slowLog.Warn(what, c.about("stream", c.ingest.Stream.Config.Path, "peer", c.peer, "agent", c.agent,
		"why", stream.TooFast, "limit", c.loop.group.cfg.Limits.Packets)...)
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
