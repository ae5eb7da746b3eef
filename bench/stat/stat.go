// Package stat says what a few repeated measurements say together.
//
// Measurements of one machine at one time come in pairs: two servers measured
// right after each other in one round share whatever else the machine did then.
// So what is compared is the ratio of each pair, and never two means; of the
// ratios the median is told, and the interval in which it lies, made from their
// order alone: nothing is assumed about how noise is distributed.
package stat

import (
	"math"
	"slices"
)

// confidence is how sure an interval is, where there are enough measurements:
// 93.75 % is what the least and the greatest of five enclose the median with.
const confidence = 0.93

// Summary is what several measurements say.
type Summary struct {
	N      int     `json:"n"`
	Median float64 `json:"median"`
	// Low and High enclose the true median with Confidence.
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"`
	Min        float64 `json:"min"`
	Max        float64 `json:"max"`
}

// Of summarises measurements; ok is false where there are none.
func Of(values []float64) (s Summary, ok bool) {
	n := len(values)
	if n == 0 {
		return Summary{}, false
	}
	sorted := slices.Sorted(slices.Values(values))
	s = Summary{N: n, Median: Median(sorted), Min: sorted[0], Max: sorted[n-1]}
	// From the outside inwards, as far as it is sure enough: of n values the
	// k-th from either end miss the median with twice the chance of fewer than
	// k heads in n throws of a coin.
	k := 0
	for s.Confidence = inside(n, 1); k+1 < (n+1)/2 && inside(n, k+2) >= confidence; k++ {
		s.Confidence = inside(n, k+2)
	}
	s.Low, s.High = sorted[k], sorted[n-1-k]
	return s, true
}

// inside is the chance that the median lies between the k-th values from both
// ends, counted from 1, of n.
func inside(n, k int) float64 {
	fewer := 0.0
	for i := range k {
		fewer += choose(n, i)
	}
	return 1 - 2*fewer/math.Exp2(float64(n))
}

// choose is the number of ways to take k of n.
func choose(n, k int) float64 {
	c := 1.0
	for i := range k {
		c = c * float64(n-i) / float64(i+1)
	}
	return c
}

// Median is the middle of sorted values; NaN of none.
func Median(sorted []float64) float64 {
	n := len(sorted)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// Spread is half of the interval's width, as a part of the median.
func (s Summary) Spread() float64 {
	if s.Median == 0 {
		return 0
	}
	return (s.High - s.Low) / 2 / math.Abs(s.Median)
}

// Ratios divides pair by pair. A pair of which one is missing (NaN), or whose
// divisor is 0, is left out.
func Ratios(a, b []float64) []float64 {
	var out []float64
	for i := range min(len(a), len(b)) {
		if r := a[i] / b[i]; !math.IsNaN(r) && !math.IsInf(r, 0) {
			out = append(out, r)
		}
	}
	return out
}

// Present are the values that are there (not NaN).
func Present(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}
