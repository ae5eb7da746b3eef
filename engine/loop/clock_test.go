package loop

import (
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"streampump/engine/internal/text"
	"streampump/engine/stream"
)

// A loop that sets a new deadline while the clock looks at the one that has come is
// not forgotten: the clock has seen the new one, or is told to look again.
func TestDeadlineSetWhileTheClockLooks(t *testing.T) {
	b := newLab(t, labConfig())
	l := b.loops[0].loop
	var round atomic.Int64
	armed := make(chan struct{}, 1)
	go func() {
		for n := int64(1); ; n++ {
			for round.Load() < n {
				runtime.Gosched()
			}
			if round.Load() > 1<<40 {
				return
			}
			l.arm()
			armed <- struct{}{}
		}
	}()
	soon := b.now + int64(2*time.Millisecond)
	for n := range int64(100000) {
		l.deadline.Store(b.now)
		l.flushAt = soon
		round.Store(n + 1)
		for range n % 40 {
			l.pending.Store(false)
		}
		b.env.Clock.Look(b.e.Due)
		<-armed
		if next := b.env.Clock.Next(); l.deadline.Load() == soon && next > soon {
			t.Fatalf("round %d: the loop must run in 2ms, the clock sleeps %v", n, time.Duration(next-b.now))
		}
	}
	round.Store(1 << 41)
}

// The clock runs at every held packet's deadline, and strangers can fill the session
// table: it is looked through only once in a while.
func TestSessionsAreSweptOnceInAWhile(t *testing.T) {
	b := newLab(t, labConfig())
	b.e.Due(b.now)
	for i := range 3 {
		in := stream.NewIngest(b.e.order[0])
		in.Expires.Store(b.now)
		if _, ok := b.e.ingests.Add(in, netip.MustParseAddr("10.0.0.1")); !ok {
			t.Fatal("no room")
		}
		b.now += int64(2 * time.Millisecond)
		b.e.Due(b.now)
		if n := b.e.ingests.Count(); n != i+1 {
			t.Fatalf("%d sessions are left of %d, 2ms after the last sweep", n, i+1)
		}
	}
	b.advance(sweepInterval)
	if n := b.e.ingests.Count(); n != 0 {
		t.Errorf("%d expired sessions are left", n)
	}
	b.finish()
}

// Sockets that come and go between full and not full take a loop's time in each
// pass. What fan-out may take is its own, so the healthy viewers do not wait.
func TestSlowViewersDoNotStarveTheOthers(t *testing.T) {
	cfg := labConfig()
	cfg.Fanout.Budget = 0
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A audio")
	b.silent = true
	for range 300 {
		b.viewer("healthy", 0, "PLAY live").mute = true
	}
	for range 1000 {
		p := b.viewer("slow", 0, "PLAY live")
		p.mute, p.room = true, 0
	}
	enc.send("P x\n")
	k := b.loops[0]
	k.cost = 10 * time.Microsecond
	for _, p := range b.peers {
		if p.name == "slow" {
			p.room = 1
		}
	}
	enc.arrives([]byte("P x\n"))
	k.woken = false
	before := k.writes
	k.loop.Run()
	served := 0
	for _, p := range b.peers {
		if v := p.c.viewer(); p.name == "healthy" && v.next == v.prog.Ring.Head() {
			served++
		}
	}
	if served < 250 {
		t.Errorf("a pass of %d writes served %d of 300 healthy viewers", k.writes-before, served)
	}
	k.cost = 0
	b.run()
	b.finish()
}

// When the pump goes down, a source that it has just sent away is not said to have
// stayed away.
func TestStreamsEndWithThePump(t *testing.T) {
	b := newLab(t, labConfig())
	b.encoder("live", "H A")
	b.run()
	b.shutdown()
	b.finish()
	log := b.log.String()
	if !strings.Contains(log, `msg="stream is over" stream=live why="this server is going down"`) || strings.Contains(log, "did not come back") {
		t.Errorf("the log says\n%s", log)
	}
}

// A source that is lost, and then known to be over, ends its viewers when the
// shorter hold is over, and not when the clock happens to look.
func TestShorterHoldIsKept(t *testing.T) {
	cfg := labConfig()
	cfg.Timeouts.PushHold, cfg.Timeouts.EndHold = time.Minute, 300*time.Millisecond
	b := newLab(t, cfg)
	b.encoder("live", "H A")
	b.run()
	st := b.e.order[0]
	b.advance(time.Second)
	b.advance(10 * time.Millisecond) // the clock has just looked, and does so once a second
	in := stream.NewIngest(st)
	if err := in.Header(text.NewMedia("A"), b.now); err != nil {
		t.Fatal(err)
	}
	in.Down(stream.Lost, "cut", b.now)
	in.Down(stream.Ended, "over", b.now)
	b.advance(299 * time.Millisecond)
	if got := st.State(); got != stream.SourceHeld {
		t.Errorf("before the hold is over the source is %v", got)
	}
	b.advance(time.Millisecond)
	if got := st.State(); got != stream.SourceDown {
		t.Errorf("when the hold is over the source is %v", got)
	}
	b.finish()
}
