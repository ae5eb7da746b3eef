package access

import (
	"net/netip"
	"sync"
)

// Pool runs what takes long on goroutines of its own, so many at once and no more.
// What waits for its turn is bounded too, and one address may have only a part of
// that, so that whoever sends a thousand guesses waits for himself. Any goroutine may
// use it.
type Pool struct {
	workers, most, each int

	mu      sync.Mutex
	running int
	urgent  []job // before the others: of peers that were right before
	waiting []job
	of      map[netip.Addr]int // waiting or running, by address (IPv6: by /64)
}

// job is one thing to do.
type job struct {
	from netip.Addr
	run  func()
}

// NewPool makes a pool that runs workers jobs at once, and lets most wait, each of one
// address.
func NewPool(workers, most, each int) *Pool {
	return &Pool{workers: workers, most: most, each: each, of: map[netip.Addr]int{}}
}

// Do runs f soon on another goroutine; false if there is no room. Urgent jobs come
// before others, and are bounded like them.
func (p *Pool) Do(from netip.Addr, urgent bool, f func()) bool {
	j := job{neighbourhood(from), f}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of[j.from] >= p.each || len(p.waiting) >= p.most && !urgent || len(p.urgent) >= p.most {
		return false
	}
	p.of[j.from]++
	if urgent {
		p.urgent = append(p.urgent, j)
	} else {
		p.waiting = append(p.waiting, j)
	}
	if p.running < p.workers {
		p.running++
		go p.work()
	}
	return true
}

// work runs jobs until there are none.
func (p *Pool) work() {
	for j, ok := p.next(); ok; j, ok = p.next() {
		j.run()
		p.mu.Lock()
		if p.of[j.from]--; p.of[j.from] == 0 {
			delete(p.of, j.from)
		}
		p.mu.Unlock()
	}
}

// next takes the next job, or ends the worker.
func (p *Pool) next() (j job, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range []*[]job{&p.urgent, &p.waiting} {
		if len(*q) > 0 {
			j = (*q)[0]
			(*q)[0] = job{}
			*q = (*q)[1:]
			return j, true
		}
	}
	p.running--
	return j, false
}
