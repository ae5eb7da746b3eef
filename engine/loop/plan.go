package loop

import "time"

// Turn is the time from one write call for a viewer to the next, from which follows
// how many packets are in a call, for estimates of what a machine can carry. viewers
// are all those of the pump, packetsPerSecond what they are owed together, and bursts
// how many times a second the stream's packets come, together as those of a picture
// do. Turn is 0 while fan-out is cheap and each packet is sent as it comes; budget is
// Fanout.Budget of package settings. A loop that has no time left takes longer.
func Turn(viewers int, packetsPerSecond, bursts float64, budget time.Duration) time.Duration {
	if budget <= 0 || packetsPerSecond*callCost.Seconds() <= cheapShare {
		return 0
	}
	interval := max(settle, int64(float64(time.Second)/bursts))
	h := held{interval: interval, shortest: interval}
	m := limits{budget: int64(budget), want: int64(float64(viewers) * float64(callCost) / heldShare)}
	return time.Duration(h.turns(m) * float64(h.interval))
}
