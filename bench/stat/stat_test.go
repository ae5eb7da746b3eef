package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestOf(t *testing.T) {
	if s, ok := Of(nil); ok {
		t.Errorf("nothing says %+v", s)
	}
	for _, c := range []struct {
		values            []float64
		median, low, high float64
	}{
		{[]float64{3}, 3, 3, 3},
		{[]float64{4, 2}, 3, 2, 4},
		{[]float64{5, 1, 4, 2, 3}, 3, 1, 5},
		{[]float64{1, 2, 3, 4, 5, 6, 7}, 4, 1, 7},
		// Of eight, the second from either end miss the median with 7.0 %.
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8}, 4.5, 1, 8},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, 5, 2, 8},
	} {
		s, ok := Of(c.values)
		if !ok || s.Median != c.median || s.Low != c.low || s.High != c.high || s.N != len(c.values) {
			t.Errorf("%v: %+v", c.values, s)
		}
	}
}

// TestIntervalHoldsTheMedian: as often as it says, whatever the distribution.
func TestIntervalHoldsTheMedian(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{3, 5, 8, 12, 21} {
		const rounds = 20_000
		held, said := 0, 0.0
		for range rounds {
			values := make([]float64, n)
			for i := range values {
				values[i] = math.Exp(3 * r.NormFloat64()) // its median is 1
			}
			s, _ := Of(values)
			said = s.Confidence
			if s.Low <= 1 && 1 <= s.High {
				held++
			}
		}
		if got := float64(held) / rounds; math.Abs(got-said) > 0.01 {
			t.Errorf("of %d: held in %.3f, said %.3f", n, got, said)
		}
	}
}

func TestRatios(t *testing.T) {
	nan := math.NaN()
	got := Ratios([]float64{1, nan, 4, 5}, []float64{2, 3, 0, nan, 1})
	if len(got) != 1 || got[0] != 0.5 {
		t.Errorf("%v", got)
	}
	if p := Present([]float64{nan, 1, nan}); len(p) != 1 || p[0] != 1 {
		t.Errorf("%v", p)
	}
	if s, _ := Of([]float64{9, 10, 11}); s.Spread() != 0.1 {
		t.Errorf("%+v", s)
	}
}
