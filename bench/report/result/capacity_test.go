package result

import (
	"strings"
	"testing"

	"streampump/bench/climb"
	"streampump/bench/load"
	"streampump/bench/report"
)

// climbed is a climb of which everything is known: 200 players were carried, and
// 400 were too many for the processor.
func climbed() *Capacity {
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
	return &Capacity{
		About{Program: "pump-bench 1", Date: "today"},
		CapacitySettings{
			Stream: &Stream{Bitrate: 1_000_000, PacketSize: 1400}, From: 200, Most: 1000, Precision: 5, Delay: 250, Step: 5, Joins: 2000,
		},
		climb.Room{Cores: []int{0}, Processors: 1, LoadCores: []int{1}},
		&climb.Climb{
			Steps:   []*climb.Step{step(200, 60, 0.5), bad},
			Verdict: climb.Verdict{Players: 200, Failed: 400, Reason: climb.Processors, Seen: "it was full", Sentence: "Buy another."},
		},
		&climb.Accuracy{Estimated: 220, Measured: 200, Error: 10, Resource: "processors", Agrees: ptr(true)},
	}
}

func TestCapacityText(t *testing.T) {
	want := `200 players; what gave out first: processors
it was full: Buy another.
doctor estimates 220 viewers, limited by processors: 10 % above what was measured

Stream Pump with 1 Mbit/s in packets of 1400 bytes; server on core 0, from 200 to at most 1000 players, to within 5 %, steps of 5 s, 2000 joins a second; p99 of the added delay up to 250 ms

  players  held  delay p50 ms  p99 ms  server cores  millionths per viewer  kB per viewer  load cores  Mbit/s
      200   200          20.0    60.0         0.500                   2500           1.50       0.250     200
      400   400          20.0   300.0         0.960                   2400           1.50       0.250     400
failed      400 players: the added delay's p99 is 300 ms, above 250ms
`
	if got := string(climbed().Text()); got != want {
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
	got := string(r.Text())
	for _, want := range []string{
		interrupted + "\n400 players or more; what gave out first: nothing yet\n", "mmsh://h/x; server on core unknown, from",
		"      400   400             –       –             –                      –              –       0.250     400\n",
		"note        the climb ended early: there is no process 77\nnote        nothing of the server's process was seen: --pid names it, if it runs on this machine\nnote        no time stamps\n",
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
	page := shown(t, r.Page())
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
	titles := []string{"Added delay", "CPU per viewer", "Memory per viewer", "CPU"}
	for i, title := range titles {
		if p := plots[i]; p.Title != title || len(p.Series[0].X) != 2 || p.Series[0].Y[1] <= 0 || p.Events[0].At != 400 {
			t.Errorf("%s: %+v", title, p)
		}
	}
	r.Verdict.Players = 0
	if p := r.Page(); p.Mark != report.Bad {
		t.Errorf("nothing was carried, and the page is marked %q", p.Mark)
	}
}
