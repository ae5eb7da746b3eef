package result

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"streampump/bench/contest"
	"streampump/bench/gate"
	"streampump/bench/report"
)

// Gate is what came of a gate.
type Gate struct {
	About
	*gate.Result
}

// times is a number with its noun.
func times(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// rowShown is how a row's numbers are shown.
var rowShown = contest.Shown{Digits: 3}

// cells are a verdict as columns: name, what was measured, bound, state, what
// it is.
func cells(v *gate.Verdict) [5]string {
	is := "–"
	if s := v.Summary; s != nil {
		is = rowShown.Number(s.Median)
		if s.Low != s.High {
			is += fmt.Sprintf(" (%s–%s)", rowShown.Number(s.Low), rowShown.Number(s.High))
		}
	}
	bound := fmt.Sprintf("≤ %g", v.Bound)
	if v.Floor > 0 {
		bound += fmt.Sprintf(", here %.3g, from the floor", v.Floor)
	}
	if v.Aim != 0 {
		bound += fmt.Sprintf(" (aim %g)", v.Aim)
	}
	if v.Unit != "" {
		is += " " + v.Unit
	}
	return [5]string{v.Name, is, bound, string(v.State), v.What}
}

// Text is the result as text for people.
func (r *Gate) Text() (b []byte) {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for i := range r.Verdicts {
		c := cells(&r.Verdicts[i])
		fmt.Fprintf(w, "%s\n", strings.Join(c[:], "\t"))
	}
	_ = w.Flush() // to memory
	b = append(b, out.Bytes()...)
	fell := len(r.Fell())
	return fmt.Appendf(b, "%s\n", r.verdict(fell))
}

// verdict is what came of it, in a sentence.
func (r *Gate) verdict(fell int) string {
	form := "short"
	if r.Strict {
		form = "strict"
	}
	if r.Interrupted {
		return "The gate was interrupted and says nothing about what it did not measure."
	}
	if fell == 0 && len(r.Failures) == 0 {
		rounds := fmt.Sprintf("%d rounds", r.Rounds)
		if r.Rounds == 1 {
			rounds = "one round, which has no spread"
		}
		return fmt.Sprintf("The gate holds, in its %s form, with %s.", form, rounds)
	}
	return fmt.Sprintf("The gate does not hold: %s of its %s form fell, and servers failed %s.", times(fell, "row"), form, times(len(r.Failures), "time"))
}

// Page is the report of a gate.
func (r *Gate) Page() *report.Page {
	fell := len(r.Fell())
	p := &report.Page{Title: "The gate of a release", Verdict: r.verdict(fell), Mark: report.Good}
	switch {
	case fell > 0 || len(r.Failures) > 0:
		p.Mark = report.Bad
	case r.Interrupted:
		p.Mark = report.Plain
	}
	t := &report.Table{Head: []string{"row", "measured", "bound", "", "what it is"}}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		var row []report.Cell
		for k, text := range cells(v) {
			c := report.Cell{Text: text, Number: k == 1}
			if k == 3 {
				c.Mark = map[gate.State]report.Mark{gate.Holds: report.Good, gate.Fell: report.Bad}[v.State]
			}
			row = append(row, c)
		}
		t.Rows = append(t.Rows, row)
	}
	p.Sections = []report.Section{{Title: "Rows", Text: "The median of the rounds, and the interval that it lies in.", Table: t}}
	if len(r.Failures) > 0 {
		f := &report.Table{Head: []string{"what failed"}}
		for _, text := range r.Failures {
			f.Rows = append(f.Rows, []report.Cell{{Text: text, Mark: report.Bad}})
		}
		p.Sections = append(p.Sections, report.Section{Title: "Failures", Table: f})
	}
	if len(r.Rivals) > 0 {
		f := &report.Table{Head: []string{"what failed"}}
		for _, text := range r.Rivals {
			f.Rows = append(f.Rows, []report.Cell{{Text: text}})
		}
		p.Sections = append(p.Sections, report.Section{Title: "Failures of rivals, for which no row falls", Table: f})
	}
	p.Facts = r.facts([]report.Fact{{Name: "rounds", Value: fmt.Sprint(r.Rounds)}})
	return p
}
