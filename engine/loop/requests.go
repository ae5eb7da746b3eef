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
	// requestBurst how many may come ahead of theirs; viewingBurst is that of a viewer,
	// which has asked for all that it wants before.
	requestInterval = int64(20 * time.Millisecond)
	requestBurst    = 64
	viewingBurst    = 32
	// maxWaiting is how many bytes may wait to be looked at, and maxBehind how many
	// behind the request of an encoder that waits for its answer: its packets follow at
	// once, and who is asked may be busy. Only few can: those who know a session that is
	// in use, those whose password is being checked, and encoders that ask while they send.
	maxWaiting = 16 << 10
	maxBehind  = 1 << 20
	// collect is how many bytes of answers are enough for a write.
	collect = 16 << 10
)

// inbox is what a connection has received and must wait: bytes that are not yet looked
// at, and a request (phaseAsking); and where its datagrams come. Most connections have
// nothing of it.
type inbox struct {
	bytes    []byte
	question *question
	ears     *ears
}

// box is the connection's inbox, to put something into.
func (c *Conn) box() *inbox {
	if c.inbox == nil {
		c.inbox = new(inbox)
	}
	return c.inbox
}

// tidy drops an empty inbox.
func (c *Conn) tidy() {
	if c.inbox != nil && c.inbox.bytes == nil && c.inbox.question == nil && c.inbox.ears == nil {
		c.inbox = nil
	}
}

// waiting is the bytes that wait.
func (c *Conn) waiting() []byte {
	if c.inbox == nil {
		return nil
	}
	return c.inbox.bytes
}

// asks is the request that waits; nil if none does.
func (c *Conn) asks() *question {
	if c.inbox == nil {
		return nil
	}
	return c.inbox.question
}

// input takes bytes from the peer.
func (c *Conn) input(b []byte) {
	switch {
	case len(c.waiting()) == 0:
		c.keep(b[c.consume(b):])
	case c.phase == phaseClassify:
		c.keep(b)
		c.resume()
	default:
		c.keep(b)
	}
	c.goOn()
}

// keep has bytes wait.
func (c *Conn) keep(b []byte) {
	most := maxWaiting
	switch q := c.asks(); {
	case q != nil:
		most = q.most
	case c.phase == phaseIngest:
		most = maxBehind // it is not read until this has been looked at, so no more comes than is read at once
	}
	switch {
	case len(b) == 0 || c.doomed:
	case len(c.waiting())+len(b) > most:
		c.doom(reason.TooManyRequests)
	default:
		box := c.box()
		box.bytes = append(box.bytes, b...)
	}
}

// resume goes on with what waits.
func (c *Conn) resume() {
	b := c.waiting()
	if len(b) == 0 || c.asks() != nil {
		return
	}
	c.loop.turnLeft = packetTurn
	// It waits until it is looked at: what is sent meanwhile is not the last.
	n := c.consume(b)
	if c.inbox == nil {
		return // it has been closed
	}
	c.inbox.bytes = append(b[:0], b[n:]...)
	if n == len(b) {
		c.inbox.bytes = nil
		c.tidy()
	}
	if c.phase == phaseRequest && n == len(b) {
		c.rearm() // its deadline was that of what waited
	}
	c.goOn()
	c.commit()
	if c.half && len(c.waiting()) == 0 && (c.phase == phaseIngest || c.phase == phaseRequest && c.out == nil) {
		c.doom(c.leftReason()) // an encoder's last packet has come, or what is left is no whole request
	}
}

// goOn sees to it that what waits is looked at again: in the next pass, or when the
// connection's rate allows; if its answers are not being taken, once they are
// (Loop.flush). Whoever was not read meanwhile is read again when nothing waits.
func (c *Conn) goOn() {
	switch {
	case c.phase == phaseIngest && !c.doomed:
		c.bringOn()
	case len(c.waiting()) == 0 && c.phase != phaseView:
		c.listen(true)
	case len(c.waiting()) == 0 || c.doomed || c.parked || c.phase != phaseRequest:
	case c.hasty():
		c.setTimer(c.entitled - requestBurst*requestInterval)
	default:
		c.loop.hunger(c)
	}
}

// hasty reports whether the connection is ahead of its rate.
func (c *Conn) hasty() bool { return c.isAhead(requestBurst) }

// isAhead reports whether more requests than that have come ahead of their time.
func (c *Conn) isAhead(burst int64) bool { return c.entitled-c.loop.now > burst*requestInterval }

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
			if c.left += uint32(len(b) - n); c.left > maxDrain {
				c.doom(c.reason)
			}
			return len(b)
		case phaseClassify:
			if !c.classify(b[n:]) {
				return n
			}
			continue
		case phaseRequest:
			if asked == requestTurn || c.parked || c.hasty() {
				return n
			}
		case phaseIngest:
			if !c.mayBring() {
				return n
			}
		}
		if c.asks() != nil {
			return n // what comes behind a request that waits does so too
		}
		var k int
		k, l.ev = c.sess.Consume(b[n:])
		n += k
		if c.phase == phaseIngest {
			c.brought(k, l.ev.Kind == codec.None && n > k)
		}
		if l.ev.Kind == codec.None {
			return len(b)
		}
		if l.ev.Kind.WantsAnswer() {
			asked++
			c.asked()
			if c.show != nil && c.isAhead(viewingBurst) {
				c.doom(reason.TooManyRequests) // it streams, and does not wait
				return n
			}
			c.commit() // the stream of an encoder is not locked while it is answered
		}
		c.handle()
	}
	return n
}

// sendAnswers sends what was answered in a turn.
func (c *Conn) sendAnswers() {
	if c.out != nil && (c.phase == phaseRequest || c.phase == phaseAsking) {
		c.loop.send(c)
	}
}
