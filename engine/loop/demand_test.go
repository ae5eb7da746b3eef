package loop

import (
	"strings"
	"testing"
	"time"

	"streampump/engine/settings"
)

// What viewers cost that have left does not make the others' packets wait, also
// where a loop has nobody left and nothing to run for.
func TestDemandGoesWithTheViewers(t *testing.T) {
	plainOnly(t, "holding knows no transport")
	cfg := labConfig()
	cfg.Loops = 2
	c := newCrowd(t, 1000, 89, cfg)
	c.publish(1500 * time.Millisecond)
	if _, dear := c.e.holding(); dear == weights {
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
		if _, dear := c.e.holding(); dear < weights != want {
			t.Errorf("%s: packets are held: %v", when, !want)
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

// A crowd at one stream, or a source of very many packets, makes only its own viewers'
// packets wait.
func TestDearShowsAloneAreHeld(t *testing.T) {
	for name, c := range map[string]struct{ viewers, packets int }{"crowd": {1000, 1}, "flood": {40, 50}} {
		t.Run(name, func(t *testing.T) {
			cfg := labConfig()
			cfg.Loops = 2
			b := newLab(t, cfg, settings.Stream{Path: "dear", Push: true}, settings.Stream{Path: "small", Push: true})
			dear, small := b.encoder("dear", "H A audio"), b.encoder("small", "H B audio")
			var crowd []*peer
			for i := range c.viewers {
				p := b.viewer("c", i%2, "PLAY dear")
				p.mute = true
				crowd = append(crowd, p)
			}
			var few []*peer
			for i := range 10 {
				few = append(few, b.viewer("v", i%2, "PLAY small"))
			}
			for range 150 {
				dear.send(strings.Repeat("P x\n", c.packets))
				small.send("P x\n")
				b.advance(10 * time.Millisecond)
			}
			dear.send("P x\n")
			small.send("P x\n")
			behind := func(peers []*peer) (n int) {
				for _, p := range peers {
					if v := p.c.viewer(); v.next != v.prog.Ring.Head() {
						n++
					}
				}
				return n
			}
			if n := behind(few); n != 0 {
				t.Errorf("%d viewers of the small stream wait", n)
			}
			if n := behind(crowd); n == 0 {
				t.Error("nobody waits at the dear stream")
			}
			b.finish()
		})
	}
}

// Nor do viewers that have not caught up yet: they have turns of their own, and those who
// take next to nothing never do.
func TestDemandIsOfThoseWhoCaughtUp(t *testing.T) {
	plainOnly(t, "holding knows no transport")
	b, enc := pacedLab(t, func(*settings.Limits) {})
	defer b.finish()
	var all []*peer
	for range 20 {
		all = append(all, b.join("v"))
	}
	want := func(when string, want int64) {
		t.Helper()
		enc.send("P x\n")
		b.advance(time.Millisecond)
		if n := b.loops[0].loop.demand.viewers.Load(); n != want {
			t.Errorf("%s: %d viewers count, want %d", when, n, want)
		}
	}
	want("all catch up", 0)
	all[0].hangup()
	all[1].room = 0
	b.packets(enc, 49)
	want("all but two have", 18)
	all[1].setRoom(-1)
	b.packets(enc, 49)
	want("one that waited has", 19)
}
