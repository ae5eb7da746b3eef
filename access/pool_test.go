package access

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// held has a pool run jobs that wait for the test.
type held struct {
	*testing.T
	*Pool
	began chan string // names of jobs that have begun
	end   chan struct{}
}

func newHeld(t *testing.T, workers, most, each int) *held {
	return &held{t, NewPool(workers, most, each), make(chan string, 100), make(chan struct{})}
}

func (h *held) do(from, name string, urgent bool) bool {
	return h.Do(netip.MustParseAddr(from), urgent, func() {
		h.began <- name
		<-h.end
	})
}

// runs ends jobs one after the other, and says in which order they had begun.
func (h *held) runs(n int) (names string) {
	for range n {
		names += <-h.began
		h.end <- struct{}{}
	}
	return names
}

// Addresses take turns: whoever sends many jobs waits for himself.
func TestAddressesTakeTurns(t *testing.T) {
	h := newHeld(t, 1, 100, 100)
	for range 5 {
		h.do("192.0.2.1", "a", false)
	}
	h.do("192.0.2.2", "b", false)
	h.do("2001:db8::1", "c", false)
	h.do("2001:db8::2", "c", false) // the same /64
	h.do("192.0.2.1", "U", true)
	// The first a was under way already, or the urgent one came before it.
	if got := h.runs(9); got != "aUbcacaaa" && got != "Uabcacaaa" {
		t.Errorf("they ran as %s", got)
	}
}

// No address has all of the goroutines, however long its jobs take.
func TestNobodyHasAllWorkers(t *testing.T) {
	h := newHeld(t, 4, 100, 100)
	for range 10 {
		h.do("192.0.2.1", "a", false)
	}
	for range 2 {
		if got := <-h.began; got != "a" {
			t.Errorf("%s has begun", got)
		}
	}
	h.do("192.0.2.2", "b", false)
	if got := <-h.began; got != "b" {
		t.Errorf("%s has begun", got)
	}
	if h.do("192.0.2.3", "c", false); <-h.began != "c" {
		t.Error("c has not begun")
	}
	close(h.end)
}

// What waits is bounded, in all and of one address, and nothing is left of it.
func TestPoolIsBounded(t *testing.T) {
	h := newHeld(t, 1, 3, 2)
	for _, c := range []struct {
		from   string
		urgent bool
		want   bool
	}{
		{"192.0.2.1", false, true}, {"192.0.2.1", false, true}, {"192.0.2.1", false, false}, {"192.0.2.1", true, false},
		{"192.0.2.2", false, true},
	} {
		if got := h.do(c.from, "x", c.urgent); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	<-h.began // one runs, two wait
	h.do("192.0.2.3", "x", false)
	if h.do("192.0.2.4", "x", false) || !h.do("192.0.2.4", "x", true) {
		t.Error("there is room for four that wait, or none for one that is urgent")
	}
	close(h.end)
	for range 4 {
		<-h.began
	}
	for busy := true; busy; { // until the worker has ended
		h.mu.Lock()
		busy = h.running > 0
		h.mu.Unlock()
		runtime.Gosched()
	}
	if h.waiting != 0 || len(h.lines) != 0 || len(h.turns) != 0 || len(h.urgent) != 0 {
		t.Errorf("%d wait, of %d addresses, %d turns, %d urgent", h.waiting, len(h.lines), len(h.turns), len(h.urgent))
	}
}

// Jobs run on a thread of the lowest priority.
func TestPoolComesLast(t *testing.T) {
	p := NewPool(1, 4, 4)
	got := make(chan string, 1)
	p.Do(netip.MustParseAddr("192.0.2.1"), false, func() {
		n, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
		got <- fmt.Sprint(20-n, err) // the system call adds 20 to the negative
	})
	if s := <-got; s != "19 <nil>" {
		t.Errorf("the nice value is %s, and must be 19", s)
	}
}
