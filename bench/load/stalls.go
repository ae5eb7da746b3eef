package load

import (
	"golang.org/x/sys/unix"

	"streampump/bench/meter"
)

// stall moves the stalling members between two states.
func (c *crowd) stall(from, to state) {
	for i := range c.members {
		m := &c.members[i]
		if !m.stalls || m.state != from {
			continue
		}
		if m.state = to; to == stateStalled {
			c.drained.Remove(m.fd)
		} else {
			c.drained.Add(m.fd)
		}
	}
}

// weigh looks at what the server's kernel holds for the stalled players.
func (c *crowd) weigh() {
	if c.o.PID == 0 || c.o.Stall.For == 0 {
		return
	}
	links := map[meter.Link]bool{}
	for i := range c.members {
		if m := &c.members[i]; m.state == stateStalled {
			if l, err := linkOf(m.fd); err == nil {
				links[l] = true
			}
		}
	}
	if len(links) == 0 {
		return
	}
	var all []int64
	for _, pid := range c.o.processes() {
		held, err := meter.SocketMemory(pid, links)
		if err != nil {
			c.tally.weighed(nil, err)
			return
		}
		all = append(all, held...)
	}
	c.tally.weighed(all, nil)
}

// linkOf is a player's connection as the server sees it.
func linkOf(fd int) (meter.Link, error) {
	own, err := unix.Getsockname(fd)
	if err != nil {
		return meter.Link{}, err
	}
	server, err := unix.Getpeername(fd)
	if err != nil {
		return meter.Link{}, err
	}
	return meter.Link{Server: meter.AddrOf(server), Peer: meter.AddrOf(own)}, nil
}
