package result

import (
	"strings"
	"testing"

	"streampump/bench/floor"
)

func TestPageOfAnInterruptedFloor(t *testing.T) {
	r := Floor{Interrupted: true, Viewers: 9, Coalesce: 8, Result: &floor.Result{Seconds: 2, Calls: 3, SecondsByGB: 0.6125, SealByGB: 0.25}}
	want := `<p class="verdict">` + pageInterrupted + " Sending costs at least 0.613 CPU-s per GB here; what a server pays above it is its own.</p>"
	if got := shown(t, r.Page()); !strings.Contains(got, want) || !strings.Contains(got, "0.250") || !strings.HasPrefix(string(r.Text()), interrupted+"\n9 viewers") {
		t.Errorf("the page lacks %q:\n%s", want, got)
	}
	if text := string(r.Text()); !strings.HasSuffix(text, "\nAES-GCM     0.250 s a GB alone\n") {
		t.Errorf("%s", text)
	}
}
