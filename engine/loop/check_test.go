package loop

import (
	"streampump/engine/admission"
	"streampump/engine/reason"
	"streampump/engine/stream"
)

// check holds the engine's books against each other after every step.
func (b *lab) check() {
	if b.silent {
		return
	}
	watching := map[*stream.Programme]int64{}
	for _, k := range b.loops {
		b.checkLoop(k, watching)
	}
	b.checkRoom()
	held := int64(0)
	for _, st := range b.e.order {
		n := st.Snapshot().Backlog
		if held += n; n > b.env.Settings.Backlog.Bytes {
			b.t.Fatalf("stream %s holds %d bytes, the bound is %d", st.Config.Path, n, b.env.Settings.Backlog.Bytes)
		}
		for _, p := range st.Programmes() { // which waits forever if the stream was left locked
			if p.Viewers.Load() != watching[p] {
				b.t.Fatalf("programme %v counts %d viewers, %d point to it", p.Media(), p.Viewers.Load(), watching[p])
			}
		}
	}
	if total := b.env.Settings.Backlog.Total; total > 0 && held > total {
		b.t.Fatalf("all streams hold %d bytes, the bound is %d", held, total)
	}
}

func (b *lab) checkLoop(k *labLoop, watching map[*stream.Programme]int64) {
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
	kept := int64(0)
	apartly := 0
	for fd, c := range l.conns {
		if c.apart != 0 {
			apartly++
		}
		if c.apart != 0 && c.half {
			b.t.Fatalf("connection %d is half closed, and its viewer gets datagrams", fd)
		}
		if v := c.viewer(); (v != nil && v.transport == apart) != (c.apart != 0) {
			b.t.Fatalf("connection %d and its viewer do not agree on datagrams", fd)
		}
		if c.fd != fd || c.phase == phaseClosed || c.doomed {
			b.t.Fatalf("connection %d is in the table in phase %d, doomed %v", fd, c.phase, c.doomed)
		}
		if c.parked {
			parked++
		}
		if c.tls != nil {
			kept += int64(len(c.tls.kept) - c.tls.sent)
		}
		b.checkConn(k, c)
	}
	if l.stats.kept.Load() != kept {
		b.t.Fatalf("loop %d counts %d bytes of records, there are %d", l.id, l.stats.kept.Load(), kept)
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
	if d := &l.datagrams; len(d.to)-len(d.free) != apartly || len(d.waiting) > apartly || d.full != notFull && d.full != k.datagrams.watched {
		b.t.Fatalf("loop %d has %d destinations, %d of them free, %d viewers wait for socket %d; there are %d viewers with datagrams, and socket %d is watched",
			l.id, len(d.to), len(d.free), len(d.waiting), d.full, apartly, k.datagrams.watched)
	}
	if next := min(l.timers.earliest(), l.flushAt); !k.woken && l.deadline.Load() > next {
		b.t.Fatalf("loop %d has a deadline at %d, the clock knows of %d", l.id, next, l.deadline.Load())
	}
}

func (b *lab) checkShow(s *show, watching map[*stream.Programme]int64) {
	if s.Count.Load() != int64(len(s.viewers)) || s.owed < 0 || s.owed > s.behind || s.behind > len(s.viewers) {
		b.t.Fatalf("show of %s: count %d, %d viewers, %d behind, %d owed",
			s.stream.Config.Path, s.Count.Load(), len(s.viewers), s.behind, s.owed)
	}
	if len(s.viewers) > 0 && !s.listed {
		b.t.Fatalf("show of %s has viewers and is not listed", s.stream.Config.Path)
	}
	away := 0
	for i := range s.viewers {
		v := &s.viewers[i]
		if v.conn.parked || v.mode.has(paced) {
			away++
		}
		if v.conn.show != s || int(v.conn.slot) != i || v.parked != v.conn.parked {
			b.t.Fatalf("viewer %d of %s and its connection do not agree", i, s.stream.Config.Path)
		}
		watching[v.prog]++
	}
	if away != s.away {
		b.t.Fatalf("show of %s has %d viewers whose socket is full or who catch up, and counts %d", s.stream.Config.Path, away, s.away)
	}
}

// checkConn: everything that waits has something that ends the wait.
func (b *lab) checkConn(k *labLoop, c *Conn) {
	v := c.viewer()
	switch {
	case c.parked && (!c.watched && (c.apart == 0 || !c.destination().waits) || c.timer == 0):
		b.t.Fatalf("connection %d is parked without watch or timer", c.fd)
	case v == nil && c.timer == 0:
		b.t.Fatalf("connection %d in phase %d has no deadline", c.fd, c.phase)
	case c.out != nil && !c.parked && !c.hungry && (c.pace == nil || c.timer == 0) && c.out.left() > 0:
		b.t.Fatalf("connection %d has %d bytes to send and nobody sends them", c.fd, c.out.left())
	case v != nil && (v.fd != c.fd || v.parked != c.parked && v.ending == reason.None || v.outbox != (c.out != nil)):
		b.t.Fatalf("viewer %d and its connection differ: %+v, %+v", c.fd, v, c)
	case c.tls != nil && len(c.tls.kept) > 0 && !c.parked && !k.woken:
		b.t.Fatalf("connection %d has records to send and is not parked", c.fd)
	case c.quiet && (c.timer == 0 && !c.hungry || c.phase != phaseView && len(c.waiting()) == 0):
		b.t.Fatalf("connection %d in phase %d is not read, and nothing ends that", c.fd, c.phase)
	case c.phase == phaseAsking && c.asks() == nil:
		b.t.Fatalf("connection %d is in phase %d, its question is %v", c.fd, c.phase, c.asks())
	case v != nil && v.mode.has(paced) != (c.pace != nil):
		b.t.Fatalf("viewer %d has pace %v, its mode is %b", c.fd, c.pace, v.mode)
	case v != nil && c.pace != nil && !c.parked && !c.hungry && c.timer == 0:
		b.t.Fatalf("viewer %d waits for its pace and has no deadline", c.fd)
	case v != nil && v.pin != nil && v.sent != nothingLeft && (c.pace == nil || c.timer == 0) && !c.parked && !c.hungry && !k.woken:
		b.t.Fatalf("viewer %d stopped inside a packet and nothing makes it go on", c.fd)
	}
}

// checkRoom counts what the viewers that there are take, and compares.
func (b *lab) checkRoom() {
	var all use
	each := map[*admission.Account]*use{}
	for _, k := range b.loops {
		for _, c := range k.loop.conns {
			account := c.account.Load()
			if (account != nil) != (c.show != nil) {
				b.t.Fatalf("connection %d in phase %d: views %v, and has room: %v", c.fd, c.phase, c.show != nil, account != nil)
			}
			if account == nil {
				continue
			}
			if each[account] == nil {
				each[account] = new(use)
			}
			for _, u := range []*use{&all, each[account]} {
				u.add(c)
			}
		}
	}
	bandwidth := int64(0)
	for _, st := range b.e.order {
		account := b.loops[0].loop.showOf(st).account
		u, want := account.Use(), use{}
		if each[account] != nil {
			want = *each[account]
		}
		if u.Viewers != want.viewers || u.Pumps != want.pumps || u.Bandwidth != int64(u.Viewers+u.Pumps)*u.Each {
			b.t.Fatalf("stream %s: the books have %+v, there are %+v", st.Config.Path, u, want)
		}
		bandwidth += u.Bandwidth
	}
	if u := b.books.Use(); u.Viewers != all.viewers || u.Pumps != all.pumps || u.Memory != all.memory || u.Bandwidth != bandwidth {
		b.t.Fatalf("the books have %+v, there are %+v", u, all)
	}
}

// use is what viewers take.
type use struct {
	viewers, pumps int
	memory         int64
}

func (u *use) add(c *Conn) {
	if u.memory += c.memory(); c.pump.Load() {
		u.pumps++
	} else {
		u.viewers++
	}
}

// empty: when all have gone, the loops have nothing left.
func (b *lab) empty() {
	b.t.Helper()
	for _, k := range b.loops {
		k.loop.Run()
		l := k.loop
		if len(l.timers)+len(l.hungry)+len(l.shows)+len(l.doomed)+len(l.leaving) > 0 || l.stats.kept.Load() != 0 {
			b.t.Errorf("loop %d has %d timers, %d hungry, %d shows left", l.id, len(l.timers), len(l.hungry), len(l.shows))
		}
	}
}
