package load

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"streampump/bench/meter"
	"streampump/bench/pace"
	"streampump/bench/player"
	"streampump/bench/segment"
	"streampump/bench/synth"
)

// errEnded is a stream that its source has ended.
var errEnded = errors.New("the stream ended")

// watcher is a verified player. It is used by one goroutine.
type watcher struct {
	seat
	o      *Options
	server netip.AddrPort
	tally  *tally

	began   time.Time
	joined  bool
	stalled bool
	bytes   int64 // told to the tally
	foreign bool  // the stream is not of the synthetic encoder
	check   func(*player.Object) error
	objects int64
}

// run joins when it is due and watches until ctx ends or the player fails.
func (w *watcher) run(ctx context.Context, began time.Time) {
	if !pace.Sleep(ctx, time.Until(began.Add(w.o.due(w.player)))) {
		return
	}
	w.began = time.Now()
	w.check = player.Pattern()
	w.tally.change(func(n *Counts) { n.Started++ })
	if w.o.Feed != nil {
		w.runFeed(ctx)
		return
	}
	v := player.NewVerifier(player.Options{Plain: w.o.Plain, AnyStart: w.o.AnyStart, Object: w.object, Began: w.stamp, Rounds: w.isForeign})
	watch := w.watch
	if w.o.Marks {
		watch = w.watchMarks
	}
	err := watch(ctx, v)
	if v.Counts().Ended && (err == nil || errors.Is(err, io.EOF)) {
		err = errEnded
	}
	w.tally.verified(v.Counts(), w.objects, w.foreign)
	if ctx.Err() == nil {
		w.tally.lost(w.joined, err)
	}
}

// watch returns when ctx ends or the player fails.
func (w *watcher) watch(ctx context.Context, v *player.Verifier) error {
	c, _, err := w.viewer().Play(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	w.tally.change(func(n *Counts) { n.Connected++ })
	for {
		stall := false
		err := c.Verify(ctx, v, func(n player.Counts) bool {
			w.saw(n)
			if w.throttle && !w.o.Throttle.pace(ctx, w.began, n.Bytes) {
				return true
			}
			stall = w.stalls && !w.stalled && w.tally.measuring.Load()
			return stall
		})
		switch {
		case err != nil:
			return err
		case !stall:
			return io.EOF
		}
		w.stalled = true
		if !pace.Sleep(ctx, w.o.Stall.For) {
			return ctx.Err()
		}
	}
}

// viewer is the client whose words the player uses.
func (w *watcher) viewer() *player.Viewer {
	v := &player.Viewer{Client: w.o.client(), Addr: w.server.String(), Host: w.o.Addr, Path: w.o.Path}
	d := w.dialer()
	v.Dial = d.DialContext
	if w.o.TLS != nil {
		v.Dial = w.secured(d)
	}
	return v
}

// dialer connects from the player's own address.
func (w *watcher) dialer() net.Dialer {
	d := net.Dialer{Control: segment.Control(w.o.Segment)}
	if source := sourceOf(w.player, w.server.Addr()); source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	return d
}

// secured dials with TLS. The handshake may take as long as any answer.
func (w *watcher) secured(d net.Dialer) func(context.Context, string, string) (net.Conn, error) {
	d.Timeout = player.DefaultTimeout
	s := tls.Dialer{NetDialer: &d, Config: w.o.TLS}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := s.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		state := c.(*tls.Conn).ConnectionState()
		w.tally.shook(&state)
		return c, nil
	}
}

// saw takes in what the verifier has counted after a read.
func (w *watcher) saw(n player.Counts) {
	w.tally.bytes.Add(n.Bytes - w.bytes)
	w.bytes = n.Bytes
	if !w.joined && n.Packets > 0 {
		w.joined = true
		w.tally.joined(time.Since(w.began))
	}
}

// object checks a media object by the pattern, if the first one has it.
func (w *watcher) object(o *player.Object) error {
	if w.objects == 0 && !w.foreign {
		_, ours := synth.ReadMark(o.Data)
		w.foreign = !ours
	}
	if w.foreign {
		return nil
	}
	w.objects++
	return w.check(o)
}

// isForeign reports whether the stream is known not to be the synthetic encoder's, so
// that it may be a file that begins again.
func (w *watcher) isForeign() bool { return w.foreign }

// stamp takes the delay of a packet from the object that it begins last.
func (w *watcher) stamp(_ uint8, first []byte) {
	if m, ok := synth.ReadMark(first); ok {
		w.delayed(m)
	}
}

// delayed takes a delay. That of a player that stalls or is throttled is its
// own doing and does not count.
func (w *watcher) delayed(m synth.Mark) {
	if !w.stalls && !w.throttle && m.Stamp != 0 {
		w.tally.stamped(meter.Now(), m.Stamp)
	}
}
