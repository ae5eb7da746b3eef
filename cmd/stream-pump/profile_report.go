package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"streampump/cmd/internal/fetch"
)

// report is a profile by what is counted in it.
type report struct {
	profile *profile.Profile
	kind    fetch.Kind
	index   int // of the counted value in each sample
	total   int64
}

// cost is a row of a table.
type cost struct {
	name string
	flat int64 // its own
	cum  int64 // with what it calls
}

// maxUnpacked bounds a profile in memory: some millions of samples.
const maxUnpacked = 256 << 20

// unlabelled is the name for what no label claims.
const unlabelled = "(none)"

// unpack takes the compression off a profile.
func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("it is not compressed: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is damaged: %w", err)
	case len(b) > maxUnpacked:
		return nil, fmt.Errorf("it is longer than %d bytes", maxUnpacked)
	}
	return b, nil
}

// readReport reads a profile of the given kind.
func readReport(b []byte, k fetch.Kind) (*report, error) {
	p, err := profile.ParseUncompressed(b)
	if err == nil {
		err = p.CheckValid()
	}
	if err == nil {
		err = p.RemoveUninteresting() // what the runtime asks to leave out
	}
	if err != nil {
		return nil, err
	}
	r := &report{profile: p, kind: k}
	r.index = slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == k.Sample })
	if r.index < 0 {
		return nil, fmt.Errorf("it is not a %s profile: it does not count %q", k.Name, k.Sample)
	}
	// A heap profile holds what was freed too, and that costs nothing now.
	p.Sample = slices.DeleteFunc(p.Sample, func(s *profile.Sample) bool { return s.Value[r.index] == 0 })
	for _, s := range p.Sample {
		r.total += s.Value[r.index]
	}
	return r, nil
}

// functions are the costs of all functions, the dearest first.
func (r *report) functions() []cost {
	all := map[string]cost{}
	seen := map[string]bool{} // a function that calls itself counts once
	for _, s := range r.profile.Sample {
		clear(seen)
		for i, name := range stack(s) {
			c := all[name]
			if i == 0 {
				c.flat += s.Value[r.index]
			}
			if !seen[name] {
				c.cum += s.Value[r.index]
			}
			seen[name] = true
			all[name] = c
		}
	}
	return ordered(all)
}

// stack are the names of a sample's functions, the innermost first.
func stack(s *profile.Sample) (names []string) {
	for _, l := range s.Location {
		if len(l.Line) == 0 {
			names = append(names, "0x"+strconv.FormatUint(l.Address, 16))
		}
		for _, line := range l.Line {
			name := unlabelled
			if line.Function != nil {
				name = line.Function.Name
			}
			names = append(names, name)
		}
	}
	return names
}

// labels are the costs by the values of a label; nil if nothing has it.
func (r *report) labels(key string) []cost {
	all := map[string]cost{}
	found := false
	for _, s := range r.profile.Sample {
		name := unlabelled
		if values := s.Label[key]; len(values) > 0 {
			name, found = values[0], true
		}
		c := all[name]
		c.flat += s.Value[r.index]
		all[name] = c
	}
	if !found {
		return nil
	}
	return ordered(all)
}

// ordered are the costs with their names, the dearest first, and what no label
// claims last.
func ordered(all map[string]cost) []cost {
	var out []cost
	for name, c := range all {
		c.name = name
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b cost) int {
		switch {
		case a.name == unlabelled:
			return 1
		case b.name == unlabelled:
			return -1
		}
		return cmp.Or(cmp.Compare(b.flat, a.flat), cmp.Compare(b.cum, a.cum), strings.Compare(a.name, b.name))
	})
	return out
}

// appendText appends the tables for people, of the given number of rows each; 0 is
// all. The functions come by their own cost, or with cum by that and what they call.
func (r *report) appendText(b []byte, rows int, cum bool) []byte {
	costs := r.functions()
	if cum {
		slices.SortStableFunc(costs, func(a, b cost) int { return cmp.Compare(b.cum, a.cum) })
	}
	u := unitOf(r.profile.SampleType[r.index].Unit, r.total)
	b = fmt.Appendf(b, "%s %s", u.text(r.total), u.name)
	if d := time.Duration(r.profile.DurationNanos); d > 0 {
		b = fmt.Appendf(b, " in %.1f s", d.Seconds())
		if r.kind.Name == "cpu" {
			b = fmt.Appendf(b, ", %.2f cores", float64(r.total)/float64(d))
		}
	}
	b = append(b, '\n')
	for _, key := range []string{"stream", "loop"} {
		if costs := r.labels(key); costs != nil {
			b = r.appendLabels(b, u, key, costs, rows)
		}
	}
	b = fmt.Appendf(b, "\n%11s  %6s  %11s  %6s  function\n", "flat "+u.short, "flat %", "cum "+u.short, "cum %")
	for i, c := range costs {
		if rows > 0 && i == rows {
			return fmt.Appendf(b, "and %d more\n", len(costs)-rows)
		}
		b = fmt.Appendf(b, "%11s  %6.1f  %11s  %6.1f  %s\n", u.text(c.flat), r.share(c.flat), u.text(c.cum), r.share(c.cum), c.name)
	}
	return b
}

func (r *report) appendLabels(b []byte, u unit, key string, costs []cost, rows int) []byte {
	b = fmt.Appendf(b, "\n%11s  %6s  %s\n", u.short, "%", key)
	for i, c := range costs {
		if rows > 0 && i == rows {
			return fmt.Appendf(b, "and %d more\n", len(costs)-rows)
		}
		b = fmt.Appendf(b, "%11s  %6.1f  %s\n", u.text(c.flat), r.share(c.flat), c.name)
	}
	return b
}

// share is n of the total in per cent.
func (r *report) share(n int64) float64 { return 100 * float64(n) / float64(r.total) }

// unit is how the values of a profile are shown.
type unit struct {
	name   string
	short  string // the same in a narrow column
	factor float64
	digits int
}

// units are those of what a profile counts, the largest first.
var units = map[string][]unit{
	"nanoseconds": {{"s", "s", 1e9, 2}, {"ms", "ms", 1e6, 2}, {"us", "us", 1e3, 2}},
	"bytes":       {{"MB", "MB", 1e6, 2}, {"kB", "kB", 1e3, 2}, {"bytes", "B", 1, 0}},
	"count":       {{"goroutines", "n", 1, 0}},
}

// unitOf is the largest unit of which the total is at least one, else the least.
func unitOf(what string, total int64) unit {
	u := unit{what, what, 1, 0}
	for _, u = range units[what] {
		if float64(total) >= u.factor {
			break
		}
	}
	return u
}

func (u unit) text(n int64) string { return fmt.Sprintf("%.*f", u.digits, float64(n)/u.factor) }
