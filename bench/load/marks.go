package load

import (
	"context"
	"fmt"
	"net"
	"time"

	"streampump/bench/pace"
	"streampump/bench/player"
	"streampump/bench/synth"
)

// marks finds the encoder's marks in a stream of bytes, whatever lies around
// them. One that something else cuts in two is not found. The zero value is at
// the stream's beginning.
type marks struct {
	held []byte // what may be the beginning of a mark
}

// write takes the next bytes and calls found for each mark in them.
func (k *marks) write(b []byte, found func(synth.Mark)) {
	k.held = append(k.held, b...)
	rest := k.held
	for {
		m, n, ok := synth.FindMark(rest)
		rest = rest[n:]
		if !ok {
			break
		}
		found(m)
	}
	k.held = append(k.held[:0], rest...)
}

// watchMarks is watch for a server that reassembles the stream.
func (w *watcher) watchMarks(ctx context.Context, _ *player.Verifier) error {
	v := w.viewer()
	if w.o.Describe {
		if _, err := v.Describe(ctx); err != nil {
			return fmt.Errorf("describing: %w", err)
		}
	}
	c, err := v.Connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	h, err := c.Do(ctx, v.Client.AppendPlay(nil, v.Path, w.o.Addr, 0))
	if err != nil {
		return err
	}
	if h.Status != 200 {
		return &player.StatusError{Head: h}
	}
	w.tally.change(func(n *Counts) { n.Connected++ })
	return w.readMarks(ctx, c)
}

// readMarks reads a body until ctx ends or the connection fails.
func (w *watcher) readMarks(ctx context.Context, c net.Conn) error {
	defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })()
	var seen marks
	total, buf := int64(0), make([]byte, joinRead)
	for {
		_ = c.SetReadDeadline(time.Now().Add(player.DefaultTimeout))
		if ctx.Err() != nil { // and that deadline perhaps came before this one
			return ctx.Err()
		}
		n, err := c.Read(buf)
		total += int64(n)
		w.saw(player.Counts{Bytes: total, Packets: total})
		seen.write(buf[:n], w.delayed)
		switch {
		case err != nil:
			return err
		case w.throttle && !w.o.Throttle.pace(ctx, w.began, total):
			return ctx.Err()
		case w.stalls && !w.stalled && w.tally.measuring.Load():
			w.stalled = true
			if !pace.Sleep(ctx, w.o.Stall.For) {
				return ctx.Err()
			}
		}
	}
}
