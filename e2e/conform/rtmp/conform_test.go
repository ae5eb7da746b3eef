package rtmp

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"streampump/e2e/rig"
)

// row is one thing that the pump must do.
type row struct {
	item    int    // its number in the protocol's list; 0 is beyond the list
	name    string // without spaces; with item the name of the test and of its stream
	title   string // what is done, and what must be seen
	section string // where it is written, or who needs it
	on      setting
	run     func(k *kit)
}

// elsewhere are the items that are asked in another place, and where.
func elsewhere() map[int]string {
	return map[int]string{
		81: "needs real servers: TestRTMPPull in package e2e",
	}
}

func allRows() (rows []row) {
	for _, part := range [][]row{
		connectionRows(), chunkRows(), messageRows(), commandRows(), viewerRows(), encoderRows(), mediaRows(), codecRows(), timeRows(),
		headRows(), endRows(), slowRows(), pullRows(), accessRows(),
	} {
		rows = append(rows, part...)
	}
	return rows
}

func (r *row) test() string {
	if r.item == 0 {
		return r.name
	}
	return fmt.Sprintf("Item%02d%s", r.item, r.name)
}

func TestConformance(t *testing.T) { conformance(t, transport{}, allRows()) }

// TestConformanceTLS is the same over TLS: what works in clear works there.
func TestConformanceTLS(t *testing.T) {
	conformance(t, transport{rig.Identify(t, rig.Reachable(t))}, allRows())
}

func conformance(t *testing.T, over transport, rows []row) {
	pumps := startPumps(t, over, rows)
	var passed atomic.Int64
	t.Cleanup(func() { summary(over, int(passed.Load()), len(rows)) })
	for _, r := range rows {
		t.Run(r.test(), func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("%s (%s)", r.title, r.section)
				} else if !t.Skipped() {
					passed.Add(1)
				}
			})
			r.run(newKit(t, pumps, &r))
		})
	}
}

// summary counts the suite, in the form that the project's test runner shows.
func summary(over transport, passed, all int) {
	if over.secure() {
		fmt.Printf("conformance of RTMP over TLS: %d of %d rows hold\n", passed, all)
		return
	}
	fmt.Printf("conformance of RTMP: %d of %d rows hold\n", passed, all)
	for item, why := range elsewhere() {
		fmt.Printf("conformance of RTMP: item %d is not among them, it %s\n", item, why)
	}
}

// The list is complete, and every row says what it is about.
func TestEveryItemHasARow(t *testing.T) {
	const items = 84
	have, names := map[int]bool{}, map[string]bool{}
	for _, r := range allRows() {
		have[r.item] = true
		if names[r.test()] {
			t.Errorf("there are two rows %s", r.test())
		}
		names[r.test()] = true
		if r.title == "" || r.section == "" || strings.ContainsAny(r.name, " /") {
			t.Errorf("row %s lacks its title or section, or its name is no test's", r.test())
		}
	}
	for item := 1; item <= items; item++ {
		if _, not := elsewhere()[item]; have[item] == not {
			t.Errorf("item %d: there is a row: %v, it is asked elsewhere: %v", item, have[item], not)
		}
	}
}
