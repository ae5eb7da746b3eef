package session

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// conn stands for a connection.
type conn struct{ at netip.AddrPort }

// Peer implements [Owner].
func (c *conn) Peer() netip.AddrPort { return c.at }

// here and there are two addresses.
var here, there = netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:1")

func TestSessionOpens(t *testing.T) {
	tb := NewViewers[*conn](10)
	a, b, c := conn{here}, conn{here}, conn{there}
	key, replaced, old := tb.Open(0, nil, here.Addr(), 0, 60)
	if key == 0 || key >= 1<<32 || replaced || old != nil {
		t.Fatalf("a new session: %d %v %v", key, replaced, old)
	}
	if got, replaced, old := tb.Open(key, &a, here.Addr(), 10, 60); got != key || replaced || old != nil {
		t.Errorf("a known one: %d %v %v", got, replaced, old)
	}
	other, replaced, old := tb.Open(key, &c, there.Addr(), 11, 60)
	if other == key || !replaced || old != nil {
		t.Errorf("one in use, from elsewhere: %d %v %v", other, replaced, old)
	}
	tb.Release(other, &c, 12, 60)
	if got, replaced, old := tb.Open(key, nil, here.Addr(), 11, 60); got != key || replaced || old != nil {
		t.Errorf("one in use, only described: %d %v %v", got, replaced, old)
	}
	if got, replaced, old := tb.Open(key, &b, here.Addr(), 11, 60); got != key || replaced || old != &a {
		t.Errorf("one in use, from the same address: %d %v %v", got, replaced, old)
	}
	tb.Release(key, &a, 12, 60)
	if owner, ok := tb.Touch(key, here.Addr(), 12, 60); owner != &b || !ok {
		t.Error("the release of one that lost it took the session from its owner")
	}
	if owner, ok := tb.Touch(key, there.Addr(), 12, 60); owner != nil || ok {
		t.Error("one in use is known elsewhere")
	}
	if tb.Sweep(1000) != 1 {
		t.Error("a session in use expired, or one that was lost did not")
	}
	tb.Release(key, &b, 1000, 60)
	if tb.Sweep(1059) != 1 || tb.Sweep(1060) != 0 {
		t.Error("an idle session does not expire at its time")
	}
	if got, replaced, _ := tb.Open(key, nil, here.Addr(), 1061, 60); got == key || !replaced {
		t.Error("an expired session was continued")
	}
}

func TestOldestIdleSessionMakesRoom(t *testing.T) {
	tb := NewViewers[*conn](3)
	c := conn{here}
	old, _, _ := tb.Open(0, nil, here.Addr(), 0, 60)
	used, _, _ := tb.Open(0, &c, here.Addr(), 1, 60)
	mid, _, _ := tb.Open(0, nil, here.Addr(), 2, 60)
	tb.Touch(old, here.Addr(), 3, 60) // now mid is the oldest idle one
	tb.Open(0, nil, here.Addr(), 4, 60)
	if _, ok := tb.Touch(mid, here.Addr(), 4, 60); ok {
		t.Error("the oldest idle session is still there")
	}
	for _, key := range []uint64{old, used} {
		if _, ok := tb.Touch(key, here.Addr(), 4, 60); !ok {
			t.Error("a session in use or used lately had to go")
		}
	}
}

func TestSessionQueueDoesNotGrow(t *testing.T) {
	tb := NewViewers[*conn](10)
	c := conn{here}
	key, _, _ := tb.Open(0, nil, here.Addr(), 0, 60)
	for now := range int64(100000) {
		tb.Open(key, &c, here.Addr(), now, 60)
		tb.Release(key, &c, now, 60)
	}
	if n := len(tb.queue) - tb.first; n > 1 {
		t.Errorf("%d entries for one session that comes and goes", n)
	}
}

// TestSessionsModel holds the table against a plain map.
func TestSessionsModel(t *testing.T) {
	const limit, ttl = 20, 50
	rnd := rand.New(rand.NewPCG(5, 6))
	tb := NewViewers[*conn](limit)
	conns := make([]conn, 8)
	for i := range conns {
		conns[i].at = []netip.AddrPort{here, there}[i%2]
	}
	type entry struct {
		owner   *conn
		expires int64
	}
	model := map[uint64]entry{}
	var keys []uint64
	for now := range int64(6000) {
		for k, e := range model {
			if e.owner == nil && e.expires <= now {
				delete(model, k)
			}
		}
		tb.Sweep(now)
		var key uint64
		if len(keys) > 0 && rnd.IntN(5) > 0 {
			key = keys[rnd.IntN(len(keys))]
		}
		c := &conns[rnd.IntN(len(conns))]
		from := c.at.Addr()
		old, known := model[key]
		mine := known && (old.owner == nil || old.owner.at.Addr() == from)
		switch rnd.IntN(3) {
		case 0:
			var owner *conn
			if rnd.IntN(3) == 0 {
				owner = c
			}
			got, replaced, lost := tb.Open(key, owner, from, now, ttl)
			switch {
			case mine && (got != key || replaced), !mine && (got == key || replaced != (key != 0)):
				t.Fatalf("%d: open gave %v, the model has %v %+v", now, replaced, known, old)
			case lost != nil && lost != old.owner, mine && owner != nil && lost != old.owner:
				t.Fatalf("%d: %v lost the session, the model has %+v", now, lost, old)
			}
			if !mine || owner != nil || old.owner == nil {
				model[got] = entry{owner, now + ttl}
				keys = append(keys, got)
			}
		case 1:
			tb.Release(key, c, now, ttl)
			if known && old.owner == c {
				model[key] = entry{nil, now + ttl}
			}
		case 2:
			owner, ok := tb.Touch(key, from, now, ttl)
			if ok != mine || ok && owner != old.owner {
				t.Fatalf("%d: touch gave %v, the model has %v", now, ok, mine)
			}
			if mine && owner == nil {
				model[key] = entry{nil, now + ttl}
			}
		}
		syncEvicted(t, tb, model, limit, now)
		keys = keys[max(0, len(keys)-60):]
	}
}

// syncEvicted takes out of the model what made room, which must have been idle
// and old.
func syncEvicted[E any](t *testing.T, tb *Viewers[*conn], model map[uint64]E, limit int, now int64) {
	t.Helper()
	for k := range model {
		if _, ok := tb.byKey[k]; !ok {
			if len(tb.byKey) < limit {
				t.Fatalf("a session had to go from a table of %d, the limit is %d", len(tb.byKey), limit)
			}
			delete(model, k)
		}
	}
	live := 0
	for k := range tb.byKey {
		if _, ok := tb.find(k, now); ok {
			live++
		}
	}
	if live != len(model) {
		t.Fatalf("%d sessions, the model has %d", live, len(model))
	}
}
