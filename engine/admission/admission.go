// Package admission counts connections and says whether there is room for
// another: how many are open in all, and how many of an address carry no stream.
// The door asks, and the loops tell what becomes of a connection.
package admission

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"streampump/engine/reason"
)

// Limits bound the books. Zero means no limit.
type Limits struct {
	// Open is the most connections at once.
	Open int
	// Pending is the most connections of one address that have not yet sent a
	// complete request, and once more the most that wait for their next one. All
	// addresses of an IPv6 network of 64 bits, which one host may have, are one.
	Pending int
}

// Books are what is counted. They are touched some times in a connection's
// life, and never for a packet. Any goroutine may use them.
type Books struct {
	limits Limits

	mu        sync.Mutex
	open      int
	addresses map[netip.Addr]counts

	refused  atomic.Uint64
	refusing atomic.Int64
}

// counts are the connections of one address that carry no stream.
type counts struct{ pending, idle int32 }

// New makes empty books.
func New(l Limits) *Books { return &Books{limits: l, addresses: map[netip.Addr]counts{}} }

// Ticket is a connection's entry in the books. The zero value is none. It is
// used by one goroutine at a time, and always with the address it was made for.
type Ticket uint8

// What a ticket says of its connection.
const (
	none     Ticket = iota
	refusing        // it stays only to be told that there is no room
	pending         // it has sent no complete request
	idle            // it waits for its next request
	active          // it is answered, or carries a stream
)

// Pending reports whether the connection has sent no complete request yet.
func (t Ticket) Pending() bool { return t == pending }

// Enter makes an entry for a connection from addr. A reason other than
// [reason.None] says that there is no room for it.
func (b *Books) Enter(addr netip.Addr) (Ticket, reason.Reason) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := Network(addr)
	c := b.addresses[k]
	switch {
	case b.limits.Open > 0 && b.open >= b.limits.Open:
		b.refused.Add(1)
		return none, reason.TooManyConnections
	case b.full(c.pending):
		b.refused.Add(1)
		return none, reason.TooManyPending
	}
	b.open++
	c.pending++
	b.addresses[k] = c
	return pending, reason.None
}

// Refuse makes an entry for a connection that stays only to be told why there
// is no room; false if most of them are there already.
func (b *Books) Refuse(most int64) (Ticket, bool) {
	if b.refusing.Add(1) > most {
		b.refusing.Add(-1)
		return none, false
	}
	return refusing, true
}

// Engage notes that a request of the connection is complete.
func (b *Books) Engage(t *Ticket, addr netip.Addr) {
	if *t == pending || *t == idle {
		b.mu.Lock()
		b.dropLocked(*t, addr)
		b.mu.Unlock()
		*t = active
	}
}

// Idle notes that the connection waits for its next request. If it returns
// false, too many of its address do: it should be closed.
func (b *Books) Idle(t *Ticket, addr netip.Addr) bool {
	if *t != active {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := Network(addr)
	c := b.addresses[k]
	if b.full(c.idle) {
		return false
	}
	c.idle++
	b.addresses[k] = c
	*t = idle
	return true
}

// Leave takes a closed connection out of the books.
func (b *Books) Leave(t *Ticket, addr netip.Addr) {
	switch *t {
	case none:
		return
	case refusing:
		b.refusing.Add(-1)
	default:
		b.mu.Lock()
		b.open--
		b.dropLocked(*t, addr)
		b.mu.Unlock()
	}
	*t = none
}

// dropLocked takes one off an address.
func (b *Books) dropLocked(t Ticket, addr netip.Addr) {
	k := Network(addr)
	c := b.addresses[k]
	switch t {
	case pending:
		c.pending--
	case idle:
		c.idle--
	default:
		return
	}
	if c == (counts{}) {
		delete(b.addresses, k)
		return
	}
	b.addresses[k] = c
}

func (b *Books) full(n int32) bool { return b.limits.Pending > 0 && int(n) >= b.limits.Pending }

// Network is what one host may have of addresses: an IPv4 address, or all of an
// IPv6 network of 64 bits.
func Network(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	p, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}

// Open is how many connections are in the books.
func (b *Books) Open() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// Limit is the most connections at once; 0 if there is no limit.
func (b *Books) Limit() int { return b.limits.Open }

// Refused is how many connections found no room.
func (b *Books) Refused() uint64 { return b.refused.Load() }

// Empty reports whether nothing is counted any more.
func (b *Books) Empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open == 0 && len(b.addresses) == 0 && b.refusing.Load() == 0
}

// Address is a TCP address without the IPv6 mapping of IPv4 addresses.
func Address(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
