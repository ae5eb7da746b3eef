package ring

import (
	"math"
	"sync/atomic"
)

// Epochs records which readers are in a pass. One Epochs serves all rings of an
// engine; each reading loop has its own cell.
type Epochs struct {
	epoch atomic.Uint64
	cells []cell
}

// cell holds the epoch that a loop announced, 0 outside a pass. It fills a cache line
// (and its neighbour, which processors fetch with it), so that loops do not slow one
// another.
type cell struct {
	at atomic.Uint64
	_  [120]byte
}

// NewEpochs makes cells for n loops.
func NewEpochs(n int) *Epochs {
	e := &Epochs{cells: make([]cell, n)}
	e.epoch.Store(1)
	return e
}

// Enter begins a pass of loop i. Passes of one loop do not nest.
func (e *Epochs) Enter(i int) { e.cells[i].at.Store(e.epoch.Load()) }

// Leave ends the pass of loop i: of the slots found in it, only pinned ones may still
// be used.
func (e *Epochs) Leave(i int) { e.cells[i].at.Store(0) }

// In reports whether loop i is in a pass.
func (e *Epochs) In(i int) bool { return e.cells[i].at.Load() != 0 }

// now is the stamp for a slot that has just left its table.
func (e *Epochs) now() uint64 { return e.epoch.Load() }

// advance ends the present epoch: passes that begin from now on announce a newer one.
func (e *Epochs) advance() { e.epoch.Add(1) }

// oldest is the oldest epoch announced, or the largest number if no loop is in a pass.
func (e *Epochs) oldest() uint64 {
	least := uint64(math.MaxUint64)
	for i := range e.cells {
		if a := e.cells[i].at.Load(); a != 0 && a < least {
			least = a
		}
	}
	return least
}
