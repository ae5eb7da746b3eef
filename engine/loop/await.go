package loop

import (
	"strings"

	"streampump/codec"
	"streampump/engine/clock"
	"streampump/engine/reason"
)

// A request may have to wait for an answer from somewhere else: whether its peer may
// have what it asks for ([Conn.ask]), or whether another connection lets its session go
// ([Conn.askFor]). The loop does not wait. The connection does, in a phase of its own, or
// while it goes on to receive a stream or to feed one. The wait has a deadline, and what
// the peer sends behind the request is kept up to a bound.

// question is a request that waits.
type question struct {
	ev       codec.Event
	most     int    // bytes that may wait behind it
	deadline int64  // when the peer is told that there was no answer
	late     func() // tells it; the request is in the loop's scratch again
}

// await has the request in the loop's scratch wait. The question is what the answer
// comes with, in [Conn.recall].
func (c *Conn) await(most int, late func()) *question {
	ev := c.loop.ev
	ev.Path, ev.Agent, ev.Data = strings.Clone(ev.Path), strings.Clone(ev.Agent), nil
	q := &question{ev: ev, most: most, late: late}
	q.deadline = c.loop.now + int64(c.loop.group.cfg.Timeouts.Head)
	c.box().question = q
	if c.phase == phaseRequest {
		c.phase = phaseAsking
	}
	c.rearm()
	return q
}

// recall puts a request that waited back into the loop's scratch; false if the
// connection has gone, or the answer comes too late.
func (c *Conn) recall(q *question) bool {
	if c.asks() != q {
		return false
	}
	c.inbox.question = nil
	c.tidy()
	if c.doomed || c.phase >= phaseEnding {
		return false
	}
	if c.phase == phaseAsking {
		c.phase = phaseRequest
	}
	c.loop.ev, c.loop.verdict = q.ev, codec.Verdict{}
	return true
}

// proceed goes on behind a question that was answered.
func (c *Conn) proceed() {
	c.sendAnswers()
	c.resume()
	if c.phase == phaseRequest && len(c.waiting()) > maxWaiting {
		c.doom(reason.TooManyRequests) // more might wait while it was to become an encoder
		return
	}
	if c.half && c.phase == phaseRequest && c.out == nil && len(c.waiting()) == 0 {
		c.doom(reason.Answered) // it has its answer, and can ask for nothing more
	}
}

// unanswered is the end of a question that nobody has answered in time.
func (c *Conn) unanswered() {
	q := c.asks()
	if !c.recall(q) {
		return
	}
	q.late()
	c.proceed()
	if c.phase == phaseIngest && !c.doomed {
		c.rearm() // an answer leaves an encoder's deadline as it is
	}
}

// answerDeadline is when the request that waits has waited long enough; clock.Never if
// none does.
func (c *Conn) answerDeadline() int64 {
	if q := c.asks(); q != nil {
		return q.deadline
	}
	return clock.Never
}
