package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
)

// An encoder may send as many packets at once as in a second, and then so many a
// second, whatever the pieces. All of them come to its viewers, in order.
func TestEncodersHaveARate(t *testing.T) {
	const rate, packets = 1000, 10_000
	body := strings.Repeat("P x\n", packets)
	for _, piece := range []int{4, 7, 1000, labRead, len(body)} {
		cfg := labConfig()
		cfg.Limits.Packets = rate
		b := newLab(t, cfg)
		b.silent = true
		enc := b.encoder("live", "H A audio")
		v := b.viewer("v", 0, "PLAY live")
		enc.send("P first\n")
		v.text()
		began := b.now
		for i := 0; i < len(body); i += piece {
			enc.send(body[i:min(i+piece, len(body))])
		}
		seen := func() int { return int(b.e.order[0].Snapshot().PacketsIn) }
		// Each read counts, and may end inside a packet.
		if n := seen(); n > rate+2 || n < rate/3 {
			t.Errorf("pieces of %d: %d packets were taken at once", piece, n)
		}
		for before := seen(); before <= packets && b.now-began < int64(time.Minute); {
			b.advance(time.Second)
			n := seen()
			if n-before > rate+rate/20 || n-before < rate/3 && n <= packets {
				t.Errorf("pieces of %d: %d packets were taken in a second", piece, n-before)
			}
			before = n
		}
		b.advance(time.Second)
		if got, want := v.text(), fmt.Sprintf("1-%d", packets); got != want {
			t.Errorf("pieces of %d: the viewer got %q, want %q", piece, got, want)
		}
		if n := strings.Count(b.log.String(), "encoder is slowed down"); n != 1 {
			t.Errorf("pieces of %d: the log says %d times that it is slowed down", piece, n)
		}
		if enc.gone || enc.quiet || enc.c.inbox != nil {
			t.Errorf("pieces of %d: gone %v, not read %v, something waits %v", piece, enc.gone, enc.quiet, enc.c.inbox != nil)
		}
		b.finish()
	}
}

// A turn takes some packets of an encoder, whatever its rate; then the viewers of the
// loop have theirs.
func TestTurnTakesSomePackets(t *testing.T) {
	for _, rate := range []int{0, 1 << 20} {
		cfg := labConfig()
		cfg.Limits.Packets = rate
		a := newAttacked(t, cfg)
		enc := a.encoder("bad", "H B audio")
		a.enc.arrives([]byte("P x\n")) // the healthy viewer is to be served
		before := a.bad().PacketsIn
		enc.arrives([]byte(strings.Repeat("P x\n", 10*packetTurn)))
		if n := a.bad().PacketsIn - before; n != packetTurn {
			t.Errorf("rate %d: a turn takes %d packets, want %d", rate, n, packetTurn)
		}
		for want := uint64(2 * packetTurn); want <= 10*packetTurn; want += packetTurn {
			a.loops[0].round()
			if n := a.bad().PacketsIn - before; n != want {
				t.Fatalf("rate %d: %d packets were taken, want %d", rate, n, want)
			}
			if got := a.good.text(); got == "" && want == 2*packetTurn {
				t.Error("the healthy viewer waits for another's encoder")
			}
		}
		a.run()
		if enc.quiet {
			t.Errorf("rate %d: the encoder is not read, and nothing waits", rate)
		}
		a.finish()
	}
}

// Packets that cannot be read have the rate of others, and give their encoder no more
// time.
func TestSlowedEncoderOfGarbageIsIdle(t *testing.T) {
	cfg := labConfig()
	cfg.Limits.Packets = 10
	b := newLab(t, cfg)
	b.silent = true
	enc := b.encoder("live", "H A audio")
	enc.send("P x\n")
	began := b.now
	for enc.c.reason == reason.None && b.now-began < 2*int64(cfg.Timeouts.PushIdle) {
		enc.send(strings.Repeat("MESS x\n", 50))
		b.advance(time.Second)
	}
	if enc.c.reason != reason.PushIdle {
		t.Errorf("it ends with %v after %v", enc.c.reason, time.Duration(b.now-began))
	}
	b.advance(time.Minute)
	b.finish()
}

// Whatever becomes of an encoder whose packets wait, nothing of it stays, and what it is
// told arrives.
func TestSlowedEncodersEnd(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(b *lab, enc *peer)
		want reason.Reason
		told string
	}{
		"hang up":  {func(_ *lab, enc *peer) { enc.hangup() }, reason.PushLost, ""},
		"shutdown": {func(b *lab, _ *peer) { b.shutdown() }, reason.ShuttingDown, "END shutdown"},
		"taken":    {func(b *lab, _ *peer) { b.encoder("live", "H B audio") }, reason.PushTaken, "END taken"},
		"evil":     {func(_ *lab, enc *peer) { enc.send("BREACH x\n") }, reason.PushRefused, "END refused"},
		"pause": {func(b *lab, enc *peer) {
			enc.send("PAUSE\nREPLY\n")
			b.advance(20 * time.Second)
			enc.hangup()
		}, reason.PushLost, "OK Reply"},
	} {
		cfg := labConfig()
		cfg.Limits.Packets = 100
		b := newLab(t, cfg)
		enc := b.encoder("live", "H A audio")
		for range 5 {
			enc.send(strings.Repeat("P x\n", 100))
		}
		if !enc.quiet {
			t.Errorf("%s: the encoder is read", name)
		}
		c.do(b, enc)
		b.advance(20 * time.Second)
		if enc.c.reason != c.want || !strings.Contains(string(enc.got), c.told) {
			t.Errorf("%s: it ends with %v, want %v, and was told %q, want %q", name, enc.c.reason, c.want, enc.got, c.told)
		}
		b.finish()
	}
}
