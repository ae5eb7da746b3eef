//go:build e2e

package e2e

import (
	"encoding/json"
	"testing"

	"streampump/bench/synth"
	"streampump/e2e/rig"
	"streampump/engine"
)

// Together they leave several times as much in the log as a pipe holds.
const (
	leavers = 500
	crowds  = 3
)

// Nobody reads the pump's log, and many viewers leave at once: who stays has every
// packet, what was not logged is counted, and the pump ends when it is asked to.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	p := startPump(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}]`}, plainDial)
	startFeed(t, p, plainDial, p.Addr.String(), "live", synth.Plain(300_000))
	stays := startReader(t, watching{name: "who stays", addr: p.Addr.String(), path: "live"})
	stays.more(t, 5)
	p.StopReading()
	for range crowds {
		var crowd []*reader
		for range leavers {
			crowd = append(crowd, startReader(t, watching{name: "who leaves", addr: p.Addr.String(), path: "live"}))
		}
		p.await("all are there", func(s engine.Snapshot) bool { return s.Viewers == leavers+1 })
		for _, r := range crowd {
			r.leave()
		}
		p.await("all have left", func(s engine.Snapshot) bool { return s.Viewers == 1 })
	}
	stays.more(t, 20)
	stays.whole(t)
	var s struct {
		Dropped int `json:"log_lines_dropped"`
	}
	if err := json.Unmarshal(p.get("/status"), &s); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d lines of the log were dropped", s.Dropped)
	if err := p.Terminate(); err != nil {
		t.Error(err)
	}
}
