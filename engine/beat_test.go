package engine

import (
	"slices"
	"sync"
	"testing"
)

// An idle engine answers, a stuck loop and a stuck clock do not and are named, and at
// the end nobody is asked.
func TestBeat(t *testing.T) {
	e, _ := realEngine(t, nil)
	all := func() bool { return len(e.Beat()) == 0 }
	e.Beat()
	eventually(t, "an idle engine answers", all)

	held, goOn := make(chan struct{}), make(chan struct{})
	e.group.Loops()[1].Post(func() { close(held); <-goOn })
	<-held
	e.Beat()
	stuck := func() bool { return slices.Equal(e.Beat(), []string{"event loop 1"}) }
	eventually(t, "the stuck loop is named, and the others answer", stuck)
	for range 3 {
		if silent := e.Beat(); !slices.Contains(silent, "event loop 1") {
			t.Errorf("the loop is still stuck, and silent are %q", silent)
		}
	}
	close(goOn)
	eventually(t, "the loop answers again", all)

	e.stop()
	e.ticking.Wait()
	e.Beat()
	eventually(t, "the clock that does not run is named", func() bool { return slices.Equal(e.Beat(), []string{"the engine's clock"}) })
}

// The engine may end while it is asked.
func TestBeatAtTheEnd(t *testing.T) {
	e, _ := realEngine(t, nil)
	var asking sync.WaitGroup
	over := make(chan struct{})
	for range 2 {
		asking.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					e.Beat()
				}
			}
		})
	}
	e.Shutdown()
	close(over)
	asking.Wait()
	if silent := e.Beat(); silent != nil {
		t.Errorf("silent after the end: %q", silent)
	}
}
