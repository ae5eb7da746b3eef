package rtsp

import "time"

const (
	// maxBack is how far pictures may go back from the furthest: they are sent in the
	// order in which they are decoded, and a few at one a second may wait for a later one.
	maxBack = 5 * time.Second
	// maxSoundBack is how far all else may, which is sent in its order.
	maxSoundBack = time.Second
	// maxAhead is how far timestamps may leap, beyond the time that has passed, and still
	// be those of the same clock.
	maxAhead = 5 * time.Second
	// sameClock is how far another source's timestamps may be from where its packets
	// belong and still be kept: a source that was away, and not restarted, goes on in its
	// own time, which is exact.
	sameClock = 500 * time.Millisecond
	// jumpMemory is for how long the tracks that follow one that jumped are expected to
	// jump too.
	jumpMemory = 10 * time.Second
	// maxJumpSkew is how far they may seem to jump by more or less than that one.
	maxJumpSkew = 2 * time.Second
	// slack is the part of the time that passes by which a packet may be later than the most
	// timely one and take its place: more than any two clocks differ in speed, and so little
	// that a source that was cut off for minutes is still known to be late.
	slack = 4096
)

// timing places a track's packets on the track's own line, which is in units of its
// clock, has 64 bits, and goes on whatever the source's timestamps do. The lower 32 bits
// are the timestamps that viewers get.
//
// When a packet arrives says where it may lie at most: no further than the most timely
// packet before it and the time since then.
//
//	      ref ───────── time since ────────► expected
//	line   x   x  x    x           x
//	                   └ late: it lies where its timestamp says
type timing struct {
	clock int64
	known bool   // a packet has been placed
	ts    uint32 // the source's timestamp of the newest packet
	line  int64  // where that lies
	top   int64  // the furthest
	ref   struct {
		line int64
		at   time.Duration
	}
	jumps uint32 // the jump of the programme that the track has taken part in last
}

// ticks is a time in units of the clock.
func (c *timing) ticks(d time.Duration) int64 {
	return int64(d/time.Second)*c.clock + int64(d%time.Second)*c.clock/int64(time.Second)
}

// span is a number of units as a time.
func (c *timing) span(ticks int64) time.Duration {
	return time.Duration(ticks/c.clock)*time.Second + time.Duration(ticks%c.clock)*time.Second/time.Duration(c.clock)
}

// ntp is a number of units as NTP time, in 1/2^32 s.
func (c *timing) ntp(ticks int64) uint64 {
	return uint64(ticks/c.clock)<<32 + uint64((ticks%c.clock)<<32/c.clock)
}

// expected is how far a packet that arrives at the given time can lie.
func (c *timing) expected(at time.Duration) int64 {
	return c.ref.line + c.ticks(at-c.ref.at)
}

// after is where a packet with this timestamp lies if it is of the same clock as the newest.
func (c *timing) after(ts uint32) int64 { return c.line + int64(int32(ts-c.ts)) }

// set places a packet.
func (c *timing) set(ts uint32, line int64, at time.Duration) {
	if since := at - c.ref.at; !c.known || line >= c.ref.line+c.ticks(since-since/slack) {
		c.ref.line, c.ref.at = line, at
	}
	if !c.known || line > c.top {
		c.top = line
	}
	c.known, c.ts, c.line = true, ts, line
}

// jump is a leap of a source's timestamps. Its tracks do not make it in the same moment,
// and not by exactly the same time as seen from here; but they belong together, so the
// first one's is taken for all.
type jump struct {
	number uint32 // from 1; 0 is none
	by     time.Duration
	at     time.Duration
}

// place says where a packet of the source that is already known lies. by is how far its
// timestamp is from there, if it is another clock's.
func (g *programme) place(t *trackState, ts uint32, at time.Duration) (line int64, by time.Duration) {
	c := &t.timing
	line = c.after(ts)
	off := c.span(line - c.expected(at))
	back := maxSoundBack
	if t.reorders {
		back = maxBack
	}
	switch {
	case c.jumps != g.jump.number && at-g.jump.at < jumpMemory && (off-g.jump.by).Abs() < min(g.jump.by.Abs()/2, maxJumpSkew):
		c.jumps = g.jump.number
		return line - c.ticks(g.jump.by), 0
	case line < c.top-c.ticks(back), int32(ts-c.ts) > 0 && line-c.line > c.ticks(maxAhead) && off > maxAhead:
		placed := max(c.expected(at), c.top+1)
		by = c.span(line - placed)
		g.jump = jump{number: g.jump.number + 1, by: by, at: at}
		c.jumps = g.jump.number
		return placed, by
	}
	return line, 0
}

// resume says where the first packet of another source lies, or of the same that has
// begun anew: where its timestamp says if that fits, where its report says as seen from
// the source's other tracks, or else where its arrival says. So the time steps by as
// long as no packet came, for all tracks together.
func (g *programme) resume(t *trackState, ts uint32, at time.Duration) int64 {
	c := &t.timing
	expected := c.expected(at)
	if line := c.after(ts); line > c.top && c.span(line-expected).Abs() <= sameClock {
		return line
	}
	if line, ok := g.reported(t, ts); ok && line > c.top && c.span(line-expected).Abs() <= maxSkew {
		return line
	}
	return max(expected, c.top+1)
}
