package load

import (
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"streampump/bench/meter"
)

func TestTimelineOfARun(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{stamped: true})
	r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", Players: 60, Verify: 5, Ramp: 50 * time.Millisecond, PID: os.Getpid()})
	var joined int
	var before, during int64
	var at, bytes float64
	for _, s := range r.Timeline {
		if s.At <= at || s.Seconds <= 0 || s.ServerCores == nil || s.ServerRSS == nil || s.Descriptors == nil {
			t.Errorf("%+v", s)
		}
		at, joined = s.At, joined+s.Joined
		delays := int64(0)
		if s.Delay != nil {
			delays = s.Delay.Samples
		}
		if s.Measuring {
			during += delays
			bytes += s.BitRate * s.Seconds / 8
		} else {
			before += delays
		}
	}
	last := r.Timeline[len(r.Timeline)-1]
	if joined != 60 || last.Held != 60 || last.Lost != 0 || !last.Measuring || r.Timeline[0].Measuring {
		t.Errorf("%d joined; %+v", joined, r.Timeline)
	}
	if before == 0 || during != r.Delay.Samples {
		t.Errorf("%d delays before the measurement and %d in it, in all %d", before, during, r.Delay.Samples)
	}
	if int64(bytes+0.5) != r.Measured.Bytes {
		t.Errorf("%.0f bytes, and in all %d", bytes, r.Measured.Bytes)
	}
}

func TestWorkOfTheMachine(t *testing.T) {
	start := time.Now()
	at := func(after, idle time.Duration, processors int) moment {
		return moment{at: start.Add(after), idle: &meter.Idle{Time: idle, Processors: processors}}
	}
	from := at(0, time.Hour, 2)
	for name, c := range map[string]struct {
		to   moment
		want time.Duration
		told bool
	}{
		"half idle":           {at(10*time.Second, time.Hour+10*time.Second, 2), 10 * time.Second, true},
		"busy":                {at(10*time.Second, time.Hour, 2), 20 * time.Second, true},
		"idle for a step":     {at(10*time.Second, time.Hour+20*time.Second+10*time.Millisecond, 2), 0, true},
		"a processor came":    {at(10*time.Second, time.Hour, 3), 0, false},
		"the kernel is quiet": {moment{at: start.Add(time.Second)}, 0, false},
	} {
		if got, told := worked(from, c.to); got != c.want || told != c.told {
			t.Errorf("%s: %v, %v", name, got, told)
		}
	}
}

func TestTimelineWithoutAServerAndStamps(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{})
	r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", Players: 4, Verify: 1})
	if len(r.Timeline) == 0 {
		t.Fatalf("%+v", r)
	}
	for _, s := range r.Timeline {
		if s.Delay != nil || s.ServerCores != nil || s.ServerRSS != nil || s.Descriptors != nil {
			t.Errorf("%+v", s)
		}
	}
}

// course is a timeline that is fed by hand.
type course struct {
	*timeline
	now moment
}

func newCourse() *course {
	now := moment{at: time.Unix(1e9, 0)}
	return &course{newTimeline(now), now}
}

// pass lets time pass in which one player joins, 1000 bytes come and both
// processes use half a core, and ends the step.
func (c *course) pass(d time.Duration, s Sample, delays ...int64) {
	c.now.at = c.now.at.Add(d)
	c.now.joined++
	c.now.bytes += 1000
	c.now.generator += d / 2
	c.now.server = meter.Usage{CPU: c.now.server.CPU + d/2}
	h := hdrhistogram.NewPacked(1, maxDelay, digits)
	for _, us := range delays {
		_ = h.RecordValue(us)
	}
	c.add(c.now, s, h)
}

// However long a run is, its timeline is bounded and says the same in all.
func TestTimelineIsBounded(t *testing.T) {
	const steps = 5*maxSamples + 1
	c := newCourse()
	all := hdrhistogram.New(1, maxDelay, digits)
	r := rand.New(rand.NewPCG(1, 2))
	rss := int64(5)
	for i := range steps {
		d := r.Int64N(1e6)
		record(all, time.Duration(d)*time.Microsecond)
		c.pass(time.Second, Sample{At: float64(i + 1), Held: i + 1, Measuring: true, ServerRSS: &rss}, max(d, 1))
		if len(c.samples) >= maxSamples || len(c.samples) != len(c.delays) {
			t.Fatalf("%d samples after %d", len(c.samples), i)
		}
	}
	var joined int
	var seconds, bytes float64
	merged := hdrhistogram.New(1, maxDelay, digits)
	for i, s := range c.samples {
		joined, seconds, bytes = joined+s.Joined, seconds+s.Seconds, bytes+s.BitRate/8*s.Seconds
		if float64(s.Held) != s.At || !s.Measuring || *s.ServerCores != 0.5 || s.GeneratorCores != 0.5 || s.Delay == nil {
			t.Fatalf("%+v", s)
		}
		c.delays[i].MergeInto(merged)
	}
	last := c.samples[len(c.samples)-1]
	if joined != steps || seconds != steps || int(bytes+0.5) != 1000*steps || last.At != steps || c.step <= time.Second {
		t.Errorf("%d joined, %v s, %v bytes, step %v, at the end %+v", joined, seconds, bytes, c.step, last)
	}
	if got, want := timesOf(merged), timesOf(all); !reflect.DeepEqual(got, want) {
		t.Errorf("delays are %+v, want %+v", got, want)
	}
}

func TestShortStepsAreAddedToTheirNeighbour(t *testing.T) {
	c := newCourse()
	c.pass(time.Millisecond, Sample{At: 1}, 1000)
	c.pass(time.Second, Sample{At: 2}, 1000)
	c.pass(time.Millisecond, Sample{At: 3}, 1000, 3000)
	c.pass(time.Millisecond, Sample{At: 4, Measuring: true}, 5000)
	var at []float64
	var delays []int64
	for _, s := range c.samples {
		at = append(at, s.At)
		delays = append(delays, s.Delay.Samples)
	}
	if !slices.Equal(at, []float64{1, 3, 4}) || !slices.Equal(delays, []int64{1, 3, 1}) || c.samples[1].Joined != 2 {
		t.Errorf("%+v", c.samples)
	}
}

// A step whose server could not be looked at has no share in a rate.
func TestMergedSamplesLackWhatOneLacks(t *testing.T) {
	c := newCourse()
	rss := int64(5)
	c.pass(time.Second, Sample{ServerRSS: &rss})
	c.pass(time.Millisecond, Sample{})
	if s := c.samples[0]; len(c.samples) != 1 || s.ServerCores != nil || s.ServerRSS != nil || s.Delay != nil || s.Joined != 2 {
		t.Errorf("%+v", c.samples)
	}
}

// No time between two looks is no infinite rate.
func TestEmptyStepHasNoInfiniteRate(t *testing.T) {
	c := newCourse()
	c.pass(0, Sample{})
	if s := c.samples[0]; s.Seconds <= 0 || s.BitRate > 1e15 {
		t.Errorf("%+v", s)
	}
}

func TestBothHistogramsTellTheSame(t *testing.T) {
	y := newTally()
	for i := range 1000 {
		y.stamped(uint64(1e9+i*1e5), 1e9)
	}
	packed := y.endStep(true)
	if got, want := timesOf(packed), timesOf(y.delay); want == nil || !reflect.DeepEqual(got, want) {
		t.Errorf("packed %+v, dense %+v", got, want)
	}
	y.stamped(2e9, 1e9)
	y.endStep(false)
	if n := y.delay.TotalCount(); n != 1000 {
		t.Errorf("%d delays, and one of them before the measurement", n)
	}
	if n := y.endStep(false).TotalCount(); n != 0 {
		t.Errorf("%d delays come up again", n)
	}
}

// Looks are no clockwork: one that comes a little early ends the step.
func TestStepsEndWithTheLookNextToTheirLength(t *testing.T) {
	c := newCourse()
	for _, length := range []time.Duration{report, 2 * report, 4 * report} {
		c.step = length
		for after, want := range map[time.Duration]bool{
			length - report: false, length - report/2: false, length - 10*time.Millisecond: true, length: true, length + report/4: true,
		} {
			if got := c.due(c.now.at.Add(after)); got != want {
				t.Errorf("a step of %v is over after %v: %v", length, after, got)
			}
		}
	}
}
