package loop

import (
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
)

// Many requests in one read are answered in turns, each with one write; beyond a
// burst at the connection's rate, and all of them in the end.
func TestPipelinedRequestsAreBounded(t *testing.T) {
	const requests = requestBurst + 200
	b := newLab(t, labConfig())
	p := b.dial("p", 0, "10.0.0.1")
	p.arrives([]byte(strings.Repeat("REPLY\n", requests)))
	answers := func() int { return strings.Count(string(p.got), "OK Reply\n") }
	if n, w := answers(), p.writes; n != requestTurn || w != 1 {
		t.Errorf("%d requests were answered at once with %d writes, want %d with one", n, w, requestTurn)
	}
	b.run()
	burst := answers()
	if burst < requestBurst || burst > requestBurst+2 {
		t.Errorf("%d requests were answered in a burst, want %d", burst, requestBurst)
	}
	b.advance(time.Second)
	if n := answers() - burst; n < 49 || n > 51 {
		t.Errorf("%d requests were answered in a second, want 50", n)
	}
	b.advance(4 * time.Second)
	if n := answers(); n != requests {
		t.Errorf("%d of %d requests were answered in the end", n, requests)
	}
	if p.gone {
		t.Error("the connection was closed")
	}
	b.finish()
}

// What waits is bounded: whoever sends on and on is closed.
func TestEndlessRequestsEndTheConnection(t *testing.T) {
	b := newLab(t, labConfig())
	p := b.dial("p", 0, "10.0.0.1")
	for range 10 {
		p.send(strings.Repeat("REPLY\n", 1000))
	}
	if !p.gone || p.c.reason != reason.TooManyRequests {
		t.Errorf("gone %v, %v", p.gone, p.c.reason)
	}
	if n := strings.Count(string(p.got), "\n"); n > requestBurst+requestTurn {
		t.Errorf("%d requests were answered", n)
	}
	b.finish()
}

// A peer that asks and does not read what it gets has its requests wait.
func TestRequestsWaitForTheirAnswersToBeTaken(t *testing.T) {
	b := newLab(t, labConfig())
	p := b.dial("p", 0, "10.0.0.1")
	p.room = 4
	p.send("REPLY")
	p.send("\n")
	p.send(strings.Repeat("REPLY\n", 20))
	if n := len(p.c.out.own); n > 20 || len(p.c.waiting()) == 0 {
		t.Errorf("%d bytes of answers wait, and %d of requests", n, len(p.c.waiting()))
	}
	p.setRoom(-1)
	if n := strings.Count(string(p.got), "OK Reply\n"); n != 21 {
		t.Errorf("%d requests were answered in the end", n)
	}
	b.finish()
}

// A viewer that streams has a rate too.
func TestRequestsOfAViewerAreBounded(t *testing.T) {
	b := newLab(t, labConfig())
	b.encoder("live", "H A")
	v := b.viewer("v", 0, "PLAY live")
	v.send(strings.Repeat("REPLY\n", viewingBurst-1)) // its PLAY was one
	if v.gone {
		t.Error("closed for what it may ask")
	}
	v.send(strings.Repeat("REPLY\n", 2))
	if !v.gone || v.c.reason != reason.TooManyRequests {
		t.Errorf("gone %v, %v", v.gone, v.c.reason)
	}
	b.finish()
}

// When the process was stopped for longer than the stall time, sockets that have
// become empty meanwhile are looked at before their viewers are closed, also where
// there are more of them than a turn has time for.
func TestNobodyIsClosedAfterAPause(t *testing.T) {
	const viewers = 1500
	cfg := labConfig()
	cfg.Timeouts.Stall = 2 * time.Second
	b := newLab(t, cfg)
	b.silent = true
	enc := b.encoder("live", "H A audio")
	for range viewers {
		b.viewer("v", 0, "PLAY live").mute = true
	}
	k := b.loops[0]
	for _, p := range k.socks {
		if p != enc {
			p.room = 1
		}
	}
	enc.send("P x\n")
	if n := b.e.Totals().Parked; n != viewers {
		t.Fatalf("%d sockets are full", n)
	}
	dead := 0
	for _, p := range k.socks {
		if p.room = -1; p != enc && dead < 3 { // some really have stopped
			p.room, dead = 0, dead+1
		}
	}
	k.cost = 10 * time.Microsecond
	b.advance(5 * time.Second)
	k.cost = 0
	b.run()
	if n := k.closed; n != dead {
		t.Errorf("%d of %d viewers were closed, %d take nothing", n, viewers, dead)
	}
	b.silent = false
	b.finish()
}

// Whatever is left when a connection's rate lets it go on has a deadline: the rest of
// no whole request is waited for no longer than behind any other answer.
func TestPartOfARequestBehindABurstHasADeadline(t *testing.T) {
	cfg := labConfig()
	b := newLab(t, cfg)
	p := b.dial("p", 0, "10.0.0.1")
	p.send(strings.Repeat("REPLY\n", requestBurst+1) + "REP")
	if len(p.c.waiting()) == 0 {
		t.Fatal("nothing waits")
	}
	b.advance(time.Second)
	p.send("LY\n")
	if n := strings.Count(string(p.got), "OK Reply\n"); n != requestBurst+2 || p.gone {
		t.Errorf("%d requests were answered, gone %v", n, p.gone)
	}
	p.send(strings.Repeat("REPLY\n", requestBurst+1) + "REP")
	b.advance(cfg.Timeouts.KeepAlive + 3*time.Second)
	if p.c.reason != reason.KeepAliveTimeout {
		t.Errorf("gone %v, %v", p.gone, p.c.reason)
	}
	b.finish()
}
