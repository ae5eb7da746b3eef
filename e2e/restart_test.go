//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/codec/asf"
	"streampump/e2e/rig"
	"streampump/engine"
)

const (
	// beforeCrash is how many frames a player has decoded when its encoder dies.
	beforeCrash = 40
	// shortSeconds is how long the film is at the end of which it dies.
	shortSeconds = 4
)

// TestEncoderRestarts: the encoder dies between two pictures and comes back
// with the header of the same encoding and its clock at zero. Each player plays
// on over the splice without a complaint.
func TestEncoderRestarts(t *testing.T) {
	short, f := film(t, shortSeconds, 320), film(t, 20, 320)
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			restart(t, k, &reel{footage: short, crash: true}, f).finish()
		})
	}
}

// TestEncoderRestartsInMidPicture is the same where the encoder dies within a
// picture, of which VLC and MPlayer then show a part.
func TestEncoderRestartsInMidPicture(t *testing.T) {
	whole, f := film(t, shortSeconds, 320), film(t, 20, 320)
	cut := *whole
	cut.packets = cut.packets[:cut.midPicture(t)]
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			w := restart(t, k, &reel{footage: &cut, crash: true}, f)
			w.excuse(cutPicture)
			w.finish()
		})
	}
}

// restart has a player play an encoder's reel to its end, where it dies, and on
// when the same encoder comes back with a film.
func restart(t *testing.T, k kind, before *reel, after *footage) *watcher {
	t.Helper()
	need(t, k.binary)
	p := startPushed(t)
	first := encode(t, p, "pushed", before, push.RunOptions{Pace: push.RealTime(1)})
	up(t, p, "pushed")
	w := k.start(t, p.URL(k.scheme, "pushed"))
	p.AwaitStatus("the player has joined", func(s engine.Snapshot) bool { return streamOf(s, "pushed").Viewers > 0 })
	watched := watchTimes(t, p)
	if err := <-first.done; !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	_ = first.client.Close()
	p.AwaitStatus("the viewers are held", func(s engine.Snapshot) bool {
		return streamOf(s, "pushed").State == engine.SourceHeld.String()
	})
	encode(t, p, "pushed", &reel{footage: after.again(t), loop: true}, push.RunOptions{Pace: push.RealTime(1)})
	// More than there were before the splice; and in time, which they are not
	// where the clock goes back.
	w.decode(enough + shortSeconds*filmRate)
	w.show(enough/2 + shortSeconds*filmRate)
	watched(t)
	if s := streamOf(p.Status(), "pushed"); s.Splices != 1 || s.Programmes != 1 {
		t.Errorf("the stream did not go on: %+v", s)
	}
	return w
}

// watchTimes starts a viewer that judges packets and their times. What it
// returns tells the verdict so far: one gap, where the encoder was cut, and that
// send times never go back.
func watchTimes(t *testing.T, p *rig.Pump) func(*testing.T) {
	t.Helper()
	v := player.Viewer{Client: player.VLC(), Addr: p.Addr.String(), Path: "/streams/pushed"}
	ctx, cancel := context.WithCancel(context.Background())
	c, _, err := v.Play(ctx)
	if err != nil {
		t.Fatal(err)
	}
	judge, done := player.NewVerifier(player.Options{}), make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Verify(ctx, judge, func(player.Counts) bool { return false })
	}()
	return func(t *testing.T) {
		t.Helper()
		cancel()
		<-done
		_ = c.Close()
		counts := judge.Counts()
		if err := judge.Err(); err != nil || counts.Gaps != 1 || counts.SendTime < (shortSeconds+1)*1000 {
			t.Errorf("the viewer beside it: %v; %+v", err, counts)
		}
	}
}

// TestEncoderComesBackDifferent: an encoder with a header of another picture
// takes over. Players that cannot follow end, as at the end of a stream.
func TestEncoderComesBackDifferent(t *testing.T) {
	f, other := film(t, 20, 320), film(t, 20, 352)
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			p := startPushed(t)
			first := encode(t, p, "pushed", &reel{footage: f, loop: true}, push.RunOptions{Pace: push.RealTime(1)})
			up(t, p, "pushed")
			w := k.start(t, p.URL(k.scheme, "pushed"))
			w.decode(beforeCrash)
			first.crash()
			encode(t, p, "pushed", &reel{footage: other, loop: true}, push.RunOptions{Pace: push.RealTime(1)})
			w.excuse(cutPicture)
			w.over()
			if s := streamOf(p.Status(), "pushed"); s.Programmes != 2 {
				t.Errorf("there is no new programme: %+v", s)
			}
		})
	}
}

// TestWindowsMediaPlayerFollows: a Windows Media Player that tells what it
// supports gets $E(1) $C $H $D of the new encoder, on the same connection
// [MS-WMSP] 3.2.4.1.
func TestWindowsMediaPlayerFollows(t *testing.T) {
	p := startPushed(t)
	f, other := film(t, 20, 320), film(t, 20, 352)
	first := encode(t, p, "pushed", &reel{footage: f, loop: true}, push.RunOptions{Pace: push.RealTime(1)})
	up(t, p, "pushed")
	v := player.Viewer{Client: player.WMP12(), Addr: p.Addr.String(), Path: "/streams/pushed"}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := v.Play(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	kinds := readUntil(ctx, t, c, nil, 'D')
	first.crash()
	second := encode(t, p, "pushed", &reel{footage: other, loop: true}, push.RunOptions{Pace: push.RealTime(1)})
	kinds = readUntil(ctx, t, c, kinds, 'C')
	kinds = readUntil(ctx, t, c, kinds, 'D')
	second.crash()
	if got := string(slices.Compact(kinds)); got != "HDECHD" {
		t.Errorf("the packets came as %s, want HDECHD", got)
	}
}

// readUntil reads MMS packets up to the first of a kind, and adds their kinds
// to those seen before. Each $E must announce a change, as reason 1 does.
func readUntil(ctx context.Context, t *testing.T, c *player.Conn, kinds []byte, last byte) []byte {
	t.Helper()
	for {
		m, err := c.Packet(ctx)
		if err != nil {
			t.Fatalf("after %s: %v", slices.Compact(slices.Clone(kinds)), err)
		}
		if m.Kind == player.KindEnd && m.Reason != 1 || m.Kind == player.KindChange && m.Reason != 0 {
			t.Fatalf("$%c has reason %d", m.Kind, m.Reason)
		}
		kinds = append(kinds, m.Kind)
		if m.Kind == last {
			return kinds
		}
	}
}

// midPicture is how many packets of the film end in the middle of a picture,
// late in the film.
func (f *footage) midPicture(t testing.TB) int {
	t.Helper()
	for n := len(f.packets) - 1; n > 0; n-- {
		var p asf.Packet
		b := f.packets[n-1]
		if err := p.Parse(b, f.size); err != nil {
			t.Fatal(err)
		}
		var last asf.Payload
		for it := p.Iter(b); it.Next(); {
			last = it.Payload
		}
		if last.Stream == filmVideo && last.Offset+uint32(len(last.Data)) < last.ObjectSize {
			return n
		}
	}
	t.Fatal("no packet of the film ends in the middle of a picture")
	return 0
}

// startPushed starts a pump with one stream to push to.
func startPushed(t testing.TB) *rig.Pump {
	t.Helper()
	return rig.Start(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "pushed"}]`})
}

// again is the film under the header of another run of its encoder: File ID and
// creation time differ.
func (f *footage) again(t testing.TB) *footage {
	t.Helper()
	const fileProperties = "\xA1\xDC\xAB\x8C\x47\xA9\xCF\x11\x8E\xE4\x00\xC0\x0C\x20\x53\x65"
	g := *f
	g.header = slices.Clone(f.header)
	at := bytes.Index(g.header, []byte(fileProperties))
	if at < 0 {
		t.Fatal("the film's header has no File Properties")
	}
	copy(g.header[at+24:], "another file id.")
	binary.LittleEndian.PutUint64(g.header[at+48:], uint64(time.Hour))
	before, err := asf.ParseHeader(f.header)
	if err != nil {
		t.Fatal(err)
	}
	after, err := asf.ParseHeader(g.header)
	if err != nil {
		t.Fatal(err)
	}
	if !asf.Equivalent(before, after) {
		t.Fatal("the header of another run is not equivalent")
	}
	return &g
}
