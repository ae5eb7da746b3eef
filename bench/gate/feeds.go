package gate

import (
	"math"

	"streampump/bench/contest"
	"streampump/bench/feed"
	"streampump/bench/rival"
	"streampump/bench/stat"
)

// rtspRows are about viewers over RTSP.
func rtspRows() []Row {
	return append([]Row{
		{
			// A stream over MMSH of pictures alone would have other bursts: it is what the
			// source does that would be compared, and not the protocols.
			Name: "rtsp-bytes", Scene: "feeds", Kind: Ratio, Bound: 1.15,
			What:   "CPU per byte over RTSP at 1,000 viewers of 1 Mbit/s, against MMSH with the same packets: pictures in as many, and sound between them",
			values: ratio(rtspPump, rtspLike, contest.CPUPerGB),
		},
		{
			// With so few viewers packets are held for a part of the latency budget.
			Name: "rtsp-rivals", Scene: "rtsp-rivals", Kind: Ratio, Bound: 0.4, Unpackaged: true,
			What:   "CPU per byte over RTSP at 300 viewers, against the cheapest rival",
			values: cheapest(rtspPump, feed.RTSP, ""),
		},
	}, watchedRows("rtsp", "RTSP", rtspPump, rtspAlone, rtspStalled)...)
}

// rtmpRows are about viewers over RTMP.
func rtmpRows() []Row {
	return append([]Row{
		{
			Name: "rtmp-bytes", Scene: "feeds", Kind: Ratio, Bound: 1.15,
			What:   "CPU per byte over RTMP at 1,000 viewers of 1 Mbit/s, against MMSH with the same packets: one for each picture, and sound between them",
			values: ratio(rtmpPump, rtmpLike, contest.CPUPerGB),
		},
		{
			Name: "rtmp-bytes-few", Scene: "rtmp-rivals", Kind: Ratio, Bound: 1.15,
			What:   "the same at 300 viewers, in segments of Ethernet",
			values: ratio(rtmpPump, rtmpLike, contest.CPUPerGB),
		},
		{
			Name: "rtmp-rivals-few", Scene: "rtmp-rivals", Kind: Ratio, Bound: 0.3,
			What:   "CPU per byte over RTMP in the same rounds, against the cheapest rival",
			values: cheapest(rtmpPump, feed.RTMP, ""),
		},
		{
			Name: "rtmp-rivals", Scene: "rtmp-rivals", Kind: Ratio, Bound: 0.3,
			What:   "the same at 1,000 viewers",
			values: cheapest(rtmpPump+thousand, feed.RTMP, thousand),
		},
	}, watchedRows("rtmp", "RTMP", rtmpPump, rtmpAlone, rtmpStalled)...)
}

// watchedRows are about what viewers over a protocol see, and what each costs. They and the
// scene with stalls are called by it.
func watchedRows(name, protocol, own, alone, stalls string) []Row {
	return []Row{
		{
			Name: name + "-delay", Scene: "feeds", Kind: Time, Bound: 100, Unit: "ms",
			What:   "added delay over " + protocol + " in the same rounds, p99",
			values: column(own, contest.DelayP99),
		},
		{
			Name: name + "-join", Scene: "feeds", Kind: Time, Bound: 100, Unit: "ms",
			What:   "from connect to the first key frame over " + protocol + ", all requests included, p99",
			values: column(own, contest.JoinP99),
		},
		{
			Name: name + "-memory", Scene: "feeds", Kind: Time, Bound: 4, Unit: "kB",
			What:   "resident memory per viewer over " + protocol + ", everything included, 1,000 viewers",
			values: column(own, contest.RSSPerViewer),
		},
		{
			// With fewer viewers the stream's backlog is a large part of all: it grows from
			// the stream's beginning on for longer than a heat lasts.
			Name: name + "-memory-few", Scene: name + "-rivals", Kind: Time, Bound: 4, Unit: "kB",
			What:   "resident memory per viewer over " + protocol + " at 300 viewers: by how much more it grew than with one in the same time",
			values: viewersMemory(own, alone),
		},
		{
			Name: name + "-damage", Scene: name + "-stall", Kind: Count, Bound: 0,
			What:   "pictures that were cut, or cannot be decoded, of viewers over " + protocol + " that stalled and were skipped ahead",
			values: damaged(stalls),
		},
	}
}

// cheapest is a pump's CPU per byte by that of the cheapest rival over a protocol in each
// round. behind is what is behind the rivals' names.
func cheapest(own, protocol, behind string) func(*contest.Table) []float64 {
	return func(t *contest.Table) []float64 {
		used := t.Column(own, contest.CPUPerGB)
		least := make([]float64, len(used))
		for i := range least {
			least[i] = math.NaN()
		}
		for _, k := range rival.Kinds() {
			if k.Name == pump || !k.Speaks(protocol) {
				continue
			}
			for i, v := range t.Column(k.Name+behind, contest.CPUPerGB) {
				if i < len(least) && (math.IsNaN(least[i]) || v < least[i]) {
					least[i] = v
				}
			}
		}
		return stat.Ratios(used, least)
	}
}

// viewersMemory is by how many kB a pump's memory grew more than that of the same with fewer
// viewers, by viewer: what grows without any, such as the stream's backlog, is in both.
func viewersMemory(own, fewer string) func(*contest.Table) []float64 {
	return func(t *contest.Table) []float64 {
		all, viewers := t.Column(own, contest.RSSPerViewer), t.Column(own, contest.Held)
		less, few := t.Column(fewer, contest.RSSPerViewer), t.Column(fewer, contest.Held)
		values := make([]float64, min(len(all), len(less)))
		for i := range values {
			values[i] = (all[i]*viewers[i] - less[i]*few[i]) / (viewers[i] - few[i])
		}
		return values
	}
}

// damaged is how many pictures were damaged of a pump's viewers in those rounds in which some
// were skipped ahead.
func damaged(stalls string) func(*contest.Table) []float64 {
	return func(t *contest.Table) []float64 {
		values := t.Column(stalls, contest.Damaged)
		for i, gaps := range t.Column(stalls, contest.Gaps) {
			if !(gaps > 0) {
				values[i] = math.NaN()
			}
		}
		return values
	}
}
