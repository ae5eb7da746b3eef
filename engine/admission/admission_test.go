package admission

import (
	"net/netip"
	"testing"

	"streampump/engine/reason"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// peer is a connection that notes that it must go.
type peer struct {
	ticket  Ticket
	evicted int
}

// Evict implements [Conn].
func (p *peer) Evict() { p.evicted++ }

func enter(t *testing.T, b *Books, a netip.Addr) *peer {
	t.Helper()
	k, why := b.Enter(a)
	if why != reason.None {
		t.Fatalf("no room: %v", why)
	}
	return &peer{ticket: k}
}

// One address may have only so many connections that carry no stream: the oldest that
// has had an answer makes room; if there is none, the newest is refused.
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
			b := New(Limits{Loose: 2})
			first, second := addr(c.first), addr(c.second)
			one, two := enter(t, b, first), enter(t, b, first)
			if _, why := b.Enter(second); (why == reason.TooManyPending) != c.together {
				t.Errorf("a third connection without a request: %v", why)
			}
			b.Keep(&one.ticket, first, one)
			b.Keep(&two.ticket, first, two)
			if one.evicted+two.evicted != 0 {
				t.Error("somebody had to go although there is room")
			}
			enter(t, b, second)
			if went := one.evicted == 1; went != c.together || two.evicted != 0 {
				t.Errorf("a third one came, the first went %d times and the second %d times", one.evicted, two.evicted)
			}
		})
	}
}

// A connection is not counted while it carries a stream.
func TestStreamsAreNotCounted(t *testing.T) {
	b := New(Limits{Loose: 1})
	a := addr("10.0.0.1")
	var viewers []*peer
	for range 5 {
		p := enter(t, b, a)
		b.Keep(&p.ticket, a, p)
		b.Carry(&p.ticket, a)
		viewers = append(viewers, p)
	}
	for _, p := range viewers {
		if p.evicted != 0 || !p.ticket.Carrying() {
			t.Fatalf("a viewer was evicted %d times, carrying %v", p.evicted, p.ticket.Carrying())
		}
	}
	for _, p := range viewers {
		b.Keep(&p.ticket, a, p)
	}
	evicted := 0
	for _, p := range viewers {
		evicted += p.evicted
	}
	if evicted != 4 {
		t.Errorf("%d of 5 that carry no stream any more were evicted, one may stay", evicted)
	}
}

func TestBooksAreEmptyInTheEnd(t *testing.T) {
	b := New(Limits{Open: 3, Loose: 9})
	a := addr("10.0.0.1")
	one, two, three := enter(t, b, a), enter(t, b, a), enter(t, b, a)
	if !one.ticket.Pending() {
		t.Error("a new connection is not pending")
	}
	if _, why := b.Enter(a); why != reason.TooManyConnections || b.Refused() != 1 {
		t.Errorf("a fourth connection of three: %v, %d refused", why, b.Refused())
	}
	k, ok := b.Refuse(1)
	if _, second := b.Refuse(1); !ok || second {
		t.Errorf("refusing one: %v, and a second: %v", ok, second)
	}
	b.Keep(&two.ticket, a, two)
	b.Carry(&three.ticket, a)
	for _, t := range []*Ticket{&one.ticket, &two.ticket, &three.ticket, &k} {
		b.Leave(t, a)
		b.Leave(t, a) // has no further effect
	}
	if !b.Empty() || b.Open() != 0 {
		t.Errorf("%d are open in the end, empty %v", b.Open(), b.Empty())
	}
}
