package loop

import (
	"math/rand/v2"
	"slices"
	"testing"

	"streampump/engine/clock"
)

func TestTimersInOrder(t *testing.T) {
	cases := []struct {
		name string
		set  []int64 // for connection i, in order; never removes
		want []int   // connections in the order they are due
	}{
		{"Empty", nil, nil},
		{"Ascending", []int64{1, 2, 3}, []int{0, 1, 2}},
		{"Descending", []int64{3, 2, 1}, []int{2, 1, 0}},
		{"NeverIsNone", []int64{3, clock.Never, 1}, []int{2, 0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var h timers
			conns := make([]Conn, len(c.set))
			for i, at := range c.set {
				h.set(&conns[i], at)
			}
			var got []int
			for d := h.due(10); d != nil; d = h.due(10) {
				for i := range conns {
					if &conns[i] == d {
						got = append(got, i)
					}
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("due %v, want %v", got, c.want)
			}
		})
	}
}

func TestTimersAreDueAtTheirTime(t *testing.T) {
	var h timers
	var c Conn
	h.set(&c, 5)
	if h.due(4) != nil || h.earliest() != 5 {
		t.Error("due before its time")
	}
	h.set(&c, 9)
	if h.due(8) != nil || h.due(9) != &c || h.due(9) != nil || c.timer != 0 {
		t.Error("not due once at its later time")
	}
	if h.earliest() != clock.Never {
		t.Error("an empty heap has a deadline")
	}
}

// TestTimersModel holds the heap against a plain map with random operations.
func TestTimersModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var h timers
	conns := make([]Conn, 60)
	model := map[*Conn]int64{}
	for step := range 20000 {
		c := &conns[rnd.IntN(len(conns))]
		switch rnd.IntN(4) {
		case 0:
			h.remove(c)
			delete(model, c)
		case 1:
			now := rnd.Int64N(1000)
			for d := h.due(now); d != nil; d = h.due(now) {
				if model[d] > now {
					t.Fatalf("step %d: due at %d, its time is %d", step, now, model[d])
				}
				delete(model, d)
			}
			for _, at := range model {
				if at <= now {
					t.Fatalf("step %d: one with time %d was not due at %d", step, at, now)
				}
			}
		default:
			at := rnd.Int64N(1000)
			h.set(c, at)
			model[c] = at
		}
		least := clock.Never
		for _, at := range model {
			least = min(least, at)
		}
		if len(h) != len(model) || h.earliest() != least {
			t.Fatalf("step %d: %d timers, earliest %d; the model has %d, %d", step, len(h), h.earliest(), len(model), least)
		}
	}
}
