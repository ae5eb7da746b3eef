package loop

import (
	"strings"
	"testing"
	"time"

	"streampump/engine/settings"
)

// A stream whose viewers take more than one turn of the loop must not keep the
// viewers of another waiting: these are served in every pass but the first.
func TestHugeShowDoesNotStarveAnother(t *testing.T) {
	cfg := labConfig()
	cfg.Fanout.Budget = 0
	b := newLab(t, cfg, settings.Stream{Path: "huge", Push: true}, settings.Stream{Path: "small", Push: true})
	huge, small := b.encoder("huge", "H A audio"), b.encoder("small", "H B audio")
	b.silent = true
	for range 2000 {
		b.viewer("h", 0, "PLAY huge").mute = true
	}
	v := b.viewer("s", 0, "PLAY small")
	b.loops[0].cost = 10 * time.Microsecond
	k := b.loops[0]
	for round := range 10 {
		// Published without a run in between, as if the loop were busy.
		huge.arrives([]byte("P x\n"))
		small.arrives([]byte("P x\n"))
		before := v.writes
		k.woken = false
		k.loop.Run()
		if round > 0 && v.writes == before {
			t.Fatalf("round %d: a pass of %d writes served the small stream's viewer not at all", round, k.writes)
		}
	}
	k.cost = 0
	b.run()
	for _, p := range b.peers {
		if w := p.c.viewer(); w != nil && w.next != w.prog.Ring.Head() {
			t.Fatalf("a viewer of the huge stream is at %d of %d", w.next, w.prog.Ring.Head())
		}
	}
	b.finish()
}

// A pass that takes long yields, and the rest of the sweep follows.
func TestLongPassYields(t *testing.T) {
	cfg := labConfig()
	cfg.Fanout.Budget = 0
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A audio")
	for range 500 {
		b.viewer("v", 0, "PLAY live").mute = true
	}
	k := b.loops[0]
	k.cost = 50 * time.Microsecond
	enc.arrives([]byte("P x\n"))
	k.woken = false
	before := k.writes
	k.loop.Run()
	if n := k.writes - before; n < 100 || n > 150 || !k.woken {
		t.Errorf("%d writes in a pass of 50 µs each, another follows: %v; want about 5 ms of them", n, k.woken)
	}
	b.run()
	if n := k.writes - before; n != 500 {
		t.Errorf("%d writes for 500 viewers", n)
	}
	b.finish()
}

// A pass does not take longer when many viewers have a long backlog to catch up
// with, or when many sockets take bytes again at once; all get it in the end.
func TestPassIsShortWhateverThereIsToSend(t *testing.T) {
	cfg := labConfig()
	cfg.Limits.LoosePerAddress = 0
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A")
	enc.send("Pk x\n" + strings.Repeat("P "+strings.Repeat("x", 1000)+"\n", 2500))
	b.silent = true
	k := b.loops[0]
	k.cost = 20 * time.Microsecond
	run := func() (longest time.Duration) {
		for k.woken {
			began := b.now
			k.woken = false
			k.loop.Run()
			longest = max(longest, time.Duration(b.now-began))
		}
		return longest
	}
	var viewers []*peer
	for range 600 {
		v := b.dial("v", 0, "10.0.0.1")
		v.mute, v.room = true, 1300<<10
		viewers = append(viewers, v)
	}
	for _, v := range viewers {
		v.arrives([]byte("PLAY live\n"))
	}
	most := 3*time.Duration(yieldAfter) + 128*k.cost*time.Duration(turns) // a look at the sockets is not cut short
	if got := run(); got > most {
		t.Errorf("a pass over viewers who catch up took %v, want no more than %v", got, most)
	}
	for _, v := range viewers {
		v.room = -1
	}
	k.loop.Wake()
	if got := run(); got > most {
		t.Errorf("a pass over sockets that take bytes again took %v, want no more than %v", got, most)
	}
	for _, v := range viewers {
		if w := v.c.viewer(); w.next != w.prog.Ring.Head() {
			t.Fatalf("a viewer is at %d of %d", w.next, w.prog.Ring.Head())
		}
	}
	b.finish()
}

// A joiner with a long backlog on a fast network gets it in turns.
func TestLongBacklogIsServedInTurns(t *testing.T) {
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A")
	enc.send("Pk x\n")
	packet := "P " + strings.Repeat("x", 1000) + "\n"
	for range 5000 {
		enc.send(packet)
	}
	v := b.dial("v", 0, "10.0.0.1")
	v.arrives([]byte("PLAY live\n"))
	if n := v.writes; n != turns || !v.c.hungry {
		t.Errorf("%d writes at once, hungry %v; want %d", n, v.c.hungry, turns)
	}
	v.got = nil
	b.run()
	if w := v.c.viewer(); w.next != 5001 || v.c.hungry {
		t.Errorf("the joiner is at %d of 5001", w.next)
	}
	b.finish()
}
