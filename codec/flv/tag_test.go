package flv

import (
	"errors"
	"testing"
)

// video are bodies of video tags.
var video = []struct {
	name, hex string
	want      Tag
}{
	{"Empty", "", Tag{}},
	// FLV 10.1, E.4.3.
	{"SorensonKey", "12 0000", Tag{Codec: Sorenson, Kind: Key}},
	{"SorensonInter", "22", Tag{Codec: Sorenson}},
	{"Disposable", "32", Tag{Codec: Sorenson}},
	{"Generated", "44", Tag{Codec: VP6, Kind: Key}},
	{"Command", "52 00", Tag{Kind: Command}},
	{"AVCCommand", "57 01", Tag{Kind: Command}},
	{"UnknownKey", "1f", Tag{Codec: oldVideo + 15, Kind: Key}},
	{"AVCHeader", "17 00 000000 0164000cffe1000a6764000cacb40a0cfcf801000468ee3cb0", Tag{Codec: OldAVC, Kind: Header}},
	{"AVCHeaderNoKey", "27 00 000000 01", Tag{Codec: OldAVC, Kind: Header}},
	{"AVCKey", "17 01 000050 0000011b650a0b0c", Tag{Codec: OldAVC, Kind: Key}},
	{"AVCGenerated", "47 01 000000", Tag{Codec: OldAVC, Kind: Key}},
	{"AVCInter", "27 01 000000 0000000a 41", Tag{Codec: OldAVC}},
	{"AVCEnd", "17 02 000000", Tag{Codec: OldAVC, Kind: End}},
	{"AVCUnknown", "17 03 000000", Tag{Codec: OldAVC}},
	{"OldHEVCHeader", "1c 00 000000", Tag{Codec: OldHEVC, Kind: Header}},
	{"OldHEVCKey", "1c 01 000000", Tag{Codec: OldHEVC, Kind: Key}},
	{"OldAV1Inter", "2d 01 000000", Tag{Codec: OldAV1}},
	// Enhanced RTMP v2.
	{"HEVCHeader", "90 68766331 01016000000090", Tag{Codec: HEVC, Kind: Header}},
	{"HEVCKey", "91 68766331 000028 000000022601", Tag{Codec: HEVC, Kind: Key}},
	{"HEVCKeyX", "93 68766331 000000022601", Tag{Codec: HEVC, Kind: Key}},
	{"HEVCInterX", "a3 68766331 000000020201", Tag{Codec: HEVC}},
	{"HEVCEnd", "92 68766331", Tag{Codec: HEVC, Kind: End}},
	{"AV1Header", "90 61763031 81000c00", Tag{Codec: AV1, Kind: Header}},
	{"AV1HeaderTS", "95 61763031 00", Tag{Codec: AV1, Kind: Header}},
	{"AV1Key", "91 61763031 1200", Tag{Codec: AV1, Kind: Key}},
	{"AV1Generated", "c1 61763031 1200", Tag{Codec: AV1, Kind: Key}},
	{"EnhancedAVCHeader", "90 61766331 01", Tag{Codec: EnhancedAVC, Kind: Header}},
	{"VP9Key", "91 76703039 82", Tag{Codec: VP9, Kind: Key}},
	{"UnknownCodec", "91 78797a21 00", Tag{Codec: 0x78797A21, Kind: Key}},
	{"UnknownPacket", "9a 68766331", Tag{Codec: HEVC}},
	{"Colours", "94 68766331 0200", Tag{Codec: HEVC, Kind: Meta}},
	{"ColoursOfNoKey", "a4 68766331 0200", Tag{Codec: HEVC, Kind: Meta}},
	{"ColoursOfCommand", "d4 68766331 0200", Tag{Codec: HEVC, Kind: Meta}},
	{"EnhancedCommand", "d1 00", Tag{Kind: Command}},
	{"EnhancedCommandAlone", "d0", Tag{Kind: Command}},
	{"ModEx", "97 02 03d090 03 68766331 000000022601", Tag{Codec: HEVC, Kind: Key}},
	{"ModExTwice", "97 02 03d090 07 00 ff 11 68766331 000000", Tag{Codec: HEVC, Kind: Key}},
	{"ModExLong", "97 ff 0002 010203 00 68766331", Tag{Codec: HEVC, Kind: Header}},
	{"ModExOfCommand", "d7 00 00 01 00", Tag{Kind: Command}},
	{"OneTrack", "96 01 68766331 01 000000 000000022601", Tag{Codec: HEVC, Kind: Key, Multi: true, Track: 1}},
	{"OneTrackInter", "a6 03 68766331 00 000000022601", Tag{Codec: HEVC, Multi: true}},
	{"OneTrackHeader", "96 00 68766331 02 01", Tag{Codec: HEVC, Kind: Header, Multi: true, Track: 2}},
	{"OneTrackBehindModEx", "97 00 00 06 01 68766331 01 00", Tag{Codec: HEVC, Kind: Key, Multi: true, Track: 1}},
	{"ManyTracks", "96 11 68766331 02 000001 aa 00 000002 bbbb", Tag{Codec: HEVC, Kind: Key, Multi: true}},
	{"ManyTracksWithoutFirst", "96 10 68766331 02 000001 aa 05 000000", Tag{Codec: HEVC, Kind: Header, Multi: true, Track: 2}},
	{"ManyCodecs", "96 21 61766331 03 000001 aa 61763031 00 000000", Tag{Codec: AV1, Kind: Key, Multi: true}},
	{"ManyCodecsWithoutFirst", "96 20 61766331 03 000001 aa", Tag{Codec: EnhancedAVC, Kind: Header, Multi: true, Track: 3}},
}

// audio are bodies of audio tags.
var audio = []struct {
	name, hex string
	want      Tag
}{
	{"Empty", "", Tag{}},
	// FLV 10.1, E.4.2.
	{"PCM", "0f 00", Tag{Codec: PCM}},
	{"MP3", "2f fffb", Tag{Codec: OldMP3}},
	{"MP3At8", "ee ff", Tag{Codec: OldMP3At8}},
	{"Speex", "b6", Tag{Codec: Speex}},
	{"MuLaw", "82 00", Tag{Codec: MuLaw}},
	{"Unknown", "c2 00", Tag{Codec: oldAudio + 12}},
	{"AACHeader", "af 00 1210", Tag{Codec: OldAAC, Kind: Header}},
	{"AACHeaderMono", "a2 00 1208", Tag{Codec: OldAAC, Kind: Header}},
	{"AAC", "af 01 21", Tag{Codec: OldAAC}},
	{"AACUnknown", "af 02", Tag{Codec: OldAAC}},
	// Enhanced RTMP v2.
	{"OpusHeader", "90 4f707573 4f70757348656164", Tag{Codec: Opus, Kind: Header}},
	{"OpusHeaderEmpty", "90 4f707573", Tag{Codec: Opus, Kind: Header}},
	{"Opus", "91 4f707573 fc", Tag{Codec: Opus}},
	{"OpusEnd", "92 4f707573", Tag{Codec: Opus, Kind: End}},
	{"Channels", "94 6d703461 0106", Tag{Codec: EnhancedAAC, Kind: Header, Channels: true}},
	{"AC3", "91 61632d33 0b77", Tag{Codec: AC3}},
	{"UnknownPacket", "93 664c6143", Tag{Codec: FLAC}},
	{"ModEx", "97 02 03d090 01 2e6d7033 ff", Tag{Codec: EnhancedMP3}},
	{"OneTrack", "95 01 65632d33 01 0b77", Tag{Codec: EAC3, Multi: true, Track: 1}},
	{"OneTrackHeader", "95 00 4f707573 01", Tag{Codec: Opus, Kind: Header, Multi: true, Track: 1}},
	{"OneTrackChannels", "95 04 4f707573 01 00", Tag{Codec: Opus, Kind: Header, Channels: true, Multi: true, Track: 1}},
	{"ManyCodecs", "95 21 4f707573 00 000001 fc 6d703461 01 000000", Tag{Codec: Opus, Multi: true}},
}

func TestVideo(t *testing.T) {
	for _, c := range video {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Video(unhex(t, c.hex)); err != nil || got != c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestAudio(t *testing.T) {
	for _, c := range audio {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Audio(unhex(t, c.hex)); err != nil || got != c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestShort(t *testing.T) {
	for _, c := range []struct {
		name  string
		parse func([]byte) (Tag, error)
		hex   string
	}{
		{"AVC", Video, "17"},
		{"AAC", Audio, "af"},
		{"FourCC", Video, "91 687663"},
		{"NoFourCC", Audio, "91"},
		{"ModEx", Video, "97"},
		{"ModExSize", Video, "97 ff 00"},
		{"ModExData", Video, "97 02 03d0"},
		{"ModExNoType", Video, "97 02 03d090"},
		{"ModExLongData", Audio, "97 ff ffff 00"},
		{"ModExAgain", Audio, "97 00 00 07"},
		{"Multitrack", Video, "96"},
		{"MultitrackFourCC", Video, "96 01 6876"},
		{"NoTrack", Video, "96 01 68766331"},
		{"NoTrackOfMany", Audio, "95 11 4f707573"},
		{"TrackSize", Video, "96 11 68766331 01 0000"},
		{"TrackBody", Video, "96 11 68766331 01 000002 aa"},
		{"TrackSizeBeyond", Video, "96 11 68766331 01 ffffff aa"},
		{"SecondFourCC", Audio, "95 21 4f707573 01 000000 6d"},
		{"SecondTrack", Audio, "95 21 4f707573 01 000000 6d703461"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := c.parse(unhex(t, c.hex)); !errors.Is(err, ErrShort) || got != (Tag{}) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestString(t *testing.T) {
	for want, codecs := range map[string][]Codec{
		"unknown": {0},
		"H.264":   {OldAVC, EnhancedAVC},
		"HEVC":    {HEVC},
		"AAC":     {OldAAC, EnhancedAAC},
		"MP3":     {OldMP3, OldMP3At8, EnhancedMP3},
		"Opus":    {Opus}, "AV1": {AV1}, "VP9": {VP9},
		"video codec 9":    {oldVideo + 9},
		"audio codec 13":   {oldAudio + 13},
		`"xyz!"`:           {0x78797A21},
		`"\x00\x1b\a\x7f"`: {0x001B077F},
	} {
		for _, c := range codecs {
			if got := c.String(); got != want {
				t.Errorf("%#x: %s, want %s", uint32(c), got, want)
			}
		}
	}
	if OldAVC == EnhancedAVC || OldAAC == EnhancedAAC {
		t.Error("an old tag's codec is that of an enhanced one")
	}
	for kind, want := range map[Kind]string{Frame: "frame", Header: "header", Key: "key", End: "end", Command: "command", Meta: "meta", 9: "unknown"} {
		if kind.String() != want {
			t.Errorf("%d: %s", kind, kind)
		}
	}
}

// TestNoAllocations: this runs for every tag that comes in.
func TestNoAllocations(t *testing.T) {
	var bodies [][]byte
	for _, c := range video {
		bodies = append(bodies, unhex(t, c.hex))
	}
	keys := 0
	if n := testing.AllocsPerRun(100, func() {
		for _, b := range bodies {
			if tag, err := Video(b); err == nil && tag.Kind == Key {
				keys++
			}
			if _, err := Audio(b); err != nil {
				keys++
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if keys == 0 {
		t.Error("no keys: the test shows nothing")
	}
}
