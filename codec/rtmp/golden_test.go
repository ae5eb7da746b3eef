package rtmp

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"streampump/codec/amf"
	"streampump/codec/flv"
)

// golden are conversations of one direction, with the chunk size that they are in, and
// what they say.
var golden = []struct {
	name string
	size int
	hex  string
	want []told
}{
	{"Connect", 128, `
		030000000000621400000000020007636f6e6e656374003ff00000000000000300036170700200046c69766500047479706502000a6e6f6e7072697661746500
		08666c617368566572020008464d4c452f332e300005746355726c02000d72746d703a2f2f682f6c697665000009`,
		[]told{{typeCommand, 0, 0, 98, "connect"}}},
	{"ConnectEnhanced", 128, `
		030000000000871400000000020007636f6e6e656374003ff00000000000000300036170700200046c6976650005746355726c02000d72746d703a2f2f682f6c
		697665000a666f757243634c6973740a00000001020004687663310012766964656f466f75724363496e666f4d61700300012a00401000000000000000000900
		066361707345780040180000c300000000000009`,
		[]told{{typeCommand, 0, 0, 135, "connect"}}},
	{"Sizes", 128, `
		020000000000040500000000002625a0020000000000050600000000002625a00202000000000004010000000000001000`,
		[]told{{typeWindow, 0, 0, 4, "002625a0"}, {typeBandwidth, 0, 0, 5, "002625a002"}}},
	{"ConnectAnswer", 4096, `
		030000000000be14000000000200075f726573756c74003ff0000000000000030006666d7356657202000d464d532f332c352c332c383838000c636170616269
		6c697469657300403f0000000000000000090300056c6576656c0200067374617475730004636f646502001d4e6574436f6e6e656374696f6e2e436f6e6e6563
		742e53756363657373000b6465736372697074696f6e020015436f6e6e656374696f6e207375636365656465642e000e6f626a656374456e636f64696e670000
		00000000000000000009`,
		[]told{{typeCommand, 0, 0, 190, "_result"}}},
	{"CreateStreamAnswer", 4096, `0300000000001d14000000000200075f726573756c7400401000000000000005003ff0000000000000`,
		[]told{{typeCommand, 0, 0, 29, "_result"}}},
	{"Publish", 4096, `0800000000001f14010000000200077075626c69736800401400000000000005020001610200046c697665`,
		[]told{{typeCommand, 1, 0, 31, "publish"}}},
	{"PublishStart", 4096, `
		0500000000005b14010000000200086f6e537461747573000000000000000000050300056c6576656c0200067374617475730004636f64650200174e65745374
		7265616d2e5075626c6973682e5374617274000b6465736372697074696f6e0200026f6b000009`,
		[]told{{typeCommand, 1, 0, 91, "onStatus"}}},
	{"StreamBeginAndEOF", 4096, `020000000000060400000000000000000001020000000000060400000000000100000001`,
		[]told{{typeUserControl, 0, 0, 6, "000000000001"}, {typeUserControl, 0, 0, 6, "000100000001"}}},
	{"PlayStart", 4096, `
		0500000000005814010000000200086f6e537461747573000000000000000000050300056c6576656c0200067374617475730004636f64650200144e65745374
		7265616d2e506c61792e5374617274000b6465736372697074696f6e0200026f6b000009`,
		[]told{{typeCommand, 1, 0, 88, "onStatus"}}},
	{"UnpublishNotify", 4096, `
		0500000000006114010000000200086f6e537461747573000000000000000000050300056c6576656c0200067374617475730004636f646502001e4e65745374
		7265616d2e506c61792e556e7075626c6973684e6f74696679000b6465736372697074696f6e02000161000009`,
		[]told{{typeCommand, 1, 0, 97, "onStatus"}}},
	{"SampleAccess", 4096, `0500000000001812010000000200117c52746d7053616d706c6541636365737301010101`,
		[]told{{typeData, 1, 0, 24, "|RtmpSampleAccess"}}},
	{"SetDataFrame", 4096, `
		04000000000074120100000002000d40736574446174614672616d6502000a6f6e4d657461446174610800000004000577696474680040740000000000000006
		686569676874004066800000000000000c766964656f636f646563696400401c000000000000000c617564696f636f6465636964004024000000000000000009`,
		[]told{{typeData, 1, 0, 116, "@setDataFrame"}}},
	{"MetaData", 4096, `
		05000000000064120100000002000a6f6e4d65746144617461080000000400057769647468004074000000000000000668656967687400406680000000000000
		0c766964656f636f646563696400401c000000000000000c617564696f636f6465636964004024000000000000000009`,
		[]told{{typeData, 1, 0, 100, "onMetaData"}}},
	{"AVCHeader", 4096, `0600000000001e090100000017000000000164000cffe1000a6764000cacb40a0cfcf801000468ee3cb0`,
		[]told{{typeVideo, 1, 0, 30, "H.264 header"}}},
	{"AACHeader", 4096, `040000000000040801000000af001210`,
		[]told{{typeAudio, 1, 0, 4, "AAC header"}}},
	{"KeyFrameInChunks", 128, "060003e80001240901000000" + picture[:256] + "c6" + picture[256:512] + "c6" + picture[512:],
		[]told{{typeVideo, 1, 1000, 292, "H.264 key"}}},
	{"KeyFrame", 4096, "060003e80001240901000000" + picture,
		[]told{{typeVideo, 1, 1000, 292, "H.264 key"}}},
	{"ExtendedTime", 128, "06ffffff00008c090100000001312d002701000000000000834100000000000000000000" +
		strings.Repeat("00", 108) + "c601312d00" + strings.Repeat("00", 12),
		[]told{{typeVideo, 1, 20000000, 140, "H.264 frame"}}},
	{"FirstExtendedTime", 4096, `04ffffff000003080100000000ffffffaf0121`,
		[]told{{typeAudio, 1, 0xFFFFFF, 3, "AAC frame"}}},
	{"LastShortTime", 4096, `04fffffe0000030801000000af0121`,
		[]told{{typeAudio, 1, 0xFFFFFE, 3, "AAC frame"}}},
	{"HEVCHeader", 4096, `
		06000000000075090100000090687663310101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003
		003c959809a10001002b42010101600000030090000003000003003ca00a080b9f796566924caf016808000003000800000300c840a2000100074401c172b462
		40`,
		[]told{{typeVideo, 1, 0, 117, "HEVC header"}}},
	{"HEVCKey", 4096, `0600002800000e09010000009168766331000028000000022601`,
		[]told{{typeVideo, 1, 40, 14, "HEVC key"}}},
	{"HEVCInter", 4096, `0600005000000b0901000000a368766331000000020201`,
		[]told{{typeVideo, 1, 80, 11, "HEVC frame"}}},
	{"AV1Header", 4096, `060000000000090901000000906176303181000c00`,
		[]told{{typeVideo, 1, 0, 9, "AV1 header"}}},
	{"AV1Key", 4096, `06000028000007090100000091617630311200`,
		[]told{{typeVideo, 1, 40, 7, "AV1 key"}}},
	{"Multitrack", 4096, `06000028000010090100000096016876633101000000000000022601`,
		[]told{{typeVideo, 1, 40, 16, "HEVC key of track 1"}}},
	{"OpusHeader", 4096, `040000000000180801000000904f7075734f707573486561640102380180bb0000000000`,
		[]told{{typeAudio, 1, 0, 24, "Opus header"}}},
	{"ModEx", 4096, `060000280000100901000000970203d0900368766331000000022601`,
		[]told{{typeVideo, 1, 40, 16, "HEVC key"}}},
	{"Colours", 4096, `
		0600000000003909010000009468766331020009636f6c6f72496e666f03000b636f6c6f72436f6e666967030008626974446570746800402400000000000000
		0009000009`,
		[]told{{typeVideo, 1, 0, 57, "HEVC meta"}}},
	{"ReconnectRequest", 4096, `
		0300000000006f14000000000200086f6e537461747573000000000000000000050300056c6576656c0200067374617475730004636f64650200264e6574436f
		6e6e656374696f6e2e436f6e6e6563742e5265636f6e6e656374526571756573740005746355726c02000d72746d703a2f2f622f6c697665000009`,
		[]told{{typeCommand, 0, 0, 111, "onStatus"}}},
	{"Aggregate", 4096, `
		060013880000281601000000080000030003e800000000af01210000000e090000070003f0000000002701000000419a00000012`,
		[]told{{typeAudio, 1, 5000, 3, "AAC frame"}, {typeVideo, 1, 5008, 7, "H.264 frame"}}},
	{"PingAndPong", 4096, `020000000000060400000000000600003039020000000000060400000000000700003039`,
		[]told{{typeUserControl, 0, 0, 6, "000600003039"}, {typeUserControl, 0, 0, 6, "000700003039"}}},
	{"LongStreamsAndAbort", 4096, `
		00000000000000010801000000af0100010000000000010801000000af02000000000004020000000000000006`,
		[]told{{typeAudio, 1, 0, 1, "short"}, {typeAudio, 1, 0, 1, "short"}}},
	{"RejectWithRedirect", 4096, `
		0300000000009314000000000200065f6572726f72003ff0000000000000050300056c6576656c0200056572726f720004636f646502001e4e6574436f6e6e65
		6374696f6e2e436f6e6e6563742e52656a6563746564000b6465736372697074696f6e0200056d6f76656400026578030004636f6465004072e0000000000000
		08726564697265637402000d72746d703a2f2f622f6c697665000009000009`,
		[]told{{typeCommand, 0, 0, 147, "_error"}}},
}

// picture is a key frame of 292 bytes with a composition time of 80.
const picture = `17010000500000011b65` +
	`0a0b0c0d0e0f` + `101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f` +
	`404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f` +
	`707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f` +
	`a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf` +
	`d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff` +
	`000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223`

// told is a message, and what it says: of a command or data the first string, of media
// what the tag is, of all others the body in hex.
type told struct {
	typ    uint8
	stream uint32
	time   uint32
	size   int
	says   string
}

func TestGolden(t *testing.T) {
	for _, c := range golden {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			for _, cut := range []int{len(b), 1, 7} {
				r := chunks{limits: wide}
				r.next(resized(c.size))
				var got []told
				for _, m := range readAll(t, &r, b, cut) {
					for _, m := range split(t, m) {
						got = append(got, told{m.typ, m.stream, m.time, len(m.body), says(m)})
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("in pieces of %d: %+v, want %+v", cut, got, c.want)
				}
			}
		})
	}
}

// split is the messages of an aggregate; any other one is itself.
func split(t *testing.T, m message) (all []message) {
	if m.typ != typeAggregate {
		return []message{m}
	}
	for a := newAggregate(m); ; {
		m, ok, err := a.next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return all
		}
		all = append(all, m)
	}
}

func says(m message) string {
	var tag flv.Tag
	var err error
	switch m.typ {
	case typeCommand, typeData:
		r := amf.NewReader(m.body)
		first, err := r.Next()
		for err == nil && r.More() {
			_, err = r.Next()
		}
		if err != nil {
			return err.Error()
		}
		return string(first.Text)
	case typeAudio:
		tag, err = flv.Audio(m.body)
	case typeVideo:
		tag, err = flv.Video(m.body)
	default:
		return hexOf(m.body)
	}
	s := tag.Codec.String() + " " + tag.Kind.String()
	switch {
	case err != nil:
		return "short"
	case tag.Multi:
		return s + " of track " + string('0'+rune(tag.Track))
	}
	return s
}

// TestGoldenWritten: what we write ourselves is what others have been seen to understand.
func TestGoldenWritten(t *testing.T) {
	vector := func(name string) []byte {
		for _, c := range golden {
			if c.name == name {
				return unhex(t, c.hex)
			}
		}
		t.Fatalf("no vector %s", name)
		return nil
	}
	var sizes []byte
	sizes = appendWindow(sizes, 2500000)
	sizes = appendBandwidth(sizes, 2500000)
	for _, c := range []struct {
		name string
		got  []byte
	}{
		{"Sizes", appendFigure(sizes, typeChunkSize, 4096)},
		{"StreamBeginAndEOF", appendUserControl(appendUserControl(nil, eventStreamBegin, 1), eventStreamEOF, 1)},
		{"PingAndPong", appendUserControl(appendUserControl(nil, eventPing, 12345), eventPong, 12345)},
		{"AVCHeader", appendMessage(nil, 6, typeVideo, 1, 0, vector("AVCHeader")[12:])},
		{"AACHeader", appendMessage(nil, 4, typeAudio, 1, 0, vector("AACHeader")[12:])},
		{"KeyFrame", appendMessage(nil, 6, typeVideo, 1, 1000, unhex(t, picture))},
		{"KeyFrameInChunks", appendChunked(nil, 128, 6, typeVideo, 1, 1000, unhex(t, picture))},
		{"ExtendedTime", appendChunked(nil, 128, 6, typeVideo, 1, 20000000, unhex(t, "27010000000000008341"+strings.Repeat("00", 130)))},
		{"FirstExtendedTime", appendMessage(nil, 4, typeAudio, 1, 0xFFFFFF, unhex(t, "af0121"))},
		{"LastShortTime", appendMessage(nil, 4, typeAudio, 1, 0xFFFFFE, unhex(t, "af0121"))},
		{"MetaData", appendMessage(nil, 5, typeData, 1, 0, vector("MetaData")[12:])},
	} {
		if want := vector(c.name); !bytes.Equal(c.got, want) {
			t.Errorf("%s: %x, want %x", c.name, c.got, want)
		}
	}
}
