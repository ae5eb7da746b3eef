package gate

import (
	"math"

	"streampump/bench/contest"
	"streampump/bench/rival"
	"streampump/bench/stat"
)

// rtspRows are about viewers over RTSP.
func rtspRows() []Row {
	return []Row{
		{
			// The engine sends them the same bytes at the same times. The packets are smaller,
			// and the sound comes in packets of its own between the pictures, so that a call
			// carries a little less.
			Name: "rtsp-bytes", Scene: "rtsp", Kind: Ratio, Bound: 1.15,
			What:   "CPU per byte over RTSP at 1,000 viewers of 1 Mbit/s, against MMSH",
			values: ratio(rtspPump, pump, contest.CPUPerGB),
		},
		{
			// With so few viewers packets are held for a part of the latency budget.
			Name: "rtsp-rivals", Scene: "rtsp-rivals", Kind: Ratio, Bound: 0.4, Unpackaged: true,
			What:   "CPU per byte over RTSP at 300 viewers, against the cheapest rival",
			values: cheapest,
		},
		{
			Name: "rtsp-delay", Scene: "rtsp", Kind: Time, Bound: 100, Unit: "ms",
			What:   "added delay over RTSP in the same rounds, p99",
			values: column(rtspPump, contest.DelayP99),
		},
		{
			Name: "rtsp-join", Scene: "rtsp", Kind: Time, Bound: 100, Unit: "ms",
			What:   "from connect to the first key frame over RTSP, all requests included, p99",
			values: column(rtspPump, contest.JoinP99),
		},
		{
			Name: "rtsp-memory", Scene: "rtsp", Kind: Time, Bound: 4, Unit: "kB",
			What:   "resident memory per viewer over RTSP, everything included",
			values: column(rtspPump, contest.RSSPerViewer),
		},
		{
			Name: "rtsp-damage", Scene: "rtsp-stall", Kind: Count, Bound: 0,
			What:   "pictures that were cut, or cannot be decoded, of viewers over RTSP that stalled and were skipped ahead",
			values: damaged,
		},
	}
}

// cheapest is the pump's CPU per byte over RTSP by that of the cheapest rival in each round.
func cheapest(t *contest.Table) []float64 {
	own := t.Column(rtspPump, contest.CPUPerGB)
	least := make([]float64, len(own))
	for i := range least {
		least[i] = math.Inf(1)
	}
	for _, k := range rival.Kinds() {
		if k.RTSP != rival.Only {
			continue
		}
		for i, v := range t.Column(k.Name, contest.CPUPerGB) {
			if i < len(least) && v < least[i] {
				least[i] = v
			}
		}
	}
	for i, v := range least {
		if math.IsInf(v, 1) {
			least[i] = math.NaN()
		}
	}
	return stat.Ratios(own, least)
}

// damaged is how many pictures were damaged in those rounds in which viewers were skipped
// ahead.
func damaged(t *contest.Table) []float64 {
	values := t.Column(rtspStalled, contest.Damaged)
	for i, gaps := range t.Column(rtspStalled, contest.Gaps) {
		if !(gaps > 0) {
			values[i] = math.NaN()
		}
	}
	return values
}
