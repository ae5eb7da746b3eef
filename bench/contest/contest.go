package contest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"streampump/bench/stat"
)

// Contest is several heats, repeated in turn.
type Contest struct {
	Heats []*Heat
	// Floor measures the floor in each round too. The first heat that is a
	// pump says with how many packets in a call.
	Floor  bool
	Rounds int
	// Progress is called before each heat; nil is not.
	Progress func(step, steps int, name string)

	// What runs a heat and the floor; nil except in tests.
	run      func(context.Context, *Heat) (*Outcome, error)
	runFloor func(ctx context.Context, like *Heat, packetRate, coalesce float64, secured bool) (*Outcome, error)
}

// Table is what came of a contest: for each name the outcomes, one for each
// round, in the rounds' order; nil where a heat was not reached.
type Table struct {
	Names  []string              `json:"names"`
	Rounds int                   `json:"rounds"`
	Runs   map[string][]*Outcome `json:"runs"`
	// Interrupted: not all rounds were run.
	Interrupted bool `json:"interrupted"`
}

// Run runs a contest. When ctx ends, the table holds what was measured so far, the
// part of the heat under way that was measured included. The table is returned with
// an error too, which is one that every further heat would meet.
func (c *Contest) Run(ctx context.Context) (*Table, error) {
	t, err := c.table()
	if err != nil {
		return nil, err
	}
	for round := range c.Rounds {
		for i := range t.Names {
			// Whoever begins changes; the floor, which needs to know of the
			// pump, has it of this round or of the one before.
			at := (round + i) % len(t.Names)
			name := t.Names[at]
			if ctx.Err() != nil {
				t.Interrupted = true
				return t, nil
			}
			if c.Progress != nil {
				c.Progress(round*len(t.Names)+i, c.Rounds*len(t.Names), name)
			}
			out, err := c.heat(ctx, t, at)
			t.Runs[name][round] = out
			switch {
			case ctx.Err() != nil:
				t.Interrupted = t.Interrupted || out == nil || out.Interrupted || round < c.Rounds-1 || i < len(t.Names)-1
				return t, nil
			case err != nil:
				return t, fmt.Errorf("%s, round %d: %w", name, round+1, err)
			}
		}
	}
	return t, nil
}

// table is an empty one.
func (c *Contest) table() (*Table, error) {
	t := &Table{Rounds: c.Rounds, Runs: map[string][]*Outcome{}}
	for _, h := range c.Heats {
		t.Names = append(t.Names, h.name())
	}
	if c.Floor {
		t.Names = append(t.Names, FloorName)
	}
	for _, name := range t.Names {
		t.Runs[name] = make([]*Outcome, max(c.Rounds, 0))
	}
	switch {
	case len(c.Heats) == 0 || c.Rounds < 1:
		return nil, errors.New("a contest needs at least one heat and one round")
	case len(t.Runs) != len(t.Names):
		return nil, fmt.Errorf("two of %s have the same name", strings.Join(t.Names, ", "))
	}
	return t, nil
}

// heat runs the heat in place i, the floor behind them all.
func (c *Contest) heat(ctx context.Context, t *Table, i int) (*Outcome, error) {
	run, runFloor := c.run, c.runFloor
	if run == nil {
		run = func(ctx context.Context, h *Heat) (*Outcome, error) { return h.Run(ctx) }
	}
	if runFloor == nil {
		runFloor = floorLike
	}
	if i < len(c.Heats) {
		return run(ctx, c.Heats[i])
	}
	for _, h := range c.Heats {
		calls, measured := stat.Of(t.Values(h.name(), PacketsPerCall))
		rate, rated := stat.Of(stat.Present(t.packetRates(h.name())))
		if measured && rated {
			return runFloor(ctx, h, rate.Median, calls.Median, c.secured())
		}
	}
	return &Outcome{
		Name: FloorName, Figures: Figures{},
		Failed: "the floor has its packets in a call from a pump, and none was measured before it",
	}, nil
}

// secured reports whether there is TLS in the contest.
func (c *Contest) secured() bool {
	return slices.ContainsFunc(c.Heats, func(h *Heat) bool { return h.TLS })
}

// packetRates are the packets per second that each of a pump's viewers got,
// round by round.
func (t *Table) packetRates(name string) []float64 {
	return t.each(name, func(o *Outcome) float64 {
		if o.Result == nil || o.Result.Measured == nil || o.Result.Counts.Held == 0 || o.Result.Counters["packets_sent"] <= 0 {
			return math.NaN()
		}
		return o.Result.Counters["packets_sent"] / o.Result.Measured.Seconds / float64(o.Result.Counts.Held)
	})
}

// each is something of each round's outcome, NaN where there is none.
func (t *Table) each(name string, of func(*Outcome) float64) []float64 {
	var values []float64
	for _, o := range t.Runs[name] {
		v := math.NaN()
		if o != nil {
			v = of(o)
		}
		values = append(values, v)
	}
	return values
}

// Column is a figure of one server, round by round, NaN where it is missing.
func (t *Table) Column(name string, f Figure) []float64 {
	return t.each(name, func(o *Outcome) float64 { return o.Figures.At(f) })
}

// Values is a figure of one server in those rounds that have it.
func (t *Table) Values(name string, f Figure) []float64 { return stat.Present(t.Column(name, f)) }

// Ratio is a figure of one server by that of another, round by round.
func (t *Table) Ratio(name, by string, f Figure) []float64 {
	return stat.Ratios(t.Column(name, f), t.Column(by, f))
}

// Measured reports whether there is a figure of anybody.
func (t *Table) Measured() bool {
	for _, runs := range t.Runs {
		if slices.ContainsFunc(runs, func(o *Outcome) bool { return o != nil && len(o.Figures) > 0 }) {
			return true
		}
	}
	return false
}

// Notes say what was not measured, and why: one for each server and reason.
func (t *Table) Notes() []string {
	var notes []string
	for _, name := range t.Names {
		for _, o := range t.Runs[name] {
			if o == nil {
				continue
			}
			for _, n := range o.notes() {
				if n = name + ": " + n; !slices.Contains(notes, n) {
					notes = append(notes, n)
				}
			}
		}
	}
	return notes
}

// Failures are why heats failed, by server and round.
func (t *Table) Failures() []string {
	var failures []string
	for _, name := range t.Names {
		failures = append(failures, t.FailuresOf(name)...)
	}
	return failures
}

// FailuresOf are why one server's heats failed, by round.
func (t *Table) FailuresOf(name string) (failures []string) {
	for round, o := range t.Runs[name] {
		if o == nil {
			continue
		}
		for _, why := range o.problems() {
			failures = append(failures, fmt.Sprintf("%s, round %d: %s", name, round+1, why))
		}
	}
	return failures
}

// notes are what was not measured in a heat.
func (o *Outcome) notes() (all []string) {
	if o.Interrupted {
		all = append(all, "a heat was interrupted; its figures are from the time until then")
	}
	if o.Result != nil {
		all = append(all, o.Result.Notes...)
	}
	return all
}

// problems are what went wrong in a heat.
func (o *Outcome) problems() (all []string) {
	if o.Failed != "" {
		all = append(all, o.Failed)
	}
	if o.Result != nil {
		all = append(all, o.Result.Problems...)
	}
	return all
}
