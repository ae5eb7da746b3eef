package engine

import (
	"errors"
	"fmt"

	"streampump/codec"
)

// setup opens an ingest session, or renews one.
func (c *conn) setup() {
	l := c.loop
	v := &l.verdict
	st := l.eng.find(l.ev.Path, v)
	switch {
	case st == nil:
	case !st.cfg.Push:
		v.Code, v.Reason = codec.NoStream, st.notPushed()
	default:
		c.openIngest(st)
	}
	if st == nil || v.Code != codec.OK {
		v.Location = "" // an encoder is not sent to a web page
		l.eng.pushLog.Warn("encoder is refused", "path", l.ev.Path, "peer", c.peer, "why", refusal(v))
	}
	c.answer(nil)
	if v.Code == codec.OK && c.phase == phaseRequest {
		c.setTimer(l.now + int64(l.eng.cfg.Timeouts.PushInactive))
	}
}

// notPushed is the operator's sentence for an encoder at a stream that has a
// source of another kind.
func (st *stream) notPushed() string {
	if st.cfg.Pull != nil {
		return "no encoder can feed this stream: it is pulled from a server"
	}
	return "no encoder can feed this stream: it is played from a file"
}

// refusal is the operator's sentence for an ingest that gets no session.
func refusal(v *codec.Verdict) string {
	switch {
	case v.Reason != "":
		return v.Reason
	case v.Code == codec.NoStream:
		return "no stream that is pushed has this path"
	case v.Code == codec.Full:
		return "the session table is full"
	default:
		return "the session is not known"
	}
}

// openIngest finds or makes the ingest session that an encoder's request names.
func (c *conn) openIngest(st *stream) *ingest {
	l := c.loop
	v := &l.verdict
	if key := l.ev.Session; key != 0 {
		until := l.now + int64(l.eng.cfg.Timeouts.PushInactive)
		if in := l.eng.sessions.ingest(key, until); in != nil && in.stream == st {
			if in.elsewhere(c) {
				v.Code, v.Reason = codec.Busy, inUse
				return nil
			}
			v.Session = key
			return in
		}
		if l.ev.Kind == codec.Setup {
			v.Code = codec.NoSession
			return nil
		}
	}
	// A start with a session we do not know gets a new one, as Windows Media
	// Services does ([MS-WMHTTP] note 13); so does a setup without any.
	in := &ingest{stream: st}
	in.expires.Store(l.now + int64(l.eng.cfg.Timeouts.PushInactive))
	if !l.eng.sessions.addIngest(in) {
		v.Code = codec.Full
		return nil
	}
	v.Session = in.key
	return in
}

// inUse is the operator's sentence for a second connection to a push session.
const inUse = "this push session is sending on another connection"

// publish makes the connection the one that brings a session's packets.
func (c *conn) publish() {
	l := c.loop
	v := &l.verdict
	st := l.eng.find(l.ev.Path, v)
	v.Location = ""
	var in *ingest
	switch {
	case st == nil:
		v.Code = codec.NoStream
	case !st.cfg.Push:
		v.Code, v.Reason = codec.NoStream, st.notPushed()
	default:
		in = c.openIngest(st)
	}
	if in != nil && !in.claim() {
		in, v.Session = nil, 0
		v.Code, v.Reason = codec.Busy, inUse
	}
	if in == nil {
		l.eng.pushLog.Warn("encoder is refused", "path", l.ev.Path, "peer", c.peer, "why", refusal(v))
		c.answer(nil)
		return
	}
	if c.ingest != nil && c.ingest != in {
		c.dropIngest("the encoder began another session")
	}
	v.Media = in.media()
	if c.answer(nil) != codec.Ingest {
		in.release()
		return
	}
	in.expires.Store(never)
	in.conn.Store(c)
	in.last.Store(c)
	c.ingest, c.phase, c.lastIn = in, phaseIngest, l.now
	in.resume(l.now)
	st.log.Info("encoder is connected", "peer", c.peer, "agent", c.agent)
	c.rearm()
}

// ingestHeader passes a header on to the stream.
func (c *conn) ingestHeader() {
	if c.ingest == nil {
		return
	}
	c.lastIn = c.loop.now
	if err := c.ingest.header(c.loop.ev.Media, c.loop.now); err != nil {
		c.endIngest(codec.CauseTaken, PushTaken, err.Error())
	}
}

// ingestPacket passes a packet on to the stream.
func (c *conn) ingestPacket() {
	if c.ingest == nil {
		return
	}
	c.lastIn = c.loop.now
	if _, _, err := c.ingest.packet(&c.loop.ev, c.loop.now); err != nil {
		if errors.Is(err, errTaken) {
			c.endIngest(codec.CauseTaken, PushTaken, err.Error())
			return
		}
		c.endIngest(codec.CauseRefused, PushRefused, err.Error())
	}
}

// pause answers the end of a body: the session goes on with the next request.
func (c *conn) pause() {
	l, in := c.loop, c.ingest
	if in == nil {
		return
	}
	inactive := l.now + int64(l.eng.cfg.Timeouts.PushInactive)
	l.verdict.Session = in.key
	c.phase = phaseRequest
	in.commit()
	in.expires.Store(inactive)
	in.release() // the next request may come on another connection
	if c.answer(nil) != codec.Close {
		c.setTimer(inactive)
	}
}

// endIngest ends an encoder's session and tells it why.
func (c *conn) endIngest(cause codec.Cause, r Reason, why string) {
	in := c.takeIngest()
	if in == nil {
		if c.phase == phaseRequest {
			c.rearm() // its session has gone on elsewhere; it may ask for another
		}
		return
	}
	level := c.loop.eng.pushLog.Info
	if r.Info().Error {
		level = c.loop.eng.pushLog.Warn
	}
	level("encoder's session is over", "stream", in.stream.cfg.Path, "peer", c.peer, "agent", c.agent, "why", why)
	in.down(r == PushEnded, why, c.loop.now)
	c.loop.eng.sessions.dropIngest(in)
	in.release()
	c.finish(r, c.sess.AppendEnd(c.outgoing().own, cause, why))
}

// dropIngest takes the connection off its session: the session stays for a
// while, so that the encoder can come back to it, and the stream is held.
func (c *conn) dropIngest(why string) {
	in := c.takeIngest()
	if in == nil {
		return
	}
	in.down(false, fmt.Sprintf("%s (%s)", why, c.peer), c.loop.now)
	in.expires.Store(c.loop.now + int64(c.loop.eng.cfg.Timeouts.PushIdle))
	in.release()
}

// takeIngest takes the connection off its session and claims that for the
// caller; nil if there is none, or another connection has gone on with it.
func (c *conn) takeIngest() *ingest {
	in := c.ingest
	c.ingest = nil
	if in == nil || in.conn.Load() == c {
		return in
	}
	if in.last.Load() != c || !in.claim() {
		return nil
	}
	if in.last.Load() != c { // another one used it between the two
		in.release()
		return nil
	}
	return in
}
