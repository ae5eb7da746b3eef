package engine

import (
	"fmt"
	"strings"

	"streampump/codec"
)

// handle acts on the event in the loop's scratch: it decides, lets the session
// put the decision into its protocol's words, and sends them.
func (c *conn) handle() {
	l, ev := c.loop, &c.loop.ev
	if c.pending {
		l.eng.admitted(c)
	}
	l.verdict = codec.Verdict{}
	if c.show != nil && (ev.Kind == codec.Play || ev.Kind == codec.Publish) {
		c.doom(BadRequest) // a session that streams asks for no second stream
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
	case codec.Lookup:
		c.lookup()
	case codec.Describe:
		c.describe()
	case codec.Play:
		c.play()
	case codec.Control, codec.Stop:
		c.control()
	case codec.Setup:
		c.setup()
	case codec.Publish:
		c.publish()
	case codec.Pause:
		c.pause()
	case codec.Finish:
		c.endIngest(codec.CauseEnded, PushEnded, PushEnded.Info().Text)
	case codec.Bad:
		c.bad()
	case codec.None, codec.Redial:
	}
}

// answer sends the session's answer, with a shared head behind it, and goes on
// as the session says.
func (c *conn) answer(head []byte) codec.Next {
	l, o := c.loop, c.outgoing()
	own, next := c.sess.Answer(o.own, &l.ev, &l.verdict)
	switch {
	case next == codec.Close:
		r := Answered
		if l.ev.Kind == codec.Bad {
			r = BadRequest
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
		c.doom(AnswerStalled)
		return next
	}
	if c.phase != phaseIngest {
		c.rearm()
	}
	l.send(c)
	return next
}

// bad ends a connection that broke its protocol, with the session's words for it.
func (c *conn) bad() {
	err := c.loop.ev.Err
	if c.ingest != nil {
		c.loop.eng.pushLog.Warn("encoder is refused", "stream", c.ingest.stream.cfg.Path, "peer", c.peer, "why", err)
		c.dropIngest(fmt.Sprintf("the encoder's stream is broken: %v", err))
		c.reason = PushRefused
	} else {
		c.loop.eng.complain(BadRequest, c.peer, err)
	}
	c.answer(nil)
}

// lookup answers whether a stream exists and is up.
func (c *conn) lookup() {
	v := &c.loop.verdict
	if st := c.loop.eng.find(c.loop.ev.Path, v); st != nil {
		if p := st.joinable(); p != nil {
			v.Media = p.media
		}
	}
	c.answer(nil)
}

// find looks a stream up for a viewer; nil and a verdict if there is none.
func (e *Engine) find(path string, v *codec.Verdict) *stream {
	st := e.streams[strings.ToLower(path)]
	if st == nil {
		v.Code, v.Location = codec.NoStream, e.cfg.NotFoundLocation
	}
	return st
}

// join finds the programme that a request of a viewer wants; nil and a verdict
// if it can not have it.
func (c *conn) join() *programme {
	e, v := c.loop.eng, &c.loop.verdict
	st := e.find(c.loop.ev.Path, v)
	if st == nil {
		return nil
	}
	p := st.joinable()
	if p == nil {
		v.Code, v.RetryAfter = codec.NotUp, st.retryAfter()
		return nil
	}
	v.Media = p.media
	v.HeadSize = len(p.heads[c.loop.ev.Form])
	return p
}

// describe answers with the head of a stream.
func (c *conn) describe() {
	l := c.loop
	p := c.join()
	if p == nil {
		c.answer(nil)
		return
	}
	l.verdict.Session, l.verdict.Replaced, _ = l.eng.sessions.open(l.ev.Session, nil, l.now, int64(l.eng.cfg.Timeouts.Session))
	c.answer(p.heads[l.ev.Form])
}

// play makes the connection a viewer.
func (c *conn) play() {
	l := c.loop
	p := c.join()
	if p == nil {
		c.answer(nil)
		return
	}
	if l.ev.Form == codec.Framed {
		key, replaced, busy := l.eng.sessions.open(l.ev.Session, c, l.now, int64(l.eng.cfg.Timeouts.Session))
		if busy {
			l.verdict.Code, l.verdict.Reason = codec.Busy, "this session is streaming on another connection"
			c.answer(nil)
			return
		}
		l.verdict.Session, l.verdict.Replaced = key, replaced
		c.key = key
	}
	form, move := l.ev.Form, l.ev.Switch
	if c.answer(p.heads[form]) != codec.Stream {
		c.releaseKey()
		return
	}
	c.attach(p, form, move)
	l.label(c.show)
	l.send(c)
}

// control answers a request about a viewer's session.
func (c *conn) control() {
	l := c.loop
	owner, ok := l.eng.sessions.touch(l.ev.Session, l.now, int64(l.eng.cfg.Timeouts.Session))
	if !ok {
		l.verdict.Code = codec.NoSession
	}
	l.verdict.Session = l.ev.Session
	if ok && owner != nil && l.ev.Kind == codec.Stop {
		owner.loop.post(func() { owner.endView(ViewerStopped) })
	}
	c.answer(nil)
}

// endView ends a viewer at the end of the packet it is in.
func (c *conn) endView(r Reason) {
	if v := c.viewer(); v != nil && v.ending == NoReason {
		v.ending, v.waitEnd = r, 0
		c.loop.send(c)
	}
}
