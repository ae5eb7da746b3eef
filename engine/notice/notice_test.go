package notice

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestLimitedLog(t *testing.T) {
	var out bytes.Buffer
	now := int64(0)
	plain := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	log := Limit(plain.With("stream", "x"), 3, func() int64 { return now })
	for range 10 {
		log.Warn("again")
		log.With("k", 1).WithGroup("g").Info("and again") // shares the limit
	}
	log.Debug("all of these")
	now += int64(time.Second)
	log.Warn("after a second")
	log.Warn("and no more")
	now += int64(time.Hour)
	for range 5 {
		log.Warn("rested")
	}
	text := out.String()
	for what, want := range map[string]int{
		"again": 3, "all of these": 1, "after a second": 1, "and no more": 0, "rested": 3, "not_logged=17": 1, "not_logged=1\n": 1, "stream=x": 8,
	} {
		if n := strings.Count(text, what); n != want {
			t.Errorf("%q stands %d times, want %d", what, n, want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestLimiterLetsOneThroughASecond(t *testing.T) {
	var m limiter
	second := int64(time.Second)
	type step struct {
		at      int64
		ok      bool
		skipped int
	}
	for i, s := range []step{
		{0, true, 0}, {1, false, 0}, {second - 1, false, 0}, {second, true, 2}, {second + 1, false, 0}, {5 * second, true, 1},
	} {
		if ok, skipped := m.allow(s.at); ok != s.ok || skipped != s.skipped {
			t.Errorf("step %d: %v %d, want %v %d", i, ok, skipped, s.ok, s.skipped)
		}
	}
}
