package loop

import (
	"testing"
	"time"
)

// What viewers cost that have left does not make the others' packets wait, also
// where a loop has nobody left and nothing to run for.
func TestDemandGoesWithTheViewers(t *testing.T) {
	plainOnly(t, "holding knows no transport")
	cfg := labConfig()
	cfg.Loops = 2
	c := newCrowd(t, 1000, 89, cfg)
	c.publish(1500 * time.Millisecond)
	if _, hold := c.e.holding(); !hold {
		t.Fatal("no packets are held")
	}
	for i := len(c.viewers) - 1; i > 0; i -= 2 {
		c.viewers[i].hangup() // the last one, so that nobody moves
	}
	if n := c.loops[1].loop.demand.viewers.Load(); n != 0 {
		t.Errorf("loop 1 has no viewers and asks for %d", n)
	}
	c.finish()
}

// Viewers that do not read make nobody else's packets wait.
func TestDemandIsOfThoseWhoRead(t *testing.T) {
	plainOnly(t, "holding knows no transport")
	c := newCrowd(t, 1000, 89, labConfig())
	held := func(when string, want bool) {
		t.Helper()
		c.publish(500 * time.Millisecond)
		if _, hold := c.e.holding(); hold != want {
			t.Errorf("%s: packets are held: %v", when, hold)
		}
	}
	c.publish(time.Second)
	held("at first", true)
	for _, v := range c.viewers[10:] {
		v.room = 0
	}
	held("most do not read", false)
	for _, v := range c.viewers[10:] {
		v.setRoom(-1)
	}
	held("they read again", true)
	c.finish()
}
