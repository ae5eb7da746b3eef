package stream

import (
	"context"
	"time"
)

// Packets cost what they cost whatever their size, so a source has a rate of them:
// settings.Limits.Packets. What comes faster is not read, and TCP tells the source to
// slow down. It is not turned away, because what comes too fast is mostly what waited for
// a network that was away. Encoders are held to it by the loop that reads them, and
// pulled servers by [attempt.hold]. Files are played by their own clock.
const (
	// packetBytes is how many bytes count as one packet at most, so that large ones are
	// bounded too: about what an Ethernet frame carries.
	packetBytes = 1500
	// PacketsAhead is how long, in nanoseconds, a source may be ahead of its rate: it may
	// send the packets of a second at once, and so catch up after a cut.
	PacketsAhead = int64(time.Second)
	// PacketsPause is how long, in nanoseconds, a source that is further ahead waits for its
	// next turn: long enough that it has few, and shorter than a picture lasts.
	PacketsPause = int64(20 * time.Millisecond)
)

// Packets is how many packets n bytes of a source count as that are one packet, or all that
// was read: to read costs as much.
func Packets(n int) int { return 1 + (n-1)/packetBytes }

// PacketTime is the time that a source has for each packet, in nanoseconds, if it may
// send perSecond; 0 if there is no limit.
func PacketTime(perSecond int) int64 {
	if perSecond == 0 {
		return 0
	}
	return max(1, int64(time.Second)/int64(perSecond))
}

// TooFast is the operator's sentence for a source that is held to its rate.
const TooFast = "it sends more packets a second than a source may"

// answerTime is the time that a source has for each request, in nanoseconds: to answer one
// costs more than to take a packet, and a camera has few to make.
const answerTime = int64(20 * time.Millisecond)

// asksTooMuch is the operator's sentence for a source that is held to that.
const asksTooMuch = "it sends more requests than a source may"

// arrives begins the reckoning of what was read at once: a rate that was not used is lost.
func (a *attempt) arrives() {
	a.asked = false
	if now := a.st.env.Clock.Now(); a.entitled < now {
		a.entitled, a.slowed = now, false
	}
}

// brought counts what the session took at once: a packet, or a part of one. Behind a
// packet, rest says, a part counts by its bytes alone.
func (a *attempt) brought(n int, rest bool) {
	packets := Packets(n)
	if rest {
		packets--
	}
	a.entitled += int64(packets) * PacketTime(a.st.env.Settings.Limits.Packets)
}

// asks counts a request.
func (a *attempt) asks() {
	a.entitled += answerTime
	a.asked = true
}

// over is how long, in nanoseconds, a source is further ahead of its rate than it may be.
func (a *attempt) over() int64 { return a.entitled - a.st.env.Clock.Now() - PacketsAhead }

// ahead reports whether a source is further ahead of its rate than it may be.
func (a *attempt) ahead() bool { return a.over() > 0 }

// hold waits until a source that is ahead of its rate may be read again, or ctx ends, and
// says meanwhile what is due. It is an error if the source runs out of time. The log tells
// of it once, until the source has been within its rate.
func (a *attempt) hold(ctx context.Context) error {
	for {
		over := a.over()
		if over <= 0 || ctx.Err() != nil {
			return ctx.Err()
		}
		if a.overdue() {
			return a.late()
		}
		if !a.slowed {
			a.slowed = true
			a.slows()
		}
		wait := time.Duration(over + PacketsPause)
		if !a.due.IsZero() {
			wait = min(wait, time.Until(a.due))
		}
		if !a.fresh {
			wait = min(wait, time.Until(a.deadline))
		}
		rest(ctx, wait)
		if err := a.tick(ctx); err != nil {
			return err
		}
	}
}

// slows says that the source is held to its rate.
func (a *attempt) slows() {
	switch {
	case a.asked:
		a.st.log.Warn("source is slowed down", "why", asksTooMuch, "limit", int64(time.Second)/answerTime)
		return
	case a.hearing != nil:
		a.st.log.Warn("source sends too fast over UDP, and what is too much is lost", "why", TooFast, "limit", a.st.env.Settings.Limits.Packets)
		return
	}
	a.st.log.Warn("source is slowed down", "why", TooFast, "limit", a.st.env.Settings.Limits.Packets)
}
