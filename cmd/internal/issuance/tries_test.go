package issuance

import (
	"os"
	"strings"
	"testing"
	"time"

	"streampump/cmd/internal/issuance/testca"
)

// Two failures in an hour are all that a CA sees, however often the pump is started.
func TestFailuresAreCountedAcrossStarts(t *testing.T) {
	folder := t.TempDir()
	authority := testca.New(t)
	for i := range 3 {
		s := newSite(t, authority, folder, nil)
		if i == 0 {
			authority.Examine(t, closed(t), closed(t))
		}
		if i < mostTries {
			s.run()
			s.failed()
			continue
		}
		const want = "the CA is not asked again before "
		if got := next(t, s, s.told); !strings.Contains(got, want) || !strings.Contains(s.said(), want) {
			t.Errorf("%q; the log: %s", got, s.said())
		}
		if wait := time.Until(s.agent.names[0].due); wait < 50*time.Minute || wait > triesIn {
			t.Errorf("the next try is due in %v", wait)
		}
	}
	if authority.Orders() != 2*mostTries {
		t.Errorf("%d orders", authority.Orders())
	}
}

func TestNextTry(t *testing.T) {
	dir := t.TempDir()
	now := time.Now().UTC().Truncate(time.Second)
	ago := func(d time.Duration) string { return now.Add(-d).Format(time.RFC3339) }
	for text, want := range map[string]time.Duration{
		"":                             0,
		ago(time.Minute):               0,
		"no time\n" + ago(time.Minute): 0,
		ago(40*time.Minute) + "\n" + ago(time.Minute):                           20 * time.Minute,
		ago(2*time.Hour) + "\n" + ago(time.Minute):                              0,
		ago(-2*time.Hour) + "\n" + ago(-2*time.Hour):                            0, // the clock was ahead
		ago(2*time.Hour) + "\n" + ago(50*time.Minute) + "\n" + ago(time.Minute): 10 * time.Minute,
	} {
		if err := os.WriteFile(failedFile(dir, "a.example"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		at := nextTry(dir, "a.example")
		if want == 0 && !at.IsZero() || want != 0 && !at.Equal(now.Add(want)) {
			t.Errorf("%q: %v, want %v", text, at, want)
		}
	}
}
