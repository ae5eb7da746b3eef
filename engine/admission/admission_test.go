package admission

import (
	"net/netip"
	"testing"

	"streampump/engine/reason"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// One address may have so many connections without a request, and so many that
// wait for their next one; what carries a stream is not counted.
func TestConnectionsOfOneAddress(t *testing.T) {
	for _, c := range []struct {
		name, first, second string
		together            bool
	}{
		{"ipv4", "10.0.0.1", "10.0.0.1", true},
		{"ipv4_other", "10.0.0.1", "10.0.0.2", false},
		{"ipv6_network", "2001:db8::1", "2001:db8::ffff:1", true},
		{"ipv6_other", "2001:db8::1", "2001:db8:0:1::1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := New(Limits{Pending: 1})
			one, _ := b.Enter(addr(c.first))
			if _, why := b.Enter(addr(c.second)); (why == reason.TooManyPending) != c.together {
				t.Errorf("a second connection without a request: %v", why)
			}
			b.Engage(&one, addr(c.first))
			two, why := b.Enter(addr(c.first))
			if why != reason.None {
				t.Fatalf("a connection beside one that carries a stream: %v", why)
			}
			b.Engage(&two, addr(c.first))
			if !b.Idle(&one, addr(c.first)) || b.Idle(&two, addr(c.first)) {
				t.Error("one connection of an address may wait for its next request, and no second")
			}
			b.Engage(&one, addr(c.first))
			if !b.Idle(&two, addr(c.first)) {
				t.Error("when the first goes on, the second may wait")
			}
		})
	}
}

func TestBooksAreEmptyInTheEnd(t *testing.T) {
	b := New(Limits{Open: 3, Pending: 9})
	a := addr("10.0.0.1")
	var tickets []Ticket
	for range 3 {
		k, why := b.Enter(a)
		if why != reason.None || !k.Pending() {
			t.Fatalf("%v, pending %v", why, k.Pending())
		}
		tickets = append(tickets, k)
	}
	if _, why := b.Enter(a); why != reason.TooManyConnections || b.Refused() != 1 {
		t.Errorf("a fourth connection of three: %v, %d refused", why, b.Refused())
	}
	k, ok := b.Refuse(1)
	if _, second := b.Refuse(1); !ok || second {
		t.Errorf("refusing one: %v, and a second: %v", ok, second)
	}
	b.Engage(&tickets[1], a)
	b.Engage(&tickets[2], a)
	b.Idle(&tickets[2], a)
	for _, k := range append(tickets, k) {
		b.Leave(&k, a)
		b.Leave(&k, a) // does nothing more
	}
	if !b.Empty() || b.Open() != 0 {
		t.Errorf("%d are open in the end, empty %v", b.Open(), b.Empty())
	}
}
