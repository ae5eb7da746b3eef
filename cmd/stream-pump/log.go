package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"streampump/cmd/internal/journal"
	"streampump/cmd/internal/logqueue"
	"streampump/config"
	"streampump/engine/notice"
)

// logTime is how long the last lines may take to be written at the end.
const logTime = time.Second

// openLog begins the program's log, in the journal or on standard error. Nobody waits
// for it. An error is that the journal is wanted and cannot be reached.
func (e env) openLog(c config.Log) (*logqueue.Queue, error) {
	if c.Format == config.LogJournal || c.Format == config.LogAuto && e.toJournal() {
		w, err := journal.Dial(e.journal)
		switch {
		case err == nil:
			return logqueue.New(w, func(w io.Writer) slog.Handler {
				return journal.NewHandler(w, journal.Options{Identifier: "stream-pump", Level: c.Level})
			}), nil
		case c.Format == config.LogJournal:
			return nil, fmt.Errorf(`%w; set "format" in "log" to "auto" or "text" where there is no journal`, err)
		}
		q := e.textLog(c)
		q.Warn("the log is text on standard error", "why", err)
		return q, nil
	}
	return e.textLog(c), nil
}

// toJournal reports whether standard error leads to the journal.
func (e env) toJournal() bool {
	f, ok := e.stderr.(*os.File)
	return ok && journal.Stream(os.Getenv(journal.StreamVariable), f)
}

// textLog is a log on standard error.
func (e env) textLog(c config.Log) *logqueue.Queue {
	o := &slog.HandlerOptions{Level: c.Level}
	return logqueue.New(e.stderr, func(w io.Writer) slog.Handler {
		if c.Format == config.LogJSON {
			o.ReplaceAttr = seconds
			return slog.NewJSONHandler(w, o)
		}
		return slog.NewTextHandler(w, o)
	})
}

// few gives a log that others can make speak the limits of the engine's lines about
// peers: a burst, and then one line of each kind a second.
func few(log *slog.Logger) *slog.Logger {
	began := time.Now()
	return notice.Limit(log, fewBurst, func() int64 { return int64(time.Since(began)) })
}

// fewBurst is the burst of that.
const fewBurst = 10

// seconds writes a duration as the status does; slog's own are nanoseconds in JSON.
func seconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.Float64Value(a.Value.Duration().Seconds())
	}
	return a
}
