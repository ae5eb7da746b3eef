package load

import (
	"context"
	"errors"
	"net"
	"time"

	"streampump/bench/feed"
	"streampump/bench/meter"
	"streampump/bench/pace"
	"streampump/bench/player"
)

// counted counts the bytes that a connection reads.
type counted struct {
	net.Conn
	read int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read += int64(n)
	return n, err
}

// runFeed watches a Feed until ctx ends or the player fails.
func (w *watcher) runFeed(ctx context.Context) {
	d := w.dialer()
	d.Timeout = player.DefaultTimeout
	c, err := d.DialContext(ctx, "tcp", w.server.String())
	if err == nil {
		err = w.watchFeed(ctx, &counted{Conn: c})
	}
	if ctx.Err() == nil {
		w.tally.lost(w.joined, err)
	}
}

// watchFeed is watch for a Feed. It owns the connection.
func (w *watcher) watchFeed(ctx context.Context, c *counted) error {
	o := feed.Watching{Loose: w.o.AnyStart, Now: meter.Now}
	if !w.stalls {
		o.Delay = w.tally.stamped
	}
	v := w.o.Feed.Watch(c, w.o.place(), o)
	defer v.Close()
	defer func() { w.tally.verifiedFeed(v.Counts()) }()
	if err := v.Open(ctx); err != nil {
		return err
	}
	w.tally.change(func(n *Counts) { n.Connected++ })
	for {
		stall := false
		err := v.Until(ctx, func() bool {
			w.sawFeed(v.Counts(), c.read)
			stall = w.stalls && !w.stalled && w.tally.measuring.Load()
			return stall
		})
		if errors.Is(err, feed.ErrOver) {
			return errEnded
		}
		if !stall {
			return err
		}
		w.stalled = true
		if !pace.Sleep(ctx, w.o.Stall.For) {
			return ctx.Err()
		}
	}
}

// sawFeed takes in what a viewer has counted after a packet, and what was read.
func (w *watcher) sawFeed(n feed.Counts, read int64) {
	w.tally.bytes.Add(read - w.bytes)
	w.bytes = read
	if !w.joined && n.Decodes {
		w.joined = true
		w.tally.joined(time.Since(w.began))
	}
}
