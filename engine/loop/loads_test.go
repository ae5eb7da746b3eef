package loop

import (
	"fmt"
	"testing"
	"time"
)

// loads say how many packets a write call carries, to the tenth, with all viewers
// on one loop and with the same viewers on two. They follow from the constants in
// held.go alone, in virtual time, so they are the same on every machine; whoever
// changes one of those changes this table, and nothing else.
var loads = []struct {
	viewers   int
	perSecond float64 // bursts
	burst     int     // packets in one
	budget    time.Duration
	stalled   int
	want      string
}{
	{1, 89, 1, 90 * time.Millisecond, 0, "1.0"},
	{1, 1000, 1, 90 * time.Millisecond, 0, "1.0"},
	{100, 104, 1, 90 * time.Millisecond, 0, "1.0"}, // 10,400 calls a second: just cheap
	{100, 89, 1, 0, 0, "1.0"},
	{130, 89, 1, 90 * time.Millisecond, 0, "3.0"}, // a sweep of 29 ms is cheap
	{300, 89, 1, 90 * time.Millisecond, 0, "7.0"}, // one of 68 ms
	{500, 89, 1, 90 * time.Millisecond, 0, "8.0"}, // it would be one of 112 ms; the eighth packet may wait no longer
	{1000, 89, 1, 0, 0, "1.0"},
	{1000, 89, 1, 90 * time.Millisecond, 0, "8.0"},
	{1000, 89, 1, 90 * time.Millisecond, 50, "8.0"},
	{2000, 89, 1, 200 * time.Millisecond, 0, "18.0"},
	{3000, 6, 1, 90 * time.Millisecond, 0, "1.0"}, // 64 kbit/s: the next packet comes when the budget is over
	// Pictures of some packets each.
	{1000, 25, 4, 90 * time.Millisecond, 0, "12.0"}, // in every third turn the oldest waits 80 ms
	{200, 25, 4, 90 * time.Millisecond, 0, "8.0"},   // once for every other picture is cheap: 45 ms
	{1000, 30, 3, 90 * time.Millisecond, 0, "9.0"},  // 67 ms
	{1000, 24, 4, 90 * time.Millisecond, 0, "12.0"}, // 83 ms
	{1000, 10, 9, 90 * time.Millisecond, 0, "9.0"},  // pictures come more slowly than the budget lasts
	// A source that sends all the time is looked at every few milliseconds.
	{1000, 500, 1, 90 * time.Millisecond, 0, "44.0"},
}

func TestPacketsPerWriteCall(t *testing.T) {
	plainOnly(t, "it counts calls of vectors")
	for _, ld := range loads {
		if raced && ld.viewers > 500 {
			continue // minutes on a busy machine, and nothing runs at the same time here
		}
		for loops := 1; loops <= 2; loops++ {
			t.Run(fmt.Sprintf("%dx%.0fx%d_%v_stalled_%d_loops_%d", ld.viewers, ld.perSecond, ld.burst, ld.budget, ld.stalled, loops), func(t *testing.T) {
				cfg := labConfig()
				cfg.Fanout.Budget, cfg.Loops = ld.budget, loops
				c := newCrowd(t, ld.viewers, ld.perSecond, cfg)
				c.burst = ld.burst
				for _, p := range c.viewers[:ld.stalled] {
					p.room = 0
				}
				c.publish(1200 * time.Millisecond) // the rate is known from then on
				got := c.perCall(ld.stalled)
				if got != ld.want {
					t.Errorf("%s packets in a write call, want %s", got, ld.want)
				}
				if limit := int64(ld.budget); c.worst > limit || ld.want == "1.0" && ld.perSecond*float64(ld.viewers)*callCost.Seconds() < cheapShare && c.worst > 0 {
					t.Errorf("a packet was held %v, the budget is %v and a call carries %s", time.Duration(c.worst), ld.budget, got)
				}
				c.finish()
			})
		}
	}
}

// perCall publishes for a second and says how many packets a write call
// carried. The first viewers are stalled: they must not have cost any.
func (c *crowd) perCall(stalled int) string {
	c.t.Helper()
	packets, writes := c.sent()
	tries := 0
	for _, p := range c.viewers[:stalled] {
		tries -= p.tries
	}
	c.worst = 0
	c.publish(time.Second)
	for _, p := range c.viewers[:stalled] {
		tries += p.tries
	}
	if tries != 0 {
		c.t.Errorf("%d write calls on stalled viewers", tries)
	}
	p, w := c.sent()
	return fmt.Sprintf("%.1f", float64(p-packets)/float64(w-writes))
}

// sent are the packets delivered and the write calls made so far.
func (b *lab) sent() (packets, writes uint64) {
	for _, k := range b.loops {
		packets += k.loop.stats.packets.Load()
		writes += k.loop.stats.writes.Load()
	}
	return packets, writes
}
