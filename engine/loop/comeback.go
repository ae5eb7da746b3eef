package loop

import (
	"time"

	"streampump/codec"
	"streampump/engine/reason"
	"streampump/engine/stream"
)

// An encoder that comes back to its session may find it on a connection that hangs,
// or that another loop is just closing. That connection is asked, on its own loop, to
// let the session go, and then the request is looked at again; meanwhile, what the
// encoder sends behind it waits.

// hangs is how long an encoder's connection must be silent before another may take
// its session: no working encoder is silent for that long.
const hangs = int64(2 * time.Second)

// askFor asks the connection that has the session to let it go; false if there is none
// to ask.
func (c *Conn) askFor(in *stream.Ingest) bool {
	l := c.loop
	has, ok := in.LastFeeder().(*Conn)
	if !ok || has == c {
		return false
	}
	q := c.await(maxBehind, func() { c.publishOr(false) })
	has.loop.Post(func() {
		has.letGo(in)
		l.Post(func() { c.askAgain(q) })
	})
	return true
}

// letGo gives up a session whose encoder has come back elsewhere, if the connection
// hangs.
func (c *Conn) letGo(in *stream.Ingest) {
	if c.ingest != in || c.loop.now-c.lastIn < hangs {
		return
	}
	if c.takeIngest() == nil {
		return
	}
	in.Expires.Store(c.loop.now + int64(c.loop.group.cfg.Timeouts.PushIdle))
	in.Release()
	why := reason.PushReturned.Info().Text
	c.loop.group.pushLog.Info("encoder has come back", c.about("stream", in.Stream.Config.Path, "peer", c.peer, "agent", c.agent)...)
	c.finish(reason.PushReturned, c.sess.AppendEnd(c.outgoing().own, codec.CauseTaken, why))
}

// askAgain looks at the waiting request once more, for the last time.
func (c *Conn) askAgain(q *question) {
	if !c.recall(q) {
		return
	}
	c.publishOr(false)
	c.proceed()
}
