package asf

import (
	"fmt"
	"strconv"
	"strings"

	"streampump/codec/wire"
)

// StreamKind is what a stream carries.
type StreamKind uint8

// The kinds. Anything that is not one of the three is Other: it is passed on
// and never waited for.
const (
	Other StreamKind = iota
	Audio
	Video
	Command // script commands, text
)

// String is the kind's name in logs and dumps.
func (k StreamKind) String() string {
	switch k {
	case Audio:
		return "audio"
	case Video:
		return "video"
	case Command:
		return "script"
	}
	return "other"
}

// Stream is what the header tells about one stream.
type Stream struct {
	Number        uint8 // 1 to 127
	Kind          StreamKind
	NoCleanPoints bool // the key bit of its payloads means nothing [ASF 4.1]
	Encrypted     bool
	Bitrate       uint32 // bits per second of the media alone where that is known; 0 if unknown
	Codec         string // "WMV3", "WMA"; empty if unknown
	Width, Height int    // of video, in pixels
	SampleRate    int    // of audio, in Hz
	Channels      int    // of audio
}

// String describes the stream in a few words: "video 2 WMV3 320x240 350 kb/s".
func (s Stream) String() string {
	words := []string{s.Kind.String(), strconv.Itoa(int(s.Number))}
	if s.Codec != "" {
		words = append(words, s.Codec)
	}
	if s.Kind == Video {
		words = append(words, fmt.Sprintf("%dx%d", s.Width, s.Height))
	}
	if s.Kind == Audio {
		words = append(words, strconv.FormatFloat(float64(s.SampleRate)/1000, 'f', -1, 64)+" kHz", channels(s.Channels))
	}
	if s.Bitrate > 0 && s.Kind != Command {
		words = append(words, fmt.Sprintf("%d kb/s", (uint64(s.Bitrate)+500)/1000))
	}
	if s.Encrypted {
		words = append(words, "encrypted")
	}
	return strings.Join(words, " ")
}

func channels(n int) string {
	switch n {
	case 1:
		return "mono"
	case 2:
		return "stereo"
	}
	return strconv.Itoa(n) + " channels"
}

// stream is a Stream with what two headers are compared by. The slices are
// part of the header's own copy.
type stream struct {
	Stream
	kind       wire.GUID
	correction wire.GUID
	timeOffset uint64
	typeData   []byte
	corrData   []byte
	extensions []byte // payload extension systems as they stand in the header
}

// parseStream reads a Stream Properties Object [ASF 3.3].
func parseStream(o object) (s stream, err error) {
	r := wire.NewReader(o.body)
	s.kind, s.correction = r.GUID(), r.GUID()
	s.timeOffset = r.U64()
	typeSize, corrSize := r.U32(), r.U32()
	flags := r.U16()
	r.Skip(4)
	// In 64 bits, so that no sum of two sizes wraps.
	if !r.OK() || uint64(typeSize)+uint64(corrSize) > uint64(r.Left()) {
		return s, headerError(o.at, "the stream properties are cut short")
	}
	s.typeData, s.corrData = r.Bytes(int(typeSize)), r.Bytes(int(corrSize))
	s.Number = uint8(flags & 0x7F)
	s.Encrypted = flags&0x8000 != 0
	if s.Number == 0 {
		return s, headerError(o.at+objectHead+48, "stream number 0 is not allowed")
	}
	s.describe()
	return s, nil
}

// describe fills in what the type-specific data tells. It is for display, so
// that data which is too short leaves things unknown and is not an error.
func (s *stream) describe() {
	r := wire.NewReader(s.typeData)
	switch s.kind {
	case guidAudio: // WAVEFORMATEX [ASF 9.1]
		s.Kind = Audio
		s.Codec = audioCodec(r.U16())
		s.Channels = int(r.U16())
		s.SampleRate = int(r.U32() & 0x7FFFFFFF)
		if bytesPerSecond := r.U32(); bytesPerSecond < 1<<29 {
			s.Bitrate = bytesPerSecond * 8
		}
	case guidVideo: // sizes, then BITMAPINFOHEADER [ASF 9.2]
		s.Kind = Video
		s.Width, s.Height = int(r.U32()&0x7FFFFFFF), int(r.U32()&0x7FFFFFFF)
		r.Skip(3 + 16)
		s.Codec = fourCC(r.Bytes(4))
	case guidCommand:
		s.Kind = Command
	}
}

// audioCodec names the common values of wFormatTag.
func audioCodec(tag uint16) string {
	switch tag {
	case 0x0001:
		return "PCM"
	case 0x000A:
		return "WMA-Voice"
	case 0x0055:
		return "MP3"
	case 0x00FF, 0x1610:
		return "AAC"
	case 0x0160:
		return "WMA1"
	case 0x0161:
		return "WMA"
	case 0x0162:
		return "WMA-Pro"
	case 0x0163:
		return "WMA-Lossless"
	}
	return fmt.Sprintf("0x%04X", tag)
}

// fourCC is a codec's four characters, or their hexadecimal form where they
// would not print.
func fourCC(b []byte) string {
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return fmt.Sprintf("%X", b)
		}
	}
	return string(b)
}
