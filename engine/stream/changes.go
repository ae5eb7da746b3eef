package stream

import "time"

// changesAtOnce is how many programmes a stream may begin at once; after that, one a
// second. An encoder that is being set up, or a server that plays one clip after
// another, needs some; of a source that begins more than one a second for long,
// viewers see nothing, and each programme costs memory and a cut.
const changesAtOnce = 16

// changes bounds how often a stream begins a programme.
type changes struct {
	spent int
	last  int64 // when the last of them was given back
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
