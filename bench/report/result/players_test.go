package result

import (
	"math"
	"slices"
	"testing"

	"streampump/bench/load"
	"streampump/bench/report"
)

// ran is a run in which everything was measured.
func ran() *Players {
	sample := func(at float64, measuring bool) load.Sample {
		return load.Sample{
			At: at, Seconds: 1, Measuring: measuring, Held: 3, BitRate: 4e6, GeneratorCores: 0.125,
			Delay: &load.Times{Samples: 2, P50: 1, P90: 2, P99: 3, Max: 5}, ServerCores: ptr(0.3), ServerRSS: ptr(int64(2e6)), Descriptors: ptr(9),
		}
	}
	return &Players{
		About{Program: "pump-bench 1", Commit: "0123", Date: "today"},
		PlayersSettings{URL: "mmsh://h/x", Protocol: "mmsh", Players: 3, Verify: 1, Ramp: 2, Duration: 10, Threads: 1, Stall: "5%:2s", Throttle: "4%:300k", Segment: 1460, Describe: true, Churn: 1.5, PID: 77},
		&load.Result{
			Players: 3, Counts: load.Counts{Started: 4, Connected: 4, Joined: 4, Held: 3, Replaced: 1},
			Join:     &load.Times{Samples: 4, P99: 7},
			Measured: &load.Measured{Seconds: 2, Bytes: 1_000_000, BitRate: 4e6, Generator: load.CPU{Seconds: 0.2, Cores: 0.1}},
			Delay:    &load.Times{Samples: 7, Mean: 1.5, P50: 1, P90: 2, P99: 3, P999: 4, Max: 5},
			Server:   &load.Server{PID: 77, CPU: load.CPU{Seconds: 0.5, Cores: 0.25, PerGB: ptr(0.5)}, RSS: 2e6, RSSPeak: 3e6, RSSBefore: 1e6, Descriptors: 9},
			Verified: &load.Verified{Players: 1, Packets: 8, Objects: 6, Gaps: 2, Missing: 5},
			Stalled:  &load.Stalled{Sockets: 2, Mean: 250_000, Max: 300_000}, AllJoined: ptr(6.0), Counters: map[string]float64{"packets_sent": 2e6},
			Timeline: []load.Sample{sample(1, false), sample(2, true), sample(3, true)},
		},
	}
}

func TestPageOfPlayers(t *testing.T) {
	got := shown(t, ran().Page())
	checkPage(t, got, []string{
		"<title>3 players on mmsh://h/x</title>",
		`<p class="verdict good">All 3 players held the stream to the end.</p>`,
		`<dt>Added delay, p99</dt><dd>3.0 <small>ms</small></dd><dd class="note">5.0 ms at most; 7 packets are too few for it</dd>`,
		`<dd>0.500 <small>CPU-s/GB</small></dd><dd class="note">0.250 cores</dd>`,
		`<dd>3.0 <small>MB</small></dd><dd class="note">1.0 MB before the players</dd>`,
		`<div class="good"><dt>Held to the end</dt><dd>3 <small>of 3</small></dd><dd class="note">0 lost</dd></div>`,
		`<dt>Gaps</dt><dd>2</dd>`,
		"<figcaption>Added delay <span>ms, of verified players, logarithmic</span>",
		"<figcaption>CPU per viewer <span>millionths of a core</span>",
		"<figcaption>Server&#39;s memory <span>MB, resident</span>",
		`<tr><td class="number">3</td><td class="number">100000</td></tr>`,
		`<td>that is, in Mbit/s</td><td class="number">4.0</td>`,
		`<tr><td>added delay</td><td class="number">1.5</td><td class="number">1.0</td>`,
		"<dt>kernel</dt>", "<dt>commit</dt><dd>0123</dd>", "<dt>stall</dt><dd>5%:2s</dd>", "<dt>churn</dt><dd>1.5 players per second</dd>",
		"<dt>throttle</dt><dd>4%:300k</dd>", "<dt>segments</dt><dd>of at most 1460 bytes</dd>", "<dt>describe</dt><dd>first, on a connection of its own</dd>",
		`<td>all joined after, ms</td><td class="number">6.0</td>`, `<td>each, MB</td><td class="number">0.250</td>`,
		`<td>packets_sent</td><td class="number">2000000</td>`,
		"<dt>server&#39;s process</dt><dd>77</dd>", "<dt>ramp</dt><dd>2 s</dd>",
	}, []string{"What went wrong", "What was not measured", "Nothing was measured", "nterrupted"})
}

func TestMeasurementIsMarkedInPlots(t *testing.T) {
	r := ran()
	for _, p := range courseOf(r.Timeline, true).Plots {
		if !slices.Equal(p.Events, []report.Event{{At: 1, Name: "measurement"}}) {
			t.Errorf("%s: %+v", p.Title, p.Events)
		}
		for _, s := range p.Series {
			if len(s.X) != 3 || len(s.Y) != 3 || slices.ContainsFunc(s.Y, math.IsNaN) {
				t.Errorf("%s: %+v", p.Title, s)
			}
		}
	}
}

// What was not measured is not in the page, neither as a figure nor as a line.
func TestPageOfAFailedRunHasNoZeros(t *testing.T) {
	r := ran()
	r.Result = &load.Result{
		Players: 3, Counts: load.Counts{Started: 3, Lost: 3}, Reasons: map[string]int{"connection refused": 3},
		Verified: &load.Verified{Players: 1}, Problems: []string{"3 lost: connection refused", "<b>worse</b>"},
		Notes:    []string{"nothing was measured: the run ended early"},
		Timeline: []load.Sample{{At: 0.1, Seconds: 0.1, Lost: 3}},
	}
	got := shown(t, r.Page())
	checkPage(t, got, []string{
		`<p class="verdict bad">Failed: 3 lost: connection refused; and 1 more, below.</p>`,
		`<td class="bad">3 lost: connection refused</td>`, `<td class="bad">&lt;b&gt;worse&lt;/b&gt;</td>`,
		`<div class="bad"><dt>Held to the end</dt><dd>0 <small>of 3</small></dd><dd class="note">3 lost</dd></div>`,
		`<td>lost: connection refused</td><td class="number">3</td>`,
		"<td>nothing was measured: the run ended early</td>",
		"<figcaption>Added delay <span>ms, of verified players, logarithmic</span></figcaption>\n<p class=\"empty\">Nothing was measured.</p>",
		"<figcaption>Received <span>Mbit/s, all players</span></figcaption>\n<p class=\"empty\">Nothing was measured.</p>",
	}, []string{"p99", "CPU-s", "memory", "descriptors", "Mbit/s</td>", "Times", "Gaps", "Verified players", "all joined", "Kernel", "counters"})
}

// Nobody had the stream, so there is nobody to divide the CPU by.
func TestCPUOfNoViewerIsAGap(t *testing.T) {
	r := ran()
	r.Timeline[0].Held = 0
	r.Timeline[1].ServerCores = nil
	for _, p := range courseOf(r.Timeline, false).Plots {
		if p.Title == "Added delay" {
			t.Error("players that are not verified have a delay")
		}
		if p.Title != "CPU per viewer" {
			continue
		}
		if y := p.Series[0].Y; !math.IsNaN(y[0]) || !math.IsNaN(y[1]) || math.Round(y[2]) != 1e5 {
			t.Errorf("got %v", y)
		}
	}
}

func TestVerdictOfAnInterruptedRun(t *testing.T) {
	for _, c := range []struct {
		problems []string
		want     string
		mark     report.Mark
	}{
		{nil, "Interrupted; this is what was measured so far.", report.Plain},
		{[]string{"1 lost: x"}, "Interrupted; this is what was measured so far. Failed: 1 lost: x.", report.Bad},
	} {
		got, mark := verdictOf(&load.Result{Interrupted: true, Players: 3, Problems: c.problems})
		if got != c.want || mark != c.mark {
			t.Errorf("got %q, %q", got, mark)
		}
	}
}

// TestTextShowsWhatWasMeasured: what is nil has no line, and no zeros.
func TestTextShowsWhatWasMeasured(t *testing.T) {
	each := 0.5
	r := &load.Result{
		Players: 3, Counts: load.Counts{Connected: 3, Joined: 3, Held: 2, Lost: 1},
		Measured: &load.Measured{Seconds: 2, Bytes: 1_000_000, BitRate: 4e6, Generator: load.CPU{Cores: 0.1}},
		Server:   &load.Server{CPU: load.CPU{Cores: 0.25, PerGB: &each}, RSS: 2e6, RSSPeak: 3e6, RSSBefore: 1e6, Descriptors: 9},
		Delay:    &load.Times{Samples: 7, P50: 1, P90: 2, P99: 3, P999: 4, Max: 5},
		Notes:    []string{"so it is"},
		Join:     &load.Times{Samples: 3, P50: 1, P90: 2, P99: 3, P999: 4, Max: 5}, AllJoined: ptr(6.25),
		Stalled:  &load.Stalled{Sockets: 2, Mean: 250_000, Max: 300_000},
		Counters: map[string]float64{"write_calls": 10, "packets_sent": 2e6}, StalledPlayers: 1, ThrottledPlayers: 2,
	}
	want := `players     3 asked for; 3 connected, 3 joined, 2 held to the end, 1 lost
            1 stalled by plan (5%:2s)
            2 throttled by plan (4%:300k)
join        p50 1.0, p90 2.0, p99 3.0, p99.9 4.0, max 5.0 ms (3 samples, too few for p90 and above)
            all after 6.2 ms
received    1000000 bytes in 2.0 s (4.0 Mbit/s)
delay       p50 1.0, p90 2.0, p99 3.0, p99.9 4.0, max 5.0 ms (7 samples, too few for p90 and above)
server      0.250 cores, 0.500 CPU-s per GB
            RSS 2.0 MB, 3.0 MB at most, 1.0 MB before; 9 descriptors
            kernel 0.250 MB per stalled player, 0.300 MB at most; 2 sockets
            packets_sent + 2000000
            write_calls + 10
generator   0.100 cores
note        so it is
`
	if got := string((&Players{Settings: PlayersSettings{Stall: "5%:2s", Throttle: "4%:300k"}, Result: r}).Text()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for damaged, want := range map[*int64]string{
		nil:           "verified    2 players: 9 packets, 4 media objects, 1 gaps of 3 packets, 0 broken\n",
		ptr(int64(5)): "verified    2 players: 9 packets, 1 gaps of 3 packets, 5 damaged pictures, 0 broken\n",
	} {
		v := &load.Verified{Players: 2, Packets: 9, Objects: 4, Gaps: 1, Missing: 3, Damaged: damaged}
		if got := string(appendVerified(nil, v)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := string((&Players{Result: &load.Result{Players: 3, Verified: &load.Verified{Players: 1}}}).Text()); got != "players     3 asked for; 0 connected, 0 joined, 0 held to the end\n" {
		t.Errorf("got\n%s", got)
	}
}

// A percentile of fewer samples than lie beyond it is the largest of them.
func TestPercentilesOfFewSamples(t *testing.T) {
	for n, want := range map[int64]string{
		1: ", too few for p90 and above", 9: ", too few for p90 and above", 10: ", too few for p99 and above", 99: ", too few for p99 and above",
		100: ", too few for p99.9", 999: ", too few for p99.9", 1000: "",
	} {
		if got := fewText(&load.Times{Samples: n}); got != want {
			t.Errorf("of %d samples: %q, want %q", n, got, want)
		}
	}
}
