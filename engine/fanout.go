package engine

import (
	"sync/atomic"
	"time"
)

// show is one stream on one loop: the viewers that the loop serves with it.
type show struct {
	// Set once.
	stream *stream
	loop   *loop

	// Any goroutine.
	dirty atomic.Bool  // something was published since the last sweep
	count atomic.Int64 // len(viewers)

	// Owned by the loop.
	viewers []viewer
	sweep   int     // the next viewer to serve
	owed    int     // viewers that the present share still asks for
	behind  int     // viewers not served since the last publish
	last    int64   // time of the last share
	credit  float64 // the fraction of a viewer left over from it
	listed  bool    // in loop.shows
}

// The cost of a write call and the share of a core that fan-out may take
// before packets are held to be sent together. A paced call with cold caches
// costs 5 to 6.5 microseconds, whatever is in it up to some packets; a tenth
// of a core is what an otherwise idle box does not feel.
const (
	callCost   = 6 * time.Microsecond
	cheapShare = 0.1
)

// gaps is how many wakes a full sweep is spread over at least: the longest that
// a packet waits is one sweep and one gap between wakes, and both together stay
// within the budget.
const gaps = 4

// minGap keeps the clock from waking a loop for a handful of viewers.
const minGap = 2 * time.Millisecond

// sweepTime is how long serving each viewer of the loop once should take, so
// that write calls cost no more than cheapShare of a core: 0 while they do
// anyway, and never more than the latency budget allows. It is computed from
// what is known (viewers, packets per second, the price of a call), not from
// what is measured, so that a test can say how many packets a call carries.
func sweepTime(viewers int, callsPerSecond float64, budget time.Duration) time.Duration {
	if callsPerSecond*callCost.Seconds() <= cheapShare {
		return 0
	}
	t := time.Duration(float64(viewers) * float64(callCost) / cheapShare)
	return min(t, budget*gaps/(gaps+1))
}

// fanout serves the shows that have something new or something held.
func (l *loop) fanout() {
	viewers, calls := 0, 0.0
	for _, s := range l.shows {
		viewers += len(s.viewers)
		if p := s.stream.cur.Load(); p != nil {
			calls += float64(len(s.viewers)) * p.packetRate()
		}
	}
	hold := sweepTime(viewers, calls, l.eng.cfg.Fanout.Budget)
	l.flushAt = never
	if len(l.shows) == 0 {
		return
	}
	// The turn begins here: what the pass did before is not taken off it, or
	// slow sockets that come back in each pass would leave the others nothing.
	began := l.eng.clock()
	for range l.shows {
		// Each pass begins with another show, so that one whose sweep takes the
		// whole turn does not keep the others waiting.
		l.turn = (l.turn + 1) % len(l.shows)
		s := l.shows[l.turn]
		s.share(hold, l.now)
		if !l.serveShare(s, began) {
			l.again = true
			break
		}
		if s.behind > 0 {
			l.flushAt = min(l.flushAt, l.now+int64(max(hold/gaps, minGap)))
		}
	}
	l.dropShows()
}

// share adds to what the show owes: everybody, or the part of a full sweep for
// which the time has come.
func (s *show) share(hold time.Duration, now int64) {
	n := len(s.viewers)
	if s.dirty.Swap(false) {
		s.behind = n
	}
	elapsed := now - s.last
	s.last = now
	if s.behind == 0 {
		s.credit = 0
		return
	}
	if hold <= 0 || elapsed >= int64(hold) {
		s.owed, s.credit = s.behind, 0
		return
	}
	part := float64(n)*float64(elapsed)/float64(hold) + s.credit
	whole := int(part)
	s.credit = part - float64(whole)
	s.owed = min(s.owed+whole, s.behind)
}

// serveShare serves what the show owes; false if the loop's turn, which began at
// the given time, is over first.
func (l *loop) serveShare(s *show, began int64) bool {
	for k := 0; s.owed > 0; k++ {
		if k%yieldCheck == yieldCheck-1 && l.eng.clock()-began > yieldAfter {
			return false
		}
		if s.sweep >= len(s.viewers) {
			s.sweep = 0
		}
		v := &s.viewers[s.sweep]
		s.sweep++
		s.owed--
		s.behind--
		if !v.parked {
			l.serve(v)
		}
	}
	return true
}

// remove takes viewer i out. The last one takes its place; if that would carry
// it past the sweep, from those still to be served to those that were, it is
// served in the next pass.
func (s *show) remove(i int) {
	last := len(s.viewers) - 1
	if i != last {
		s.viewers[i] = s.viewers[last]
		moved := s.viewers[i].conn
		moved.slot = int32(i)
		if i < s.sweep && !moved.hungry {
			moved.hungry = true
			s.loop.hungry = append(s.loop.hungry, moved)
		}
	}
	s.viewers[last] = viewer{}
	s.viewers = s.viewers[:last]
	s.behind = min(s.behind, last)
	s.owed = min(s.owed, last)
	if cap(s.viewers) > 64 && last < cap(s.viewers)/4 {
		s.viewers = append(make([]viewer, 0, cap(s.viewers)/2), s.viewers...)
	}
}

// dropShows forgets the shows that have no viewers left.
func (l *loop) dropShows() {
	for i := 0; i < len(l.shows); {
		if len(l.shows[i].viewers) > 0 {
			i++
			continue
		}
		last := len(l.shows) - 1
		l.shows[i].listed = false
		l.shows[i] = l.shows[last]
		l.shows[last] = nil
		l.shows = l.shows[:last]
	}
}
