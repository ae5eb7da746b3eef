package result

import (
	"bytes"
	"strings"
	"testing"

	"streampump/bench/gate"
	"streampump/bench/report"
	"streampump/bench/stat"
)

// judged is a result of four rows.
func judged(strict bool) *Gate {
	row := func(name string, kind gate.Kind, bound float64, unit string) gate.Row {
		return gate.Row{Name: name, Kind: kind, Bound: bound, Unit: unit, What: "what " + name + " is"}
	}
	aimed := row("cost", gate.Ratio, 0.9, "")
	aimed.Aim = 0.75
	return &Gate{Result: &gate.Result{Strict: strict, Rounds: 5, Verdicts: []gate.Verdict{
		{Row: aimed, State: gate.Fell, Floor: 0.95, Limit: 0.95, Summary: &stat.Summary{Median: 1.2, Low: 1.1, High: 1.3}},
		{Row: row("delay", gate.Time, 100, "ms"), State: gate.Holds, Limit: 100, Summary: &stat.Summary{Median: 90, Low: 90, High: 90}},
		{Row: row("lost", gate.Count, 0, ""), State: gate.Holds, Summary: &stat.Summary{}},
		{Row: row("rival", gate.Ratio, 1, ""), State: gate.Missing},
	}}}
}

func TestGateText(t *testing.T) {
	want := `cost   1.200 (1.100–1.300)  ≤ 0.9, here 0.95, from the floor (aim 0.75)  FELL          what cost is
delay  90.000 ms            ≤ 100                                        holds         what delay is
lost   0.000                ≤ 0                                          holds         what lost is
rival  –                    ≤ 1                                          not measured  what rival is
The gate does not hold: 2 rows of its strict form fell, and servers failed 0 times.
`
	if got := string(judged(true).Text()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := string(judged(false).Text()); !strings.HasSuffix(got, "\nThe gate does not hold: 1 row of its short form fell, and servers failed 0 times.\n") {
		t.Errorf("got\n%s", got)
	}
	r := judged(false)
	r.Interrupted = true
	if got := string(r.Text()); !strings.HasSuffix(got, "was interrupted and says nothing about what it did not measure.\n") {
		t.Errorf("got\n%s", got)
	}
	r.Interrupted, r.Verdicts = false, r.Verdicts[1:3]
	if got := string(r.Text()); !strings.HasSuffix(got, "The gate holds, in its short form, with 5 rounds.\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestGateOfOneRound(t *testing.T) {
	r := judged(false)
	r.Verdicts, r.Rounds = r.Verdicts[1:3], 1
	if got := string(r.Text()); !strings.HasSuffix(got, "in its short form, with one round, which has no spread.\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestGatePage(t *testing.T) {
	r := judged(true)
	r.Failures = []string{"100 viewers: pump, round 2: it burns"}
	r.Rivals = []string{"100 viewers: cubemap, round 1: it smokes"}
	var page bytes.Buffer
	if err := report.Write(&page, r.Page()); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"The gate does not hold: 2 rows", "what rival is", "it burns", "it smokes", ">FELL<", "1.200 (1.100–1.300)"} {
		if !strings.Contains(page.String(), part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}
