package loop

import (
	"streampump/engine/reason"
	"streampump/engine/stream"
)

// check holds the engine's books against each other after every step.
func (b *lab) check() {
	if b.silent {
		return
	}
	b.t.Helper()
	watching := map[*stream.Programme]int64{}
	for _, k := range b.loops {
		b.checkLoop(k, watching)
	}
	held := int64(0)
	for _, st := range b.e.order {
		n := st.Snapshot().Backlog
		if held += n; n > b.env.Settings.Backlog.Bytes {
			b.t.Fatalf("stream %s holds %d bytes, the bound is %d", st.Config.Path, n, b.env.Settings.Backlog.Bytes)
		}
		for _, p := range st.Programmes() { // which waits forever if the stream was left locked
			if p.Viewers.Load() != watching[p] {
				b.t.Fatalf("programme %v counts %d viewers, %d point to it", p.Media, p.Viewers.Load(), watching[p])
			}
		}
	}
	if total := b.env.Settings.Backlog.Total; total > 0 && held > total {
		b.t.Fatalf("all streams hold %d bytes, the bound is %d", held, total)
	}
}

func (b *lab) checkLoop(k *labLoop, watching map[*stream.Programme]int64) {
	b.t.Helper()
	l := k.loop
	if l.depth != 0 || b.env.Epochs.In(l.id) || len(l.doomed) != 0 || len(l.leaving) != 0 {
		b.t.Fatalf("a pass of loop %d is not over", l.id)
	}
	if len(l.conns) != len(k.socks) || l.stats.connections.Load() != int64(len(k.socks)) {
		b.t.Fatalf("loop %d holds %d connections and counts %d, %d are open",
			l.id, len(l.conns), l.stats.connections.Load(), len(k.socks))
	}
	viewers, parked := int64(0), int64(0)
	for _, st := range b.e.order {
		s := l.showOf(st)
		b.checkShow(s, watching)
		viewers += int64(len(s.viewers))
	}
	for fd, c := range l.conns {
		if c.fd != fd || c.phase == phaseClosed || c.doomed {
			b.t.Fatalf("connection %d is in the table in phase %d, doomed %v", fd, c.phase, c.doomed)
		}
		if c.parked {
			parked++
		}
		b.checkConn(k, c)
	}
	if l.stats.viewers.Load() != viewers || l.stats.parked.Load() != parked {
		b.t.Fatalf("loop %d counts %d viewers, %d parked; there are %d, %d",
			l.id, l.stats.viewers.Load(), l.stats.parked.Load(), viewers, parked)
	}
	for i, c := range l.timers {
		if int(c.timer) != i+1 || c.phase == phaseClosed || i > 0 && c.deadline < l.timers[(i-1)/2].deadline {
			b.t.Fatalf("the timers of loop %d are out of order at %d", l.id, i)
		}
	}
	if next := min(l.timers.earliest(), l.flushAt); !k.woken && l.deadline.Load() > next {
		b.t.Fatalf("loop %d has a deadline at %d, the clock knows of %d", l.id, next, l.deadline.Load())
	}
}

func (b *lab) checkShow(s *show, watching map[*stream.Programme]int64) {
	b.t.Helper()
	if s.Count.Load() != int64(len(s.viewers)) || s.owed < 0 || s.owed > s.behind || s.behind > len(s.viewers) {
		b.t.Fatalf("show of %s: count %d, %d viewers, %d behind, %d owed",
			s.stream.Config.Path, s.Count.Load(), len(s.viewers), s.behind, s.owed)
	}
	if len(s.viewers) > 0 && !s.listed {
		b.t.Fatalf("show of %s has viewers and is not listed", s.stream.Config.Path)
	}
	for i := range s.viewers {
		v := &s.viewers[i]
		if v.conn.show != s || int(v.conn.slot) != i || v.parked != v.conn.parked {
			b.t.Fatalf("viewer %d of %s and its connection do not agree", i, s.stream.Config.Path)
		}
		watching[v.prog]++
	}
}

// checkConn: everything that waits has something that ends the wait.
func (b *lab) checkConn(k *labLoop, c *Conn) {
	b.t.Helper()
	v := c.viewer()
	switch {
	case c.parked && (!c.watched || c.timer == 0):
		b.t.Fatalf("connection %d is parked without watch or timer", c.fd)
	case v == nil && c.timer == 0:
		b.t.Fatalf("connection %d in phase %d has no deadline", c.fd, c.phase)
	case c.out != nil && !c.parked && !c.hungry && c.out.left() > 0:
		b.t.Fatalf("connection %d has %d bytes to send and nobody sends them", c.fd, c.out.left())
	case v != nil && (v.fd != c.fd || v.parked != c.parked && v.ending == reason.None || v.outbox != (c.out != nil)):
		b.t.Fatalf("viewer %d and its connection differ: %+v, %+v", c.fd, v, c)
	case v != nil && v.pin != nil && !c.parked && !c.hungry && !k.woken:
		b.t.Fatalf("viewer %d stopped inside a packet and nothing makes it go on", c.fd)
	}
}
