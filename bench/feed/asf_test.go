package feed

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"streampump/bench/flvsynth"
	"streampump/bench/player"
	"streampump/bench/rtpsynth"
	"streampump/bench/synth"
	"streampump/codec/asf"
)

// burst is what leaves an encoder at one moment, as a viewer gets it.
type burst struct{ packets, bytes int }

// likeSpan is how much of a stream is compared: a multiple of the GOP and of both steps.
const likeSpan = 40 * time.Second

// sent is what a stream sends, by milliseconds from its beginning.
func sent(next func() (due time.Duration, size int)) map[int]burst {
	all := map[int]burst{}
	for {
		due, size := next()
		if due >= likeSpan {
			return all
		}
		ms := int(due.Milliseconds())
		all[ms] = burst{all[ms].packets + 1, all[ms].bytes + size}
	}
}

// originals are the streams with what they send. The packets with the parameter sets of RTSP's
// key frames are left out, as they have none like them.
func originals(t *testing.T) map[string]map[int]burst {
	t.Helper()
	rtsp, err1 := rtpsynth.Live(1_000_000, 50, 1400)
	rtmp, err2 := flvsynth.Live(1_000_000, 50)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	packets, tags := rtpsynth.New(rtsp), flvsynth.New(rtmp)
	return map[string]map[int]burst{
		RTSP: sent(func() (time.Duration, int) {
			p := packets.Next()
			if len(p.Bytes) < 200 && packets.Last() == rtpsynth.Video {
				p = packets.Next()
			}
			return p.Due, len(p.Bytes) + interleaved
		}),
		RTMP: sent(func() (time.Duration, int) {
			tag := tags.Next()
			return tag.Due, len(tag.Body) + 12
		}),
	}
}

// TestASFHasTheSamePackets: as many, at the same times, and as large but for what sizes vary
// by.
func TestASFHasTheSamePackets(t *testing.T) {
	for protocol, want := range originals(t) {
		stream, err := Live(protocol, 1_000_000, 50, 1400)
		if err != nil {
			t.Fatal(err)
		}
		e := encoder(t, stream)
		got := sent(func() (time.Duration, int) {
			b, at, err := e.Next()
			if err != nil {
				t.Fatal(err)
			}
			return time.Duration(at) * time.Millisecond, len(b) + Framed
		})
		var all, like burst
		for ms, w := range want {
			g := got[ms]
			if g.packets != w.packets || math.Abs(float64(g.bytes-w.bytes)) > float64(39*w.packets) {
				t.Fatalf("%s, after %d ms: %+v, want about %+v", protocol, ms, g, w)
			}
			all.packets, all.bytes = all.packets+w.packets, all.bytes+w.bytes
			like.packets, like.bytes = like.packets+g.packets, like.bytes+g.bytes
		}
		size, number := stream.Mean()
		seconds := likeSpan.Seconds()
		if len(got) != len(want) || math.Abs(float64(like.bytes)/float64(all.bytes)-1) > 0.002 ||
			math.Abs(float64(like.packets)/seconds/number-1) > 0.005 || math.Abs(float64(like.bytes)/seconds/size-1) > 0.005 {
			t.Errorf("%s: %+v at %d times, want %+v at %d, and %.0f bytes in %.1f packets a second", protocol, like, len(got), all, len(want), size, number)
		}
	}
}

func encoder(t *testing.T, stream Stream) *synth.Encoder {
	t.Helper()
	spec, err := stream.ASF()
	if err != nil {
		t.Fatal(err)
	}
	e, err := synth.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestASFVerifies: a player that gets all of it finds every media object whole and in order.
func TestASFVerifies(t *testing.T) {
	for _, protocol := range []string{RTSP, RTMP} {
		stream, err := Live(protocol, 1_000_000, 50, 1400)
		if err != nil {
			t.Fatal(err)
		}
		e := encoder(t, stream)
		v := player.NewVerifier(player.Options{Plain: true, Object: player.Pattern()})
		body := bytes.Clone(e.Header())
		const packets = 500
		for range packets {
			b, _, err := e.Next()
			if err == nil {
				body, err = asf.AppendInflated(body, b, e.PacketSize())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := v.Write(body); err != nil {
			t.Errorf("%s: %v", protocol, err)
		}
		if n := v.Counts(); n.Packets != packets || n.Gaps != 0 || n.Cut != 0 || n.Objects < 200 {
			t.Errorf("%s: %+v", protocol, n)
		}
	}
}

// TestASFIsRefused: a key frame that no chunk of MMSH holds.
func TestASFIsRefused(t *testing.T) {
	stream, err := Live(RTMP, 8_000_000, 50, 1400)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.ASF(); err == nil || !strings.Contains(err.Error(), "too large for MMSH") {
		t.Error(err)
	}
}
