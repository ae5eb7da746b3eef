package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"streampump/bench/contest"
	"streampump/bench/load"
	"streampump/bench/rival"
)

// Gate is the rows that are measured, in a form.
type Gate struct {
	Form  Form
	Setup Setup
	// Only are the rows that are measured, by name; all if empty.
	Only []string
	// Step is called before each scene, with about how long it takes; nil is
	// not. Progress is called once a second while players play.
	Step     func(i, of int, what string, length time.Duration)
	Progress func(load.Progress)
}

// Result is what came of a gate.
type Result struct {
	Strict      bool      `json:"strict"`
	Rounds      int       `json:"rounds"`
	Interrupted bool      `json:"interrupted"`
	Verdicts    []Verdict `json:"verdicts"`
	Failures    []string  `json:"failures,omitempty"` // of servers; each fells the gate
	// Rivals is what a rival failed in, in the short form, where it fells nothing:
	// it is no fault of the pump. In the strict form it is a failure, because rows
	// are of five pairs at least, and one was not measured.
	Rivals []string                  `json:"rivals_failures,omitempty"`
	Scenes map[string]*contest.Table `json:"scenes"`
}

// Check refuses a gate that would say nothing.
func (g *Gate) Check() error {
	if g.Form.Strict && g.Form.Rounds < leastRounds {
		return fmt.Errorf("the strict form needs at least five rounds, not %d", g.Form.Rounds)
	}
	rows, err := g.rows()
	if err == nil && !slices.ContainsFunc(rows, func(r Row) bool { return r.Scene != "" }) {
		err = errors.New("these rows only use scenes of other rows, so one of those is needed too, such as delay-few")
	}
	return err
}

// leastRounds is how many rounds the strict form has: with five the interval of
// a median is between the least and the greatest.
const leastRounds = 5

// Expected is about how long the gate takes, and in how many scenes. Call it once the
// Setup is complete.
func (g *Gate) Expected() (total time.Duration, scenes int) {
	all, err := g.scenes()
	if err != nil {
		return 0, 0
	}
	for i := range all {
		total += g.Form.seconds(&all[i])
	}
	return total, len(all)
}

// scenes are those that the rows are about.
func (g *Gate) scenes() ([]scene, error) {
	rows, err := g.rows()
	if err != nil {
		return nil, err
	}
	scenes, err := g.Form.scenes(&g.Setup)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(scenes, func(s scene) bool {
		return !slices.ContainsFunc(rows, func(r Row) bool { return r.Scene == s.name })
	}), nil
}

// Run measures. When ctx ends, the result holds what there is so far.
func (g *Gate) Run(ctx context.Context) (*Result, error) {
	if err := g.Check(); err != nil {
		return nil, err
	}
	rows, _ := g.rows() // they were checked
	scenes, err := g.scenes()
	if err != nil {
		return nil, err
	}
	r := &Result{Strict: g.Form.Strict, Rounds: g.Form.Rounds, Scenes: map[string]*contest.Table{}}
	for i := range scenes {
		s := &scenes[i]
		if g.Step != nil {
			g.Step(i, len(scenes), s.what, g.Form.seconds(s))
		}
		for _, h := range s.heats {
			h.Load.Progress = g.Progress
		}
		c := contest.Contest{Heats: s.heats, Floor: s.floor, Rounds: s.times(g.Form)}
		t, err := c.Run(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.what, err)
		}
		r.Scenes[s.name] = t
		r.failures(s.what, t)
		if t.Interrupted {
			r.Interrupted = true
			break
		}
	}
	for i := range rows {
		r.Verdicts = append(r.Verdicts, rows[i].judge(r.tableOf(&rows[i]), g.Form.Strict))
	}
	return r, nil
}

// failures takes in what failed in a scene.
func (r *Result) failures(what string, t *contest.Table) {
	for _, name := range t.Names {
		whose := &r.Failures
		kind, _, _ := strings.Cut(name, ", ")
		if k, err := rival.Named(kind); err == nil && k.Name != pump && !r.Strict {
			whose = &r.Rivals
		}
		for _, f := range t.FailuresOf(name) {
			*whose = append(*whose, what+": "+f)
		}
	}
}

// rows are those that were asked for.
func (g *Gate) rows() ([]Row, error) {
	all := Rows()
	if len(g.Only) == 0 {
		return all, nil
	}
	var rows []Row
	for _, name := range g.Only {
		i := slices.IndexFunc(all, func(r Row) bool { return r.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no row %q", name)
		}
		rows = append(rows, all[i])
	}
	return rows, nil
}

// tableOf is the table that a row is about: its scene's, or all in one.
func (r *Result) tableOf(row *Row) *contest.Table {
	if row.Scene != "" {
		return r.Scenes[row.Scene]
	}
	all := &contest.Table{Runs: map[string][]*contest.Outcome{}}
	for _, t := range r.Scenes {
		for name, runs := range t.Runs {
			all.Runs[name] = append(all.Runs[name], runs...)
		}
	}
	return all
}

// Fell are the rows that did: those past what they may be, and in the strict
// form those that were not measured although a package brings what they need.
func (r *Result) Fell() (names []string) {
	for _, v := range r.Verdicts {
		if v.State == Fell || r.Strict && v.State == Missing && !v.Unpackaged {
			names = append(names, v.Name)
		}
	}
	return names
}
