package contest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"streampump/bench/load"
	"streampump/bench/rival"
)

// heats are some that only have names.
func heats(names ...string) (all []*Heat) {
	for _, n := range names {
		all = append(all, &Heat{Kind: &rival.Kind{Name: n}})
	}
	return all
}

// ran is the outcome of a pump with the given number of packets in a call: it sent
// 100 packets a second to each of two players, for ten seconds.
func ran(name string, perCall float64) *Outcome {
	return &Outcome{Name: name, Figures: Figures{PacketsPerCall: perCall, CPUPerGB: 1}, Result: &load.Result{
		Counts: load.Counts{Held: 2}, Measured: &load.Measured{Seconds: 10}, Counters: map[string]float64{"packets_sent": 2000},
	}}
}

func TestWhoeverBeginsChanges(t *testing.T) {
	var order, told []string
	c := Contest{
		Heats: heats("pump", "cubemap", "vlc"), Floor: true, Rounds: 5,
		Progress: func(step, steps int, name string) { told = append(told, fmt.Sprintf("%d/%d %s", step, steps, name)) },
		run: func(_ context.Context, h *Heat) (*Outcome, error) {
			order = append(order, h.name())
			if h.name() == "pump" {
				return ran("pump", 8), nil
			}
			return &Outcome{Name: h.name(), Figures: Figures{CPUPerGB: 2}}, nil
		},
		runFloor: func(_ context.Context, like *Heat, rate, coalesce float64, secured bool) (*Outcome, error) {
			order = append(order, "floor")
			if like.name() != "pump" || rate != 100 || coalesce != 8 || secured {
				t.Errorf("the floor is like %s with %g packets a second, %g in a call", like.name(), rate, coalesce)
			}
			return &Outcome{Name: FloorName, Figures: Figures{CPUPerGB: 0.5}}, nil
		},
	}
	table, err := c.Run(t.Context())
	if err != nil || table.Interrupted || !table.Measured() || len(table.Failures()) > 0 {
		t.Fatalf("%+v, %v", table, err)
	}
	const want = "pump cubemap vlc floor cubemap vlc floor pump vlc floor pump cubemap floor pump cubemap vlc pump cubemap vlc floor"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("the order was\n%s\nwant\n%s", got, want)
	}
	if len(told) != 20 || told[0] != "0/20 pump" || told[19] != "19/20 floor" {
		t.Errorf("told %q", told)
	}
	if got := table.Ratio("pump", "cubemap", CPUPerGB); !slices.Equal(got, []float64{0.5, 0.5, 0.5, 0.5, 0.5}) {
		t.Errorf("the ratios are %v", got)
	}
	if got := table.RatioText("pump", FloorName, CPUPerGB); got != "2.00" {
		t.Errorf("%q", got)
	}
}

// TestFloorWithoutAPump says so and ends nothing: the pump may be there in the
// next round.
func TestFloorWithoutAPump(t *testing.T) {
	rounds, floors := 0, 0
	c := Contest{
		Heats: heats("pump"), Floor: true, Rounds: 3,
		run: func(context.Context, *Heat) (*Outcome, error) {
			switch rounds++; rounds {
			case 1:
				return &Outcome{Name: "pump", Failed: "it burns"}, nil
			case 2: // all its players were lost, so nobody had a rate
				out := ran("pump", 8)
				out.Result.Counts.Held = 0
				return out, nil
			}
			return ran("pump", 8), nil
		},
		runFloor: func(context.Context, *Heat, float64, float64, bool) (*Outcome, error) {
			floors++
			return &Outcome{Name: FloorName}, nil
		},
	}
	table, err := c.Run(t.Context())
	if err != nil || floors != 1 {
		t.Fatalf("%v, %d floors", err, floors)
	}
	const none = "the floor has its packets in a call from a pump, and none was measured before it"
	want := []string{"pump, round 1: it burns", "floor, round 1: " + none, "floor, round 2: " + none}
	if got := table.Failures(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if y := table.Column("pump", PacketsPerCall); !math.IsNaN(y[0]) || y[2] != 8 {
		t.Errorf("%v", y)
	}
}

// TestInterruptedContest keeps what there is, whenever it comes.
func TestInterruptedContest(t *testing.T) {
	for name, c := range map[string]struct {
		out         *Outcome // of the third heat, in which it is interrupted
		after       bool     // the third heat is over then
		interrupted bool
		measured    int
	}{
		"StartingAServer": {nil, false, true, 2},
		"Measuring":       {&Outcome{Name: "pump", Interrupted: true, Figures: Figures{CPUPerGB: 3}}, false, true, 3},
		"BetweenHeats":    {ran("pump", 8), true, true, 3},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			n := 0
			contest := Contest{Heats: heats("pump", "cubemap"), Rounds: 2, run: func(context.Context, *Heat) (*Outcome, error) {
				if n++; n == 3 {
					interrupt()
					if c.out == nil {
						return nil, ctx.Err()
					}
					return c.out, nil
				}
				return ran("x", 1), nil
			}}
			table, err := contest.Run(ctx)
			if err != nil || table.Interrupted != c.interrupted {
				t.Fatalf("%+v, %v", table, err)
			}
			measured := 0
			for _, runs := range table.Runs {
				for _, o := range runs {
					if o != nil {
						measured++
					}
				}
			}
			if measured != c.measured || n != 3 {
				t.Errorf("%d of %d heats are in the table", measured, n)
			}
			if notes := table.Notes(); (len(notes) == 1) != (name == "Measuring") {
				t.Errorf("%q", notes)
			}
		})
	}
	// With the last heat all was measured.
	ctx, interrupt := context.WithCancel(t.Context())
	whole := Contest{Heats: heats("pump"), Rounds: 1, run: func(context.Context, *Heat) (*Outcome, error) {
		interrupt()
		return ran("pump", 1), nil
	}}
	if table, err := whole.Run(ctx); err != nil || table.Interrupted || !table.Measured() {
		t.Errorf("%+v, %v", table, err)
	}
	if table, err := whole.Run(ctx); err != nil || !table.Interrupted || table.Measured() {
		t.Errorf("begun after Ctrl-C: %+v, %v", table, err)
	}
}

func TestContestThatCanNotGoOn(t *testing.T) {
	n := 0
	why := errors.New("no more paper")
	c := Contest{Heats: heats("pump", "vlc"), Rounds: 2, run: func(context.Context, *Heat) (*Outcome, error) {
		if n++; n == 2 {
			return nil, why
		}
		return ran("pump", 1), nil
	}}
	table, err := c.Run(t.Context())
	if !errors.Is(err, why) || err.Error() != "vlc, round 1: no more paper" || !table.Measured() || n != 2 {
		t.Errorf("%+v, %v", table, err)
	}
}

func TestContestsThatAreNone(t *testing.T) {
	for want, c := range map[string]Contest{
		"at least one heat and one round":           {Rounds: 1},
		"a contest needs":                           {Heats: heats("pump")},
		"two of pump, vlc, pump have the same name": {Heats: heats("pump", "vlc", "pump"), Rounds: 1},
		"two of floor, floor have the same name":    {Heats: heats("floor"), Floor: true, Rounds: 1},
	} {
		if table, err := c.Run(t.Context()); err == nil || table != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	named := heats("pump", "pump")
	named[1].Name = "pump, two loops"
	if _, err := (&Contest{Heats: named, Rounds: 1, run: func(context.Context, *Heat) (*Outcome, error) { return ran("", 1), nil }}).Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFailuresAndNotes(t *testing.T) {
	bad := &Outcome{Failed: "it burns", Result: &load.Result{Problems: []string{"3 lost: reset"}, Notes: []string{"nothing was checked"}}}
	table := Table{Names: []string{"pump", "vlc"}, Runs: map[string][]*Outcome{"pump": {nil, ran("pump", 1)}, "vlc": {bad, bad}}}
	if got, want := table.Failures(), []string{
		"vlc, round 1: it burns", "vlc, round 1: 3 lost: reset", "vlc, round 2: it burns", "vlc, round 2: 3 lost: reset",
	}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got, want := table.Notes(), []string{"vlc: nothing was checked"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if !table.Measured() || (&Table{Runs: map[string][]*Outcome{"vlc": {bad, nil}}}).Measured() {
		t.Error("what was measured is not told from what was not")
	}
}

// TestTableIsJSON: what is missing is null or absent, and no number.
func TestTableIsJSON(t *testing.T) {
	f := Figures{}
	f.set(CPUPerGB, math.NaN())
	f.set(CPUPerCall, math.Inf(1))
	f.set(Cores, 0.5)
	table := Table{Names: []string{"pump"}, Rounds: 2, Runs: map[string][]*Outcome{"pump": {{Name: "pump", Figures: f}, nil}}}
	b, err := json.Marshal(table)
	if want := `{"names":["pump"],"rounds":2,"runs":{"pump":[{"name":"pump","figures":{"cores":0.5}},null]},"interrupted":false}`; err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

// TestServerThatIsNotThere is an outcome, and its folder is gone.
func TestServerThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	h := Heat{Kind: &rival.Kind{Name: "ghost", Package: "ghosts"}}
	out, err := h.Run(t.Context())
	if err != nil || out.Failed != "ghost is not installed: apt-get install --no-install-recommends ghosts" || len(out.Figures) > 0 {
		t.Errorf("%+v, %v", out, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	t.Setenv("TMPDIR", dir+"/none")
	if out, err := h.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "a folder for the server: ") {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestSplitOfTheProcessors(t *testing.T) {
	for _, c := range []struct{ own, named, server, load []int }{
		{[]int{0, 1}, nil, []int{0}, []int{1}},
		{[]int{0}, nil, []int{0}, []int{0}},
		{[]int{0, 1, 2}, []int{1, 2}, []int{1, 2}, []int{0}},
		{[]int{0, 1}, []int{0, 1}, []int{0, 1}, []int{0, 1}},
	} {
		p, err := split(c.own, c.named)
		if err != nil || !slices.Equal(p.Server, c.server) || !slices.Equal(p.Load, c.load) {
			t.Errorf("%+v: %+v, %v", c, p, err)
		}
	}
	if p, err := split([]int{0, 1}, []int{1, 4}); err == nil || err.Error() != "the servers cannot have the processors 1,4: this process may run on 0-1" {
		t.Errorf("%+v, %v", p, err)
	}
}
