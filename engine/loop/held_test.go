package loop

import (
	"math/rand/v2"
	"testing"
	"time"

	"streampump/engine/clock"
)

const ms = int64(time.Millisecond)

// A show whose last viewer left while packets were held tells the next one of
// what comes.
func TestViewerAfterAnEmptyShowIsServed(t *testing.T) {
	cfg := labConfig()
	cfg.Loops = 2
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A audio")
	var first []*peer
	for range 600 {
		p := b.viewer("first", 1, "PLAY live")
		p.mute = true
		first = append(first, p)
	}
	for range 150 { // so that fan-out is known to be dear
		enc.send("P x\n")
		b.advance(10 * time.Millisecond)
	}
	enc.send("P x\n")
	show := b.e.loops[1].showOf(b.e.order[0])
	if !show.Asleep.Load() {
		t.Fatal("no packets are held")
	}
	b.silent = true // nothing runs until the next advance
	for _, p := range first {
		p.hangup()
	}
	// A pass whose turn was over before it came to the show still forgets it.
	b.loops[1].loop.dropShows()
	b.silent = false
	b.advance(cfg.Fanout.Budget) // nothing is due any more
	second := b.viewer("second", 1, "PLAY live")
	enc.send("P last\n")
	b.advance(cfg.Fanout.Budget)
	if v := second.c.viewer(); v.next != v.prog.Ring.Head() {
		t.Errorf("the new viewer is at %d of %d", v.next, v.prog.Ring.Head())
	}
	b.finish()
}

// Whatever the source does and however many viewers there are, everybody has a
// burst within the budget; and shares are equal while the source is regular.
func TestHeldServesAllInTime(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		n := 1 + r.IntN(3000)
		m := limits{budget: (10 + r.Int64N(300)) * ms, want: r.Int64N(500) * ms}
		every := (1 + r.Int64N(120)) * ms
		var h held
		behind := 0
		owes := map[uint64]int64{} // held.served, when all have it, and when it came
		now, next := ms, ms
		for step := 0; step < 400; step++ {
			if now >= next {
				h.arrived(n, now)
				behind = n
				owes[h.served+uint64(n)] = now
				next = now + every
				if r.IntN(20) == 0 {
					next += r.Int64N(400) * ms // a pause
				}
			}
			owed := min(h.due(now, m, n, 0), behind)
			h.served += uint64(owed)
			behind -= owed
			for until, at := range owes {
				if h.served >= until || behind == 0 {
					delete(owes, until)
				} else if now-at > m.budget {
					t.Fatalf("%d viewers, a burst each %v, budget %v: not all have one after %v", n, time.Duration(every), time.Duration(m.budget), time.Duration(now-at))
				}
			}
			if behind == 0 {
				h.clear()
			}
			wake := next
			if behind > 0 {
				wake = min(wake, h.next(m))
			}
			if wake <= now {
				t.Fatalf("it wants to be woken %v ago", time.Duration(now-wake))
			}
			now = wake
		}
	}
}

func TestTurns(t *testing.T) {
	m := limits{budget: 90 * ms, want: 90 * ms}
	for _, c := range []struct {
		interval int64
		limits   limits
		want     float64
	}{
		{0, m, 1}, // it is not known yet how the source sends
		{40 * ms, m, 3},
		{42 * ms, m, 3}, // a little late by the average
		{46 * ms, m, 2},
		{33 * ms, m, 3},
		{100 * ms, m, 1},
		{10 * ms, m, 9},
		{10 * ms, limits{90 * ms, 25 * ms}, 3}, // three are cheap enough
		{10 * ms, limits{0, 25 * ms}, 1},
	} {
		h := held{interval: c.interval, shortest: c.interval}
		if got := h.turns(c.limits); got != c.want {
			t.Errorf("every %v, %+v: %v turns, want %v", time.Duration(c.interval), c.limits, got, c.want)
		}
	}
}

// A source whose sound comes between its pictures has bursts that are far from equally
// spaced. Viewers are still served no sooner than they must be, and not all of them at once.
func TestSoundBetweenPictures(t *testing.T) {
	const viewers, seconds = 1000, 60
	for _, c := range []struct {
		picture, sound int64 // microseconds from one to the next; 0: there are none
		want           int64
		calls          float64 // a second and viewer, at most: with equal shares they were
		share          float64 // the largest but for the first second
	}{
		{40_000, 0, 225, 8.4, 0.43},      // 8.4
		{40_000, 21_333, 225, 10.6, 0.4}, // 12.0
		{33_333, 23_220, 225, 11.1, 0.3}, // 12.2
		{40_000, 32_000, 225, 11.1, 0.3}, // 11.4
		{0, 21_333, 225, 9.5, 0.3},       // 11.3
		{40_000, 21_333, 68, 13.4, 0.45}, // 14.1
	} {
		m := limits{budget: 90 * ms, want: c.want * ms}
		var h held
		served, largest := 0, 0
		behind, picture, sound := 0, c.picture, c.sound+7_000
		for now := int64(0); now < seconds*1e6; {
			nano := now * 1000
			for _, next := range []struct {
				at    *int64
				every int64
			}{{&picture, c.picture}, {&sound, c.sound}} {
				if next.every > 0 && now >= *next.at {
					h.arrived(viewers, nano)
					behind, *next.at = viewers, *next.at+next.every
				}
			}
			owed := min(h.due(nano, m, viewers, 0), behind)
			h.served += uint64(owed)
			behind -= owed
			served += owed
			if now > 1e6 {
				largest = max(largest, owed)
			}
			wake := clock.Never
			if behind > 0 {
				wake = (h.next(m) + 999) / 1000
			}
			if c.picture > 0 {
				wake = min(wake, picture)
			}
			if c.sound > 0 {
				wake = min(wake, sound)
			}
			now = wake
		}
		calls, share := float64(served)/viewers/seconds, float64(largest)/viewers
		if calls > c.calls || share > c.share {
			t.Errorf("pictures each %d µs and sound each %d: %.2f calls a second and viewer, want at most %v; %.2f of the viewers are served at once, want at most %v", c.picture, c.sound, calls, c.calls, share, c.share)
		}
	}
}

// drill is a show whose loop wakes only when it must: when somebody publishes and
// the show is not asleep, and when it said itself that it wants to.
type drill struct {
	t       *testing.T
	s       *show
	m       limits
	now     int64
	wake    int64
	hold    bool
	yields  bool
	pending bool
}

// run is one pass.
func (d *drill) run(r *rand.Rand) {
	s := d.s
	d.pending, d.wake = false, clock.Never
	s.take(d.hold, d.m, d.now)
	serve := s.owed
	if d.yields && r.IntN(4) == 0 {
		serve = r.IntN(serve + 1)
	}
	s.owed -= serve
	s.behind -= serve
	s.held.served += uint64(serve)
	if s.owed > 0 {
		d.pending = true
		return
	}
	d.wake = s.nextShare(d.m)
}

// check: what is published from now on wakes the loop, or is looked at when it
// must be.
func (d *drill) check(what string) {
	d.t.Helper()
	s := d.s
	if d.pending {
		return
	}
	if s.Asleep.Load() && d.wake > s.held.began+settle {
		d.t.Fatalf("%s: asleep, %d of %d behind, and nothing wakes the loop; budget %v", what, s.behind, len(s.viewers), time.Duration(d.m.budget))
	}
	if s.behind > 0 && d.wake == clock.Never {
		d.t.Fatalf("%s: %d viewers are behind forever", what, s.behind)
	}
}

// stir has somebody join or leave at times, and fan-out become dear or cheap.
func (d *drill) stir(r *rand.Rand) {
	s := d.s
	switch r.IntN(30) {
	case 0:
		s.viewers = append(s.viewers, viewer{})
		if s.behind > 0 {
			s.behind++
			s.held.joined()
		}
	case 1:
		if len(s.viewers) > 1 {
			s.remove(len(s.viewers) - 1)
		}
	case 2:
		d.hold = !d.hold
	}
}

// A show that sleeps has a share due, whatever the source sends, however short
// the budget is, and whoever comes, goes, or is left for the next pass.
func TestNobodySleepsForEver(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 600 {
		d := drill{t: t, s: new(show), wake: clock.Never, now: 5 * ms, hold: true, yields: r.IntN(2) == 0}
		d.m = limits{budget: 1 + r.Int64N(12*ms), want: r.Int64N(500) * ms}
		if r.IntN(2) == 0 {
			d.m.budget = 1 + r.Int64N(300*ms)
		}
		d.s.viewers = make([]viewer, 1+r.IntN(6))
		if r.IntN(3) == 0 {
			d.s.viewers = make([]viewer, 1+r.IntN(3000))
		}
		every := 1 + r.Int64N(60*ms)
		next := d.now
		for range 400 {
			if d.pending || d.now >= d.wake {
				d.run(r)
				d.check("a pass")
			}
			if d.now >= next {
				d.s.Fresh.CompareAndSwap(0, d.now)
				if !d.s.Asleep.Load() {
					d.run(r)
				}
				d.check("a packet")
				next = d.now + 1 + r.Int64N(2*every)
			}
			d.stir(r)
			if !d.pending {
				d.now = min(next, d.wake)
			}
			d.now += r.Int64N(ms / 2) // the clock is late
		}
	}
}

// A budget that is over before a burst is does not leave anybody without packets.
func TestShortBudgets(t *testing.T) {
	plainOnly(t, "holding knows no transport")
	for budget := time.Millisecond; budget <= 6*time.Millisecond; budget += time.Millisecond {
		cfg := labConfig()
		cfg.Fanout.Budget = budget
		c := newCrowd(t, 300, 89, cfg)
		c.publish(1500 * time.Millisecond)
		c.held(budget)
		c.advance(budget)
		c.held(0)
		c.finish()
	}
}

// A share that is still being served when its time is over, because the loop had
// to yield, is not owed twice: whoever else is served then gets less in a call,
// when calls are what the loop has too many of.
func TestWhatIsOwedIsOwedOnce(t *testing.T) {
	m := limits{budget: 90 * ms, want: 1000 * ms}
	h := held{interval: 40 * ms, shortest: 40 * ms}
	now := 100 * ms
	for range 3 { // bursts, of which the first is not served in time
		h.arrived(300, now)
		h.due(now+settle, m, 300, 0)
		now += 40 * ms
	}
	h.served += 290
	if got := h.due(now, m, 300, 300-290); got != 10 {
		t.Errorf("%d viewers are owed, of whom 10 are left over and late", got)
	}
}
