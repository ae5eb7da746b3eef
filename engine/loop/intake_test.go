package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
)

// read is how many bytes of what the peer has sent its loop has read, of sent.
func (p *peer) read(sent int) int { return sent - len(p.unread) }

// What a viewer may send without being noticed, and what is too much.
func TestViewersMaySendALittle(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes int
		every time.Duration
		want  reason.Reason
	}{
		{"a report each five seconds", 120, 5 * time.Second, reason.None},
		{"a request each second", 1000, time.Second, reason.None},
		{"all that it may", talkRate, time.Second, reason.None},
		{"a byte each ten milliseconds", 1, 10 * time.Millisecond, reason.None},
		{"a tenth more than it may", talkRate + talkRate/10, time.Second, reason.ViewerFloods},
		{"a megabyte a second", 1 << 20, time.Second, reason.ViewerFloods},
	} {
		b := newLab(t, labConfig())
		b.silent = true
		enc := b.encoder("live", "H A audio")
		v := b.viewer("v", 0, "PLAY live")
		end := b.now + int64(10*time.Minute)
		if c.every < time.Second {
			end = b.now + int64(30*time.Second)
		}
		for b.now < end && !v.gone {
			v.send(strings.Repeat("x", c.bytes))
			b.advance(c.every)
			enc.c.lastIn = b.now // it has its own time
		}
		if v.c.reason != c.want {
			t.Errorf("%s: it ends with %v, want %v", c.name, v.c.reason, c.want)
		}
		b.finish()
	}
}

// A viewer that sends as much as it can is read no faster than it may send, but for
// what is read at once, and is closed within seconds. Its stream goes on meanwhile.
func TestFloodOfAViewerIsNotRead(t *testing.T) {
	b := newLab(t, labConfig())
	b.silent = true
	enc := b.encoder("live", "H A audio")
	v := b.viewer("v", 0, "PLAY live")
	v.text()
	began, sent, packets := b.now, 0, 0
	flood := []byte(strings.Repeat("x", 60<<10))
	for !v.gone && b.now-began < int64(time.Minute) {
		v.sendBytes(flood)
		sent += len(flood)
		took := time.Duration(b.now - began)
		if n, most := v.read(sent), talkBurst+2*labRead+int(took.Seconds()*talkRate); n > most {
			t.Fatalf("%d bytes were read in %v, %d may be", n, took, most)
		}
		if !v.gone {
			enc.send("P x\n")
			if got := v.text(); got != fmt.Sprint(packets) {
				t.Fatalf("it got %q, want packet %d", got, packets)
			}
			packets++
		}
		b.advance(20 * time.Millisecond)
	}
	if v.c.reason != reason.ViewerFloods || b.now-began > int64(2*time.Second) {
		t.Errorf("it ends with %v after %v", v.c.reason, time.Duration(b.now-began))
	}
	if n := strings.Count(b.log.String(), "viewer_floods"); n != 2 { // why, and that it left
		t.Errorf("%d lines of the log tell of it:\n%s", n, b.log.String())
	}
	b.finish()
}

// A viewer that is not read may have a full socket too. It is read again behind that,
// and what it is owed has its deadline as ever.
func TestQuietViewerWithAFullSocket(t *testing.T) {
	cfg := labConfig()
	for _, takes := range []bool{true, false} {
		b := newLab(t, cfg)
		enc := b.encoder("live", "H A audio")
		v := b.viewer("v", 0, "PLAY live")
		v.setRoom(1)
		enc.send("P x\n")
		v.send(strings.Repeat("x", talkBurst+1))
		v.send("x")
		b.advance(3 * time.Second)
		if !v.quiet || !v.c.parked {
			t.Errorf("it is read: %v; its socket is full: %v", !v.quiet, v.c.parked)
		}
		if takes {
			v.setRoom(-1)
			b.advance(time.Millisecond)
			if v.quiet || len(v.unread) > 0 || v.gone {
				t.Errorf("it is not read again, or gone: %v", v.c.reason)
			}
		} else {
			b.advance(cfg.Timeouts.Stall)
			if v.c.reason != reason.ViewerStalled {
				t.Errorf("it ends with %v", v.c.reason)
			}
		}
		b.finish()
	}
}

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

// A viewer that is not read and then falls out of the backlog has two deadlines: it is
// read again at the first, and not when it has waited for a key frame in vain.
func TestQuietViewerFallsOut(t *testing.T) {
	cfg := labConfig()
	cfg.Backlog.Bytes = 64 << 10
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A")
	enc.send("Pk x\n")
	v := b.viewer("v", 0, "PLAY live")
	v.setRoom(1)
	v.send(strings.Repeat("x", talkBurst+1))
	enc.send(strings.Repeat("P "+strings.Repeat("y", 2000)+"\n", 60)) // and the key frame has gone
	v.setRoom(-1)
	if v.gone || !v.quiet || v.c.viewer().waitEnd == 0 {
		t.Fatalf("gone: %v; not read: %v; it waits for a key frame: %v", v.gone, v.quiet, v.c.viewer().waitEnd != 0)
	}
	b.advance(time.Duration(talkPause) + time.Millisecond)
	if v.quiet {
		t.Error("it is not read again")
	}
	b.finish()
}
