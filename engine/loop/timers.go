package loop

import "streampump/engine/clock"

// timers is a loop's deadlines, the earliest first: a binary heap of connections,
// each with at most one deadline. A heap rather than a wheel: healthy viewers, which
// most connections are, have no deadline, and the clock's sleep needs the exact
// earliest one.
type timers []*Conn

// set gives c a deadline, or moves it; clock.Never removes it.
func (h *timers) set(c *Conn, at int64) {
	switch {
	case at == clock.Never:
		h.remove(c)
	case c.timer == 0:
		c.deadline = at
		*h = append(*h, c)
		c.timer = int32(len(*h))
		h.up(len(*h) - 1)
	default:
		c.deadline = at
		i := int(c.timer) - 1
		h.down(i)
		h.up(int(c.timer) - 1)
	}
}

// remove takes c's deadline away.
func (h *timers) remove(c *Conn) {
	if c.timer == 0 {
		return
	}
	i, last := int(c.timer)-1, len(*h)-1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	c.timer = 0
	if i < last {
		h.down(i)
		h.up(i)
	}
}

// earliest is the first deadline, or clock.Never.
func (h timers) earliest() int64 {
	if len(h) == 0 {
		return clock.Never
	}
	return h[0].deadline
}

// due takes the first connection whose deadline has come, or nil.
func (h *timers) due(now int64) *Conn {
	if len(*h) == 0 || (*h)[0].deadline > now {
		return nil
	}
	c := (*h)[0]
	h.remove(c)
	return c
}

func (h timers) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].timer, h[j].timer = int32(i+1), int32(j+1)
}

func (h timers) up(i int) {
	for i > 0 && h[i].deadline < h[(i-1)/2].deadline {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (h timers) down(i int) {
	for {
		least := i
		for _, k := range [2]int{2*i + 1, 2*i + 2} {
			if k < len(h) && h[k].deadline < h[least].deadline {
				least = k
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}
