package clock

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The alarm rings at the time it was last set to, by whomever, and a ring that nobody
// waited for is not lost.
func TestAlarmOfTheKernel(t *testing.T) {
	a, err := newKernelAlarm()
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	for _, in := range []time.Duration{0, -time.Second, 2 * time.Millisecond} {
		began := time.Now()
		a.set(in)
		a.wait()
		if took := time.Since(began); took < in {
			t.Errorf("set to %v, it rang after %v", in, took)
		}
	}
	a.set(time.Hour)
	waited := make(chan struct{})
	go func() {
		a.wait()
		close(waited)
	}()
	a.set(0)
	<-waited
}

// setAlarm keeps what it was last set to. meanwhile is called once, ahead of the
// next set: by then whoever sets it has made up its mind.
type setAlarm struct {
	in        time.Duration
	sets      int
	meanwhile func()
}

func (a *setAlarm) set(in time.Duration) {
	if f := a.meanwhile; f != nil {
		a.meanwhile = nil
		f()
	}
	a.in, a.sets = in, a.sets+1
}
func (*setAlarm) wait()  {}
func (*setAlarm) close() {}

// The clock looks at the earliest time that it was told, in whatever order the times
// came and the alarm was set; a later time takes no system call.
func TestWakeupIsNotPutOff(t *testing.T) {
	const now = 1000
	clock := func() int64 { return now }
	for name, c := range map[string]struct {
		told      []int64
		meanwhile int64 // told before the alarm is set to the last of these; 0: nothing
		want      time.Duration
		sets      int
	}{
		"one":                      {[]int64{1500}, 0, 500, 1},
		"an earlier one":           {[]int64{1500, 1100}, 0, 100, 2},
		"a later one":              {[]int64{1100, 1500}, 0, 100, 1},
		"the same":                 {[]int64{1100, 1100}, 0, 100, 1},
		"one that has come":        {[]int64{1500, 900}, 0, -100, 2},
		"an earlier one overtaken": {[]int64{1900, 1500}, 1100, 100, 4},
		"a later one overtaken":    {[]int64{1900, 1500}, 1700, 500, 2},
	} {
		a := new(setAlarm)
		w := &wakeup{alarm: a}
		w.look()
		for i, at := range c.told {
			if i == len(c.told)-1 && c.meanwhile != 0 {
				a.meanwhile = func() { w.by(c.meanwhile, clock) }
			}
			w.by(at, clock)
		}
		if a.in != c.want || a.sets != c.sets {
			t.Errorf("%s: it rings in %v and was set %d times; want %v and %d", name, a.in, a.sets, c.want, c.sets)
		}
	}
}

// What the clock is told while it looks counts, and what it was told before does not
// hold its alarm back.
func TestWakeupAfterALook(t *testing.T) {
	a := new(setAlarm)
	w := &wakeup{alarm: a}
	clock := func() int64 { return 0 }
	w.by(100, clock) // before the clock runs, which looks first of all
	if a.sets != 0 {
		t.Errorf("the alarm was set %d times", a.sets)
	}
	w.look()
	w.by(50, clock)
	w.by(90, clock) // the clock's own
	if a.in != 50 {
		t.Errorf("it rings in %v", a.in)
	}
	w.look()
	w.by(90, clock)
	if a.in != 90 {
		t.Errorf("it rings in %v", a.in)
	}
}

// A caller that hurries the clock as it goes to sleep is not overruled by what the
// clock then sets on a kernel timer.
func TestClockIsNotOverruled(t *testing.T) {
	c := New()
	if err := c.UseKernel(); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const rest = time.Second
	var deadline atomic.Int64
	deadline.Store(Never)
	roused := make(chan struct{}, 1)
	due := func(now int64) int64 {
		if at := deadline.Load(); at > now {
			return min(at, now+int64(rest))
		}
		deadline.Store(Never)
		roused <- struct{}{}
		return now + int64(rest)
	}
	ctx, end := context.WithCancel(t.Context())
	var ticking sync.WaitGroup
	ticking.Go(func() { c.Run(ctx, due) })
	for range 20_000 {
		// As a loop does at the end of its pass.
		at := c.Now()
		deadline.Store(at)
		c.Hurry(at)
		select {
		case <-roused:
		case <-time.After(rest / 2):
			t.Fatal("the clock sleeps")
		}
	}
	end()
	ticking.Wait()
}
