package contest

import (
	"context"
	"fmt"

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
}

// Table is what came of a contest: for each name the outcomes, one for each
// round that was run, in the rounds' order; nil where a heat was not reached.
type Table struct {
	Names  []string              `json:"names"`
	Rounds int                   `json:"rounds"`
	Runs   map[string][]*Outcome `json:"runs"`
	// Interrupted: not all rounds were run.
	Interrupted bool `json:"interrupted"`
}

// Run runs a contest. When ctx ends, the table holds the rounds so far.
func (c *Contest) Run(ctx context.Context) (*Table, error) {
	t := &Table{Rounds: c.Rounds, Runs: map[string][]*Outcome{}}
	for _, h := range c.Heats {
		t.Names = append(t.Names, h.name())
		t.Runs[h.name()] = make([]*Outcome, c.Rounds)
	}
	if len(t.Runs) != len(c.Heats) {
		return nil, fmt.Errorf("two of the servers %v have one name", t.Names)
	}
	steps := len(c.Heats)
	if c.Floor {
		t.Names = append(t.Names, FloorName)
		t.Runs[FloorName] = make([]*Outcome, c.Rounds)
		steps++
	}
	for round := range c.Rounds {
		for i := range steps {
			// Whoever begins changes; the floor, which needs to know of the
			// pump, has it of this round or of the one before.
			at := (round + i) % steps
			name := t.Names[at]
			if c.Progress != nil {
				c.Progress(round*steps+i, c.Rounds*steps, name)
			}
			out, err := c.heat(ctx, t, at)
			if ctx.Err() != nil {
				t.Interrupted = true
				return t, nil
			}
			if err != nil {
				return t, err
			}
			t.Runs[name][round] = out
		}
	}
	return t, nil
}

// heat runs the heat in place i, the floor behind them all.
func (c *Contest) heat(ctx context.Context, t *Table, i int) (*Outcome, error) {
	if i < len(c.Heats) {
		return c.Heats[i].Run(ctx)
	}
	for _, h := range c.Heats {
		calls, ok := stat.Of(t.Values(h.name(), PacketsPerCall))
		if !ok {
			continue
		}
		rate := stat.Present(t.packetRates(h.name()))
		return h.runFloor(ctx, rate[0], calls.Median)
	}
	return nil, fmt.Errorf("the floor takes its packets in a call from a pump, and none ran before it")
}

// packetRates are the packets per second that a pump's viewers got, round by
// round.
func (t *Table) packetRates(name string) []float64 {
	return t.each(name, func(o *Outcome) float64 {
		if o.Result == nil || o.Result.Measured == nil || o.Result.Counts.Held == 0 {
			return nan()
		}
		return o.Result.Counters["packets_sent"] / o.Result.Measured.Seconds / float64(o.Result.Counts.Held)
	})
}

// each is something of each round's outcome, NaN where there is none.
func (t *Table) each(name string, of func(*Outcome) float64) []float64 {
	var values []float64
	for _, o := range t.Runs[name] {
		v := nan()
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

// Failures are why heats failed, each once, in order.
func (t *Table) Failures() []string {
	var failures []string
	for _, name := range t.Names {
		for round, o := range t.Runs[name] {
			if o == nil {
				continue
			}
			for _, why := range o.problems() {
				failures = append(failures, fmt.Sprintf("%s, round %d: %s", name, round+1, why))
			}
		}
	}
	return failures
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
