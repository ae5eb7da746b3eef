package result

import (
	"fmt"
	"strconv"

	"streampump/bench/report"
)

// What is said of a result that ended early, in text and on a page.
const (
	interrupted     = "interrupted; this is what was measured so far"
	pageInterrupted = "Interrupted; this is what was measured so far."
)

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

// segmentFact is how large segments were, where it was asked for.
func segmentFact(n int) report.Fact {
	return report.Fact{Name: "segments", Value: fmt.Sprintf("of at most %d bytes", n)}
}

// numbers is a table of names with a number each.
func numbers(rows ...[]report.Cell) *report.Table {
	return &report.Table{Head: make([]string, 2), Rows: rows}
}

func row[N int | int64](name string, n N) []report.Cell {
	return []report.Cell{{Text: name}, number(strconv.FormatInt(int64(n), 10))}
}

func number(text string) report.Cell { return report.Cell{Text: text, Number: true} }

func decimal(v float64, decimals int) string { return strconv.FormatFloat(v, 'f', decimals, 64) }

func seconds(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) + " s" }
