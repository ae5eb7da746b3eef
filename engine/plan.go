package engine

import "time"

// Turn is how long it is from one call for a viewer to the next, and so how many
// packets are in a call, for whoever computes what a machine can carry: on a loop
// with so many viewers, who are owed so many packets a second together, from
// sources that send evenly. It is 0 while fan-out is cheap and each packet is sent
// as it comes; the budget is that of [Fanout].
func Turn(viewers int, packetsPerSecond float64, budget time.Duration) time.Duration {
	if budget <= 0 || packetsPerSecond*callCost.Seconds() <= cheapShare {
		return 0
	}
	h := held{interval: max(settle, int64(float64(viewers)/packetsPerSecond*float64(time.Second)))}
	m := limits{budget: int64(budget), want: int64(float64(viewers) * float64(callCost) / cheapShare)}
	return time.Duration(h.turns(m) * float64(h.interval))
}
