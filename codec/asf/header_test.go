package asf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/codec/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestHeader(t *testing.T) {
	cases := []struct {
		name    string
		spec    HeaderSpec
		size    int
		text    string
		video   bool
		bitrate uint32
	}{
		{"av", avSpec(), 505, "video 1 WMV2 320x240 400 kb/s, audio 2 WMA 44.1 kHz mono 64 kb/s; packets of 3200 bytes, preroll 3.1 s", true, 464_000},
		{"ee4", EE4Header(0), 5487, "video 2 WMV3 320x240 350 kb/s, audio 1 WMA 48 kHz stereo 192 kb/s, script 4; packets of 8223 bytes, preroll 3 s", true, 556_489},
		{"ee4_again", EE4Header(1), 5461, "video 2 WMV3 320x240 350 kb/s, audio 1 WMA 48 kHz stereo 192 kb/s, script 4; packets of 8223 bytes, preroll 3 s", true, 556_489},
		{"audio", HeaderSpec{PacketSize: 64, Streams: []StreamSpec{
			{Number: 127, Kind: Audio, FormatTag: 0x55, SampleRate: 22050, Channels: 6}}},
			0, "audio 127 MP3 22.05 kHz 6 channels; packets of 64 bytes, preroll 0 s", false, 0},
		{"unknown_kind", HeaderSpec{PacketSize: PacketSizeMax, Bitrate: 9, Streams: []StreamSpec{
			{Number: 9, Kind: Other, CodecData: []byte{1}},
			{Number: 8, Kind: Audio, FormatTag: 0x7777, SampleRate: 8000, Channels: 1}}},
			0, "audio 8 0x7777 8 kHz mono, other 9; packets of 65527 bytes, preroll 0 s", false, 9},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := c.spec.Append(nil)
			if c.size != 0 && len(b) != c.size {
				t.Errorf("%d bytes, want %d", len(b), c.size)
			}
			h, err := ParseHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			if h.String() != c.text {
				t.Errorf("got  %s\nwant %s", h, c.text)
			}
			if h.PacketSize() != c.spec.PacketSize || h.Preroll() != c.spec.Preroll ||
				h.HasVideo() != c.video || h.Bitrate() != c.bitrate {
				t.Errorf("packet size %d, preroll %v, video %t, bit rate %d", h.PacketSize(), h.Preroll(), h.HasVideo(), h.Bitrate())
			}
			if !Equivalent(h, h) {
				t.Error("not equivalent to itself")
			}
		})
	}
}

// TestHeaderKeepsNothing: what the caller does with his bytes afterwards, and
// with the list of streams, is his.
func TestHeaderKeepsNothing(t *testing.T) {
	b := EE4Header(0).Append(nil)
	h, err := ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	want := h.String()
	clear(b)
	clear(h.Streams())
	if h.String() != want || !Equivalent(h, parseSpec(t, EE4Header(0))) {
		t.Error("the header changed with the caller's memory")
	}
}

func TestHiddenStream(t *testing.T) {
	s := avSpec()
	s.Streams[0].Hidden = true
	s.Streams[0].NoCleanPoints = true
	s.Streams[0].Extensions = []Extension{{guidSampleDuration, 2}, {guidPixelAspectRatio, 0xFFFF}}
	h := parseSpec(t, s)
	got := h.Streams()
	if len(got) != 2 || got[0].Kind != Video || !got[0].NoCleanPoints || got[0].Codec != "WMV2" || !h.HasVideo() {
		t.Errorf("streams %+v", got)
	}
	if s.Streams[0].ReplicatedExtra() != 2+0xFFFF {
		t.Errorf("%d extra bytes", s.Streams[0].ReplicatedExtra())
	}
}

// TestBitratesAlone: without extended properties the stream bitrate properties
// tell what a video stream takes.
func TestBitratesAlone(t *testing.T) {
	s := avSpec()
	s.Streams[0].Total = 411_000
	if got := parseSpec(t, s).Streams()[0].Bitrate; got != 411_000 {
		t.Errorf("bit rate %d", got)
	}
}

func TestLive(t *testing.T) {
	b := avSpec().Append(nil)
	h, err := ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	live := h.Live()
	again, err := ParseHeader(live)
	if err != nil || !Equivalent(h, again) || !bytes.Equal(again.Live(), live) {
		t.Fatalf("the live header does not read back the same: %v", err)
	}
	props := bytes.Index(b, guidFileProps[:])
	want := bytes.Clone(b)
	wire.PutU64(want[props+40:], uint64(len(b)))
	wire.PutU64(want[props+56:], 0xFFFFFFFF)
	clear(want[props+64 : props+80])
	wire.PutU32(want[props+88:], 1)
	wire.PutU64(want[len(want)-34:], 50)
	clear(want[len(want)-10 : len(want)-2])
	if !bytes.Equal(live, want) {
		t.Errorf("got  %x\nwant %x", live, want)
	}
}

// TestLiveStays: a header that is live already is not touched.
func TestLiveStays(t *testing.T) {
	for variant := range 2 {
		b := EE4Header(variant).Append(nil)
		h, err := ParseHeader(append(bytes.Clone(b), "behind"...))
		if err != nil || !bytes.Equal(h.Live(), b) {
			t.Errorf("variant %d: %v, %d of %d bytes", variant, err, len(h.Live()), len(b))
		}
	}
}

func TestEquivalent(t *testing.T) {
	base := EE4Header(0)
	change := func(f func(*HeaderSpec)) HeaderSpec {
		s := EE4Header(0)
		f(&s)
		return s
	}
	cases := []struct {
		name string
		spec HeaderSpec
		want bool
	}{
		{"other_run", EE4Header(1), true},
		{"padding", change(func(s *HeaderSpec) { s.Padding = 0 }), true},
		{"descriptions", change(func(s *HeaderSpec) { s.Content, s.Metadata = nil, nil }), true},
		{"codec_list", change(func(s *HeaderSpec) { s.CodecList, s.Compatibility = false, false }), true},
		{"file_for_live", change(func(s *HeaderSpec) { s.Live, s.Packets = false, 100 }), true},
		{"order", change(func(s *HeaderSpec) { s.Streams[0], s.Streams[2] = s.Streams[2], s.Streams[0] }), true},
		{"video_bitrate", change(func(s *HeaderSpec) { s.Streams[1].Bitrate++ }), true},
		{"packet_size", change(func(s *HeaderSpec) { s.PacketSize-- }), false},
		{"preroll", change(func(s *HeaderSpec) { s.Preroll += time.Millisecond }), false},
		{"stream_missing", change(func(s *HeaderSpec) { s.Streams = s.Streams[:2] }), false},
		{"stream_number", change(func(s *HeaderSpec) { s.Streams[0].Number = 3 }), false},
		{"kind", change(func(s *HeaderSpec) { s.Streams[2].Kind = Other }), false},
		{"picture_size", change(func(s *HeaderSpec) { s.Streams[1].Width = 640 }), false},
		{"codec_data", change(func(s *HeaderSpec) { s.Streams[1].CodecData = []byte{0x4E, 0x51, 0x00, 0x01, 0x01} }), false},
		{"audio_format", change(func(s *HeaderSpec) { s.Streams[0].SampleRate = 44100 }), false},
		{"no_extension", change(func(s *HeaderSpec) { s.Streams[1].Extensions = nil }), false},
		{"extension_order", change(func(s *HeaderSpec) {
			e := s.Streams[1].Extensions
			s.Streams[1].Extensions = []Extension{e[1], e[0]}
		}), false},
		{"clean_points", change(func(s *HeaderSpec) { s.Streams[1].NoCleanPoints = true }), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, b := parseSpec(t, base), parseSpec(t, c.spec)
			if Equivalent(a, b) != c.want || Equivalent(b, a) != c.want {
				t.Errorf("equivalent %t and %t, want %t", Equivalent(a, b), Equivalent(b, a), c.want)
			}
		})
	}
}

// TestEquivalentEncrypted: two runs of an encrypting encoder have two keys.
func TestEquivalentEncrypted(t *testing.T) {
	encrypt := func(variant int) *Header {
		b := EE4Header(variant).Append(nil)
		b[bytes.LastIndex(b, guidStreamProps[:])+73] |= 0x80
		h, err := ParseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := encrypt(0); !h.Streams()[2].Encrypted || !Equivalent(h, encrypt(0)) {
		t.Error("an encrypted header is not equivalent to itself")
	}
	if Equivalent(encrypt(0), encrypt(1)) || Equivalent(encrypt(0), parseSpec(t, EE4Header(0))) {
		t.Error("headers with different keys are equivalent")
	}
}

// TestEquivalentBytes: parts of stream properties that no encoder was seen to
// change by themselves, yet a player would notice.
func TestEquivalentBytes(t *testing.T) {
	for name, offset := range map[string]int{
		"kind": 24, "correction": 40, "time_offset": 56, "type_data": 78, "correction_data": 78 + 28,
	} {
		b := EE4Header(0).Append(nil)
		b[bytes.Index(b, guidStreamProps[:])+offset]++
		h, err := ParseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		if Equivalent(h, parseSpec(t, EE4Header(0))) {
			t.Errorf("%s is not compared", name)
		}
	}
}

func TestHeaderErrors(t *testing.T) {
	object := func(id wire.GUID) func([]byte) int {
		return func(b []byte) int { return bytes.Index(b, id[:]) }
	}
	props, streams, extended := object(guidFileProps), object(guidStreamProps), object(guidExtStreamProps)
	cases := []struct {
		name, what string
		damage     func([]byte) []byte
	}{
		{"empty", "before its size", func([]byte) []byte { return nil }},
		{"size_cut", "before its size", func(b []byte) []byte { return b[:23] }},
		{"cut", "ends after 5486 of 5487", func(b []byte) []byte { return b[:len(b)-1] }},
		{"text", "not ASF", func([]byte) []byte { return []byte("<html><body>hello, this is a web page</body></html>") }},
		{"text_short", "not ASF", func([]byte) []byte { return []byte("0x") }},
		{"small", "not between", func(b []byte) []byte { wire.PutU64(b[16:], 29); return b }},
		{"huge", "not between", func(b []byte) []byte { wire.PutU64(b[16:], 1<<63); return b }},
		{"object_huge", "claims", func(b []byte) []byte { wire.PutU64(b[props(b)+16:], 1<<63); return b }},
		{"object_small", "claims", func(b []byte) []byte { wire.PutU64(b[props(b)+16:], 23); return b }},
		{"no_data_object", "no Data Object", func(b []byte) []byte { b[len(b)-50]++; return b }},
		{"no_file_properties", "no file properties", func(b []byte) []byte { b[props(b)]++; return b }},
		{"packet_sizes_differ", "only one size", func(b []byte) []byte { b[props(b)+92]--; return b }},
		{"packet_size_small", "packet size of 63", func(b []byte) []byte {
			wire.PutU32(b[props(b)+92:], 63)
			wire.PutU32(b[props(b)+96:], 63)
			return b
		}},
		{"packet_size_large", "packet size of 65528", func(b []byte) []byte {
			wire.PutU32(b[props(b)+92:], 65528)
			wire.PutU32(b[props(b)+96:], 65528)
			return b
		}},
		{"preroll", "preroll", func(b []byte) []byte { wire.PutU64(b[props(b)+80:], prerollMax+1); return b }},
		{"preroll_of_the_whole_time_line", "preroll", func(b []byte) []byte { wire.PutU64(b[props(b)+80:], 1<<32-1); return b }},
		{"stream_zero", "stream number 0", func(b []byte) []byte { b[streams(b)+72] = 0; return b }},
		{"stream_twice", "stream 2 is described twice", func(b []byte) []byte { b[streams(b)+72] = 2; return b }},
		{"stream_cut", "stream properties are cut short", func(b []byte) []byte { wire.PutU32(b[streams(b)+64:], 0xFFFFFFFF); return b }},
		{"extended_cut", "extended properties of stream 1 are cut short", func(b []byte) []byte { b[extended(b)+86] = 1; return b }},
		{"names_cut", "extended properties of stream 1 are cut short", func(b []byte) []byte { b[extended(b)+85] = 0xFF; return b }},
		{"extension_cut", "header extension is cut short", func(b []byte) []byte {
			b = b[:object(guidHeaderExtension)(b)+30] // the last object, and not whole
			b = append(b, make([]byte, 50)...)
			copy(b[len(b)-50:], guidData[:])
			wire.PutU64(b[object(guidHeaderExtension)(b)+16:], 30)
			wire.PutU64(b[16:], uint64(len(b)-50))
			return b
		}},
		{"extension_of_no_objects", "claims", func(b []byte) []byte {
			copy(b[object(guidHeaderExtension)(b)+46:], strings.Repeat("x", 24))
			return b
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseHeader(c.damage(EE4Header(0).Append(nil)))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(err.Error(), c.what) {
				t.Errorf("error %v, want …%s…", err, c.what)
			}
		})
	}
}

// Headers that no specification allows are taken, and made such that all
// players take them: ffmpeg stumbles over spare bytes.
func TestHeaderLeniency(t *testing.T) {
	at := func(b []byte, id wire.GUID) int { return bytes.Index(b, id[:]) }
	// spare puts n bytes behind the last object of the header.
	spare := func(n int, x byte) func([]byte) []byte {
		return func(b []byte) []byte {
			end := len(b) - dataHead
			wire.PutU64(b[16:], uint64(end+n))
			return slices.Insert(b, end, bytes.Repeat([]byte{x}, n)...)
		}
	}
	want := parseSpec(t, EE4Header(0))
	for _, c := range []struct {
		name  string
		spare int
		bend  func([]byte) []byte
	}{
		{"extension_too_long", 0, func(b []byte) []byte { b[at(b, guidHeaderExtension)+43]++; return b }},
		{"extension_endless", 0, func(b []byte) []byte {
			wire.PutU32(b[at(b, guidHeaderExtension)+42:], 1<<32-1)
			return b
		}},
		{"extension_with_spare_bytes", 2, func(b []byte) []byte {
			b[at(b, guidHeaderExtension)+42]--
			b[at(b, guidPadding)+16] -= 2
			return b
		}},
		{"extended_properties_with_spare_bytes", 5, func(b []byte) []byte {
			x, e := at(b, guidHeaderExtension), at(b, guidExtStreamProps)
			end := e + int(wire.U64(b[e+16:]))
			for _, o := range []int{0, x, e} {
				wire.PutU64(b[o+16:], wire.U64(b[o+16:])+5)
			}
			wire.PutU32(b[x+42:], wire.U32(b[x+42:])+5)
			return slices.Insert(b, end, 1, 2, 3, 4, 5)
		}},
		{"spare_byte", 1, spare(1, 7)},
		{"spare_bytes", 23, spare(23, 7)},
		{"spare_zeros", 500, spare(500, 0)},
		{"described_in_both_places", 0, func(b []byte) []byte {
			stream := at(b, guidStreamProps)
			size := int(wire.U64(b[stream+16:]))
			again := bytes.Clone(b[stream : stream+size])
			again[78]++ // it says something else; the one at top level counts
			number := again[72] & 0x7F
			for e := at(b, guidExtStreamProps); e >= 0; e += 24 + at(b[e+24:], guidExtStreamProps) {
				if b[e+72]&0x7F != number {
					continue
				}
				for _, o := range []int{0, at(b, guidHeaderExtension), e} {
					wire.PutU64(b[o+16:], wire.U64(b[o+16:])+uint64(size))
				}
				x := at(b, guidHeaderExtension)
				wire.PutU32(b[x+42:], wire.U32(b[x+42:])+uint32(size))
				return slices.Insert(b, e+int(wire.U64(b[e+16:]))-size, again...)
			}
			t.Fatal("no extended properties")
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.bend(EE4Header(0).Append(nil))
			h, err := ParseHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			if !Equivalent(h, want) || h.String() != want.String() {
				t.Errorf("%v, want %v", h, want)
			}
			if len(h.Live()) != len(b)-c.spare {
				t.Errorf("%d bytes became %d", len(b), len(h.Live()))
			}
			if again, err := ParseHeader(h.Live()); err != nil || !bytes.Equal(again.Live(), h.Live()) {
				t.Errorf("what viewers get is another header, or none: %v", err)
			}
		})
	}
}

func TestHeaderWithoutStreams(t *testing.T) {
	_, err := ParseHeader(HeaderSpec{PacketSize: 100}.Append(nil))
	if err == nil || !strings.Contains(err.Error(), "no stream") {
		t.Errorf("error %v", err)
	}
}

// TestHeaderSize: no wrong answer is given however few bytes there are.
func TestHeaderSize(t *testing.T) {
	b := EE4Header(0).Append(nil)
	for n := range 100 {
		size, ok := HeaderSize(b[:n])
		if ok != (n >= 24) || ok && size != len(b) {
			t.Errorf("of %d bytes: %d, %t", n, size, ok)
		}
	}
	for n := 1; n < 100; n++ {
		if size, ok := HeaderSize(bytes.Repeat([]byte("0&"), 50)[:n]); n > 2 && (!ok || size >= 0) {
			t.Errorf("of %d bytes that are not ASF: %d, %t", n, size, ok)
		}
	}
	b[16], b[17], b[18], b[19] = 0, 0, 0, 1
	if size, ok := HeaderSize(b); !ok || size >= 0 {
		t.Errorf("of a header of 16 MB: %d, %t", size, ok)
	}
}

// TestDumpGolden holds the builder, the parser and the dump against text that a
// person has read.
func TestDumpGolden(t *testing.T) {
	hidden := avSpec()
	hidden.Streams[1].Hidden = true
	for name, b := range map[string][]byte{
		"ee4": EE4Header(0).Append(nil), "av": avSpec().Append(nil), "hidden": hidden.Append(nil),
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := DumpHeader(&got, b); err != nil {
				t.Fatal(err)
			}
			goldenFile(t, name+".txt", got.Bytes())
		})
	}
}

func goldenFile(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// failing is a writer that is full after some bytes.
type failing int

var errFull = errors.New("full")

func (f *failing) Write(b []byte) (int, error) {
	if *f -= failing(len(b)); *f < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestDumpErrors(t *testing.T) {
	room := failing(100)
	if err := DumpHeader(&room, EE4Header(0).Append(nil)); !errors.Is(err, errFull) {
		t.Errorf("error %v of a full writer", err)
	}
	var syntax *SyntaxError
	for _, b := range [][]byte{nil, []byte("nonsense that is long enough to be seen")} {
		if err := DumpHeader(&bytes.Buffer{}, b); !errors.As(err, &syntax) {
			t.Errorf("error %v", err)
		}
		if err := DumpPacket(&bytes.Buffer{}, b, 100); !errors.As(err, &syntax) {
			t.Errorf("error %v", err)
		}
	}
}

// TestFormatStructures holds what players read of a stream's format against the
// bytes that ffmpeg writes for such streams.
func TestFormatStructures(t *testing.T) {
	for _, c := range []struct {
		name string
		spec StreamSpec
		want string
	}{
		{
			"pcm8", StreamSpec{Kind: Audio, FormatTag: 1, SampleRate: 8000, Channels: 1, BlockAlign: 1, SampleBits: 8, Bitrate: 64000},
			"0100 0100 401f0000 401f0000 0100 0800 0000",
		},
		{
			"mjpeg", StreamSpec{Kind: Video, FourCC: "MJPG", Width: 96, Height: 64},
			"60000000 40000000 02 2800 28000000 60000000 40000000 0100 1800 4d4a5047 00480000 00000000 00000000 00000000 00000000",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := hex.EncodeToString(c.spec.typeData()), strings.ReplaceAll(c.want, " ", ""); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}
