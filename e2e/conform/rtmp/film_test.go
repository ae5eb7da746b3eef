package rtmp

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"streampump/bench/amf0"
	"streampump/bench/rtmpclient"
)

// item is a message of a stream.
type item struct {
	typ  uint8
	time uint32
	body []byte
	key  bool // a viewer may start here
	head bool // a joiner gets it in front: metadata, or the header of a codec
}

func (i item) String() string {
	return fmt.Sprintf("type %d at %d: % x (%d bytes)", i.typ, i.time, i.body[:min(len(i.body), 24)], len(i.body))
}

// at is the same message at another time.
func (i item) at(time uint32) item {
	i.time = time
	return i
}

// coding is how one track of a film is written down.
type coding struct {
	// head is the message that describes the track; nil: the codec has none.
	head []byte
	// frame makes the body of a message of what is in it.
	frame func(key bool, payload []byte) []byte
	// end is the message that says that the track is over; nil: there is none.
	end []byte
}

// film is a source whose messages are all different. The zero value of a coding leaves
// that track out.
type film struct {
	run          byte       // tells its messages from those of other films
	meta         amf0.Array // nil: there is none
	video, audio coding
	gop          int    // pictures from one key frame to the next
	start        uint32 // the time of the first picture
	size         int    // bytes of a picture, at least

	made int
}

// step is the time from one picture to the next.
const step = 40

// plain is what most encoders send.
func plain() *film {
	return &film{run: 1, meta: described(7, 10), video: avc(320), audio: aac(44100), gop: 12}
}

// described is metadata that names the tracks.
func described(videoCodec, audioCodec any) amf0.Array {
	m := object("width", 320, "height", 180, "framerate", 25)
	if videoCodec != nil {
		m = append(m, object("videocodecid", videoCodec, "videodatarate", 500)...)
	}
	if audioCodec != nil {
		m = append(m, object("audiocodecid", audioCodec, "audiodatarate", 64)...)
	}
	return amf0.Array(m)
}

// again is the same film, made once more by an encoder that begins anew.
func (f *film) again() *film {
	g := *f
	g.run, g.made = f.run+1, 0
	return &g
}

// heads are the messages that come first, as viewers get them.
func (f *film) heads() (all []item) {
	if f.meta != nil {
		all = append(all, f.metadata())
	}
	if f.video.head != nil {
		all = append(all, item{typ: rtmpclient.TypeVideo, time: f.start, body: f.video.head, head: true})
	}
	if f.audio.head != nil {
		all = append(all, item{typ: rtmpclient.TypeAudio, time: f.start, body: f.audio.head, head: true})
	}
	return all
}

// metadata is the message that viewers get.
func (f *film) metadata() item {
	return item{typ: rtmpclient.TypeData, body: amf("onMetaData", f.meta), head: true}
}

// next is the film's next message: a picture, and then two of sound.
func (f *film) next() item {
	for {
		n := f.made
		f.made++
		shot, part := n/3, n%3
		time := f.start + uint32(shot)*step //nolint:gosec // films are short
		payload := binary.BigEndian.AppendUint32([]byte{f.run}, uint32(n))
		switch {
		case part == 0 && f.video.frame != nil:
			key := f.gop > 0 && shot%f.gop == 0
			payload = append(payload, bytes.Repeat([]byte{byte(n)}, f.size)...)
			return item{typ: rtmpclient.TypeVideo, time: time, body: f.video.frame(key, payload), key: key}
		case part > 0 && f.audio.frame != nil:
			return item{typ: rtmpclient.TypeAudio, time: time + uint32(20*part-10), body: f.audio.frame(false, payload), key: f.video.frame == nil} //nolint:gosec // see above
		}
	}
}

// take is the film's next n messages.
func (f *film) take(n int) (all []item) {
	for range n {
		all = append(all, f.next())
	}
	return all
}

// toKey are those up to the next key frame, and that one.
func (f *film) toKey() (all []item) {
	for {
		i := f.next()
		if all = append(all, i); i.key {
			return all
		}
	}
}

// avc is H.264 in the oldest form; pictures have the given width.
func avc(width int) coding {
	head := []byte{0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x0C, 0xFF, 0xE1, 0, 6, 0x67, 0x64, 0, 0x0C, byte(width >> 8), byte(width), 1, 0, 4, 0x68, 0xEE, 0x3C, 0xB0}
	return coding{
		head: head, end: []byte{0x17, 2, 0, 0, 0},
		frame: func(key bool, payload []byte) []byte {
			first, nal := byte(0x27), byte(0x41)
			if key {
				first, nal = 0x17, 0x65
			}
			b := []byte{first, 1, 0, 0, 80} // is shown 80 ms later than it is decoded
			b = binary.BigEndian.AppendUint32(b, uint32(1+len(payload)))
			return append(append(b, nal), payload...)
		},
	}
}

// aac is sound as nearly all encoders send it.
func aac(rate int) coding {
	config := map[int][]byte{44100: {0x12, 0x10}, 48000: {0x11, 0x90}}[rate]
	return coding{
		head:  append([]byte{0xAF, 0}, config...),
		frame: func(_ bool, payload []byte) []byte { return append([]byte{0xAF, 1, 0x21}, payload...) },
	}
}

// mp3 is sound that has no header.
func mp3() coding {
	return coding{frame: func(_ bool, payload []byte) []byte { return append([]byte{0x2F, 0xFF, 0xFB}, payload...) }}
}

// Kinds of packets in enhanced messages.
const (
	sequenceStart = 0
	codedFrames   = 1
	codedFramesX  = 3
	multitrack    = 6
	modEx         = 7
)

// enhanced is the first byte of a message in which pictures have a FourCC.
func enhanced(key bool, kind byte) byte {
	if key {
		return 0x90 | kind
	}
	return 0xA0 | kind
}

// hevcOf is H.265. Its frames are of the kind given; codedFrames have a time for showing in
// front.
func hevcOf(kind byte) coding {
	return coding{
		head: append([]byte("\x90hvc1"), 1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0x3C, 0xF0, 0, 0xFC, 0xFD, 0xF8, 0xF8, 0, 0, 0x0F, 0),
		frame: func(key bool, payload []byte) []byte {
			b := append([]byte{enhanced(key, kind)}, "hvc1"...)
			if kind == codedFrames {
				b = append(b, 0, 0, 40)
			}
			return append(b, payload...)
		},
	}
}

// av1 is AV1.
func av1() coding {
	return coding{
		head: append([]byte("\x90av01"), 0x81, 0, 0x0C, 0),
		frame: func(key bool, payload []byte) []byte {
			return append(append([]byte{enhanced(key, codedFrames)}, "av01"...), payload...)
		},
	}
}

// tracked is HEVC as one of several tracks.
func tracked(number byte) coding {
	return coding{
		head: append(append([]byte{enhanced(true, multitrack), sequenceStart}, "hvc1"...), number, 1, 1, 0x60, 0),
		frame: func(key bool, payload []byte) []byte {
			return append(append(append([]byte{enhanced(key, multitrack), codedFrames}, "hvc1"...), number, 0, 0, 40), payload...)
		},
	}
}

// nano is HEVC with a fraction of its time in front.
func nano() coding {
	c := hevcOf(codedFramesX)
	c.frame = func(key bool, payload []byte) []byte {
		return append(append([]byte{enhanced(key, modEx), 2, 3, 0xD0, 0x90, codedFramesX}, "hvc1"...), payload...)
	}
	return c
}

// opus is sound with a FourCC.
func opus() coding {
	return coding{
		head:  append([]byte("\x90Opus"), "OpusHead\x01\x02\x38\x01\x80\xBB\x00\x00\x00\x00\x00"...),
		frame: func(_ bool, payload []byte) []byte { return append([]byte("\x91Opus"), payload...) },
	}
}
