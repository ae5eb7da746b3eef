package result

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"streampump/bench/load"
	"streampump/bench/report"
)

// Page is the report of a run of players. What was not measured has no place
// in it but a note.
func (r *Players) Page() *report.Page {
	verdict, mark := verdictOf(r.Result)
	p := &report.Page{
		Title:   fmt.Sprintf("%d players on %s", r.Settings.Players, r.Settings.URL),
		Verdict: verdict, Mark: mark,
		Headline: headlineOf(r.Result),
		Facts:    r.facts(r.Settings.facts()),
	}
	if len(r.Problems) > 0 {
		p.Sections = append(p.Sections, problemsOf(r.Result))
	}
	p.Sections = append(p.Sections, courseOf(r.Timeline, r.Settings.Verify > 0))
	p.Sections = append(p.Sections, tablesOf(r.Result)...)
	return p
}

// verdictOf is what came of a run, in a sentence.
func verdictOf(r *load.Result) (string, report.Mark) {
	text, mark := fmt.Sprintf("All %d players held the stream to the end.", r.Players), report.Good
	switch n := len(r.Problems); {
	case n == 1:
		text, mark = "Failed: "+r.Problems[0]+".", report.Bad
	case n > 1:
		text, mark = fmt.Sprintf("Failed: %s; and %d more, below.", r.Problems[0], n-1), report.Bad
	}
	if !r.Interrupted {
		return text, mark
	}
	if mark == report.Bad {
		return pageInterrupted + " " + text, mark
	}
	return pageInterrupted, report.Plain
}

// headlineOf is the few numbers that matter.
func headlineOf(r *load.Result) []report.Figure {
	var all []report.Figure
	if d := r.Delay; d != nil {
		all = append(all,
			report.Figure{Name: "Added delay, p50", Value: decimal(d.P50, 1), Unit: "ms", Note: fmt.Sprintf("of %d packets", d.Samples)},
			report.Figure{Name: "Added delay, p99", Value: decimal(d.P99, 1), Unit: "ms", Note: p99Note(d)})
	}
	if s := r.Server; s != nil {
		cpu := report.Figure{Name: "Server's CPU", Value: decimal(s.CPU.Cores, 3), Unit: "cores"}
		if s.CPU.PerGB != nil {
			cpu = report.Figure{Name: "Server's CPU", Value: decimal(*s.CPU.PerGB, 3), Unit: "CPU-s/GB", Note: fmt.Sprintf("%.3f cores", s.CPU.Cores)}
		}
		all = append(all, cpu, report.Figure{
			Name: "Server's memory", Value: decimal(float64(s.RSSPeak)/1e6, 1), Unit: "MB",
			Note: fmt.Sprintf("%.1f MB before the players", float64(s.RSSBefore)/1e6),
		})
	}
	held := report.Figure{
		Name: "Held to the end", Value: strconv.Itoa(r.Counts.Held), Unit: fmt.Sprintf("of %d", r.Players),
		Note: fmt.Sprintf("%d lost", r.Counts.Lost), Mark: report.Good,
	}
	if r.Counts.Held < r.Players || r.Counts.Lost > 0 {
		held.Mark = report.Bad
	}
	all = append(all, held)
	if v := r.Verified; v != nil && v.Packets > 0 {
		all = append(all, report.Figure{Name: "Gaps", Value: strconv.FormatInt(v.Gaps, 10), Note: fmt.Sprintf("verified players: %d", v.Players)})
	}
	return all
}

// p99Note is what is said beside a p99.
func p99Note(d *load.Times) string {
	note := fmt.Sprintf("%.1f ms at most", d.Max)
	if few := d.TooFew(); few == "p90" || few == "p99" {
		note += fmt.Sprintf("; %d packets are too few for it", d.Samples)
	}
	return note
}

// problemsOf says what went wrong.
func problemsOf(r *load.Result) report.Section {
	t := &report.Table{Head: []string{"problem"}}
	for _, p := range r.Problems {
		t.Rows = append(t.Rows, []report.Cell{{Text: p, Mark: report.Bad}})
	}
	if r.Verified != nil {
		for _, f := range r.Verified.Faults {
			t.Rows = append(t.Rows, []report.Cell{{Text: f}})
		}
	}
	return report.Section{Title: "What went wrong", Table: t}
}

// tablesOf are the numbers as such.
func tablesOf(r *load.Result) []report.Section {
	players := numbers(
		row("asked for", r.Players), row("began to connect, replacements included", r.Counts.Started),
		row("connected", r.Counts.Connected), row("joined", r.Counts.Joined), row("held the stream to the end", r.Counts.Held),
		row("stalled by plan", r.StalledPlayers), row("throttled by plan", r.ThrottledPlayers),
		row("replaced", r.Counts.Replaced), row("lost", r.Counts.Lost), row("still waiting at the end", r.Waiting))
	for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
		players.Rows = append(players.Rows, row("lost: "+reason, r.Reasons[reason]))
	}
	if m := r.Measured; m != nil {
		players.Rows = append(players.Rows,
			row(fmt.Sprintf("bytes received in %.1f s of measurement", m.Seconds), m.Bytes),
			[]report.Cell{{Text: "that is, in Mbit/s"}, number(decimal(m.BitRate/1e6, 1))})
	}
	if r.AllJoined != nil {
		players.Rows = append(players.Rows, []report.Cell{{Text: "all joined after, ms"}, number(decimal(*r.AllJoined, 1))})
	}
	for _, spoken := range slices.Sorted(maps.Keys(r.TLS)) {
		players.Rows = append(players.Rows, row("TLS handshakes, "+spoken, r.TLS[spoken]))
	}
	if r.JoinCPU != nil {
		players.Rows = append(players.Rows, []report.Cell{
			{Text: "the server's CPU for each join, ms"}, number(decimal(*r.JoinCPU*1e3/float64(r.Players), 3))})
	}
	all := []report.Section{{Title: "Players", Table: players}}
	if t := timesOf(r); len(t.Rows) > 0 {
		all = append(all, report.Section{Title: "Times, in ms", Table: t})
	}
	if v := r.Verified; v != nil && v.Packets > 0 {
		judged := row("media objects whose every byte was checked", v.Objects)
		if v.Damaged != nil { // over RTSP, where each packet is judged by itself
			judged = row("pictures that gaps damaged", *v.Damaged)
		}
		all = append(all, report.Section{
			Title: "Verified players", Text: "Over their whole time.",
			Table: numbers(row("players", v.Players), row("packets", v.Packets), judged,
				row("gaps", v.Gaps), row("packets missing in them", v.Missing), row("players whose stream broke a rule", v.Broken)),
		})
	}
	if t := processesOf(r); len(t.Rows) > 0 {
		all = append(all, report.Section{Title: "Processes, during the measurement", Table: t})
	}
	all = append(all, ofTheServer(r)...)
	if len(r.Notes) > 0 {
		t := &report.Table{Head: []string{"note"}}
		for _, n := range r.Notes {
			t.Rows = append(t.Rows, []report.Cell{{Text: n}})
		}
		all = append(all, report.Section{Title: "What was not measured", Table: t})
	}
	return all
}

// ofTheServer is what the kernel holds for the server, and what that counts.
func ofTheServer(r *load.Result) (all []report.Section) {
	if k := r.Stalled; k != nil {
		mb := func(name string, bytes int64) []report.Cell {
			return []report.Cell{{Text: name}, number(decimal(float64(bytes)/1e6, 3))}
		}
		all = append(all, report.Section{
			Title: "Kernel memory for stalled players", Text: "Of the server's sockets, at the end of the stall.",
			Table: numbers(row("sockets", k.Sockets), mb("each, MB", k.Mean), mb("at most, MB", k.Max)),
		})
	}
	if len(r.Counters) > 0 {
		t := numbers()
		for _, name := range slices.Sorted(maps.Keys(r.Counters)) {
			t.Rows = append(t.Rows, []report.Cell{{Text: name}, number(strconv.FormatFloat(r.Counters[name], 'f', -1, 64))})
		}
		all = append(all, report.Section{Title: "The server's counters", Text: "By how much they rose during the measurement.", Table: t})
	}
	return all
}

func timesOf(r *load.Result) *report.Table {
	t := &report.Table{Head: []string{"", "mean", "p50", "p90", "p99", "p99.9", "max", "samples"}}
	for _, of := range []struct {
		name string
		*load.Times
	}{{"added delay", r.Delay}, {"from the first connect to the first packet", r.Join}} {
		if of.Times == nil {
			continue
		}
		cells := []report.Cell{{Text: of.name}}
		for _, v := range []float64{of.Mean, of.P50, of.P90, of.P99, of.P999, of.Max} {
			cells = append(cells, number(decimal(v, 1)))
		}
		t.Rows = append(t.Rows, append(cells, number(strconv.FormatInt(of.Samples, 10)+fewText(of.Times))))
	}
	return t
}

func processesOf(r *load.Result) *report.Table {
	t := &report.Table{Head: []string{"", "CPU-s", "cores", "CPU-s/GB", "memory at the end, MB", "at most, MB", "before, MB", "descriptors"}}
	cells := func(name string, c load.CPU, more ...string) {
		perGB := ""
		if c.PerGB != nil {
			perGB = decimal(*c.PerGB, 3)
		}
		cells := []report.Cell{{Text: name}, number(decimal(c.Seconds, 3)), number(decimal(c.Cores, 3)), number(perGB)}
		for _, m := range more {
			cells = append(cells, number(m))
		}
		t.Rows = append(t.Rows, cells)
	}
	if s := r.Server; s != nil {
		cells("server", s.CPU, decimal(float64(s.RSS)/1e6, 1), decimal(float64(s.RSSPeak)/1e6, 1),
			decimal(float64(s.RSSBefore)/1e6, 1), strconv.Itoa(s.Descriptors))
	}
	if m := r.Measured; m != nil {
		cells("generator", m.Generator, "", "", "", "")
		if m.Machine != nil {
			cells("whole machine", *m.Machine, "", "", "", "")
		}
	}
	return t
}

// facts are the settings as a page tells them.
func (s *PlayersSettings) facts() []report.Fact {
	all := []report.Fact{
		{Name: "URL", Value: s.URL}, {Name: "protocol", Value: s.Protocol}, {Name: "players", Value: strconv.Itoa(s.Players)},
		{Name: "verified", Value: strconv.Itoa(s.Verify)}, {Name: "ramp", Value: seconds(s.Ramp)}, {Name: "duration", Value: seconds(s.Duration)},
		{Name: "threads", Value: strconv.Itoa(s.Threads)},
	}
	if s.Stall != "" {
		all = append(all, report.Fact{Name: "stall", Value: s.Stall})
	}
	if s.Throttle != "" {
		all = append(all, report.Fact{Name: "throttle", Value: s.Throttle})
	}
	if s.Segment > 0 {
		all = append(all, segmentFact(s.Segment))
	}
	if s.TLS {
		all = append(all, report.Fact{Name: "TLS", Value: "a whole handshake for each connection"})
	}
	if s.Describe {
		all = append(all, report.Fact{Name: "describe", Value: "first, on a connection of its own"})
	}
	if s.Churn > 0 {
		all = append(all, report.Fact{Name: "churn", Value: strconv.FormatFloat(s.Churn, 'g', -1, 64) + " players per second"})
	}
	if s.PID > 0 {
		all = append(all, report.Fact{Name: "server's process", Value: strconv.Itoa(s.PID)})
	}
	return all
}
