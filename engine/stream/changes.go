package stream

import "time"

// changesAtOnce is how many programmes a stream may begin at once; one more a second
// is given back. An encoder that is set up, and a server that plays one clip after
// the other, need some; a source that needs more than one a second for long
// has viewers see nothing, and each costs memory and a cut.
const changesAtOnce = 16

// changes bounds how often a stream begins a programme.
type changes struct {
	spent int
	last  int64 // when the last one of them was given back
}

// allow reports whether a programme may begin now, and counts it.
func (c *changes) allow(now int64) bool {
	if back := (now - c.last) / int64(time.Second); back > 0 {
		c.spent -= int(min(back, int64(c.spent)))
		c.last += back * int64(time.Second)
	}
	if c.spent >= changesAtOnce {
		return false
	}
	if c.spent == 0 {
		c.last = now
	}
	c.spent++
	return true
}
