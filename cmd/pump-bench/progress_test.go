package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"streampump/bench/load"
)

// plain is a progress without a terminal, and the time that it goes by.
func plain(total time.Duration, steps int) (p *progress, out *bytes.Buffer, pass func(time.Duration)) {
	out = new(bytes.Buffer)
	p = env{io.Discard, out}.newProgress(total, steps)
	now := p.began
	p.clock = func() time.Time { return now }
	return p, out, func(d time.Duration) { now = now.Add(d) }
}

func TestProgressOfPlayers(t *testing.T) {
	o := load.Options{Ramp: 10 * time.Second, Duration: 50 * time.Second}
	p, out, pass := plain(o.Expected(), 1)
	for s := range 25 {
		now := load.Progress{Counts: load.Counts{Held: s, Lost: 1}, Left: o.Expected() - time.Duration(s)*time.Second}
		if s > 15 {
			now.Measuring = time.Second
		}
		p.players(now)
		pass(time.Second)
	}
	p.done()
	if got, want := out.String(), "after 10 s: joining: 10 players, 1 lost, 51s left\nafter 20 s: 20 players, 1 lost, 41s left\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A step that ends early, or takes longer than was expected, does not make the
// time that is left for the others wrong.
func TestProgressOfSteps(t *testing.T) {
	p, out, pass := plain(90*time.Second, 3)
	p.next(30*time.Second, "100 viewers")
	pass(12 * time.Second)
	p.tell(12*time.Second, "joining")
	p.next(30*time.Second, "200 viewers")
	pass(50 * time.Second)
	p.tell(50*time.Second, "")
	p.next(30*time.Second, "300 viewers")
	pass(10 * time.Second)
	p.tell(-time.Second, "joining")
	p.done()
	want := `step 1 of 3: 100 viewers
after 12 s: 1/3 100 viewers: joining, 1m18s left
step 2 of 3: 200 viewers
after 62 s: 2/3 200 viewers: 30s left
step 3 of 3: 300 viewers
after 72 s: 3/3 300 viewers: joining, 30s left
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Where nobody knows how many steps there will be, the time that is left is that
// of the step.
func TestProgressOfAClimb(t *testing.T) {
	p, out, pass := plain(time.Second, 0)
	p.next(30*time.Second, "100 players")
	pass(12 * time.Second)
	p.tell(12*time.Second, "joining")
	p.next(50*time.Second, "200 players")
	pass(10 * time.Second)
	p.tell(10*time.Second, "")
	p.done()
	want := "step 1: 100 players\nafter 12 s: 100 players: joining, 18s left\nstep 2: 200 players\nafter 22 s: 200 players: 40s left\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestProgressByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := env{io.Discard, &out}.newProgress(25*time.Second, 1)
		stop := p.byClock("sending")
		// As the command would, that is busy for so long.
		<-time.After(32*time.Second + barEvery/2)
		stop()
		p.done()
		want := "after 10 s: sending, 15s left\nafter 20 s: sending, 5s left\nafter 30 s: sending, 0s left\n"
		if got := out.String(); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

// What is short says nothing.
func TestProgressOfAShortRunIsSilent(t *testing.T) {
	p, out, _ := plain(time.Second, 1)
	p.byClock("sending")()
	if out.Len() != 0 || strings.Contains(p.line(0, ""), "/") {
		t.Errorf("got %q, %q", out.String(), p.line(0, ""))
	}
}
