package secure

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"testing"
)

// door notes that a handshake's connection was closed.
type door struct{ closed bool }

func (d *door) Close() error { d.closed = true; return nil }

func address(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }

// The address with most handshakes makes room, the oldest of them first; an honest
// one beside it is never asked to.
func TestCrowdMakesRoom(t *testing.T) {
	r := NewRoom(8, 1)
	var crowd []*door
	honest := &door{}
	r.Enter(address(1), honest)
	for range 100 {
		d := &door{}
		crowd = append(crowd, d)
		r.Enter(address(2), d)
		if r.Open() > 8 {
			t.Fatalf("%d places are taken", r.Open())
		}
	}
	if honest.closed {
		t.Error("the honest peer was closed")
	}
	for i, d := range crowd {
		if want := i < 100-7; d.closed != want {
			t.Errorf("handshake %d of the crowd: closed %v, want %v", i, d.closed, want)
		}
	}
	// Many addresses with one each: the oldest goes.
	for i := range 6 {
		r.Enter(address(100+i), &door{})
	}
	if honest.closed {
		t.Error("the honest peer was closed while others had more")
	}
	r.Enter(address(200), &door{})
	if !honest.closed {
		t.Error("the oldest of all was not closed")
	}
}

// Turns go round by address: one that waits many times gets one turn for each of
// another's.
func TestTurnsGoRound(t *testing.T) {
	r := NewRoom(100, 1)
	busy := r.Enter(address(0), &door{})
	if err := busy.wait(); err != nil {
		t.Fatal(err)
	}
	came := make(chan int, 32)
	var done []chan struct{}
	wait := func(who int) {
		p := r.Enter(address(who), &door{})
		end := make(chan struct{})
		done = append(done, end)
		go func() {
			defer close(end)
			if p.wait() == nil {
				came <- who
			}
			p.Leave()
		}()
		for { // until it waits
			r.mu.Lock()
			n := len(p.guest.waiting)
			in := slices.Contains(p.guest.waiting, p)
			r.mu.Unlock()
			if in && n > 0 {
				return
			}
			runtime.Gosched()
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
	r := NewRoom(1, 1)
	first := r.Enter(address(1), &door{})
	if err := first.wait(); err != nil {
		t.Fatal(err)
	}
	second := r.Enter(address(2), &door{})
	if err := first.wait(); !errors.Is(err, ErrCrowded) {
		t.Errorf("the first was told %v", err)
	}
	if err := second.wait(); err != nil {
		t.Errorf("the second was told %v, and the first has given up its turn", err)
	}
	first.Leave()
	second.Leave()
	second.Leave() // twice changes nothing that another has
	if r.turns != 1 {
		t.Errorf("%d turns are free", r.turns)
	}
}

// Whatever comes in whatever order, the counts agree and no turn is lost.
func TestRoomModel(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		r := NewRoom(6, 2)
		var places []*Place
		for range 500 {
			switch rnd.IntN(4) {
			case 0:
				places = append(places, r.Enter(address(rnd.IntN(5)), &door{}))
			case 1:
				if len(places) > 0 {
					i := rnd.IntN(len(places))
					places[i].Leave()
					places = slices.Delete(places, i, i+1)
				}
			case 2:
				if len(places) > 0 && r.turns > 0 {
					_ = places[rnd.IntN(len(places))].wait()
				}
			case 3:
				if len(places) > 0 {
					places[rnd.IntN(len(places))].yield()
				}
			}
			checkRoom(t, r)
		}
		for _, p := range places {
			p.Leave()
		}
		if checkRoom(t, r); r.turns != 2 || r.open != 0 {
			t.Fatalf("seed %d: %d turns are free and %d places taken at the end", seed, r.turns, r.open)
		}
	}
}

func checkRoom(t *testing.T, r *Room) {
	t.Helper()
	open, calculating := 0, 0
	for a, g := range r.guests {
		if len(g.places) == 0 || g.address != a {
			t.Fatalf("%v has %d places", a, len(g.places))
		}
		open += len(g.places)
		for _, p := range g.places {
			if p.turn {
				calculating++
			}
		}
	}
	if open != r.open || open > r.most || calculating+r.turns != 2 {
		t.Fatalf("%d places, counted %d; %d calculate, %d turns are free", open, r.open, calculating, r.turns)
	}
}
