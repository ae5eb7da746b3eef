package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"streampump/bench/affinity"
	"streampump/bench/contest"
	"streampump/bench/report"
)

// compareReport is the JSON of the command compare.
type compareReport struct {
	About
	Settings compareSettings   `json:"settings"`
	Versions map[string]string `json:"versions"` // of each server
	*contest.Table
	Failures []string `json:"failures,omitempty"`
}

// compareSettings are the flags as they took effect.
type compareSettings struct {
	Players     int     `json:"players"`
	Bitrate     int     `json:"bitrate"`
	PacketSize  int     `json:"packet_size"`
	FPS         float64 `json:"fps"`
	GOP         int     `json:"gop"`
	Ramp        float64 `json:"ramp_seconds"`
	Duration    float64 `json:"duration_seconds"`
	Stall       string  `json:"stall,omitempty"`
	Throttle    string  `json:"throttle,omitempty"`
	Rounds      int     `json:"rounds"`
	ServerCores []int   `json:"server_cores"`
	LoadCores   []int   `json:"load_cores"`
}

func (o *comparing) settings() compareSettings {
	p := &o.players
	return compareSettings{
		Players: p.Players, Bitrate: int(o.bitrate), PacketSize: o.packet, FPS: o.fps, GOP: o.gop,
		Ramp: p.Ramp.Seconds(), Duration: p.Duration.Seconds(), Stall: p.Stall.String(), Throttle: p.Throttle.String(),
		Rounds: o.rounds, ServerCores: o.placed.Server, LoadCores: o.placed.Load,
	}
}

// String is the settings in a line.
func (s *compareSettings) String() string {
	text := fmt.Sprintf("%d players, %.3g Mbit/s in packets of %d bytes, %d rounds of %g s; servers on core %s, load on %s",
		s.Players, float64(s.Bitrate)/1e6, s.PacketSize, s.Rounds, s.Duration, affinity.Text(s.ServerCores), affinity.Text(s.LoadCores))
	if s.Stall != "" {
		text += "; stalled: " + s.Stall
	}
	if s.Throttle != "" {
		text += "; throttled: " + s.Throttle
	}
	return text
}

// first is whom the others are compared to: the pump, if it took part.
func (r *compareReport) first() string { return r.Names[0] }

// appendText appends the result as text for people.
func (r *compareReport) appendText(b []byte) []byte {
	if r.Interrupted {
		b = append(b, interrupted+"\n"...)
	}
	b = fmt.Appendf(b, "%s\n", r.Settings.String())
	for _, name := range r.Names {
		if v := r.Versions[name]; v != "" {
			b = fmt.Appendf(b, "%s: %s\n", name, v)
		}
	}
	b = append(b, '\n')
	if r.Measured() {
		b = r.appendTable(b)
	} else {
		b = append(b, "nothing was measured\n"...)
	}
	for _, n := range r.Notes() {
		b = fmt.Appendf(b, "note        %s\n", n)
	}
	for _, f := range r.Failures {
		b = fmt.Appendf(b, "failed      %s\n", f)
	}
	return b
}

// appendTable appends the figures and the ratios, in columns.
func (r *compareReport) appendTable(b []byte) []byte {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\t%s\n", strings.Join(r.Names, "\t"))
	rows := func(of func(*contest.Shown) ([]string, bool), name func(*contest.Shown) string) (lines []string) {
		for _, c := range contest.Columns() {
			if row, any := of(&c); any {
				lines = append(lines, name(&c)+"\t"+strings.Join(row, "\t"))
			}
		}
		return lines
	}
	for _, line := range rows(r.row, named) {
		fmt.Fprintln(w, line)
	}
	if ratios := rows(r.ratios, nameOnly); len(ratios) > 0 {
		fmt.Fprintf(w, "\n%s by…\t%s\n%s\n", r.first(), strings.Join(r.Names, "\t"), strings.Join(ratios, "\n"))
	}
	_ = w.Flush() // to memory
	for line := range strings.Lines(out.String()) {
		b = append(b, strings.TrimRight(line, " \n")...)
		b = append(b, '\n')
	}
	return append(b, '\n')
}

// named is the name of a figure with its unit; a ratio of two has none.
func named(c *contest.Shown) string { return strings.TrimSuffix(c.Name+", "+c.Unit, ", ") }

func nameOnly(c *contest.Shown) string { return c.Name }

// row is a figure of all servers; any says that one has it.
func (r *compareReport) row(c *contest.Shown) (row []string, any bool) {
	for _, name := range r.Names {
		values := r.Values(name, c.Figure)
		any = any || len(values) > 0
		row = append(row, c.Spread(values))
	}
	return row, any
}

// ratios is the first server's figure by that of each.
func (r *compareReport) ratios(c *contest.Shown) (row []string, any bool) {
	if !c.Ratio {
		return nil, false
	}
	for i, name := range r.Names {
		text := r.RatioText(r.first(), name, c.Figure)
		switch {
		case text == "–":
		case i == 0:
			text = "1"
		default:
			any = true
		}
		row = append(row, text)
	}
	return row, any
}

// page is the report of a contest.
func (r *compareReport) page() *report.Page {
	p := &report.Page{Title: strings.Join(r.Names, ", ") + " side by side"}
	p.Verdict, p.Mark = r.verdict()
	p.Headline = r.headline()
	if r.Measured() {
		p.Sections = append(p.Sections, r.plots(),
			report.Section{Title: "Figures", Text: "The median of the rounds, and the interval that it lies in.", Table: r.tableOf(r.row, named)})
	}
	if t := r.tableOf(r.ratios, nameOnly); len(t.Rows) > 0 {
		p.Sections = append(p.Sections, report.Section{
			Title: "Ratios", Table: t,
			Text: fmt.Sprintf("The figure of %s by that of each other, within a round: the median and its interval.", r.first()),
		})
	}
	p.Sections = append(p.Sections, listOf("Failures", "what failed", r.Failures, report.Bad)...)
	p.Sections = append(p.Sections, listOf("What was not measured", "note", r.Notes(), report.Plain)...)
	facts := []report.Fact{{Name: "contest", Value: r.Settings.String()}}
	for _, name := range r.Names {
		if v := r.Versions[name]; v != "" {
			facts = append(facts, report.Fact{Name: name, Value: v})
		}
	}
	p.Facts = r.facts(facts)
	return p
}

// verdict is what came of a contest, in a sentence.
func (r *compareReport) verdict() (string, report.Mark) {
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

// listOf is a section of sentences; none for none.
func listOf(title, head string, lines []string, mark report.Mark) []report.Section {
	if len(lines) == 0 {
		return nil
	}
	t := &report.Table{Head: []string{head}}
	for _, l := range lines {
		t.Rows = append(t.Rows, []report.Cell{{Text: l, Mark: mark}})
	}
	return []report.Section{{Title: title, Table: t}}
}

// headline is what the first server has against each other one.
func (r *compareReport) headline() (all []report.Figure) {
	cpu := contest.Columns()[0]
	for i, name := range r.Names {
		values := r.Values(name, cpu.Figure)
		if len(values) == 0 {
			continue
		}
		f := report.Figure{Name: "CPU of " + name, Value: cpu.Spread(values), Unit: cpu.Unit}
		if i > 0 {
			f.Note = fmt.Sprintf("%s has %s of it", r.first(), r.RatioText(r.first(), name, cpu.Figure))
		}
		all = append(all, f)
	}
	return all
}

// plots show figures round by round.
func (r *compareReport) plots() report.Section {
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

// tableOf is a table of one row for each figure that has one.
func (r *compareReport) tableOf(of func(*contest.Shown) ([]string, bool), name func(*contest.Shown) string) *report.Table {
	t := &report.Table{Head: append([]string{"figure"}, r.Names...)}
	for _, c := range contest.Columns() {
		row, any := of(&c)
		if !any {
			continue
		}
		cells := []report.Cell{{Text: name(&c)}}
		for i, text := range row {
			cell := report.Cell{Text: text, Number: true}
			bad := c.Figure == contest.Lost || c.Figure == contest.Broken
			if values := r.Values(r.Names[i], c.Figure); bad && len(values) > 0 && slices.Max(values) > 0 {
				cell.Mark = report.Bad
			}
			cells = append(cells, cell)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
