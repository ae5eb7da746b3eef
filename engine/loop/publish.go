package loop

import (
	"errors"
	"fmt"

	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/clock"
	"streampump/engine/reason"
	"streampump/engine/stream"
)

// setup opens an ingest session, or renews one.
func (c *Conn) setup() {
	l := c.loop
	v := &l.verdict
	st := c.find()
	switch {
	case st == nil:
	case !st.Config.Push:
		v.Code, v.Reason = codec.NoStream, notPushed(st)
	default:
		c.openIngest(st)
	}
	if st == nil || v.Code != codec.OK {
		v.Location = "" // an encoder is not sent to a web page
		l.group.denyLog.Warn("encoder is refused", c.denied(refusal(v))...)
	}
	c.answer(nil)
}

// notPushed is the operator's sentence for an encoder at a stream that has a
// source of another kind.
func notPushed(st *stream.Stream) string {
	if st.Config.Pull != nil {
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
		return "no pushed stream has this path"
	case v.Code == codec.Full:
		return "the table of sessions is full of active encoders"
	default:
		return "the session is unknown"
	}
}

// openIngest finds the ingest session that an encoder's request names, or makes one.
func (c *Conn) openIngest(st *stream.Stream) *stream.Ingest {
	l := c.loop
	v := &l.verdict
	if key := l.ev.Session; key != 0 {
		until := l.now + int64(l.group.cfg.Timeouts.PushInactive)
		if in := l.group.ingests.Find(key, until); in != nil && in.Stream == st {
			c.setUp, v.Session = in, key
			return in
		}
		if l.ev.Kind == codec.Setup {
			v.Code = codec.NoSession
			return nil
		}
	}
	// A start that names a session we do not know gets a new one, as from Windows Media
	// Services ([MS-WMHTTP] note 13); so does a setup that names none.
	in := stream.NewIngest(st)
	in.Client = c.client
	in.Expires.Store(l.now + int64(l.group.cfg.Timeouts.PushInactive))
	if c.setUp != nil {
		l.group.ingests.DropSetup(c.setUp) // a connection waits to publish one thing
	}
	gone, ok := l.group.ingests.Add(in, admission.Host(c.peer.Addr()))
	if gone != nil {
		l.group.bury(gone, "an encoder's idle session makes room for another", l.now)
	}
	if !ok {
		v.Code = codec.Full
		return nil
	}
	c.setUp = in
	v.Session = in.Key
	return in
}

// inUse is the operator's sentence for a second connection to a push session.
const inUse = "this push session is sending on another connection"

// publish makes the connection the one that sends a session's packets. If another one
// is, it is asked to let the session go.
func (c *Conn) publish() { c.publishOr(true) }

func (c *Conn) publishOr(ask bool) {
	l := c.loop
	v := &l.verdict
	st := c.find()
	v.Location = ""
	var in *stream.Ingest
	switch {
	case st == nil:
		v.Code = codec.NoStream
	case !st.Config.Push:
		v.Code, v.Reason = codec.NoStream, notPushed(st)
	default:
		in = c.openIngest(st)
	}
	if in != nil && (in.Elsewhere(c) || !in.Claim()) {
		if ask && c.askFor(in) {
			return
		}
		in, v.Session = nil, 0
		v.Code, v.Reason = codec.Busy, inUse
	}
	if in == nil {
		l.group.denyLog.Warn("encoder is refused", c.denied(refusal(v))...)
		c.answer(nil)
		return
	}
	if c.ingest != nil && c.ingest != in {
		c.dropIngest("the encoder began another session")
	}
	if err := c.openEars(st, l.ev.Ports); err != nil {
		in.Release()
		v.Session, v.Code, v.Reason = 0, codec.Full, err.Error()
		l.group.denyLog.Warn("encoder is refused", c.denied(v.Reason)...)
		c.answer(nil)
		return
	}
	v.Media = in.Media()
	if c.answer(nil) != codec.Ingest {
		c.closeEars()
		in.Release()
		return
	}
	c.setUp = nil
	in.Expires.Store(clock.Never)
	in.Attach(c)
	c.ingest, c.phase, c.lastIn, c.client = in, phaseIngest, l.now, in.Client
	in.Resume(l.now)
	st.Log().Info("encoder is connected", c.aboutEars(c.about("peer", c.peer, "agent", c.agent))...)
	c.rearm()
}

// ingestHeader passes a header on to the stream.
func (c *Conn) ingestHeader() {
	if c.ingest == nil {
		return
	}
	if err := c.ingest.Header(c.loop.ev.Media, c.loop.now); err != nil {
		c.turnAway(err)
		return
	}
	c.brings()
}

// brings notes that the connection brings a stream: what it has sent so far could
// have come from anybody.
func (c *Conn) brings() {
	if !c.ticket.Carrying() {
		c.loop.group.ingests.Publish(c.ingest)
		c.loop.group.books.Carry(&c.ticket, c.peer.Addr())
	}
}

// ingestPacket passes a packet on to the stream.
func (c *Conn) ingestPacket() {
	if c.ingest == nil {
		return
	}
	if _, _, err := c.ingest.Packet(&c.loop.ev, c.loop.now); err != nil {
		c.turnAway(err)
		return
	}
	if !c.ingest.LeftOut() {
		c.lastIn = c.loop.now
	}
	c.brings() // where a session goes on without a header
}

// turnAway ends the session of an encoder whose header or packet the stream refuses.
func (c *Conn) turnAway(err error) {
	cause, r := codec.CauseRefused, reason.PushRefused
	switch {
	case errors.Is(err, stream.ErrTaken):
		cause, r = codec.CauseTaken, reason.PushTaken
	case errors.Is(err, stream.ErrChanges):
		r = reason.PushChanges
	}
	c.endIngest(cause, r, err.Error())
}

// pause answers the end of a body: the session goes on with the next request.
func (c *Conn) pause() {
	l, in := c.loop, c.ingest
	if in == nil {
		return
	}
	c.closeEars()
	inactive := l.now + int64(l.group.cfg.Timeouts.PushInactive)
	l.verdict.Session = in.Key
	c.phase = phaseRequest
	l.group.books.Keep(&c.ticket, c.peer.Addr(), c)
	in.Commit()
	in.Expires.Store(inactive)
	in.Release() // the next request may come on another connection
	c.answer(nil)
}

// endIngest ends an encoder's session and tells it why.
func (c *Conn) endIngest(cause codec.Cause, r reason.Reason, why string) {
	in := c.takeIngest()
	if in == nil {
		if c.phase == phaseRequest {
			c.rearm() // its session has gone on elsewhere; it may ask for another
		}
		return
	}
	level := c.loop.group.pushLog.Info
	if r.Info().Error {
		level = c.loop.group.pushLog.Warn
	}
	level("encoder's session is over", c.about("stream", in.Stream.Config.Path, "peer", c.peer, "agent", c.agent, "why", why)...)
	in.Down(endOf(r), why, c.loop.now)
	c.loop.group.ingests.Drop(in)
	in.Release()
	c.finish(r, c.sess.AppendEnd(c.outgoing().own, cause, why))
}

// dropIngest takes the connection off its session: the session stays for a
// while, so that the encoder can come back to it, and the stream is held.
func (c *Conn) dropIngest(why string) {
	in := c.takeIngest()
	if in == nil {
		return
	}
	in.Down(stream.Lost, fmt.Sprintf("%s (%s)", why, c.peer), c.loop.now)
	in.Expires.Store(c.loop.now + int64(c.loop.group.cfg.Timeouts.PushIdle))
	in.Release()
}

// takeIngest takes the connection off its session and claims the session for the
// caller; nil if there is none, or another connection has gone on with it.
func (c *Conn) takeIngest() *stream.Ingest {
	c.closeEars()
	in := c.ingest
	c.ingest = nil
	if in == nil || in.AttachedTo(c) {
		return in
	}
	if !in.LastUsedBy(c) || !in.Claim() {
		return nil
	}
	if !in.LastUsedBy(c) { // another connection used it in between
		in.Release()
		return nil
	}
	return in
}

// Taken implements [stream.Feeder].
func (c *Conn) Taken(in *stream.Ingest) {
	c.loop.Post(func() {
		if c.ingest == in {
			c.endIngest(codec.CauseTaken, reason.PushTaken, stream.ErrTaken.Error())
		}
	})
}

// endOf is how a source went whose session ended for reason r.
func endOf(r reason.Reason) stream.End {
	switch r {
	case reason.PushEnded:
		return stream.Ended
	case reason.ShuttingDown:
		return stream.Stopped
	default:
		return stream.Lost
	}
}
