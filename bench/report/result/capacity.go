package result

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"text/tabwriter"

	"streampump/bench/affinity"
	"streampump/bench/climb"
)

// Capacity is what came of a climb.
type Capacity struct {
	About
	Settings CapacitySettings `json:"settings"`
	Room     climb.Room       `json:"room"`
	*climb.Climb
	Doctor *climb.Accuracy `json:"doctor,omitempty"`
}

// CapacitySettings are how it was climbed.
type CapacitySettings struct {
	URL       string  `json:"url,omitempty"`
	Protocol  string  `json:"protocol,omitempty"`
	TLS       bool    `json:"tls,omitempty"`
	PID       int     `json:"pid,omitempty"`
	Verify    int     `json:"verify"`
	Stream    *Stream `json:"stream,omitempty"` // of the pump that is started here
	From      int     `json:"from"`
	Most      int     `json:"most"`
	Precision float64 `json:"precision_per_cent"`
	Delay     float64 `json:"delay_ms"`
	Step      float64 `json:"step_seconds"`
	Joins     float64 `json:"joins_per_second"`
}

// what is what was loaded, in a few words.
func (s *CapacitySettings) what() string {
	what := s.URL
	if s.Stream != nil {
		what = "Stream Pump with " + s.Stream.String()
	}
	if s.TLS {
		what += ", over TLS"
	}
	return what
}

// bounds is how it was climbed.
func (s *CapacitySettings) bounds() string {
	return fmt.Sprintf("from %d to at most %d players, to within %g %%, steps of %g s, %g joins a second; p99 of the added delay up to %g ms",
		s.From, s.Most, s.Precision, s.Step, s.Joins, s.Delay)
}

// verdict is the answer in a sentence.
func (r *Capacity) verdict() string {
	v := &r.Verdict
	switch {
	case v.Players == 0 && v.Failed == 0:
		return "no step was finished"
	case v.Players == 0:
		return fmt.Sprintf("not even %s could be carried; what gave out: %s", PlayersText(v.Failed), v.Reason)
	case v.AtLeast:
		return fmt.Sprintf("%s or more; what gave out first: %s", PlayersText(v.Players), v.Reason)
	}
	return fmt.Sprintf("%s; what gave out first: %s", PlayersText(v.Players), v.Reason)
}

// PlayersText is how many players.
func PlayersText(n int) string {
	if n == 1 {
		return "1 player"
	}
	return fmt.Sprintf("%d players", n)
}

// Text is the result as text for people.
func (r *Capacity) Text() (b []byte) {
	if r.Interrupted {
		b = append(b, interrupted+"\n"...)
	}
	b = fmt.Appendf(b, "%s\n%s: %s\n", r.verdict(), r.Verdict.Seen, r.Verdict.Sentence)
	if r.Doctor != nil {
		b = fmt.Appendf(b, "%s\n", r.Doctor)
	}
	b = fmt.Appendf(b, "\n%s; server on core %s, %s\n\n", r.Settings.what(), coresText(r.Room.Cores), r.Settings.bounds())
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, c := range stepColumns() {
		fmt.Fprintf(w, "%s\t", c.name)
	}
	fmt.Fprintln(w)
	for _, s := range r.Steps {
		for _, c := range stepColumns() {
			fmt.Fprintf(w, "%s\t", c.text(s))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // to memory
	b = append(b, out.Bytes()...)
	for _, s := range r.Steps {
		for _, why := range s.Why {
			b = fmt.Appendf(b, "failed      %s: %s\n", PlayersText(s.Players), why)
		}
	}
	for _, n := range r.notes() {
		b = fmt.Appendf(b, "note        %s\n", n)
	}
	return b
}

// coresText is where the server runs.
func coresText(cores []int) string {
	if len(cores) == 0 {
		return "unknown"
	}
	return affinity.Text(cores)
}

// notes are what could not be seen, each once.
func (r *Capacity) notes() (all []string) {
	add := func(s string) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	if r.Ended != "" {
		add("the climb ended early: " + r.Ended)
	}
	if r.Settings.URL != "" && r.Settings.PID == 0 {
		add("nothing of the server's process was seen: --pid names it, if it runs on this machine")
	}
	for _, s := range r.Steps {
		for _, n := range s.Result.Notes {
			add(n)
		}
	}
	return all
}

// stepColumn is a figure of a step; ok is false where it was not measured.
type stepColumn struct {
	name     string
	decimals int
	value    func(*climb.Step) (v float64, ok bool)
}

// stepColumns are the figures that are shown of each step.
func stepColumns() []stepColumn {
	return []stepColumn{
		{"players", 0, func(s *climb.Step) (float64, bool) { return float64(s.Players), true }},
		{"held", 0, func(s *climb.Step) (float64, bool) { return float64(s.Result.Counts.Held), true }},
		{"delay p50 ms", 1, delayP50},
		{"p99 ms", 1, delayP99},
		{"server cores", 3, serverCores},
		{"millionths per viewer", 0, func(s *climb.Step) (float64, bool) { return scaled(s.CPUPerViewer, 1e6) }},
		{"kB per viewer", 2, func(s *climb.Step) (float64, bool) { return scaled(s.MemoryPerViewer, 1e-3) }},
		{"load cores", 3, loadCores},
		{"Mbit/s", 0, func(s *climb.Step) (float64, bool) {
			if s.Result.Measured == nil {
				return 0, false
			}
			return s.Result.Measured.BitRate / 1e6, true
		}},
	}
}

func delayP50(s *climb.Step) (float64, bool) {
	if s.Result.Delay == nil {
		return 0, false
	}
	return s.Result.Delay.P50, true
}

func delayP99(s *climb.Step) (float64, bool) {
	if s.Result.Delay == nil {
		return 0, false
	}
	return s.Result.Delay.P99, true
}

func serverCores(s *climb.Step) (float64, bool) {
	if s.Result.Server == nil {
		return 0, false
	}
	return s.Result.Server.CPU.Cores, true
}

func loadCores(s *climb.Step) (float64, bool) {
	if s.Result.Measured == nil {
		return 0, false
	}
	return s.Result.Measured.Generator.Cores, true
}

func scaled(v *float64, unit float64) (float64, bool) {
	if v == nil {
		return 0, false
	}
	return *v * unit, true
}

// text is the figure as it is shown; "–" stands for none.
func (c *stepColumn) text(s *climb.Step) string {
	v, ok := c.value(s)
	if !ok {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', c.decimals, 64)
}
