package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Packets carry the time of their arrival: the calendar's as it was at the start, and
// then the engine's own.
func TestPacketsHaveTheirTimeOfArrival(t *testing.T) {
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A stamp")
	enc.send("Pk \n")
	v := b.viewer("v", 0, "PLAY live")
	b.advance(1234 * time.Millisecond)
	enc.send("P \nP \n")
	b.advance(time.Second)
	enc.send("P \n")
	want := "{A}<0K:@0;<1:@1234;<2:@1234;<3:@2234;"
	if _, got, _ := cutLine(v.got); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b.finish()
}

// cutLine cuts the first line off.
func cutLine(b []byte) (line, rest string, found bool) {
	for i, c := range b {
		if c == '\n' {
			return string(b[:i]), string(b[i+1:]), true
		}
	}
	return "", string(b), false
}

// A packet that is held counts as the source's, and as a sign of its life, but not as
// left out; it wakes nobody, and comes in one piece with the one behind it, however
// large that makes it.
func TestHeldPackets(t *testing.T) {
	cfg := labConfig()
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A")
	enc.send("Pk x\n")
	v := b.viewer("v", 0, "PLAY live")
	v.text()
	st, piece := b.e.order[0], strings.Repeat("x", 300) // more than any room has to spare
	for i := range 3 {
		b.advance(cfg.Timeouts.PushIdle - time.Second)
		woken := b.loops[0].loop.stats.wakes.Load()
		enc.send("Ph " + piece + "\n")
		if n := b.loops[0].loop.stats.wakes.Load() - woken; n != 0 {
			t.Errorf("held packet %d woke the loop %d times", i, n)
		}
	}
	if enc.gone || v.text() != "" {
		t.Errorf("the encoder is closed: %v; the viewer got %q", enc.gone, v.got)
	}
	enc.send("P end\n")
	if want := "<1:" + piece + piece + piece + "end;"; string(v.got) != want {
		t.Errorf("got %q, want %q", v.got, want)
	}
	s := st.Snapshot()
	in := fmt.Sprint(s.PacketsIn, s.BytesIn, s.LeftOut, s.BacklogLen)
	if want := fmt.Sprint(5, len("Pk x")+3*len("Ph "+piece)+len("P end"), 0, 2); in != want {
		t.Errorf("packets, bytes, left out, in the backlog: %s, want %s", in, want)
	}
	b.finish()
}

// What is said of a stream is its header as it stands, not as it began.
func TestHeaderAsItStands(t *testing.T) {
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A renews")
	enc.send("Pk x\nP Renewed\n")
	if got := b.e.order[0].Snapshot().Media; got != "Renewed" {
		t.Errorf("the status says %q", got)
	}
	v := b.viewer("v", 0, "DESCRIBE live")
	if got := b.loops[0].loop.verdict.Media.String(); got != "Renewed" {
		t.Errorf("a viewer is told of %q: %s", got, v.text())
	}
	b.finish()
}
