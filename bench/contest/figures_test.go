package contest

import (
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"streampump/bench/load"
)

func ptr[T any](v T) *T { return &v }

// measured is a result in which everything was.
func measured() *load.Result {
	return &load.Result{
		Players: 100, Counts: load.Counts{Held: 100, Lost: 2}, Waiting: 1, JoinCPU: ptr(0.05),
		Join: &load.Times{P50: 10, P99: 20}, Delay: &load.Times{P50: 30, P99: 40, Max: 50}, AllJoined: ptr(60.0),
		Verified: &load.Verified{Packets: 9, Gaps: 3, Damaged: ptr(int64(2)), Broken: 1},
		Stalled:  &load.Stalled{Sockets: 5, Mean: 250_000, Max: 300_000},
		Measured: &load.Measured{Seconds: 10, BitRate: 8e6, Generator: load.CPU{Cores: 0.25, PerGB: ptr(0.1)}, Machine: &load.CPU{PerGB: ptr(0.9)}},
		Server: &load.Server{
			CPU: load.CPU{Seconds: 2, Cores: 0.2, PerGB: ptr(0.5)},
			// More before the measurement than in it: players that join take memory.
			RSS: 12_000_000, RSSAtStart: 11_000_000, RSSPeakMeasured: 13_000_000, RSSPeak: 20_000_000, RSSBefore: 10_000_000,
		},
		Counters: map[string]float64{"write_calls": 1000, "packets_sent": 8000, "write_calls_full": 7},
	}
}

func TestFiguresOfAResult(t *testing.T) {
	f := Figures{}
	f.take(measured())
	want := Figures{
		Held: 100, Lost: 3, JoinP50: 10, JoinP99: 20, DelayP50: 30, DelayP99: 40, DelayMax: 50, AllJoined: 60, Gaps: 3, Damaged: 2, Broken: 1,
		StalledKernel: 0.25, GeneratorCores: 0.25, GeneratorPerGB: 0.1, MachinePerGB: 0.9, Received: 8, Cores: 0.2, CPUPerGB: 0.5,
		JoinCPU: 0.5, RSSPerViewer: 20, RSSGrowth: 2, CPUPerCall: 2000, CPUPerPacket: 250, PacketsPerCall: 8, WritesMetFull: 7,
	}
	if !maps.Equal(f, want) {
		t.Errorf("%v\nwant\n%v", f, want)
	}
	for _, c := range Columns() {
		if math.IsNaN(f.At(c.Figure)) && c.Figure != SealPerGB { // the floor's
			t.Errorf("the column %s is of no figure", c.Name)
		}
	}
}

// TestMissingFiguresAreMissing: each thing that was not measured, alone.
func TestMissingFiguresAreMissing(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*load.Result)
		missing []Figure
	}{
		"delay":       {func(r *load.Result) { r.Delay = nil }, []Figure{DelayP50, DelayP99, DelayMax}},
		"join":        {func(r *load.Result) { r.Join = nil }, []Figure{JoinP50, JoinP99}},
		"all joined":  {func(r *load.Result) { r.AllJoined = nil }, []Figure{AllJoined}},
		"verified":    {func(r *load.Result) { r.Verified = nil }, []Figure{Gaps, Damaged, Broken}},
		"got nothing": {func(r *load.Result) { r.Verified = &load.Verified{Players: 3} }, []Figure{Gaps, Damaged, Broken}},
		"broke early": {func(r *load.Result) { r.Verified = &load.Verified{Broken: 1} }, []Figure{Gaps, Damaged}},
		"stalled":     {func(r *load.Result) { r.Stalled = nil }, []Figure{StalledKernel}},
		"no stalled":  {func(r *load.Result) { r.Stalled = &load.Stalled{} }, []Figure{StalledKernel}},
		"measurement": {func(r *load.Result) { r.Measured = nil }, []Figure{GeneratorCores, GeneratorPerGB, MachinePerGB, Received}},
		"bytes": {func(r *load.Result) {
			r.Measured.Generator.PerGB, r.Measured.Machine.PerGB, r.Server.CPU.PerGB = nil, nil, nil
		}, []Figure{GeneratorPerGB, MachinePerGB, CPUPerGB}},
		"machine":     {func(r *load.Result) { r.Measured.Machine = nil }, []Figure{MachinePerGB}},
		"counters":    {func(r *load.Result) { r.Counters = nil }, []Figure{CPUPerCall, CPUPerPacket, PacketsPerCall, WritesMetFull}},
		"one counter": {func(r *load.Result) { delete(r.Counters, "packets_sent") }, []Figure{CPUPerPacket, PacketsPerCall}},
		"no full":     {func(r *load.Result) { delete(r.Counters, "write_calls_full") }, []Figure{WritesMetFull}},
		"no calls":    {func(r *load.Result) { r.Counters["write_calls"], r.Counters["packets_sent"] = 0, 0 }, []Figure{CPUPerCall, CPUPerPacket, PacketsPerCall}},
		"nobody held": {func(r *load.Result) { r.Counts.Held = 0 }, []Figure{RSSPerViewer}},
		"the server": {
			func(r *load.Result) { r.Server = nil },
			[]Figure{Cores, CPUPerGB, RSSPerViewer, RSSGrowth, CPUPerCall, CPUPerPacket, PacketsPerCall, WritesMetFull},
		},
	} {
		all, f := Figures{}, Figures{}
		all.take(measured())
		r := measured()
		c.change(r)
		f.take(r)
		for _, missing := range c.missing {
			if v := f.At(missing); !math.IsNaN(v) {
				t.Errorf("without %s there is %s: %v", name, missing, v)
			}
		}
		if len(f) != len(all)-len(c.missing) {
			t.Errorf("without %s there are %v, and without it were %v", name, f, all)
		}
	}
}

func TestShownFigures(t *testing.T) {
	s := Shown{Digits: 1}
	for want, values := range map[string][]float64{
		"–": nil, "2.0": {2}, "2.0 (1.0–3.0)": {3, 1, 2}, "1.5 (1.5–1.6)": {1.51, 1.55, 1.52}, "1.5": {1.51, 1.52, 1.53},
	} {
		if got := s.Spread(values); got != want {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
	if got := s.Number(math.NaN()); got != "–" {
		t.Errorf("%q", got)
	}
	if got := (&Table{}).RatioText("a", "b", CPUPerGB); got != "–" {
		t.Errorf("%q", got)
	}
}

func TestCounters(t *testing.T) {
	status := func(code int, text string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/status" {
				code = http.StatusTeapot
			}
			w.WriteHeader(code)
			_, _ = w.Write([]byte(text))
		}))
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	got, err := Counters(status(200, `{"write_calls": 3, "version": "1", "streams": [{"viewers": 1}], "packets_sent": 4.5, "ok": true}`))
	if err != nil || !maps.Equal(got, map[string]float64{"write_calls": 3, "packets_sent": 4.5}) {
		t.Errorf("%v, %v", got, err)
	}
	for want, addr := range map[string]string{
		"the status is answered with 404 Not Found": status(404, ""),
		"the status cannot be read: ":               status(200, "hello"),
		"unexpected EOF":                            status(200, `{"a": `),
		"connection refused":                        "127.0.0.1:1",
	} {
		if got, err := Counters(addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %q", got, err, want)
		}
	}
}
