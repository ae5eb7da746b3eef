package rtp

import (
	"slices"
	"strings"
	"testing"
)

// zeros is n bytes of nothing.
func zeros(n int) string { return strings.Repeat("00", n) }

func TestFormatOf(t *testing.T) {
	for _, c := range []struct {
		encodings               string
		pictures, known, onward bool
	}{
		{"H264 H265 HEVC AV1 VP8 VP9 MP4V-ES MPV JPEG", true, true, false},
		{"MP2T", true, true, true},
		{"MPEG4-GENERIC MP4A-LATM OPUS PCMU PCMA G722 MPA L16 VORBIS", false, true, true},
		{"VND.ONVIF.METADATA SMPTE336M TELEPHONE-EVENT", false, true, true},
		{"MPA-ROBUST L8 L20 L24 AC3 EAC3 SPEEX AMR AMR-WB ILBC G726-16 G726-24 G726-32 G726-40", false, true, true},
		{"X-ASF-PF H261 H263 h264 NONSENSE", false, false, false},
	} {
		for encoding := range strings.FieldsSeq(c.encodings) {
			f, pictures, known := FormatOf(encoding, params(""))
			if pictures != c.pictures || known != c.known || Continuous(f) != c.onward {
				t.Errorf("%s: pictures %t, known %t, continuous %t", encoding, pictures, known, Continuous(f))
			}
			if f.Look(nil) != Other {
				t.Errorf("%s: an empty payload is %v", encoding, f.Look(nil))
			}
		}
	}
	// All static types of sound are known.
	for typ := range 128 {
		e, _ := Static(uint8(typ))
		if _, _, known := FormatOf(e.Name, params("")); e.Channels > 0 && !known {
			t.Errorf("%s is unknown", e.Name)
		}
	}
}

func TestLookString(t *testing.T) {
	for look, want := range map[Look]string{Other: "other", Lead: "lead", Refresh: "refresh", Key: "key", Key + 1: "unknown"} {
		if look.String() != want {
			t.Errorf("%d is %s", look, look)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []looks{
		{"AV1", "AV1", "", []look{
			{"18 0a0b 000000", Key}, {"90 3210", Other}, {"10 3210", Other},
			{"98 0a0b", Other}, // the element goes on, so it is not the first packet
			{"18", Other}, {"", Other}}},
		{"VP8", "VP8", "", []look{
			{"10 1002009d012a", Key}, {"10 1102009d", Other},
			{"00 1002", Other}, // goes on
			{"11 1002", Other}, // another partition
			{"14 1002", Other},
			{"30 10", Key}, // a frame that others do not depend on
			{"10", Other}, {"", Other}}},
		{"VP8Extended", "VP8", "", []look{
			{"90 80 05 10", Key}, {"90 80 05 11", Other},
			{"90 80 8005 10", Key}, {"90 80 8005 11", Other},
			{"90 e0 8005 07 40 10", Key}, {"90 e0 8005 07 40 11", Other},
			{"90 f0 05 07 40 10", Key}, // T and K share a byte
			{"90 40 07 10", Key}, {"90 20 40 10", Key}, {"90 10 01 11", Other},
			{"90 00 10", Key},
			{"90 80 8005", Other}, {"90 80", Other}, {"90", Other}, {"90 e0 80 05", Other}}},
		{"VP9", "VP9", "", []look{
			{"08 82 498342", Key}, {"48 86", Other},
			{"00 82", Other}, // not the first of the frame
			{"08 86", Other}, // intra-coded only
			{"08 8a", Other}, // shows an old frame
			{"08 90", Key}, {"08 98", Other}, {"08 a8", Other},
			{"08 b0", Key}, {"08 b4", Other}, {"08 b2", Other}, {"08 a0", Key}, // profiles 3 and 1
			{"08 02", Other}, // no frame
			{"08", Other}, {"", Other}}},
		{"VP9Extended", "VP9", "", []look{
			{"88 05 82", Key}, {"88 8005 82", Key}, {"88 05 86", Other},
			{"a8 8005 00 07 82", Key}, // with layer indices and TL0PICIDX
			{"b8 8005 00 82", Key},    // flexible: without it
			{"a8 8005 08 07 82", Other},
			{"a8 8005 02 07 82", Other}, // the second spatial layer
			{"a8 8005 01 07 82", Other}, // from the layer below
			{"a8 8005 e0 07 82", Key},   // a temporal layer
			{"88", Other}, {"88 80", Other}, {"a8 05", Other}, {"a8 05 00", Other}, {"a8 05 00 07", Other}}},
		{"VP9Structure", "VP9", "", []look{
			{"0a 00 82", Key},
			{"0a 10 0280 0168 82", Key},
			{"0a 30 0140 00b4 0280 0168 82", Key},
			{"0a 08 02 00 04 01 82", Key}, // two pictures, of 0 and 1 references
			{"0a 18 0280 0168 01 0c 010203 82", Key},
			{"0a 18 0280 0168 01 0c 010203 86", Other},
			{"0a", Other}, {"0a 08", Other}, {"0a 08 02 00", Other}, {"0a 08 01 0c 01", Other}, {"0a 30 0280 0168", Other}}},
		{"MPEG4", "MP4V-ES", "", []look{
			{"000001b0 f5 000001b5 0913 00000100 00000120 00c488 000001b2 4c61 000001b3 001070 000001b6 10", Key},
			{"0000012f 00 000001b6 10", Key}, {"000001b6 10 60", Key}, {"000001b6 56", Other}, {"000001b6 96", Other}, {"000001b6", Other},
			{"000001b3 001070", Lead}, {"000001b6 10", Key},
			{"000001b0 f5", Lead}, {"000001b3 00 000001b6 56", Other},
			{"000001b1", Other}, {"000001b7", Other}, {"00000130", Other},
			{"b0 000001b6 10", Other}, {"00000001", Other}, {"000001", Other}, {"0000", Other}}},
		{"MPEG2", "MPV", "", []look{
			{"00003900 000001b3", Key}, {"00001900 00000100", Other}, {"00003a00 000001b3", Other}, {"00002900 00", Key},
			{"00003d00 00", Other}, {"00003800 00", Other}, {"00003900", Other}, {"0000", Other}}},
		{"JPEG", "JPEG", "", []look{
			{"00 000000 01ff2817 00", Key}, {"00 000578 01ff2817 00", Other}, {"00 010000 01ff2817 00", Other},
			{"ff 000000 01ff2817 00", Key}, {"00 000000 01ff2817", Other}}},
		{"AAC", "MPEG4-GENERIC", "mode=AAC-hbr", []look{{"0010 0320" + zeros(100), Key}, {"", Other}}},
		{"MPA", "MPA", "", []look{{"00000000 fffb", Key}}},
		{"LATM", "MP4A-LATM", "cpresent=0", []look{{"80", Key}, {"07", Key}, {"", Other}}},
		{"LATMInBand", "MP4A-LATM", "", []look{{"2000", Key}, {"8007", Other}, {"", Other}}},
	} {
		t.Run(c.name, c.run)
	}
}

// ts is one packet of a transport stream: its identifier, the bits of its second byte,
// and what is behind the first three bytes, filled up.
func ts(pid, flags uint16, rest string) string {
	const digits = "0123456789abcdef"
	head := flags | pid
	b := "47"
	for shift := 12; shift >= 0; shift -= 4 {
		b += string(digits[head>>shift&15])
	}
	rest = strings.ReplaceAll(rest, " ", "")
	return b + rest + strings.Repeat("ff", tsSize-3-len(rest)/2)
}

// Packets of a transport stream: tables, and packets of pictures (0x100) and sound
// (0x101) that give random access or not.
var (
	pat       = ts(0, 0x4000, "10 00 00b011 0001 c1 0000 0000e010 0001f000 2ab104b2")
	pmt       = ts(0x1000, 0x4000, "10 00 02b017 0001 c1 0000 e100 f000 0fe101f000 1be100f000 00000000")
	pmtPlain  = ts(0x1000, 0x4000, "10 00 02b012 0001 c1 0000 e101 f000 0fe101f000 00000000")
	pmtWordy  = ts(0x1000, 0x4000, "10 00 02b01e 0001 c1 0000 e101 f003 050148 0fe101f004 0a020102 24e100f000 00000000")
	pmtNext   = ts(0x1000, 0x4000, "10 00 02b012 0001 c0 0000 e101 f000 0fe101f000 00000000")
	pmtBehind = ts(0x1000, 0x4000, "30 0500 ffffffff 01 aa 02b012 0001 c1 0000 e100 f000 1be100f000 00000000")
	video     = ts(0x100, 0, "10")
	videoKey  = ts(0x100, 0x4000, "30 07 50 000000000000 000001e0")
	audioKey  = ts(0x101, 0x4000, "30 01 40 000001c0")
	null      = ts(0x1FFF, 0, "30 01 40")
)

func TestMP2T(t *testing.T) {
	for _, c := range []looks{
		{"Tables", "MP2T", "", []look{
			{videoKey, Other}, {pat, Other}, {videoKey, Other}, {pmt, Other},
			{videoKey, Key}, {video, Other}, {audioKey, Other}, {null, Other}}},
		{"OnePacket", "MP2T", "", []look{{pat + pmt + videoKey + video, Key}, {video + audioKey, Other}, {audioKey + video + videoKey, Key}}},
		{"OnlySound", "MP2T", "", []look{{pat + pmtPlain, Other}, {audioKey, Key}, {videoKey, Other}}},
		{"Descriptors", "MP2T", "", []look{{pat + pmtWordy, Other}, {videoKey, Key}, {audioKey, Other}}},
		{"NotYet", "MP2T", "", []look{{pat + pmt + pmtNext, Other}, {videoKey, Key}, {audioKey, Other}}},
		{"BehindPointer", "MP2T", "", []look{{pat + pmtBehind, Other}, {videoKey, Key}}},
		{"AnotherMap", "MP2T", "", []look{{pat + pmt, Other}, {videoKey, Key},
			{ts(0, 0x4000, "10 00 00b00d 0001 c1 0000 0001f001 2ab104b2"), Other}, {videoKey, Other}}},
		{"Errors", "MP2T", "", []look{{pat + pmt, Other},
			{ts(0x100, 0xC000, "30 07 50"), Other}, // says so of itself
			{ts(0x100, 0x4000, "10 07 50"), Other}, // no adaptation field
			{ts(0x100, 0x4000, "30 00 50"), Other}, // an empty one
			{ts(0x100, 0x4000, "30 07 10"), Other}, // not random
			{videoKey[2:], Other}, {videoKey[:2*tsSize-2], Other}, {"48" + videoKey[2:], Other},
			{video + videoKey[:40], Other}}},
		{"Nonsense", "MP2T", "", []look{
			{ts(0, 0x4000, "10 ff"), Other}, {ts(0, 0x4000, "30 ff"), Other}, {ts(0, 0x4000, "30 b7"), Other},
			{ts(0, 0x4000, "10 b0"), Other}, {ts(0, 0x4000, "10 00 00b000 0001 c1 0000 0001f000"), Other},
			{ts(0, 0x4000, "10 00 02b00d 0001 c1 0000 0001f000"), Other}, {pmt + videoKey, Other}, {null, Other}}},
	} {
		t.Run(c.name, c.run)
	}
}

// TestTSPictures: the types of streams that are pictures, of all.
func TestTSPictures(t *testing.T) {
	want := []int{0x01, 0x02, 0x10, 0x1B, 0x20, 0x21, 0x24, 0x33, 0x42, 0xD1, 0xD2, 0xD4, 0xEA}
	var got []int
	for typ := range 256 {
		if tsPictures(uint8(typ)) {
			got = append(got, typ)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}
