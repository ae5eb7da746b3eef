package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"streampump/bench/meter"
)

const (
	// maxSamples is the most samples of a timeline: ten minutes of seconds, and
	// about as many as a plot has pixels. It is even. A run that is longer has
	// its samples merged by twos and goes on with steps of twice the length, so
	// that a run of a day costs no more memory than one of ten minutes.
	maxSamples = 600
	// minStep is the shortest step that is a sample of its own, where there is
	// another to add it to: rates over less are noise.
	minStep = report * 3 / 4
)

// Sample is what happened in one step of a run.
type Sample struct {
	At        float64 `json:"at_seconds"`   // the step's end, since the first connect
	Seconds   float64 `json:"step_seconds"` // the step's length
	Measuring bool    `json:"measuring"`    // all of the step belongs to the measurement
	Joined    int     `json:"joined"`       // players that got their first packet in this step
	Held      int     `json:"held"`         // players that have the stream, at its end
	Lost      int     `json:"lost"`         // players lost since the run began
	BitRate   float64 `json:"bits_per_second"`
	// Delay is of the packets that verified players got in this step, nil if
	// there were none. Before the measurement it shows the age of the backlog
	// that joining players are given first.
	Delay *Times `json:"delay,omitempty"`
	// The server's figures are nil where its process is not measured.
	ServerCores *float64 `json:"server_cores,omitempty"`
	ServerRSS   *int64   `json:"server_rss_bytes,omitempty"` // at the step's end
	Descriptors *int     `json:"server_descriptors,omitempty"`
	// GeneratorCores is what this process used.
	GeneratorCores float64 `json:"generator_cores"`
}

// moment is where the counters stood when a step began.
type moment struct {
	at        time.Time
	joined    int
	bytes     int64
	generator time.Duration
	server    meter.Usage
	// idle is the machine's; nil where the kernel does not tell.
	idle *meter.Idle
}

// timeline is the samples of a run. It belongs to the goroutine of Run.
type timeline struct {
	step    time.Duration
	last    moment
	samples []Sample
	// delays are what the samples' delays were made of, one for each, so that
	// merged samples have true percentiles.
	delays []*hdrhistogram.PackedHistogram
}

func newTimeline(began moment) *timeline { return &timeline{step: report, last: began} }

// due reports whether the step that is under way has its length, so far as that
// can be met: it is asked about once in report.
func (l *timeline) due(now time.Time) bool { return now.Sub(l.last.at) > l.step-report/2 }

// add ends the step that is under way. It takes the delay over.
func (l *timeline) add(now moment, s Sample, delay *hdrhistogram.PackedHistogram) {
	// The least of the clock stands for no time at all, so that no rate is a
	// division by zero.
	span := max(now.at.Sub(l.last.at), time.Nanosecond)
	s.Seconds = span.Seconds()
	s.Joined = now.joined - l.last.joined
	s.BitRate = float64(now.bytes-l.last.bytes) * 8 / s.Seconds
	s.GeneratorCores = (now.generator - l.last.generator).Seconds() / s.Seconds
	if s.ServerRSS != nil {
		cores := (now.server.CPU - l.last.server.CPU).Seconds() / s.Seconds
		s.ServerCores = &cores
	}
	s.Delay = timesOf(delay)
	l.last = now
	if n := len(l.samples); span < minStep && n > 0 && l.samples[n-1].Measuring == s.Measuring {
		l.samples[n-1] = l.merge(n-1, s, delay)
		return
	}
	l.samples, l.delays = append(l.samples, s), append(l.delays, delay)
	if len(l.samples) == maxSamples {
		l.thin()
	}
}

// thin merges the samples by twos.
func (l *timeline) thin() {
	l.step *= 2
	half := len(l.samples) / 2
	for i := range half {
		a, b := 2*i, 2*i+1
		l.samples[i], l.delays[i] = l.merge(a, l.samples[b], l.delays[b]), l.delays[a]
	}
	clear(l.delays[half:])
	l.samples, l.delays = l.samples[:half], l.delays[:half]
}

// merge is sample i with the one that follows it.
func (l *timeline) merge(i int, next Sample, delay *hdrhistogram.PackedHistogram) Sample {
	s := &l.samples[i]
	l.delays[i].Merge(delay)
	merged := next // what is told of a step's end
	merged.Seconds = s.Seconds + next.Seconds
	mean := func(a, b float64) float64 { return (a*s.Seconds + b*next.Seconds) / merged.Seconds }
	merged.Measuring = s.Measuring && next.Measuring
	merged.Joined = s.Joined + next.Joined
	merged.BitRate = mean(s.BitRate, next.BitRate)
	merged.GeneratorCores = mean(s.GeneratorCores, next.GeneratorCores)
	merged.Delay = timesOf(l.delays[i])
	if s.ServerCores != nil && next.ServerCores != nil {
		cores := mean(*s.ServerCores, *next.ServerCores)
		merged.ServerCores = &cores
	}
	return merged
}

// endStep ends the timeline's step that is under way, and says where everything
// stood at that moment.
func (r *run) endStep() moment {
	now := r.moment()
	c := r.tally.snapshot()
	now.joined = c.Joined
	s := Sample{
		At: now.at.Sub(r.began).Seconds(), Held: c.Held, Lost: c.Lost,
		Measuring: !r.measured.IsZero(),
	}
	if r.o.PID != 0 && !r.gone {
		u := r.latest
		s.ServerRSS, s.Descriptors = &u.RSS, &u.Descriptors
	}
	r.line.add(now, s, r.tally.endStep(s.Measuring))
	return now
}

// moment is where the counters stand, but for those of the players.
func (r *run) moment() moment {
	m := moment{at: time.Now(), bytes: r.tally.bytes.Load(), generator: meter.OwnCPU(), server: r.latest}
	if idle, err := meter.ReadIdle(); err == nil {
		m.idle = &idle
	}
	return m
}

// worked is how long the machine's processors had something to do between two
// moments; false where that was not told, or processors came or went.
func worked(from, to moment) (time.Duration, bool) {
	if from.idle == nil || to.idle == nil || from.idle.Processors != to.idle.Processors {
		return 0, false
	}
	all := to.at.Sub(from.at) * time.Duration(to.idle.Processors)
	return max(all-(to.idle.Time-from.idle.Time), 0), true
}
