package engine

import "sync/atomic"

// loopStats are a loop's counters, summed over loops for the status. The loop
// adds to them once for each pass.
type loopStats struct {
	connections atomic.Int64 // open now
	viewers     atomic.Int64
	parked      atomic.Int64 // connections whose socket is full now
	wakes       atomic.Uint64
	passes      atomic.Uint64
	writes      atomic.Uint64 // write calls
	fullWrites  atomic.Uint64 // write calls that the socket did not take whole
	bytes       atomic.Uint64
	packets     atomic.Uint64 // packets delivered whole
	skips       atomic.Uint64 // times a viewer was moved to a key frame
	skipped     atomic.Uint64 // packets passed over by that
	closes      [reasons]atomic.Uint64
}

// passStats gather a pass.
type passStats struct {
	writes, full, bytes, packets, skips, skipped uint64
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
	if p.skips > 0 {
		s.skips.Add(p.skips)
		s.skipped.Add(p.skipped)
	}
	*p = passStats{}
}
