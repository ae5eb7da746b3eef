package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sample is a results file of two packages; runs of one benchmark follow each other.
const sample = `commit: 0123456789ab
date: 2026-11-25
go: go1.26.8
kernel: Linux 6.18
processors: 2
?   	streampump/codec	[no test files]
goos: linux
goarch: amd64
pkg: streampump/engine
cpu: Some CPU
BenchmarkJoin/viewers=1000	 5000	 9000 ns/op	 1.000 writes/join	 600 B/op	 14 allocs/op
BenchmarkJoin/viewers=1000	 6000	 9900 ns/op	 1.000 writes/join	 610 B/op	 14 allocs/op
BenchmarkFanout/viewers=9	 900	 40000 ns/op	 40.00 ns/packet	 0.1873 writes/packet	 0 B/op	 0 allocs/op
PASS
ok  	streampump/engine	1.7s
pkg: streampump/codec/asf
BenchmarkTrim	 100	 500 ns/op	 0 B/op	 0 allocs/op
PASS
`

func parse(t *testing.T, text string) *results {
	t.Helper()
	r, err := read(strings.NewReader(text), "a.txt")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// change is the sample with some texts replaced, old and new by turns.
func change(texts ...string) string { return strings.NewReplacer(texts...).Replace(sample) }

func TestCounts(t *testing.T) {
	cases := []struct {
		name string
		now  string
		want string // in what is printed, or in the error
		fail bool
	}{
		{"the_same", sample, "3 benchmarks compared with 0123456789ab: no count grew", false},
		{"slower", change("9000 ns/op", "99000 ns/op", "9900 ns/op", "98000 ns/op"), "no count grew", false},
		{"fewer", change("14 allocs/op", "13 allocs/op"), "no count grew", false},
		{"one_run_only", change("600 B/op	 14", "900 B/op	 15"), "no count grew", false},
		{"another_machine", change("Some CPU", "Other CPU", "14 allocs", "15 allocs"), "allocs/op from 14 to 15", true},
		{"allocations", change("14 allocs/op", "15 allocs/op"), "grew: streampump/engine Join/viewers=1000: allocs/op from 14 to 15", true},
		{"the_first_allocation", change("500 ns/op	 0 B/op	 0", "500 ns/op	 8 B/op	 1"), "grew: streampump/codec/asf Trim: B/op from 0 to 8", true},
		{"bytes", change("600 B/op", "700 B/op", "610 B/op", "650 B/op"), "B/op from 610 to 650", true},
		{"bytes_within_the_slack", change("600 B/op", "640 B/op", "610 B/op", "648 B/op"), "no count grew", false},
		{"write_calls", change("0.1873", "0.3700"), "writes/packet from 0.1873 to 0.37", true},
		{"not_counted", change("	 0 B/op	 0 allocs/op\nPASS\nok", "\nPASS\nok"), "allocs/op was counted, and is not", true},
		{"gone", change("BenchmarkTrim", "BenchmarkCut"), "no longer measured: streampump/codec/asf Trim\nnew: streampump/codec/asf Cut\n2 benchmarks", false},
		{"nothing_in_common", change("pkg: streampump", "pkg: other"), "no benchmark in common", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			err := counts(&out, parse(t, sample), parse(t, c.now))
			if err != nil {
				out.WriteString(err.Error())
			}
			if (err != nil) != c.fail || !strings.Contains(out.String(), c.want) {
				t.Errorf("printed %s\nfailed: %v, want %v and %q", out.String(), err != nil, c.fail, c.want)
			}
		})
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct{ name, now, want string }{
		{"the_same", change("go1.26.8", "go1.27", "0123456789ab", "ba9876543210"), ""},
		{"another_CPU", change("Some CPU", "Other"), `cpu was "Some CPU" and is "Other"`},
		{"another_kernel", change("6.18", "7.0"), `kernel was "Linux 6.18" and is "Linux 7.0"`},
		{"more_processors", change("processors: 2", "processors: 4"), `processors was "2" and is "4"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := same(parse(t, sample), parse(t, c.now)); err != nil {
				got = err.Error()
			}
			if got != c.want && (c.want == "" || !strings.HasSuffix(got, c.want)) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestResultsThatAreNone(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "no result of a benchmark"},
		{"no_benchmark", "PASS\nok  	streampump/engine	1.7s\n", "no result of a benchmark"},
		{"failed", change("PASS\nok", "FAIL\nFAIL"), "a benchmark failed: FAIL"},
		{"panicked", sample + "panic: no\n", "a benchmark failed: panic: no"},
		{"cut", sample + "BenchmarkTrim 100 500\n", "a.txt:19: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := read(strings.NewReader(c.text), "a.txt"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want an error with %q", err, c.want)
			}
		})
	}
}

// A stored file has the release in its head, its benchmarks in order, and
// loses nothing.
func TestStore(t *testing.T) {
	folder := t.TempDir()
	from := filepath.Join(folder, "bench.txt")
	store := func(text, version string) error {
		if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return run([]string{"store", from, folder, version}, nil)
	}
	if err := store(sample, "v1.2.3"); err != nil {
		t.Fatal(err)
	}
	r, err := readFile(filepath.Join(folder, "v1.2.3.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range r.lines {
		names = append(names, series(l))
	}
	want := "streampump/codec/asf Trim, streampump/engine Fanout/viewers=9, streampump/engine Join/viewers=1000, streampump/engine Join/viewers=1000"
	if got := strings.Join(names, ", "); got != want {
		t.Errorf("stored are %s", got)
	}
	if got := r.version(); got != "v1.2.3 (0123456789ab)" {
		t.Errorf("the head says %s", got)
	}
	if err := same(parse(t, sample), r); err != nil {
		t.Error(err)
	}
	var out strings.Builder
	if err := counts(&out, parse(t, sample), r); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	for _, c := range []struct{ name, text, version, want string }{
		{"again", sample, "v1.2.3", "file exists"},
		{"no_version", sample, "1.2.3-dirty", "not a release's version"},
		{"changed_tree", change("0123456789ab", "0123456789ab+changes"), "v1.2.4", "measure again"},
		{"no_commit", change("0123456789ab", "unknown (no git)"), "v1.2.4", "which commit"},
	} {
		if err := store(c.text, c.version); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run([]string{"head"}, &out); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^commit: .+\ndate: \d{4}-\d\d-\d\d\ngo: go.+\nkernel: .+\nprocessors: \d+\n$`).MatchString(out.String()) {
		t.Errorf("the head is %q", out.String())
	}
	if got := head(t.TempDir()); !strings.HasPrefix(got, "commit: unknown (") {
		t.Errorf("outside a repository the head is %q", got)
	}
	for _, args := range [][]string{nil, {"counts"}, {"same", "a"}, {"store", "a", "b"}, {"head", "x"}} {
		if err := run(args, &out); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if err := run([]string{"counts", "missing.txt", "missing.txt"}, &out); err == nil || !strings.Contains(err.Error(), "missing.txt") {
		t.Errorf("%v", err)
	}
}

// Every stored file is complete and says what it was measured on.
func TestStoredFiles(t *testing.T) {
	files, err := filepath.Glob("../results/v*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stored results (%v)", err)
	}
	for _, name := range files {
		r, err := readFile(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := r.config("version") + ".txt"; got != filepath.Base(name) {
			t.Errorf("%s says it is %s", name, got)
		}
		for _, key := range append([]string{"commit", "date", "go"}, machineKeys...) {
			if v := r.config(key); v == "" || strings.HasPrefix(v, "unknown") {
				t.Errorf("%s: %s is %q", name, key, v)
			}
		}
	}
}
