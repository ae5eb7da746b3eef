package loop

import (
	"streampump/codec"
	"streampump/engine/clock"
	"streampump/engine/reason"
)

// A connection has one timer, whatever it waits for. It is set to the first of the
// connection's deadlines ([Conn.rearm]); when that has come, each is asked whether it is
// the one ([Conn.expired]). So whoever gives a connection a new deadline sets the timer
// anew, and does not set it to that.

// setTimer gives the connection its one deadline.
func (c *Conn) setTimer(at int64) { c.loop.timers.set(c, at) }

// rearm sets the deadline of the present phase. A full socket has its own, which
// moves only when the socket takes bytes.
func (c *Conn) rearm() {
	if c.parked {
		return
	}
	t, now := &c.loop.group.cfg.Timeouts, c.loop.now
	switch c.phase {
	case phaseClassify:
		c.setTimer(c.headDeadline())
	case phaseRequest:
		switch {
		case c.ticket.Pending():
			c.setTimer(c.headDeadline())
		case c.setUp != nil || c.ingest != nil:
			c.setTimer(now + int64(t.PushInactive))
		default:
			c.setTimer(now + int64(t.KeepAlive))
		}
		c.goOn()
	case phaseAsking:
		c.setTimer(c.answerDeadline())
	case phaseView:
		c.setTimer(min(c.viewer().keyDeadline(), c.paceDeadline(), c.halfDeadline(), c.quietDeadline(), c.answerDeadline()))
	case phaseIngest:
		turn := c.turnDeadline()
		c.setTimer(min(c.lastIn+int64(t.PushIdle), turn, c.hearDeadline(), c.answerDeadline()))
		if turn == clock.Never && len(c.waiting()) > 0 && c.asks() == nil {
			c.loop.hunger(c)
		}
	case phaseEnding:
		c.setTimer(now + int64(t.Stall))
	case phaseDrain:
		c.setTimer(now + int64(t.Drain))
	}
}

// expired acts on the connection's deadline.
func (c *Conn) expired() {
	l := c.loop
	switch {
	case c.phase == phaseDrain:
		c.doom(c.reason)
	case c.parked:
		c.stalled()
	case c.phase == phaseAsking || c.answerDeadline() <= l.now:
		c.unanswered()
	case len(c.waiting()) > 0 && c.phase == phaseRequest:
		c.resume()
	case c.phase == phaseRequest && c.ingest != nil:
		c.endIngest(codec.CauseIdle, reason.PushIdle, reason.PushIdle.Info().Text)
	case c.phase == phaseClassify || c.phase == phaseRequest:
		c.unasked()
	case c.phase == phaseView && c.quietDeadline() <= l.now:
		c.listen(true)
		c.rearm()
	case c.phase == phaseView && c.paceDeadline() <= l.now:
		l.hunger(c) // the turns of all who catch up may come at once
	case c.phase == phaseView && c.half && c.forgotten():
		c.doom(c.leftReason())
	case c.phase == phaseView:
		c.viewer().keyWaitOver()
		if c.half {
			c.rearm()
		}
		l.send(c)
	case c.phase == phaseIngest:
		if c.hearDeadline() <= l.now {
			c.hear()
			if c.phase != phaseIngest || c.doomed {
				return
			}
		}
		if c.lastIn+int64(l.group.cfg.Timeouts.PushIdle) > l.now {
			c.rearm()
			return
		}
		c.endIngest(codec.CauseIdle, reason.PushIdle, reason.PushIdle.Info().Text)
	default:
		c.doom(reason.AnswerStalled)
	}
}

// headDeadline is when the first complete request has to be there.
func (c *Conn) headDeadline() int64 { return c.opened + int64(c.loop.group.cfg.Timeouts.Head) }

// unasked ends a connection whose first complete request, or next one, did not come in
// time.
func (c *Conn) unasked() {
	why := reason.KeepAliveTimeout
	if c.ticket.Pending() {
		why = reason.HeadTimeout
		if c.sess == nil && len(c.waiting()) == 0 {
			why = reason.NothingSent
		}
	}
	var end []byte
	if c.sess != nil {
		end = c.sess.AppendEnd(c.outgoing().own, codec.CauseHeadLate, "")
	} else {
		end = c.loop.group.unclaimed().AppendRefusal(c.outgoing().own, codec.CauseHeadLate)
	}
	c.finish(why, end)
}

// stalled closes a connection whose socket has taken nothing for too long, unless it
// takes something now: we ourselves may have been stopped.
func (c *Conn) stalled() {
	r, before := reason.AnswerStalled, c.sent()
	if c.phase == phaseView {
		r = reason.ViewerStalled
	}
	c.unpark()
	c.loop.send(c)
	if c.parked && c.sent() == before {
		c.doom(r)
	}
}
