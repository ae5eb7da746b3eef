package admission

import (
	"hash/maphash"
	"net/netip"
)

// Pace is how often a second the hosts of one address, and those of one network, may
// do something. Zero means no limit.
type Pace struct {
	Host    int // see [Host]
	Network int // see [Network]
}

// gate holds the rates of one thing.
type gate struct{ host, network *rate }

// lateness says who came too fast.
type lateness uint8

const (
	inTime lateness = iota
	byHost
	byNetwork
)

func newGate(p Pace) gate { return gate{newRate(p.Host, p.Host), newRate(p.Network, p.Network)} }

// pass counts what an address does now, unless it or its network is too fast.
func (g gate) pass(addr netip.Addr, now int64) lateness {
	switch {
	case !g.host.ready(Host(addr), now):
		return byHost
	case !g.network.ready(Network(addr), now):
		return byNetwork
	}
	g.host.count(Host(addr), now)
	g.network.count(Network(addr), now)
	return inTime
}

// A rate remembers of each address up to when it has used up what it may do. An
// address that has used up nothing need not be remembered, so the table is bounded:
// sets of ways places each. In a full set the address that is ahead by the least is
// forgotten. So strangers with many addresses can buy one address some more, and can
// take nothing from any.
type rate struct {
	interval int64 // the time that an address has for each
	ahead    int64 // how far an address may be ahead of that
	seed     maphash.Seed
	sets     [][ways]used
}

// used is up to when an address has used up its rate.
type used struct {
	addr netip.Addr
	at   int64
}

// The table's size: 8,192 hosts that have done something within their last seconds,
// which take 256 KiB.
const (
	ways = 8
	sets = 1 << 10
)

// second is a second in nanoseconds.
const second = int64(1e9)

// newRate makes a rate of so many a second, with room for a burst of so many; nil,
// which lets everything pass, for none.
func newRate(perSecond, burst int) *rate {
	if perSecond <= 0 {
		return nil
	}
	r := &rate{interval: max(1, second/int64(perSecond)), seed: maphash.MakeSeed(), sets: make([][ways]used, sets)}
	r.ahead = r.interval * int64(max(burst, 1)-1)
	return r
}

// place is the address's place, or the one that it would take.
func (r *rate) place(addr netip.Addr) *used {
	set := &r.sets[maphash.Comparable(r.seed, addr)%sets]
	least := &set[0]
	for i := range set {
		if set[i].addr == addr {
			return &set[i]
		}
		if set[i].at < least.at {
			least = &set[i]
		}
	}
	return least
}

// ready reports whether the address may do one more now.
func (r *rate) ready(addr netip.Addr, now int64) bool {
	if r == nil {
		return true
	}
	u := r.place(addr)
	return u.addr != addr || u.at-now <= r.ahead
}

// count notes that the address does one.
func (r *rate) count(addr netip.Addr, now int64) {
	if r == nil {
		return
	}
	u := r.place(addr)
	if u.addr != addr {
		*u = used{addr: addr}
	}
	u.at = max(u.at, now) + r.interval
}
