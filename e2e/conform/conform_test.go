package conform

import (
	"fmt"
	"slices"
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

// clearOnly are the rows that say nothing over TLS, and why.
func clearOnly() map[string]string {
	return map[string]string{
		"RolloverPlays": "players look for MMST first, and have no TLS then",
	}
}

// later are the items that are not run yet.
func later() map[int]string { return nil }

// playerRows are the names of the rows that `make e2e` adds ([playerRuns]).
func playerRows() []row {
	return []row{
		{65, "RolloverPlays", "VLC and MPlayer open mms://host:port/path and play", "VLC, MPlayer", steady, nil},
		{67, "Players", "ffmpeg, VLC and MPlayer decode 100 frames and more without a complaint, joining anywhere", "ffmpeg, VLC, MPlayer", steady, nil},
		{68, "PlayersLate", "the same where the source's clock begins at 4,000,000,000 ms", "[ASF] 5.2.2", steady, nil},
		{0, "FFmpegPushes", "ffmpeg -f asf pushes to an http:// address, the players play it, and its end is the stream's", "ffmpeg", steady, nil},
		{0, "Curl", "curl takes the raw ASF body, for as long as it is asked to", "curl", steady, nil},
		{45, "FFprobe", "ffprobe reads the raw ASF body over http://", "ffmpeg", steady, nil},
	}
}

func allRows() (rows []row) {
	for _, part := range [][]row{
		describeRows(), playRows(), streamRows(), requestRows(), setupRows(), pushRows(), endRows(),
		rolloverRows(), surfaceRows(), addressRows(), limitRows(), refusalRows(), sourceRows(), accessRows(),
	} {
		rows = append(rows, part...)
	}
	for _, r := range playerRows() {
		if r.run = playerRuns()[r.name]; r.run != nil {
			rows = append(rows, r)
		}
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
	rows := slices.DeleteFunc(allRows(), func(r row) bool { return clearOnly()[r.name] != "" })
	conformance(t, transport{"over TLS", rig.Identify(t, rig.Reachable(t))}, rows)
}

func conformance(t *testing.T, over transport, rows []row) {
	pumps := startPumps(t, over, rows)
	var passed atomic.Int64
	t.Cleanup(func() { summary(&over, int(passed.Load()), len(rows)) })
	for _, r := range rows {
		t.Run(r.test(), func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("%s %s", r.title, r.section)
				} else if !t.Skipped() {
					passed.Add(1)
				}
			})
			r.run(newKit(t, pumps, &r))
		})
	}
}

// summary counts the suite, in the form that the project's test runner shows.
func summary(over *transport, passed, all int) {
	if over.secure() {
		fmt.Printf("conformance over TLS: %d of %d rows hold\n", passed, all)
		return
	}
	fmt.Printf("conformance: %d of %d rows hold\n", passed, all)
	for item, why := range later() {
		fmt.Printf("conformance: item %d is not among them, it %s\n", item, why)
	}
	if len(playerRuns()) == 0 {
		fmt.Printf("conformance: %d more rows need real players and are run by `make e2e`\n", len(playerRows()))
	}
}

// The list is complete, and every row says what it is about.
func TestEveryItemHasARow(t *testing.T) {
	const items = 68
	have, names := map[int]bool{}, map[string]bool{}
	for _, r := range append(allRows(), playerRows()...) {
		have[r.item] = true
		if names[r.test()] && r.run != nil {
			t.Errorf("there are two rows %s", r.test())
		}
		names[r.test()] = true
		if r.title == "" || r.section == "" || strings.ContainsAny(r.name, " /") {
			t.Errorf("row %s lacks its title or section, or its name is no test's", r.test())
		}
	}
	for item := 1; item <= items; item++ {
		if _, not := later()[item]; have[item] == not {
			t.Errorf("item %d: there is a row: %v, it is for later: %v", item, have[item], not)
		}
	}
}
