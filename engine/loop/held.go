package loop

import (
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
// So the viewers of a show take turns: after a burst some of them are served, each with
// everything it has not had yet, so that all have had theirs after g bursts.
//
//	bursts    |         |         |         |
//	viewers   ###       |   ###   |      ###  ###       g = 3
//
// g is as large as makes fan-out cheap ([heldShare]), but not so large that a packet
// waits longer than the budget. No viewer is served before it must be: a source whose sound
// comes between its pictures has bursts that are far from equally spaced, and whoever is
// served before its time is over gets the fewer of them in a call. But where that would leave
// too many for one moment, some are served early ([held.early]). Each viewer's time begins
// with the first burst that it has not had, so a source that stops sending, or slows down,
// does not make a packet wait longer either ([held.due]).

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

// The interval between bursts is averaged over intervalWeight of them, and the shortest of
// late is forgotten over shortestWeight; an interval longer than longestInterval says that the
// source paused, not how it sends.
const (
	intervalWeight  = 8
	shortestWeight  = 16
	longestInterval = int64(2 * time.Second)
)

// crowding is how many times an equal share of the viewers may be served at once. With less,
// more are served before their time; with more, they gather at the same moments.
const crowding = 1.25

// maxBursts is how many bursts that not everybody has had can be remembered: at one
// every settle, more than the usual budget has room for. Beyond that, bursts are
// remembered together, with the time of the first of them.
const maxBursts = 40

// limits bound the holding of a show's packets.
type limits struct {
	budget int64 // the longest that a packet may be held, in nanoseconds
	want   int64 // how long a sweep over the viewers must take to be cheap
}

// longest is how long a burst waits before everybody is served.
func (m limits) longest() int64 { return max(min(m.budget-spare, m.want), 0) }

// burst is one burst that not everybody has been served yet.
type burst struct {
	at    int64
	until uint64 // held.served when everybody who was there when it came has it
}

// held says whose turn it is while packets are held. It belongs to a show.
type held struct {
	interval int64  // between bursts, averaged; 0 is not known
	shortest int64  // of the intervals of late
	began    int64  // when the newest burst did
	open     bool   // the newest burst's share has not been served yet
	served   uint64 // viewers served, ever
	bursts   [maxBursts]burst
	first, n int // the part of bursts that not everybody has
}

// clear forgets what is held: everybody has everything, or gets it now. How the
// source sends is remembered.
func (h *held) clear() { h.n, h.open = 0, false }

// cleared reports whether clear would change nothing.
func (h *held) cleared() bool { return h.n == 0 && !h.open }

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
		h.interval, h.shortest = d, d
	default:
		h.interval += (d - h.interval) / intervalWeight
		h.shortest = min(d, h.shortest+(d-h.shortest)/shortestWeight)
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
// are still to be served from before: those whose time is over, and after a burst as many as
// would be too many later.
func (h *held) due(now int64, m limits, n, owed int) int {
	b := h.oldest()
	if h.open && now >= h.began+settle {
		h.open = false
		owed = max(owed, h.early(m, n))
	}
	switch {
	case b == nil && !h.open:
		return n // since when they have waited was cleared
	case b != nil && now >= b.at+m.longest():
		owed = max(owed, h.waiting(b, n))
	}
	return owed
}

// waiting is how many of n viewers have not had a burst that not everybody has.
func (h *held) waiting(b *burst, n int) int {
	return int(min(b.until-h.served, uint64(n))) //nolint:gosec // n is a length
}

// early is how many of n viewers are to be served after the newest burst for no more than a
// share to be left for each of those that come before a viewer's time is over.
func (h *held) early(m limits, n int) int {
	if h.interval == 0 {
		return n
	}
	share, most := crowding*float64(n)/h.turns(m), 0
	for i := range h.n {
		b := &h.bursts[(h.first+i)%maxBursts]
		later := h.ahead(b.at + m.longest() - h.began)
		most = max(most, h.waiting(b, n)-int(float64(later)*share))
	}
	return most
}

// ahead is how many bursts are to be expected within a time from the beginning of the newest.
func (h *held) ahead(t int64) int64 {
	if h.interval == 0 || t < h.shortest {
		return 0
	}
	return 1 + (t-h.shortest)/h.interval
}

// turns is the number of bursts that a viewer gets in one call, once it is known how the
// source sends.
func (h *held) turns(m limits) float64 { return float64(1 + h.ahead(m.longest())) }

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
