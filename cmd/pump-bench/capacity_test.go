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
	"streampump/bench/report/result"
	"streampump/cmd/internal/cli"
)

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
	var r result.Capacity
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != cli.ExitOK {
		t.Fatalf("%v: %+v", err, o)
	}
	// A busy machine has a step run again.
	if v := r.Verdict; len(r.Steps) < 2 || v.Players != 2 || v.Reason != climb.Most || !v.AtLeast {
		t.Errorf("%+v of %d steps", v, len(r.Steps))
	}
	if s := r.Steps[len(r.Steps)-1]; s.CPUPerViewer == nil || s.Memory == nil || s.Memory.Available <= 0 || r.Room.Processors < 1 || r.Room.Shared < 1 || r.Room.Descriptors < 10 {
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
	if o.code != cli.ExitFailed || o.stdout != "" || !strings.Contains(o.stderr, "pump-bench: a climb cannot begin: no player got the stream, ") ||
		!strings.Contains(o.stderr, "; 2 lost: connection refused\n") {
		t.Errorf("%+v", o)
	}
	start(t, "capacity", url, "--pid", "2147483647").want(t, cli.ExitFailed, "", "pump-bench: there is no process 2147483647\n")
	if o = start(t, "capacity", url, "--admin", unused(t)); o.code != cli.ExitFailed || !strings.Contains(o.stderr, "pump-bench: no status from ") {
		t.Errorf("%+v", o)
	}
	dir := t.TempDir()
	if o = start(t, "capacity", url, "--doctor", filepath.Join(dir, "none")); o.code != cli.ExitFailed || !strings.HasPrefix(o.stderr, "pump-bench: no estimate in ") {
		t.Errorf("%+v", o)
	}
	file := filepath.Join(dir, "e.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "capacity", url, "--doctor", file).want(t, cli.ExitFailed, "",
		"pump-bench: "+file+" is not a result of stream-pump doctor --capacity --json: it does not say how many viewers, and what gives out first\n")
	if o = start(t, "capacity", "--pump", filepath.Join(dir, "none")); o.code != cli.ExitFailed || !strings.Contains(o.stderr, "none is not a program") {
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
