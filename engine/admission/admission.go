// Package admission counts connections and says whether there is room for another:
// how many are open in all, and how many of an address carry no stream. The door
// asks; the loops report what becomes of a connection.
package admission

import (
	"container/list"
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
	// Loose is the most connections from one address that carry no stream: they have
	// sent no complete request yet, wait before their next one, or are about to end.
	// All addresses of an IPv6 /64, which one host may have, count as one.
	Loose int
}

// Books hold the counts. They are touched a few times in a connection's life, and
// never for a packet. Any goroutine may use them.
type Books struct {
	limits Limits

	mu        sync.Mutex
	open      int
	addresses map[netip.Addr]*account

	refused  atomic.Uint64
	refusing atomic.Int64
}

// account holds one address's connections that carry no stream.
type account struct {
	pending int
	kept    list.List // of Conn, the oldest first
}

// Conn is a connection that may have to make room for a newer one.
type Conn interface {
	// Evict closes the connection soon, unless it carries a stream by then. Any
	// goroutine may call it.
	Evict()
}

// New makes empty books.
func New(l Limits) *Books { return &Books{limits: l, addresses: map[netip.Addr]*account{}} }

// Ticket is a connection's entry in the books. The zero value is none. It is
// used by one goroutine at a time, and always with the address it was made for.
type Ticket struct {
	state state
	place *list.Element // in the account's kept
}

type state uint8

const (
	none     state = iota
	refusing       // it stays only to be told that there is no room
	pending        // it has sent no complete request
	kept           // it has, and carries no stream
	carrying       // it carries a stream
)

// Pending reports whether the connection has sent no complete request yet.
func (t *Ticket) Pending() bool { return t.state == pending }

// Carrying reports whether the connection carries a stream.
func (t *Ticket) Carrying() bool { return t.state == carrying }

// Enter makes an entry for a connection from addr. A reason other than [reason.None]
// says that there is no room for it. If need be, the address's oldest connection that
// has had an answer makes room.
func (b *Books) Enter(addr netip.Addr) (Ticket, reason.Reason) {
	b.mu.Lock()
	if b.limits.Open > 0 && b.open >= b.limits.Open {
		b.mu.Unlock()
		b.refused.Add(1)
		return Ticket{}, reason.TooManyConnections
	}
	a := b.accountLocked(Network(addr))
	if b.limits.Loose > 0 && a.pending >= b.limits.Loose {
		b.mu.Unlock()
		b.refused.Add(1)
		return Ticket{}, reason.TooManyPending
	}
	b.open++
	a.pending++
	oldest := b.crowdedLocked(a)
	b.mu.Unlock()
	if oldest != nil {
		oldest.Evict()
	}
	return Ticket{state: pending}, reason.None
}

// Refuse makes an entry for a connection that stays only to be told why there is no
// room; false if most such connections are open already.
func (b *Books) Refuse(most int64) (Ticket, bool) {
	if b.refusing.Add(1) > most {
		b.refusing.Add(-1)
		return Ticket{}, false
	}
	return Ticket{state: refusing}, true
}

// Keep notes that c has sent a complete request, or no longer carries a stream.
func (b *Books) Keep(t *Ticket, addr netip.Addr, c Conn) {
	if t.state != pending && t.state != carrying {
		return
	}
	b.mu.Lock()
	a := b.accountLocked(Network(addr))
	if t.state == pending {
		a.pending--
	}
	*t = Ticket{state: kept, place: a.kept.PushBack(c)}
	oldest := b.crowdedLocked(a)
	b.mu.Unlock()
	if oldest != nil {
		oldest.Evict()
	}
}

// Carry notes that the connection carries a stream.
func (b *Books) Carry(t *Ticket, addr netip.Addr) {
	if t.state == pending || t.state == kept {
		b.mu.Lock()
		b.forgetLocked(t, addr)
		b.mu.Unlock()
		*t = Ticket{state: carrying}
	}
}

// Leave takes a closed connection out of the books.
func (b *Books) Leave(t *Ticket, addr netip.Addr) {
	switch t.state {
	case none:
		return
	case refusing:
		b.refusing.Add(-1)
	default:
		b.mu.Lock()
		b.open--
		b.forgetLocked(t, addr)
		b.mu.Unlock()
	}
	*t = Ticket{}
}

// accountLocked is the account of a network, a new one if it has none.
func (b *Books) accountLocked(k netip.Addr) *account {
	a := b.addresses[k]
	if a == nil {
		a = new(account)
		b.addresses[k] = a
	}
	return a
}

// crowdedLocked returns the account's connection that must make room; nil if none
// must, or none has had an answer.
func (b *Books) crowdedLocked(a *account) Conn {
	oldest := a.kept.Front()
	if oldest == nil || b.limits.Loose <= 0 || a.pending+a.kept.Len() <= b.limits.Loose {
		return nil
	}
	// It goes to the end: should it carry a stream by then, the next one is the oldest.
	a.kept.MoveToBack(oldest)
	return oldest.Value.(Conn)
}

// forgetLocked takes a connection off its address.
func (b *Books) forgetLocked(t *Ticket, addr netip.Addr) {
	k := Network(addr)
	a := b.addresses[k]
	switch t.state {
	case pending:
		a.pending--
	case kept:
		a.kept.Remove(t.place)
	default:
		return
	}
	if a.pending == 0 && a.kept.Len() == 0 {
		delete(b.addresses, k)
	}
}

// Network is the addresses that one host may have: an IPv4 address, or all of an IPv6
// /64.
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

// Open is the number of connections in the books.
func (b *Books) Open() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// Limit is the most connections at once; 0 if there is no limit.
func (b *Books) Limit() int { return b.limits.Open }

// Refused is the number of connections that found no room.
func (b *Books) Refused() uint64 { return b.refused.Load() }

// Empty reports whether the books count nothing.
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
