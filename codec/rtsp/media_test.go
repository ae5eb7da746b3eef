package rtsp

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/sdp"
)

func TestMedia(t *testing.T) {
	const (
		metadata = "m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\n"
		unknown  = "m=video 0 RTP/AVP 99\na=rtpmap:99 X-NEW/1000\n"
	)
	cases := []struct {
		name, sdp          string
		text               string
		keys               bool
		lead, video, audio int
		bitrate            uint32
	}{
		{"Both", videoLine + "b=AS:900\n" + audioLine + "b=AS:128\n", "video H264, 90000 Hz, audio MPEG4-GENERIC, 48000 Hz; 1028 kbit/s", true, 0, 0, 1, 1028000},
		{"SoundFirst", "b=AS:700\n" + audioLine + videoLine, "audio MPEG4-GENERIC, 48000 Hz, video H264, 90000 Hz; 700 kbit/s", true, 1, 1, 0, 700000},
		{"OnlySound", "m=audio 0 RTP/AVP 0\n", "audio PCMU, 8000 Hz", false, none, none, 0, 0},
		{"UnknownPicturesDoNotLead", unknown + videoLine, "video X-NEW, 1000 Hz, video H264, 90000 Hz", true, 1, 0, none, 0},
		{"NothingKnown", "m=video 0 RTP/AVP 99\n" + metadata, "video of payload type 99, application VND.ONVIF.METADATA, 90000 Hz", false, none, 0, none, 0},
		{"AbsurdFigures", "m=audio 0 RTP/AVP 99\nb=AS:4294967295\na=rtpmap:99 OPUS/4294967295\n", "audio OPUS, 8000 Hz; 4294967 kbit/s", false, none, none, 0, 1<<32 - 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := parseMedia(t, c.sdp)
			if m.String() != c.text || m.KeyFrames() != c.keys || m.Bitrate() != c.bitrate {
				t.Errorf("%q, key frames %t, %d bit/s", m.String(), m.KeyFrames(), m.Bitrate())
			}
			if m.lead != c.lead || m.video != c.video || m.audio != c.audio {
				t.Errorf("lead %d, video %d, audio %d", m.lead, m.video, m.audio)
			}
			if m.MIME() != "application/sdp" || m.Preroll() != 0 {
				t.Errorf("%s, preroll %v", m.MIME(), m.Preroll())
			}
		})
	}
}

func TestMediaRefused(t *testing.T) {
	for text, want := range map[string]string{
		videoLine + "m=audio 0 RTP/SAVP 97\n": "track 2 of the description (SDP), audio, is encrypted (SRTP), and there is no key to read it with",
		"m=video 0 RAW/RAW/UDP 33\n":          "track 1 of the description (SDP), video, does not come in RTP packets",
		"m=video 0 RTP/AVP\n":                 "track 1 of the description (SDP), video, names no payload type",
	} {
		d, err := sdp.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newMedia(d); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A viewer gets the source's description with addresses of its own.
func TestAppendSDP(t *testing.T) {
	m := parseMedia(t, "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=No Name\nc=IN IP4 192.0.2.1\na=tool:libavformat LIBAVFORMAT_VERSION\n"+
		videoLine+"a=control:streamid=0\n"+audioLine+"a=control:streamid=1\n")
	got := string(m.appendSDP([]byte("x"), "rtsp://[::1]:8554/news", "news"))
	_, got, _ = strings.Cut(got, "\r\ns=")
	want := strings.ReplaceAll("news\nc=IN IP4 0.0.0.0\nt=0 0\na=control:*\na=range:npt=now-\n"+
		videoLine+"a=control:rtsp://[::1]:8554/news/trackID=0\n"+audioLine+"a=control:rtsp://[::1]:8554/news/trackID=1\n", "\n", "\r\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if tr := m.tracks(); tr[0].control != "streamid=0" || tr[1].control != "streamid=1" || tr[1].typ != 97 {
		t.Errorf("tracks %+v", tr)
	}
}

// The numbers of a description come from what it describes: tracks have an SSRC of their
// own each, and the same source has the same again.
func TestNumbers(t *testing.T) {
	a, again, other := parseMedia(t, videoLine+audioLine+videoLine), parseMedia(t, "s=x\n"+videoLine+audioLine+videoLine), parseMedia(t, videoLine+audioLine+audioLine)
	seen := map[uint32]bool{0: true}
	for i := range a.tracks() {
		if ssrc := a.tracks()[i].ssrc; seen[ssrc] || again.tracks()[i].ssrc != ssrc || other.tracks()[i].ssrc == ssrc {
			t.Errorf("track %d: %08x, then %08x; another source's is %08x", i, ssrc, again.tracks()[i].ssrc, other.tracks()[i].ssrc)
		} else {
			seen[ssrc] = true
		}
	}
	if a.id != again.id || a.id == other.id {
		t.Errorf("ids %d, %d and of another %d", a.id, again.id, other.id)
	}
}

// described is what a viewer that joins now is told of the first track's parameters, and
// how often the session was described before.
func described(g codec.Programme) (params string, version uint64) {
	m := g.Media().(*media)
	return m.d.Media[0].Formats[0].Params, m.version
}

// Parameter sets that come in packets, and are others than in the description, are in it
// from then on.
func TestDescriptionFollowsTheSets(t *testing.T) {
	with := func(sps, pps []byte) string {
		return "packetization-mode=1; profile-level-id=4D401E; " + sprop(sps, pps)
	}
	cases := []struct{ name, params, want string }{
		{"NoneBefore", "packetization-mode=1", with(spsA, ppsA)},
		{"Empty", "packetization-mode=1; sprop-parameter-sets=", "packetization-mode=1; " + sprop(spsA, ppsA) + "; profile-level-id=4D401E"},
		{"Half", "packetization-mode=1; profile-level-id=64001F; " + sprop(spsA, nil), with(spsA, ppsA)},
		{"Others", "packetization-mode=1; profile-level-id=64001F; " + sprop(spsB, ppsB), with(spsA, ppsA)},
		{"Same", "profile-level-id=4D401E; packetization-mode=1;" + sprop(spsA, ppsA), "profile-level-id=4D401E; packetization-mode=1;" + sprop(spsA, ppsA)},
		{"NoBase64", "packetization-mode=1; sprop-parameter-sets=?,??", "packetization-mode=1; " + sprop(spsA, ppsA) + "; profile-level-id=4D401E"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := parseMedia(t, "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 "+c.params+"\n"+audioLine)
			g := m.NewProgramme()
			feed(t, g, newCamera().play(1)) // a key frame, whole
			got, version := described(g)
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if changed := c.params != c.want; (version == 2) != changed || version > 2 {
				t.Errorf("version %d", version)
			}
			if was := m.d.Media[0].Formats[0].Params; was != c.params {
				t.Errorf("the media that others have is changed: %q", was)
			}
		})
	}
}

// Where no marker ends an access unit, the next one does.
func TestDescriptionWithoutMarkers(t *testing.T) {
	g := parseMedia(t, videoLine).NewProgramme()
	feed(t, g, script(t, threeSenders(), "sps0 pps0 idr0 p1"))
	if params, version := described(g); version != 2 || !strings.Contains(params, sprop(spsA, ppsA)) {
		t.Errorf("version %d, %q", version, params)
	}
}

func TestDescriptionFollowsTheSetsOfH265(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	vps := append([]byte{0x40, 1}, make([]byte, 20)...)
	sps := append([]byte{0x42, 1, 1, 1, 0x60}, make([]byte, 20)...)
	pps := []byte{0x44, 1, 0xC1, 0x72}
	g := parseMedia(t, "m=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\n").NewProgramme()
	v := newCamera().video
	var events []codec.Event
	for _, payload := range [][]byte{vps, sps, pps} {
		events = append(events, v.packet(0, false, payload))
	}
	events = append(events, v.packet(0, true, []byte{0x26, 1, 0xAF, 1, 2}))
	if got := kinds(feed(t, g, events)); got != "hhhK" {
		t.Errorf("got %s", got)
	}
	got, _ := described(g)
	if want := "sprop-vps=" + b64(vps) + "; sprop-sps=" + b64(sps) + "; sprop-pps=" + b64(pps); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A source that changes its sets with each picture does not make us describe it as often.
func TestDescriptionsAreBounded(t *testing.T) {
	g := parseMedia(t, videoLine).NewProgramme()
	v := newCamera().video
	for i := range 250 {
		at := time.Duration(i) * 40 * time.Millisecond
		sets := [2][2][]byte{{spsA, ppsA}, {spsB, ppsB}}[i%2]
		feed(t, g, []codec.Event{v.packet(at, false, sets[0]), v.packet(at, false, sets[1]), v.packet(at, true, idrStart)})
	}
	if _, version := described(g); version < 8 || version > 12 {
		t.Errorf("described %d times in 10 s", version)
	}
}
