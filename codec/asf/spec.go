package asf

import (
	"slices"
	"time"
	"unicode/utf16"

	"streampump/codec/wire"
)

// HeaderSpec is what a header is built from, in tests and by the load
// generator. Fields that are zero leave their object out or take the value
// named.
type HeaderSpec struct {
	FileID     wire.GUID
	Created    uint64 // 100 ns since 1601
	PacketSize int    // must be set
	Preroll    time.Duration
	// Live: the broadcast flag is set and nothing is told about sizes, in the
	// manner of Expression Encoder 4. Otherwise a seekable file's values.
	Live bool
	// ExtraFlags are set in the file properties besides.
	ExtraFlags uint32
	// Packets and Duration of a file; a Live header tells neither.
	Packets  uint64
	Duration time.Duration
	// Bitrate of everything; 0 means the sum of the streams'.
	Bitrate uint32
	Streams []StreamSpec
	// Languages of the language list, as "en-us".
	Languages []string
	// Compatibility, CodecList, StreamBitrates: these objects are there.
	Compatibility, CodecList, StreamBitrates bool
	// Metadata lists attributes of streams, Content attributes of the whole.
	Metadata, Content []Attribute
	// Padding is the whole size of a padding object in the header extension;
	// 0 for none, else at least 24.
	Padding int
}

// StreamSpec is one stream of a [HeaderSpec].
type StreamSpec struct {
	Number  uint8
	Kind    StreamKind
	Bitrate uint32 // of the media alone, bits per second
	// Total is the bit rate with what packets add; 0 means Bitrate.
	Total uint32

	// Video.
	FourCC        string // "WMV3"
	Width, Height int
	FrameTime     time.Duration

	// Audio.
	FormatTag  uint16 // 0x161
	SampleRate int
	Channels   int
	BlockAlign int
	SampleBits int // 16 if 0

	CodecData   []byte // what follows the format structure
	CodecName   string // in the codec list
	CodecDetail string

	// Extended: the stream has Extended Stream Properties; Hidden: and its
	// Stream Properties are inside those only.
	Extended, Hidden bool
	NoCleanPoints    bool
	Buffer           uint32 // milliseconds of leaky bucket
	ObjectMax        uint32 // largest media object
	// Extensions are the stream's payload extension systems. Their sizes and
	// eight make up the length of replicated data.
	Extensions []Extension
}

// Extension is a payload extension system: every payload of the stream carries
// Size bytes for it in its replicated data.
type Extension struct {
	System wire.GUID
	Size   uint16
}

// Attribute is one entry of a metadata or content description object. Exactly
// one of Text and Bytes is used: Bytes if it is not nil.
type Attribute struct {
	Stream uint8 // metadata only
	Name   string
	Text   string
	Bytes  []byte
	Type   uint16 // of Bytes: 2 is a boolean, 1 bytes
}

// EE4Header is a header of the shape that Expression Encoder 4 sends: the same
// objects in the same order and of the same sizes, with 8223-byte packets,
// streams 1, 2 and 4, and replicated data of 12 bytes for video. Variants 0 and
// 1 are as from two runs of the encoder: they differ in identifier, date and
// language list, have 5437 and 5411 bytes (and the Data Object's 50), and are
// [Equivalent].
func EE4Header(variant int) HeaderSpec {
	s := HeaderSpec{
		PacketSize: 8223, Preroll: 3 * time.Second, Live: true, ExtraFlags: 8,
		FileID:  wire.GUID{0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0x4E, 0x8F, 0x01, 2, 3, 4, 5, 6, byte(variant)},
		Created: 129_400_000_000_000_000 + uint64(variant)*600_000_000,
		Streams: ee4Streams(), Languages: []string{"de-at", "en-gb", "nl-be"},
		Compatibility: true, CodecList: true, StreamBitrates: true, Padding: 3850,
		Metadata: []Attribute{
			{Stream: 1, Name: "IsVBR", Bytes: []byte{0, 0}, Type: 2},
			{Stream: 1, Name: "DeviceConformanceTemplate", Text: "L3"},
			{Stream: 2, Name: "IsVBR", Bytes: []byte{0, 0}, Type: 2},
			{Stream: 2, Name: "DeviceConformanceTemplate", Text: "MP@LL"},
		},
		Content: []Attribute{
			{Name: "WMFSDKVersion", Text: "12.0.7600.16385"},
			{Name: "WMFSDKNeeded", Text: "0.0.0.0000"},
			{Name: "IsVBR", Bytes: []byte{0, 0, 0, 0}, Type: 2},
		},
	}
	if variant == 1 {
		s.Languages = s.Languages[1:2]
	}
	return s
}

func ee4Streams() []StreamSpec {
	return []StreamSpec{
		{
			Number: 1, Kind: Audio, Bitrate: 192000, Total: 193195,
			FormatTag: 0x161, SampleRate: 48000, Channels: 2, BlockAlign: 8192,
			CodecData:   []byte{0x00, 0x88, 0x00, 0x00, 0x0F, 0x00, 0x00, 0x00, 0x00, 0x00},
			CodecName:   "Windows Media Audio 9.2",
			CodecDetail: "192 kbps, 48 kHz, stereo 1-pass CBR",
			Extended:    true, Buffer: 1451, ObjectMax: 8192,
		},
		{
			Number: 2, Kind: Video, Bitrate: 350000, Total: 357137,
			FourCC: "WMV3", Width: 320, Height: 240, FrameTime: 333333 * 100,
			CodecData:   []byte{0x4E, 0x51, 0x00, 0x01, 0x00},
			CodecName:   "VC-1",
			CodecDetail: "VC-1 Simple/Main Profile",
			Extended:    true, Buffer: 3000,
			Extensions: []Extension{{guidPixelAspectRatio, 2}, {guidSampleDuration, 2}},
		},
		{Number: 4, Kind: Command, Bitrate: 4000, Total: 6157, Extended: true, Buffer: 3000},
	}
}

// ReplicatedExtra is how many bytes of payload extensions each payload of the
// stream carries, the length that [Object.Extension] must have.
func (s StreamSpec) ReplicatedExtra() int {
	n := 0
	for _, e := range s.Extensions {
		n += int(e.Size)
	}
	return n
}

// total is the stream's bit rate with what packets add.
func (s *StreamSpec) total() uint32 { return firstOf(s.Total, s.Bitrate) }

// bitrate is the bit rate of everything.
func (s *HeaderSpec) bitrate() uint32 {
	if s.Bitrate != 0 {
		return s.Bitrate
	}
	var sum uint32
	for i := range s.Streams {
		sum += s.Streams[i].total()
	}
	return sum
}

// Append appends the header and the first 50 bytes of the Data Object.
func (s HeaderSpec) Append(dst []byte) []byte {
	// The file properties tell the size of the whole, so that is found first.
	return s.append(dst, len(s.append(nil, 0)))
}

func (s *HeaderSpec) append(dst []byte, size int) []byte {
	dst = append(dst, guidHeader[:]...)
	sizeAt := len(dst)
	dst = wire.AppendU64(dst, uint64(max(size-dataHead, 0)))
	dst = wire.AppendU32(dst, 0)
	dst = append(dst, 1, 2)
	var count uint32
	for _, f := range s.objects(size) {
		was := len(dst)
		if dst = f(dst); len(dst) > was {
			count++
		}
	}
	wire.PutU32(dst[sizeAt+8:], count)
	return s.appendDataHead(dst)
}

// objects lists what lies in the Header Object, in Expression Encoder's order.
// Each appends its object, or nothing.
func (s *HeaderSpec) objects(size int) []func([]byte) []byte {
	list := []func([]byte) []byte{
		s.appendCodecList,
		s.appendStreamBitrates,
		func(dst []byte) []byte { return s.appendFileProps(dst, size) },
		s.appendExtension,
	}
	for i := range s.Streams {
		if !s.Streams[i].Hidden {
			list = append(list, s.Streams[i].appendProps)
		}
	}
	return append(list, s.appendContent)
}

// appendDataHead appends the first 50 bytes of the Data Object [ASF 5.1].
func (s *HeaderSpec) appendDataHead(dst []byte) []byte {
	packets, size := s.Packets, uint64(dataHead)+s.Packets*uint64(s.PacketSize)
	if s.Live {
		packets, size = 0, dataHead
	}
	dst = append(dst, guidData[:]...)
	dst = wire.AppendU64(dst, size)
	dst = append(dst, s.FileID[:]...)
	dst = wire.AppendU64(dst, packets)
	return append(dst, 1, 1)
}

// appendObject appends an object with the body that f appends.
func appendObject(dst []byte, id wire.GUID, f func([]byte) []byte) []byte {
	start := len(dst)
	dst = append(dst, id[:]...)
	dst = wire.AppendU64(dst, 0)
	dst = f(dst)
	wire.PutU64(dst[start+16:], uint64(len(dst)-start))
	return dst
}

// appendText appends s in UTF-16 with a final zero, as ASF writes names.
func appendText(dst []byte, s string) []byte {
	for _, u := range slices.Concat(utf16.Encode([]rune(s)), []uint16{0}) {
		dst = wire.AppendU16(dst, u)
	}
	return dst
}

// textUnits is the length of what appendText appends, in 16-bit units.
func textUnits(s string) int { return len(utf16.Encode([]rune(s))) + 1 }
