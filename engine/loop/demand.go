package loop

import (
	"math/bits"
	"sync/atomic"
)

// Packets are held only when to send each as it comes would be dear ([cheapShare]), and
// then only those of the shows that make it so: the others are sent as they come, as many
// of the smallest as are cheap together. So a crowd at one stream, or a source of very many
// packets, makes nobody else's packets wait.
//
// How much a show asks for is known as its weight: the binary digits of its calls a
// second. So the loops need to tell each other no more than what the shows of each weight
// ask for.

// weights is how many weights there are. The heaviest stands for all beyond it: a million
// calls a second are more than a loop can make.
const weights = 22

// demand is what one loop's viewers would cost if each packet went out as it comes.
// The loop stores it; all loops read it.
type demand struct {
	viewers atomic.Int64
	calls   [weights]atomic.Int64 // a second, of the shows of each weight
}

// tellDemand publishes what this loop's viewers would cost. Those whose socket is full cost
// nothing, and those who are still catching up have turns of their own, so that a crowd
// that does not read makes nobody else's packets wait.
func (l *Loop) tellDemand() {
	viewers, calls := 0, [weights]int64{}
	for _, s := range l.shows {
		n := len(s.viewers) - s.away
		viewers += n
		s.weight = 0
		if p := s.stream.Current(); p != nil {
			c := int64(float64(n) * p.PacketRate())
			// Its viewers on the other loops are about as many.
			s.weight = min(bits.Len64(uint64(c)*uint64(len(l.group.loops))), weights-1)
			calls[s.weight] += c
		}
	}
	l.demand.viewers.Store(int64(viewers))
	for w := range calls {
		if d := &l.demand.calls[w]; d.Load() != calls[w] {
			d.Store(calls[w])
		}
	}
}

// holding returns what bounds the holding of packets now, and the least weight of the
// shows whose packets are held. It counts all loops together: more loops are there to
// carry more, not to make the same load dearer.
func (g *Group) holding() (m limits, dear int) {
	viewers := int64(0)
	for _, l := range g.loops {
		viewers += l.demand.viewers.Load()
	}
	m = limits{budget: int64(g.cfg.Fanout.Budget), want: int64(float64(viewers) * float64(callCost) / heldShare)}
	if m.budget <= 0 {
		return m, weights
	}
	calls := int64(0)
	for dear = range weights {
		for _, l := range g.loops {
			calls += l.demand.calls[dear].Load()
		}
		if float64(calls)*callCost.Seconds() > cheapShare {
			return m, dear
		}
	}
	return m, weights
}
