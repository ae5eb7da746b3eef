package main

import (
	"fmt"
	"sync"
	"time"

	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/fetch"
)

// tellEvery is how often a measurement tells how far it is where there is no
// terminal.
const tellEvery = 10 * time.Second

// waiting tells on standard error how far a measurement is, until done is called:
// each second in one line on a terminal, else now and then in a line of its own.
func (e env) waiting(o fetch.Order) (done func()) {
	if !o.Kind.Measured {
		return func() {}
	}
	every, end := tellEvery, "\n"
	if cli.IsTerminal(e.stderr) {
		every, end = time.Second, "\r"
	}
	what := "measuring " + o.Kind.Name
	fmt.Fprintf(e.stderr, "%s for %d s%s", what, o.Seconds, end)
	began, over := time.Now(), make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				if s := int(now.Sub(began).Seconds()); s < o.Seconds {
					fmt.Fprintf(e.stderr, "%s: %d of %d s%s", what, s, o.Seconds, end)
				}
			case <-over:
				return
			}
		}
	})
	return func() {
		close(over)
		told.Wait()
		if end == "\r" {
			fmt.Fprintf(e.stderr, "%*s\r", len(what)+30, "") // wipe the line
		}
	}
}
