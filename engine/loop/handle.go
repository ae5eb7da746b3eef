package loop

import (
	"fmt"
	"slices"
	"strings"

	"streampump/access"
	"streampump/codec"
	"streampump/engine/notice"
	"streampump/engine/reason"
	"streampump/engine/stream"
)

// handle acts on the event in the loop's scratch: it decides, lets the session put
// the decision into its protocol's words, and sends those.
func (c *Conn) handle() {
	l, ev := c.loop, &c.loop.ev
	if c.ticket.Pending() {
		if ev.Partial && c.headDeadline() <= l.now {
			c.unasked() // what waited is looked at in turns, and must not outlast it
			return
		}
		if !ev.Partial {
			l.group.books.Keep(&c.ticket, c.peer.Addr(), c)
		}
	}
	l.verdict = codec.Verdict{}
	if c.show != nil && (ev.Kind == codec.Play || ev.Kind == codec.Publish) {
		c.doom(reason.BadRequest) // a session that streams asks for no second stream
		return
	}
	if ev.Agent != "" && ev.Agent != c.agent {
		c.agent = strings.Clone(ev.Agent)
	}
	switch ev.Kind {
	case codec.Packet:
		c.ingestPacket()
	case codec.Header:
		c.ingestHeader()
	case codec.Reply:
		c.answer(nil)
	case codec.Lookup, codec.Describe, codec.Play, codec.Setup, codec.Publish:
		role := access.View
		if c.encodes() {
			role = access.Publish
		}
		c.ask(role)
	case codec.Control, codec.Stop:
		c.control()
	case codec.Halt:
		if c.leaveShow() {
			c.answer(nil)
		}
	case codec.Pause:
		c.pause()
	case codec.Finish:
		c.endIngest(codec.CauseEnded, reason.PushEnded, reason.PushEnded.Info().Text)
		ev.Leaves = false // it is of this connection only
	case codec.Bad:
		c.bad()
	case codec.None, codec.Redial:
	}
}

// act does what a peer asks for that may have it.
func (c *Conn) act() {
	switch c.loop.ev.Kind {
	case codec.Lookup:
		c.lookup()
	case codec.Describe:
		c.describe()
	case codec.Play:
		c.play()
	case codec.Setup:
		c.setup()
	case codec.Publish:
		c.publish()
	}
}

// answer sends the session's answer with a shared head behind it, and goes on as the
// session says.
func (c *Conn) answer(head []byte) codec.Next {
	l := c.loop
	if c.apart != 0 {
		return c.answerBeside(head)
	}
	o := c.outgoing()
	own, next := c.sess.Answer(o.own, &l.ev, &l.verdict)
	c.answered()
	return c.goOnWith(own, head, next)
}

// answered writes a request's line.
func (c *Conn) answered() {
	l := c.loop
	if l.group.tells() && l.ev.Kind != codec.Bad { // which has a line of its own
		l.group.log.Debug("request", c.about("asks", l.ev.Kind.String(), "path", notice.Brief(l.ev.Path), "answer", l.verdict.Code.String(), "peer", c.peer, "agent", c.agent)...)
	}
}

// answerBeside answers a viewer whose packets are datagrams: they are not in the way of
// what it is told.
func (c *Conn) answerBeside(head []byte) codec.Next {
	l := c.loop
	own, next := c.sess.Answer(l.datagrams.told[:0], &l.ev, &l.verdict)
	l.datagrams.told = own[:0]
	c.answered()
	if next != codec.Close {
		c.tell(own, head)
		return next
	}
	c.leaveShow()
	return c.goOnWith(append(c.outgoing().own, own...), head, next)
}

// goOnWith goes on as the session says, with own, which is the outbox's own bytes with an
// answer appended, and a shared head.
func (c *Conn) goOnWith(own, head []byte, next codec.Next) codec.Next {
	l, o := c.loop, c.out
	switch {
	case next == codec.Close:
		r := reason.Answered
		switch {
		case l.ev.Kind == codec.Bad:
			r = reason.BadRequest
		case l.verdict.Code == codec.Full && c.refused != reason.None:
			r = c.refused
		case l.ev.Kind == codec.Stop && c.viewed != nil:
			r = reason.ViewerStopped
		}
		if c.phase == phaseIngest {
			c.dropIngest(r.Info().Text)
		}
		o.own, o.shared = own, head
		c.conclude(r)
		return next
	case next == codec.Stream && l.verdict.Code == codec.OK:
		o.own, o.shared, o.then = own, head, thenPackets
		return next
	}
	o.own, o.shared, o.then = own, head, thenRead
	if o.left() > maxPendingAnswer {
		c.doom(reason.AnswerStalled)
		return next
	}
	if c.phase != phaseIngest {
		c.rearm()
	}
	if next != codec.Keep || c.phase != phaseRequest || head != nil || o.left() > collect {
		l.send(c)
	} // else it goes with the turn's other answers
	return next
}

// bad ends a connection that broke its protocol, with the session's words for it.
func (c *Conn) bad() {
	err := c.loop.ev.Err
	if c.ingest != nil {
		c.loop.group.pushLog.Warn("encoder is refused", "stream", c.ingest.Stream.Config.Path, "peer", c.peer, "why", err)
		c.dropIngest(fmt.Sprintf("the encoder's stream is broken: %v", err))
		c.reason = reason.PushRefused
	} else {
		c.loop.group.complain(reason.BadRequest, c.peer, c.agent, err)
	}
	c.answer(nil)
}

// lookup answers whether a stream exists and is up.
func (c *Conn) lookup() {
	v := &c.loop.verdict
	if c.loop.ev.Ahead {
		c.answer(nil) // it is told about its stream when it publishes
		return
	}
	if st := c.find(); st != nil {
		v.Title = st.Config.Name
		if p := st.Joinable(); p != nil {
			v.Media = p.Media()
			c.look(st)
		} else {
			v.RetryAfter = st.RetryAfter()
		}
	}
	c.answer(nil)
}

// otherProtocol is the sentence for a peer whose protocol does not carry the stream that
// it asks for.
func (c *Conn) otherProtocol(st *stream.Stream) string {
	return fmt.Sprintf("this stream is carried by %s, not by %s", st.Config.Protocol, c.loop.group.protocols[c.protocol].Name())
}

// find looks up the stream that the event in the loop's scratch names; nil and a verdict
// if the peer's protocol has none of that name.
func (c *Conn) find() *stream.Stream {
	g, v := c.loop.group, &c.loop.verdict
	st := g.at(c.loop.ev.Path)
	switch {
	case st == nil:
		v.Code, v.Location = codec.NoStream, g.cfg.NotFoundLocation
	case !c.carries(st):
		v.Code, v.Location, v.Reason = codec.NoStream, g.cfg.NotFoundLocation, c.otherProtocol(st)
		st = nil
	}
	return st
}

// carries reports whether the connection's protocol may have a stream.
func (c *Conn) carries(st *stream.Stream) bool {
	only := st.Config.Protocol
	return only == "" || only == c.loop.group.protocols[c.protocol].Name()
}

// at is the stream at a path, in any letter case; nil if there is none.
func (g *Group) at(path string) *stream.Stream { return g.streams[strings.ToLower(path)] }

// join finds the programme that a viewer's request wants; nil and a verdict if it
// cannot have it.
func (c *Conn) join() (st *stream.Stream, p *stream.Programme) {
	v := &c.loop.verdict
	if st = c.find(); st == nil {
		if v.Reason != "" {
			c.loop.group.accessLog.Info("viewer is refused", c.denied(v.Reason)...)
		}
		return nil, nil
	}
	p = st.Joinable()
	if p == nil {
		v.Code, v.RetryAfter = codec.NotUp, st.RetryAfter()
		return st, nil
	}
	v.Media = p.Media()
	v.HeadSize = len(p.Heads[c.loop.ev.Form])
	return st, p
}

// describe answers with the head of a stream.
func (c *Conn) describe() {
	l := c.loop
	st, p := c.join()
	if p == nil || !c.mayEnter(st) {
		c.answer(nil)
		return
	}
	l.verdict.Session, l.verdict.Replaced, _ = l.group.sessions.Open(
		l.ev.Session, nil, c.peer.Addr(), l.now, int64(l.group.cfg.Timeouts.Session))
	c.answer(p.Heads[l.ev.Form])
}

// play makes the connection a viewer.
func (c *Conn) play() {
	l := c.loop
	st, p := c.join()
	if p == nil || !c.enterRoom(st) {
		c.answer(nil)
		return
	}
	form, move, ports := l.ev.Form, l.ev.Switch, l.ev.Ports
	if c.answer(p.Heads[form]) != codec.Stream {
		c.releaseKey()
		c.leaveRoom()
		return
	}
	if ports != nil && !c.openDatagrams(ports) {
		c.releaseKey()
		c.leaveRoom()
		return
	}
	c.attach(p, form, move)
	l.label(c.show)
	l.send(c)
}

// control answers a request about a viewer's session.
func (c *Conn) control() {
	l := c.loop
	owner, ok := l.group.sessions.Touch(l.ev.Session, c.peer.Addr(), l.now, int64(l.group.cfg.Timeouts.Session))
	if !ok {
		l.verdict.Code = codec.NoSession
	}
	l.verdict.Session = l.ev.Session
	switch {
	case !ok || owner == nil || l.ev.Kind != codec.Stop:
	case owner == c:
		if !c.leaveShow() { // it is told that here, and not that its stream is over
			return
		}
	default:
		key := l.ev.Session
		owner.loop.Post(func() {
			if owner.streamed(key) {
				owner.endView(reason.ViewerStopped)
			}
		})
	}
	c.answer(nil)
}

// leaveShow makes a viewer a connection that may ask again, at the end of the packet it
// is in: the rest of that goes out before the answer. Its session and its room are free
// then. There is no answer, and left is false, if this server goes down: it is told that.
func (c *Conn) leaveShow() (left bool) {
	v := c.viewer()
	switch {
	case v == nil:
		return true
	case v.ending == reason.ShuttingDown:
		c.finish(v.ending, c.sess.AppendEnd(c.outgoing().own, codec.CauseShutdown, ""))
		return false
	}
	if c.apart != 0 {
		c.dropDatagrams()
	} else if v.pin != nil && v.sent != nothingLeft {
		o := c.outgoing()
		o.own = slices.Concat(c.loop.restOfPacket(v), o.own)
		c.loop.pass.packets++
	}
	c.viewed, c.mark = v.prog, v.firstNotHad()
	c.detach()
	c.phase = phaseRequest
	c.loop.group.books.Keep(&c.ticket, c.peer.Addr(), c)
	return true
}

// endView ends a viewer at the end of the packet it is in.
func (c *Conn) endView(r reason.Reason) {
	if v := c.viewer(); v != nil && v.ending == reason.None {
		v.ending, v.waitEnd = r, 0
		c.loop.send(c)
	}
}
