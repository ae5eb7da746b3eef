//go:build e2e

package e2e

import (
	"encoding/json"
	"os/exec"
	"strconv"
	"testing"

	"streampump/bench/climb"
	"streampump/e2e/rig"
)

// TestCapacity: pump-bench climbs on a pump that turns players away above a limit
// of its own, and says so; and on one that it starts itself.
func TestCapacity(t *testing.T) {
	bench := buildBench(t)
	climbOn := func(args ...string) *climb.Climb {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), bench, append([]string{"capacity", "--step", "1s", "--json"}, args...)...).Output()
		r := new(climb.Climb)
		if bad := json.Unmarshal(out, r); err != nil || bad != nil {
			t.Fatalf("%v, %v:\n%s", err, bad, out)
		}
		return r
	}

	const most = 60
	p := rig.Start(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}], "limits": {"connections": 60}`})
	end := benchEncoder(t, p, bench, "live", p.URL("http", "live_push"))
	r := climbOn(p.URL("mmsh", "live"), "--from", "50", "--precision", "20", "--delay", "10s", "--pid", strconv.Itoa(p.PID()))
	end()
	// The encoder has a connection too.
	if v := r.Verdict; v.Reason != climb.ServerLimits || v.AtLeast || v.Players < 50 || v.Players >= most || v.Failed <= v.Players || v.Failed > 2*most {
		t.Errorf("%+v", v)
	}

	r = climbOn("--pump", rig.Binary(t), "--from", "20", "--most", "40", "--bitrate", "200k", "--delay", "10s")
	if v := r.Verdict; v.Players != 40 || v.Reason != climb.Most || !v.AtLeast || len(r.Steps) != 2 {
		t.Errorf("%+v", v)
	}
	for _, s := range r.Steps {
		if s.Loops < 1 || s.CPUPerViewer == nil || s.MemoryPerViewer == nil || s.Result.Delay == nil || s.Result.Counters["write_calls"] == 0 {
			t.Errorf("%d players: something was not measured: %+v", s.Players, s)
		}
	}
}
