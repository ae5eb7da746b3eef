package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
	"streampump/engine/stream"
)

// stop is a process that stands still: time passes, and nobody runs. Its loops had
// been woken just before.
func (b *lab) stop(d time.Duration) {
	for _, k := range b.loops {
		k.loop.Wake()
	}
	b.now += int64(d)
}

// After the process stood still, what peers sent meanwhile counts before deadlines
// are acted on, whatever the deadline; and who sent nothing is closed as ever.
func TestWhatCameDuringAPauseCountsFirst(t *testing.T) {
	cfg := labConfig()
	for _, c := range []struct {
		name   string
		before string // sent before the pause
		during string
		open   bool
		want   string // of what was got after the pause
	}{
		{"a first request", "", "REPLY\n", true, "OK Reply"},
		{"the rest of a first request", "REP", "LY\n", true, "OK Reply"},
		{"a next request", "REPLY\n", "REPLY\n", true, "OK Reply"},
		{"a packet", "PUBLISH live\nH A\nPk 1\n", "Pk 2\n", true, ""},
		{"a header of a session that was set up", "SETUP live\n", "PUBLISH live\nH A\n", true, "OK Publish"},
		{"no first request", "", "", false, "REFUSED late"},
		{"no next request", "REPLY\n", "", false, "END late"},
		{"no packet", "PUBLISH live\nH A\nPk 1\n", "", false, "END idle"},
	} {
		b := newLab(t, cfg)
		p := b.dial("p", 0, "10.0.0.1")
		if c.before != "" {
			p.send(c.before)
		}
		p.got = nil
		b.stop(10 * time.Minute)
		if c.during != "" {
			p.lay(c.during)
		}
		b.run()
		got := string(p.got)
		if open := !p.gone && p.c.phase < phaseEnding; open != c.open || !strings.Contains(got, c.want) {
			t.Errorf("%s: open is %v, and it got %q; want %v and %q", c.name, open, got, c.open, c.want)
		}
		b.finish()
	}
}

// Reading what came during a pause may take longer than a turn. The pass that goes
// between acts on no deadline: whoever has not been read yet is not given up.
func TestPassBetweenReadsGivesNobodyUp(t *testing.T) {
	cfg := labConfig()
	b := newLab(t, cfg)
	var crowd []*peer
	for i := range 200 {
		crowd = append(crowd, b.dial("c", 0, fmt.Sprintf("10.0.1.%d", i)))
	}
	k := b.loops[0]
	b.stop(10 * cfg.Timeouts.Head)
	k.woken = false
	for _, p := range crowd {
		p.lay("REPLY\n")
	}
	k.loop.Run() // it finds that it overslept, and is to run again behind all of them
	k.cost = 100 * time.Microsecond
	b.run()
	k.cost = 0
	for i, p := range crowd {
		if !strings.Contains(string(p.got), "OK Reply") {
			t.Errorf("peer %d got %q", i, p.got)
		}
	}
	b.finish()
}

// A stream whose hold ran out during the pause is given up only when its encoder
// has had the chance to be heard.
func TestHoldWaitsForWhatCameDuringAPause(t *testing.T) {
	for _, back := range []bool{true, false} {
		cfg := labConfig()
		b := newLab(t, cfg)
		b.encoder("live", "H A").hangup()
		v := b.dial("enc", 0, "10.0.0.9")
		b.advance(time.Second)
		st := b.e.order[0]
		b.stop(cfg.Timeouts.PushHold)
		if back {
			v.lay("PUBLISH live\nH A\nPk 1\n")
		}
		b.env.Clock.Look(b.e.Due)
		// Deadlines of the loops have the clock look again, before all was read.
		for range 3 {
			b.now += int64(10 * time.Millisecond)
			b.env.Clock.Look(b.e.Due)
		}
		if got := st.State(); got != stream.SourceHeld {
			t.Errorf("the source is %v before its encoder was heard", got)
		}
		b.run()
		b.advance(2 * time.Second)
		want := stream.SourceDown
		if back {
			want = stream.SourceUp
		}
		if got := st.State(); got != want {
			t.Errorf("the source is %v, want %v", got, want)
		}
		b.finish()
	}
}

// A pass that has no time to look at every socket that takes bytes again gives
// nobody up whom it has not looked at.
func TestNobodyIsGivenUpUnseen(t *testing.T) {
	cfg := labConfig()
	b := newLab(t, cfg)
	b.silent = true
	enc := b.encoder("live", "H A audio")
	const crowd = 1000
	for range crowd {
		p := b.viewer("v", 0, "PLAY live")
		p.mute, p.room = true, 0
	}
	enc.send("P x\n")
	if n := b.e.Totals().Parked; n != crowd {
		t.Fatalf("%d of %d sockets are full", n, crowd)
	}
	b.stop(2 * cfg.Timeouts.Stall)
	k := b.loops[0]
	k.cost = 50 * time.Microsecond
	for _, p := range b.peers {
		if p.name == "v" {
			p.room = -1
		}
	}
	enc.lay("P y\n")
	b.run()
	if n := k.loop.stats.closes[reason.ViewerStalled].Load(); n != 0 {
		t.Errorf("%d viewers were given up whose sockets took everything", n)
	}
	if got := b.e.Totals(); got.Parked != 0 || got.Yields == 0 {
		t.Errorf("%d sockets are full after %d passes without time for all", got.Parked, got.Yields)
	}
	b.finish()
}

// A pass does not wait for all who want to be read.
func TestReadingGivesFanoutItsTurn(t *testing.T) {
	b := newLab(t, labConfig())
	b.silent = true
	enc := b.encoder("live", "H A audio")
	v := b.viewer("v", 0, "PLAY live")
	v.mute = true
	var crowd []*peer
	for range 200 {
		crowd = append(crowd, b.dial("c", 0, "10.0.0.2"))
	}
	k := b.loops[0]
	was, passes := v.total, 0
	enc.arrives([]byte("P x\n"))
	k.cost = 100 * time.Microsecond // of each answer
	for _, p := range crowd {
		p.arrives([]byte("REPLY\n"))
		if v.total > was {
			break
		}
		passes++
	}
	if limit := int(yieldAfter/int64(k.cost)) + 2; passes > limit {
		t.Errorf("the viewer got its packet behind %d answers, want no more than %d", passes, limit)
	}
	k.cost = 0
	b.run()
	b.finish()
}

// A loop that never has time for all its work says so while it lasts, and that it
// is over.
func TestOverloadIsSaid(t *testing.T) {
	cfg := labConfig()
	cfg.Fanout.Budget = 0
	b := newLab(t, cfg)
	b.silent = true
	enc := b.encoder("live", "H A audio")
	for range 200 {
		b.viewer("v", 0, "PLAY live").mute = true
	}
	k := b.loops[0]
	k.cost = 100 * time.Microsecond
	for end := b.now + int64(12*time.Second); b.now < end; {
		enc.arrives([]byte("P x\n"))
		k.round()
	}
	if n := b.e.Totals().Overloaded; n != 1 {
		t.Errorf("%d loops are overloaded", n)
	}
	k.cost = 0
	b.run()
	if n := b.e.Totals().Overloaded; n != 0 {
		t.Errorf("%d loops are overloaded when all is done", n)
	}
	log := b.log.String()
	if n := strings.Count(log, "too slow for its viewers"); n != 2 {
		t.Errorf("it was said %d times in 12s", n)
	}
	for _, want := range []string{"loop=0 viewers=200 streams=1 behind_for=1s passes=", "an event loop has caught up"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	b.finish()
}
