package loop

import (
	"sync/atomic"

	"streampump/engine/reason"
)

// loopStats are a loop's counters, summed over the loops for the status. What a pass
// counts is added at its end.
type loopStats struct {
	connections atomic.Int64 // open now
	viewers     atomic.Int64
	parked      atomic.Int64 // connections whose socket is full now
	kept        atomic.Int64 // bytes of records that full sockets have not taken
	wakes       atomic.Uint64
	passes      atomic.Uint64
	yields      atomic.Uint64 // passes that had no time for all their work
	overloaded  atomic.Bool   // now
	writes      atomic.Uint64 // write calls
	fullWrites  atomic.Uint64 // write calls that the socket did not take whole
	bytes       atomic.Uint64
	packets     atomic.Uint64 // packets delivered whole
	skips       atomic.Uint64 // times a viewer was moved to a key frame
	skipped     atomic.Uint64 // packets passed over by that
	lost        atomic.Uint64 // datagrams that could not be sent
	unheard     atomic.Uint64 // datagrams of encoders that could not be received
	closes      [reason.Count]atomic.Uint64
}

// passStats are the counts of one pass.
type passStats struct {
	writes, full, bytes, packets, skips, skipped, lost uint64
}

// flush adds the pass to the loop's counters.
func (p *passStats) flush(s *loopStats) {
	s.passes.Add(1)
	if p.writes == 0 {
		return
	}
	s.writes.Add(p.writes)
	s.fullWrites.Add(p.full)
	s.bytes.Add(p.bytes)
	s.packets.Add(p.packets)
	if p.lost > 0 {
		s.lost.Add(p.lost)
	}
	if p.skips > 0 {
		s.skips.Add(p.skips)
		s.skipped.Add(p.skipped)
	}
	*p = passStats{}
}

// Totals are the counters of all loops, from the start.
type Totals struct {
	Connections, Viewers, Parked int64
	Kept                         int64 // bytes of records
	Wakes, Passes, Yields        uint64
	Overloaded                   int // loops
	Writes, FullWrites           uint64
	Bytes, Packets               uint64
	Skips, Skipped               uint64
	Lost, Unheard                uint64            // datagrams to viewers and from encoders
	Closes                       map[string]uint64 // by reason, those that happened
}

// Totals adds the loops' counters up. Any goroutine may call it.
func (g *Group) Totals() Totals {
	t := Totals{Closes: map[string]uint64{}}
	for _, l := range g.loops {
		l.stats.addTo(&t)
	}
	addCloses(t.Closes, &g.lost)
	return t
}

// addTo adds a loop's counters to the totals.
func (l *loopStats) addTo(t *Totals) {
	t.Connections += l.connections.Load()
	t.Viewers += l.viewers.Load()
	t.Parked += l.parked.Load()
	t.Kept += l.kept.Load()
	t.Bytes += l.bytes.Load()
	t.Packets += l.packets.Load()
	t.Writes += l.writes.Load()
	t.FullWrites += l.fullWrites.Load()
	t.Wakes += l.wakes.Load()
	t.Passes += l.passes.Load()
	t.Yields += l.yields.Load()
	if l.overloaded.Load() {
		t.Overloaded++
	}
	t.Skips += l.skips.Load()
	t.Skipped += l.skipped.Load()
	t.Lost += l.lost.Load()
	t.Unheard += l.unheard.Load()
	addCloses(t.Closes, &l.closes)
}

// addCloses adds counts of closes to those of the totals.
func addCloses(to map[string]uint64, counts *[reason.Count]atomic.Uint64) {
	for r := range reason.Count {
		if n := counts[r].Load(); n > 0 {
			to[r.String()] += n
		}
	}
}
