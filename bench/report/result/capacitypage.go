package result

import (
	"math"
	"slices"
	"strconv"

	"streampump/bench/climb"
	"streampump/bench/report"
)

// ofPlayers is the X axis of what is plotted over a climb.
const ofPlayers = "players"

// Page is the report of a climb: the verdict, then the figures over the number of
// players.
func (r *Capacity) Page() *report.Page {
	v := &r.Verdict
	p := &report.Page{
		Title: "How many viewers " + r.Settings.what() + " carries", Mark: report.Good,
		Verdict: "Result: " + r.verdict() + ". " + v.Sentence,
	}
	switch {
	case v.Players == 0:
		p.Mark = report.Bad
	case r.Interrupted || r.Ended != "":
		p.Mark = report.Plain
	}
	if r.Interrupted {
		p.Verdict = pageInterrupted + " " + p.Verdict
	}
	p.Headline = r.headline()
	p.Sections = []report.Section{r.plots(), {Title: "Steps", Text: "In the order in which they were run.", Table: r.table()}}
	if t := r.failures(); len(t.Rows) > 0 {
		p.Sections = append(p.Sections, report.Section{Title: "Why steps failed", Table: t})
	}
	if notes := r.notes(); len(notes) > 0 {
		t := &report.Table{Head: []string{"note"}}
		for _, n := range notes {
			t.Rows = append(t.Rows, []report.Cell{{Text: n}})
		}
		p.Sections = append(p.Sections, report.Section{Title: "What was not measured", Table: t})
	}
	p.Facts = r.facts([]report.Fact{
		{Name: "loaded", Value: r.Settings.what()}, {Name: "climb", Value: r.Settings.bounds()},
		{Name: "server on core", Value: coresText(r.Room.Cores)}, {Name: "load on core", Value: coresText(r.Room.LoadCores)},
	})
	return p
}

// headline is the few numbers that matter.
func (r *Capacity) headline() []report.Figure {
	v := &r.Verdict
	carried := report.Figure{Name: "Carried", Value: strconv.Itoa(v.Players), Unit: "players", Note: "no bound was found"}
	if v.Failed > 0 {
		carried.Note = strconv.Itoa(v.Failed) + " were too many"
	}
	all := []report.Figure{carried, {Name: "Gave out first", Value: string(v.Reason), Note: v.Seen}}
	if d := r.Doctor; d != nil {
		all = append(all, report.Figure{Name: "Estimated", Value: strconv.Itoa(d.Estimated), Unit: "players", Note: d.String()})
	}
	return all
}

// ascending are the steps by players; of several with as many the last.
func (r *Capacity) ascending() []*climb.Step {
	by := map[int]*climb.Step{}
	for _, s := range r.Steps {
		by[s.Players] = s
	}
	var all []*climb.Step
	for _, s := range by {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *climb.Step) int { return a.Players - b.Players })
	return all
}

// plots show the figures over the number of players.
func (r *Capacity) plots() report.Section {
	steps := r.ascending()
	series := func(name string, of func(*climb.Step) (float64, bool)) report.Series {
		s := report.Series{Name: name}
		for _, step := range steps {
			v, ok := of(step)
			if !ok {
				v = math.NaN()
			}
			s.X, s.Y = append(s.X, float64(step.Players)), append(s.Y, v)
		}
		return s
	}
	plot := func(title, y string, s ...report.Series) report.Plot {
		p := report.Plot{Title: title, X: ofPlayers, Y: y, Kind: report.Points, Series: s}
		if r.Verdict.Failed > 0 {
			p.Events = []report.Event{{At: float64(r.Verdict.Failed), Name: "too many"}}
		}
		return p
	}
	delay := plot("Added delay", "ms, of verified players", series("p50", delayP50), series("p99", delayP99))
	delay.Log = true
	return report.Section{Title: "Over the number of players", Plots: []report.Plot{
		delay,
		plot("CPU per viewer", "millionths of a core",
			series("server", func(s *climb.Step) (float64, bool) { return scaled(s.CPUPerViewer, 1e6) })),
		plot("Memory per viewer", "kB, resident",
			series("server", func(s *climb.Step) (float64, bool) { return scaled(s.MemoryPerViewer, 1e-3) })),
		plot("CPU", "cores", series("server", serverCores), series("load", loadCores)),
	}}
}

// table is the steps' figures.
func (r *Capacity) table() *report.Table {
	t := &report.Table{}
	columns := stepColumns()
	for _, c := range columns {
		t.Head = append(t.Head, c.name)
	}
	t.Head = append(t.Head, "")
	for _, s := range r.Steps {
		var cells []report.Cell
		for _, c := range columns {
			cells = append(cells, number(c.text(s)))
		}
		came := report.Cell{Text: "carried", Mark: report.Good}
		if !s.Held() {
			came = report.Cell{Text: "failed: " + string(s.Reason), Mark: report.Bad}
		}
		t.Rows = append(t.Rows, append(cells, came))
	}
	return t
}

// failures say why steps failed.
func (r *Capacity) failures() *report.Table {
	t := &report.Table{Head: []string{"players", "why"}}
	for _, s := range r.Steps {
		for _, why := range s.Why {
			t.Rows = append(t.Rows, []report.Cell{number(strconv.Itoa(s.Players)), {Text: why}})
		}
	}
	return t
}
