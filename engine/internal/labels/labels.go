// Package labels tells tests under which profiler's labels goroutines run.
package labels

import (
	"bytes"
	"maps"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// Of is the goroutine profile: the labels of each, by a function in its
// stack, as "loop=0 stream=live".
func Of(t testing.TB, function string) (labels []string) {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 0); err != nil {
		t.Fatal(err)
	}
	p, err := profile.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Sample {
		if inStack(s, function) {
			var words []string
			for _, key := range slices.Sorted(maps.Keys(s.Label)) {
				words = append(words, key+"="+s.Label[key][0])
			}
			labels = append(labels, strings.Join(words, " "))
		}
	}
	slices.Sort(labels)
	return labels
}

func inStack(s *profile.Sample, function string) bool {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if strings.HasSuffix(line.Function.Name, function) {
				return true
			}
		}
	}
	return false
}

// Here are the labels of the calling goroutine. One at a time may ask.
//
//go:noinline
func Here(t testing.TB) string {
	return strings.Join(Of(t, ".Here"), " and ")
}
