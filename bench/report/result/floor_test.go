package result

import (
	"strings"
	"testing"

	"streampump/bench/floor"
)

func TestPageOfAnInterruptedFloor(t *testing.T) {
	r := Floor{Interrupted: true, Viewers: 9, Coalesce: 8, Result: &floor.Result{Seconds: 2, Calls: 3, SecondsByGB: 0.6125}}
	want := `<p class="verdict">` + pageInterrupted + " Sending costs at least 0.613 CPU-s per GB here; what a server pays above it is its own.</p>"
	if got := shown(t, r.Page()); !strings.Contains(got, want) || !strings.HasPrefix(string(r.Text()), interrupted+"\n9 viewers") {
		t.Errorf("the page lacks %q:\n%s", want, got)
	}
}
