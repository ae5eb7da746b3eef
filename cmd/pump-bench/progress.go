package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"streampump/bench/load"
	"streampump/cmd/internal/cli"
)

// plainEvery is how often a run tells how far it is where there is no terminal.
const plainEvery = 10 * time.Second

// progress shows how far a run of players is: as a bar on a terminal, or as
// plain lines.
type progress struct {
	out      io.Writer
	duration time.Duration
	bar      *progressbar.ProgressBar // nil where there is no terminal
	told     time.Duration
}

func (e env) newProgress(o *load.Options) *progress {
	p := &progress{out: e.stderr, duration: o.Duration}
	if cli.IsTerminal(e.stderr) {
		p.bar = progressbar.NewOptions64(int64(o.Duration/time.Millisecond),
			progressbar.OptionSetWriter(e.stderr), progressbar.OptionSetDescription("joining"),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
	}
	return p
}

// tell shows a step. Nothing can be done about a terminal that fails.
func (p *progress) tell(now load.Progress) {
	if p.bar != nil {
		if now.Measuring > 0 {
			p.bar.Describe(fmt.Sprintf("%d players, %d lost", now.Counts.Held, now.Counts.Lost))
		} else {
			p.bar.Describe(fmt.Sprintf("joining: %d players, %d lost", now.Counts.Held, now.Counts.Lost))
		}
		_ = p.bar.Set64(int64(min(now.Measuring, p.duration) / time.Millisecond))
		return
	}
	if now.Elapsed-p.told < plainEvery {
		return
	}
	p.told = now.Elapsed
	fmt.Fprintf(p.out, "after %.0f s: %d players, %d lost, %d bytes; measured %.0f s of %.0f s\n", now.Elapsed.Seconds(),
		now.Counts.Held, now.Counts.Lost, now.Bytes, now.Measuring.Seconds(), p.duration.Seconds())
}

// done takes the bar away.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
