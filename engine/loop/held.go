package loop

import (
	"math"
	"time"

	"streampump/engine/clock"
)

// Packets are held to be sent together, because a write call costs the same
// whether it takes one packet or ten. Three facts shape how.
//
//   - Sources send in bursts: the packets of a picture come together, then
//     nothing for as long as a picture lasts. Right behind a burst is the best
//     moment to send: later adds delay and brings no more packets.
//   - A viewer that is served every g-th burst gets g bursts in one call, of
//     which the oldest waited for g-1 intervals.
//   - All viewers at once would be a jolt for the machine and the network, and
//     the last of them would wait for the others.
//
// So the viewers of a show take turns: behind each burst an equal share of them,
// one g-th, is served with all it has not had yet.
//
//	bursts    |         |         |         |
//	viewers   ###       |   ###   |      ###  ###       g = 3
//
// g is as large as keeps fan-out cheap, and not so large that a packet waits
// longer than the budget. A source that stops sending, or sends more slowly
// than it did, does not make a packet wait longer either: what has not been
// served when its time is over is served then ([held.due]).

// The cost of a write call and the share of a core that fan-out may take
// before packets are held to be sent together. A paced call with cold caches
// costs from 6 to 14 microseconds on the machines that were tried, whatever is
// in it up to some packets; a tenth of a core is what an otherwise idle box does
// not feel.
const (
	callCost   = 9 * time.Microsecond
	cheapShare = 0.1
)

// settle is how long after a burst's first packet its share is served: by then
// the rest of it is here, whatever pieces it came in. It also bounds how often a
// loop is woken by a source that sends all the time.
const settle = int64(3 * time.Millisecond)

// spare is what is left of the budget for serving a share, so that the last
// viewer of it has its packets in time too.
const spare = int64(2 * time.Millisecond)

// The interval between bursts is averaged over so many of them; longer ones
// than longestInterval say that the source paused, and not how it sends.
const (
	intervalWeight  = 8
	longestInterval = int64(2 * time.Second)
)

// tolerance is by which part of an interval a turn may come later than the
// budget allows, by the average. What is late then is served when its time is
// over; without it a source of 25 pictures a second, whose third is just in time,
// would at times be served twice as it should be three times.
const tolerance = 0.1

// maxBursts is how many bursts can be remembered that not everybody has had: at
// one every settle more than the usual budget has room for. Beyond it bursts are
// remembered together, with the time of the oldest.
const maxBursts = 40

// limits bound the holding of a show's packets.
type limits struct {
	budget int64 // the longest that a packet may be held, in nanoseconds
	want   int64 // how long a sweep over the viewers should take to be cheap
}

// longest is how long a burst may wait before everybody is served.
func (m limits) longest() int64 { return max(m.budget-spare, 0) }

// burst is one burst that is not yet served to all.
type burst struct {
	at    int64
	until uint64 // held.served, when all have it that were there when it came
}

// held says whose turn it is while packets are held. It belongs to a show.
type held struct {
	interval int64   // between bursts, averaged; 0 is not known
	began    int64   // when the newest burst did
	open     bool    // its share has not been served yet
	credit   float64 // the fraction of a viewer left over from the last share
	served   uint64  // viewers served, ever
	bursts   [maxBursts]burst
	first, n int // of bursts, those that not everybody has
}

// clear forgets what is held: everybody has everything, or gets it now. How the
// source sends is remembered.
func (h *held) clear() { h.n, h.open, h.credit = 0, false, 0 }

// cleared reports that clear would change nothing.
func (h *held) cleared() bool { return h.n == 0 && !h.open && h.credit == 0 }

// arrived takes note of packets for n viewers.
func (h *held) arrived(n int, now int64) {
	if !h.open && now-h.began >= settle {
		h.measure(now - h.began)
		h.began = now
	}
	if !h.open {
		h.open = true
		if h.n < maxBursts {
			h.n++
			h.last().at = h.began
		}
	}
	h.last().until = h.served + uint64(n)
}

// measure takes note of the time from one burst to the next.
func (h *held) measure(d int64) {
	switch {
	case d >= longestInterval:
	case h.interval == 0:
		h.interval = d
	default:
		h.interval += (d - h.interval) / intervalWeight
	}
}

// joined takes note of a viewer that lies behind those that wait for their turn.
func (h *held) joined() {
	for i := range h.n {
		h.bursts[(h.first+i)%maxBursts].until++
	}
}

// last is the newest burst that is remembered.
func (h *held) last() *burst { return &h.bursts[(h.first+h.n-1)%maxBursts] }

// oldest is the oldest burst that not everybody has; nil if all have all.
func (h *held) oldest() *burst {
	for h.n > 0 {
		b := &h.bursts[h.first]
		if h.served < b.until {
			return b
		}
		h.first = (h.first + 1) % maxBursts
		h.n--
	}
	return nil
}

// due is how many of n viewers are to be served now, of whom some are behind and
// owed are still to be served from before: these and a share after a burst, and
// at least those whose time is over.
func (h *held) due(now int64, m limits, n, owed int) int {
	if h.open && now >= h.began+settle {
		h.open = false
		part := float64(n)/h.turns(m) + h.credit
		share := int(part)
		h.credit = part - float64(share)
		owed += share
	}
	switch b := h.oldest(); {
	case b == nil && !h.open:
		return n // since when they wait was cleared
	case b != nil && now >= b.at+m.longest():
		owed = max(owed, int(min(b.until-h.served, uint64(n))))
	}
	return owed
}

// turns is over how many bursts a sweep is spread: as many as make it cheap, and
// no more than the oldest packet of the last viewer may wait for.
func (h *held) turns(m limits) float64 {
	if h.interval <= 0 {
		return 1
	}
	cheap := float64((m.want + h.interval - 1) / h.interval)
	most := math.Floor(float64(m.longest()-settle)/float64(h.interval) + 1 + tolerance)
	return max(1, min(cheap, most))
}

// next is when due has something to say although nothing comes.
func (h *held) next(m limits) int64 {
	at := clock.Never
	if h.open {
		at = h.began + settle
	}
	if b := h.oldest(); b != nil {
		at = min(at, b.at+m.longest())
	}
	return at
}
