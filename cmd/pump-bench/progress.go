package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"streampump/bench/load"
	"streampump/cmd/internal/cli"
)

const (
	// plainEvery is how often a run tells how far it is where there is no
	// terminal.
	plainEvery = 10 * time.Second
	// barEvery is how often a bar moves by itself.
	barEvery = time.Second
)

// progress shows how far a run of one step or of several is: as a bar with the
// time left on a terminal, or as plain lines. It is used by one goroutine at a
// time.
type progress struct {
	out   io.Writer
	clock func() time.Time
	began time.Time
	bar   *progressbar.ProgressBar // nil where there is no terminal

	total  time.Duration // that the whole run is expected to take
	before time.Duration // of it, the steps that are over
	length time.Duration // of it, the step that is under way
	told   time.Duration // after the beginning, a multiple of plainEvery

	steps, step int    // steps is 0 where nobody knows how many there will be
	title       string // of the step
}

// newProgress is for a run that is expected to take the given time, in the given
// number of steps. A run of one step need not announce it; one whose number of steps
// nobody knows has 0, and announces each by itself.
func (e env) newProgress(total time.Duration, steps int) *progress {
	p := &progress{out: e.stderr, clock: time.Now, total: total, length: total, steps: steps}
	if cli.IsTerminal(e.stderr) {
		p.bar = progressbar.NewOptions64(max(total.Milliseconds(), 1),
			progressbar.OptionSetWriter(e.stderr), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
	}
	p.began = p.clock()
	return p
}

// next begins the next step, which is expected to take the given time. However long
// the one before took, it counts as long as expected.
func (p *progress) next(length time.Duration, title string) {
	if p.step > 0 {
		p.before += p.length
	}
	p.step++
	p.length, p.title = length, title
	of := fmt.Sprintf(" of %d", p.steps)
	if p.steps == 0 {
		// The time that is left is that of the step.
		of, p.before, p.total = "", 0, length
		if p.bar != nil {
			p.bar.ChangeMax64(max(length.Milliseconds(), 1))
		}
	}
	if p.bar == nil {
		fmt.Fprintf(p.out, "step %d%s: %s\n", p.step, of, title)
	}
	p.show(p.before, "")
}

// tell shows how much of the step is done, and what goes on.
func (p *progress) tell(done time.Duration, text string) {
	done = p.before + min(max(done, 0), p.length)
	p.show(done, text)
	after := p.clock().Sub(p.began)
	if p.bar == nil && after >= p.told+plainEvery {
		p.told = after.Truncate(plainEvery)
		fmt.Fprintf(p.out, "after %.0f s: %s\n", after.Seconds(), p.line(done, text))
	}
}

// players tells of a step that is a run of players.
func (p *progress) players(now load.Progress) {
	text := fmt.Sprintf("%d players, %d lost", now.Counts.Held, now.Counts.Lost)
	if now.Measuring == 0 {
		text = "joining: " + text
	}
	p.tell(p.length-now.Left, text)
}

// show moves the bar. Nothing can be done about a terminal that fails.
func (p *progress) show(done time.Duration, text string) {
	if p.bar == nil {
		return
	}
	p.bar.Describe(p.line(done, text))
	// A full bar would take itself away.
	_ = p.bar.Set64(min(done.Milliseconds(), p.bar.GetMax64()-1))
}

// line is where the run is, in words.
func (p *progress) line(done time.Duration, text string) string {
	line := ""
	switch {
	case p.steps > 1:
		line = fmt.Sprintf("%d/%d %s: ", p.step, p.steps, p.title)
	case p.steps == 0:
		line = p.title + ": "
	}
	if text != "" {
		line += text + ", "
	}
	return fmt.Sprintf("%s%v left", line, max(p.total-done, 0).Round(time.Second))
}

// byClock tells by itself how far a step is that ends by the clock. What it
// returns stops it, and waits for that.
func (p *progress) byClock(text string) (stop func()) {
	began := p.clock()
	end := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		tick := time.NewTicker(barEvery)
		defer tick.Stop()
		for {
			p.tell(p.clock().Sub(began), text)
			select {
			case <-tick.C:
			case <-end:
				return
			}
		}
	})
	return func() {
		close(end)
		telling.Wait()
	}
}

// done takes the bar away.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
