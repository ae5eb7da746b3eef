//go:build e2e

package e2e

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// healthy are viewers of one stream beside an attack, with their encoder.
type healthy interface {
	stop()
	p99() float64
	judge(t *testing.T)
}

// audience is what healthy viewers of a stream have in common, whatever they speak: when what
// was sent, when it came, and what is wrong.
type audience struct {
	protocol, stream string
	end              context.CancelFunc // of the encoder
	leave            func()             // of viewers that do not leave by themselves; nil: there are none
	encoder          sync.WaitGroup
	viewers          sync.WaitGroup
	over             atomic.Bool

	mu     sync.Mutex
	sent   [2][]time.Time // by track and number
	delays []time.Duration
	wrong  []error
	seen   int
}

func newAudience(protocol, stream string, end context.CancelFunc) *audience {
	return &audience{protocol: protocol, stream: stream, end: end}
}

func (a *audience) dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// sends notes that the encoder sends the next packet of a track.
func (a *audience) sends(track int) {
	a.mu.Lock()
	a.sent[track] = append(a.sent[track], time.Now())
	a.mu.Unlock()
}

// joins makes what notes that a viewer has got packet n of a track, from 0. What was sent
// before its first one came is of the past, and has no delay.
func (a *audience) joins() (saw func(track, n int)) {
	var came time.Time
	return func(track, n int) {
		now := time.Now()
		if came.IsZero() {
			came = now
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.seen++
		if at := a.sent[track][n]; at.After(came) {
			a.delays = append(a.delays, now.Sub(at))
		}
	}
}

func (a *audience) fail(err error) {
	a.mu.Lock()
	a.wrong = append(a.wrong, err)
	a.mu.Unlock()
}

// stop ends all of them, each viewer with the next packet.
func (a *audience) stop() {
	if a.over.Swap(true) {
		return
	}
	a.viewers.Wait()
	if a.leave != nil {
		a.leave()
	}
	a.end()
	a.encoder.Wait()
}

// p99 is that of the delay, in milliseconds; 0 if nothing came.
func (a *audience) p99() float64 {
	if len(a.delays) == 0 {
		return 0
	}
	slices.Sort(a.delays)
	return float64(a.delays[len(a.delays)*99/100]) / float64(time.Millisecond)
}

// judge wants them to have had everything.
func (a *audience) judge(t *testing.T) {
	t.Helper()
	if len(a.wrong) > 0 || len(a.delays) == 0 {
		t.Errorf("the healthy viewers of %s over %s, with %d packets: %v", a.stream, a.protocol, a.seen, errors.Join(a.wrong...))
	}
}
