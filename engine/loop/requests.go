package loop

import (
	"time"

	"streampump/codec"
	"streampump/engine/reason"
)

// A peer may send requests on one connection faster than anybody can want their
// answers, or in pieces that make each of them dear. So a turn answers a few requests
// and collects the answers into one write; a connection has a rate, with room for a
// burst; and it waits while its own answers are not taken. What waits is kept, up to
// a bound that no player ever reaches.
const (
	// requestTurn is how many of a connection's requests are answered at once.
	requestTurn = 8
	// requestInterval is the time that a connection has for each request, and
	// requestBurst how many may come ahead of theirs.
	requestInterval = int64(20 * time.Millisecond)
	requestBurst    = 64
	// maxWaiting is the most bytes that may wait to be looked at.
	maxWaiting = 16 << 10
	// collect is the number of bytes of answers that are worth a write.
	collect = 16 << 10
)

// input takes bytes from the peer.
func (c *Conn) input(b []byte) {
	if len(c.waiting) == 0 {
		b = b[c.consume(b):]
	}
	c.keep(b)
	c.goOn()
}

// keep has bytes wait.
func (c *Conn) keep(b []byte) {
	switch {
	case len(b) == 0 || c.doomed:
	case len(c.waiting)+len(b) > maxWaiting:
		c.doom(reason.TooManyRequests)
	default:
		c.waiting = append(c.waiting, b...)
	}
}

// resume goes on with what waits.
func (c *Conn) resume() {
	b := c.waiting
	if len(b) == 0 {
		return
	}
	c.waiting = nil
	if n := c.consume(b); n < len(b) && !c.doomed {
		c.waiting = append(b[:0], b[n:]...)
	}
	c.goOn()
	if c.ingest != nil && c.phase == phaseIngest {
		c.ingest.Commit()
	}
	if c.half && c.phase == phaseRequest && c.out == nil && len(c.waiting) == 0 {
		c.doom(c.leftReason()) // what is left is no whole request
	}
}

// goOn sees to it that what waits is looked at again: in the next pass, or when the
// connection's rate allows; if its answers are not being taken, once they are
// (Loop.flush).
func (c *Conn) goOn() {
	switch {
	case len(c.waiting) == 0 || c.doomed || c.parked || c.question != nil || c.phase != phaseRequest:
	case c.hasty():
		c.setTimer(c.entitled - requestBurst*requestInterval)
	case !c.hungry:
		c.hungry = true
		c.loop.hungry = append(c.loop.hungry, c)
	}
}

// hasty reports whether the connection is ahead of its rate.
func (c *Conn) hasty() bool { return c.entitled-c.loop.now > requestBurst*requestInterval }

// asked counts a request.
func (c *Conn) asked() {
	c.entitled = max(c.entitled, c.loop.now) + requestInterval
}

// consume feeds the connection's session, and returns how many bytes it took: the
// others must wait.
func (c *Conn) consume(b []byte) (n int) {
	l := c.loop
	defer c.sendAnswers()
	for asked := 0; n < len(b) && !c.doomed; {
		switch c.phase {
		case phaseClosed:
			return len(b)
		case phaseEnding, phaseDrain:
			if c.drained += int32(len(b) - n); c.drained > maxDrain {
				c.doom(c.reason)
			}
			return len(b)
		case phaseClassify:
			if n += c.classify(b[n:]); c.phase == phaseClassify {
				return n
			}
			continue
		case phaseRequest:
			if asked == requestTurn || c.parked || c.question != nil || c.hasty() {
				return n
			}
		}
		var k int
		k, l.ev = c.sess.Consume(b[n:])
		n += k
		if l.ev.Kind == codec.None {
			return len(b)
		}
		if l.ev.Kind.WantsAnswer() {
			asked++
			c.asked()
			if c.show != nil && c.hasty() {
				c.doom(reason.TooManyRequests) // it streams, and does not wait
				return n
			}
		}
		c.handle()
	}
	return n
}

// sendAnswers sends what was answered in a turn.
func (c *Conn) sendAnswers() {
	if c.out != nil && c.phase == phaseRequest {
		c.loop.send(c)
	}
}
