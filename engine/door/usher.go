package door

import (
	"sync/atomic"
	"time"
)

// arrival is a connection on its way to a loop.
type arrival struct {
	Arrival
	done chan struct{} // closed when a loop has it; nil if nobody waits
}

// lane is the way to one loop. An usher waits until the loop has the connection, so
// each loop has ushers of its own: those of a stuck loop wait with it, and the others
// go on.
type lane struct {
	arrivals chan arrival
	stuck    atomic.Bool // nobody took the last arrival in time
}

// leastUshers is the least number of ushers. A loop takes several connections in one
// turn: the last of 5,000 players who join at once is served in nine tenths of the
// time that one usher alone needs. Twice as many ushers gain a little more and need
// more threads.
const leastUshers = 4

// Ushers is the number of ushers for the given number of loops. Each holds a
// descriptor beside the connection's own.
func Ushers(loops int) int { return loops * max(2, leastUshers/loops) }

// patience is how long a connection is offered to a loop that takes none. Then
// another loop gets it and all that follow, until the first is back: a pass takes
// some hundredths of a second.
const patience = 250 * time.Millisecond

// usher sends a connection on its way: to the loops in turn, so that the viewers of
// every stream spread over all of them. It waits for a loop that is busy; for one
// that is stuck only if all are.
func (d *Door) usher(c arrival) {
	for tries := 0; ; tries++ {
		l := d.lanes[int(d.turn.Add(1))%len(d.lanes)]
		if l.offer(c, !l.stuck.Load() || tries >= len(d.lanes)) {
			return
		}
	}
}

// offer gives an arrival to the lane, if its ushers take it now, or in time.
func (l *lane) offer(c arrival, wait bool) (taken bool) {
	select {
	case l.arrivals <- c:
		taken = true
	default:
		taken = wait && l.wait(c)
	}
	l.stuck.Store(!taken)
	return taken
}

// wait gives an arrival to the lane if its ushers take it in time.
func (l *lane) wait(c arrival) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case l.arrivals <- c:
		return true
	case <-late.C:
		return false
	}
}

// serve hands a lane's arrivals to its loop until no more come.
func (d *Door) serve(l *lane, loop int) {
	for c := range l.arrivals {
		d.admit(c.Arrival, loop)
		if c.done != nil {
			close(c.done)
		}
	}
}
