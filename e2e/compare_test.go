//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"streampump/bench/contest"
	feeds "streampump/bench/feed"
	"streampump/bench/load"
	"streampump/bench/rival"
	"streampump/bench/synth"
	"streampump/e2e/rig"
)

// rivalPlayers are enough for one to be throttled, stalled and verified each.
const rivalPlayers = 20

// TestEveryServerCarriesTheStream: what compare measures is a stream that arrives.
// Each server that is installed is started as compare starts it, has the same
// players, and is gone afterwards.
func TestEveryServerCarriesTheStream(t *testing.T) {
	rig.Binary(t) // built outside of the folders below
	for _, k := range rival.Kinds() {
		if _, err := k.Find(); k.Home != "" && err != nil {
			t.Log(err) // no package brings it, so that it is there only where somebody built it
			continue
		}
		for _, protocol := range spoken(k) {
			t.Run(k.Name+"_over_"+protocol, func(t *testing.T) { carries(t, k, protocol) })
		}
	}
}

// spoken are the protocols that a server is tried with: of the pump, which the other tests are
// about, one.
func spoken(k *rival.Kind) []string {
	if k.Speaks(feeds.MMSH) {
		return []string{feeds.MMSH}
	}
	return k.Over
}

// carries runs a server over a protocol and judges it.
func carries(t *testing.T, k *rival.Kind, protocol string) {
	t.Helper()
	// The server's user, who may be another, has to get there, and may leave there what it
	// likes.
	dir, err := os.MkdirTemp("", "streampump-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	checkServer(t, serverHeat(t, k, protocol))
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// serverHeat is a short run of a server over a protocol.
func serverHeat(t *testing.T, k *rival.Kind, protocol string) *contest.Heat {
	t.Helper()
	h := &contest.Heat{
		Kind: k, Spec: synth.Spec{Streams: []synth.Stream{synth.Video(1, 25, 400_000, 25)}, PacketSize: 1400},
		Load: load.Options{
			Players: rivalPlayers, Verify: rivalPlayers / 4, Threads: 1, Ramp: 100 * time.Millisecond,
			Duration: 2 * time.Second, Stall: load.Stall{Percent: 20, For: time.Second},
		},
	}
	if k.Name == "pump" {
		h.Path = rig.Binary(t)
		return h
	}
	if k.Fronts {
		h.Pump, h.TLS = rig.Binary(t), true
	}
	if protocol != feeds.MMSH {
		over(t, h, protocol)
	}
	var err error
	if h.Path, err = k.Find(); err != nil {
		missing(t, err.Error())
	}
	return h
}

// over has the stream come and go over another protocol.
func over(t *testing.T, h *contest.Heat, protocol string) {
	t.Helper()
	s, err := feeds.Live(protocol, 400_000, 25, 1400)
	if err != nil {
		t.Fatal(err)
	}
	h.Pump, h.Feed = rig.Binary(t), s
}

// checkServer runs a server and judges what must be so on any machine.
func checkServer(t *testing.T, h *contest.Heat) {
	t.Helper()
	if v := h.Kind.Version(t.Context(), h.Path); h.Kind.Home == "" && !strings.ContainsAny(v, "0123456789") {
		t.Errorf("its version is %q", v)
	}
	out, err := h.Run(t.Context())
	if err != nil || out.Failed != "" {
		t.Fatalf("%v, %+v", err, out)
	}
	r := out.Result
	want := load.Counts{Started: rivalPlayers, Connected: rivalPlayers, Joined: rivalPlayers, Held: rivalPlayers}
	if r.Counts != want || r.Waiting != 0 || len(r.Problems) > 0 {
		t.Errorf("counts %+v, %d waiting, problems %q", r.Counts, r.Waiting, r.Problems)
	}
	if v := r.Verified; h.Kind.Check == rival.Whole && (v == nil || v.Objects == 0 && h.Feed == nil || v.Packets == 0 || v.Broken > 0 || v.Foreign) {
		t.Errorf("verified: %+v", v)
	}
	for _, f := range []contest.Figure{
		contest.CPUPerGB, contest.Cores, contest.DelayP50, contest.DelayP99, contest.JoinP99, contest.AllJoined,
		contest.StalledKernel, contest.Held, contest.Received, contest.GeneratorCores, contest.RSSPerViewer, contest.RSSGrowth,
	} {
		if h.Feed != nil && h.Kind.Check != rival.Whole && (f == contest.DelayP50 || f == contest.DelayP99) {
			continue // nothing of it is looked at
		}
		if math.IsNaN(out.Figures.At(f)) {
			t.Errorf("there is no %s; notes %q", f, r.Notes)
		}
	}
	if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(r.Server.PID))); err == nil {
		t.Errorf("its process %d is still there", r.Server.PID)
	}
	if syscall.Kill(r.Server.PID, 0) == nil {
		t.Errorf("its process %d can still be signalled", r.Server.PID)
	}
}

// TestInterruptedHeat: Ctrl-C in the measurement keeps what was measured, and ends
// the server.
func TestInterruptedHeat(t *testing.T) {
	pump, err := rival.Named("pump")
	if err != nil {
		t.Fatal(err)
	}
	h := serverHeat(t, pump, feeds.MMSH)
	ctx, interrupt := context.WithCancel(t.Context())
	h.Load.Duration = time.Hour
	h.Load.Progress = func(p load.Progress) {
		if p.Measuring > 0 {
			interrupt()
		}
	}
	out, err := h.Run(ctx)
	if err != nil || out == nil || !out.Interrupted || out.Failed != "" || len(out.Result.Problems) > 0 || math.IsNaN(out.Figures.At(contest.CPUPerGB)) {
		t.Fatalf("%+v, %v", out, err)
	}
	if syscall.Kill(out.Result.Server.PID, 0) == nil {
		t.Errorf("its process %d is still there", out.Result.Server.PID)
	}
}

// buildBoth builds pump-bench beside a stream-pump, where it looks for one.
func buildBoth(t *testing.T) (bench string) {
	t.Helper()
	bench = buildBench(t)
	if err := os.Symlink(rig.Binary(t), filepath.Join(filepath.Dir(bench), "stream-pump")); err != nil {
		t.Fatal(err)
	}
	return bench
}

// TestCompare: a contest of all servers that are installed prints every column,
// and says the same in its JSON and on its page.
func TestCompare(t *testing.T) {
	bench := buildBoth(t)
	names := []string{"pump"}
	for _, k := range rival.Kinds()[1:] {
		if _, err := k.Find(); err != nil || k.NoPart(false, feeds.MMSH) != "" {
			t.Log(err, k.NoPart(false, feeds.MMSH))
			continue
		}
		names = append(names, k.Name)
	}
	names = append(names, contest.FloorName)
	page, profiles := filepath.Join(t.TempDir(), "r.html"), t.TempDir()
	common := []string{"compare", "-n", strconv.Itoa(rivalPlayers), "--bitrate", "400k", "--ramp", "100ms", "--rounds", "1"}
	text := benchPrints(t, bench, append(common, "--duration", "2s", "--stall", "20%:1s", "--html", page)...)
	for _, c := range contest.Columns() {
		if c.Figure == contest.SealPerGB || c.Figure == contest.JoinCPU || c.Figure == contest.Damaged {
			continue // of TLS, of players that come at once, and of RTSP
		}
		if !strings.Contains(text, "\n"+c.Name) {
			t.Errorf("the column %q is missing:\n%s", c.Name, text)
		}
	}
	for _, name := range names {
		if !strings.Contains(text, " "+name) {
			t.Errorf("%s is missing:\n%s", name, text)
		}
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "All servers held their players.") {
		t.Errorf("the page is %.2000s, %v", html, err)
	}
	var table contest.Table
	out := benchPrints(t, bench, append(common, "--servers", "pump", "--duration", "1s", "--throttle", "20%:100k", "--profile", profiles, "--json")...)
	if err := json.Unmarshal([]byte(out), &table); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(table.Names, []string{"pump", contest.FloorName}) || len(table.Failures()) > 0 || math.IsNaN(table.Column(contest.FloorName, contest.CPUPerGB)[0]) {
		t.Errorf("%s", out)
	}
	if info, err := os.Stat(filepath.Join(profiles, "pump-1.pb.gz")); err != nil || info.Size() == 0 {
		t.Errorf("no profile: %v", err)
	}
}

// TestCompareOverTLS: the pump, the pump behind each server that speaks TLS for it, and what
// encryption alone costs beside them. Cubemap needs a kernel that not all have: it is
// told, and fells nothing.
func TestCompareOverTLS(t *testing.T) {
	for _, name := range []string{"nginx", "stunnel"} {
		k, err := rival.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Find(); err != nil {
			missing(t, err.Error())
		}
	}
	bench := buildBoth(t)
	var table contest.Table
	out := benchPrints(t, bench, "compare", "--tls", "-n", strconv.Itoa(rivalPlayers), "--bitrate", "400k", "--ramp", "0", "--rounds", "1",
		"--duration", "1s", "--servers", "pump,nginx,stunnel,cubemap", "--json")
	if err := json.Unmarshal([]byte(out), &table); err != nil {
		t.Fatal(err)
	}
	if seal := table.Column(contest.FloorName, contest.SealPerGB); !(seal[0] > 0) {
		t.Errorf("encryption alone costs %v", seal)
	}
	for _, name := range []string{"pump", "nginx", "stunnel"} {
		o := table.Runs[name][0]
		if len(table.FailuresOf(name)) > 0 || o.Figures.At(contest.Held) != rivalPlayers || !(o.Figures.At(contest.JoinCPU) > 0) {
			t.Errorf("%s: %+v", name, o)
			continue
		}
		if n := o.Result.TLS["TLS 1.3, TLS_AES_128_GCM_SHA256"]; n != rivalPlayers {
			t.Errorf("%s: %v", name, o.Result.TLS)
		}
	}
}

// otherFeeds are the protocols that streams come and go over but for MMSH.
var otherFeeds = []string{feeds.RTSP, feeds.RTMP}

// TestPumpOverOtherProtocols: the pump carries their streams whole.
func TestPumpOverOtherProtocols(t *testing.T) {
	pump, err := rival.Named("pump")
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range otherFeeds {
		t.Run(protocol, func(t *testing.T) {
			h := serverHeat(t, pump, feeds.MMSH)
			over(t, h, protocol)
			checkServer(t, h)
		})
	}
}

// TestCompareOverOtherProtocols: every byte of verified players was checked, and no picture
// was damaged.
func TestCompareOverOtherProtocols(t *testing.T) {
	bench := buildBoth(t)
	for _, protocol := range otherFeeds {
		t.Run(protocol, func(t *testing.T) { compareOver(t, bench, protocol) })
	}
}

func compareOver(t *testing.T, bench, protocol string) {
	t.Helper()
	var table contest.Table
	out := benchPrints(t, bench, "compare", "--protocol", protocol, "-n", strconv.Itoa(rivalPlayers), "--bitrate", "400k", "--ramp", "0", "--rounds", "1",
		"--duration", "2s", "--stall", "20%:1s", "--servers", "pump", "--json")
	if err := json.Unmarshal([]byte(out), &table); err != nil {
		t.Fatal(err)
	}
	f := table.Runs["pump"][0].Figures
	for _, c := range []contest.Figure{contest.Gaps, contest.Damaged, contest.Broken, contest.Lost} {
		if f.At(c) != 0 {
			t.Errorf("%s is %v", c, f.At(c))
		}
	}
	if f.At(contest.Held) != rivalPlayers || !(f.At(contest.PacketsPerCall) > 1) || !(table.Column(contest.FloorName, contest.CPUPerGB)[0] > 0) {
		t.Errorf("%s", out)
	}
}

// rivalDied is what pump-bench says when another server crashed. That is no fault of
// ours, and happens to Icecast on a busy machine.
var rivalDied = regexp.MustCompile(`(?m)^failed +(cubemap|icecast|vlc), .*: signal: `)

// benchPrints runs pump-bench to its end and returns what it prints; once more where
// another server crashed.
func benchPrints(t *testing.T, bench string, args ...string) string {
	t.Helper()
	for again := true; ; again = false {
		out, said, err := runBench(t, bench, args...)
		switch {
		case again && rivalDied.MatchString(out):
			t.Logf("another server crashed, once more:\n%s", out)
		case err == nil:
			return out
		default:
			t.Fatalf("pump-bench: %v\n%s%s", err, out, said)
		}
	}
}

func runBench(t *testing.T, bench string, args ...string) (out, said string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bench, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	b, err := cmd.Output()
	return string(b), errs.String(), err
}

// TestCompareIsInterrupted in the second heat's measurement: it prints what was
// measured so far, and neither a server nor a folder is left.
func TestCompareIsInterrupted(t *testing.T) {
	bench := buildBoth(t)
	dir := t.TempDir()
	cmd := exec.Command(bench, "compare", "--servers", "pump", "-n", "5", "--bitrate", "400k", "--ramp", "0", "--rounds", "100", "--duration", "1s", "--json")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout = &out
	steps, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	told := ""
	for b := make([]byte, 1<<10); !strings.Contains(told, "step 4 of 200"); {
		n, err := steps.Read(b)
		if told += string(b[:n]); err != nil {
			t.Fatalf("%v after %q", err, told)
		}
	}
	// As a terminal does: to the whole group, of which the servers are not.
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	var table contest.Table
	if err := json.Unmarshal(out.Bytes(), &table); err != nil {
		t.Fatal(err)
	}
	if !table.Interrupted || !table.Measured() || len(table.Failures()) > 0 || table.Runs["pump"][0] == nil || table.Runs["pump"][99] != nil {
		t.Errorf("%s", out.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestCompareHeadStart: players come when the server has had its stream for so long.
func TestCompareHeadStart(t *testing.T) {
	const ahead = 3 * time.Second
	began := time.Now()
	out := benchPrints(t, buildBoth(t), "compare", "--servers", "pump", "-n", "5", "--bitrate", "400k", "--ramp", "0", "--rounds", "1", "--duration", "1s",
		"--floor=false", "--head-start", ahead.String(), "--json")
	var r struct {
		contest.Table
		Settings struct {
			HeadStart float64 `json:"head_start_seconds"`
		}
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < ahead+time.Second || r.Settings.HeadStart != ahead.Seconds() || !r.Measured() || len(r.Failures()) > 0 {
		t.Errorf("after %v: %s", took, out)
	}
}
