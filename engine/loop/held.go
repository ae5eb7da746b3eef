package loop

import (
	"math"
	"time"

	"streampump/engine/clock"
)

// Packets are held to be sent together, because a write call costs the same for ten
// packets as for one. Three facts shape how.
//
//   - Sources send in bursts: the packets of a picture come together, then nothing
//     for as long as the picture lasts. The best moment to send is right after a
//     burst: waiting longer adds delay and no packets.
//   - A viewer that is served every g-th burst gets g bursts in one call, the oldest
//     of which has waited for g-1 intervals.
//   - Serving all viewers at once would jolt the machine and the network, and the
//     last of them would wait for the others.
//
// So the viewers of a show take turns: after each burst an equal share of them, one
// g-th, is served with everything it has not had yet.
//
//	bursts    |         |         |         |
//	viewers   ###       |   ###   |      ###  ###       g = 3
//
// g is as large as makes fan-out cheap ([heldShare]), but not so large that a packet
// waits longer than the budget. A source that stops sending, or slows down, does not make
// a packet wait longer either: what has not been served when its time is over is served
// then ([held.due]).

// The cost of a write call, the share of a core that fan-out may take before packets
// are held to be sent together, and the share that it takes once they are, as far as the
// budget allows. A paced call with cold caches costs 6 to 14 microseconds on the machines
// tried, for up to several packets; an otherwise idle box does not feel a tenth of a core.
// Where packets have to wait anyway, they wait long enough for that to pay.
const (
	callCost   = 9 * time.Microsecond
	cheapShare = 0.1
	heldShare  = 0.04
)

// settle is how long after a burst's first packet its share is served: by then the
// rest of the burst is here, in however many pieces it came. It also bounds how often
// a source that sends all the time wakes a loop.
const settle = int64(3 * time.Millisecond)

// spare is the part of the budget that is left for serving a share, so that its last
// viewer has its packets in time too.
const spare = int64(2 * time.Millisecond)

// The interval between bursts is averaged over intervalWeight of them; one longer
// than longestInterval says that the source paused, not how it sends.
const (
	intervalWeight  = 8
	longestInterval = int64(2 * time.Second)
)

// tolerance is the part of an interval by which a turn may, by the average, come
// later than the budget allows. What is late then is served when its time is over;
// without the tolerance a source of 25 pictures a second, whose third is only just in
// time, would at times be spread over two bursts instead of three.
const tolerance = 0.1

// maxBursts is how many bursts that not everybody has had can be remembered: at one
// every settle, more than the usual budget has room for. Beyond that, bursts are
// remembered together, with the time of the first of them.
const maxBursts = 40

// limits bound the holding of a show's packets.
type limits struct {
	budget int64 // the longest that a packet may be held, in nanoseconds
	want   int64 // how long a sweep over the viewers must take to be cheap
}

// longest is how long a burst may wait before everybody is served.
func (m limits) longest() int64 { return max(m.budget-spare, 0) }

// burst is one burst that not everybody has been served yet.
type burst struct {
	at    int64
	until uint64 // held.served when everybody who was there when it came has it
}

// held says whose turn it is while packets are held. It belongs to a show.
type held struct {
	interval int64   // between bursts, averaged; 0 is not known
	began    int64   // when the newest burst did
	open     bool    // the newest burst's share has not been served yet
	credit   float64 // the fraction of a viewer left over from the last share
	served   uint64  // viewers served, ever
	bursts   [maxBursts]burst
	first, n int // the part of bursts that not everybody has
}

// clear forgets what is held: everybody has everything, or gets it now. How the
// source sends is remembered.
func (h *held) clear() { h.n, h.open, h.credit = 0, false, 0 }

// cleared reports whether clear would change nothing.
func (h *held) cleared() bool { return h.n == 0 && !h.open && h.credit == 0 }

// arrived notes that packets have come for n viewers.
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

// measure notes the time from one burst to the next.
func (h *held) measure(d int64) {
	switch {
	case d >= longestInterval:
	case h.interval == 0:
		h.interval = d
	default:
		h.interval += (d - h.interval) / intervalWeight
	}
}

// joined notes a viewer that lies behind those that wait for their turn.
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

// due is how many of n viewers are to be served now, when some are behind and owed
// are still to be served from before: those and a share after a burst, and at least
// those whose time is over.
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
		return n // since when they have waited was cleared
	case b != nil && now >= b.at+m.longest():
		owed = max(owed, int(min(b.until-h.served, uint64(n))))
	}
	return owed
}

// turns is the number of bursts that a sweep is spread over: as many as make it
// cheap, but no more than the last viewer's oldest packet may wait for.
func (h *held) turns(m limits) float64 {
	if h.interval <= 0 {
		return 1
	}
	cheap := float64((m.want + h.interval - 1) / h.interval)
	most := math.Floor(float64(m.longest()-settle)/float64(h.interval) + 1 + tolerance)
	return max(1, min(cheap, most))
}

// next is when due will have something to serve even if nothing comes.
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
