package loop

import (
	"context"

	"streampump/engine/admission"
	"streampump/engine/clock"
	"streampump/engine/reason"
	"streampump/engine/stream"
)

// show is one stream on one loop: the viewers that the loop serves with it.
type show struct {
	// Set once.
	stream  *stream.Stream
	loop    *Loop
	labels  context.Context    // of the loop's goroutine while it works for the stream
	account *admission.Account // the same on all loops

	// Audience is what the stream's writer sees of the show. It is asleep while packets
	// are held and the loop itself looks when a share is due ([show.nextShare]): then
	// publishing need not wake the loop for the rest of a burst.
	stream.Audience

	// Owned by the loop.
	viewers []viewer
	overTLS int // viewers over TLS
	away    int // viewers whose socket is full or who are still catching up
	weight  int // of its demand
	sweep   int // the next viewer to serve
	owed    int // viewers to be served now
	behind  int // viewers not served since the last burst
	held    held
	listed  bool // in loop.shows
}

// fanout serves the shows that have something new or something held.
func (l *Loop) fanout() {
	l.flushAt = clock.Never
	l.tellDemand()
	if len(l.shows) == 0 {
		return
	}
	m, dear := l.group.holding()
	// The turn begins here: if it included what the pass did before, slow sockets that
	// come back in each pass would leave the others nothing.
	began := l.group.clock.Now()
	for range l.shows {
		// Each pass begins with another show, so that one whose sweep takes the
		// whole turn does not keep the others waiting.
		l.turn = (l.turn + 1) % len(l.shows)
		s := l.shows[l.turn]
		if s.idle() {
			continue // as most of hundreds of streams are in most passes
		}
		s.take(s.weight >= dear, m, l.now)
		if s.owed > 0 {
			l.label(s)
		}
		if !l.serveShare(s, began) {
			l.yield()
			break
		}
		l.flushAt = min(l.flushAt, s.nextShare(m))
	}
	l.dropShows()
}

// Wake implements [stream.Show].
func (s *show) Wake() { s.loop.Wake() }

// LetGo implements [stream.Show].
func (s *show) LetGo() {
	l := s.loop
	l.Post(func() {
		s.Asked.Store(false)
		l.scratch.Reset()
		for i := range s.viewers {
			if v := &s.viewers[i]; v.pin != nil && v.pin.Evicted() {
				l.keepRest(v)
			}
		}
	})
}

// ClearOut implements [stream.Show].
func (s *show) ClearOut(p *stream.Programme) {
	s.loop.Post(func() {
		for i := range s.viewers {
			if v := &s.viewers[i]; v.prog == p {
				v.conn.doom(reason.ViewerStalled)
			}
		}
	})
}

// idle reports whether the show has nothing to do and take would change nothing.
func (s *show) idle() bool {
	return s.behind == 0 && s.held.cleared() && s.Fresh.Load() == 0
}

// take adds to what the show owes: everybody, or the share whose time has come.
func (s *show) take(hold bool, m limits, now int64) {
	n := len(s.viewers)
	s.Asleep.Store(false) // before the look: what is published after it wakes the loop
	if at := s.Fresh.Swap(0); at != 0 {
		s.behind = n
		s.held.arrived(n, at)
	}
	if !hold || s.behind == 0 {
		s.owed = s.behind
		s.held.clear()
		return
	}
	s.owed = min(s.held.due(now, m, n, s.owed), s.behind)
	// Not when everybody is served now: nothing would look at the next packet.
	s.Asleep.Store(s.held.open && s.owed < s.behind)
}

// nextShare is when the show must be looked at again even if nothing comes.
func (s *show) nextShare(m limits) int64 {
	if s.behind == 0 {
		return clock.Never
	}
	return s.held.next(m)
}

// serveShare serves what the show owes; false if the loop's turn, which began at
// began, is over first.
func (l *Loop) serveShare(s *show, began int64) bool {
	for k := 0; s.owed > 0; k++ {
		if k%yieldCheck == yieldCheck-1 && l.group.clock.Now()-began > yieldAfter {
			return false
		}
		if s.sweep >= len(s.viewers) {
			s.sweep = 0
		}
		if s.overTLS > 0 && k%warmTurn == 0 {
			l.warm(s.viewers[s.sweep:min(len(s.viewers), s.sweep+min(s.owed, warmTurn))])
		}
		v := &s.viewers[s.sweep]
		s.sweep++
		s.owed--
		s.behind--
		s.held.served++
		if !v.parked && !v.mode.has(paced) {
			l.serve(v)
		}
	}
	return true
}

// remove takes viewer i out. The last one takes its place; if that moves it past the
// sweep, from those still to be served to those already served, it is served in the
// next pass.
func (s *show) remove(i int) {
	last := len(s.viewers) - 1
	if s.viewers[i].transport == tlsTCP {
		s.overTLS--
	}
	if i != last {
		s.viewers[i] = s.viewers[last]
		moved := s.viewers[i].conn
		moved.slot = int32(i)
		if i < s.sweep {
			s.loop.hunger(moved)
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

// dropShows forgets the shows without viewers.
func (l *Loop) dropShows() {
	for i := 0; i < len(l.shows); {
		if len(l.shows[i].viewers) > 0 {
			i++
			continue
		}
		last := len(l.shows) - 1
		l.shows[i].listed = false
		// The next viewer to join must be told of what comes.
		l.shows[i].Asleep.Store(false)
		l.shows[i].held.clear()
		l.shows[i] = l.shows[last]
		l.shows[last] = nil
		l.shows = l.shows[:last]
	}
}
