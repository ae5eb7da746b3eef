package clock

import (
	"testing"
	"time"
)

// The time of the calendar goes on with the clock, from where it was at the start.
func TestTimeOfTheCalendar(t *testing.T) {
	before := time.Now().Round(0)
	c := New()
	at := c.Time(0)
	if at.Before(before) || at.After(time.Now().Round(0)) {
		t.Errorf("a clock made at %v began at %v", before, at)
	}
	if got := c.Time(int64(90 * time.Minute)).Sub(at); got != 90*time.Minute {
		t.Errorf("90 minutes later is %v later", got)
	}
}
