//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// judge wants the healthy viewers to have missed nothing, the pump to be alive and
// within the scene's bounds, and each row to have gone as it must.
func (g *staged) judge(t *testing.T) {
	t.Helper()
	o := g.o
	if len(o.Problems) > 0 || o.Counts.Held != healthyViewers || o.Delay == nil || o.Verified == nil || o.Server == nil {
		t.Fatalf("the healthy viewers: %+v, problems %q, notes %q\n%s", o.Counts, o.Problems, o.Notes, g.p.tail())
	}
	if v := o.Verified; v.Gaps != 0 || v.Broken != 0 || v.Foreign || v.Objects == 0 {
		t.Errorf("the healthy viewers missed something: %+v", v)
	}
	for _, h := range slices.Concat(g.apart, g.crowds) {
		h.judge(t)
	}
	if g.grown > g.memory {
		t.Errorf("the pump grew by %d bytes, %d may be", g.grown, g.memory)
	}
	if n := max(o.Server.Descriptors, g.p.descriptors()); n > g.open {
		t.Errorf("the pump has %d descriptors open, %d may be", n, g.open)
	}
	if log := g.p.Log(); strings.Contains(log, "panic:") || strings.Contains(log, "fatal error:") {
		t.Errorf("the pump panicked:\n%s", g.p.tail())
	}
	boundedLog(t, g.p.Log(), time.Minute)
	for _, err := range g.asked {
		t.Error(err)
	}
	for i := range g.rows {
		g.judgeRow(t, &g.rows[i])
		if g.rows[i].after != nil {
			g.rows[i].after(t, g.p)
		}
	}
}

// judgeRow wants a row to have gone as it must.
func (g *staged) judgeRow(t *testing.T, row *attackRow) {
	t.Helper()
	did := g.dids[row.name]
	for _, wrong := range did.Wrong {
		t.Errorf("%s: %s", row.name, wrong)
	}
	if n := g.shapesOf(row); len(did.Right) < n {
		t.Errorf("%s: %d of %d shapes were answered as they must be", row.name, len(did.Right), n)
	}
	for _, status := range row.answers {
		if did.Answers[status] == 0 {
			t.Errorf("%s: nobody was answered %s, but %v", row.name, status, did.Answers)
		}
	}
	for _, reason := range row.closes {
		if g.closes[reason] == 0 {
			t.Errorf("%s: nothing was closed for the reason %s, but %v", row.name, reason, g.closes)
		}
	}
	if row.problem == "" {
		return
	}
	if _, err := g.failure(row); err != nil {
		t.Error(err)
	}
	const attempts = 500 // with a tenth of a second between two, and some requests for each
	if n := g.sources[row.name].Opened(); n > attempts {
		t.Errorf("%s: the pump came %d times", row.name, n)
	}
}

// failure is what the log says of a source.
func (g *staged) failure(row *attackRow) (string, error) {
	for line := range strings.Lines(g.p.Log()) {
		_, why, told := strings.Cut(line, " why=\"")
		if told && strings.Contains(line, "stream="+row.name+" ") && strings.Contains(why, row.problem) {
			why, _, _ = strings.Cut(strings.ReplaceAll(why, `\"`, "'"), `"`)
			why, _, _ = strings.Cut(why, " (")
			return why, nil
		}
	}
	return "", fmt.Errorf("%s: no line of the log says %q; the stream's problem is %q", row.name, row.problem, streamOf(g.p.status(), row.name).Problem)
}

// shapesOf is how many shapes a row has.
func (g *staged) shapesOf(row *attackRow) int {
	kind, err := row.attack()
	if err != nil {
		return 0 // it is a source
	}
	return kind.Shapes
}
