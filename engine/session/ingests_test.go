package session

import (
	"net/netip"
	"testing"

	"streampump/engine/stream"
)

type feeder struct{}

func (*feeder) Taken(*stream.Ingest) {}

func add(t *testing.T, tb *Ingests, from netip.Addr) *stream.Ingest {
	t.Helper()
	in := stream.NewIngest(nil)
	if _, ok := tb.Add(in, from); !ok {
		t.Fatal("no room for another session")
	}
	return in
}

func TestIngestExpires(t *testing.T) {
	tb := NewIngests(10)
	in := add(t, tb, here.Addr())
	in.Expires.Store(100)
	if in.Key&ingestBit == 0 {
		t.Error("a viewer could have the key")
	}
	if tb.Find(in.Key, 200) != in || len(tb.Expired(199)) != 0 {
		t.Error("looking it up did not keep it")
	}
	if gone := tb.Expired(200); len(gone) != 1 || gone[0] != in || tb.Find(in.Key, 300) != nil || tb.Count() != 0 {
		t.Error("it was not forgotten at its time")
	}
}

// Sessions that were never published go first, the oldest before the others; then
// idle ones; those in use stay.
func TestWhatMakesRoomForAnEncoder(t *testing.T) {
	tb := NewIngests(3)
	used, idle, setup := add(t, tb, here.Addr()), add(t, tb, here.Addr()), add(t, tb, here.Addr())
	for _, in := range []*stream.Ingest{used, idle} {
		in.Attach(&feeder{})
		tb.Publish(in)
	}
	idle.Release()
	next := add(t, tb, there.Addr())
	if tb.Find(setup.Key, 0) != nil || tb.Find(idle.Key, 0) == nil {
		t.Error("a session that brought packets went before one that did not")
	}
	next.Attach(&feeder{})
	tb.Publish(next)
	last := stream.NewIngest(nil)
	if gone, ok := tb.Add(last, there.Addr()); !ok || gone != idle {
		t.Errorf("the idle one did not go: %v", ok)
	}
	last.Attach(&feeder{})
	tb.Publish(last)
	if _, ok := tb.Add(stream.NewIngest(nil), here.Addr()); ok {
		t.Error("there was room although all are in use")
	}
	if tb.Find(used.Key, 0) != used || tb.Count() != 3 {
		t.Error("one in use had to go")
	}
	for _, in := range []*stream.Ingest{used, next, last} {
		tb.Drop(in)
	}
	if tb.Count() != 0 || len(tb.addresses) != 0 || tb.setups.Len()+tb.published.Len() != 0 {
		t.Error("something is left")
	}
}

// However many sessions a stranger opens, he takes the places of his own.
func TestSetupsOfOneAddress(t *testing.T) {
	tb := NewIngests(1 << 17)
	honest := add(t, tb, here.Addr())
	for range 10 * maxSetups {
		add(t, tb, there.Addr())
	}
	if n := tb.Count(); n != maxSetups+1 || tb.Find(honest.Key, 0) != honest {
		t.Errorf("%d sessions, want %d of one address and the other's", n, maxSetups+1)
	}
	tb.DropSetup(honest)
	if tb.Find(honest.Key, 0) != nil {
		t.Error("a setup that was dropped is still there")
	}
}

// Encoders at work, however many, do not stand before what is idle.
func TestIdleSessionsBehindManyAtWork(t *testing.T) {
	const work = 3*roomLooks + 1
	tb := NewIngests(work + 1)
	for range work {
		in := add(t, tb, here.Addr())
		in.Attach(&feeder{})
		tb.Publish(in)
	}
	idle := add(t, tb, there.Addr())
	tb.Publish(idle)
	for tries := 1; ; tries++ {
		gone, ok := tb.Add(stream.NewIngest(nil), here.Addr())
		if ok {
			if gone != idle {
				t.Error("another went than the idle one")
			}
			return
		}
		if tries > work/roomLooks+1 {
			t.Fatal("the idle session is not found")
		}
	}
}
