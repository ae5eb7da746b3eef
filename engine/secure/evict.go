package secure

import (
	"math"
	"slices"
	"time"
)

const (
	// silence is how long a peer may be silent in its handshake while others wait for a
	// place: what is lost on the way has been sent again by then.
	silence = int64(3 * time.Second)
	// largeShare of all places is so many for one address that it gives them up without
	// being waited for.
	largeShare = 4
	// reviewTime is how often it is looked whether a peer has been silent for too long,
	// while handshakes wait.
	reviewTime = 250 * time.Millisecond
)

// victimLocked is the place to be given up for another one of g: of the address that
// has most, and more than g, the one whose peer has been silent for longest; nil if
// there is none, because nobody has more, or their peers do what they should. One that
// calculates, or waits for its turn, is never given up.
func (r *Room) victimLocked(g *guest) *Place {
	var worst *Place
	for h := range r.seated {
		if len(h.places) <= len(g.places) {
			continue
		}
		if p := r.silentLocked(h); p != nil && (worst == nil || p.before(worst)) {
			worst = p
		}
	}
	return worst
}

// before reports whether p is to be given up before q.
func (p *Place) before(q *Place) bool {
	if n, m := len(p.guest.places), len(q.guest.places); n != m {
		return n > m
	}
	return p.silent < q.silent
}

// silentLocked is the place of an address whose peer has been silent for longest; nil if
// none has for long enough.
func (r *Room) silentLocked(g *guest) *Place {
	since := r.now()
	if len(g.places)*largeShare <= r.most {
		since -= silence
	}
	var longest *Place
	for _, p := range g.places {
		if p.idle() && p.silent <= since && (longest == nil || p.silent < longest.silent) {
			longest = p
		}
	}
	return longest
}

// idle reports whether it is the peer that has to do something.
func (p *Place) idle() bool { return !p.turn && !slices.Contains(p.guest.waiting, p) }

func (r *Room) evictLocked(p *Place) {
	p.evicted = true
	r.vacateLocked(p)
}

// relieve gives handshakes that wait the places of peers that have been silent for too
// long meanwhile.
func (r *Room) relieve() {
	var out, in []*Place
	r.mu.Lock()
	vain := math.MaxInt // who has so many places gets no other's, nor does who has more
	for rest := len(r.placing); rest > 0 && r.queued > 0 && !r.closed; rest-- {
		g := r.placing[0]
		if len(g.queue) == 0 {
			r.placing.first().placing = false // those that waited have gone
			continue
		}
		if r.open >= r.most {
			var victim *Place
			if len(g.places) < vain {
				victim = r.victimLocked(g)
			}
			if victim == nil {
				vain = min(vain, len(g.places))
				r.placing = append(r.placing[1:], g) // another may have fewer places
				continue
			}
			r.evictLocked(victim)
			out = append(out, victim)
		}
		if p := r.admitLocked(); p != nil {
			in = append(in, p)
			rest = len(r.placing) + 1
		}
	}
	r.review = nil
	if r.queued > 0 && !r.closed {
		r.review = r.after(reviewTime, r.relieve)
	}
	r.mu.Unlock()
	for _, p := range out {
		p.shake.Evict()
	}
	for _, p := range in {
		p.shake.Begin(p)
	}
}
