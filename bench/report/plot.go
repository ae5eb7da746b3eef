package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// plotJSON is a plot as page.js takes it.
type plotJSON struct {
	Group  int // plots of one group move together
	X      string
	Log    bool
	Points bool
	Series []seriesJSON
	Events []Event
}

type seriesJSON struct {
	Name      string
	X, Y      numbers
	Low, High numbers `json:",omitempty"`
}

// numbers are JSON numbers; those that JSON does not have are null.
type numbers []float64

// digits is how many digits of a number a page carries: more than anybody can
// measure.
const digits = 7

// MarshalJSON implements [json.Marshaler].
func (n numbers) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, v := range n {
		if i > 0 {
			b = append(b, ',')
		}
		if !finite(v) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, v, 'g', digits, 64)
	}
	return append(b, ']'), nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// check refuses what cannot be drawn.
func (p *Plot) check() error {
	for _, s := range p.Series {
		switch {
		case len(s.X) != len(s.Y):
			return fmt.Errorf("series %q has %d values for %d places", s.Name, len(s.Y), len(s.X))
		case len(s.Low) != len(s.High), len(s.Low) > 0 && len(s.Low) != len(s.Y):
			return fmt.Errorf("series %q has %d values, and a band of %d to %d", s.Name, len(s.Y), len(s.Low), len(s.High))
		}
		for i, x := range s.X {
			if !finite(x) || i > 0 && x <= s.X[i-1] {
				return fmt.Errorf("series %q: the place %v does not come after the one before", s.Name, x)
			}
		}
	}
	for _, e := range p.Events {
		if !finite(e.At) {
			return fmt.Errorf("the event %q is nowhere", e.Name)
		}
	}
	return nil
}

// shown reports whether a value has a place in the plot.
func (p *Plot) shown(v float64) bool { return finite(v) && (!p.Log || v > 0) }

// empty reports whether there is nothing to draw.
func (p *Plot) empty() bool {
	return !slices.ContainsFunc(p.Series, func(s Series) bool { return slices.ContainsFunc(s.Y, p.shown) })
}

// json is the plot for page.js.
func (p *Plot) json(group int) plotJSON {
	j := plotJSON{Group: group, X: p.X, Log: p.Log, Points: p.Kind == Points, Events: p.Events}
	row := func(values []float64) numbers {
		n := numbers(slices.Clone(values))
		for i, v := range n {
			if !p.shown(v) {
				n[i] = math.NaN()
			}
		}
		return n
	}
	for _, s := range p.Series {
		j.Series = append(j.Series, seriesJSON{Name: s.Name, X: s.X, Y: row(s.Y), Low: row(s.Low), High: row(s.High)})
	}
	return j
}

// numbers is what the plot shows as a table, a row for each place.
func (p *Plot) numbers() *Table {
	t := &Table{Head: []string{p.X}}
	rows := map[float64][]Cell{}
	for i, s := range p.Series {
		t.Head = append(t.Head, s.Name)
		for j, x := range s.X {
			if rows[x] == nil {
				rows[x] = make([]Cell, len(p.Series)+1)
				rows[x][0] = Cell{Text: format(x), Number: true}
			}
			rows[x][i+1] = Cell{Text: s.at(j), Number: true}
		}
	}
	places := make([]float64, 0, len(rows))
	for x := range rows {
		places = append(places, x)
	}
	slices.Sort(places)
	for _, x := range places {
		t.Rows = append(t.Rows, rows[x])
	}
	return t
}

// at is a value as text, with its band.
func (s *Series) at(i int) string {
	text := format(s.Y[i])
	if len(s.Low) > 0 && text != "" {
		text += " (" + format(s.Low[i]) + "–" + format(s.High[i]) + ")"
	}
	return text
}

// format is a number for people, empty if it is none: four digits, or all those
// before the point.
func format(v float64) string {
	const most = 6 // decimals
	switch {
	case !finite(v):
		return ""
	case v == 0:
		return "0"
	}
	decimals := 3 - int(math.Floor(math.Log10(math.Abs(v))))
	round := strconv.FormatFloat(v, 'f', min(max(decimals, 0), most), 64)
	if !strings.Contains(round, ".") {
		return round
	}
	return strings.TrimRight(strings.TrimRight(round, "0"), ".")
}
