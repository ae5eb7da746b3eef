package loop

import "time"

// Turn is how long it is from one call for a viewer to the next, and so how many
// packets are in a call, for whoever computes what a machine can carry: on a pump
// with so many viewers on all its loops, who are owed so many packets a second
// together, for a stream whose packets come in so many bursts a second, as those
// of a picture do. It is 0 while fan-out is cheap and each packet is sent as it
// comes; the budget is that of [Fanout]. A loop that has no time left takes longer.
func Turn(viewers int, packetsPerSecond, bursts float64, budget time.Duration) time.Duration {
	if budget <= 0 || packetsPerSecond*callCost.Seconds() <= cheapShare {
		return 0
	}
	h := held{interval: max(settle, int64(float64(time.Second)/bursts))}
	m := limits{budget: int64(budget), want: int64(float64(viewers) * float64(callCost) / cheapShare)}
	return time.Duration(h.turns(m) * float64(h.interval))
}
