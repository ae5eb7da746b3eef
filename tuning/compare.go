package tuning

import (
	"strconv"
	"strings"
)

// comparison is how a reading is held against what is wanted.
type comparison struct {
	words string // in front of what is wanted
	holds func(is, want string) bool
}

func (c comparison) compare(is, want string) bool {
	if c.holds == nil {
		return is == want
	}
	return c.holds(is, want)
}

// The comparisons that several rows use. The zero comparison is equality.
var (
	atLeast = comparison{"at least ", eachAtLeast}
	// span compares two numbers as the ends of a range: it may lie elsewhere.
	span = comparison{"as many ports as ", spanAtLeast}
)

// eachAtLeast compares numbers one by one. Where there are fewer than are
// wanted, or one is no number, they do not hold.
func eachAtLeast(is, want string) bool {
	a, ok1 := numbers(is)
	b, ok2 := numbers(want)
	if !ok1 || !ok2 || len(a) < len(b) {
		return false
	}
	for i := range b {
		if a[i] < b[i] {
			return false
		}
	}
	return true
}

func spanAtLeast(is, want string) bool {
	a, ok1 := numbers(is)
	b, ok2 := numbers(want)
	return ok1 && ok2 && len(a) == 2 && len(b) == 2 && float64(a[1])-float64(a[0]) >= float64(b[1])-float64(b[0])
}

// numbers reads whole numbers that are not negative.
func numbers(text string) ([]uint64, bool) {
	var all []uint64
	for _, f := range strings.Fields(text) {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return nil, false
		}
		all = append(all, n)
	}
	return all, len(all) > 0
}
