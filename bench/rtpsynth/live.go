package rtpsynth

import (
	"fmt"
	"time"

	"streampump/bench/payload"
)

// What a live source is like.
const (
	// liveRate is that of its sound: 31.25 packets a second.
	liveRate = 32_000
	// keyRatio is how much larger a key frame is than another picture.
	keyRatio = 4
	// sizes is how far the sizes of packets of pictures lie apart; see payload.
	sizes = 6 * 13
	// leastPart is the smallest packet of a picture that is worth the name.
	leastPart = 100
)

// Live is a source with pictures and sound of so many bits per second, as its packets have
// them, with gop pictures from one key frame to the next, in packets of at most the given
// size.
func Live(bitrate, gop, most int) (Spec, error) {
	s := Plain()
	s.GOP, s.Rate, s.Parts, s.Lead = gop, liveRate, 1, false
	if gop < 1 || most < leastPart+sizes || most > 1<<16-1 {
		return s, fmt.Errorf("no source has %d pictures from key frame to key frame and packets of %d bytes", gop, most)
	}
	span := float64(gop) * Picture.Seconds()
	sound := float64(len(s.packet(Audio, 0))) * liveRate / audioStep
	pictures := (float64(bitrate)/8-sound)*span - float64(len(s.packet(Video, 0)))
	each := pictures / float64(gop-1+keyRatio)
	if each < leastPart {
		least := (float64(leastPart*(gop-1+keyRatio))/span + sound) * 8
		return s, fmt.Errorf("a source with sound and 25 pictures a second has at least %.0f kbit/s", least/1000+1)
	}
	s.Parts = int(each)/(most-HeaderSize-sizes) + 1
	s.KeyParts = keyRatio * s.Parts
	s.Size = int(each)/s.Parts - HeaderSize - sizes/2
	return s, nil
}

// Sound is the time from one packet of sound to the next.
func (s *Spec) Sound() time.Duration { return audioStep * time.Second / time.Duration(s.Rate) }

// Mean is how many bytes and packets a second the source has.
func (s *Spec) Mean() (bytes, packets float64) {
	for _, t := range s.Tracks {
		n, span := 1, s.Sound()
		if t == Video {
			n, span = s.PerGOP(), time.Duration(s.GOP)*Picture
		}
		for i := range n {
			bytes += float64(len(s.packet(t, uint32(i)))) / span.Seconds()
		}
		packets += float64(n) / span.Seconds()
	}
	return bytes, packets
}

// Typical is how many bytes packets of a picture have on average, and one of sound has.
func (s *Spec) Typical() (part, sound int) {
	return HeaderSize + s.Size + sizes/2, len(s.packet(Audio, 0))
}

// Due is when packet n of a track of the live run was due, by the clock that has named the
// run (see [payload.Begin]), and is at now.
func (s *Spec) Due(t Track, n uint32, now uint64) uint64 {
	return payload.Began(s.Run, now) + uint64(s.due(t, n)) //nolint:gosec // it is not negative
}

// Due is when the newest packet of a track was due; see [Spec.Due].
func (c *Checker) Due(t Track, now uint64) uint64 {
	return c.track[t].spec.Due(t, c.track[t].n, now)
}
