package main

import (
	"io"
	"log/slog"
	"time"

	"streampump/cmd/internal/logqueue"
	"streampump/config"
)

// logTime is how long the last lines may take to be written at the end.
const logTime = time.Second

// openLog begins the program's log on standard error. Nobody waits for it.
func (e env) openLog(c config.Log) *logqueue.Queue {
	o := &slog.HandlerOptions{Level: c.Level}
	return logqueue.New(e.stderr, func(w io.Writer) slog.Handler {
		if c.JSON {
			o.ReplaceAttr = seconds
			return slog.NewJSONHandler(w, o)
		}
		return slog.NewTextHandler(w, o)
	})
}

// seconds writes a duration as the status does; slog's own are nanoseconds in JSON.
func seconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.Float64Value(a.Value.Duration().Seconds())
	}
	return a
}
