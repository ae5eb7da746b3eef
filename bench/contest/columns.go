package contest

import (
	"fmt"
	"math"
	"strconv"

	"streampump/bench/stat"
)

// Shown is a figure as it is shown to people.
type Shown struct {
	Figure Figure
	Name   string
	Unit   string
	Digits int // after the point
	// Ratio: less of it is better, so the pump's is divided by the others'.
	Ratio bool
}

// Columns are the figures that are shown, in order.
func Columns() []Shown {
	return []Shown{
		{CPUPerGB, "CPU per byte", "s/GB", 3, true},
		{CPUPerCall, "CPU per write call", "µs", 1, true},
		{PacketsPerCall, "packets in a call", "", 1, false},
		{SealPerGB, "AES-GCM alone", "s/GB", 3, false},
		{Cores, "CPU", "cores", 3, true},
		{DelayP50, "added delay, p50", "ms", 1, true},
		{DelayP99, "added delay, p99", "ms", 1, true},
		{DelayMax, "added delay, max", "ms", 1, false},
		{JoinP50, "join, p50", "ms", 1, false},
		{JoinP99, "join, p99", "ms", 1, false},
		{AllJoined, "all joined after", "ms", 0, true},
		{JoinCPU, "CPU per join", "ms", 3, true},
		{RSSPerViewer, "memory per viewer", "kB", 2, true},
		{RSSGrowth, "memory, growth", "MB", 2, false},
		{StalledKernel, "kernel, per stalled", "MB", 3, true},
		{Held, "players held", "", 0, false},
		{Lost, "players lost", "", 0, false},
		{Gaps, "gaps", "", 0, false},
		{Damaged, "damaged pictures", "", 0, false},
		{Broken, "broken streams", "", 0, false},
		{Received, "received", "Mbit/s", 0, false},
		{GeneratorCores, "generator's CPU", "cores", 3, false},
		{MachinePerGB, "whole machine's CPU per byte", "s/GB", 3, true},
	}
}

// Number is a value with the digits of its figure.
func (s *Shown) Number(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', s.Digits, 64)
}

// Spread is what several values say: the median, and in brackets the interval,
// where there are several and they differ. "–" stands for none.
func (s *Shown) Spread(values []float64) string {
	sum, ok := stat.Of(values)
	if !ok {
		return "–"
	}
	text := s.Number(sum.Median)
	if low, high := s.Number(sum.Low), s.Number(sum.High); low != high {
		text += fmt.Sprintf(" (%s–%s)", low, high)
	}
	return text
}

// times is a ratio as it is shown.
var times = Shown{Digits: 2}

// RatioText says how a server's figure compares to another's, round by round; "–"
// where there is none.
func (t *Table) RatioText(name, by string, f Figure) string {
	return times.Spread(t.Ratio(name, by, f))
}
