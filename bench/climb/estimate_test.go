package climb

import (
	"strings"
	"testing"

	"streampump/bench/load"
)

// carried200 is a climb of one step of 200 players, of 1 Mbit/s each.
func carried200() *Climb {
	return &Climb{
		Steps:   []*Step{{Players: 200, Result: &load.Result{Counts: load.Counts{Held: 200}, Measured: &load.Measured{BitRate: 200e6}}}},
		Verdict: Verdict{Players: 200, Failed: 400, Reason: Processors},
	}
}

func TestEstimates(t *testing.T) {
	const text = `{"viewers": 110, "gives_out_first": "processors", "limits": [], "streams": [{"path": "live", "bitrate": 1500000, "share": 0.5}, {"bitrate": 500000, "share": 0.5}]}`
	e, err := ParseEstimate([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		v    Verdict
		want string
	}{
		{Verdict{Players: 100, Reason: Processors}, "doctor estimates 110 viewers, limited by processors: 10 % above what was measured"},
		{Verdict{Players: 220, Reason: Loops}, "doctor estimates 110 viewers, limited by processors: 50 % below what was measured"},
		{Verdict{Players: 100, Reason: Memory}, "doctor estimates 110 viewers, limited by processors: 10 % above what was measured, where something else gave out"},
		{Verdict{Players: 100, Reason: Most, AtLeast: true}, "doctor estimates 110 viewers, limited by processors; no bound was found to compare it with"},
		{Verdict{Players: 220, Reason: Generator, AtLeast: true}, "doctor estimates 110 viewers, limited by processors: 50 % below what was carried, and more can be"},
	} {
		r := carried200()
		r.Verdict = c.v
		if got := e.Against(r).String(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.v, got, c.want)
		}
	}
	r := carried200()
	r.Steps[0].Result.Measured.BitRate *= 1.2
	if got := e.Against(r).String(); !strings.HasSuffix(got, "; it is for 1 Mbit/s, and players got 1.2: doctor takes --bitrate with the padding of packets") {
		t.Error(got)
	}
	if r.Verdict = (Verdict{Failed: 1}); e.Against(r) != nil {
		t.Error("an estimate was held against nothing")
	}
	e.First = "limits.sessions"
	r.Verdict = Verdict{Players: 1, Reason: Generator, AtLeast: true}
	if c := e.Against(r); c.Agrees != nil {
		t.Errorf("%+v", c)
	}
	r.Verdict = Verdict{Players: 1, Reason: ServerLimits}
	if c := e.Against(r); !*c.Agrees {
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
		e, err := ParseEstimate(text)
		if err == nil && (e.Viewers < 0 || e.First == "") {
			t.Errorf("%+v", e)
		}
		if err == nil && e.Against(carried200()).String() == "" {
			t.Error("nothing is said")
		}
	})
}
