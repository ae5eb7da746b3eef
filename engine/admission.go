package engine

import (
	"net/netip"
	"sync"
)

// admission is what the limits count. Guarded by mu; touched once or twice in
// a connection's life.
type admission struct {
	mu      sync.Mutex
	open    int
	pending map[netip.Addr]int
}

// count enters a connection in the books; a reason other than NoReason says
// that there is no room for it.
func (e *Engine) count(c *conn) Reason {
	a := &e.limits
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open >= e.maxConns {
		e.stats.refused.Add(1)
		return TooManyConnections
	}
	if n := e.cfg.Limits.PendingPerAddress; n > 0 && a.pending[c.peer.Addr()] >= n {
		e.stats.refused.Add(1)
		return TooManyPending
	}
	a.open++
	a.pending[c.peer.Addr()]++
	return NoReason
}

// crowded reports whether the next connection may take the last descriptor. The
// limit is asked for each time: an operator may change it while we run.
func (e *Engine) crowded() bool {
	limit := descriptorLimit() - 2*ReservedDescriptors
	a := &e.limits
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.open >= limit
}

// admitted takes a connection that has sent a complete request off the count of
// pending ones.
func (e *Engine) admitted(c *conn) {
	c.pending = false
	a := &e.limits
	a.mu.Lock()
	a.settleLocked(c.peer.Addr())
	a.mu.Unlock()
}

// uncount takes a closed connection out of the books.
func (e *Engine) uncount(c *conn) {
	if c.refused != NoReason {
		e.stats.refusing.Add(-1)
		return
	}
	a := &e.limits
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
	if c.pending {
		c.pending = false
		a.settleLocked(c.peer.Addr())
	}
}

func (a *admission) settleLocked(addr netip.Addr) {
	if a.pending[addr]--; a.pending[addr] <= 0 {
		delete(a.pending, addr)
	}
}
