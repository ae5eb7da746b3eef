package secure

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"
)

// shake notes what becomes of a handshake.
type shake struct {
	place   *Place
	evicted bool
	dropped bool
}

func (s *shake) Begin(p *Place) { s.place = p }
func (s *shake) Evict()         { s.evicted = true }
func (s *shake) Drop(bool)      { s.dropped = true }

func address(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }

// enter has a handshake of an address enter.
func enter(r *Room, from int) *shake {
	s := &shake{}
	r.Enter(address(from), s)
	return s
}

// atTime makes a room whose time is set by hand, and whose timers never fire: they would
// come to rooms that the tests look into.
func atTime(most, turns int) (r *Room, now *int64) {
	r, now = NewRoom(most, turns, time.Hour), new(int64)
	r.now = func() int64 { return *now }
	r.after = func(time.Duration, func()) *time.Timer {
		t := time.NewTimer(time.Hour)
		t.Stop()
		return t
	}
	return r, now
}

// What one address sends at once is served in its order, and nothing of it in vain. An
// address that has a large share gives some of it to whoever comes from elsewhere.
func TestQueueOfAnAddress(t *testing.T) {
	r, now := atTime(8, 1)
	var crowd []*shake
	for range 100 {
		crowd = append(crowd, enter(r, 1))
		*now++
	}
	if r.Open() != 100 || r.open != 8 {
		t.Fatalf("%d handshakes, %d of them under way", r.Open(), r.open)
	}
	var others []*shake
	for range 4 {
		others = append(others, enter(r, 2))
	}
	for i, s := range others {
		if s.place == nil {
			t.Errorf("handshake %d of the other address waits", i)
		}
	}
	for i, s := range crowd {
		if s.evicted != (i < 4) {
			t.Errorf("handshake %d of the crowd: evicted %v", i, s.evicted)
		}
	}
	if fifth := enter(r, 2); fifth.place != nil {
		t.Error("an address has more than the other, which has a queue")
	}
	for i := 4; i < 100; i++ { // each that is over lets the next in
		if crowd[i].place == nil {
			t.Fatalf("handshake %d has no place", i)
		}
		crowd[i].place.Leave()
	}
	for _, s := range crowd {
		if s.dropped {
			t.Error("a handshake was dropped")
		}
	}
}

// Many addresses that come at once with a few handshakes each are served one after
// another: nobody who does what he should makes room. Peers that are silent for long
// do, those that calculate do not.
func TestSilentPeersMakeRoom(t *testing.T) {
	r, now := atTime(4, 1)
	busy := enter(r, 1)
	if err := busy.place.calculate(); err != nil {
		t.Fatal(err)
	}
	var all []*shake
	for i := range 6 {
		all = append(all, enter(r, 2+i))
		*now++
	}
	r.relieve()
	if all[2].place == nil || all[3].place != nil || all[0].evicted || busy.evicted {
		t.Fatalf("the first was evicted (%v), or the fifth has a place", all[0].evicted)
	}
	*now = silence + 1 // the first and the second have been silent for that long
	r.relieve()
	if !all[0].evicted || !all[1].evicted || all[2].evicted || all[3].place == nil || all[4].place == nil || all[5].place != nil {
		t.Errorf("evicted: %v %v %v", all[0].evicted, all[1].evicted, all[2].evicted)
	}
	busy.place.yield()
	*now += 2 * silence
	r.relieve()
	if late := enter(r, 20); !all[2].evicted || all[5].place == nil || late.place == nil {
		t.Errorf("the third evicted %v; the last has a place %v, one that comes now %v", all[2].evicted, all[5].place != nil, late.place != nil)
	}
	r.Close()
}

// Turns go round by address: one that waits many times gets one turn for each of
// another's.
func TestTurnsGoRound(t *testing.T) {
	r := NewRoom(100, 1, time.Hour)
	busy := enter(r, 0).place
	if err := busy.calculate(); err != nil {
		t.Fatal(err)
	}
	came := make(chan int, 32)
	var done []chan struct{}
	wait := func(who int) {
		p := enter(r, who).place
		end := make(chan struct{})
		done = append(done, end)
		go func() {
			defer close(end)
			if p.calculate() == nil {
				came <- who
			}
			p.Leave()
		}()
		for waits := false; !waits; runtime.Gosched() {
			r.mu.Lock()
			waits = slices.Contains(p.guest.waiting, p)
			r.mu.Unlock()
		}
	}
	for range 10 {
		wait(1)
	}
	wait(2)
	wait(2)
	busy.Leave()
	for _, end := range done {
		<-end
	}
	close(came)
	var order []int
	for who := range came {
		order = append(order, who)
	}
	if want := []int{1, 2, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1}; !slices.Equal(order, want) {
		t.Errorf("the turns went %v, want %v", order, want)
	}
	if r.turns != 1 || r.Open() != 0 || len(r.guests) != 0 {
		t.Errorf("at the end %d turns are free, %d places taken by %d addresses", r.turns, r.Open(), len(r.guests))
	}
}

// Who has made room gets no turn, whether it waits for one or has one.
func TestEvictedGetNoTurn(t *testing.T) {
	r, _ := atTime(1, 1)
	first := enter(r, 1)
	if err := first.place.calculate(); err != nil {
		t.Fatal(err)
	}
	second := enter(r, 2)
	if second.place != nil {
		t.Fatal("the second has the only place")
	}
	first.place.yield()
	r.relieve()
	if err := first.place.calculate(); !errors.Is(err, ErrCrowded) || !first.evicted {
		t.Errorf("the first was told %v", err)
	}
	if err := second.place.calculate(); err != nil {
		t.Errorf("the second was told %v, and the first has given up its turn", err)
	}
	if first.place.Leave() {
		t.Error("the evicted handshake had its place to the end")
	}
	if !second.place.Leave() || second.place.Leave() { // twice changes nothing that another has
		t.Error("a place is given back never, or twice")
	}
	if r.turns != 1 || r.open != 0 {
		t.Errorf("%d turns are free, %d places taken", r.turns, r.open)
	}
}

// A handshake that finds no place in time is dropped, and so are all that wait when
// the room is closed.
func TestHandshakesWithoutAPlace(t *testing.T) {
	r, _ := atTime(1, 1)
	first, second, third := enter(r, 1), enter(r, 1), enter(r, 1)
	second.waitingIn(r).expire()
	second.waitingIn(r).expire() // its place came, or its time, but not both
	if !second.dropped || third.dropped || r.Open() != 2 {
		t.Errorf("second dropped %v, third %v, %d are left", second.dropped, third.dropped, r.Open())
	}
	r.Close()
	late := enter(r, 2)
	if !third.dropped || !late.dropped || first.dropped {
		t.Errorf("third dropped %v, one that came late %v, the first %v", third.dropped, late.dropped, first.dropped)
	}
	first.place.Leave()
	if r.Open() != 0 || len(r.guests) != 0 {
		t.Errorf("%d are left, of %d addresses", r.Open(), len(r.guests))
	}
}

// waitingIn is the place of a handshake in the queue of the first address; one that is
// nowhere if it is not there.
func (s *shake) waitingIn(r *Room) *Place {
	for _, p := range r.guests[address(1)].queue {
		if p.shake == Handshake(s) {
			return p
		}
	}
	return &Place{room: r, guest: r.guests[address(1)], shake: s}
}

// Whatever comes in whatever order, the counts agree, no turn is lost, and nobody
// waits while there is a place.
func TestRoomModel(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		r, _ := atTime(6, 2)
		var all []*shake
		some := func() *Place {
			if len(all) == 0 {
				return nil
			}
			return all[rnd.IntN(len(all))].place
		}
		for range 500 {
			switch rnd.IntN(5) {
			case 0, 1:
				all = append(all, enter(r, rnd.IntN(5)))
			case 2:
				some().Leave()
			case 3:
				if p := some(); p != nil && r.turns > 0 {
					_ = p.calculate()
				}
			case 4:
				some().yield()
			}
			checkRoom(t, r)
		}
		for _, s := range all { // those that leave let others in behind them
			for _, s := range all {
				s.place.Leave()
			}
			if s.dropped || s.place == nil && !s.dropped {
				t.Fatalf("seed %d: a handshake was never begun", seed)
			}
		}
		if checkRoom(t, r); r.turns != 2 || r.Open() != 0 || len(r.guests) != 0 {
			t.Fatalf("seed %d: %d turns are free and %d handshakes left", seed, r.turns, r.Open())
		}
	}
}

func checkRoom(t *testing.T, r *Room) {
	t.Helper()
	open, calculating, queued := 0, 0, 0
	for a, g := range r.guests {
		if len(g.places)+len(g.queue) == 0 || g.address != a || g.placing != (len(g.queue) > 0) && !g.placing {
			t.Fatalf("%v has %d places and %d in its queue", a, len(g.places), len(g.queue))
		}
		open += len(g.places)
		queued += len(g.queue)
		for _, p := range g.places {
			if p.turn {
				calculating++
			}
		}
	}
	if open != r.open || queued != r.queued || open > r.most || calculating+r.turns != 2 || queued > 0 && open < r.most {
		t.Fatalf("%d places, counted %d; %d in queues, counted %d; %d calculate, %d turns are free",
			open, r.open, queued, r.queued, calculating, r.turns)
	}
}

// However many handshakes wait, those that have places are looked at a few times, and
// not once for each.
func TestReliefIsCheap(t *testing.T) {
	r, _ := atTime(8, 1)
	defer r.Close()
	looks := 0
	r.now = func() int64 { looks++; return 0 }
	for i := range 208 {
		enter(r, i)
	}
	looks = 0
	r.relieve()
	if looks > 2*8 {
		t.Errorf("with 200 handshakes that wait, 8 places were looked at %d times", looks)
	}
	if len(r.seated) != 8 {
		t.Errorf("%d addresses have places", len(r.seated))
	}
}

// Who has gone while he waited keeps nobody behind him from a place.
func TestReliefPassesOverThoseWhoHaveGone(t *testing.T) {
	r, _ := atTime(8, 1)
	defer r.Close()
	now := int64(0)
	r.now = func() int64 { return now }
	for i := range 8 {
		enter(r, i)
	}
	gone, next := enter(r, 8), enter(r, 9)
	r.guests[address(8)].queue[0].expire()
	now += 2 * silence
	r.relieve()
	if !gone.dropped || next.place == nil {
		t.Errorf("the first has gone: %v; the next one waits: %v", gone.dropped, next.place == nil)
	}
}
