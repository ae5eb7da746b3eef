package climb

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/bench/load"
)

// options are a climb on a server that carries the given number of players, and what
// it was asked for.
func options(carries int) (o Options, asked *[]int) {
	asked = new([]int)
	o = Options{
		From: 100, Most: 10_000, Precision: 0.05, Delay: 250 * time.Millisecond, Joins: 2000,
		Load: load.Options{Threads: 1, Verify: 10, Duration: 5 * time.Second},
		Room: Room{Processors: 1},
	}
	o.Play = func(_ context.Context, l load.Options) (Played, error) {
		*asked = append(*asked, l.Players)
		return Played{Result: ran(l.Players, l.Players > carries)}, nil
	}
	return o, asked
}

// ran is a step that was measured; one that is too much is late, with the
// server's processor full.
func ran(players int, late bool) *load.Result {
	r := &load.Result{
		Players: players, Counts: load.Counts{Started: players, Joined: players, Held: players},
		Delay:    &load.Times{P50: 20, P99: 90},
		Measured: &load.Measured{Seconds: 5, BitRate: 1e6 * float64(players), Generator: load.CPU{Cores: 0.2}},
		Server:   &load.Server{CPU: load.CPU{Cores: 0.5}, RSS: 30e6, RSSBefore: 10e6, Descriptors: players + 20},
	}
	if late {
		r.Delay.P99, r.Server.CPU.Cores = 400, 0.97
	}
	return r
}

func TestCourse(t *testing.T) {
	for _, c := range []struct {
		name    string
		carries int
		change  func(*Options)
		asked   []int
		good    int
		bad     int
	}{
		{"doubles_then_halves", 1150, nil, []int{100, 200, 400, 800, 1600, 1200, 1000, 1100, 1150}, 1150, 1200},
		{"to_the_most", 20_000, func(o *Options) { o.Most = 700 }, []int{100, 200, 400, 700}, 700, 0},
		{"the_most_is_too_much", 600, func(o *Options) { o.Most, o.Precision = 700, 0.3 }, []int{100, 200, 400, 700, 550}, 550, 700},
		{"the_first_is_too_much", 30, nil, []int{100, 50, 25, 37, 31, 28, 29, 30}, 30, 31},
		{"not_even_one", 0, func(o *Options) { o.From = 2 }, []int{2, 1}, 0, 1},
		{"one_step", 5, func(o *Options) { o.From, o.Most = 5, 5 }, []int{5}, 5, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, asked := options(c.carries)
			if c.change != nil {
				c.change(&o)
			}
			r, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if v := r.Verdict; !slices.Equal(*asked, c.asked) || v.Players != c.good || v.Failed != c.bad {
				t.Errorf("asked for %d, verdict %+v", *asked, v)
			}
			if want := map[bool]Reason{true: Processors, false: Most}[c.bad > 0]; r.Verdict.Reason != want {
				t.Errorf("%+v, want %s", r.Verdict, want)
			}
		})
	}
}

// A step is as the options say, whatever its size.
func TestPlayersOfAStep(t *testing.T) {
	o, _ := options(0)
	if l := o.of(4000); l.Players != 4000 || l.Verify != 10 || l.Ramp != 2*time.Second {
		t.Errorf("%+v", l)
	}
	if l := o.of(3); l.Verify != 3 {
		t.Errorf("%+v", l)
	}
}

// What fails although nothing was full is run again, and counts if it fails
// twice.
func TestPuzzlingStepsAreRepeated(t *testing.T) {
	for _, c := range []struct {
		name  string
		lates int // how many runs of 200 are late
		want  int
		asked []int
	}{
		{"once", 1, 400, []int{100, 200, 200, 400}},
		{"twice", 2, 196, []int{100, 200, 200, 150, 175, 187, 193, 196}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, asked := options(0)
			o.Most, o.Precision = 400, 0.02
			o.Play = func(_ context.Context, l load.Options) (Played, error) {
				*asked = append(*asked, l.Players)
				r := ran(l.Players, false)
				if l.Players == 200 && c.lates > 0 {
					c.lates--
					r.Delay.P99 = 300
				}
				return Played{Result: r}, nil
			}
			r, err := Run(t.Context(), o)
			if err != nil || !slices.Equal(*asked, c.asked) || r.Verdict.Players != c.want || len(r.Steps) != len(c.asked) {
				t.Fatalf("asked for %d, %+v, %v", *asked, r.Verdict, err)
			}
			if s := r.Steps[1]; s.Held() || s.Reason != Unexplained {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Where not even one player of the first step gets the stream, and nothing was full,
// the load is not to blame, and fewer players are not tried.
func TestClimbWithoutAStream(t *testing.T) {
	o, asked := options(0)
	nobody := &load.Result{Players: 100, Counts: load.Counts{Started: 100, Lost: 100}, Problems: []string{"100 lost: connection refused"}}
	o.Play = func(_ context.Context, l load.Options) (Played, error) {
		*asked = append(*asked, l.Players)
		return Played{Result: nobody}, nil
	}
	if r, err := Run(t.Context(), o); err == nil || err.Error() != "a climb cannot begin: 100 lost: connection refused" || !slices.Equal(*asked, []int{100}) {
		t.Errorf("asked for %d, %+v, %v", *asked, r, err)
	}
	nobody.Reasons = map[string]int{"the answer is HTTP/1.0 503 Service Unavailable": 100} // its own limit: fewer may be let in
	if r, err := Run(t.Context(), o); err != nil || r.Verdict.Reason != ServerLimits {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestInterruptedClimb(t *testing.T) {
	o, _ := options(10_000)
	play := o.Play
	ctx, cancel := context.WithCancel(t.Context())
	o.Play = func(c context.Context, l load.Options) (Played, error) {
		if l.Players == 400 {
			cancel()
		}
		return play(c, l)
	}
	r, err := Run(ctx, o)
	if err != nil || !r.Interrupted || len(r.Steps) != 2 || r.Verdict.Players != 200 || !r.Verdict.AtLeast {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = Run(ctx, o); err == nil {
		t.Errorf("a climb without a step: %+v", r)
	}
}

func TestClimbThatCanNotGoOn(t *testing.T) {
	o, _ := options(150)
	play := o.Play
	after := 2
	o.Play = func(c context.Context, l load.Options) (Played, error) {
		if after--; after < 0 {
			return Played{}, errors.New("there is no process 77")
		}
		return play(c, l)
	}
	r, err := Run(t.Context(), o)
	if err != nil || r.Ended != "there is no process 77" || r.Verdict.Players != 100 || r.Verdict.Failed != 200 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err = Run(t.Context(), o); err == nil || err.Error() != "there is no process 77" {
		t.Error(err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"not from 0 to 10000":          func(o *Options) { o.From = 0 },
		"not from 100 to 99":           func(o *Options) { o.Most = 99 },
		"between 0 and 1, not 1":       func(o *Options) { o.Precision = 1 },
		"between 0 and 1, not 0":       func(o *Options) { o.Precision = 0 },
		"must be more than 0":          func(o *Options) { o.Delay = 0 },
		"join at some rate":            func(o *Options) { o.Joins = 0 },
		"there can be 1 to 64 threads": func(o *Options) { o.Load.Threads = 0 },
		"need 100000064 descriptors":   func(o *Options) { o.Most = 100_000_000 },
	} {
		o, asked := options(1)
		change(&o)
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) || len(*asked) > 0 {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
