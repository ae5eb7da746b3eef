package loop

import (
	"slices"
	"testing"
	"time"
)

// Whoever has not answered is named, each time; whoever answers is asked again.
func TestBeat(t *testing.T) {
	cfg := labConfig()
	cfg.Loops = 2
	b := newLab(t, cfg)
	want := func(what string, names ...string) {
		t.Helper()
		if got := b.e.Beat(); !slices.Equal(got, names) {
			t.Errorf("%s: silent are %q, want %q", what, got, names)
		}
	}
	want("nobody was asked before")
	b.advance(time.Millisecond)
	want("nobody has anything else to do")
	b.loops[0].round()
	want("loop 1 and the clock stand still", "event loop 1", "the engine's clock")
	b.loops[0].round()
	want("they still do", "event loop 1", "the engine's clock")
	b.loops[0].round()
	b.loops[1].round()
	want("the clock stands still", "the engine's clock")
	if n := len(b.loops[1].loop.mail); n != 1 {
		t.Errorf("%d questions wait for a loop", n)
	}
	b.advance(time.Millisecond)
	want("all go on")
}

// A loop that always has more to do than a pass allows answers in each pass.
func TestBeatOfABusyLoop(t *testing.T) {
	cfg := labConfig()
	cfg.Fanout.Budget = 0
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A audio")
	b.silent = true
	for range 3 * yieldCheck {
		b.viewer("", 0, "PLAY live").mute = true
	}
	k := b.loops[0]
	k.cost = time.Millisecond // a sweep takes many times yieldAfter
	before := k.loop.stats.yields.Load()
	b.e.Beat()
	for range 10 {
		enc.arrives([]byte("P x\n"))
		k.woken = false
		k.loop.Run()
		b.env.Clock.Look(b.e.Due)
		if silent := b.e.Beat(); len(silent) > 0 {
			t.Fatalf("silent: %q", silent)
		}
	}
	if n := k.loop.stats.yields.Load() - before; n != 10 {
		t.Errorf("%d of 10 passes had no time for all their work", n)
	}
}
