package loop

import (
	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/reason"
	"streampump/engine/stream"
)

// guest is the kind of viewer that asks.
func (c *Conn) guest() admission.Guest {
	if c.loop.ev.Pump {
		return admission.Pump
	}
	return admission.Player
}

// memory is what the connection is reckoned to take as a viewer, in bytes.
func (c *Conn) memory() int64 {
	l := &c.loop.group.cfg.Limits
	if c.tls != nil {
		return l.EachMemory + l.TLSMemory
	}
	return l.EachMemory
}

// look tells whoever only asks whether there is room.
func (c *Conn) look(st *stream.Stream) {
	account := c.loop.showOf(st).account
	if why := account.Full(c.guest(), c.memory(), false); why != reason.None {
		c.noRoom(st, why)
		c.loop.verdict.Code, c.loop.verdict.Crowded = codec.OK, true
		c.refused = reason.None // it wanted none
	}
}

// mayEnter reports whether there is room for a viewer now, without taking it; false
// and a verdict if there is none.
func (c *Conn) mayEnter(st *stream.Stream) bool {
	account := c.loop.showOf(st).account
	if c.returns(account) {
		return true
	}
	why := account.Full(c.guest(), c.memory(), true)
	if why == reason.None {
		return true
	}
	c.noRoom(st, why)
	return false
}

// enterRoom takes room for a viewer, and its session; false and a verdict if there is
// none.
func (c *Conn) enterRoom(st *stream.Stream) bool {
	account, memory := c.loop.showOf(st).account, c.memory()
	why := account.Join(c.peer.Addr())
	if why != reason.None {
		c.noRoom(st, why)
		return false
	}
	g := c.guest()
	full := account.Full(g, memory, false)
	instead := full != reason.None && c.returns(account)
	if why = account.Enter(g, memory, instead); why != reason.None {
		c.noRoom(st, why)
		return false
	}
	c.pump.Store(g == admission.Pump)
	c.account.Store(account)
	if !c.openSession(instead) && instead {
		c.releaseKey()
		c.leaveRoom()
		c.noRoom(st, full) // whose place it was to take has left, and another has it
		return false
	}
	return true
}

// openSession makes the connection the one that streams its session. A viewer that
// streamed it ends: at once, if this one has its place. returned says that there was
// one.
func (c *Conn) openSession(instead bool) (returned bool) {
	l := c.loop
	if l.ev.Form == codec.Plain {
		return false
	}
	key, replaced, old := l.group.sessions.Open(
		l.ev.Session, c, c.peer.Addr(), l.now, int64(l.group.cfg.Timeouts.Session))
	l.verdict.Session, l.verdict.Replaced = key, replaced
	c.key = key
	if old == nil {
		return false
	}
	old.loop.Post(func() {
		switch {
		case !old.streamed(key):
		case instead:
			old.doom(reason.ViewerReturned)
		default:
			old.endView(reason.ViewerReturned)
		}
	})
	return true
}

// streamed reports whether what is to end a viewer's session still finds it: the viewer
// may have halted since, and begun another. One that has closed its side has not.
func (c *Conn) streamed(key uint64) bool { return c.key == key || c.half }

// returns reports whether the request continues a session that a viewer of the same
// stream and kind streams, whose place it will take. Who took less memory has no place
// for one who takes more.
func (c *Conn) returns(account *admission.Account) bool {
	l := c.loop
	if l.ev.Session == 0 || l.ev.Form == codec.Plain {
		return false
	}
	old, ok := l.group.sessions.Touch(l.ev.Session, c.peer.Addr(), l.now, int64(l.group.cfg.Timeouts.Session))
	return ok && old != nil && old.account.Load() == account &&
		old.pump.Load() == l.ev.Pump && c.memory() <= old.memory()
}

// leaveRoom gives up what enterRoom took.
func (c *Conn) leaveRoom() {
	account := c.account.Swap(nil)
	if account == nil {
		return
	}
	g := admission.Player
	if c.pump.Load() {
		g = admission.Pump
	}
	account.Leave(g, c.memory())
}

// noRoom makes the verdict that there is no room for a viewer: it is told so, or sent
// elsewhere. Those who only come too fast are not sent on: they would come too fast
// there.
func (c *Conn) noRoom(st *stream.Stream, why reason.Reason) {
	g, v := c.loop.group, &c.loop.verdict
	c.refused = why
	*v = codec.Verdict{Code: codec.Full, Reason: why.Info().Text, RetryAfter: g.cfg.FullRetry, Media: v.Media, Title: v.Title}
	args := []any{"stream", st.Config.Path, "reason", why.String(), "why", v.Reason, "peer", c.peer, "agent", c.agent}
	if at := st.Config.FullLocation; at != "" && !why.TooFast() && g.books.Redirect(c.peer.Addr()) {
		v.Location = at
		args = append(args, "sent_to", at)
	}
	if c.loop.ev.Kind != codec.Lookup {
		g.peerLogs[why].Log(c.loop.labels, levelOf(why), "no room for a viewer", args...)
	}
}

// Snapshots are the streams' states at one moment, in the order of the configuration,
// with what their viewers use. Any goroutine may call it.
func (g *Group) Snapshots() (all []stream.Snapshot) {
	for _, st := range g.order {
		s, use := st.Snapshot(), g.loops[0].showOf(st).account.Use()
		s.Room, s.Each = RoomOf(use), use.Each
		all = append(all, s)
	}
	return all
}

// RoomOf is a use of limits as the status has it.
func RoomOf(u admission.Use) stream.Room {
	return stream.Room{
		Pumps: u.Pumps, ViewersLimit: u.Limits.Viewers, PumpsLimit: u.Limits.Pumps,
		Bandwidth: u.Bandwidth, BandwidthLimit: u.Limits.Bandwidth, Refused: u.Refused,
	}
}
