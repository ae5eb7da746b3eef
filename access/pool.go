package access

import (
	"net/netip"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// leastPriority is the nice value of what may always wait.
const leastPriority = 19

// Pool runs what takes long on goroutines of its own, so many at once and no more.
// What waits for its turn is bounded too, and one address may have only a part of
// that. Addresses take turns, and one has half of the goroutines at most, so that
// whoever sends a thousand guesses waits for himself. Any goroutine may use it.
type Pool struct {
	workers, most, each int

	mu      sync.Mutex
	running int // workers
	waiting int // jobs, the urgent ones not counted
	urgent  []job
	lines   map[netip.Addr]*line
	turns   []*line // lines of which a job may begin, in that order
}

// line is what one address (IPv6: a /64) has to do.
type line struct {
	from    netip.Addr
	jobs    []job // that wait and are not urgent
	all     int   // waiting or running
	running int   // that were not urgent
	turning bool  // in Pool.turns
}

// job is one thing to do.
type job struct {
	line   *line
	urgent bool
	run    func()
}

// NewPool makes a pool that runs workers jobs at once, and lets most wait, each of one
// address.
func NewPool(workers, most, each int) *Pool {
	return &Pool{workers: workers, most: most, each: each, lines: map[netip.Addr]*line{}}
}

// Do runs f soon on another goroutine; false if there is no room. Urgent jobs, of peers
// that were right before, come before others, and are bounded like them.
func (p *Pool) Do(from netip.Addr, urgent bool, f func()) bool {
	from = neighbourhood(from)
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lines[from]
	if l == nil {
		l = &line{from: from}
	}
	if l.all >= p.each || p.waiting >= p.most && !urgent || len(p.urgent) >= p.most {
		return false
	}
	p.lines[from] = l
	l.all++
	if urgent {
		p.urgent = append(p.urgent, job{l, true, f})
	} else {
		p.waiting++
		l.jobs = append(l.jobs, job{l, false, f})
		p.turnLocked(l)
	}
	if p.running < p.workers {
		p.running++
		go p.work()
	}
	return true
}

// turnLocked puts a line at the end of the turns, if one of its jobs may begin.
func (p *Pool) turnLocked(l *line) {
	if !l.turning && len(l.jobs) > 0 && l.running < max(1, p.workers/2) {
		l.turning = true
		p.turns = append(p.turns, l)
	}
}

// work runs jobs until none may begin, on a thread that comes last when processors are
// short: who guesses passwords waits, and no packet waits for him. The thread ends with
// the goroutine, because it stays locked.
func (p *Pool) work() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, leastPriority) // 0 is this thread; without it the work is only less polite
	for j, ok := p.next(); ok; j, ok = p.next() {
		j.run()
		p.done(j)
	}
}

// next takes the next job, or ends the worker.
func (p *Pool) next() (j job, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.urgent) > 0:
		return shift(&p.urgent), true
	case len(p.turns) > 0:
		l := shift(&p.turns)
		l.turning = false
		l.running++
		p.waiting--
		j = shift(&l.jobs)
		p.turnLocked(l)
		return j, true
	}
	p.running--
	return j, false
}

// shift takes the first of a queue.
func shift[T any](queue *[]T) (first T) {
	var none T
	first, (*queue)[0] = (*queue)[0], none
	*queue = (*queue)[1:]
	return first
}

// done takes a job that has run off its line.
func (p *Pool) done(j job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := j.line
	if !j.urgent {
		l.running--
		p.turnLocked(l)
	}
	if l.all--; l.all == 0 {
		delete(p.lines, l.from)
	}
}
