package admission

import (
	"net/netip"

	"streampump/engine/reason"
)

// Room bounds viewers. Zero means no limit.
type Room struct {
	Viewers   int   // those that are no pumps
	Pumps     int   // pumps that pull from us, and have viewers of their own
	Bandwidth int64 // bits a second, reserved for both together
}

// use is what of a room is in use.
type use struct {
	viewers, pumps int
	bandwidth      int64
}

// Guest is a kind of viewer.
type Guest uint8

// The kinds of viewer.
const (
	Player Guest = iota
	Pump
)

// Account counts the viewers of one stream, within the limits of the stream and of
// the pump. Any goroutine may use it.
type Account struct {
	books  *Books
	limits Room

	// Guarded by the books' mu.
	use     use
	each    int64 // bits a second that a viewer reserves
	refused uint64
}

// Account makes an account within the books.
func (b *Books) Account(l Room) *Account { return &Account{books: b, limits: l} }

// Cost says how many bits a second a viewer takes. Those who are in reserve that from
// now on, even if it is more than there is; but more than before only if it was
// measured. What only an encoder says could take from others all that is left.
func (a *Account) Cost(bits int64, measured bool) {
	b := a.books
	b.mu.Lock()
	defer b.mu.Unlock()
	if !measured && bits > a.each && a.use.viewers+a.use.pumps > 0 {
		return
	}
	a.reserveLocked(int64(a.use.viewers+a.use.pumps) * (bits - a.each))
	a.each = bits
}

// reserveLocked adds to what is reserved.
func (a *Account) reserveLocked(bits int64) {
	a.use.bandwidth += bits
	a.books.viewers.bandwidth += bits
	a.books.reserved.Store(a.books.viewers.bandwidth)
}

// Enter lets a viewer in, for which so many bytes of memory are reserved. A reason
// other than [reason.None] says that there is no room for it. instead says that it
// comes in the place of one that is about to leave.
func (a *Account) Enter(g Guest, memory int64, instead bool) reason.Reason {
	b := a.books
	b.mu.Lock()
	defer b.mu.Unlock()
	if why := a.fullLocked(g, memory); why != reason.None && !instead {
		a.refuseLocked()
		return why
	}
	a.addLocked(g, 1, memory)
	return reason.None
}

// Leave takes a viewer out that Enter let in.
func (a *Account) Leave(g Guest, memory int64) {
	a.books.mu.Lock()
	defer a.books.mu.Unlock()
	a.addLocked(g, -1, memory)
}

// addLocked adds one viewer, or minus one.
func (a *Account) addLocked(g Guest, sign int, memory int64) {
	b := a.books
	if g == Pump {
		a.use.pumps += sign
		b.viewers.pumps += sign
	} else {
		a.use.viewers += sign
		b.viewers.viewers += sign
	}
	a.reserveLocked(int64(sign) * a.each)
	b.memory += int64(sign) * memory
}

// Full is why a viewer would find no room now; [reason.None] if it would. refused
// counts it as refused.
func (a *Account) Full(g Guest, memory int64, refused bool) reason.Reason {
	a.books.mu.Lock()
	defer a.books.mu.Unlock()
	why := a.fullLocked(g, memory)
	if refused && why != reason.None {
		a.refuseLocked()
	}
	return why
}

func (a *Account) refuseLocked() {
	a.refused++
	a.books.denied.Add(1)
}

// fullLocked finds the first limit that a viewer would break, the pump's first.
func (a *Account) fullLocked(g Guest, memory int64) reason.Reason {
	b := a.books
	switch l, s := &b.limits, &a.limits; {
	case g == Player && over(b.viewers.viewers, l.Viewers.Viewers):
		return reason.TooManyViewers
	case g == Player && over(a.use.viewers, s.Viewers):
		return reason.TooManyViewersOfStream
	case g == Pump && over(b.viewers.pumps, l.Viewers.Pumps):
		return reason.TooManyPumps
	case g == Pump && over(a.use.pumps, s.Pumps):
		return reason.TooManyPumpsOfStream
	case l.Viewers.Bandwidth > 0 && b.viewers.bandwidth+a.each > l.Viewers.Bandwidth:
		return reason.NoBandwidth
	case s.Bandwidth > 0 && a.use.bandwidth+a.each > s.Bandwidth:
		return reason.NoBandwidthOfStream
	case l.Memory > 0 && b.memory+memory > l.Memory:
		return reason.NoMemory
	}
	return reason.None
}

// over reports whether one more is too many.
func over(n, limit int) bool { return limit > 0 && n >= limit }

// Join notes that an address joins a stream, and says whether it does so too often.
func (a *Account) Join(addr netip.Addr) reason.Reason {
	b := a.books
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.joins.pass(addr, b.limits.Now()) {
	case byHost:
		a.refuseLocked()
		return reason.HostJoinsTooFast
	case byNetwork:
		a.refuseLocked()
		return reason.NetworkJoinsTooFast
	case inTime:
	}
	return reason.None
}

// A player that is sent on and comes back, because the other pump is full and sends
// it here, goes round and round. So a host is sent on redirectRate times a second,
// behind a burst.
const (
	redirectRate  = 1
	redirectBurst = 32
)

// Redirect reports whether an address may be sent elsewhere.
func (b *Books) Redirect(addr netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.limits.Now()
	if !b.redirects.ready(Host(addr), now) {
		return false
	}
	b.redirects.count(Host(addr), now)
	return true
}

// Use is what of a room is used, and the limits, at one moment.
type Use struct {
	Viewers, Pumps int
	Bandwidth      int64 // bits a second
	Each           int64 // bits a second that a viewer reserves; of a stream only
	Memory         int64 // bytes reserved for viewers; of the pump only
	Refused        uint64
	Limits         Room
}

// Use is what viewers of the stream use. Any goroutine may call it.
func (a *Account) Use() Use {
	a.books.mu.Lock()
	defer a.books.mu.Unlock()
	return Use{
		Viewers: a.use.viewers, Pumps: a.use.pumps, Bandwidth: a.use.bandwidth, Each: a.each,
		Refused: a.refused, Limits: a.limits,
	}
}

// Use is what the viewers of all streams use. Any goroutine may call it.
func (b *Books) Use() Use {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Use{
		Viewers: b.viewers.viewers, Pumps: b.viewers.pumps, Bandwidth: b.viewers.bandwidth,
		Memory: b.memory, Refused: b.denied.Load(), Limits: b.limits.Viewers,
	}
}

// Spare is how many bits a second of the pump's bandwidth are reserved for nobody, and
// how many there are in all; both are 0 without a limit.
func (b *Books) Spare() (spare, all int64) {
	if all = b.limits.Viewers.Bandwidth; all == 0 {
		return 0, 0
	}
	return max(0, all-b.reserved.Load()), all
}
