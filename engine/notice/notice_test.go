package notice

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// newLog is a log into a buffer, with debug lines.
func newLog() (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	return slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), &out
}

// wants counts parts of a log.
func wants(t *testing.T, out *bytes.Buffer, counts map[string]int) {
	t.Helper()
	text := out.String()
	for what, want := range counts {
		if n := strings.Count(text, what); n != want {
			t.Errorf("%q stands %d times, want %d", what, n, want)
		}
	}
	if t.Failed() {
		t.Log(text[:min(len(text), 4096)])
	}
}

func TestLimitedLog(t *testing.T) {
	plain, out := newLog()
	now := int64(0)
	log := Limit(plain.With("stream", "x"), 3, func() int64 { return now })
	for range 10 {
		log.Warn("again")
		log.With("k", 1).WithGroup("g").Info("again") // shares the limit
	}
	log.Info("another kind")
	log.Debug("all of these")
	now += int64(time.Second)
	log.Warn("again")
	log.Warn("again")
	now += int64(time.Hour)
	for range 5 {
		log.Warn("again")
	}
	wants(t, out, map[string]int{
		"msg=again": 7, `msg="another kind"`: 1, `msg="all of these"`: 1, "not_logged=17": 1, "not_logged=1\n": 1, "stream=x": 9,
	})
}

// A log whose messages are made of what others say has a bound as well.
func TestKindsAreBounded(t *testing.T) {
	plain, out := newLog()
	log := Limit(plain, 2, func() int64 { return 0 })
	for n := range 10 * maxKinds {
		log.Info(fmt.Sprint("kind ", n))
	}
	log.Info("kind 1")
	wants(t, out, map[string]int{"msg=": maxKinds + 2 + 1})
}

// What nothing else limits: all viewers of a large pump leave at once, and viewers come
// and go without an end.
func TestLimitAll(t *testing.T) {
	plain, out := newLog()
	now := int64(0)
	log := LimitAll(plain, func() int64 { return now })
	for range MostBurst + 500 {
		log.Info("viewer left")
	}
	wants(t, out, map[string]int{"msg=": MostBurst})
	for range 10 {
		now += int64(time.Second)
		for range 500 {
			log.Info("viewer left")
		}
	}
	wants(t, out, map[string]int{"msg=": MostBurst + 10*MostSecond, "not_logged=500": 1, "not_logged=400": 9})
}

func TestLimiterLetsOneThroughASecond(t *testing.T) {
	var m limiter
	second := int64(time.Second)
	b := &bounds{burst: 1, each: second}
	type step struct {
		at      int64
		ok      bool
		skipped int
	}
	for i, s := range []step{
		{0, true, 0}, {1, false, 0}, {second - 1, false, 0}, {second, true, 2}, {second + 1, false, 0}, {5 * second, true, 1},
	} {
		if ok, skipped := m.allow(s.at, b); ok != s.ok || skipped != s.skipped {
			t.Errorf("step %d: %v %d, want %v %d", i, ok, skipped, s.ok, s.skipped)
		}
	}
}

func TestBrief(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "short": "short", strings.Repeat("x", longest): strings.Repeat("x", longest),
		strings.Repeat("x", longest+1):             strings.Repeat("x", longest) + "…",
		"x" + strings.Repeat("ü", longest/2) + "y": "x" + strings.Repeat("ü", longest/2-1) + "…",
		strings.Repeat("\x80", 2*longest):          strings.Repeat("\x80", longest-utf8.UTFMax) + "…",
	} {
		if got := Brief(in); got != want {
			t.Errorf("%d bytes: %q", len(in), got)
		}
	}
}
