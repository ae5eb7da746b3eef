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
			// The engine sends them the same bytes at the same times. The packets are smaller,
			// and the sound comes in packets of its own between the pictures, so that a call
			// carries a little less.
			Name: "rtsp-bytes", Scene: "feeds", Kind: Ratio, Bound: 1.15,
			What:   "CPU per byte over RTSP at 1,000 viewers of 1 Mbit/s, against MMSH",
			values: ratio(rtspPump, pump, contest.CPUPerGB),
		},
		{
			// With so few viewers packets are held for a part of the latency budget.
			Name: "rtsp-rivals", Scene: "rtsp-rivals", Kind: Ratio, Bound: 0.4, Unpackaged: true,
			What:   "CPU per byte over RTSP at 300 viewers, against the cheapest rival",
			values: cheapest(rtspPump, feed.RTSP, ""),
		},
	}, watchedRows("rtsp", "RTSP", rtspPump, rtspStalled)...)
}

// rtmpRows are about viewers over RTMP.
func rtmpRows() []Row {
	return append([]Row{
		{
			Name: "rtmp-bytes", Scene: "feeds", Kind: Ratio, Bound: 1.15,
			What:   "CPU per byte over RTMP at 1,000 viewers of 1 Mbit/s, against MMSH",
			values: ratio(rtmpPump, pump, contest.CPUPerGB),
		},
		{
			Name: "rtmp-bytes-few", Scene: "rtmp-rivals", Kind: Ratio, Bound: 1.15,
			What:   "CPU per byte over RTMP at 300 viewers, in segments of Ethernet, against MMSH",
			values: ratio(rtmpPump, pump, contest.CPUPerGB),
		},
		{
			Name: "rtmp-rivals-few", Scene: "rtmp-rivals", Kind: Ratio, Bound: 0.3,
			What:   "the same, against the cheapest rival",
			values: cheapest(rtmpPump, feed.RTMP, ""),
		},
		{
			Name: "rtmp-rivals", Scene: "rtmp-rivals", Kind: Ratio, Bound: 0.3,
			What:   "the same at 1,000 viewers",
			values: cheapest(rtmpPump+thousand, feed.RTMP, thousand),
		},
	}, watchedRows("rtmp", "RTMP", rtmpPump, rtmpStalled)...)
}

// watchedRows are about what viewers over a protocol see, and what each costs. They and the
// scene with stalls are called by it.
func watchedRows(name, protocol, own, stalls string) []Row {
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
			What:   "resident memory per viewer over " + protocol + ", everything included",
			values: column(own, contest.RSSPerViewer),
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
