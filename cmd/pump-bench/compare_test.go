package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"streampump/bench/affinity"
	"streampump/cmd/internal/cli"
)

// unconfined lets this process have its processors again, of which compare
// leaves it a part.
func unconfined(t *testing.T) {
	own, err := affinity.Own()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := affinity.Confine(own); err != nil {
			t.Error(err)
		}
	})
}

// program is a script in a folder of its own.
func program(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stream-pump")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCompareWithoutAServer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for args, c := range map[string]struct {
		code int
		want string
	}{
		"compare":                    {cli.ExitFailed, "stream-pump is not built: make build"},
		"compare --pump /nowhere/x":  {cli.ExitFailed, "--pump /nowhere/x is not a program: no such file or directory"},
		"compare --pump /etc/passwd": {cli.ExitFailed, "--pump /etc/passwd is not a program: permission denied"},
		"compare --pump /bin/sh --servers pump --cores 1023":          {cli.ExitUsage, "the servers cannot have the processors 1023: this process may run on "},
		"compare --pump /bin/sh --servers pump --profile /dev/null/x": {cli.ExitFailed, "no folder for the profiles, /dev/null/x: not a directory"},
	} {
		o := start(t, strings.Fields(args)...)
		if o.code != c.code || o.stdout != "" || !strings.Contains(o.stderr, "pump-bench: "+c.want) {
			t.Errorf("%s: %+v", args, o)
		}
	}
}

// TestCompareOfAServerThatFails: a failure with its reason, and no figure at all.
func TestCompareOfAServerThatFails(t *testing.T) {
	unconfined(t)
	pump := program(t, `test "$1" = version && echo stream-pump 0 || { echo I cannot find my teapot; exit 7; }`)
	page := filepath.Join(t.TempDir(), "r.html")
	args := []string{"compare", "--servers", "pump", "--pump", pump, "--rounds", "2", "-n", "3", "--head-start", "1m", "--html", page}
	o := start(t, append(args, "--json")...)
	var r struct {
		Names       []string
		Rounds      int
		Interrupted bool
		Machine     struct{ Cores int }
		Settings    map[string]any
		Versions    map[string]string
		Failures    []string
		Runs        map[string][]map[string]any
	}
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != cli.ExitFailed {
		t.Fatalf("%v: %+v", err, o)
	}
	if o.stderr != "step 1 of 4: pump\nstep 2 of 4: floor\nstep 3 of 4: floor\nstep 4 of 4: pump\n" {
		t.Errorf("errors\n%s", o.stderr)
	}
	if !slices.Equal(r.Names, []string{"pump", "floor"}) || r.Rounds != 2 || r.Interrupted || r.Machine.Cores < 1 ||
		!maps.Equal(r.Versions, map[string]string{"pump": "stream-pump 0"}) || len(r.Failures) != 4 {
		t.Errorf("%+v", r)
	}
	for _, key := range []string{"players", "bitrate", "packet_size", "fps", "gop", "head_start_seconds", "ramp_seconds", "duration_seconds", "rounds", "server_cores", "load_cores"} {
		if _, there := r.Settings[key]; !there {
			t.Errorf("the settings lack %s: %v", key, r.Settings)
		}
	}
	why := "pump: " + pump + ": exit status 7; it said last: I cannot find my teapot"
	for _, run := range r.Runs["pump"] {
		if len(run) != 3 || run["name"] != "pump" || run["failed"] != why || len(run["figures"].(map[string]any)) != 0 {
			t.Errorf("%v", run)
		}
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, bare(string(html)), []string{`<p class="verdict bad">Failed: pump, round 1: ` + why + "; and 3 more, below.</p>"},
		[]string{"<figure", "s/GB", "<h2>Figures", "<h2>Ratios", `class="number"`})
	o = start(t, args...)
	if o.code != cli.ExitFailed || !strings.Contains(o.stdout, "\n\nnothing was measured\nfailed      pump, round 1: "+why+"\n") {
		t.Errorf("%+v", o)
	}
}

// TestLatencyBudgetsOfACompare: the pump runs once with each, and has it in its
// configuration.
func TestLatencyBudgetsOfACompare(t *testing.T) {
	unconfined(t)
	pump := program(t, `test "$1" = version && echo stream-pump 0 || { cat "$2"; exit 7; }`)
	o := start(t, "compare", "--servers", "pump", "--pump", pump, "--rounds", "1", "--floor=false", "-n", "3", "--latency-budget", "20ms,0", "--json")
	var r struct {
		Names    []string
		Versions map[string]string
		Failures []string
	}
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != cli.ExitFailed {
		t.Fatalf("%v: %+v", err, o)
	}
	names := []string{"pump 20ms", "pump 0s"}
	if !slices.Equal(r.Names, names) || !slices.Equal(slices.Sorted(maps.Keys(r.Versions)), slices.Sorted(slices.Values(names))) || len(r.Failures) != 2 {
		t.Fatalf("%+v", r)
	}
	for i, said := range []string{`"fanout":{"latency_budget":"20ms"}`, `"fanout":{"latency_budget":"0s"}`} {
		if !strings.Contains(r.Failures[i], said) {
			t.Errorf("%s, where %s was to be said", r.Failures[i], said)
		}
	}
}

// TestInterruptedCompare: Ctrl-C while the first server is about to start.
func TestInterruptedCompare(t *testing.T) {
	unconfined(t)
	ctx, interrupt := context.WithCancel(t.Context())
	pump := program(t, "exec sleep 60")
	var stdout bytes.Buffer
	stderr := &trigger{word: "step 1 of 2", do: interrupt}
	code := run(ctx, []string{"compare", "--servers", "pump", "--pump", pump, "--rounds", "2", "--floor=false", "-n", "3"}, &stdout, stderr)
	if got := stdout.String(); code != cli.ExitFailed || !strings.HasPrefix(got, "interrupted; this is what was measured so far\n3 players, ") || !strings.HasSuffix(got, "\n\nnothing was measured\n") {
		t.Errorf("exit code %d, output\n%s", code, got)
	}
}

// trigger does something once a word is written to it.
type trigger struct {
	word string
	do   func()
}

func (w *trigger) Write(b []byte) (int, error) {
	if strings.Contains(string(b), w.word) {
		w.do()
	}
	return len(b), nil
}
