package result

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"streampump/bench/affinity"
	"streampump/bench/contest"
)

// Contest is what came of servers side by side.
type Contest struct {
	About
	Settings ContestSettings   `json:"settings"`
	Versions map[string]string `json:"versions"` // of each server
	*contest.Table
	Failures []string `json:"failures,omitempty"`
}

// ContestSettings are how it was measured.
type ContestSettings struct {
	Players int `json:"players"`
	// Protocol is what the players speak; empty is MMSH, and HTTP with servers of that.
	Protocol string `json:"protocol,omitempty"`
	Stream
	HeadStart   float64 `json:"head_start_seconds,omitempty"`
	Ramp        float64 `json:"ramp_seconds"`
	Duration    float64 `json:"duration_seconds"`
	Stall       string  `json:"stall,omitempty"`
	Throttle    string  `json:"throttle,omitempty"`
	Segment     int     `json:"segment,omitempty"`
	TLS         bool    `json:"tls,omitempty"`
	Rounds      int     `json:"rounds"`
	ServerCores []int   `json:"server_cores"`
	LoadCores   []int   `json:"load_cores"`
}

// String is the settings in a line.
func (s *ContestSettings) String() string {
	rounds := "rounds"
	if s.Rounds == 1 {
		rounds = "round"
	}
	text := fmt.Sprintf("%d players, %s, %d %s of %g s; servers on core %s, load on %s",
		s.Players, s.Stream.String(), s.Rounds, rounds, s.Duration, affinity.Text(s.ServerCores), affinity.Text(s.LoadCores))
	if s.HeadStart > 0 {
		text += fmt.Sprintf("; %g s after the stream began", s.HeadStart)
	}
	if s.Stall != "" {
		text += "; stalled: " + s.Stall
	}
	if s.Throttle != "" {
		text += "; throttled: " + s.Throttle
	}
	if s.Protocol != "" {
		text += "; over " + strings.ToUpper(s.Protocol)
	}
	if s.TLS {
		text += "; over TLS"
	}
	if s.Segment > 0 {
		text += fmt.Sprintf("; segments of %d bytes", s.Segment)
	}
	return text
}

// first is whom the others are compared to: the pump, if it took part.
func (r *Contest) first() string { return r.Names[0] }

// Text is the result as text for people.
func (r *Contest) Text() (b []byte) {
	if r.Interrupted {
		b = append(b, interrupted+"\n"...)
	}
	b = fmt.Appendf(b, "%s\n", r.Settings.String())
	for _, name := range r.Names {
		if v := r.identity(name); v != "" {
			b = fmt.Appendf(b, "%s: %s\n", name, v)
		}
	}
	b = append(b, '\n')
	if r.Measured() {
		b = r.appendTable(b)
	} else {
		b = append(b, "nothing was measured\n"...)
	}
	for _, n := range r.notes() {
		b = fmt.Appendf(b, "note        %s\n", n)
	}
	for _, f := range r.Failures {
		b = fmt.Appendf(b, "failed      %s\n", f)
	}
	return b
}

// identity is what is known of a server: its version, and what TLS it spoke.
func (r *Contest) identity(name string) string {
	spoken := map[string]bool{}
	for _, o := range r.Runs[name] {
		if o != nil && o.Result != nil {
			for tls := range o.Result.TLS {
				spoken[tls] = true
			}
		}
	}
	all := slices.Sorted(maps.Keys(spoken))
	if v := r.Versions[name]; v != "" {
		all = slices.Insert(all, 0, v)
	}
	return strings.Join(all, "; ")
}

// oneRound is said of a contest that was not repeated.
const oneRound = "one round has no spread: how far its figures and ratios can be trusted, more --rounds tell"

// notes are what is to be known beside the figures.
func (r *Contest) notes() []string {
	notes := r.Notes()
	if r.Rounds == 1 && r.Measured() {
		notes = append(notes, oneRound)
	}
	return notes
}

// appendTable appends the figures and the ratios, in columns.
func (r *Contest) appendTable(b []byte) []byte {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\t%s\n", strings.Join(r.Names, "\t"))
	write := func(lines []line) {
		for _, l := range lines {
			fmt.Fprintf(w, "%s\t%s\n", l.name, strings.Join(l.cells, "\t"))
		}
	}
	write(r.figures())
	if ratios := r.ratios(); len(ratios) > 0 {
		fmt.Fprintf(w, "\n%s/…\t%s\n", r.first(), strings.Join(r.Names, "\t"))
		write(ratios)
	}
	_ = w.Flush() // to memory
	for line := range strings.Lines(out.String()) {
		b = append(b, strings.TrimRight(line, " \n")...)
		b = append(b, '\n')
	}
	return append(b, '\n')
}

// line is one figure, or a ratio of it, of each server in their order. "–" stands
// for one that was not measured.
type line struct {
	name   string
	figure contest.Figure
	cells  []string
}

// figures are those that a server has, with their units.
func (r *Contest) figures() (lines []line) {
	for _, c := range contest.Columns() {
		l, measured := line{name: strings.TrimSuffix(c.Name+", "+c.Unit, ", "), figure: c.Figure}, false
		for _, name := range r.Names {
			values := r.Values(name, c.Figure)
			measured = measured || len(values) > 0
			l.cells = append(l.cells, c.Spread(values))
		}
		if measured {
			lines = append(lines, l)
		}
	}
	return lines
}

// ratios are the first server's figures by those of each, where there is one of
// another.
func (r *Contest) ratios() (lines []line) {
	for _, c := range contest.Columns() {
		if !c.Ratio {
			continue
		}
		l, compared := line{name: c.Name, figure: c.Figure}, false
		for i, name := range r.Names {
			text := r.RatioText(r.first(), name, c.Figure)
			switch {
			case text == "–":
			case i == 0:
				text = "1"
			default:
				compared = true
			}
			l.cells = append(l.cells, text)
		}
		if compared {
			lines = append(lines, l)
		}
	}
	return lines
}
