package loop

import (
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
)

// A peer that takes steps towards a request has sent none: its time goes on, whatever it
// sends meanwhile, and it is told so in the end.
func TestStepsEndNoDeadline(t *testing.T) {
	cfg := labConfig()
	cfg.Timeouts.Head = 10 * time.Second
	for _, c := range []struct {
		name  string
		after []time.Duration // when it takes its steps
	}{
		{"one_at_once", []time.Duration{0}},
		{"some_at_once", []time.Duration{0, 0, 0}},
		{"now_and_then", []time.Duration{3 * time.Second, 3 * time.Second, 3 * time.Second}},
		{"at_the_last_moment", []time.Duration{9900 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newLab(t, cfg)
			p := b.dial("p", 0, "10.0.0.1")
			opened := b.now
			for _, d := range c.after {
				b.advance(d)
				p.send("REPLY step\n")
			}
			if n := strings.Count(string(p.got), "OK Reply\n"); n != len(c.after) {
				t.Errorf("%d of %d steps were answered", n, len(c.after))
			}
			b.advance(time.Duration(opened+int64(cfg.Timeouts.Head)-b.now) - 50*time.Millisecond)
			if p.fin {
				t.Error("it was closed before its time was over")
			}
			b.advance(100 * time.Millisecond)
			if !p.fin || p.c.reason != reason.HeadTimeout || !strings.HasSuffix(string(p.got), "END late\n") {
				t.Errorf("closed %v, %v, told %q", p.fin, p.c.reason, p.got)
			}
			b.finish()
		})
	}
}

// Nor do steps that come faster than they are answered, and wait.
func TestStepsThatWaitEndNoDeadline(t *testing.T) {
	cfg := labConfig()
	cfg.Timeouts.Head = 10 * time.Second
	b := newLab(t, cfg)
	p := b.dial("p", 0, "10.0.0.1")
	p.send(strings.Repeat("REPLY step\n", 1000))
	b.advance(cfg.Timeouts.Head - time.Second)
	if p.fin || len(p.c.waiting()) == 0 {
		t.Fatalf("closed %v, %d bytes wait", p.fin, len(p.c.waiting()))
	}
	b.advance(time.Second + time.Second/10)
	if !p.fin || p.c.reason != reason.HeadTimeout {
		t.Errorf("closed %v, %v", p.fin, p.c.reason)
	}
	b.finish()
}

// A request behind steps is one, and what comes later has the time between requests.
func TestRequestBehindSteps(t *testing.T) {
	cfg := labConfig()
	b := newLab(t, cfg)
	p := b.dial("p", 0, "10.0.0.1")
	p.send("REPLY step\nREPLY step\nREPLY\n")
	b.advance(cfg.Timeouts.KeepAlive - time.Second)
	p.send("REPLY step\n")
	b.advance(cfg.Timeouts.KeepAlive - time.Second)
	if n := strings.Count(string(p.got), "OK Reply\n"); n != 4 || p.fin {
		t.Errorf("%d answers, closed %v", n, p.fin)
	}
	b.advance(2 * time.Second)
	if p.c.reason != reason.KeepAliveTimeout {
		t.Errorf("closed %v, %v", p.fin, p.c.reason)
	}
	b.encoder("live", "H A").send("Pk x\n")
	v := b.viewer("v", 0, "REPLY step\nPLAY live")
	v.send("REPLY step\n")
	b.advance(2 * cfg.Timeouts.Head)
	if v.fin || v.c.viewer() == nil || !v.c.ticket.Carrying() {
		t.Errorf("a viewer that began with a step was closed: %v", v.c.reason)
	}
	b.finish()
}

// Whoever only takes steps is among those who have sent no request: they do not make
// room for others, whom their address may not have besides.
func TestStepsAreCountedAsWithoutARequest(t *testing.T) {
	cfg := labConfig()
	cfg.Limits.LoosePerAddress = 2
	b := newLab(t, cfg)
	steps, asks := b.dial("steps", 0, "10.0.0.1"), b.dial("asks", 0, "10.0.0.1")
	steps.send("REPLY step\n")
	asks.send("REPLY step\n")
	if p := b.dial("p", 0, "10.0.0.1"); p.c.reason != reason.TooManyPending {
		t.Errorf("a third connection of two: %v", p.c.reason)
	}
	asks.send("REPLY\n")
	if p := b.dial("p", 0, "10.0.0.1"); p.c.reason != reason.None || asks.c.reason != reason.TooManyIdle || steps.gone {
		t.Errorf("a third connection, where one has asked: %v, and the one %v", p.c.reason, asks.c.reason)
	}
	b.finish()
}

// Who leaves behind a step has asked for nothing, though it was sent something.
func TestLeavesBehindAStep(t *testing.T) {
	for _, half := range []bool{false, true} {
		b := newLab(t, labConfig())
		p := b.dial("p", 0, "10.0.0.1")
		p.send("REPLY step\n")
		if half {
			p.halfClose()
		} else {
			p.hangup()
		}
		if !p.gone || p.c.reason != reason.PeerLeft || len(p.got) == 0 {
			t.Errorf("half %v: gone %v, %v", half, p.gone, p.c.reason)
		}
		b.finish()
	}
}
