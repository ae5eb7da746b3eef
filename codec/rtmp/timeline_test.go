package rtmp

import (
	"testing"
	"time"
)

// step is a message of a source, and where it lies. The time of arrival is in
// milliseconds from the first one's on.
type step struct {
	k    kind
	ts   uint32
	at   int
	want int64
}

func TestTimeline(t *testing.T) {
	const v, a = videoKind, audioKind
	for _, c := range []struct {
		name  string
		lead  uint32
		steps []step
	}{
		{"from_anywhere", 0, []step{{v, 4_000_000_000, 0, 0}, {a, 4_000_000_010, 0, 10}, {v, 4_000_000_040, 40, 40}}},
		{"sound_before_pictures", 0, []step{{a, 1000, 0, 0}, {a, 1023, 20, 23}, {v, 960, 20, 0}, {v, 1040, 60, 40}}},
		{"a_lead", 40, []step{{a, 1000, 0, 40}, {v, 960, 0, 0}}},
		{"wraps", 0, []step{{v, 1<<32 - 20, 0, 0}, {a, 1<<32 - 10, 0, 10}, {v, 20, 40, 40}, {a, 1<<32 - 1, 40, 19}, {a, 33, 60, 53}}},
		{"crosses_half", 0, []step{{v, 1<<31 - 20, 0, 0}, {v, 1<<31 + 20, 40, 40}}},
		{"back_a_little", 0, []step{{v, 1000, 0, 0}, {v, 1100, 100, 100}, {v, 900, 140, 100}, {v, 1060, 160, 100}, {v, 1140, 180, 140}}},
		{"back_to_0", 0, []step{{v, 50_000, 0, 0}, {a, 50_000, 0, 0}, {v, 50_040, 40, 40}, {v, 0, 80, 80}, {a, 10, 90, 90}, {v, 40, 120, 120}}},
		{"an_hour_ahead", 0, []step{{v, 0, 0, 0}, {v, 40, 40, 40}, {v, 3_600_080, 80, 80}, {a, 3_600_090, 90, 90}}},
		{"ahead_and_back", 0, []step{{v, 0, 0, 0}, {a, 0, 0, 0}, {v, 3_600_000, 40, 40}, {a, 40, 40, 41}, {v, 3_600_040, 80, 80}, {a, 3_600_080, 80, 120}}},
		{"a_pause_in_its_own_time", 0, []step{{v, 0, 0, 0}, {v, 15_000, 15_100, 15_000}}},
		{"a_pause_of_less", 0, []step{{v, 0, 0, 0}, {v, 15_000, 1000, 1000}}},
		{"clocks_that_differ", 0, []step{{v, 0, 0, 0}, {a, 3_600_000, 0, 1}, {v, 40, 40, 41}, {a, 3_600_040, 40, 42}, {v, 80, 80, 81}, {a, 3_600_080, 80, 82}}},
		{"sound_seconds_behind", 0, []step{{v, 8000, 0, 0}, {a, 0, 0, 1}, {v, 8040, 40, 8041}, {a, 40, 40, 41}, {v, 8080, 80, 8081}, {a, 80, 80, 81}}},
		{"little_by_little", 0, []step{{v, 0, 0, 0}, {v, 9000, 10, 9000}, {v, 18_000, 20, 18_000}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newTimeline(c.lead)
			for i, s := range c.steps {
				if got, _ := l.place(s.k, s.ts, time.Duration(s.at)*time.Millisecond); got != s.want {
					t.Errorf("message %d lies at %d, want %d", i, got, s.want)
				}
			}
		})
	}
}

// What another source sends lies as far behind as time has passed, whatever it says, and
// at its own time if that is where it belongs.
func TestTimelineResumes(t *testing.T) {
	for _, c := range []struct {
		name  string
		ts    uint32
		at    int
		burst int // the first second came so many milliseconds early
		want  int64
	}{
		{"from_0", 0, 6000, 0, 6000},
		{"far_ahead", 3_000_000_000, 6000, 0, 6000},
		{"in_its_own_time", 6100, 6000, 0, 6100},
		{"behind", 500, 6000, 0, 6000},
		{"at_once", 0, 1000, 0, 1001},
		{"ahead_of_its_time", 0, 6000, 900, 6000},
	} {
		l := newTimeline(0)
		l.place(videoKind, 0, 0)
		l.place(videoKind, 1000, time.Duration(1000-c.burst)*time.Millisecond)
		l.spliced = true
		got, jump := l.place(videoKind, c.ts, time.Duration(c.at)*time.Millisecond)
		if got != c.want || jump != 0 {
			t.Errorf("%s: %d, %d", c.name, got, jump)
		}
	}
}

// A clock that is too slow or too fast changes nothing in how far a gap is.
func TestTimelineDrift(t *testing.T) {
	for _, speed := range []float64{0.9, 0.999, 1, 1.001, 1.1} {
		l := newTimeline(0)
		at := time.Duration(0)
		for i := range 100_000 {
			at = time.Duration(i) * 40 * time.Millisecond
			l.place(videoKind, uint32(float64(i)*40*speed), at)
		}
		top := l.top
		l.spliced = true
		got, _ := l.place(videoKind, 5, at+10*time.Second)
		if gap := got - top; gap < 10_000-maxAhead-40 || gap > 10_000 {
			t.Errorf("at speed %v, ten seconds are %d ms", speed, gap)
		}
	}
}

// All that was held comes at once; what came first is where the clock begins.
func TestTimelineOfAHold(t *testing.T) {
	l := newTimeline(0)
	for i := range uint32(50) {
		l.place(videoKind, i*40, 0)
	}
	l.spliced = true
	if got, _ := l.place(videoKind, 7, 5*time.Second); got != 6960 {
		t.Errorf("behind 1960 and five seconds lies %d", got)
	}
}
