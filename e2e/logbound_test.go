//go:build e2e

package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"streampump/engine/notice"
)

// longestLine is more than any line has, whatever peers send: texts of others are cut
// before they are logged.
const longestLine = 1 << 10

// logKind is what makes a line one of a kind: its message, and whom or what it is about.
var logKind = regexp.MustCompile(` msg=("[^"]*"|\S+)| (?:reason|stream)=\S+`)

// boundedLog wants the log of a pump that has run for so long to be one that an operator
// can read: of each kind two bursts at most (two rooms of the engine may say the same),
// and then a line or two a second; a line for each viewer has more room.
func boundedLog(t *testing.T, log string, lasted time.Duration) {
	t.Helper()
	each := 2 * (notice.Burst + int(lasted/time.Second) + 1)
	kinds := map[string]int{}
	for line := range strings.Lines(log) {
		if len(line) > longestLine {
			t.Errorf("a line of %d bytes: %s…", len(line), line[:200])
		}
		if strings.Contains(line, " level=DEBUG ") { // whoever asks for these wants all
			continue
		}
		kinds[strings.Join(logKind.FindAllString(line, -1), "")]++
	}
	for kind, n := range kinds {
		most := each
		if strings.Contains(kind, "viewer left") {
			most = notice.MostBurst + notice.MostSecond*int(lasted/time.Second+1)
		}
		if n > most {
			t.Errorf("%d lines of the kind%s, %d may be", n, kind, most)
		}
	}
}
