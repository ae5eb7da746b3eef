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
	"streampump/bench/contest"
	"streampump/bench/load"
	"streampump/cmd/internal/cli"
)

// compared is a made-up contest: two rounds, of which the second was interrupted
// at VLC.
func compared() *compareReport {
	pump := func(cpu, delay float64) *contest.Outcome {
		return &contest.Outcome{Name: "pump", Figures: contest.Figures{
			contest.CPUPerGB: cpu, contest.CPUPerCall: 18.25, contest.DelayP99: delay, contest.Held: 100, contest.Lost: 0,
		}}
	}
	rival := func(cpu float64) *contest.Outcome {
		return &contest.Outcome{Name: "cubemap", Figures: contest.Figures{contest.CPUPerGB: cpu, contest.DelayP99: 200, contest.Held: 98, contest.Lost: 2},
			Result: &load.Result{Notes: []string{"the delay was guessed"}}}
	}
	t := &contest.Table{
		Names: []string{"pump", "cubemap", "vlc", "floor"}, Rounds: 2, Interrupted: true,
		Runs: map[string][]*contest.Outcome{
			"pump": {pump(0.6, 50), pump(0.7, 60)}, "cubemap": {rival(0.8), rival(1)},
			"vlc":   {{Name: "vlc", Failed: "vlc: it burns"}, nil},
			"floor": {{Name: "floor", Figures: contest.Figures{contest.CPUPerGB: 0.5, contest.CPUPerCall: 18.25}}, nil},
		},
	}
	return &compareReport{
		About{Program: "pump-bench 1", Commit: "0123", Date: "today"},
		compareSettings{Players: 100, streamSettings: streamSettings{Bitrate: 1e6, PacketSize: 1400}, Rounds: 2, Duration: 5, Stall: "5%:2s", Throttle: "5%:300k", Segment: 1460, ServerCores: []int{0}, LoadCores: []int{1, 2}},
		map[string]string{"pump": "stream-pump 1", "cubemap": "cubemap 1.4", "vlc": ""}, t, t.Failures(),
	}
}

func TestTextOfAContest(t *testing.T) {
	want := `interrupted; this is what was measured so far
100 players, 1 Mbit/s in packets of 1400 bytes, 2 rounds of 5 s; servers on core 0, load on 1-2; stalled: 5%:2s; throttled: 5%:300k; segments of 1460 bytes
pump: stream-pump 1
cubemap: cubemap 1.4

                       pump                 cubemap              vlc  floor
CPU by bytes, s/GB     0.650 (0.600–0.700)  0.900 (0.800–1.000)  –    0.500
CPU by write call, µs  18.2                 –                    –    18.2
added delay, p99, ms   55.0 (50.0–60.0)     200.0                –    –
players held           100                  98                   –    –
players lost           0                    2                    –    –

pump by…           pump  cubemap           vlc  floor
CPU by bytes       1     0.72 (0.70–0.75)  –    1.20
CPU by write call  1     –                 –    1.00
added delay, p99   1     0.28 (0.25–0.30)  –    –

note        cubemap: the delay was guessed
failed      vlc, round 1: vlc: it burns
`
	if got := string(compared().appendText(nil)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPageOfAContest(t *testing.T) {
	checkPage(t, shown(t, compared().page()), []string{
		"<title>pump, cubemap, vlc, floor side by side</title>",
		`<p class="verdict bad">Interrupted; this is what was measured so far. Failed: vlc, round 1: vlc: it burns.</p>`,
		`<dt>CPU of cubemap</dt><dd>0.900 <small>s/GB</small></dd><dd class="note">pump has 0.72 (0.70–0.75) times that</dd>`,
		`<td class="number bad">2</td>`, `<td class="number">–</td>`, "<td>CPU by bytes, s/GB</td>", "<td>CPU by bytes</td>", "<figcaption>CPU by bytes <span>s/GB</span>",
		`<td class="bad">vlc, round 1: vlc: it burns</td>`, "<td>cubemap: the delay was guessed</td>",
		"<dt>cubemap</dt><dd>cubemap 1.4</dd>", "<dt>contest</dt><dd>100 players, 1 Mbit/s", "<dt>commit</dt><dd>0123</dd>",
	}, []string{"CPU of vlc", "memory by viewer", "gaps", "NaN"})
}

func TestVerdictOfAContest(t *testing.T) {
	for want, change := range map[string]func(*compareReport){
		"All servers held their players.":          func(r *compareReport) { r.Failures, r.Interrupted = nil, false },
		pageInterrupted:                            func(r *compareReport) { r.Failures = nil },
		"Failed: a; and 1 more, below.":            func(r *compareReport) { r.Failures, r.Interrupted = []string{"a", "b"}, false },
		pageInterrupted + " Nothing was measured.": func(r *compareReport) { r.Failures, r.Runs = nil, nil },
	} {
		r := compared()
		change(r)
		if got, _ := r.verdict(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

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
	for args, want := range map[string]string{
		"compare":                    "stream-pump is not built: make build",
		"compare --pump /nowhere/x":  "--pump /nowhere/x is no program: stat /nowhere/x: no such file or directory",
		"compare --pump /etc/passwd": "--pump /etc/passwd is no program: permission denied",
		"compare --pump /bin/sh --servers pump --cores 1023":          "the servers can not have the processors 1023: this process may run on ",
		"compare --pump /bin/sh --servers pump --profile /dev/null/x": "no folder for the profiles: mkdir /dev/null: not a directory",
	} {
		o := start(t, strings.Fields(args)...)
		if o.code != cli.ExitFailed || o.stdout != "" || !strings.HasPrefix(lastLine(o.stderr), "pump-bench: "+want) {
			t.Errorf("%s: %+v", args, o)
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// TestCompareOfAServerThatFails: a failure with its reason, and no figure at all.
func TestCompareOfAServerThatFails(t *testing.T) {
	unconfined(t)
	pump := program(t, `test "$1" = version && echo stream-pump 0 || { echo I can not find my teapot; exit 7; }`)
	page := filepath.Join(t.TempDir(), "r.html")
	args := []string{"compare", "--servers", "pump", "--pump", pump, "--rounds", "2", "-n", "3", "--html", page}
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
	for _, key := range []string{"players", "bitrate", "packet_size", "fps", "gop", "ramp_seconds", "duration_seconds", "rounds", "server_cores", "load_cores"} {
		if _, there := r.Settings[key]; !there {
			t.Errorf("the settings lack %s: %v", key, r.Settings)
		}
	}
	why := "pump: " + pump + ": exit status 7; it said last: I can not find my teapot"
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
	if got := stdout.String(); code != cli.ExitOK || !strings.HasPrefix(got, interrupted+"\n3 players, ") || !strings.HasSuffix(got, "\n\nnothing was measured\n") {
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
