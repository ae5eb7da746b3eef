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

	secured        = "pump, TLS"
	securedStalled = "pump, TLS, with stalls"
	nginx          = "nginx"
	stunnel        = "stunnel"

	rtspPump    = "pump, RTSP"
	rtspLike    = "pump, MMSH like RTSP"
	rtspAlone   = "pump, RTSP, one viewer"
	rtspStalled = "pump, RTSP, with stalls"
	rtmpPump    = "pump, RTMP"
	rtmpLike    = "pump, MMSH like RTMP"
	rtmpAlone   = "pump, RTMP, one viewer"
	rtmpStalled = "pump, RTMP, with stalls"
)

// own is how far above the floor the pump may be, by call: its own work.
const own = 1.10

// sealing is how much more than AES-GCM alone encryption may cost the pump: records,
// and what is copied for them.
const sealing = 1.15

// Rows are the promises.
func Rows() []Row {
	return slices.Concat(clearRows(), secureRows(), rtspRows(), rtmpRows(), countRows())
}

// secureRows are about viewers that speak TLS.
func secureRows() []Row {
	return []Row{
		{
			Name: "tls-bytes", Scene: "tls", Kind: Ratio, Bound: 1,
			What:   "CPU per byte over TLS, against that in clear and 1.15 times what AES-GCM alone costs",
			values: sealed,
		},
		{
			Name: "tls-stunnel", Scene: "tls", Kind: Ratio, Bound: 0.8,
			What:   "the same, against the pump behind stunnel",
			values: ratio(secured, stunnel, contest.CPUPerGB),
		},
		{
			Name: "tls-nginx", Scene: "tls", Kind: Ratio, Bound: 0.8,
			What:   "the same, against the pump behind nginx",
			values: ratio(secured, nginx, contest.CPUPerGB),
		},
		{
			Name: "tls-delay", Scene: "tls", Kind: Time, Bound: 100, Unit: "ms",
			What:   "added delay over TLS in the same rounds, p99",
			values: column(secured, contest.DelayP99),
		},
		{
			Name: "tls-join", Scene: "tls-join", Kind: Time, Bound: 2000, Unit: "ms",
			What:   "2,000 players that join over TLS at once: all have their first key frame",
			values: column(secured, contest.AllJoined),
		},
		{
			Name: "tls-handshake", Scene: "tls-join", Kind: Time, Bound: 1, Aim: 0.5, Unit: "ms",
			What:   "CPU of each of them, handshake and join: 1,000 by it are the handshakes a second of a core",
			values: column(secured, contest.JoinCPU),
		},
		{
			Name: "tls-memory", Scene: "tls-join", Kind: Time, Bound: 16, Unit: "kB",
			What:   "resident memory per viewer over TLS, everything included",
			values: column(secured, contest.RSSPerViewer),
		},
		{
			Name: "tls-stall-memory", Scene: "tls-stall", Kind: Time, Bound: 128, Unit: "kB",
			What:   "growth of resident memory over TLS while half of the viewers stall, by each of those",
			values: stalledGrowth,
		},
	}
}

// countRows are about what happened in all scenes.
func countRows() []Row {
	return []Row{
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
			values: worst(contest.Gaps, stalled, securedStalled, rtspStalled, rtmpStalled),
		},
	}
}

// clearRows are about viewers in clear.
func clearRows() []Row {
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

// sealed is what a byte costs the pump over TLS, by what it costs it in clear together
// with what encryption alone does.
func sealed(t *contest.Table) []float64 {
	var least []float64
	seal := t.Column(floor, contest.SealPerGB)
	for i, inClear := range t.Column(pump, contest.CPUPerGB)[:len(seal)] {
		least = append(least, inClear+sealing*seal[i])
	}
	return stat.Ratios(t.Column(secured, contest.CPUPerGB), least)
}

// stalledGrowth is by how many kB a pump's memory grew for each viewer that stalled.
func stalledGrowth(t *contest.Table) []float64 {
	growth := t.Column(securedStalled, contest.RSSGrowth)
	for i, o := range t.Runs[securedStalled] {
		stalled := math.NaN()
		if o != nil && o.Result != nil && o.Result.StalledPlayers > 0 {
			stalled = float64(o.Result.StalledPlayers)
		}
		growth[i] *= 1e3 / stalled
	}
	return growth
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

// pumps are all that run a pump as it is.
var pumps = []string{
	pump, quick, stalled, describe, oneLoop, twoLoops, secured, securedStalled,
	rtspPump, rtspLike, rtspAlone, rtspStalled, rtmpPump, rtmpPump + thousand, rtmpLike, rtmpAlone, rtmpStalled,
}

// worst is the greatest value of a figure among the pumps of a table, but for
// those named.
func worst(f contest.Figure, but ...string) func(*contest.Table) []float64 {
	return func(t *contest.Table) []float64 {
		var all []float64
		for _, name := range pumps {
			if !slices.Contains(but, name) {
				all = append(all, stat.Present(t.Column(name, f))...)
			}
		}
		return all
	}
}
