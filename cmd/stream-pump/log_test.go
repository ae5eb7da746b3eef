package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"streampump/config"
)

// Durations are told in seconds where programs read the log, and with their unit
// where people do.
func TestDurationsInTheLog(t *testing.T) {
	for _, c := range []struct {
		json bool
		want string
	}{{false, "in=1.5s\n"}, {true, `"in":1.5}` + "\n"}} {
		var out bytes.Buffer
		log := env{stderr: &out}.openLog(config.Log{Level: slog.LevelInfo, JSON: c.json})
		log.Info("again", "in", 1500*time.Millisecond)
		log.Close(logTime)
		if !strings.HasSuffix(out.String(), c.want) {
			t.Errorf("%q does not end with %q", out.String(), c.want)
		}
	}
}
