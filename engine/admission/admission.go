// Package admission counts connections and viewers and says whether there is room for
// another. The door asks for each connection: how many are open in all, how many of an
// address carry no stream, and how fast an address opens them. The loops ask for each
// viewer: how many there are, of the pump and of the stream, what bandwidth and memory
// is reserved for them, and how fast an address joins. Nobody who is in is thrown out.
//
//	Books      connections, by address                    admission.go
//	Account    a stream's viewers, and what they reserve  account.go
//	rate       how often an address may do something      rate.go
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
	// Now is the time in nanoseconds, for the rates below. Any goroutine calls it.
	Now func() int64
	// Open is the most connections at once.
	Open int
	// Loose is the most connections from one address that carry no stream: they have
	// sent no complete request yet, wait before their next one, or are about to end.
	// All addresses of an IPv6 /64, which one host may have, count as one.
	Loose int
	// Viewers bounds the viewers of all streams together.
	Viewers Room
	// Memory is the bytes that may be reserved for all viewers together.
	Memory int64
	// Connects and Joins are how often one host may connect, and join a stream.
	Connects, Joins Pace
}

// Books hold the counts. They are touched a few times in a connection's life, and
// never for a packet. Any goroutine may use them.
type Books struct {
	limits Limits

	mu        sync.Mutex
	open      int
	addresses map[netip.Addr]*account
	viewers   use // of all accounts
	memory    int64
	connects  gate
	joins     gate
	redirects *rate

	refused  atomic.Uint64
	refusing atomic.Int64
	denied   atomic.Uint64
	reserved atomic.Int64 // the same as viewers.bandwidth
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
func New(l Limits) *Books {
	if l.Now == nil {
		l.Now = func() int64 { return 0 }
	}
	return &Books{
		limits: l, addresses: map[netip.Addr]*account{},
		connects: newGate(l.Connects), joins: newGate(l.Joins), redirects: newRate(redirectRate, redirectBurst),
	}
}

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
	switch b.connects.pass(addr, b.limits.Now()) {
	case byHost:
		b.mu.Unlock()
		b.refused.Add(1)
		return Ticket{}, reason.HostConnectsTooFast
	case byNetwork:
		b.mu.Unlock()
		b.refused.Add(1)
		return Ticket{}, reason.NetworkConnectsTooFast
	case inTime:
	}
	if b.limits.Open > 0 && b.open >= b.limits.Open {
		b.mu.Unlock()
		b.refused.Add(1)
		return Ticket{}, reason.TooManyConnections
	}
	a := b.accountLocked(Host(addr))
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
	a := b.accountLocked(Host(addr))
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
	k := Host(addr)
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

// Host is the addresses that one host may have: an IPv4 address, or all of an IPv6
// /64. They are named by the first of them.
func Host(addr netip.Addr) netip.Addr { return first(addr, 32, 64) }

// Network is the addresses that one site may have: an IPv4 /24, or an IPv6 /48.
func Network(addr netip.Addr) netip.Addr { return first(addr, 24, 48) }

// first is the first address of the one's prefix, which has so many bits by its family.
func first(addr netip.Addr, v4, v6 int) netip.Addr {
	bits := v4
	if addr.Is6() {
		bits = v6
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return addr // none at all
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
	return b.open == 0 && len(b.addresses) == 0 && b.refusing.Load() == 0 && b.viewers == use{} && b.memory == 0
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
