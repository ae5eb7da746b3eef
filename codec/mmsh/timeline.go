package mmsh

import (
	"math"
	"time"
)

const (
	// maxBackstep is how far a source's send time may go back from one packet to the
	// next. Rounding makes steps of some milliseconds; a clip that a source plays
	// again, or an encoder that restarted without a header, makes longer ones, and VLC
	// then drops everything as late until the old time is reached again.
	maxBackstep = time.Second
	// maxLeap is how far a source's send time may leap ahead and still be a gap in its
	// own time line. Nobody waits longer than that for a silent source: what leaps
	// further is astray, or another clock.
	maxLeap = 2 * time.Minute
	// maxSpan bounds what the time between two packets says about the first one's
	// length, if the source leaves durations out as VLC does: a longer time is a gap.
	maxSpan = time.Second
	// memory is how long a run is remembered after its last packet, in case
	// what came since was astray.
	memory = 10 * time.Second
	// sameClock is how far a source's own times may be from where a splice would place
	// them and still be kept: a source that only repeats its header, or changes what
	// does not matter in it, goes on in its time line, and guessing again and again
	// would let the stream fall behind.
	sameClock = 2 * time.Second
)

// timeline places a source's packets on the programme's own line, which is in
// milliseconds, has 64 bits, and goes on whatever the source's clock does. The
// source's 32-bit send times are followed by their differences, so that their wrap
// does not matter.
//
// A send time that does not fit those before it is astray, or begins another run: the
// source's clock was set, or the source restarted and did not say so. The packets
// after it decide. Until they do, it lies where its neighbours are.
//
//	run   100 140 180     220 260     the line goes on: 0 was astray
//	other             0
//
//	run   100 140 180                 the other run is the source's from 40 on,
//	other             0 40 80         and lies behind 180
type timeline struct {
	started bool
	line    int64 // the latest send time so far
	span    int64 // how much stream the newest packet covers
	lead    int64 // how far its presentation was ahead of its send time, as the source had it
	run     run   // the one that the source's packets follow
	other   run   // another: begun by the newest packet, or left by it

	spliced bool // the next packet is another source's
	missing bool // and packets are missing before it
}

// run is packets whose send times follow one another.
type run struct {
	known bool
	lone  bool   // it is one packet so far
	whole bool   // viewers have all that its packets build on
	raw   uint32 // the source's send time of its newest packet
	at    int64  // where that lies on our line
}

// stamp is what a packet says about its time.
type stamp struct {
	send  uint32
	shown uint32 // presentation time of its first payload that has one
	timed bool   // there is one
	key   bool   // viewers can start at it
	span  int64  // how much stream it covers; 0 if it does not say
}

// spot is where a packet lies on our line.
type spot struct {
	at    int64  // its send time
	shift uint32 // what is added to its presentation times
	jump  int64  // by how much its send time does not fit; 0 if it does
	anew  bool   // it is another source's first
	cut   bool   // packets may be missing before it
	run   *run   // the run it is of
	whole bool   // viewers have all that it builds on
}

// begin places the first packet.
func (t *timeline) begin(s stamp, at int64) spot {
	t.started, t.spliced = true, false
	t.run = run{known: true, whole: true, raw: s.send, at: at}
	t.advance(s, at, 0)
	return spot{at: at, shift: t.run.shift(), run: &t.run, whole: true}
}

// splice makes the next packet one of another source.
func (t *timeline) splice(missing bool) {
	t.spliced, t.missing = true, missing
}

// next places a packet.
func (t *timeline) next(s stamp) spot {
	if t.line-t.other.at > memory.Milliseconds() {
		t.other = run{}
	}
	switch mine, others := t.run.off(s.send), t.other.off(s.send); {
	case t.spliced:
		return t.resume(s)
	case mine <= others && mine < tooFar:
		if t.other.lone {
			t.other = run{} // it was astray
		}
		return t.follow(s, t.run.after(s.send))
	case others < tooFar:
		return t.turn(s)
	}
	return t.stray(s)
}

// follow places a packet of the present run.
func (t *timeline) follow(s stamp, at int64) spot {
	if at = max(at, 0); at < t.line-maxBackstep.Milliseconds() {
		at = t.behind() // our line went on without this run
	}
	step := at - t.line
	t.run.raw, t.run.at, t.run.lone = s.send, at, false
	t.advance(s, at, step)
	return spot{at: at, shift: t.run.shift(), run: &t.run, whole: t.run.whole}
}

// resume places the first packet of another source: behind the newest, however long
// it took to come. Players' clocks stand still while they have no data: see the
// package documentation.
func (t *timeline) resume(s stamp) spot {
	at := t.line + t.span
	if own := t.run.after(s.send); own >= t.line && max(own-at, at-own) <= sameClock.Milliseconds() {
		at = own
	}
	t.spliced, t.run, t.other = false, run{known: true, raw: s.send, at: at}, run{}
	t.advance(s, at, 0)
	return spot{at: at, shift: t.run.shift(), anew: true, cut: t.missing, run: &t.run}
}

// turn changes to the other run, which the packet follows.
func (t *timeline) turn(s stamp) spot {
	t.run, t.other = t.other, t.run
	spot := t.follow(s, t.run.after(s.send))
	spot.cut = !spot.whole
	return spot
}

// stray places a packet that fits no run. It goes on with the present run as far as
// anybody can see, and begins another in case it does not.
func (t *timeline) stray(s stamp) spot {
	at := t.behind()
	t.other = run{known: true, lone: true, whole: s.key, raw: s.send, at: at}
	spot := spot{at: at, shift: t.other.shift(), jump: t.run.step(s.send), cut: s.key, run: &t.other, whole: t.run.whole}
	if t.onlySend(s, spot.jump) {
		spot.shift = t.run.shift()
	}
	t.line = at
	return spot
}

// onlySend reports whether a packet's send time is astray and its presentation
// is not.
func (t *timeline) onlySend(s stamp, jump int64) bool {
	const near = int64(sameClock / time.Millisecond)
	off := int64(int32(s.shown-t.run.raw)) - t.lead
	return s.timed && max(jump, -jump) > 2*near && max(off, -off) <= near
}

// behind is where a packet right behind the newest lies.
func (t *timeline) behind() int64 { return t.line + min(t.span, maxSpan.Milliseconds()) }

// advance notes a packet that its run placed, step after the one before in the same
// time line; 0 if it is the first there.
func (t *timeline) advance(s stamp, at, step int64) {
	switch {
	case s.span > 0:
		t.span = s.span
	case step > 0:
		t.span = min(step, maxSpan.Milliseconds())
	}
	if s.timed {
		t.lead = int64(int32(s.shown - s.send))
	}
	t.line = max(t.line, at)
}

// step is how far a send time is ahead of the run's newest packet.
func (r *run) step(send uint32) int64 { return int64(int32(send - r.raw)) }

// after is where a packet of the run lies.
func (r *run) after(send uint32) int64 { return r.at + r.step(send) }

// off is how far a packet is from the newest of the run; tooFar if it cannot be
// of the run.
func (r *run) off(send uint32) int64 {
	step := r.step(send)
	if !r.known || step < -maxBackstep.Milliseconds() || step > maxLeap.Milliseconds() {
		return tooFar
	}
	return max(step, -step)
}

// tooFar is farther off than any packet of a run.
const tooFar = math.MaxInt64

// shift is what is added to the run's own times.
func (r *run) shift() uint32 { return uint32(r.at) - r.raw }
