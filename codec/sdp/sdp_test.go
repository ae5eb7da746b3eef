package sdp

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// text is a description of these lines.
func text(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

// identity is that of the descriptions that tests write.
var identity = Identity{ID: 17, Version: 2, Name: "news", Base: "rtsp://h:8554/news"}

// written is what viewers get of media lines.
func written(lines ...string) string {
	return string(text(append([]string{
		"v=0", "o=- 17 2 IN IP4 0.0.0.0", "s=news", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*", "a=range:npt=now-",
	}, lines...)...))
}

const (
	h264Params = "packetization-mode=1; sprop-parameter-sets=Z01AHtoCgL/lwEQAAAMABAAAAwDIPFi6gA==,aO88gA==; profile-level-id=4D401E"
	aacParams  = "profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=119056E500"
)

// cases are descriptions as they are met, what is read of them, and what viewers get.
var cases = []struct {
	name string
	in   []byte
	want Session
	out  string
}{
	{
		"FFmpeg5_1",
		text("v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=No Name", "c=IN IP4 192.0.2.7", "t=0 0",
			"a=tool:libavformat LIBAVFORMAT_VERSION",
			"m=video 0 RTP/AVP 96", "b=AS:904", "a=rtpmap:96 H264/90000", "a=fmtp:96 "+h264Params, "a=control:streamid=0",
			"m=audio 0 RTP/AVP 97", "b=AS:128", "a=rtpmap:97 MPEG4-GENERIC/48000/2", "a=fmtp:97 "+aacParams, "a=control:streamid=1"),
		Session{Media: []Media{
			{Kind: "video", Protocol: "RTP/AVP", Control: "streamid=0", Kilobits: 904, Bandwidths: []string{"b=AS:904"},
				Formats: []Format{{Type: 96, Encoding: "H264", Clock: 90000, Map: "H264/90000", Params: h264Params}}},
			{Kind: "audio", Protocol: "RTP/AVP", Control: "streamid=1", Kilobits: 128, Bandwidths: []string{"b=AS:128"},
				Formats: []Format{{Type: 97, Encoding: "MPEG4-GENERIC", Clock: 48000, Channels: 2, Map: "MPEG4-GENERIC/48000/2", Params: aacParams}}},
		}},
		written("m=video 0 RTP/AVP 96", "b=AS:904", "a=rtpmap:96 H264/90000", "a=fmtp:96 "+h264Params, "a=control:rtsp://h:8554/news/trackID=0",
			"m=audio 0 RTP/AVP 97", "b=AS:128", "a=rtpmap:97 MPEG4-GENERIC/48000/2", "a=fmtp:97 "+aacParams, "a=control:rtsp://h:8554/news/trackID=1"),
	},
	{
		"Rtspclientsink1_22",
		text("v=0", "o=- 1188340656180883 1 IN IP4 192.0.2.9", "s=Session streamed with GStreamer", "i=rtsp-server", "t=0 0",
			"a=tool:GStreamer", "a=type:broadcast", "a=control:*", "a=range:npt=now-",
			"m=audio 0 RTP/AVP 96", "c=IN IP4 0.0.0.0", "b=AS:132", "a=rtpmap:96 MP4A-LATM/48000/2",
			"a=fmtp:96 cpresent=0;config=40002320adca00", "a=control:stream=1", "a=ts-refclk:local", "a=mediaclk:sender", "a=ssrc:1 cname:user@host",
			"m=video 0 RTP/AVP 96", "c=IN IP4 0.0.0.0", "a=rtpmap:96 H264/90000", "a=framerate:25", "a=control:stream=0",
			"a=ts-refclk:local", "a=mediaclk:sender", "a=ssrc:2 cname:user@host"),
		Session{Control: "*", Media: []Media{
			{Kind: "audio", Protocol: "RTP/AVP", Control: "stream=1", Kilobits: 132, Bandwidths: []string{"b=AS:132"}, Lines: []string{"a=ts-refclk:local"},
				Formats: []Format{{Type: 96, Encoding: "MP4A-LATM", Clock: 48000, Channels: 2, Map: "MP4A-LATM/48000/2", Params: "cpresent=0;config=40002320adca00"}}},
			{Kind: "video", Protocol: "RTP/AVP", Control: "stream=0", Lines: []string{"a=framerate:25", "a=ts-refclk:local"},
				Formats: []Format{{Type: 96, Encoding: "H264", Clock: 90000, Map: "H264/90000"}}},
		}},
		written("m=audio 0 RTP/AVP 96", "b=AS:132", "a=rtpmap:96 MP4A-LATM/48000/2", "a=fmtp:96 cpresent=0;config=40002320adca00",
			"a=ts-refclk:local", "a=control:rtsp://h:8554/news/trackID=0",
			"m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=framerate:25", "a=ts-refclk:local", "a=control:rtsp://h:8554/news/trackID=1"),
	},
	{
		// No version, origin or name, blank lines, lines that end with LF, a c= line
		// without an address, parameters of another format, and sound to be sent back.
		"Camera",
		[]byte("\n\nc=IN\nb=AS:5050\na=control:rtsp://192.0.2.1/ch1/\nm=video 0 RTP/AVP 96\nb=AS: 5000\n" +
			"a=control:rtsp://admin:secret@192.0.2.1/ch1/trackID=1\na=rtpmap: 96  H265/90000 \n\n" +
			"a=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=\na=recvonly\na=x-dimensions:1920,1080\n" +
			"a=Media_header:MEDIAINFO=494D4B48;\na=appversion:1.0\n" +
			"m=audio 0 RTP/AVP 0\na=control:rtsp://192.0.2.1/ch1/trackID=2\na=sendonly\n" +
			"m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000"),
		Session{Control: "rtsp://192.0.2.1/ch1/", Kilobits: 5050, Media: []Media{
			{Kind: "video", Protocol: "RTP/AVP", Control: "rtsp://admin:secret@192.0.2.1/ch1/trackID=1", Kilobits: 5000,
				Bandwidths: []string{"b=AS: 5000"}, Lines: []string{"a=x-dimensions:1920,1080"},
				Formats: []Format{{Type: 96, Encoding: "H265", Clock: 90000, Map: "H265/90000",
					Params: "profile-level-id=420029; packetization-mode=1; sprop-parameter-sets="}}},
			{Kind: "audio", Protocol: "RTP/AVP", Control: "rtsp://192.0.2.1/ch1/trackID=2", SendOnly: true,
				Formats: []Format{{Type: 0}}},
			{Kind: "application", Protocol: "RTP/AVP",
				Formats: []Format{{Type: 107, Encoding: "VND.ONVIF.METADATA", Clock: 90000, Map: "vnd.onvif.metadata/90000"}}},
		}},
		written("m=video 0 RTP/AVP 96", "b=AS: 5000", "a=rtpmap:96 H265/90000",
			"a=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=", "a=x-dimensions:1920,1080",
			"a=control:rtsp://h:8554/news/trackID=0",
			"m=audio 0 RTP/AVP 0", "a=control:rtsp://h:8554/news/trackID=1",
			"m=application 0 RTP/AVP 107", "a=rtpmap:107 vnd.onvif.metadata/90000", "a=control:rtsp://h:8554/news/trackID=2"),
	},
	{
		"SeveralFormatsAndOddSpellings",
		[]byte("v=0\rm=AUDIO 5004/2 rtp/avpf  0 8 x 200 97\r a=rtpmap:97 OPUS/48000/2 \ra=fmtp:97\ra=fmtp:99 a=b\ra=rtpmap:99 X/1\ra=ptime:20\ra=rtpmap:97 again/1\rnonsense\r=\rb=:1\rb=AS:x"),
		Session{Media: []Media{
			{Kind: "audio", Protocol: "RTP/AVPF", Lines: []string{"a=ptime:20"}, Formats: []Format{
				{Type: 0}, {Type: 8},
				{Type: 97, Encoding: "OPUS", Clock: 48000, Channels: 2, Map: "OPUS/48000/2"}}},
		}},
		written("m=audio 0 RTP/AVP 0 8 97", "a=rtpmap:97 OPUS/48000/2", "a=ptime:20", "a=control:rtsp://h:8554/news/trackID=0"),
	},
	{
		"FormatOnlyInRtpmap",
		text("m=video 0 RTP/AVP", "a=rtpmap:96 H264/x", "a=fmtp:96 packetization-mode=1"),
		Session{Media: []Media{{Kind: "video", Protocol: "RTP/AVP",
			Formats: []Format{{Type: 96, Encoding: "H264", Map: "H264/x", Params: "packetization-mode=1"}}}}},
		written("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/x", "a=fmtp:96 packetization-mode=1", "a=control:rtsp://h:8554/news/trackID=0"),
	},
	{
		"SessionLevel",
		text("a=ts-refclk:ntp=192.0.2.3", "a=sendonly", "a=lang:de", "m=video 0 RTP/AVP 26", "a=recvonly", "m=audio 0 RTP/AVP 14"),
		Session{Lines: []string{"a=ts-refclk:ntp=192.0.2.3", "a=lang:de"}, Media: []Media{
			{Kind: "video", Protocol: "RTP/AVP", Formats: []Format{{Type: 26}}},
			{Kind: "audio", Protocol: "RTP/AVP", SendOnly: true, Formats: []Format{{Type: 14}}},
		}},
		written("a=ts-refclk:ntp=192.0.2.3", "a=lang:de", "m=video 0 RTP/AVP 26", "a=control:rtsp://h:8554/news/trackID=0",
			"m=audio 0 RTP/AVP 14", "a=control:rtsp://h:8554/news/trackID=1"),
	},
	{
		"ControlCharacters",
		[]byte("m=video 0 RTP/AVP 96\na=rtpmap:96 H2\x0064/90000\na=fmtp:96 a=\x1b[31m\na=framerate:2\x7f5\n"),
		Session{Media: []Media{{Kind: "video", Protocol: "RTP/AVP", Formats: []Format{{Type: 96}}}}},
		written("m=video 0 RTP/AVP 96", "a=control:rtsp://h:8554/news/trackID=0"),
	},
}

func TestParse(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, err := Parse(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*d, c.want) {
				t.Errorf("read\n%+v\nwant\n%+v", *d, c.want)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.want.Append([]byte("x"), identity)); got != "x"+c.out {
				t.Errorf("wrote\n%s\nwant\n%s", got[1:], c.out)
			}
		})
	}
}

// What is written is read as what it was written from, but for what is the source's own.
func TestRoundTrip(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { roundTrip(t, &c.want) })
	}
}

// roundTrip writes d, reads it again and compares.
func roundTrip(t *testing.T, d *Session) {
	t.Helper()
	out := d.Append(nil, identity)
	again, err := Parse(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := again.Append(nil, identity); string(got) != string(out) {
		t.Fatalf("wrote\n%s\nand then\n%s", out, got)
	}
	if len(again.Media) != len(d.Media) {
		t.Fatalf("%d media, then %d", len(d.Media), len(again.Media))
	}
	for i := range d.Media {
		was, is := d.Media[i], again.Media[i]
		if was.Kind != is.Kind || was.Kilobits != is.Kilobits || !reflect.DeepEqual(was.Formats, is.Formats) {
			t.Fatalf("%+v, then %+v", was, is)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	many := func(n int, line string) []byte { return []byte(strings.Repeat(line, n)) }
	cases := []struct {
		name string
		in   []byte
		want error
	}{
		{"Nothing", nil, ErrNoMedia},
		{"NoMedia", text("v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=x", "t=0 0"), ErrNoMedia},
		{"MostBytes", append(text("m=video 0 RTP/AVP 96"), many(MaxSize-22, "x")...), nil},
		{"TooManyBytes", append(text("m=video 0 RTP/AVP 96"), many(MaxSize-21, "x")...), ErrTooLong},
		{"MostLines", append(text("m=video 0 RTP/AVP 96"), many(MaxLines-1, "a=x\n")...), nil},
		{"TooManyLines", append(text("m=video 0 RTP/AVP 96"), many(MaxLines, "a=x\n")...), ErrTooLong},
		{"MostMedia", many(MaxMedia, "m=video 0 RTP/AVP 96\n"), nil},
		{"TooManyMedia", many(MaxMedia+1, "m=video 0 RTP/AVP 96\n"), ErrTooMany},
		{"HalfAMedia", text("m=audio 0 RTP/AVP 0", "m=video"), &MediaError{}},
		{"KindIsNoToken", text("m=\"video\" 0 RTP/AVP 96"), &MediaError{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.in)
			if of := (*MediaError)(nil); errors.As(c.want, &of) {
				if !errors.As(err, &of) || of.Index != strings.Count(string(c.in), "m=")-1 {
					t.Errorf("error %v", err)
				}
				return
			}
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestFormatsAreBounded(t *testing.T) {
	d, err := Parse([]byte("m=video 0 RTP/AVP" + strings.Repeat(" 1 2 3 4 5 6 7 8 9 10 11 12", 3) + " 20 21 22 23 24 25 96\na=rtpmap:96 H264/90000\n"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Media[0].Formats); n != MaxFormats {
		t.Errorf("%d formats, want %d", n, MaxFormats)
	}
}

func TestCheck(t *testing.T) {
	cases := []struct {
		name string
		in   string
		want error
	}{
		{"Plain", "m=video 0 RTP/AVP 96\n", nil},
		{"OverTCP", "m=video 0 TCP/RTP/AVP 96\n", nil},
		{"Feedback", "m=video 0 RTP/AVPF 96\n", nil},
		{"SecureProfile", "m=video 0 RTP/SAVP 96\n", ErrEncrypted},
		{"Crypto", "m=video 0 RTP/AVP 96\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\n", ErrEncrypted},
		{"SessionKeys", "a=key-mgmt:mikey AA==\nm=video 0 RTP/AVP 96\n", ErrEncrypted},
		{"NotRTP", "m=application 9 UDP 96\n", ErrNotRTP},
		{"NoType", "m=video 0 RTP/AVP x\n", ErrNoFormat},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, err := Parse([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Media[0].Check(); !errors.Is(err, c.want) {
				t.Errorf("Check = %v, want %v", err, c.want)
			}
		})
	}
}

func TestParam(t *testing.T) {
	f := Format{Params: " packetization-mode=1;; Sprop-Parameter-Sets = Z0==,aA== ;cpresent"}
	cases := []struct {
		name, value string
		ok          bool
		with        string // Params with another value
	}{
		{"packetization-mode", "1", true, "packetization-mode=new; Sprop-Parameter-Sets = Z0==,aA==; cpresent"},
		{"sprop-parameter-sets", "Z0==,aA==", true, "packetization-mode=1; sprop-parameter-sets=new; cpresent"},
		{"cpresent", "", true, "packetization-mode=1; Sprop-Parameter-Sets = Z0==,aA==; cpresent=new"},
		{"config", "", false, "packetization-mode=1; Sprop-Parameter-Sets = Z0==,aA==; cpresent; config=new"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if v, ok := f.Param(c.name); v != c.value || ok != c.ok {
				t.Errorf("Param = %q, %t", v, ok)
			}
			if got := f.WithParam(c.name, "new"); got != c.with {
				t.Errorf("WithParam = %q, want %q", got, c.with)
			}
		})
	}
	if got := (&Format{}).WithParam("a", "b"); got != "a=b" {
		t.Errorf("the first parameter: %q", got)
	}
}

func TestAppendName(t *testing.T) {
	d := Session{Media: []Media{{Kind: "video", Formats: []Format{{Type: 26}}}}}
	for name, want := range map[string]string{"": "s=-\r\n", "a\r\nb=AS:1\x00": "s=ab=AS:1\r\n", "Nachrichten für alle": "s=Nachrichten für alle\r\n"} {
		id := identity
		id.Name = name
		if got := string(d.Append(nil, id)); !strings.Contains(got, "\r\n"+want) {
			t.Errorf("%q is written as\n%s", name, got)
		}
	}
}

// FuzzParse: whatever a source sends is refused, or written as something that says the
// same and that no line of it could end early.
func FuzzParse(f *testing.F) {
	for _, c := range cases {
		f.Add(c.in)
	}
	f.Add([]byte("m=a 0 RTP/AVP 0\na=rtpmap:0 \xff\xfe/8000\na=fmtp:0 \u0085;=;\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		if len(d.Media) == 0 || len(d.Media) > MaxMedia {
			t.Fatalf("%d media", len(d.Media))
		}
		for i := range d.Media {
			for j := range d.Media[i].Formats {
				format := &d.Media[i].Formats[j]
				set := Format{Params: format.WithParam("sprop-sps", "QUJD")}
				if v, ok := set.Param("sprop-sps"); !ok || v != "QUJD" {
					t.Fatalf("a parameter that was set is %q, %t: %q", v, ok, set.Params)
				}
			}
		}
		roundTrip(t, d)
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(cases[0].in)))
	for b.Loop() {
		if _, err := Parse(cases[0].in); err != nil {
			b.Fatal(err)
		}
	}
}
