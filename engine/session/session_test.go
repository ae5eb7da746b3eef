package session

import (
	"math/rand/v2"
	"testing"

	"streampump/engine/stream"
)

// conn stands for a connection.
type conn struct{ _ int }

func TestSessionOpens(t *testing.T) {
	tb := New[*conn](10)
	var a, b conn
	key, replaced, busy := tb.Open(0, nil, 0, 60)
	if key == 0 || key >= 1<<32 || replaced || busy {
		t.Fatalf("a new session: %d %v %v", key, replaced, busy)
	}
	if got, replaced, busy := tb.Open(key, &a, 10, 60); got != key || replaced || busy {
		t.Errorf("a known one: %d %v %v", got, replaced, busy)
	}
	if got, _, busy := tb.Open(key, &b, 11, 60); got != key || !busy {
		t.Errorf("one in use: %d %v", got, busy)
	}
	tb.Release(key, &b, 12, 60)
	if owner, ok := tb.Touch(key, 12, 60); owner != &a || !ok {
		t.Error("a stranger's release took the session from its owner")
	}
	if tb.Sweep(1000) != 1 {
		t.Error("a session in use expired")
	}
	tb.Release(key, &a, 1000, 60)
	if tb.Sweep(1059) != 1 || tb.Sweep(1060) != 0 {
		t.Error("an idle session does not expire at its time")
	}
	if got, replaced, _ := tb.Open(key, nil, 1061, 60); got == key || !replaced {
		t.Error("an expired session was continued")
	}
}

func TestOldestIdleSessionMakesRoom(t *testing.T) {
	tb := New[*conn](3)
	var c conn
	old, _, _ := tb.Open(0, nil, 0, 60)
	used, _, _ := tb.Open(0, &c, 1, 60)
	mid, _, _ := tb.Open(0, nil, 2, 60)
	tb.Touch(old, 3, 60) // now mid is the oldest idle one
	tb.Open(0, nil, 4, 60)
	if _, ok := tb.Touch(mid, 4, 60); ok {
		t.Error("the oldest idle session is still there")
	}
	for _, key := range []uint64{old, used} {
		if _, ok := tb.Touch(key, 4, 60); !ok {
			t.Error("a session in use or used lately had to go")
		}
	}
}

func TestSessionQueueDoesNotGrow(t *testing.T) {
	tb := New[*conn](10)
	var c conn
	key, _, _ := tb.Open(0, nil, 0, 60)
	for now := range int64(100000) {
		tb.Open(key, &c, now, 60)
		tb.Release(key, &c, now, 60)
	}
	if n := len(tb.queue) - tb.first; n > 1 {
		t.Errorf("%d entries for one session that comes and goes", n)
	}
}

func TestIngestSessions(t *testing.T) {
	tb := New[*conn](1)
	in, other := stream.NewIngest(nil), stream.NewIngest(nil)
	in.Expires.Store(100)
	if !tb.AddIngest(in) || in.Key&ingestBit == 0 || tb.AddIngest(other) {
		t.Fatal("one ingest session fits, with a key that no viewer has")
	}
	if tb.Ingest(in.Key, 200) != in || len(tb.IdleIngests(199)) != 0 {
		t.Error("looking it up did not keep it")
	}
	if gone := tb.IdleIngests(200); len(gone) != 1 || gone[0] != in || tb.Ingest(in.Key, 300) != nil {
		t.Error("it was not forgotten at its time")
	}
}

// TestSessionsModel holds the table against a plain map.
func TestSessionsModel(t *testing.T) {
	const limit, ttl = 20, 50
	rnd := rand.New(rand.NewPCG(5, 6))
	tb := New[*conn](limit)
	conns := make([]conn, 8)
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
		old, known := model[key]
		switch rnd.IntN(3) {
		case 0:
			var owner *conn
			if rnd.IntN(3) == 0 {
				owner = c
			}
			got, replaced, busy := tb.Open(key, owner, now, ttl)
			if busy != (known && old.owner != nil) || replaced != (!known && key != 0) || known && got != key {
				t.Fatalf("%d: open gave %v %v, the model has %v %+v", now, replaced, busy, known, old)
			}
			if !busy {
				model[got] = entry{owner, now + ttl}
				keys = append(keys, got)
			}
		case 1:
			tb.Release(key, c, now, ttl)
			if known && old.owner == c {
				model[key] = entry{nil, now + ttl}
			}
		case 2:
			owner, ok := tb.Touch(key, now, ttl)
			if ok != known || owner != old.owner {
				t.Fatalf("%d: touch gave %v, the model has %v", now, ok, known)
			}
			if known && owner == nil {
				model[key] = entry{nil, now + ttl}
			}
		}
		syncEvicted(t, tb, model, limit, now)
		keys = keys[max(0, len(keys)-60):]
	}
}

// syncEvicted takes out of the model what made room, which must have been idle
// and old.
func syncEvicted[E any](t *testing.T, tb *Table[*conn], model map[uint64]E, limit int, now int64) {
	t.Helper()
	for k := range model {
		if _, ok := tb.viewers[k]; !ok {
			if len(tb.viewers) < limit {
				t.Fatalf("a session had to go from a table of %d, the limit is %d", len(tb.viewers), limit)
			}
			delete(model, k)
		}
	}
	live := 0
	for k := range tb.viewers {
		if _, ok := tb.find(k, now); ok {
			live++
		}
	}
	if live != len(model) {
		t.Fatalf("%d sessions, the model has %d", live, len(model))
	}
}
