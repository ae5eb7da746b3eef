package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// results are the lines of one file: a benchmark that ran ten times has ten.
type results struct {
	lines []*benchfmt.Result
}

func readFile(name string) (*results, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f, name)
}

// read takes everything that go test printed. A package that failed leaves a
// file that would show too little, so that is an error. Errors name the file.
func read(f io.Reader, name string) (*results, error) {
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL") || strings.HasPrefix(line, "panic:") {
			return nil, fmt.Errorf("%s: a benchmark failed: %s", name, strings.TrimSpace(line))
		}
	}
	r := &results{}
	in := benchfmt.NewReader(bytes.NewReader(text), name)
	for in.Scan() {
		switch rec := in.Result().(type) {
		case *benchfmt.Result:
			r.lines = append(r.lines, rec.Clone())
		case *benchfmt.SyntaxError:
			return nil, rec
		}
	}
	if len(r.lines) == 0 {
		return nil, fmt.Errorf("%s: there is no result of a benchmark in it", name)
	}
	return r, nil
}

// config is what the file says of all its results, such as the kernel; the
// packages have each their own.
func (r *results) config(key string) string { return r.lines[0].GetConfig(key) }

// stored is the file of a release: with its version, in the order of packages
// and names, whatever order the benchmarks ran in.
func (r *results) stored(version string) ([]byte, error) {
	switch c := r.config("commit"); {
	case c == "", strings.HasPrefix(c, "unknown"):
		return nil, fmt.Errorf("the results do not say which commit was measured (%q)", c)
	case strings.HasSuffix(c, changed):
		return nil, fmt.Errorf("the results are of %s: commit what was measured, and measure again", c)
	}
	lines := slices.Clone(r.lines)
	slices.SortStableFunc(lines, func(a, b *benchfmt.Result) int { return strings.Compare(series(a), series(b)) })
	var out bytes.Buffer
	fmt.Fprintf(&out, "version: %s\n", version)
	w := benchfmt.NewWriter(&out)
	for _, l := range lines {
		if err := w.Write(l); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// series names the benchmark of a line.
func series(l *benchfmt.Result) string { return l.GetConfig("pkg") + " " + l.Name.String() }

// values are the figures of one benchmark in one unit.
func (r *results) values(name, unit string) (out []float64) {
	for _, l := range r.lines {
		if v, ok := l.Value(unit); ok && series(l) == name {
			out = append(out, v)
		}
	}
	return out
}

// names are the benchmarks of a file, sorted.
func (r *results) names() []string {
	set := map[string]bool{}
	for _, l := range r.lines {
		set[series(l)] = true
	}
	return slices.Sorted(maps.Keys(set))
}
