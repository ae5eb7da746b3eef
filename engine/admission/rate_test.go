package admission

import (
	"net/netip"
	"testing"

	"streampump/engine/reason"
)

func TestRate(t *testing.T) {
	r := newRate(4, 4)
	a, b := addr("10.0.0.1"), addr("10.0.0.2")
	try := func(a netip.Addr, now int64) bool {
		if !r.ready(a, now) {
			return false
		}
		r.count(a, now)
		return true
	}
	for i := range 6 {
		if ok := try(a, 0); ok != (i < 4) {
			t.Errorf("number %d at once: %v", i+1, ok)
		}
	}
	if !try(b, 0) {
		t.Error("one address takes from another")
	}
	for now, want := range map[int64]bool{second / 4: true} {
		if ok := try(a, now); ok != want || try(a, now) {
			t.Errorf("after %d ns: %v", now, ok)
		}
	}
	for i := range 6 {
		if ok := try(a, 10*second); ok != (i < 4) {
			t.Errorf("number %d at once, later: %v", i+1, ok)
		}
	}
	if (*rate)(nil).ready(a, 0) != true {
		t.Error("no rate lets not everything pass")
	}
}

// Strangers with any number of addresses make the table no larger, and take nothing
// from an address that goes slowly.
func TestRateIsBounded(t *testing.T) {
	r := newRate(2, 2)
	honest := addr("192.0.2.1")
	a := addr("10.0.0.0")
	for i := range 20 * sets * ways {
		a = a.Next()
		now := int64(i) * 1000
		if !r.ready(a, now) {
			t.Fatalf("stranger %d is refused with his first", i)
		}
		r.count(a, now)
		if i%(1<<10) == 0 && !r.ready(honest, now) {
			t.Fatalf("the honest one is refused after %d strangers", i)
		}
	}
	if len(r.sets) != sets {
		t.Errorf("the table has %d sets", len(r.sets))
	}
}

// Whoever is ahead by most is remembered longest.
func TestRateForgetsTheLeast(t *testing.T) {
	r := newRate(1, 100)
	busy := addr("192.0.2.1")
	for range 100 {
		r.count(busy, 0)
	}
	a := addr("10.0.0.0")
	for range 4 * sets * ways {
		a = a.Next()
		r.count(a, 0)
	}
	if r.ready(busy, 0) {
		t.Error("the busiest address was forgotten for others")
	}
}

func TestAccountsComeOut(t *testing.T) {
	b := New(Limits{Viewers: Room{Bandwidth: 100}, Memory: 50})
	one, two := b.Account(Room{}), b.Account(Room{})
	one.Cost(10, true)
	two.Cost(30, true)
	for range 3 {
		if why := one.Enter(Player, 5, false); why != reason.None {
			t.Fatal(why)
		}
	}
	if why := two.Enter(Pump, 5, false); why != reason.None {
		t.Fatal(why)
	}
	one.Cost(20, true)
	if u := b.Use(); u.Bandwidth != 90 || u.Viewers != 3 || u.Pumps != 1 || u.Memory != 20 {
		t.Errorf("%+v", u)
	}
	if spare, all := b.Spare(); spare != 10 || all != 100 {
		t.Errorf("%d of %d are left", spare, all)
	}
	if why := one.Enter(Player, 5, false); why != reason.NoBandwidth {
		t.Error(why)
	}
	if why := one.Enter(Player, 5, true); why != reason.None {
		t.Errorf("one that comes in the place of another: %v", why)
	}
	one.Cost(0, true)
	if why := one.Full(Player, 31, true); why != reason.NoMemory {
		t.Error(why)
	}
	if u := one.Use(); u.Refused != 2 || b.Use().Refused != 2 {
		t.Errorf("%+v", u)
	}
	for range 4 {
		one.Leave(Player, 5)
	}
	two.Leave(Pump, 5)
	if !b.Empty() {
		t.Errorf("in the end %+v", b.Use())
	}
}

func TestRedirectsOfOneAddress(t *testing.T) {
	now := int64(0)
	b := New(Limits{Now: func() int64 { return now }})
	a := addr("10.0.0.1")
	sent := func() (n int) {
		for b.Redirect(a) && n < 1000 {
			n++
		}
		return n
	}
	if n := sent(); n != redirectBurst {
		t.Errorf("it is sent on %d times at once", n)
	}
	if now = 3 * second; sent() != 3 {
		t.Error("it is not sent on once a second")
	}
}

// What an encoder says of a stream that is to follow is not believed at the cost of
// others: those who are in reserve no more for it until it has been measured.
func TestUnmeasuredCostWaits(t *testing.T) {
	b := New(Limits{Viewers: Room{Bandwidth: 100}})
	a := b.Account(Room{})
	for _, k := range []struct {
		bits     int64
		measured bool
		enter    bool
		each     int64
		reserved int64
	}{
		{10, false, true, 10, 10}, // nobody is in yet
		{90, false, false, 10, 10},
		{5, false, false, 5, 5},
		{90, false, false, 5, 5},
		{90, true, false, 90, 90},
	} {
		a.Cost(k.bits, k.measured)
		if k.enter {
			a.Enter(Player, 0, false)
		}
		if u := a.Use(); u.Each != k.each || u.Bandwidth != k.reserved {
			t.Errorf("with %d bits, measured %v: %+v", k.bits, k.measured, u)
		}
	}
}
