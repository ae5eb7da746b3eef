package stream

import "sync/atomic"

// Audience is the viewers of a stream on one loop, as far as its writer must
// know them. The loop keeps the viewers themselves in its [Show].
type Audience struct {
	// Fresh is when something was published first since the loop looked; 0: nothing.
	Fresh atomic.Int64
	// Count is how many viewers there are.
	Count atomic.Int64
	// Asleep: the loop looks by itself when there is something to do, and need
	// not be woken.
	Asleep atomic.Bool
	// Asked: the loop has been asked to let go, and has not done it yet.
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
