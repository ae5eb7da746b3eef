//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"streampump/bench/rtmpclient"
)

// What viewers got that stopped for a while, for a minute too, or whose network is too slow
// for the stream, is a film with holes, whose times go on: ffmpeg decodes each of its
// pictures, and its sound, without an error.
func TestRTMPStalledViewersFilmDecodes(t *testing.T) {
	need(t, "ffmpeg")
	t.Parallel() // beside others that wait for a minute
	n := newNetwork(t, 2)
	n.slow(0, "30mbit")
	n.slow(1, "2mbit")
	p := startTapedPump(t, n, "rtmp_push")
	startNoise(t, n.prefix(), 4, "-f", "flv", fmt.Sprintf("rtmp://127.0.0.1:%d/streams/live", netPort))
	p.awaitUp("live")
	stops := []time.Duration{5 * time.Second, 20 * time.Second, time.Minute}
	checkStalls(t, p, stops, func(link int) *taped { return tapeRTMP(t, n, link) })
}

// rtmpTape is a viewer over RTMP whose film is as an FLV file has it: messages are its tags.
type rtmpTape struct {
	*taped
	client *rtmpclient.Client

	newest uint32    // of all times
	last   [2]uint32 // times of the last picture and the last sound
}

// tapeRTMP starts a viewer of a link of the network.
func tapeRTMP(t testing.TB, n *network, link int) *taped {
	t.Helper()
	ctx := t.Context()
	c, err := dialFrom(n.viewers(link))(ctx, "tcp", n.address(link))
	if err != nil {
		t.Fatal(err)
	}
	v := &rtmpTape{client: &rtmpclient.Client{Conn: rtmpclient.NewConn(c, patience)}}
	v.taped = newTaped(t, c, "-f", "flv")
	const signature, version, both, size = "FLV", 1, 5, 9
	v.film = append([]byte(signature), version, both, 0, 0, 0, size, 0, 0, 0, 0)
	v.client.Aside = v.take
	if err := v.open(); err != nil {
		t.Fatal(err)
	}
	v.play(func() (func() error, error) {
		m, err := v.client.Next(ctx)
		return func() error { return v.take(m) }, err
	})
	return v.taped
}

// open begins to play.
func (v *rtmpTape) open() error {
	ctx := v.t.Context()
	if _, err := v.client.Handshake(ctx); err != nil {
		return err
	}
	if _, err := v.client.Connect(ctx, v.client.Properties("streams", "rtmp://pump/streams")); err != nil {
		return err
	}
	stream, err := v.client.CreateStream(ctx)
	if err == nil {
		_, err = v.client.Play(ctx, stream, "live")
	}
	return err
}

// take takes a message.
func (v *rtmpTape) take(m rtmpclient.Message) error {
	switch m.Type {
	case rtmpclient.TypeVideo, rtmpclient.TypeAudio:
		v.judge(m)
		v.tag(m)
	case rtmpclient.TypeData:
		v.tag(m)
	}
	return v.client.Pong(v.t.Context(), m)
}

// judge looks at the time of a picture or a sound, and at whether a film may begin with it,
// or go on with it behind a gap. All of them come in the order of their times, as ffmpeg
// sends them.
func (v *rtmpTape) judge(m rtmpclient.Message) {
	const (
		picture, sound = 1000 / filmRate, 1000 * 1024 / 48_000 // how long they are
		keyFrame       = 0x17                                  // of H.264
		gap            = 10 * picture                          // longer than any wait between two of the tracks
	)
	if m.Time < v.newest {
		v.amiss("the times go from %d back to %d", v.newest, m.Time)
	}
	if step := m.Time - v.newest; !v.fresh && step > gap {
		v.holes++
		v.fresh = true
	}
	v.newest = m.Time
	if m.Body[1] == 0 {
		return // it is a header
	}
	if v.fresh && (m.Type != rtmpclient.TypeVideo || m.Body[0] != keyFrame) {
		v.amiss("at %d it begins, or goes on, with %v", m.Time, &m)
	}
	if v.fresh {
		v.last, v.fresh = [2]uint32{m.Time, m.Time}, false
	}
	track, most := 0, uint32(picture)
	if m.Type == rtmpclient.TypeAudio {
		track, most = 1, sound+1 // times are rounded
	}
	step := m.Time - v.last[track]
	if v.last[track] = m.Time; step > most {
		v.amiss("of track %d nothing comes in the %d ms before %d", track, step, m.Time)
	}
	if track == 0 {
		v.pictures++
		v.played += time.Duration(step) * time.Millisecond
	}
}

// tag writes a message to the film (FLV 10.1, E.4.1).
func (v *rtmpTape) tag(m rtmpclient.Message) {
	size, at := len(m.Body), m.Time
	v.film = append(v.film, m.Type, byte(size>>16), byte(size>>8), byte(size),
		byte(at>>16), byte(at>>8), byte(at), byte(at>>24), 0, 0, 0)
	v.film = append(v.film, m.Body...)
	size += 11
	v.film = append(v.film, byte(size>>24), byte(size>>16), byte(size>>8), byte(size))
}
