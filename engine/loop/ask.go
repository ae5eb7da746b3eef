package loop

import (
	"log/slog"
	"strings"

	"streampump/access"
	"streampump/codec"
	"streampump/engine/notice"
)

// ask has the rules decide whether the peer may do what the event in the loop's
// scratch asks for, and acts on it if so. A decision that takes time is waited for
// (Conn.await).
func (c *Conn) ask(role access.Role) {
	l := c.loop
	guard := l.group.cfg.Access
	if guard == nil || c.vouched() {
		c.act()
		return
	}
	st := l.group.at(l.ev.Path)
	unknown := st == nil || !c.carries(st)
	r := access.Request{Role: role, Stream: strings.Clone(l.ev.Path), Peer: c.peer.Addr(), Credentials: l.ev.Credentials, Ahead: l.ev.Ahead}
	var q *question
	d, decided := guard.Ask(l.group.wall(), r, unknown, func(d access.Decision) {
		l.Post(func() { c.decide(q, d) }) // after this pass, so q is known
	})
	if decided {
		c.decided(d)
		return
	}
	most := maxWaiting
	if l.ev.Kind == codec.Publish || c.phase == phaseIngest {
		most = maxBehind // its packets follow at once; the pool bounds how many may wait
	}
	q = c.await(most, c.undecided)
}

// encodes reports whether the event in the loop's scratch asks for what encoders do.
func (c *Conn) encodes() bool {
	ev := &c.loop.ev
	return ev.Kind == codec.Setup || ev.Kind == codec.Publish || ev.Ahead
}

// vouched reports whether an encoder's request names a session that was opened by one
// who was let in: encoders prove who they are at their setup only ([MS-WMHTTP]
// 3.2.5.2), and the session's key cannot be guessed. That the session was opened on the
// same connection does not count: a proxy may send several peers' requests on one.
func (c *Conn) vouched() bool {
	l := c.loop
	if l.ev.Session == 0 || l.ev.Kind != codec.Setup && l.ev.Kind != codec.Publish {
		return false
	}
	st := l.group.at(l.ev.Path)
	in := l.group.ingests.Find(l.ev.Session, l.now+int64(l.group.cfg.Timeouts.PushInactive))
	return in != nil && st != nil && in.Stream == st
}

// decide goes on with a question that the rules have decided.
func (c *Conn) decide(q *question, d access.Decision) {
	if !c.recall(q) {
		return
	}
	c.decided(d)
	c.proceed()
}

// decided acts on a decision.
func (c *Conn) decided(d access.Decision) {
	if d.Outcome == access.Allowed {
		if c.phase == phaseRequest {
			c.client = d.Client // who streams stays who it was when it began
		}
		c.loop.ev.Pump = c.loop.ev.Pump && d.Pump // others count as the viewers that they may be
		c.act()
		return
	}
	v := &c.loop.verdict
	v.Reason, v.Challenge, v.RetryAfter = d.Public, d.Challenge, d.RetryAfter
	switch d.Outcome {
	case access.Denied:
		v.Code = codec.Unproven
	case access.Slowed:
		v.Code = codec.Slowed
	case access.Undecided:
		v.Code = codec.Undecided
	default:
		v.Code = codec.Forbidden
	}
	c.tellRefused(&d)
	c.answer(nil)
}

// undecided tells the peer that no decision came in time.
func (c *Conn) undecided() {
	c.loop.verdict.Code = codec.Undecided
	c.loop.group.accessLog.Warn("no decision came in time", "asks", c.loop.ev.Kind.String(), "path", notice.Brief(c.loop.ev.Path), "peer", c.peer)
	c.answer(nil)
}

// tellRefused logs a refusal. That a peer is asked for its password first happens to
// everybody: of viewers only the debug log says so. An encoder that then brings none
// often says nothing of it to whoever runs it, and there are few of them: the log does.
func (c *Conn) tellRefused(d *access.Decision) {
	l := c.loop
	asked := d.Outcome == access.Denied && d.Bare
	log, level, what := l.group.accessLog, slog.LevelInfo, "viewer is refused"
	if c.encodes() {
		log, level, what = l.group.denyLog, slog.LevelWarn, "encoder is refused"
		if asked {
			level, what = slog.LevelInfo, "encoder is asked for its password"
		}
	} else if asked {
		level = slog.LevelDebug
	}
	log.Log(l.labels, level, what, c.denied(d.Reason)...)
}
