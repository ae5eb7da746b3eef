package rtpsynth

import (
	"math"
	"slices"
	"testing"
	"time"

	"streampump/bench/payload"
)

// TestLive: a source has the bitrate that was asked for, in packets that are no larger.
func TestLive(t *testing.T) {
	for _, c := range []struct{ bitrate, gop, most int }{
		{1_000_000, 50, 1400}, {4_000_000, 50, 1400}, {200_000, 25, 1400}, {1_000_000, 1, 1400}, {1_000_000, 50, 500},
	} {
		s, err := Live(c.bitrate, c.gop, c.most)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		bytes, packets := s.Mean()
		if rate := bytes * 8; math.Abs(rate/float64(c.bitrate)-1) > 0.01 {
			t.Errorf("%+v has %.0f bit/s", c, rate)
		}
		src, largest, sent, count := New(s), 0, 0, 0
		for p := src.Next(); p.Due < 20*time.Second; p = src.Next() {
			largest, sent, count = max(largest, len(p.Bytes)), sent+len(p.Bytes), count+1
		}
		if largest > c.most || math.Abs(float64(sent)/20/bytes-1) > 0.02 || math.Abs(float64(count)/20/packets-1) > 0.02 {
			t.Errorf("%+v: the largest packet has %d bytes, and in 20 s there are %d of %d bytes, where %.0f and %.0f a second were told", c, largest, count, sent, packets, bytes)
		}
	}
	for _, c := range [][3]int{{1_000_000, 0, 1400}, {1_000_000, 50, 100}, {1_000_000, 50, 1 << 16}, {60_000, 50, 1400}} {
		if _, err := Live(c[0], c[1], c[2]); err == nil {
			t.Errorf("%v is a source", c)
		}
	}
}

// TestDue: a run says itself when its packets were due, also where its name wraps.
func TestDue(t *testing.T) {
	s, err := Live(1_000_000, 50, 1400)
	if err != nil {
		t.Fatal(err)
	}
	for _, now := range []uint64{1_234_567_891, 1<<32*1_000_000 - 500_000} {
		run, at := payload.Begin(now)
		if at <= now || at-now > uint64(time.Millisecond) {
			t.Errorf("at %d a run begins at %d", now, at)
		}
		s.Run = run
		n := uint32(s.PerGOP()) //nolint:gosec // it is small
		if due := s.Due(Video, n, at+3_000_000_000); due != at+2_000_000_000 {
			t.Errorf("the second key frame of a run that began at %d was due at %d", at, due)
		}
	}
}

// TestLoose: a loose checker counts what the strict one refuses, and refuses wrong bytes as
// that one does.
func TestLoose(t *testing.T) {
	s, err := Live(1_000_000, 50, 1400)
	if err != nil {
		t.Fatal(err)
	}
	src := New(s)
	c := NewChecker([]Track{Video, Audio}, s)
	c.Loose = true
	strict := NewChecker([]Track{Video, Audio}, s)
	src.Skip(Video, 30)
	for i := range 40 { // past the end of a picture, and into another
		p := src.Next()
		if err := c.RTP(s.Tracks[p.Index], p.Bytes); err != nil {
			t.Fatal(err)
		}
		if err := strict.RTP(s.Tracks[p.Index], p.Bytes); err == nil {
			t.Fatalf("packet %d begins a stream, strictly", i)
		}
	}
	for !src.Inside() {
		p := src.Next()
		_ = c.RTP(s.Tracks[p.Index], p.Bytes)
	}
	if c.Counts().Decodes {
		t.Error("the pictures can be decoded before their first key frame")
	}
	src.Skip(Video, 3*s.Parts)
	p := src.Next()
	for s.Tracks[p.Index] != Video {
		p = src.Next()
	}
	wrong := slices.Clone(p.Bytes)
	wrong[40] ^= 1
	if err := c.RTP(Video, wrong); err == nil {
		t.Error("a wrong byte is taken")
	}
	if err := c.RTP(Video, p.Bytes); err != nil {
		t.Fatal(err)
	}
	if n := c.Counts(); n.Gaps[Video] != 1 || n.Missing[Video] != 3*s.Parts || n.OffKey != 1 || n.Cut != 1 {
		t.Errorf("%+v", n)
	}
	src.Skip(Video, int(src.next[Video])/s.PerGOP()*s.PerGOP()+s.PerGOP()-int(src.next[Video]))
	for !c.Counts().Decodes {
		p := src.Next()
		if err := c.RTP(s.Tracks[p.Index], p.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.Counts(); n.OffKey != 1 || n.Gaps[Video] != 2 {
		t.Errorf("a key frame behind a hole: %+v", n)
	}
}

// TestAnyRun: a run that is not known is one of the source if that is allowed.
func TestAnyRun(t *testing.T) {
	s := Plain()
	other := s
	other.Run = 99
	c := NewChecker([]Track{Video, Audio}, s)
	c.Loose = true
	p := New(other).Next()
	if err := c.RTP(Video, p.Bytes); err == nil {
		t.Error("a run of somebody else is taken")
	}
	c.AnyRun = true
	if err := c.RTP(Video, p.Bytes); err != nil || c.Counts().Run[Video] != 99 {
		t.Errorf("%v, %+v", err, c.Counts())
	}
}
