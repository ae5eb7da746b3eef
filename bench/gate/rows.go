package gate

import (
	"math"
	"slices"

	"streampump/bench/contest"
	"streampump/bench/stat"
)

// The names of what runs in the scenes.
const (
	pump     = "pump"
	cubemap  = "cubemap"
	floor    = contest.FloorName
	stalled  = "pump with stalls"
	describe = "pump, described"
	quick    = "pump, 20 ms"
	oneLoop  = "pump, one loop"
	twoLoops = "pump, two loops"
)

// own is how far above the floor the pump may be, by call: its own work.
const own = 1.10

// Rows are the promises.
func Rows() []Row {
	return []Row{
		{
			Name: "call-floor", Scene: "busy", Kind: Ratio, Bound: own,
			What:   "CPU per write call, against the floor",
			values: ratio(pump, floor, contest.CPUPerCall),
		},
		{
			Name: "bytes-cubemap", Scene: "main", Kind: Ratio, Bound: 0.90, Aim: 0.75,
			What:   "CPU per byte at 1,000 viewers of 1 Mbit/s, against Cubemap",
			values: ratio(pump, cubemap, contest.CPUPerGB),
			raise:  floorOf(cubemap, contest.CPUPerGB),
		},
		{
			Name: "bytes-wire", Scene: "wire", Kind: Ratio, Bound: 0.90, Aim: 0.75,
			What:   "the same in segments of Ethernet",
			values: ratio(pump, cubemap, contest.CPUPerGB),
		},
		{
			Name: "bytes-quick", Scene: "wire", Kind: Ratio, Bound: 0.90,
			What:   "CPU per byte in the same rounds, with a latency budget of 20 ms, against Cubemap",
			values: ratio(quick, cubemap, contest.CPUPerGB),
		},
		{
			Name: "bytes-floor", Scene: "main", Kind: Ratio, Bound: 1.25,
			What:   "CPU per byte in the same rounds, against the floor",
			values: ratio(pump, floor, contest.CPUPerGB),
		},
		{
			Name: "delay-p50", Scene: "main", Kind: Time, Bound: 50, Unit: "ms",
			What:   "added delay in the same rounds, p50",
			values: column(pump, contest.DelayP50),
		},
		{
			Name: "delay-p99", Scene: "main", Kind: Time, Bound: 100, Unit: "ms",
			What:   "added delay in the same rounds, p99",
			values: column(pump, contest.DelayP99),
		},
		{
			Name: "delay-wire", Scene: "wire", Kind: Time, Bound: 100, Unit: "ms",
			What:   "added delay in segments of Ethernet, p99",
			values: column(pump, contest.DelayP99),
		},
		{
			Name: "delay-cubemap", Scene: "main", Kind: Ratio, Bound: 0.5,
			What:   "added delay in the same rounds, p99, against Cubemap",
			values: ratio(pump, cubemap, contest.DelayP99),
		},
		{
			Name: "delay-quick", Scene: "wire", Kind: Ratio, Bound: 0.5,
			What:   "added delay with a latency budget of 20 ms, in segments of Ethernet, p99, against Cubemap",
			values: ratio(quick, cubemap, contest.DelayP99),
		},
		{
			Name: "delay-few", Scene: "few", Kind: Time, Bound: 10, Unit: "ms",
			What:   "added delay with 100 viewers, p99",
			values: column(pump, contest.DelayP99),
		},
		{
			Name: "memory", Scene: "join", Kind: Time, Bound: 1.5, Unit: "kB",
			What:   "resident memory per viewer, everything included, 5,000 viewers",
			values: column(pump, contest.RSSPerViewer),
		},
		{
			Name: "memory-cubemap", Scene: "join", Kind: Ratio, Bound: 1,
			What:   "the same, against Cubemap",
			values: ratio(pump, cubemap, contest.RSSPerViewer),
		},
		{
			Name: "join", Scene: "join", Kind: Time, Bound: 500, Unit: "ms",
			What:   "5,000 players that join at once: all have their first key frame",
			values: column(pump, contest.AllJoined),
		},
		{
			Name: "join-cubemap", Scene: "join", Kind: Ratio, Bound: 0.7,
			What:   "the same, against Cubemap",
			values: ratio(pump, cubemap, contest.AllJoined),
		},
		{
			Name: "join-described", Scene: "join", Kind: Time, Bound: 1500, Unit: "ms",
			What:   "the same, each asking for the header first, on a connection of its own",
			values: column(describe, contest.AllJoined),
		},
		{
			Name: "many-delay", Scene: "many", Kind: Time, Bound: 250, Unit: "ms",
			What:   "added delay with 19,000 viewers of 64 kbit/s, p99",
			values: column(pump, contest.DelayP99),
		},
		{
			Name: "stall-delay", Scene: "stall", Kind: Ratio, Bound: 1.5, Aim: 1.1,
			What:   "added delay of the others while 5 % of the viewers stall, p99, against none",
			values: ratio(stalled, pump, contest.DelayP99),
		},
		{
			Name: "stall-memory", Scene: "stall", Kind: Time, Bound: 1, Unit: "MB",
			What:   "growth of resident memory during their stall, against none",
			values: difference(stalled, pump, contest.RSSGrowth),
		},
		{
			Name: "stall-kernel", Scene: "stall", Kind: Time, Bound: 0.3, Unit: "MB",
			What:   "kernel's memory per stalled viewer",
			values: column(stalled, contest.StalledKernel),
		},
		{
			Name: "stall-writes", Scene: "stall", Kind: Count, Bound: stalledWrites,
			What:   "write calls that met a full socket, per stalled viewer",
			values: stalledCalls(),
		},
		{
			Name: "loops", Scene: "loops", Kind: Ratio, Bound: 1.1,
			What:   "CPU per delivered packet, two loops against one",
			values: ratio(twoLoops, oneLoop, contest.CPUPerPacket),
		},
		{
			Name: "lost", Kind: Count, Bound: 0,
			What:   "the pump's viewers that were lost or never got the stream, in all scenes",
			values: worst(contest.Lost),
		},
		{
			Name: "broken", Kind: Count, Bound: 0,
			What:   "verified viewers of the pump whose stream broke a rule, in all scenes",
			values: worst(contest.Broken),
		},
		{
			Name: "gaps", Kind: Count, Bound: 0,
			What:   "gaps of the pump's viewers that read, in all scenes without stalls",
			values: worst(contest.Gaps, stalled),
		},
	}
}

// stalledWrites is how often a viewer that stalls may meet a full socket: when it
// fills, and when it takes some bytes again at the end of its stall before it has
// read all. It does not grow with the length of the stall.
const stalledWrites = 4

func column(name string, f contest.Figure) func(*contest.Table) []float64 {
	return func(t *contest.Table) []float64 { return t.Column(name, f) }
}

func ratio(name, by string, f contest.Figure) func(*contest.Table) []float64 {
	return func(t *contest.Table) []float64 { return t.Ratio(name, by, f) }
}

// difference is a figure of one less that of another, round by round.
func difference(name, less string, f contest.Figure) func(*contest.Table) []float64 {
	return func(t *contest.Table) []float64 {
		a, b := t.Column(name, f), t.Column(less, f)
		for i := range a {
			a[i] -= b[i]
		}
		return a
	}
}

// floorOf is the least that the pump's ratio to a rival can be: what the floor
// has, and the pump's own work above it. Where a call is dear the floor itself
// is near to what a rival needs that sends more seldom, and later.
func floorOf(by string, f contest.Figure) func(*contest.Table) []float64 {
	return func(t *contest.Table) []float64 {
		least := t.Ratio(floor, by, f)
		for i := range least {
			least[i] *= own
		}
		return least
	}
}

// stalledCalls is how many write calls met a full socket, by stalled viewer.
func stalledCalls() func(*contest.Table) []float64 {
	return func(t *contest.Table) []float64 {
		calls := t.Column(stalled, contest.WritesMetFull)
		for i, o := range t.Runs[stalled] {
			sockets := math.NaN()
			if o != nil && o.Result != nil && o.Result.Stalled != nil && o.Result.Stalled.Sockets > 0 {
				sockets = float64(o.Result.Stalled.Sockets)
			}
			calls[i] /= sockets
		}
		return calls
	}
}

// worst is the greatest value of a figure among the pumps of a table, but for
// those named.
func worst(f contest.Figure, but ...string) func(*contest.Table) []float64 {
	return func(t *contest.Table) []float64 {
		var all []float64
		for _, name := range []string{pump, quick, stalled, describe, oneLoop, twoLoops} {
			if !slices.Contains(but, name) {
				all = append(all, stat.Present(t.Column(name, f))...)
			}
		}
		return all
	}
}
