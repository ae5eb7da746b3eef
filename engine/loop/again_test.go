package loop

import (
	"strings"
	"testing"

	"streampump/engine/internal/text"
	"streampump/engine/reason"
)

// A viewer whose programme ends in the pass in which it comes, halts, and comes again, has
// its second Play: what was to end the first ends nothing more.
func TestViewerComesAgainAtTheEndOfItsProgramme(t *testing.T) {
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A")
	enc.send("Pk x\n")
	changed := false
	b.loops[0].before = func(*peer) {
		if changed {
			return
		}
		changed = true
		if err := enc.c.ingest.Header(text.NewMedia("B"), b.now); err != nil {
			t.Error(err)
		}
		enc.c.ingest.Commit()
	}
	v := b.viewer("v", 0, "PLAY live plain\nHALT\nPLAY live plain")
	enc.send("Pk y\n")
	if got, want := v.text(), `"OK Play" [A] 0 "OK Halt" "OK Play" [B] 0`; got != want || v.fin {
		t.Errorf("got %s, want %s; closed: %v", got, want, v.fin)
	}
	b.finish()
}

// A viewer that has halted goes on behind what it has had, at the next key frame, however
// early it comes again; at another programme it begins as anybody does.
func TestViewerThatHaltedIsSentNothingTwice(t *testing.T) {
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A")
	enc.send("Pk x\nP x\n")
	v := b.viewer("v", 0, "PLAY live")
	v.got = nil
	v.send("HALT\nPLAY live\n")
	enc.send("P x\nP x\nPk y\nP y\n")
	if got := v.text(); !strings.HasPrefix(got, `"OK Halt" "OK Play s=`) || !strings.HasSuffix(got, "{A} 4-5") {
		t.Errorf("a new key frame: got %s", got)
	}
	v.got = nil
	v.send("HALT\n")
	enc.send("H B\nPk z\n")
	v.send("PLAY live\n")
	if got := v.text(); !strings.HasSuffix(got, "{B} 0") {
		t.Errorf("another programme: got %s", got)
	}
	b.finish()
}

// What ends a viewer from another connection, who comes back to its session there or
// stops it, may reach it when it has halted and plays another: that is not meant.
func TestEndFromElsewhereIsOfOneSession(t *testing.T) {
	for _, full := range []bool{false, true} {
		for _, request := range []string{"PLAY live s=KEY", "STOP s=KEY close"} {
			cfg := labConfig()
			cfg.Loops = 2
			if full {
				cfg.Limits.Viewers.Viewers = 2
			}
			b := newLab(t, cfg)
			enc := b.encoder("live", "H A")
			enc.send("Pk x\n")
			v := b.viewer("v", 0, "PLAY live")
			key := v.takesKey()
			if full {
				b.dial("w", 1, "10.0.0.2").send("PLAY live\n")
			}
			other := b.dial("other", 1, "10.0.0.1")
			v.got = nil
			other.arrives([]byte(strings.ReplaceAll(request, "KEY", key) + "\n"))
			v.arrives([]byte("HALT\n"))
			if request[0] == 'P' && full { // its place is taken, until one leaves
				b.peer("w").hangup()
			}
			v.arrives([]byte("PLAY live\n"))
			b.run()
			enc.send("Pk y\n")
			if got := v.text(); v.fin || v.gone || !strings.HasPrefix(got, `"OK Halt" "OK Play s=`) || !strings.HasSuffix(got, "{A} 1") {
				t.Errorf("%s, full: %v: got %s; closed: %v, with %v", request, full, got, v.fin || v.gone, v.c.reason)
			}
			b.finish()
		}
	}
}

// One that closes its side in between has its place taken all the same.
func TestPlaceOfOneThatClosesItsSideIsTaken(t *testing.T) {
	cfg := labConfig()
	cfg.Loops, cfg.Limits.Viewers.Viewers = 2, 1
	b := newLab(t, cfg)
	b.encoder("live", "H A").send("Pk x\n")
	v := b.viewer("v", 0, "PLAY live")
	key := v.takesKey()
	other := b.dial("other", 1, "10.0.0.1")
	other.arrives([]byte("PLAY live s=" + key + "\n"))
	v.halfClose()
	if got := other.text(); !v.gone || v.c.reason != reason.ViewerReturned || !strings.HasSuffix(got, "{A} 0") {
		t.Errorf("the old one is gone: %v, with %v; the new one got %s", v.gone, v.c.reason, got)
	}
	b.finish()
}

// A viewer that halts or stops while this server goes down is told that: its connection
// does not stay to ask for more.
func TestHaltAtTheEndOfTheServer(t *testing.T) {
	for _, request := range []string{"HALT", "STOP s=KEY", "HALT\nPLAY live"} {
		b := newLab(t, labConfig())
		enc := b.encoder("live", "H A")
		enc.send("Pk x\n")
		v := b.viewer("v", 0, "PLAY live")
		key := v.takesKey()
		v.text()
		v.room = 4
		enc.send("P abcdefgh\n")
		b.shutdown()
		v.send(strings.ReplaceAll(request, "KEY", key) + "\n")
		v.setRoom(-1)
		if got := v.text(); got != `1 "END shutdown"` || !v.fin || v.c.reason != reason.ShuttingDown {
			t.Errorf("%q: got %s; closed: %v, with %v", request, got, v.fin, v.c.reason)
		}
		b.finish()
	}
}

// One whose answer is on its way when this server goes down is told behind it.
func TestAnswerAtTheEndOfTheServer(t *testing.T) {
	b := newLab(t, labConfig())
	b.encoder("live", "H A").send("Pk x\n")
	v := b.dial("v", 0, "10.0.0.1")
	v.room = 4
	v.send("REPLY\n")
	b.shutdown()
	v.setRoom(-1)
	v.send("PLAY live\n")
	if got := v.text(); got != `"OK Reply" "END shutdown"` || !v.fin || v.c.reason != reason.ShuttingDown {
		t.Errorf("got %s; closed: %v, with %v", got, v.fin, v.c.reason)
	}
	b.finish()
}
