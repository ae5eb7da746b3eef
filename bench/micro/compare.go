package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// machineKeys tell machines apart, as far as files can.
var machineKeys = []string{"cpu", "goarch", "kernel", "processors"}

// same says why the times of two files cannot be compared; nil if they can.
func same(before, now *results) error {
	var differ []string
	for _, key := range machineKeys {
		if a, b := before.config(key), now.config(key); a != b {
			differ = append(differ, fmt.Sprintf("%s was %q and is %q", key, a, b))
		}
	}
	if len(differ) > 0 {
		return errors.New("times are not compared, this is another machine: " + strings.Join(differ, ", "))
	}
	return nil
}

// counted are the units that may not grow, on whatever machine. A figure has
// grown if each run is above every stored run by more than the slack: growth of
// tables and buffers is spread over as many operations as a run had time for, so
// that bytes, and calls of a sweep that has begun, are not the same to the last digit.
var counted = []struct {
	unit  string
	slack float64
}{
	{"B/op", 1. / 16},
	{"allocs/op", 0},
	{"writes/join", 1. / 16},
	{"writes/packet", 1. / 16},
}

// counts prints what differs in what is counted; the error says how much grew.
func counts(out io.Writer, before, now *results) error {
	both := 0
	for _, name := range before.names() {
		if !slices.Contains(now.names(), name) {
			fmt.Fprintf(out, "no longer measured: %s\n", name)
			continue
		}
		both++
	}
	for _, name := range now.names() {
		if !slices.Contains(before.names(), name) {
			fmt.Fprintf(out, "new: %s\n", name)
		}
	}
	if both == 0 {
		return errors.New("the two files have no benchmark in common")
	}
	worse := 0
	for _, name := range now.names() {
		for _, what := range grown(name, before, now) {
			fmt.Fprintln(out, what)
			worse++
		}
	}
	if worse > 0 {
		return fmt.Errorf("%d counts grew against %s", worse, before.version())
	}
	fmt.Fprintf(out, "%d benchmarks compared with %s: no count grew\n", both, before.version())
	return nil
}

// grown says what of one benchmark grew, or is not counted any more.
func grown(name string, before, now *results) (out []string) {
	for _, c := range counted {
		old, values := before.values(name, c.unit), now.values(name, c.unit)
		switch {
		case len(old) == 0:
		case len(values) == 0:
			out = append(out, fmt.Sprintf("grew: %s: %s was counted, and is not", name, c.unit))
		case slices.Min(values) > slices.Max(old)*(1+c.slack):
			out = append(out, fmt.Sprintf("grew: %s: %s from %v to %v", name, c.unit, slices.Max(old), slices.Min(values)))
		}
	}
	return out
}

// version is what a file's results are of.
func (r *results) version() string {
	if v := r.config("version"); v != "" {
		return v + " (" + r.config("commit") + ")"
	}
	return r.config("commit")
}
