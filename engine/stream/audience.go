package stream

import "sync/atomic"

// Audience is the viewers of a stream on one loop, as far as the stream's writer must
// know them. The loop keeps the viewers themselves in its [Show].
type Audience struct {
	// Fresh is when something was first published since the loop looked, in nanoseconds
	// of the engine's clock; 0: nothing was.
	Fresh atomic.Int64
	// Count is the number of viewers.
	Count atomic.Int64
	// Asleep says that the loop itself looks when there is something to do, and need
	// not be woken.
	Asleep atomic.Bool
	// Asked says that the loop has been asked to let go and has not done so yet.
	Asked atomic.Bool
	// Show is set once.
	Show Show
}

// Show is the loop's side of an audience. Any goroutine may call it.
type Show interface {
	// Wake makes the loop serve the viewers soon.
	Wake()
	// LetGo unpins the packets that viewers have stopped inside, if they are no
	// longer in the backlog; the viewers keep the rest of them themselves.
	LetGo()
	// ClearOut closes the viewers of an ended programme.
	ClearOut(p *Programme)
}

// publish tells the loop that there is something new, if it has viewers.
func (a *Audience) publish(now int64) {
	if a.Count.Load() == 0 {
		return
	}
	a.Fresh.CompareAndSwap(0, now)
	if !a.Asleep.Load() {
		a.Show.Wake()
	}
}
