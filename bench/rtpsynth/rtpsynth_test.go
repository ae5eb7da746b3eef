package rtpsynth

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/bench/payload"
)

// served is what a server that changes nothing sends: a report of each track, and packets.
func served(s Spec, n int) (all []Packet) {
	src := New(s)
	for i := range s.Tracks {
		all = append(all, src.Report(i))
	}
	for range n {
		all = append(all, src.Next())
	}
	return all
}

// check has a checker judge packets.
func check(c *Checker, s Spec, all []Packet) error {
	for _, p := range all {
		t := s.Tracks[p.Index]
		judge := c.RTP
		if p.Report {
			judge = c.RTCP
		}
		if err := judge(t, p.Bytes); err != nil {
			return err
		}
	}
	return nil
}

func specs() map[string]Spec {
	plain, dressed, single, reversed, pictures, sound := Plain(), Plain(), Plain(), Plain(), Plain(), Plain()
	dressed.Dressed = true
	single.Parts, single.Lead, single.Unmarked = 1, false, true
	reversed.Tracks = []Track{Audio, Video}
	pictures.Tracks = []Track{Video}
	sound.Tracks = []Track{Audio}
	return map[string]Spec{"plain": plain, "dressed": dressed, "single": single, "reversed": reversed, "pictures": pictures, "sound": sound}
}

func TestWhatIsSentIsRight(t *testing.T) {
	for name, s := range specs() {
		c := NewChecker(s.Tracks, s)
		if err := check(c, s, served(s, 400)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		n := c.Counts()
		if n.All() != 400 || n.Gaps != [2]int{} {
			t.Errorf("%s: %+v", name, n)
		}
		for _, track := range s.Tracks {
			if at, ok := c.ZeroClock(track); !ok || at.Sub(s.Clock).Abs() > time.Millisecond {
				t.Errorf("%s: track %d began at %v, %v", name, track, at, ok)
			}
		}
	}
}

// The packets are due in their order, and a picture's come together.
func TestOrder(t *testing.T) {
	s := Plain()
	src := New(s)
	var last time.Duration
	for range 1000 {
		p := src.Next()
		if p.Due < last {
			t.Fatalf("%v comes behind %v", p.Due, last)
		}
		if p.Due > last && src.Inside() && s.Tracks[p.Index] == Audio {
			t.Fatal("sound comes inside a picture")
		}
		last = p.Due
	}
	if at := int(src.next[Video]) + countVideo(src, src.PicturesTo()); at%s.PerGOP() != 0 {
		t.Errorf("after the rest of the key frame's pictures the source is at %d", at)
	}
}

func countVideo(src *Source, n int) (video int) {
	look := *src
	for range n {
		if look.Tracks[look.Next().Index] == Video {
			video++
		}
	}
	return video
}

func TestAgain(t *testing.T) {
	s := Plain()
	again := s.Again()
	c := NewChecker(s.Tracks, s, again)
	if err := check(c, s, served(s, 300)); err != nil {
		t.Fatal(err)
	}
	// What a server makes of the second run.
	next, src := [2]uint16{}, New(again)
	for i, track := range s.Tracks {
		seq, _ := c.Newest(track)
		next[i] = seq + 1
	}
	_, v := c.Newest(Video)
	for range 300 {
		p := src.Next()
		track := s.Tracks[p.Index]
		binary.BigEndian.PutUint16(p.Bytes[2:], next[track])
		next[track]++
		base := v + videoStep
		if track == Audio {
			base = s.Time[Audio] + uint32(uint64(base-s.Time[Video])*audioClock/videoClock)
		}
		binary.BigEndian.PutUint32(p.Bytes[4:], base+binary.BigEndian.Uint32(p.Bytes[4:])-again.Time[track])
		binary.BigEndian.PutUint32(p.Bytes[8:], s.SSRC[track])
		if err := c.RTP(track, p.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.Counts(); n.Splices != [2]int{1, 1} || n.Run != [2]uint32{2, 2} || n.Steps[Video] != Picture || (n.Shifts[Video]-n.Shifts[Audio]).Abs() > time.Millisecond {
		t.Errorf("%+v", n)
	}
}

// A checker is worth something only if it sees what is wrong.
func TestSabotageIsSeen(t *testing.T) {
	s := Plain()
	put16 := func(at int, v uint16) func([]Packet) []Packet {
		return func(all []Packet) []Packet { binary.BigEndian.PutUint16(all[60].Bytes[at:], v); return all }
	}
	for _, c := range []struct {
		name  string
		spoil func(all []Packet) []Packet
		want  string
	}{
		{"byte", func(all []Packet) []Packet { all[40].Bytes[20] ^= 1; return all }, "are others than they were"},
		{"marker", func(all []Packet) []Packet { all[40].Bytes[1] ^= 0x80; return all }, "begins with"},
		{"type", func(all []Packet) []Packet { all[40].Bytes[1]++; return all }, "begins with"},
		{"cut", func(all []Packet) []Packet { all[40].Bytes = all[40].Bytes[:60]; return all }, "a payload ends with"},
		{"mark", func(all []Packet) []Packet { b := all[40].Bytes; b[len(b)-payload.Trailer] = 0; return all }, "a payload ends with"},
		{"ssrc", put16(8, 7), "the SSRC was"},
		{"sequence", put16(2, 7), "the sequence numbers step by"},
		{"time", put16(4, 7), "the times step by"},
		{"twice", func(all []Packet) []Packet { return slices.Insert(all, 50, all[49]) }, "it comes behind packet"},
		{"swapped", func(all []Packet) []Packet { all[6], all[7] = all[7], all[6]; return all }, "begins no key frame"},
		{"missing", func(all []Packet) []Packet { return slices.Delete(all, 5, 6) }, "begins no key frame"},
		{"late", func(all []Packet) []Packet { return slices.Delete(all, 2, 4) }, "do not begin with a key frame"},
		{"sound_first", func(all []Packet) []Packet { i := firstOf(all, 1); return append(all[:2:2], all[i:]...) }, "the sound begins before"},
		{"no_report", func(all []Packet) []Packet { return all[1:] }, "before the first report"},
		{"other_report", func(all []Packet) []Packet { all[0].Bytes[5]++; return all }, "the SSRC was"},
		{"after_the_end", func(all []Packet) []Packet { return slices.Insert(all, 50, New(s).Bye(0)) }, "after the end of its track"},
		{"other_track", func(all []Packet) []Packet { all[30].Index ^= 1; return all }, "comes packet"},
		{"cut_report", func(all []Packet) []Packet { all[0].Bytes = all[0].Bytes[:20]; return all }, "is cut at"},
		{"other_rtcp", func(all []Packet) []Packet { all[0].Bytes[1] = 204; return all }, "RTCP of type 204"},
		{"no_rtp", func(all []Packet) []Packet { all[9].Bytes[0] = 0; return all }, "is no RTP packet"},
	} {
		all := served(s, 300)
		for i := range all {
			all[i].Bytes = bytes.Clone(all[i].Bytes)
		}
		err := check(NewChecker(s.Tracks, s), s, c.spoil(all))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// firstOf is the place of the first RTP packet of a track.
func firstOf(all []Packet, index int) int {
	return slices.IndexFunc(all, func(p Packet) bool { return !p.Report && p.Index == index })
}

// A hole before a key frame is a hole, and nothing worse.
func TestHole(t *testing.T) {
	s := Plain()
	src := New(s)
	c := NewChecker(s.Tracks, s)
	all := served(s, 10)
	for range 10 {
		src.Next()
	}
	if err := check(c, s, all); err != nil {
		t.Fatal(err)
	}
	src.Skip(Video, src.PerGOP()-src.Sent(Video))
	src.Skip(Audio, 30)
	for range 100 {
		p := src.Next()
		if err := c.RTP(s.Tracks[p.Index], p.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.Counts(); n.Gaps != [2]int{1, 1} || n.Missing[Audio] != 30 {
		t.Errorf("%+v", n)
	}
}

// A delimiter of the server's is taken in front of the packet that goes on behind a hole,
// as one of its access unit, and nowhere else.
func TestFiller(t *testing.T) {
	filler := func(b []byte, change func([]byte)) []byte {
		f := append(slices.Clone(b[:HeaderSize]), 0x09, 0xF0)
		binary.BigEndian.PutUint16(f[2:], binary.BigEndian.Uint16(b[2:])-1)
		f[0], f[1] = 0x80, videoType
		if change != nil {
			change(f)
		}
		return f
	}
	for name, c := range map[string]struct {
		skip   bool
		change func([]byte)
		ok     bool
	}{
		"right":       {true, nil, true},
		"no_hole":     {false, nil, false},
		"number":      {true, func(b []byte) { b[3]-- }, false},
		"time":        {true, func(b []byte) { b[7]++ }, false},
		"sender":      {true, func(b []byte) { b[11]++ }, false},
		"marker":      {true, func(b []byte) { b[1] |= 0x80 }, false},
		"other_bytes": {true, func(b []byte) { b[12] = 0x0C }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := Plain()
			src := New(s)
			ch := NewChecker(s.Tracks, s)
			if err := check(ch, s, served(s, 10)); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				src.Next()
			}
			if c.skip {
				src.Skip(Video, src.PerGOP()-src.Sent(Video))
			}
			var err error
			for done := false; !done; {
				p := src.Next()
				if done = s.Tracks[p.Index] == Video; done {
					err = ch.RTP(Video, filler(p.Bytes, c.change))
				}
				err = errors.Join(err, ch.RTP(s.Tracks[p.Index], p.Bytes))
			}
			if (err == nil) != c.ok {
				t.Errorf("it is judged: %v", err)
			}
		})
	}
}

// Parameter sets that change are described as what they are first.
func TestNewSets(t *testing.T) {
	s := Plain()
	s.NewSets = s.GOP
	src, old, later := New(s), 0, 0
	for range 3 * s.PerGOP() {
		b := src.Next().Bytes
		if bytes.Contains(b, pps) {
			old++
		}
		if bytes.Contains(b, otherPPS) {
			later++
		}
	}
	if old != 1 || later == 0 || strings.Contains(s.Describe(), ParameterSets(true)) {
		t.Errorf("%d old and %d later sets", old, later)
	}
}

func TestDescription(t *testing.T) {
	s := Plain()
	for _, want := range []string{"m=video 0 RTP/AVP 96", ParameterSets(false), "a=control:streamid=1", "LIBAVFORMAT_VERSION", "MPEG4-GENERIC/48000"} {
		if text := s.Describe("streamid=0", "streamid=1"); !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	s.InBand = true
	if text := s.Describe(); strings.Contains(text, "sprop") || strings.Contains(text, "control") {
		t.Error(text)
	}
	if o := s.Other(); !strings.Contains(o.Describe(), "44100") {
		t.Error(o.Describe())
	}
}
