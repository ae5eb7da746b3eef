package secure

import "slices"

// calculate waits for a turn.
func (p *Place) calculate() error {
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
	r.turnLocked(p.guest)
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

// yield gives the turn to another while the peer has to send.
func (p *Place) yield() {
	if p == nil {
		return
	}
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if p.turn {
		p.turn = false
		p.silent = p.room.now()
		p.room.passLocked()
	}
}

// passLocked gives a turn to the next address that waits, or keeps it.
func (r *Room) passLocked() {
	for len(r.turning) > 0 {
		g := r.turning.first()
		g.turning = false
		if len(g.waiting) == 0 {
			continue // those that waited have gone
		}
		p := g.waiting[0]
		g.waiting = slices.Delete(g.waiting, 0, 1)
		r.turnLocked(g)
		p.turn = true
		close(p.called)
		return
	}
	r.turns++
}

// turnLocked puts an address with places that wait for a turn at the end of the round.
func (r *Room) turnLocked(g *guest) {
	if len(g.waiting) > 0 && !g.turning {
		g.turning = true
		r.turning = append(r.turning, g)
	}
}
