package flvsynth

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"streampump/bench/amf0"
	"streampump/bench/payload"
)

// Track is one of the tracks of a source.
type Track int

// The tracks.
const (
	Video Track = iota
	Audio
)

// Types of tags, which are those of RTMP's messages (FLV 10.1, E.4.1).
const (
	TypeAudio uint8 = 8
	TypeVideo uint8 = 9
	TypeData  uint8 = 18
)

// What the tracks carry. Both steps are whole milliseconds, as the times of tags are.
const (
	// Picture is the time from one picture to the next, Sound from one frame of sound.
	Picture = 40 * time.Millisecond
	Sound   = 32 * time.Millisecond // 1,024 samples of 32 kHz
	// head is what RTMP puts before a tag in its first chunk (RTMP 1.0, 5.3.1).
	head = 12
)

// Spec says what a source sends. Its zero value is nothing; begin with [Plain] or [Live].
type Spec struct {
	// Tracks are those that there are.
	Tracks []Track
	// GOP is the number of pictures from one key frame to the next.
	GOP int
	// Size is about how many bytes the body of a picture has, and KeySize that of a key frame.
	Size, KeySize int
	// NewHeader is the first picture whose key frame needs another sequence header than the
	// first, which comes just before it; 0 for none.
	NewHeader int
	// Bare leaves the metadata out.
	Bare bool
	// Run tells runs of a source apart.
	Run uint32
	// Time is the time stamp of its first tag. Times wrap.
	Time uint32
}

// Plain is a source with pictures and sound and a key frame each second.
func Plain() Spec {
	return Spec{Tracks: []Track{Video, Audio}, GOP: 25, Size: 2000, KeySize: 8000, Run: 1, Time: 1000}
}

// Again is the same source after a restart: it describes itself as before, and its times
// are others.
func (s Spec) Again() Spec {
	s.Run++
	s.Time = s.Time*7 + 13_000
	return s
}

// Other is a source whose pictures need another sequence header.
func (s Spec) Other() Spec {
	s = s.Again()
	s.NewHeader = -1
	return s
}

// Has reports whether there is a track.
func (s *Spec) Has(t Track) bool { return slices.Contains(s.Tracks, t) }

// What a live source is like.
const (
	// keyRatio is how much larger a key frame is than another picture.
	keyRatio = 4
	// soundSize is the body of a frame of sound: 46 kbit/s.
	soundSize = 184
	// sizes is how far the sizes of pictures lie apart, from the least to the most.
	sizes = 6 * 13
	// least is the smallest picture that is worth the name.
	least = 100
)

// Live is a source with pictures and sound of so many bits per second, as RTMP sends them
// with whole tags in a chunk, and gop pictures from one key frame to the next. Its key
// frames are four times as large as other pictures.
func Live(bitrate, gop int) (Spec, error) {
	s := Plain()
	s.GOP, s.Time = gop, 0
	if gop < 1 {
		return s, fmt.Errorf("no source has %d pictures from key frame to key frame", gop)
	}
	tones := float64(soundSize+head) / Sound.Seconds()
	shares := float64(gop - 1 + keyRatio)
	perGOP := (float64(bitrate)/8 - tones) * float64(gop) * Picture.Seconds()
	each := (perGOP - float64(gop*head)) / shares
	if each < least {
		bits := ((least*shares+float64(gop*head))/(float64(gop)*Picture.Seconds()) + tones) * 8
		return s, fmt.Errorf("a source with sound and 25 pictures a second has at least %.0f kbit/s", bits/1000+1)
	}
	s.Size, s.KeySize = int(each)-sizes/2, keyRatio*int(each)-sizes/2
	return s, nil
}

// Mean is how many bytes, heads of messages included, and tags a second the source has.
func (s *Spec) Mean() (bytes, tags float64) {
	for _, t := range s.Tracks {
		n, span := uint32(1), Sound
		if t == Video {
			n, span = uint32(s.GOP*7), time.Duration(s.GOP*7)*Picture // sizes repeat with 7
		}
		for i := range n {
			bytes += float64(len(s.body(t, i))+head) / span.Seconds()
		}
		tags += float64(n) / span.Seconds()
	}
	return bytes, tags
}

// Typical is how many bytes, heads of messages included, a picture has on average, a key
// frame and a frame of sound.
func (s *Spec) Typical() (picture, key, sound int) {
	return head + s.Size + sizes/2, head + s.KeySize + sizes/2, head + soundSize
}

// isKey reports whether tag n of a track is one at which a viewer may begin.
func (s *Spec) isKey(t Track, n uint32) bool {
	return t == Audio && !s.Has(Video) || t == Video && int(n)%s.GOP == 0
}

// due is when tag n of a track is due, from the first.
func (s *Spec) due(t Track, n uint32) time.Duration {
	if t == Video {
		return time.Duration(n) * Picture
	}
	return time.Duration(n) * Sound
}

// At is the time stamp of tag n of a track.
func (s *Spec) At(t Track, n uint32) uint32 { return s.Time + uint32(s.due(t, n).Milliseconds()) } //nolint:gosec // it wraps

// Due is when tag n of a track of the live run was due, by the clock that has named the run
// (see [payload.Begin]), and is at now.
func (s *Spec) Due(t Track, n uint32, now uint64) uint64 {
	return payload.Began(s.Run, now) + uint64(s.due(t, n)) //nolint:gosec // it is not negative
}

// typeOf is the type of a track's tags.
func typeOf(t Track) uint8 {
	if t == Audio {
		return TypeAudio
	}
	return TypeVideo
}

// What the first bytes of bodies say (FLV 10.1, E.4.2 and E.4.3): key frame or not and AVC,
// or AAC; then a sequence header or a frame; of pictures, then, no composition offset.
var (
	keyHead   = []byte{0x17, 1, 0, 0, 0}
	otherHead = []byte{0x27, 1, 0, 0, 0}
	soundHead = []byte{0xAF, 1}
	// setsHead and configHead are those of sequence headers.
	setsHead   = []byte{0x17, 0, 0, 0, 0}
	configHead = []byte{0xAF, 0}
)

// body is the body of tag n of a track.
func (s *Spec) body(t Track, n uint32) []byte {
	id := payload.ID{Run: s.Run, Track: int(t), Number: n}
	if t == Audio {
		return payload.Fill(soundHead[:2:2], id, soundSize)
	}
	size, first, unit := s.Size, otherHead, byte(0x41)
	if s.isKey(Video, n) {
		size, first, unit = s.KeySize, keyHead, 0x65
	}
	size += int(n%7) * 13
	// One NAL unit behind its length (ISO 14496-15, 5.2.3): a slice.
	length := size - len(first) - 4
	b := append([]byte(nil), first...)
	b = append(b, byte(length>>24), byte(length>>16), byte(length>>8), byte(length), unit, 0x88)
	return payload.Fill(b, id, size)
}

// The sequence headers. The parameter sets are of the baseline profile, 640×360 and, in the
// later one, 480×272; their pictures are in the order in which they are sent. The sound is
// AAC-LC, 32 kHz, stereo.
var (
	sets  = configuration("6742c01eda0280bfe540", "68ce3880")
	later = configuration("6742c01eda078239", "68ce3880")
	sound = []byte{0x12, 0x90}
)

// configuration is a decoder's configuration (ISO 14496-15, 5.2.4.1).
func configuration(sequence, picture string) []byte {
	sps, pps := decoded(sequence), decoded(picture)
	b := append([]byte{1}, sps[1:4]...)
	b = append(b, 0xFF, 0xE1, 0, byte(len(sps)))
	b = append(append(b, sps...), 1, 0, byte(len(pps)))
	return append(b, pps...)
}

func decoded(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}

// Header is the body of the sequence header that tag n of a track needs.
func (s *Spec) Header(t Track, n uint32) []byte {
	switch {
	case t == Audio:
		return append(configHead[:2:2], sound...)
	case s.NewHeader != 0 && int(n) >= s.NewHeader:
		return append(setsHead[:5:5], later...)
	}
	return append(setsHead[:5:5], sets...)
}

// Metadata is what a viewer is told of the source, by its type and body.
func (s *Spec) Metadata() []byte { return amf0.Append(nil, "onMetaData", s.about()) }

// about are the metadata's properties.
func (s *Spec) about() amf0.Array {
	all := amf0.Array{{Name: "duration", Value: 0.0}}
	if s.Has(Video) {
		bits := float64(s.Size*(s.GOP-1)+s.KeySize) / (float64(s.GOP) * Picture.Seconds()) * 8
		all = append(all,
			amf0.Property{Name: "width", Value: 640.0}, amf0.Property{Name: "height", Value: 360.0}, amf0.Property{Name: "framerate", Value: 25.0},
			amf0.Property{Name: "videodatarate", Value: float64(int(bits / 1000))}, amf0.Property{Name: "videocodecid", Value: 7.0})
	}
	if s.Has(Audio) {
		all = append(all,
			amf0.Property{Name: "audiodatarate", Value: 46.0}, amf0.Property{Name: "audiosamplerate", Value: 32_000.0}, amf0.Property{Name: "audiosamplesize", Value: 16.0},
			amf0.Property{Name: "stereo", Value: true}, amf0.Property{Name: "audiocodecid", Value: 10.0})
	}
	return append(all, amf0.Property{Name: "encoder", Value: "flvsynth"})
}
