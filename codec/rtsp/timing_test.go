package rtsp

import (
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/codec"
)

// steps are by how much the times of a track's packets step where they do not by one
// picture, in ms.
func steps(pieces []piece, track int, clock int64) (out []int64) {
	packets := of(pieces, track)
	for i := 1; i < len(packets); i++ {
		ms := int64(int32(packets[i].Time-packets[i-1].Time)) * 1000 / clock
		if ms < 0 || ms > 40 {
			out = append(out, ms)
		}
	}
	return out
}

// apartBy is how far sound is ahead of pictures at the end of a stream whose newest
// packets of both are of one time, in ms, measured from what it was at the beginning.
func apartBy(pieces []piece) int64 {
	v, a := of(pieces, 0), of(pieces, 1)
	last := func(n int, clock int64, times func(i int) uint32) int64 {
		return int64(int32(times(n-1)-times(0))) * 1000 / clock
	}
	return last(len(a), 48000, func(i int) uint32 { return a[i].Time }) - last(len(v), 90000, func(i int) uint32 { return v[i].Time })
}

// A source whose clock is set in the middle of its packets goes on for viewers, with the
// sound where it was.
func TestClockIsSet(t *testing.T) {
	cases := []struct {
		name string
		by   time.Duration
		skew time.Duration // by how much later the sound's leap is seen
		note string
	}{
		{"BackByHours", -4 * time.Hour, 0, "went back by 4h0m0"},
		{"AheadByHours", 5 * time.Hour, 0, "leapt ahead by 5h0m0s"},
		{"AheadByYears", 30 * 365 * 24 * time.Hour, 0, "by"},
		{"BackBySix", -6 * time.Second, 0, "went back by 6"},
		{"BackByThree", -3 * time.Second, 0, "went back by 3"}, // the sound shows it
		{"SoundFollowsLater", -4 * time.Hour, 300 * time.Millisecond, "went back by 4h0m0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, videoLine+audioLine).NewProgramme()
			cam := newCamera()
			pieces := feed(t, g, cam.play(53))
			cam.video.offset += uint32(int64(c.by/time.Millisecond) * 90)
			if c.skew > 0 {
				for _, ev := range cam.play(int(c.skew / (40 * time.Millisecond))) {
					pieces = append(pieces, feed(t, g, []codec.Event{ev})...)
				}
			}
			cam.audio.offset += uint32(int64(c.by/time.Millisecond) * 48)
			pieces = append(pieces, feed(t, g, cam.play(100))...)
			for track, clock := range []int64{90000, 48000} {
				consecutive(t, of(pieces, track))
				for _, ms := range steps(pieces, track, clock) {
					if c.by == -3*time.Second && ms == -3000+40 {
						continue // seen a packet later, and made good
					}
					if c.by == -3*time.Second && ms > 2900 && ms < 3100 {
						continue
					}
					t.Errorf("track %d: times step by %d ms", track, ms)
				}
			}
			if off := apartBy(pieces); off < -2 || off > 2 {
				t.Errorf("the sound is off by %d ms", off)
			}
			n := notes(pieces)
			if len(n) == 0 || !strings.Contains(n[0], c.note) {
				t.Errorf("notes %q", n)
			}
			if i := slices.IndexFunc(pieces, func(p piece) bool { return p.err != nil && kinds([]piece{p}) != "h" }); i >= 0 {
				t.Errorf("a packet is left out: %v", pieces[i].err)
			}
		})
	}
}

// Timestamps that go back and forth by hours, in packets that come at once, still go on.
func TestJumpsInABurst(t *testing.T) {
	g := parseMedia(t, videoLine).NewProgramme()
	v := newCamera().video
	var pieces []piece
	for i := range 20 {
		ev := v.packet(0, true, idrStart)
		v.offset += uint32(i%2*2-1) * 4 * 3600 * 90000
		ev.At = began
		pieces = append(pieces, feed(t, g, []codec.Event{ev})...)
	}
	packets := of(pieces, 0)
	for i := 1; i < len(packets); i++ {
		if step := int32(packets[i].Time - packets[i-1].Time); step <= 0 || step > 90000 {
			t.Errorf("times step by %d", step)
		}
	}
}

// A track that leaps long after another does so by itself.
func TestJumpsThatDoNotBelongTogether(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	cam := newCamera()
	pieces := feed(t, g, cam.play(30))
	cam.video.offset -= 4 * 3600 * 90000
	pieces = append(pieces, feed(t, g, cam.play(25*20))...)
	cam.audio.offset -= (4*3600 + 1) * 48000
	pieces = append(pieces, feed(t, g, cam.play(30))...)
	for track, clock := range []int64{90000, 48000} {
		if s := steps(pieces, track, clock); s != nil {
			t.Errorf("track %d: times step by %d ms", track, s)
		}
	}
}

// What is no other clock stays as it is.
func TestTimesStayAsTheyAre(t *testing.T) {
	type moment struct{ media, arrives time.Duration }
	const s, ms = time.Second, time.Millisecond
	var stalled, fast, slow, silent, late []moment
	for i := range 50 {
		at := time.Duration(i) * 200 * ms
		arrives := at
		if at >= 2*s && at < 9*s {
			arrives = 9 * s // the network stood still
		}
		stalled = append(stalled, moment{at, arrives})
		fast = append(fast, moment{at, at / 50})
		slow = append(slow, moment{at, at * 2})
		if i%20 == 0 {
			silent = append(silent, moment{time.Duration(i) * 8 * s, time.Duration(i) * 8 * s})
		}
		late = append(late, moment{at, at + time.Duration(i*7919%300)*ms})
	}
	cases := []struct {
		name string
		m    []moment
	}{
		{"NetworkStandsStill", stalled},
		{"SentAsFastAsItGoes", fast},
		{"SlowerThanItsTime", slow},
		{"Pauses", silent},
		{"Jitter", late},
		{"LostWhileTheNetworkStoodStill", append(stalled[:11:11], moment{8800 * ms, 9 * s}, moment{9 * s, 9 * s})},
		{"OneInTwoSeconds", []moment{{0, 0}, {2 * s, 2 * s}, {4 * s, 4 * s}, {6 * s, 6 * s}}},
		{"BFrames", []moment{{0, 0}, {3 * s, 1 * s}, {1 * s, 2 * s}, {2 * s, 3 * s}, {6 * s, 4 * s}, {4 * s, 5 * s}, {5 * s, 6 * s}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, videoLine).NewProgramme()
			v := newCamera().video
			for _, m := range c.m {
				ev := v.packet(m.media, true, idrStart)
				ev.At = began.Add(m.arrives)
				p := feed(t, g, []codec.Event{ev})[0]
				if got := of([]piece{p}, 0)[0].Time; got != v.time(m.media) {
					t.Fatalf("at %v: shifted by %d", m, int32(got-v.time(m.media)))
				}
				if p.mark.Note != nil {
					t.Errorf("note %v", p.mark.Note)
				}
			}
		})
	}
}

// The engine's time never goes back, whatever it is given.
func TestSendTimeIsMonotonic(t *testing.T) {
	g := parseMedia(t, videoLine).NewProgramme()
	v := newCamera().video
	last := time.Duration(0)
	for _, arrives := range []time.Duration{0, time.Second, time.Millisecond, -time.Hour, 2 * time.Second} {
		ev := v.packet(0, true, idrStart)
		ev.At = began.Add(arrives)
		v.offset += 3600
		p := feed(t, g, []codec.Event{ev})[0]
		if p.mark.SendTime < last {
			t.Errorf("send time %v after %v", p.mark.SendTime, last)
		}
		last = p.mark.SendTime
	}
	if last != 2*time.Second {
		t.Errorf("the newest is at %v", last)
	}
}

func TestTicks(t *testing.T) {
	for _, clock := range []int64{8000, 44100, 90000, maxClock} {
		c := timing{clock: clock}
		for _, d := range []time.Duration{0, time.Second, -time.Second, 12345678 * time.Microsecond, 1000 * time.Hour, 100 * 365 * 24 * time.Hour} {
			if back := c.span(c.ticks(d)); (back - d).Abs() > time.Second/time.Duration(clock) {
				t.Errorf("%v at %d Hz is %v", d, clock, back)
			}
			if got, want := c.ntp(c.ticks(d)), ntpOf(d); apart(got, want) > time.Second/time.Duration(clock)+1 {
				t.Errorf("%v at %d Hz is %x in NTP, want %x", d, clock, got, want)
			}
		}
	}
}
