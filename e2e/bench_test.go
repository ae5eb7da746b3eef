//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"streampump/bench/load"
	"streampump/e2e/rig"
	"streampump/engine"
)

// benchPlayers are enough to need several source addresses.
const benchPlayers = 150

// TestPumpBench: the bench's encoder feeds the real pump, its players take the
// stream, and what they say of it is whole and plausible.
func TestPumpBench(t *testing.T) {
	p := rig.Start(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}]`})
	bench := buildBench(t)
	for _, c := range []struct{ name, protocol, shape string }{
		{"mmsh", "mmsh", "--audio"}, {"http", "http", "--multiple"}, {"stripped", "mmsh", "--strip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			end := benchEncoder(t, p, bench, "live", p.URL("http", "live_push"), c.shape)
			r := benchRun(t, bench, "players", p.URL("http", "live"), "-n", strconv.Itoa(benchPlayers), "--verify", "all",
				"--protocol", c.protocol, "--ramp", "500ms", "--duration", "3s", "--pid", strconv.Itoa(p.PID()), "--json")
			checkBench(t, r)
			end()
		})
	}
}

// TestPumpBenchOverTLS: the same over TLS. Players and encoders go nowhere where nobody
// vouches for the pump.
func TestPumpBenchOverTLS(t *testing.T) {
	who := rig.Identify(t, rig.Reachable(t))
	p := rig.Start(t, rig.Options{TLS: who, Config: `"streams": [{"type": "mmsh_push", "path": "live"}]`})
	bench := buildBench(t)
	at := "https://" + p.TLS.String() + "/streams/"
	for _, c := range []struct{ command, name, why string }{
		{"encoder", "live_push", "certificate signed by unknown authority"},
		{"players", "live", "certificate signed by unknown authority"},
	} {
		if out, said, err := runBench(t, bench, c.command, at+c.name); err == nil || !strings.Contains(said, c.why) {
			t.Errorf("%s: %v\n%s%s", c.command, err, out, said)
		}
	}
	end := benchEncoder(t, p, bench, "live", at+"live_push", "--ca", who.Roots, "--server-name", rig.Host)
	defer end()
	for _, protocol := range []string{"mmsh", "http"} {
		r := benchRun(t, bench, "players", at+"live", "--ca", who.Roots, "-n", strconv.Itoa(benchPlayers), "--verify", "10",
			"--protocol", protocol, "--ramp", "0", "--duration", "3s", "--pid", strconv.Itoa(p.PID()), "--json")
		if v := r.Verified; len(r.Problems) > 0 || r.Counts.Held != benchPlayers || v == nil || v.Objects == 0 || v.Broken != 0 || v.Gaps != 0 {
			t.Errorf("%s: %+v, %+v, problems %q", protocol, r.Counts, v, r.Problems)
		}
		if n := r.TLS["TLS 1.3, TLS_AES_128_GCM_SHA256"]; n != benchPlayers || r.JoinCPU == nil {
			t.Errorf("%s: %v, %v", protocol, r.TLS, r.JoinCPU)
		}
	}
}

// TestPumpBenchOnAFile: a file that is played round and round is a whole stream to the
// bench's players, in either protocol.
func TestPumpBenchOnAFile(t *testing.T) {
	clip := film(t, 2, 160)
	p := rig.Start(t, rig.Options{Config: fmt.Sprintf(`"streams": [{"type": "file", "path": "live", "source_options": {"file": %q}}]`, clip.path)})
	bench := buildBench(t)
	up(t, p, "live")
	for _, protocol := range []string{"mmsh", "http"} {
		r := benchRun(t, bench, "players", p.URL("http", "live"), "-n", "3", "--verify", "all", "--protocol", protocol,
			"--ramp", "0", "--duration", "5s", "--json")
		if v := r.Verified; len(r.Problems) > 0 || v == nil || v.Gaps != 0 || v.Broken != 0 || v.Rounds < 3 {
			t.Errorf("%s: %+v, problems %q", protocol, v, r.Problems)
		}
	}
}

// TestPumpBenchOverOtherProtocols: the bench's encoder sends, and its players play what it
// sends. Players that are told of another stream find it wrong.
func TestPumpBenchOverOtherProtocols(t *testing.T) {
	bench := buildBench(t)
	for protocol, path := range map[string]string{"rtsp": "/live", "rtmp": "/streams/live"} {
		t.Run(protocol, func(t *testing.T) {
			p := rig.Start(t, rig.Options{Config: `"streams": [{"type": "` + protocol + `_push", "path": "live"}]`})
			benchOver(t, p, bench, protocol+"://"+strings.TrimPrefix(strings.TrimSuffix(p.URL("http", "live"), "/streams/live"), "http://")+path)
		})
	}
}

// benchOver has the bench's encoder and players at an address.
func benchOver(t *testing.T, p *rig.Pump, bench, url string) {
	t.Helper()
	end := benchEncoder(t, p, bench, "live", url, "--gop", "50")
	defer end()
	own := []string{"players", url, "--bitrate", strconv.Itoa(benchRate), "--ramp", "0", "--verify", "10", "--pid", strconv.Itoa(p.PID()), "--json"}
	r := benchRun(t, bench, append(own, "--gop", "50", "-n", strconv.Itoa(benchPlayers), "--duration", "3s")...)
	if v := r.Verified; len(r.Problems) > 0 || r.Counts.Held != benchPlayers || v == nil || v.Packets == 0 || v.Broken != 0 || v.Gaps != 0 || r.Delay == nil {
		t.Errorf("%+v, %+v, problems %q", r.Counts, v, r.Problems)
	}
	if out, _, err := runBench(t, bench, append(own, "--gop", "25", "-n", "10", "--duration", "1s")...); err == nil || !strings.Contains(out, `"broken": 10`) {
		t.Errorf("another stream: %v\n%s", err, out)
	}
}

// buildBench returns the path of a pump-bench in a folder of the test's own: it looks for a
// stream-pump beside it.
func buildBench(t *testing.T) string {
	t.Helper()
	bench := filepath.Join(t.TempDir(), "pump-bench")
	if err := os.Link(rig.Build(t, ".", "streampump/cmd/pump-bench"), bench); err != nil {
		t.Fatal(err)
	}
	return bench
}

// benchRate is the encoder's bitrate where its shape says no other: what sound beside
// video takes in packets of 1,400 bytes, each with its padding, and a little more.
const benchRate = 450_000

// benchEncoder starts an encoder and waits until the pump has its stream. What it
// returns ends it as Ctrl-C does, and waits until the pump knows: the next one's
// stream is not to be taken for this one's, which nobody can join any more.
func benchEncoder(t *testing.T, p *rig.Pump, bench, path, url string, shape ...string) (end func()) {
	t.Helper()
	cmd := exec.Command(bench, append([]string{"encoder", url, "--bitrate", strconv.Itoa(benchRate)}, shape...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = cmd.Process.Kill()
			<-done
		}
	})
	up(t, p, path)
	return func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		ended = true
		if err := <-done; err != nil {
			t.Errorf("the encoder ended with %v:\n%s", err, out.String())
		}
		p.AwaitStatus(path+" has ended", func(s engine.Snapshot) bool {
			return streamOf(s, path).State != engine.SourceUp.String()
		})
	}
}

// benchRun runs the bench and returns its report.
func benchRun(t *testing.T, bench string, args ...string) *load.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, bench, args...).Output()
	if err != nil {
		var exit *exec.ExitError
		errors.As(err, &exit)
		t.Fatalf("pump-bench: %v\n%s%s", err, out, exit.Stderr)
	}
	r := new(load.Result)
	if err := json.Unmarshal(out, r); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return r
}

// checkBench judges a report by what must be so on any machine.
func checkBench(t *testing.T, r *load.Result) {
	t.Helper()
	want := load.Counts{Started: benchPlayers, Connected: benchPlayers, Joined: benchPlayers, Held: benchPlayers}
	if r.Counts != want || r.Waiting != 0 || len(r.Problems) > 0 || len(r.Notes) > 0 {
		t.Errorf("counts %+v, %d waiting, problems %q, notes %q", r.Counts, r.Waiting, r.Problems, r.Notes)
	}
	if r.Join == nil || r.Delay == nil || r.Measured == nil || r.Verified == nil || r.Server == nil {
		t.Fatalf("something was not measured: %+v", r)
	}
	// Every player gets the stream at least half of the time.
	if least := int64(benchPlayers * benchRate / 8 * r.Measured.Seconds / 2); r.Measured.Bytes < least {
		t.Errorf("%d bytes were received, at least %d should be", r.Measured.Bytes, least)
	}
	if v := r.Verified; v.Players != benchPlayers || v.Objects == 0 || v.Packets == 0 || v.Broken != 0 || v.Foreign {
		t.Errorf("verified: %+v", v)
	}
	// The pump holds packets for 90 ms at most; the rest is a busy machine's.
	if d := r.Delay; d.Samples < benchPlayers || d.P50 > 1000 {
		t.Errorf("delay: %+v", d)
	}
	if s := r.Server; s.CPU.Seconds <= 0 || s.CPU.PerGB == nil || s.RSS < 1<<20 || s.Descriptors < benchPlayers {
		t.Errorf("server: %+v", s)
	}
}
