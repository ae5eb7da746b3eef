package live

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/bench/synth"
	"streampump/codec/asf"
)

// specs are the shapes whose stamps are looked at.
func specs() map[string]synth.Spec {
	single := synth.Spec{Streams: []synth.Stream{synth.Video(1, 25, 200_000, 25)}, PacketSize: 1400, Padding: asf.Word}
	playable := synth.Plain(300_000)
	for i := range playable.Streams {
		playable.Streams[i] = playable.Streams[i].Playable()
	}
	return map[string]synth.Spec{
		"single": single, "multiple": synth.Plain(300_000), "playable": playable, "slow": synth.Sound(16_000),
	}
}

// TestStampIsWhenThePacketLeft: in a time that only passes while the source
// waits, a viewer without any way between sees a delay of nothing.
func TestStampIsWhenThePacketLeft(t *testing.T) {
	for name, spec := range specs() {
		t.Run(name, func(t *testing.T) {
			now := uint64(1e12)
			s, err := newSource(t.Context(), spec, 5*time.Second,
				func() uint64 { return now }, func(_ context.Context, d time.Duration) { now += uint64(d) })
			if err != nil {
				t.Fatal(err)
			}
			stamps := 0
			v := player.NewVerifier(player.Options{Plain: true, Object: player.Pattern(), Began: func(_ uint8, first []byte) {
				m, ok := synth.ReadMark(first)
				if !ok {
					return // the head of the object is cut by the packet's end
				}
				stamps++
				// A head that is cut leaves the stamp of the object before.
				if m.Stamp > now || now-m.Stamp > uint64(spec.Streams[0].Interval) {
					t.Fatalf("a packet that leaves at %d is stamped %d", now, m.Stamp)
				}
			}})
			if _, err := v.Write(s.Header()); err != nil {
				t.Fatal(err)
			}
			for {
				packet, _, err := s.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := v.Write(packet); err != nil {
					t.Fatal(err)
				}
			}
			if passed := time.Duration(now - 1e12); passed > 5*time.Second || passed < 4*time.Second || stamps < 5 {
				t.Errorf("%v passed with %d stamps", passed, stamps)
			}
		})
	}
}

func TestSourceEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	now, packets := uint64(0), 0
	s, err := newSource(ctx, synth.Plain(300_000), 0, func() uint64 { return now }, func(_ context.Context, d time.Duration) {
		now += uint64(d)
		if packets++; packets == 10 {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, _, err := s.Next(); err != nil {
			if !errors.Is(err, io.EOF) || packets != 10 {
				t.Errorf("%v after %d packets", err, packets)
			}
			return
		}
	}
}

func TestLatenessIsKept(t *testing.T) {
	now := uint64(0)
	s, err := newSource(t.Context(), synth.Plain(300_000), 0, func() uint64 { return now }, func(context.Context, time.Duration) {})
	if err != nil {
		t.Fatal(err)
	}
	now = uint64(time.Second) // nobody asked for the first packet for a second
	for range 10 {
		if _, _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if packets, size, late := s.Sent(); packets != 10 || size != 10*3200 || late != time.Second {
		t.Errorf("%d packets, %d bytes, late by %v", packets, size, late)
	}
}
