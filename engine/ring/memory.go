package ring

import "sync/atomic"

// Pool is the memory that all streams of a pump may have together. Streams take parts
// of it and give them back; what a stream has is never taken from it. Any goroutine
// may use it.
type Pool struct{ left atomic.Int64 }

// NewPool makes a pool of the given size.
func NewPool(size int64) *Pool {
	p := new(Pool)
	p.left.Store(size)
	return p
}

// take takes n bytes, or nothing.
func (p *Pool) take(n int64) bool {
	for {
		left := p.left.Load()
		if left < n {
			return false
		}
		if p.left.CompareAndSwap(left, left-n) {
			return true
		}
	}
}

func (p *Pool) give(n int64) { p.left.Add(n) }

// Left is how many bytes no stream has taken.
func (p *Pool) Left() int64 { return p.left.Load() }

// Memory is the budget of one stream: everything that its rings hold is taken from it
// before it is made, and there is no other way. See the package documentation.
type Memory struct {
	// Set once.
	epochs  *Epochs
	buffers *Buffers
	pool    *Pool // nil: the stream has its limit from the start
	limit   int64
	floor   int64 // what it has of the pool at all times

	// Read by anyone.
	grant atomic.Int64 // what may be used now
	used  atomic.Int64 // by the writer and by readers
	forms atomic.Int64 // of it, by readers, for other forms

	// Owned by the writer.
	taken     int64 // of used
	past      int64 // of taken: evicted and not yet free
	pastForms int64 // the same of forms
	rings     []*Ring
	resting   formQueue // forms that passes may still look at
	evicted   bool      // something is stamped with the present epoch
}

// NewMemory makes the memory of a stream that may have limit bytes of the pool, and
// has floor bytes of it for as long as it lives. Without a pool it has limit bytes.
func NewMemory(limit, floor int64, p *Pool, e *Epochs, b *Buffers) *Memory {
	m := &Memory{epochs: e, buffers: b, pool: p, limit: limit}
	m.grant.Store(limit)
	if p != nil {
		if m.floor = min(floor, limit); !p.take(m.floor) {
			m.floor = 0
		}
		m.grant.Store(m.floor)
	}
	return m
}

// The parts of a grant. Three quarters are for the packets that readers find. Other
// forms may have half of the last quarter; the rest is for what has been evicted and
// is not free yet. When that is used up too, there is no room for another packet.
func (m *Memory) history() int64   { return m.grant.Load() / 4 * 3 }
func (m *Memory) formsPart() int64 { return m.grant.Load() / 8 }

// Used is how many bytes the stream's rings hold. Any goroutine may call it.
func (m *Memory) Used() int64 { return m.used.Load() }

// reserve counts n bytes as used, if the grant allows it.
func (m *Memory) reserve(n int64) bool {
	for {
		used := m.used.Load()
		if used+n > m.grant.Load() {
			return false
		}
		if m.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// Grant is how many bytes the rings may hold now: what the stream has of the pool.
// Any goroutine may call it.
func (m *Memory) Grant() int64 { return m.grant.Load() }

// Pressed reports whether so many evicted packets are still in use that readers
// should let go of what they have pinned. Writer only.
func (m *Memory) Pressed() bool { return m.past > m.grant.Load()/16 }

// take takes n bytes for the writer. The oldest packets make way, those of ended
// programmes first; false if that is not enough, because readers hold what was
// evicted.
func (m *Memory) take(n int64) bool {
	for m.kept()+n > m.history() {
		if !m.grow() && !m.evictOldest() {
			break
		}
	}
	if !m.reserve(n) && !m.squeeze(n) {
		return false
	}
	m.taken += n
	return true
}

func (m *Memory) give(n int64) {
	m.taken -= n
	m.used.Add(-n)
}

// kept is what the writer has taken, less what has been evicted.
func (m *Memory) kept() int64 { return m.taken - m.past }

// squeeze reserves n bytes although readers hold more of what was evicted than its
// part of the grant: more of the history goes, down to a quarter of the grant.
// Leaving a packet out would be worse, for everybody sees that.
func (m *Memory) squeeze(n int64) bool {
	least := m.grant.Load() / 4
	for {
		for _, r := range m.rings {
			r.sweep(sweepHard)
		}
		if m.reserve(n) {
			return true
		}
		if m.kept() <= least {
			return false
		}
		for goal := m.kept() - max(n, least/16); m.kept() > goal; {
			if !m.evictOldest() {
				return false
			}
		}
	}
}

// growth is how much a stream takes of the pool at once.
const growth = 1 << 20

// grow takes more of the pool, up to the stream's limit.
func (m *Memory) grow() bool {
	grant := m.grant.Load()
	if grant >= m.limit {
		return false
	}
	n := min(growth, m.limit-grant, m.pool.Left())
	if n <= 0 || !m.pool.take(n) {
		return false
	}
	m.grant.Store(grant + n)
	return true
}

// shrink gives back to the pool what a stream without a programme does not need.
func (m *Memory) shrink() {
	if m.pool != nil && len(m.rings) == 0 && m.Used() == 0 {
		m.pool.give(m.grant.Load() - m.floor)
		m.grant.Store(m.floor)
	}
}

// evictOldest evicts one unit; the newest unit of a ring that is not over stays.
func (m *Memory) evictOldest() bool {
	for _, r := range m.rings {
		tail := r.tail.Load()
		if tail == r.head.Load() {
			continue
		}
		if s := r.At(tail); s != r.unit.first || r.Over() {
			r.evict(s)
			return true
		}
	}
	return false
}

// advance moves the epoch on if something is stamped with the present one.
func (m *Memory) advance() {
	if m.evicted {
		m.evicted = false
		m.epochs.advance()
	}
}

// takeForm takes n bytes for a reader. Any goroutine may call it.
func (m *Memory) takeForm(n int64) bool {
	if m.forms.Add(n) <= m.formsPart() && m.reserve(n) {
		return true
	}
	m.forms.Add(-n)
	return false
}

// giveForm gives n bytes back for a reader. Any goroutine may call it.
func (m *Memory) giveForm(n int64) {
	m.used.Add(-n)
	m.forms.Add(-n)
}
