package result

import (
	"fmt"
	"slices"
	"strings"

	"streampump/bench/contest"
	"streampump/bench/report"
	"streampump/bench/stat"
)

// Page is the report of a contest.
func (r *Contest) Page() *report.Page {
	p := &report.Page{Title: strings.Join(r.Names, ", ") + " side by side"}
	p.Verdict, p.Mark = r.verdict()
	p.Headline = r.headline()
	if r.Measured() {
		p.Sections = append(p.Sections, r.plots(),
			report.Section{Title: "Figures", Text: r.spread(), Table: r.table(r.figures())})
	}
	if ratios := r.ratios(); len(ratios) > 0 {
		p.Sections = append(p.Sections, report.Section{
			Title: "Ratios", Table: r.table(ratios),
			Text: fmt.Sprintf("The figure of %s divided by that of each other, within a round: the median and its interval.", r.first()),
		})
	}
	p.Sections = append(p.Sections, listOf("Failures", "what failed", r.Failures, report.Bad)...)
	p.Sections = append(p.Sections, listOf("What was not measured", "note", r.notes(), report.Plain)...)
	facts := []report.Fact{{Name: "contest", Value: r.Settings.String()}}
	for _, name := range r.Names {
		if v := r.identity(name); v != "" {
			facts = append(facts, report.Fact{Name: name, Value: v})
		}
	}
	p.Facts = r.facts(facts)
	return p
}

// spread is what the figures of the rounds are.
func (r *Contest) spread() string {
	if r.Rounds == 1 {
		return "From one round, which has no spread."
	}
	return "The median of the rounds, and the interval that it lies in."
}

// verdict is what came of a contest, in a sentence.
func (r *Contest) verdict() (string, report.Mark) {
	text, mark := "All servers held their players.", report.Good
	switch n := len(r.Failures); {
	case n == 1:
		text, mark = "Failed: "+r.Failures[0]+".", report.Bad
	case n > 1:
		text, mark = fmt.Sprintf("Failed: %s; and %d more, below.", r.Failures[0], n-1), report.Bad
	case !r.Measured():
		text, mark = "Nothing was measured.", report.Plain
	case r.Interrupted:
		return pageInterrupted, report.Plain
	}
	if r.Interrupted {
		text = pageInterrupted + " " + text
	}
	return text, mark
}

// headline is what the first server has against each other one.
func (r *Contest) headline() (all []report.Figure) {
	cpu := contest.Columns()[0]
	for i, name := range r.Names {
		values := r.Values(name, cpu.Figure)
		if len(values) == 0 {
			continue
		}
		sum, _ := stat.Of(values) // there are some
		f := report.Figure{Name: "CPU of " + name, Value: cpu.Number(sum.Median), Unit: cpu.Unit}
		if i > 0 {
			f.Note = fmt.Sprintf("%s has %s times that", r.first(), r.RatioText(r.first(), name, cpu.Figure))
		}
		all = append(all, f)
	}
	return all
}

// plots show figures round by round.
func (r *Contest) plots() report.Section {
	s := report.Section{Title: "Round by round"}
	for _, c := range contest.Columns() {
		switch c.Figure {
		case contest.CPUPerGB, contest.DelayP50, contest.DelayP99, contest.RSSPerViewer:
		default:
			continue
		}
		p := report.Plot{Title: c.Name, X: "round", Y: c.Unit, Kind: report.Points}
		for _, name := range r.Names {
			y := r.Column(name, c.Figure)
			if len(r.Values(name, c.Figure)) == 0 {
				continue
			}
			x := make([]float64, len(y))
			for i := range x {
				x[i] = float64(i + 1)
			}
			p.Series = append(p.Series, report.Series{Name: name, X: x, Y: y})
		}
		if len(p.Series) > 0 {
			s.Plots = append(s.Plots, p)
		}
	}
	return s
}

// table is lines as a table.
func (r *Contest) table(lines []line) *report.Table {
	t := &report.Table{Head: append([]string{"figure"}, r.Names...)}
	for _, l := range lines {
		bad := l.figure == contest.Lost || l.figure == contest.Broken
		cells := []report.Cell{{Text: l.name}}
		for i, text := range l.cells {
			cell := number(text)
			if values := r.Values(r.Names[i], l.figure); bad && len(values) > 0 && slices.Max(values) > 0 {
				cell.Mark = report.Bad
			}
			cells = append(cells, cell)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
