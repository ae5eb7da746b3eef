package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"text/tabwriter"

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
		s.Players, float64(s.Bitrate)/1e6, s.PacketSize, s.Rounds, s.Duration, coreList(s.ServerCores), coreList(s.LoadCores))
	if s.Stall != "" {
		text += "; stalled: " + s.Stall
	}
	if s.Throttle != "" {
		text += "; throttled: " + s.Throttle
	}
	return text
}

// coreList is processors in a few words.
func coreList(cores []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(cores), " ", ","), "[]")
}

// first is whom the others are compared to: the pump, if it took part.
func (r *compareReport) first() string { return r.Names[0] }

// appendText appends the result as text for people.
func (r *compareReport) appendText(b []byte) []byte {
	if r.Interrupted {
		b = append(b, "interrupted; this is what was measured so far\n"...)
	}
	b = fmt.Appendf(b, "%s\n", r.Settings.String())
	for _, name := range r.Names {
		if v := r.Versions[name]; v != "" {
			b = fmt.Appendf(b, "%s: %s\n", name, v)
		}
	}
	b = append(b, '\n')
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\t%s\n", strings.Join(r.Names, "\t"))
	for _, c := range contest.Columns() {
		if row, any := r.row(&c); any {
			fmt.Fprintf(w, "%s\t%s\n", strings.TrimSuffix(c.Name+", "+c.Unit, ", "), strings.Join(row, "\t"))
		}
	}
	if len(r.Names) > 1 {
		fmt.Fprintf(w, "\n%s by…\t\n", r.first())
		for _, c := range contest.Columns() {
			if row, any := r.ratios(&c); any {
				fmt.Fprintf(w, "%s\t%s\n", c.Name, strings.Join(row, "\t"))
			}
		}
	}
	_ = w.Flush() // to memory
	for line := range strings.Lines(out.String()) {
		b = append(b, strings.TrimRight(line, " \n")...)
		b = append(b, '\n')
	}
	for _, f := range r.Failures {
		b = fmt.Appendf(b, "failed      %s\n", f)
	}
	return b
}

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
		if i == 0 {
			text = "1"
		} else if text != "–" {
			any = true
		}
		row = append(row, text)
	}
	return row, any
}

// page is the report of a contest.
func (r *compareReport) page() *report.Page {
	p := &report.Page{
		Title: fmt.Sprintf("%s side by side", strings.Join(r.Names, ", ")), Mark: report.Good,
		Verdict: "All servers held their players.",
	}
	if len(r.Failures) > 0 {
		p.Verdict, p.Mark = fmt.Sprintf("Failed: %s.", r.Failures[0]), report.Bad
	}
	if r.Interrupted {
		p.Verdict, p.Mark = pageInterrupted+" "+p.Verdict, report.Plain
	}
	p.Headline = r.headline()
	p.Sections = []report.Section{r.plots(), {Title: "Figures", Text: "The median of the rounds, and the interval that it lies in.", Table: r.table()}}
	if len(r.Names) > 1 {
		p.Sections = append(p.Sections, report.Section{
			Title: "Ratios", Table: r.ratioTable(),
			Text: fmt.Sprintf("The figure of %s by that of each other, within a round: the median and its interval.", r.first()),
		})
	}
	if len(r.Failures) > 0 {
		t := &report.Table{Head: []string{"what failed"}}
		for _, f := range r.Failures {
			t.Rows = append(t.Rows, []report.Cell{{Text: f, Mark: report.Bad}})
		}
		p.Sections = append(p.Sections, report.Section{Title: "Failures", Table: t})
	}
	facts := []report.Fact{{Name: "contest", Value: r.Settings.String()}}
	for _, name := range r.Names {
		if v := r.Versions[name]; v != "" {
			facts = append(facts, report.Fact{Name: name, Value: v})
		}
	}
	p.Facts = r.facts(facts)
	return p
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

func (r *compareReport) table() *report.Table {
	return r.tableOf(func(c *contest.Shown) ([]string, bool) { return r.row(c) })
}

func (r *compareReport) ratioTable() *report.Table {
	return r.tableOf(func(c *contest.Shown) ([]string, bool) { return r.ratios(c) })
}

// tableOf is a table of one row for each figure that has one.
func (r *compareReport) tableOf(of func(*contest.Shown) ([]string, bool)) *report.Table {
	t := &report.Table{Head: append([]string{"figure", "unit"}, r.Names...)}
	for _, c := range contest.Columns() {
		row, any := of(&c)
		if !any {
			continue
		}
		cells := []report.Cell{{Text: c.Name}, {Text: c.Unit}}
		for i, text := range row {
			cell := report.Cell{Text: text, Number: true}
			bad := c.Figure == contest.Lost || c.Figure == contest.Broken
			if values := r.Values(r.Names[i], c.Figure); bad && len(values) > 0 && maxOf(values) > 0 {
				cell.Mark = report.Bad
			}
			cells = append(cells, cell)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// maxOf is the greatest of values, of which there is one at least.
func maxOf(values []float64) float64 {
	most := math.Inf(-1)
	for _, v := range values {
		most = max(most, v)
	}
	return most
}
