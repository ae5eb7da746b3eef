package synth

import (
	"time"

	"streampump/codec/asf"
)

// Stream is one stream of a [Spec].
type Stream struct {
	Number uint8
	Kind   asf.StreamKind
	// Carrier is what the objects are to players; see [Stream.Playable].
	Carrier Carrier
	// Interval is from one media object to the next; the first is due at 0.
	Interval time.Duration
	// Size is that of a media object in bytes, at least [Carrier.MinObject].
	// The sizes of video vary around it by up to a quarter, and not below that,
	// unless it is Steady.
	Size   int
	Steady bool
	// KeySize is that of a key frame of video; Size if 0.
	KeySize int
	// GOP is how many objects there are from one key frame to the next; the
	// first is one. 0 makes every object one, as encoders do with sound.
	GOP int
	// KeyBit false leaves the key bit of sound unset, as ffmpeg does. Video
	// and script have it where they should whatever it says.
	KeyBit bool
	// Compressed puts objects of up to 255 bytes in compressed payloads.
	Compressed bool
	// NoCleanPoints says in the header that the key bit means nothing.
	NoCleanPoints bool
	// FourCC of video and FormatTag of sound where the carrier is Bare; WMV3
	// and 0x161 if empty.
	FourCC    string
	FormatTag uint16
}

// Spec is what an encoder encodes, and how. Fields that are zero take the
// value named. Of objects that are due together, those of the stream listed
// first come first: video, if the first packet is to start a key frame.
type Spec struct {
	Streams    []Stream
	PacketSize int           // must be set, except for EE4
	Preroll    time.Duration // none if 0; EE4 has 3 s
	// Start is the send time of the first packet in ms. It goes on modulo 2^32.
	Start uint32

	// EE4 makes the header and the packets' shape those of Expression Encoder
	// 4: 8223-byte packets, streams 1, 2 and 4, twelve bytes of replicated
	// data for video, a large padding object. Streams must be those of [EE4].
	EE4 bool

	Multiple bool           // several payloads in a packet
	Length   asf.LengthType // width of an explicit packet length; None if it has none
	Padding  asf.LengthType // width of the padding length
	Strip    bool           // the padding is left out

	// HeaderSize is the size that the header with the Data Object's 50 bytes
	// is brought to with a padding object; as small as it is if 0.
	HeaderSize int

	// Epoch numbers the runs of the encoder. It is in every media object, and
	// what differs between the headers of two runs depends on it: File ID,
	// creation date, list of languages.
	Epoch uint16
	// Packets is after how many packets Next says io.EOF; never if 0.
	Packets int
}

// KeyRatio is how many times larger than others a key frame is.
const KeyRatio = 6

// Bounds of what a [Spec] may ask for.
const (
	// MinRate and MaxRate bound the bytes, which are samples, per second of
	// [PCM]. VLC plays no sound below the one and none far above the other.
	MinRate, MaxRate = 4000, 352_800

	// packetFields is what precedes the media in a packet of the widest layout:
	// error correction 3, flags 2, lengths 8, times 6, payload count 1, and of
	// the payload its fields 7, replicated data 12, length 2.
	packetFields = 41
)

// Video is a video stream of about bitrate bits per second with fps frames per
// second and a key frame every gop frames.
func Video(number uint8, fps float64, bitrate, gop int) Stream {
	interval := time.Duration(float64(time.Second) / fps)
	perGOP := float64(bitrate) / 8 * interval.Seconds() * float64(gop)
	size := int(perGOP / float64(gop-1+KeyRatio))
	return Stream{Number: number, Kind: asf.Video, Interval: interval, Size: size, KeySize: KeyRatio * size, GOP: gop, KeyBit: true}
}

// Audio is a sound stream of about bitrate bits per second in objects of size
// bytes.
func Audio(number uint8, bitrate, size int) Stream {
	interval := time.Duration(float64(size) * 8 / float64(bitrate) * float64(time.Second))
	return Stream{Number: number, Kind: asf.Audio, Interval: interval, Size: size, KeyBit: true}
}

// Script is a stream of script commands, one every interval. Its objects hold
// the pattern and no text, unless they are made playable.
func Script(number uint8, interval time.Duration) Stream {
	return Stream{Number: number, Kind: asf.Command, Interval: interval, Size: 64, KeyBit: true}
}

// Playable is the stream with objects that players decode: pictures, sound and
// text. Nothing else is different, except that script commands have their own
// size and the objects' sizes another bound.
func (st Stream) Playable() Stream {
	switch st.Kind {
	case asf.Video:
		st.Carrier = JPEG
	case asf.Audio:
		st.Carrier = PCM
	case asf.Command:
		st.Carrier, st.Size = Text, Text.MinObject()
	}
	return st
}

// Plain is a stream as ffmpeg makes them: 3200-byte multi-payload packets,
// video of 25 frames per second with a key frame every second, and sound
// without key bits, about bitrate bits per second in all.
func Plain(bitrate int) Spec {
	sound := Audio(2, max(bitrate/8, 16000), 371)
	sound.KeyBit = false
	return Spec{
		Streams:    []Stream{Video(1, 25, bitrate-bitrate/8, 25), sound},
		PacketSize: 3200, Preroll: 3100 * time.Millisecond,
		Multiple: true, Padding: asf.Byte,
	}
}

// Sound is a stream without video, of about bitrate bits per second.
func Sound(bitrate int) Spec {
	return Spec{Streams: []Stream{Audio(1, bitrate, 1024)}, PacketSize: 1400, Multiple: true, Padding: asf.Byte}
}

// EE4 is a stream of the shape of Expression Encoder 4: sound of 192 kb/s,
// video of 350 kb/s with 30 frames per second and a key frame every gop frames,
// script commands, padding stripped.
func EE4(gop int) Spec {
	return Spec{
		Streams: []Stream{Video(2, 30, 350000, gop), Audio(1, 192000, 8192), Script(4, 5*time.Second)},
		EE4:     true, Preroll: 3 * time.Second, Multiple: true, Padding: asf.Word, Strip: true,
	}
}

// Again is the Spec of the same encoder after a restart: its header is equivalent to
// that of s and differs in File ID, creation date and list of languages; its send
// times begin at s.Start again.
func (s Spec) Again() Spec {
	s.Epoch++
	return s
}

// Other is the Spec of another encoder: its header is not equivalent to that of
// s, its packets are a few bytes longer.
func (s Spec) Other() Spec {
	s.PacketSize = s.packetSize() + 16
	s.EE4 = false
	s.Epoch++
	return s
}

// packetSize is the size of data packets.
func (s *Spec) packetSize() int {
	if s.EE4 {
		return asf.EE4Header(0).PacketSize
	}
	return s.PacketSize
}
