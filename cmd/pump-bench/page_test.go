package main

import (
	"bytes"
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"streampump/bench/floor"
	"streampump/bench/load"
	"streampump/bench/report"
	"streampump/cmd/internal/cli"
)

// shown is a page as Write writes it, without style and script.
func shown(t *testing.T, p *report.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return bare(b.String())
}

func bare(page string) string {
	return regexp.MustCompile(`(?s)<(style|script)\b.*?</(style|script)>`).ReplaceAllString(page, "")
}

// ptr is for the fields that may be nil.
func ptr[T any](v T) *T { return &v }

// ran is a run in which everything was measured.
func ran() *playersReport {
	sample := func(at float64, measuring bool) load.Sample {
		return load.Sample{
			At: at, Seconds: 1, Measuring: measuring, Held: 3, BitRate: 4e6, GeneratorCores: 0.125,
			Delay: &load.Times{Samples: 2, P50: 1, P90: 2, P99: 3, Max: 5}, ServerCores: ptr(0.3), ServerRSS: ptr(int64(2e6)), Descriptors: ptr(9),
		}
	}
	return &playersReport{
		About{Program: "pump-bench 1", Commit: "0123", Date: "today"},
		settings{URL: "mmsh://h/x", Protocol: "mmsh", Players: 3, Verify: 1, Ramp: 2, Duration: 10, Threads: 1, Stall: "5%:2s", Throttle: "4%:300k", Segment: 1460, Describe: true, Churn: 1.5, PID: 77},
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

// checkPage wants some things in a page, and others not.
func checkPage(t *testing.T, page string, wanted, absent []string) {
	t.Helper()
	for _, part := range wanted {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	for _, part := range absent {
		if strings.Contains(page, part) {
			t.Errorf("the page has %q", part)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestPageOfPlayers(t *testing.T) {
	got := shown(t, ran().page())
	checkPage(t, got, []string{
		"<title>3 players on mmsh://h/x</title>",
		`<p class="verdict good">All 3 players held the stream to the end.</p>`,
		`<dt>Added delay, p99</dt><dd>3.0 <small>ms</small></dd><dd class="note">5.0 ms at most</dd>`,
		`<dd>0.500 <small>CPU-s/GB</small></dd><dd class="note">0.250 cores</dd>`,
		`<dd>3.0 <small>MB</small></dd><dd class="note">1.0 MB before the players</dd>`,
		`<div class="good"><dt>Held to the end</dt><dd>3 <small>of 3</small></dd><dd class="note">0 lost</dd></div>`,
		`<dt>Gaps</dt><dd>2</dd>`,
		"<figcaption>Added delay <span>ms, of verified players, logarithmic</span>",
		"<figcaption>CPU for each viewer <span>millionths of a core</span>",
		"<figcaption>Server&#39;s memory <span>MB, resident</span>",
		`<tr><td class="number">3</td><td class="number">100000</td></tr>`,
		`<td>that is, in Mbit/s</td><td class="number">4.0</td>`,
		`<tr><td>added delay</td><td class="number">1.5</td><td class="number">1.0</td>`,
		"<dt>kernel</dt>", "<dt>commit</dt><dd>0123</dd>", "<dt>stall</dt><dd>5%:2s</dd>", "<dt>churn</dt><dd>1.5 players per second</dd>",
		"<dt>throttle</dt><dd>4%:300k</dd>", "<dt>segments</dt><dd>of 1460 bytes at most</dd>", "<dt>describe</dt><dd>first, on a connection of its own</dd>",
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
	got := shown(t, r.page())
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

// Nobody had the stream, so that there is nobody to divide the CPU by.
func TestCPUOfNoViewerIsAGap(t *testing.T) {
	r := ran()
	r.Timeline[0].Held = 0
	r.Timeline[1].ServerCores = nil
	for _, p := range courseOf(r.Timeline, false).Plots {
		if p.Title == "Added delay" {
			t.Error("players that are not verified have a delay")
		}
		if p.Title != "CPU for each viewer" {
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

// entries are what is in a folder.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// A place that can not be written is refused before anything is measured.
func TestUnwritablePageIsRefusedFirst(t *testing.T) {
	dir := t.TempDir()
	url := "http://" + unused(t) + "/streams/x"
	for path, why := range map[string]string{
		filepath.Join(dir, "none", "r.html"): "no such file or directory",
		dir:                                  "it is there, and no file",
		os.DevNull:                           "it is there, and no file",
	} {
		for _, args := range [][]string{{"players", url}, {"floor", "-n", "1"}, {"compare", "-n", "1"}} {
			start(t, append(args, "--duration", "1h", "--html", path)...).want(t, cli.ExitFailed, "",
				"pump-bench: no page can be written to "+path+": "+why+"\n")
		}
	}
	if left := entries(t, dir); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

func TestPageOfARunThatCouldNotBegin(t *testing.T) {
	dir := t.TempDir()
	start(t, "players", "http://"+unused(t)+"/x", "--pid", "2147483647", "--html", filepath.Join(dir, "r.html")).
		want(t, cli.ExitFailed, "", "pump-bench: there is no process 2147483647\n")
	if left := entries(t, dir); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

func TestPagesAreWritten(t *testing.T) {
	dir := t.TempDir()
	file, path := filepath.Join(dir, "real.html"), filepath.Join(dir, "r.html")
	for _, err := range []error{os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, path)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"floor", "-n", "4", "--duration", "200ms"}, cli.ExitOK, "<title>The floor for 4 viewers</title>"},
		{[]string{"players", "http://" + unused(t) + "/x", "-n", "2", "--ramp", "0"}, cli.ExitFailed, `verdict bad">Failed: `},
	} {
		o := start(t, append(c.args, "--html", path)...)
		got, err := os.ReadFile(file)
		if err != nil || o.code != c.code || o.stdout == "" || !strings.Contains(bare(string(got)), c.want) {
			t.Errorf("%v: %+v, page\n%s", err, o, bare(string(got)))
		}
	}
	if left := entries(t, dir); !slices.Equal(left, []string{"r.html", "real.html"}) {
		t.Errorf("there is %q", left)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != pageMode {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// Ctrl-C leaves a page of what was measured so far.
func TestInterruptedRunHasAPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.html")
	ctx, interrupt := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		interrupt() // with the player under way
		<-r.Context().Done()
	}))
	defer server.Close()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"players", server.URL + "/x", "--protocol", "http", "-n", "1", "--html", path}, &stdout, &stderr)
	page, err := os.ReadFile(path)
	if err != nil || code != cli.ExitOK || !strings.HasPrefix(stdout.String(), interrupted) {
		t.Errorf("exit code %d, %v, output %s, errors %s", code, err, stdout.String(), stderr.String())
	}
	for _, want := range []string{`<p class="verdict">` + pageInterrupted, "the run ended before the measurement began"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, bare(string(page)))
		}
	}
}

func TestPageOfAnInterruptedFloor(t *testing.T) {
	r := floorReport{Interrupted: true, Viewers: 9, Coalesce: 8, Result: &floor.Result{Seconds: 2, Calls: 3, SecondsByGB: 0.6125}}
	want := `<p class="verdict">` + pageInterrupted + " Sending costs 0.613 CPU-s a GB here at least; what a server pays above it is its own.</p>"
	if got := shown(t, r.page()); !strings.Contains(got, want) || !strings.HasPrefix(string(r.appendText(nil)), interrupted+"\n9 viewers") {
		t.Errorf("the page lacks %q:\n%s", want, got)
	}
}
