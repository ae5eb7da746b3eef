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
