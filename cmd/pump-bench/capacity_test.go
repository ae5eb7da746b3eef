package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"streampump/bench/affinity"
	"streampump/bench/climb"
	"streampump/bench/load"
	"streampump/bench/report"
	"streampump/cmd/internal/cli"
)

// climbed is a climb of which everything is known: 200 players were carried, and
// 400 were too many for the processor.
func climbed() *capacityReport {
	step := func(players int, p99 float64, cores float64) *climb.Step {
		return &climb.Step{
			Players: players, CPUPerViewer: ptr(cores / float64(players)), MemoryPerViewer: ptr(1500.0),
			Result: &load.Result{
				Counts: load.Counts{Held: players}, Delay: &load.Times{P50: 20, P99: p99},
				Measured: &load.Measured{BitRate: 1e6 * float64(players), Generator: load.CPU{Cores: 0.25}},
				Server:   &load.Server{CPU: load.CPU{Cores: cores}},
			},
		}
	}
	bad := step(400, 300, 0.96)
	bad.Why, bad.Reason = []string{"the added delay's p99 is 300 ms, above 250ms"}, climb.Processors
	return &capacityReport{
		About{Program: "pump-bench 1", Date: "today"},
		capacitySettings{
			Stream: &streamSettings{Bitrate: 1_000_000, PacketSize: 1400}, From: 200, Most: 1000, Precision: 5, Delay: 250, Step: 5, Joins: 2000,
		},
		climb.Room{Cores: []int{0}, Processors: 1, LoadCores: []int{1}},
		&climb.Climb{
			Steps:   []*climb.Step{step(200, 60, 0.5), bad},
			Verdict: climb.Verdict{Players: 200, Failed: 400, Reason: climb.Processors, Seen: "it was full", Sentence: "Buy another."},
		},
		&checked{Estimated: 220, Measured: 200, Error: 10, Resource: "processors", Agrees: ptr(true)},
	}
}

func TestCapacityText(t *testing.T) {
	want := `200 players; what gave out first: processors
it was full: Buy another.
doctor estimates 220 viewers, limited by processors: 10 % above what was measured

Stream Pump with 1 Mbit/s in packets of 1400 bytes; server on core 0, from 200 players to 1000 at most, to within 5 %, steps of 5 s, 2000 joins a second; p99 of the added delay up to 250 ms

  players  held  delay p50 ms  p99 ms  server cores  millionths a viewer  kB a viewer  load cores  Mbit/s
      200   200          20.0    60.0         0.500                 2500         1.50       0.250     200
      400   400          20.0   300.0         0.960                 2400         1.50       0.250     400
failed      400 players: the added delay's p99 is 300 ms, above 250ms
`
	if got := string(climbed().appendText(nil)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// What was not measured is no number, and is told once.
func TestCapacityTextOfWhatWasNotSeen(t *testing.T) {
	r := climbed()
	r.Settings.Stream, r.Settings.URL, r.Doctor, r.Room, r.Interrupted = nil, "mmsh://h/x", nil, climb.Room{}, true
	r.Verdict = climb.Verdict{Players: 400, Reason: climb.Most, AtLeast: true}
	for _, s := range r.Steps {
		s.Why, s.CPUPerViewer, s.MemoryPerViewer = nil, nil, nil
		s.Result.Delay, s.Result.Server, s.Result.Notes = nil, nil, []string{"no time stamps"}
	}
	r.Ended = "there is no process 77"
	got := string(r.appendText(nil))
	for _, want := range []string{
		interrupted + "\n400 players or more; what gave out first: nothing yet\n", "mmsh://h/x; server on core not known, from",
		"      400   400             –       –             –                    –            –       0.250     400\n",
		"note        the climb ended early: there is no process 77\nnote        of the server's process nothing was seen: --pid names it, where it runs on this machine\nnote        no time stamps\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Count(got, "no time stamps") != 1 {
		t.Errorf("said twice:\n%s", got)
	}
}

func TestCapacityVerdicts(t *testing.T) {
	for want, v := range map[string]climb.Verdict{
		"no step was finished": {Reason: climb.Most},
		"not even 1 player could be carried; what gave out: limits of the server": {Failed: 1, Reason: climb.ServerLimits},
		"9 players or more; what gave out first: the load":                        {Players: 9, Failed: 10, Reason: climb.Generator, AtLeast: true},
	} {
		r := climbed()
		r.Verdict = v
		if got := r.verdict(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCapacityPage(t *testing.T) {
	r := climbed()
	// The step was run before, and failed without a cause.
	again := *r.Steps[0]
	again.Why, again.Reason, again.Result = []string{"late"}, climb.Unexplained, &load.Result{}
	r.Steps = append([]*climb.Step{&again}, r.Steps...)
	page := shown(t, r.page())
	for _, want := range []string{
		"<title>How many viewers Stream Pump with 1 Mbit/s in packets of 1400 bytes carries</title>",
		`verdict good">Result: 200 players; what gave out first: processors. Buy another.`,
		"400 were too many", "10 % above what was measured", "Added delay <span>ms, of verified players, logarithmic</span>",
		"failed: processors", "failed: nothing that shows", "p99 is 300 ms",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
	plots := r.plots().Plots
	titles := []string{"Added delay", "CPU for each viewer", "Memory for each viewer", "CPU"}
	for i, title := range titles {
		if p := plots[i]; p.Title != title || len(p.Series[0].X) != 2 || p.Series[0].Y[1] <= 0 || p.Events[0].At != 400 {
			t.Errorf("%s: %+v", title, p)
		}
	}
	r.Verdict.Players = 0
	if p := r.page(); p.Mark != report.Bad {
		t.Errorf("nothing was carried, and the page is marked %q", p.Mark)
	}
}

func TestEstimates(t *testing.T) {
	const text = `{"viewers": 110, "gives_out_first": "processors", "limits": [], "streams": [{"path": "live", "bitrate": 1500000, "share": 0.5}, {"bitrate": 500000, "share": 0.5}]}`
	e, err := parseEstimate([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		v    climb.Verdict
		want string
	}{
		{climb.Verdict{Players: 100, Reason: climb.Processors}, "doctor estimates 110 viewers, limited by processors: 10 % above what was measured"},
		{climb.Verdict{Players: 220, Reason: climb.Loops}, "doctor estimates 110 viewers, limited by processors: 50 % below what was measured"},
		{climb.Verdict{Players: 100, Reason: climb.Memory}, "doctor estimates 110 viewers, limited by processors: 10 % above what was measured, where something else gave out"},
		{climb.Verdict{Players: 100, Reason: climb.Most, AtLeast: true}, "doctor estimates 110 viewers, limited by processors; no bound was found that it could be held against"},
		{climb.Verdict{Players: 220, Reason: climb.Generator, AtLeast: true}, "doctor estimates 110 viewers, limited by processors: 50 % below what was carried, and more can be"},
	} {
		r := climbed().Climb
		r.Verdict = c.v
		if got := e.against(r).String(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.v, got, c.want)
		}
	}
	r := climbed().Climb
	r.Steps[0].Result.Measured.BitRate *= 1.2
	if got := e.against(r).String(); !strings.HasSuffix(got, "; it is for 1 Mbit/s, and players got 1.2: doctor takes --bitrate with the padding of packets") {
		t.Error(got)
	}
	if r.Verdict = (climb.Verdict{Failed: 1}); e.against(r) != nil {
		t.Error("an estimate was held against nothing")
	}
	e.First = "limits.sessions"
	r.Verdict = climb.Verdict{Players: 1, Reason: climb.Generator, AtLeast: true}
	if c := e.against(r); c.Agrees != nil {
		t.Errorf("%+v", c)
	}
	r.Verdict = climb.Verdict{Players: 1, Reason: climb.ServerLimits}
	if c := e.against(r); !*c.Agrees {
		t.Errorf("%+v", c)
	}
}

func FuzzParseEstimate(f *testing.F) {
	for _, seed := range []string{
		`{"viewers": 110, "gives_out_first": "processors"}`, `{"viewers": -1, "gives_out_first": "x"}`, `{}`, `[]`, `{"viewers": 1e99}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := parseEstimate(text)
		if err == nil && (e.Viewers < 0 || e.First == "") {
			t.Errorf("%+v", e)
		}
		if err == nil && e.against(climbed().Climb).String() == "" {
			t.Error("nothing is said")
		}
	})
}

// A running server is climbed, with its process measured: this one's.
func TestCapacityOfARunningServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			select {
			case <-r.Context().Done():
				tick.Stop()
				return
			case <-tick.C:
				_, _ = w.Write(make([]byte, 1000))
				w.(http.Flusher).Flush()
			}
		}
	}))
	defer server.Close()
	estimate := filepath.Join(t.TempDir(), "estimate.json")
	if err := os.WriteFile(estimate, []byte(`{"viewers": 1, "gives_out_first": "processors"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "c.html")
	o := start(t, "capacity", server.URL+"/x", "--protocol", "http", "--verify", "0", "--pid", strconv.Itoa(os.Getpid()),
		"--from", "1", "--most", "2", "--step", "1100ms", "--json", "--html", page, "--doctor", estimate)
	var r capacityReport
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != cli.ExitOK {
		t.Fatalf("%v: %+v", err, o)
	}
	if v := r.Verdict; len(r.Steps) != 2 || v.Players != 2 || v.Reason != climb.Most || !v.AtLeast {
		t.Errorf("%+v of %d steps", v, len(r.Steps))
	}
	if s := r.Steps[1]; s.CPUPerViewer == nil || s.Memory == nil || s.Memory.Available <= 0 || r.Room.Processors < 1 || r.Room.Shared < 1 || r.Room.Descriptors < 10 {
		t.Errorf("%+v, room %+v", s, r.Room)
	}
	if r.Doctor == nil || r.Doctor.Error != -50 || !r.Doctor.AtLeast {
		t.Errorf("%+v", r.Doctor)
	}
	if _, err := os.Stat(page); err != nil || !strings.HasPrefix(o.stderr, "step 1: 1 player\n") {
		t.Errorf("%v, errors %q", err, o.stderr)
	}
}

func TestCapacityOfNobody(t *testing.T) {
	url := "http://" + unused(t) + "/x"
	o := start(t, "capacity", url, "--from", "2", "--step", "100ms")
	if o.code != cli.ExitFailed || o.stdout != "" || !strings.Contains(o.stderr, "pump-bench: a climb can not begin: no player got the stream, ") ||
		!strings.Contains(o.stderr, "; 2 lost: connection refused\n") {
		t.Errorf("%+v", o)
	}
	start(t, "capacity", url, "--pid", "2147483647").want(t, cli.ExitFailed, "", "pump-bench: there is no process 2147483647\n")
	if o = start(t, "capacity", url, "--admin", unused(t)); o.code != cli.ExitFailed || !strings.Contains(o.stderr, "pump-bench: no status from ") {
		t.Errorf("%+v", o)
	}
	dir := t.TempDir()
	if o = start(t, "capacity", url, "--doctor", filepath.Join(dir, "none")); o.code != cli.ExitFailed || !strings.HasPrefix(o.stderr, "pump-bench: no estimate: ") {
		t.Errorf("%+v", o)
	}
	file := filepath.Join(dir, "e.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "capacity", url, "--doctor", file).want(t, cli.ExitFailed, "",
		"pump-bench: "+file+" is no result of stream-pump doctor --capacity --json: it does not say how many viewers, and what gives out first\n")
	if o = start(t, "capacity", "--pump", filepath.Join(dir, "none")); o.code != cli.ExitFailed || !strings.Contains(o.stderr, "none is no program") {
		t.Errorf("%+v", o)
	}
	// A program that is no pump is told at once, not found out by a climb. It would
	// keep this process to some of its processors, if they were not all given.
	own, err := affinity.Own()
	if err != nil {
		t.Fatal(err)
	}
	if o = start(t, "capacity", "--pump", "true", "--cores", affinity.Text(own)); o.code != cli.ExitFailed || o.stdout != "" || strings.Count(o.stderr, "step ") != 1 {
		t.Errorf("%+v", o)
	}
}
