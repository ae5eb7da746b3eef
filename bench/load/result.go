package load

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Result is what a run found out. Pointers are nil where a thing could not be
// measured; Notes say why.
type Result struct {
	// Interrupted: the run was ended early.
	Interrupted bool   `json:"interrupted"`
	Players     int    `json:"players"` // that were asked for
	Counts      Counts `json:"counts"`
	Waiting     int    `json:"waiting"` // were still without a packet at the end
	// Reasons say why players were lost, and how many for each.
	Reasons map[string]int `json:"reasons,omitempty"`
	Join    *Times         `json:"join,omitempty"` // from the first connect to the first data packet, of the whole run

	// AllJoined is from the first connect to the last join, in milliseconds;
	// nil where a player has not joined, or players were replaced.
	AllJoined *float64 `json:"all_joined_ms,omitempty"`

	// JoinCPU is what the server used until all players had joined, in seconds; nil
	// where they did not come at once, or not all have joined. It includes what was
	// sent to them meanwhile.
	JoinCPU *float64 `json:"join_cpu_seconds,omitempty"`
	// TLS is how many connections agreed on which version and cipher suite of TLS; nil
	// where there was none.
	TLS map[string]int `json:"tls,omitempty"`

	Measured *Measured `json:"measured,omitempty"`
	Verified *Verified `json:"verified,omitempty"`
	Delay    *Times    `json:"delay,omitempty"` // from when the encoder had the packet, of verified players that do not stall
	Server   *Server   `json:"server,omitempty"`
	// Counters is by how much the server's own counters rose in the
	// measurement; nil where they were not read.
	Counters map[string]float64 `json:"counters,omitempty"`
	// StalledPlayers and ThrottledPlayers are how many did so, by plan.
	StalledPlayers   int `json:"stalled_players,omitempty"`
	ThrottledPlayers int `json:"throttled_players,omitempty"`
	// Stalled is what the kernel held for the stalled players at the end of
	// their stall; nil where that was not measured.
	Stalled *Stalled `json:"stalled,omitempty"`
	// Timeline is the run in steps, from the first connect to the end of the
	// measurement: of a second, or in runs of more than ten minutes of more.
	Timeline []Sample `json:"timeline,omitempty"`

	// Problems are why the run is a failure; none if it is not.
	Problems []string `json:"problems,omitempty"`
	// Notes say what could not be measured, and why.
	Notes []string `json:"notes,omitempty"`
}

// Measured is what all players got while it was measured.
type Measured struct {
	Seconds float64 `json:"seconds"`
	Bytes   int64   `json:"bytes"`
	BitRate float64 `json:"bits_per_second"`
	// Generator is what this process used for it.
	Generator CPU `json:"generator"`
	// Machine is what all of this machine was busy with: the generator, the server
	// if it runs here, what the kernel did for both on nobody's account, whatever
	// else ran, and what a hypervisor took. nil where the kernel does not tell.
	Machine *CPU `json:"machine,omitempty"`
}

// CPU is the work of a process. PerGB is by 10^9 bytes that the players got,
// and nil if there were none.
type CPU struct {
	Seconds float64  `json:"cpu_seconds"`
	Cores   float64  `json:"cores"`
	PerGB   *float64 `json:"cpu_seconds_per_gb,omitempty"`
}

// Server is what the server's process used while it was measured.
type Server struct {
	PID             int   `json:"pid"`
	CPU             CPU   `json:"cpu"`
	RSS             int64 `json:"rss_bytes"`               // at the end
	RSSAtStart      int64 `json:"rss_at_start_bytes"`      // of the measurement
	RSSPeak         int64 `json:"rss_peak_bytes"`          // of the whole run
	RSSPeakMeasured int64 `json:"rss_peak_measured_bytes"` // of the measurement
	RSSBefore       int64 `json:"rss_before_bytes"`        // before the first player
	Descriptors     int   `json:"descriptors"`             // at most
}

// Stalled is the kernel's memory for sockets of the server whose players do not
// read (SO_MEMINFO), in bytes.
type Stalled struct {
	Sockets int   `json:"sockets"`
	Mean    int64 `json:"mean_bytes"`
	Max     int64 `json:"max_bytes"`
}

// Verified is what the verified players saw, from their beginning to their end.
type Verified struct {
	Players int   `json:"players"`
	Packets int64 `json:"packets"`
	Objects int64 `json:"objects"` // media objects whose every byte was checked
	Gaps    int64 `json:"gaps"`
	Missing int64 `json:"missing_packets"` // in the gaps
	// Damaged is how many pictures a gap left without their end, and how many gaps were
	// followed by what cannot be decoded; nil where that is not looked at, as over MMSH.
	Damaged *int64 `json:"damaged_pictures,omitempty"`
	Rounds  int    `json:"rounds,omitempty"` // how often a looping file began again
	Broken  int    `json:"broken"`           // players whose stream broke a rule
	// Foreign: the stream is not the synthetic encoder's, so that framing and
	// packets were checked, and no bytes of media.
	Foreign bool     `json:"foreign"`
	Faults  []string `json:"faults,omitempty"` // the first ones
}

// Times is a distribution of times in milliseconds.
type Times struct {
	Samples int64   `json:"samples"`
	Mean    float64 `json:"mean_ms"`
	P50     float64 `json:"p50_ms"`
	P90     float64 `json:"p90_ms"`
	P99     float64 `json:"p99_ms"`
	P999    float64 `json:"p999_ms"`
	Max     float64 `json:"max_ms"`
}

// TooFew is the first percentile that, of this few times, is only the largest, as
// "p99"; empty if there are enough for all of them.
func (t *Times) TooFew() string {
	for _, p := range []struct {
		name string
		need int64 // samples, so that one is beyond it
	}{{"p90", 10}, {"p99", 100}, {"p99.9", 1000}} {
		if t.Samples < p.need {
			return p.name
		}
	}
	return ""
}

// histogram is what both kinds of histograms can tell.
type histogram interface {
	TotalCount() int64
	ValueAtPercentile(float64) int64
	Mean() float64
	Max() int64
}

// timesOf is nil if the histogram is empty.
func timesOf(h histogram) *Times {
	if h.TotalCount() == 0 {
		return nil
	}
	at := func(q float64) float64 { return float64(h.ValueAtPercentile(q)) / 1000 }
	return &Times{
		Samples: h.TotalCount(), Mean: h.Mean() / 1000,
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: float64(h.Max()) / 1000,
	}
}

// cpuOf is the work of a process in a span in which the given number of bytes
// arrived.
func cpuOf(used, span time.Duration, bytes int64) CPU {
	c := CPU{Seconds: used.Seconds(), Cores: used.Seconds() / span.Seconds()}
	if bytes > 0 {
		each := used.Seconds() / (float64(bytes) / 1e9)
		c.PerGB = &each
	}
	return c
}

// fill makes of a tally what it says about the players.
func (y *tally) fill(r *Result, o *Options) {
	y.mu.Lock()
	defer y.mu.Unlock()
	r.Players, r.Counts, r.Waiting = o.Players, y.counts, y.counts.waiting()
	r.Reasons, r.TLS = y.reasons, y.shaken
	r.StalledPlayers, r.ThrottledPlayers = o.slow(r.Measured != nil)
	r.Join, r.Delay = timesOf(y.join), timesOf(y.delay)
	if y.counts.Joined == o.Players && y.counts.Replaced == 0 {
		ms := float64(y.lastJoin.Microseconds()) / 1000
		r.AllJoined = &ms
	}
	r.Stalled = y.stalled.result()
	switch {
	case y.unweighed != nil:
		r.note("the kernel's memory for stalled players was not read: " + y.unweighed.Error())
	case r.Stalled == nil && o.PID != 0 && o.Stall.For > 0 && r.Measured != nil && !r.Interrupted:
		r.note("the kernel's memory for stalled players was not read: the server's process has no socket of theirs")
	}
	if o.Verify > 0 && !o.Marks {
		v := y.checks
		v.Players = o.Verify
		r.Verified = &v
	}
	if o.Marks && o.Verify > 0 {
		r.note("nothing was checked: only time stamps were looked for")
	}
	switch {
	case r.Delay != nil:
	case o.Verify == 0:
		r.note("the added delay was not measured: no player was verified")
	case y.unusable > 0:
		r.note("the added delay was not measured: the time stamps are in the future, so the encoder is on another machine")
	case r.Measured != nil:
		r.note("the added delay was not measured: the stream carries no time stamps (pump-bench encoder makes them)")
	}
	if r.Verified != nil && r.Verified.Foreign {
		r.note("the media was not checked: the stream is not that of pump-bench encoder")
	}
	for _, reason := range slices.Sorted(maps.Keys(y.reasons)) {
		r.problem("%d lost: %s", y.reasons[reason], reason)
	}
	if r.Waiting > 0 && !r.Interrupted {
		r.problem("%d connected or tried to, and got no packet", r.Waiting)
	}
}

func (r *Result) note(s string) { r.Notes = append(r.Notes, s) }

func (r *Result) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}
