package secure

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Room has places for handshakes, and for each address a queue of those that wait for
// one. Any goroutine may use it.
type Room struct {
	most int
	wait time.Duration

	mu      sync.Mutex
	closed  bool
	turns   int          // free
	open    int          // places that are taken
	queued  int          // handshakes without a place
	now     func() int64 // nanoseconds
	after   func(time.Duration, func()) *time.Timer
	review  *time.Timer           // while handshakes wait for a place
	guests  map[netip.Addr]*guest // by address, or network
	seated  map[*guest]struct{}   // those with places
	placing round                 // who has handshakes that wait for a place
	turning round                 // who has places that wait for a turn
}

// guest is one address's handshakes.
type guest struct {
	address netip.Addr
	queue   []*Place // without a place yet; the first first, like the others
	places  []*Place
	waiting []*Place // those of places that wait for a turn
	placing bool     // in Room.placing
	turning bool     // in Room.turning
}

// round is addresses whose time comes one after another.
type round []*guest

// A Handshake is what a place is for. Its methods are called with no lock held; they
// must not block.
type Handshake interface {
	// Begin begins the handshake, on a goroutine of its own, which calls [Place.Leave]
	// when it is over.
	Begin(p *Place)
	// Evict ends a handshake that has begun, because another address needs its place.
	Evict()
	// Drop ends a handshake that has not begun: there was no place in time, or the room
	// has been closed.
	Drop(closed bool)
}

// Place is one handshake's place in the room. The nil Place has no bounds.
type Place struct {
	room    *Room
	guest   *guest
	shake   Handshake
	late    *time.Timer   // in the queue
	silent  int64         // when the peer's turn to send began
	turn    bool          // it calculates
	called  chan struct{} // it may calculate; made for each wait
	evicted bool
}

// ErrCrowded is why a handshake ended that had to make room for another.
var ErrCrowded = errors.New("others wait for a handshake, and this peer was silent in its own")

// NewRoom makes a room with places for as many handshakes as most, of which as many as
// turns may calculate at the same time. None waits for a place for longer than wait.
func NewRoom(most, turns int, wait time.Duration) *Room {
	began := time.Now()
	return &Room{
		most: max(1, most), turns: max(1, turns), wait: wait, guests: map[netip.Addr]*guest{}, seated: map[*guest]struct{}{},
		now: func() int64 { return int64(time.Since(began)) }, after: time.AfterFunc,
	}
}

// Enter begins a handshake of an address if there is a place for it, or if another
// address gives one up (see victimLocked). Otherwise it waits: those of one address are
// served in their order, and none of them in vain.
func (r *Room) Enter(address netip.Addr, h Handshake) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		h.Drop(true)
		return
	}
	g := r.guests[address]
	if g == nil {
		g = &guest{address: address}
		r.guests[address] = g
	}
	p := &Place{room: r, guest: g, shake: h}
	var victim *Place
	if r.open >= r.most || len(g.queue) > 0 {
		if len(g.queue) == 0 {
			victim = r.victimLocked(g)
		}
		if victim == nil {
			r.queueLocked(p)
			r.mu.Unlock()
			return
		}
		r.evictLocked(victim)
	}
	r.placeLocked(p)
	r.mu.Unlock()
	if victim != nil {
		victim.shake.Evict()
	}
	h.Begin(p)
}

func (r *Room) placeLocked(p *Place) {
	p.guest.places = append(p.guest.places, p)
	r.seated[p.guest] = struct{}{}
	r.open++
	p.silent = r.now()
}

// queueLocked has a handshake wait for a place.
func (r *Room) queueLocked(p *Place) {
	g := p.guest
	g.queue = append(g.queue, p)
	r.queued++
	p.late = r.after(r.wait, p.expire)
	if r.review == nil {
		r.review = r.after(reviewTime, r.relieve)
	}
	if !g.placing {
		g.placing = true
		r.placing = append(r.placing, g)
	}
}

// expire gives up waiting for a place.
func (p *Place) expire() {
	p.room.mu.Lock()
	i := slices.Index(p.guest.queue, p)
	if i >= 0 {
		p.guest.queue = slices.Delete(p.guest.queue, i, i+1)
		p.room.queued--
		p.room.forgetLocked(p.guest)
	}
	p.room.mu.Unlock()
	if i >= 0 {
		p.shake.Drop(false)
	}
}

// Leave gives the place back; the next handshake begins. It returns false if another
// address has it already: then the handshake has been ended, however far it had come.
func (p *Place) Leave() (had bool) {
	if p == nil {
		return true
	}
	r := p.room
	r.mu.Lock()
	var next *Place
	if had = !p.evicted; had {
		p.evicted = true
		r.vacateLocked(p)
		next = r.admitLocked()
	}
	r.mu.Unlock()
	if next != nil {
		next.shake.Begin(next)
	}
	return had
}

// vacateLocked takes a place from whoever has it.
func (r *Room) vacateLocked(p *Place) {
	g := p.guest
	if i := slices.Index(g.waiting, p); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		close(p.called) // it sees that it has been evicted
	}
	if p.turn {
		p.turn = false
		r.passLocked()
	}
	g.places = slices.DeleteFunc(g.places, func(q *Place) bool { return q == p })
	if len(g.places) == 0 {
		delete(r.seated, g)
	}
	r.open--
	r.forgetLocked(g)
}

// admitLocked gives the next handshake that waits a place; nil if none does.
func (r *Room) admitLocked() *Place {
	for len(r.placing) > 0 && r.open < r.most && !r.closed {
		g := r.placing.first()
		g.placing = false
		if len(g.queue) == 0 {
			continue // those that waited have gone
		}
		p := g.queue[0]
		g.queue = slices.Delete(g.queue, 0, 1)
		r.queued--
		if len(g.queue) > 0 {
			g.placing = true
			r.placing = append(r.placing, g)
		}
		p.late.Stop()
		r.placeLocked(p)
		return p
	}
	return nil
}

// first takes the first of the round.
func (r *round) first() *guest {
	g := (*r)[0]
	*r = slices.Delete(*r, 0, 1)
	return g
}

// forgetLocked drops an address that has no handshakes.
func (r *Room) forgetLocked(g *guest) {
	if len(g.places) == 0 && len(g.queue) == 0 && r.guests[g.address] == g {
		delete(r.guests, g.address)
	}
}

// Close drops the handshakes that have not begun, and those that come from now on.
func (r *Room) Close() {
	r.mu.Lock()
	r.closed = true
	var waiting []*Place
	for _, g := range r.guests {
		waiting = append(waiting, g.queue...)
		g.queue = nil
		r.forgetLocked(g)
	}
	r.queued = 0
	if r.review != nil {
		r.review.Stop()
	}
	r.mu.Unlock()
	for _, p := range waiting {
		p.late.Stop()
		p.shake.Drop(true)
	}
}

// Open is the number of handshakes that are under way or wait for a place.
func (r *Room) Open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open + r.queued
}
