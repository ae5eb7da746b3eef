package secure

import (
	"errors"
	"io"
	"net/netip"
	"slices"
	"sync"
)

// Room has places for handshakes. Any goroutine may use it.
type Room struct {
	most int

	mu     sync.Mutex
	turns  int // free
	open   int
	number uint64                // of the last place
	guests map[netip.Addr]*guest // by address, or network
	order  []*guest              // those with somebody waiting, in the order of their turns
}

// guest is one address's handshakes.
type guest struct {
	address netip.Addr
	places  []*Place // the oldest first
	waiting []*Place // for a turn, the first first
	queued  bool     // in Room.order
}

// Place is one handshake's place in the room. The nil Place has no bounds.
type Place struct {
	room    *Room
	guest   *guest
	conn    io.Closer
	number  uint64        // in the order of coming
	turn    bool          // it calculates
	called  chan struct{} // it may calculate; made for each wait
	evicted bool
}

// ErrCrowded is why a handshake ended that had to make room for another.
var ErrCrowded = errors.New("there are too many handshakes at once, and this address has most of them")

// NewRoom makes a room with places for as many handshakes as most, of which as many
// as turns may calculate at the same time.
func NewRoom(most, turns int) *Room {
	return &Room{most: max(1, most), turns: max(1, turns), guests: map[netip.Addr]*guest{}}
}

// Enter gives a handshake of an address a place. If there is none, the oldest
// handshake of the address that has most of them gives up its own: conn is what is
// closed then. [Place.Leave] must follow.
func (r *Room) Enter(address netip.Addr, conn io.Closer) *Place {
	r.mu.Lock()
	g := r.guests[address]
	if g == nil {
		g = &guest{address: address}
		r.guests[address] = g
	}
	r.number++
	p := &Place{room: r, guest: g, conn: conn, number: r.number}
	g.places = append(g.places, p)
	r.open++
	var out *Place
	if r.open > r.most {
		out = r.evictLocked(p)
	}
	r.mu.Unlock()
	if out != nil {
		_ = out.conn.Close()
	}
	return p
}

// evictLocked takes a place from the address that has most; not from the newcomer.
func (r *Room) evictLocked(newcomer *Place) *Place {
	var crowd *guest
	for _, g := range r.guests {
		if g.places[0] != newcomer && (crowd == nil || g.before(crowd)) {
			crowd = g
		}
	}
	if crowd == nil {
		return nil
	}
	p := crowd.places[0]
	p.evicted = true
	r.leaveLocked(p)
	return p
}

// before reports whether g must make room before h: it has more places, or as many
// and the oldest. An honest peer does not need its place for long.
func (g *guest) before(h *guest) bool {
	if len(g.places) != len(h.places) {
		return len(g.places) > len(h.places)
	}
	return g.places[0].number < h.places[0].number
}

// Leave gives the place back.
func (p *Place) Leave() {
	if p == nil {
		return
	}
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if !p.evicted {
		p.room.leaveLocked(p)
	}
}

func (r *Room) leaveLocked(p *Place) {
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
		delete(r.guests, g.address)
	}
	r.open--
}

// wait waits for a turn.
func (p *Place) wait() error {
	if p == nil {
		return nil
	}
	r := p.room
	r.mu.Lock()
	switch {
	case p.evicted:
		r.mu.Unlock()
		return ErrCrowded
	case p.turn:
		r.mu.Unlock()
		return nil
	case r.turns > 0:
		r.turns--
		p.turn = true
		r.mu.Unlock()
		return nil
	}
	p.called = make(chan struct{})
	p.guest.waiting = append(p.guest.waiting, p)
	r.queueLocked(p.guest)
	called := p.called
	r.mu.Unlock()
	<-called
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.evicted {
		return ErrCrowded
	}
	return nil
}

// yield gives the turn to another.
func (p *Place) yield() {
	if p == nil {
		return
	}
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if p.turn {
		p.turn = false
		p.room.passLocked()
	}
}

// passLocked gives a turn to the next address that waits, or keeps it.
func (r *Room) passLocked() {
	for len(r.order) > 0 {
		g := r.order[0]
		r.order = slices.Delete(r.order, 0, 1)
		g.queued = false
		if len(g.waiting) == 0 {
			continue // those that waited have left
		}
		p := g.waiting[0]
		g.waiting = slices.Delete(g.waiting, 0, 1)
		r.queueLocked(g)
		p.turn = true
		close(p.called)
		return
	}
	r.turns++
}

// queueLocked puts an address with somebody waiting at the end of the order.
func (r *Room) queueLocked(g *guest) {
	if len(g.waiting) > 0 && !g.queued {
		g.queued = true
		r.order = append(r.order, g)
	}
}

// Open is the number of places that are taken.
func (r *Room) Open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open
}
