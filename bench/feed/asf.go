package feed

import (
	"fmt"
	"time"

	"streampump/bench/synth"
	"streampump/codec/asf"
)

// Framed is what MMSH adds to a data packet (MS-WMSP 2.2.3.1.1 and 2.2.3.1.2).
const Framed = 12

const (
	// payloadFields is what a data packet of one payload has before the media and, as its
	// padding is stripped, besides it: error correction 3, flags 2, times 6, stream and object
	// number 2, offset 4, replicated data 9 (ASF 5.2).
	payloadFields = 26
	// mostASF is the size of the largest data packet that MMSH's chunks hold.
	mostASF = 1<<16 - 1 - Framed
	// likePreroll is as ffmpeg says it in its headers.
	likePreroll = 3100 * time.Millisecond
)

// likeness is what ASF needs to know of a stream to be like it.
type likeness struct {
	picture, tone   time.Duration // from one to the next
	gop             int
	parts, keyParts int // packets of a picture, and of a key frame
	// What a viewer gets of such packets, and of one of sound, in bytes.
	part, keyPart, sound int
}

// asf is the stream as ASF. Each payload has a packet to itself, which it fills or which is
// shorter than others.
func (l *likeness) asf() (synth.Spec, error) {
	const around = Framed + payloadFields
	size := max(l.part, l.keyPart, l.sound) - Framed
	if size > mostASF {
		return synth.Spec{}, fmt.Errorf("a packet of %d bytes is too large for MMSH", size)
	}
	s := synth.Spec{
		Streams: []synth.Stream{
			{
				Number: 1, Kind: asf.Video, Interval: l.picture, GOP: l.gop, KeyBit: true, Steady: true,
				Size: l.parts * (l.part - around), KeySize: l.keyParts * (l.keyPart - around),
			},
			{Number: 2, Kind: asf.Audio, Interval: l.tone, KeyBit: true, Size: l.sound - around},
		},
		PacketSize: size, Preroll: likePreroll, Strip: true,
	}
	return s, s.Check()
}
