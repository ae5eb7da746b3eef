package rtsp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

// restarted is c as its source begins anew after a pause, with what the bits say changed.
func restarted(c *camera, pause time.Duration, ssrc, seq, ts bool) *camera {
	n := *c
	n.now = (c.now + pause).Round(time.Second) // a key frame comes first
	if ssrc {
		n.video.ssrc, n.audio.ssrc = 0x33333333, 0x44444444
	}
	if seq {
		n.video.seq, n.audio.seq = c.video.seq+20000, c.audio.seq+20000
	}
	if ts {
		n.video.offset, n.audio.offset = c.video.offset+0x50000000, c.audio.offset+0x50000000
	}
	return &n
}

// A source that begins anew goes on for viewers: one SSRC, numbers without a hole, and
// times that step by as long as nothing came; the first packet after the pause begins a
// key frame.
func TestRestart(t *testing.T) {
	for bits := range 8 {
		for _, pause := range []time.Duration{3 * time.Second, 2 * time.Minute} {
			for _, how := range []string{"Splice", "Middle"} {
				ssrc, seq, ts := bits&1 != 0, bits&2 != 0, bits&4 != 0
				if how == "Middle" && bits == 0 {
					continue // nothing tells it from a loss
				}
				t.Run(fmt.Sprintf("%s_%v_ssrc_%t_seq_%t_ts_%t", how, pause, ssrc, seq, ts), func(t *testing.T) {
					m := parseMedia(t, videoLine+audioLine)
					g := m.NewProgramme()
					c := newCamera()
					before := feed(t, g, c.play(60))
					if how == "Splice" && !g.Splice(parseMedia(t, videoLine+audioLine), pause) {
						t.Fatal("the same description cannot be spliced")
					}
					n := restarted(c, pause, ssrc, seq, ts)
					after := feed(t, g, n.play(60))
					for track, clock := range []int64{90000, 48000} {
						was, is := of(before, track), of(after, track)
						consecutive(t, append(was, is...))
						first, last := is[0].Time, was[len(was)-1].Time
						// The key frame is at n.now; sound is the source's first.
						want := int64(n.now-60*40*time.Millisecond-(c.now-40*time.Millisecond)) / int64(time.Millisecond) * clock / 1000
						if off := int64(int32(first-last)) - want; off < -clock/1000 || off > clock/1000 {
							t.Errorf("track %d: times step by %d, want %d", track, first-last, want)
						}
					}
					if how == "Splice" || ssrc || seq {
						i := slices.IndexFunc(after, func(p piece) bool { return p.err == nil })
						if !after[i].mark.Key {
							t.Errorf("the first packet after the pause is no key: %s", kinds(after[:i+1]))
						}
					}
				})
			}
		}
	}
}

// Until a key frame comes nothing goes out, of any track; what was held of the old
// source's access unit is forgotten, and its number is used again.
func TestRestartInTheMiddle(t *testing.T) {
	m := parseMedia(t, videoLine+audioLine)
	cases := []struct{ name, before, after, want string }{
		{"WaitsForAKey", "idr0! a0 p1", "p2 a2 p2! p3! a3 aud4 sps4 idr4 a4 idrend4! p5!", "nnnnnhhK-.S"},
		{"InsideAKeyFrame", "idr0! a0", "idrend2! a2 idr3! a3", "nnKs"},
		{"ForgetsWhatIsHeld", "idr0! a0 aud1 sps1", "aud2 idr2! a2", "hKs"},
		{"DropsWhatWasHeldForNothing", "idr0! a0", "aud2 p2! sps3 idr3! a3", "hnhKs"},
		{"BeforeAnythingWentOut", "", "p2! a2", "Ss"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := m.NewProgramme()
			s := threeSenders()
			before := feed(t, g, script(t, s, c.before))
			if !g.Splice(parseMedia(t, videoLine+audioLine), time.Second) {
				t.Fatal("not spliced")
			}
			s[0].ssrc, s[0].seq, s[1].seq = 77, 5000, 6000
			after := feed(t, g, script(t, s, c.after))
			if got := kinds(after); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			consecutive(t, append(of(before, 0), of(after, 0)...))
			consecutive(t, append(of(before, 1), of(after, 1)...))
		})
	}
}

// A sender that gives way to another in the middle of a stream is followed by a wait for
// a key frame: of all tracks if it is the one whose key frames viewers start at.
func TestAnotherSenderInTheMiddle(t *testing.T) {
	text := videoLine + audioLine + videoLine
	cases := []struct {
		name, before string
		track        int
		after, want  string
	}{
		{"Lead", "idr0! 2:idr0! a0", 0, "p20! a20 2:p20! idr21! a21 2:p21!", "nnnKsV"},
		{"OtherPictures", "idr0! 2:idr0! a0", 2, "2:p20! a20 p20! 2:idr21! p21! 2:p22!", "nsSVSV"},
		{"Sound", "idr0! 2:idr0! a0", 1, "a20 p20! a21", "sSs"},
		{"WhatIsHeldIsForgotten", "idr0! a0 aud1 sps1", 0, "aud20 idr20! a20", "hKs"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, text).NewProgramme()
			s := threeSenders()
			before := feed(t, g, script(t, s, c.before))
			s[c.track].ssrc, s[c.track].seq = 0xABCD, 40000
			after := feed(t, g, script(t, s, c.after))
			got := strings.ReplaceAll(kinds(after), "W", "V")
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			for track := range 3 {
				consecutive(t, append(of(before, track), of(after, track)...))
			}
		})
	}
}

// A source that was away, and not restarted, keeps its own times, whenever it arrives;
// one that follows in the same moment lies behind what was there.
func TestWhereASourceResumes(t *testing.T) {
	cases := []struct {
		name    string
		media   time.Duration // by the source's timestamps
		arrives time.Duration // both since the last packet
		ssrc    bool
		want    uint32
	}{
		{"ItsOwnTimes", 3 * time.Second, 3200 * time.Millisecond, false, 3 * 90000},
		{"ItsOwnTimesUnderAnotherSSRC", 3 * time.Second, 3200 * time.Millisecond, true, 3 * 90000},
		{"OtherTimes", 77 * time.Second, 3200 * time.Millisecond, true, 3200 * 90},
		{"AtOnce", -time.Second, 0, true, 1},
		{"AtOnceWithTheSameTime", 0, 0, true, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, videoLine).NewProgramme()
			v := newCamera().video
			before := feed(t, g, []codec.Event{v.packet(0, true, idrStart), v.packet(time.Second, true, idrStart)})
			g.Splice(parseMedia(t, videoLine), 1)
			if c.ssrc {
				v.ssrc = 99
			}
			ev := v.packet(time.Second+c.media, true, idrStart)
			ev.At = began.Add(time.Second + c.arrives)
			after := feed(t, g, []codec.Event{ev})
			if got := of(after, 0)[0].Time - of(before, 0)[1].Time; got != c.want {
				t.Errorf("times step by %d, want %d", got, c.want)
			}
		})
	}
}

// When the engine has waited long enough, what comes goes out, and the operator is told
// once.
func TestAnywhere(t *testing.T) {
	m := parseMedia(t, videoLine+audioLine)
	g := m.NewProgramme()
	s := threeSenders()
	before := feed(t, g, script(t, s, "idr0! a0"))
	g.Splice(parseMedia(t, videoLine+audioLine), time.Second)
	events := script(t, s, "p1! a1 p2! a2 p3! a3")
	for i := 2; i < len(events); i++ {
		events[i].Anywhere = true
	}
	after := feed(t, g, events)
	if got := kinds(after); got != "nnSsSs" {
		t.Errorf("got %s", got)
	}
	consecutive(t, append(of(before, 0), of(after, 0)...))
	if n := notes(after); len(n) != 1 || !strings.Contains(n[0], "no key frame") {
		t.Errorf("notes %q", n)
	}
}

// Of two tracks with pictures, each waits for a key frame of its own.
func TestRestartOfTwoVideos(t *testing.T) {
	text := videoLine + audioLine + videoLine
	g := parseMedia(t, text).NewProgramme()
	s := threeSenders()
	feed(t, g, script(t, s, "idr0! 2:idr0! a0"))
	g.Splice(parseMedia(t, text), time.Second)
	after := feed(t, g, script(t, s, "2:idr1! a1 idr2! 2:p2! a2 2:idr3! a3"))
	if got := kinds(after); got != "nnKnsWs" {
		t.Errorf("got %s", got)
	}
}

// Another sender's packets on the same channel are left out, as long as the one that
// was there goes on; two of another in a row are a source that begins anew.
func TestAnotherSender(t *testing.T) {
	cases := []struct{ name, order, want string }{
		{"MixedIn", "1!2!1!2!1", "SxSxS"},
		{"Follows", "1!2!2", "SxK"},
		{"ComesBack", "1!2!1!2!2", "SxSxK"},
		{"MixedInWithHoles", "1!2!+!2!1", "SxxS"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, videoLine).NewProgramme()
			s := [2]sender{{typ: 96, clock: 90000, ssrc: 1, seq: 10}, {typ: 96, clock: 90000, ssrc: 2, seq: 7000, offset: 99}}
			at, payload := time.Duration(0), [2][]byte{slice, idrStart}
			var pieces []piece
			for one := range strings.SplitSeq(c.order, "!") {
				if one == "+" { // the other's next packet does not come this way
					s[1].seq++
					continue
				}
				i := int(one[0] - '1')
				pieces = append(pieces, feed(t, g, []codec.Event{s[i].packet(at, true, payload[i])})...)
				at += 40 * time.Millisecond
			}
			if got := kinds(pieces); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			consecutive(t, of(pieces, 0))
		})
	}
}

// The payload types of a new source become those of the first.
func TestRestartWithOtherTypes(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	c := newCamera()
	before := feed(t, g, c.play(2))
	swap := strings.NewReplacer("96", "100", "97", "101")
	if !g.Splice(parseMedia(t, swap.Replace(videoLine+audioLine)), time.Second) {
		t.Fatal("not spliced")
	}
	c.video.typ, c.audio.typ, c.now = 100, 101, 5*time.Second
	after := feed(t, g, c.play(2))
	for track := range 2 {
		consecutive(t, append(of(before, track), of(after, track)...))
	}
	old := *c
	old.video.typ = 96
	if p := feed(t, g, []codec.Event{old.video.packet(6*time.Second, true, slice)})[0]; p.err == nil {
		t.Error("a packet of the old type goes out")
	}
}

func TestEquivalent(t *testing.T) {
	const h264 = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1; "
	cases := []struct {
		name, a, b string
		want       bool
	}{
		{"Same", videoLine + audioLine, videoLine + audioLine, true},
		{"OtherTypes", videoLine, strings.ReplaceAll(videoLine, "96", "99"), true},
		{"OtherSets", h264 + sprop(spsA, ppsA) + "; profile-level-id=4D401E", h264 + "profile-level-id=64001F;" + sprop(spsB, ppsB), true},
		{"SetsMissing", h264 + sprop(spsA, ppsA), videoLine, true},
		{"OrderAndSpelling", audioLine, "m=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/48000/2\na=fmtp:97 config=1190; Mode=AAC-hbr; indexlength=3; indexdeltalength=3;sizelength=13;\n", true},
		{"OtherMode", videoLine, strings.ReplaceAll(videoLine, "mode=1", "mode=0"), false},
		{"OtherConfig", audioLine, strings.ReplaceAll(audioLine, "1190", "1210"), false},
		{"OtherClock", audioLine, strings.ReplaceAll(audioLine, "48000", "44100"), false},
		{"OtherChannels", audioLine, strings.ReplaceAll(audioLine, "/2", ""), false},
		{"OneChannel", "m=audio 0 RTP/AVP 97\na=rtpmap:97 L16/8000", "m=audio 0 RTP/AVP 97\na=rtpmap:97 L16/8000/1", true},
		{"OtherEncoding", videoLine, strings.ReplaceAll(videoLine, "H264", "H265"), false},
		{"OtherKind", "m=video 0 RTP/AVP 96", "m=audio 0 RTP/AVP 96", false},
		{"OtherOrder", videoLine + audioLine, audioLine + videoLine, false},
		{"OneMore", videoLine, videoLine + audioLine, false},
		{"StaticIsSpelledOut", "m=audio 0 RTP/AVP 0", "m=audio 0 RTP/AVP 0\na=rtpmap:0 PCMU/8000", true},
		{"Unknown", "m=audio 0 RTP/AVP 100", "m=audio 0 RTP/AVP 101", false},
		{"TooManyParameters", "m=audio 0 RTP/AVP 0\na=fmtp:0 " + strings.Repeat("a=b;", maxParams+1),
			"m=audio 0 RTP/AVP 0\na=fmtp:0 " + strings.Repeat("a=b;", maxParams+1), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, b := parseMedia(t, c.a), parseMedia(t, c.b)
			if equivalent(a, b) != c.want || equivalent(b, a) != c.want {
				t.Errorf("equivalent = %t and %t, want %t", equivalent(a, b), equivalent(b, a), c.want)
			}
			if got := a.NewProgramme().Splice(b, time.Second); got != c.want {
				t.Errorf("Splice = %t", got)
			}
		})
	}
}

// What cannot be spliced leaves the programme as it was.
func TestSpliceRefused(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	c := newCamera()
	before := feed(t, g, c.play(2))
	if g.Splice(parseMedia(t, audioLine), time.Second) {
		t.Fatal("spliced")
	}
	after := feed(t, g, c.play(2))
	for track := range 2 {
		consecutive(t, append(of(before, track), of(after, track)...))
	}
	if got := kinds(after); got != kinds(feed(t, parseMedia(t, videoLine+audioLine).NewProgramme(), newCamera().play(4)))[len(kinds(before)):] {
		t.Errorf("goes on as %s", got)
	}
}

// A source whose description has other parameter sets, and whose packets have none,
// goes on for the viewers who are there: they get the sets in front of the key frame.
func TestRestartWithOtherSets(t *testing.T) {
	const line = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1; "
	cases := []struct {
		name   string
		is     string // the new description
		inBand bool
		want   [][]byte // the payloads of the first piece after the restart
		sdp    string   // what is in the new description for those who join
	}{
		{"OnlyInTheDescription", line + sprop(spsB, ppsB), false, [][]byte{spsB, ppsB, aud, idrStart}, sprop(spsB, ppsB)},
		{"InPacketsToo", line + sprop(spsB, ppsB), true, [][]byte{spsB, ppsB, aud, spsB, ppsB, idrStart}, sprop(spsB, ppsB)},
		{"TheSame", line + sprop(spsA, ppsA), false, [][]byte{aud, idrStart}, sprop(spsA, ppsA)},
		{"None", line, false, [][]byte{aud, idrStart}, sprop(spsA, ppsA)},
		{"HalfOfThem", line + strings.TrimSuffix(sprop(spsB, nil), ","), false, [][]byte{aud, idrStart}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, line+sprop(spsA, ppsA)).NewProgramme()
			cam := newCamera()
			cam.sets = [2][]byte{}
			before := feed(t, g, cam.play(30))
			if !g.Splice(parseMedia(t, c.is), time.Second) {
				t.Fatal("not spliced")
			}
			cam.now = 3 * time.Second
			if c.inBand {
				cam.sets = [2][]byte{spsB, ppsB}
			}
			after := feed(t, g, cam.play(25*7))
			counted(t, append(before, after...), 0)
			packets := of(after, 0)
			for i, want := range c.want {
				if !bytes.Equal(packets[i].Payload, want) || packets[i].Time != packets[0].Time {
					t.Errorf("packet %d: %x at %d, want %x at %d", i, packets[i].Payload, packets[i].Time, want, packets[0].Time)
				}
			}
			consecutive(t, append(of(before, 0), packets...))
			if got := string(g.Media().(*media).appendSDP(nil, "rtsp://h/x", "x")); !strings.Contains(got, c.sdp) {
				t.Errorf("the description has other sets:\n%s", got)
			}
		})
	}
}

// An encoder that comes twice before its first key frame has the same sets both times;
// viewers have still to get them.
func TestRestartTwiceWithOtherSets(t *testing.T) {
	const line = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1; "
	g := parseMedia(t, line+sprop(spsA, ppsA)).NewProgramme()
	s := threeSenders()
	before := feed(t, g, script(t, s, "idr0!"))
	for range 2 {
		if !g.Splice(parseMedia(t, line+sprop(spsB, ppsB)), time.Second) {
			t.Fatal("not spliced")
		}
		feed(t, g, script(t, s, "p1!"))
	}
	after := of(feed(t, g, script(t, s, "aud2 idr2! p3!")), 0)
	consecutive(t, append(of(before, 0), after...))
	if !bytes.Equal(after[0].Payload, spsB) || !bytes.Equal(after[1].Payload, ppsB) || len(after) != 5 {
		t.Errorf("%d packets, the first with %x", len(after), after[0].Payload)
	}
}

// The engine asks for a key frame, with the media that there is, when it had no memory
// for a packet. That is no new source.
func TestSpliceOfTheSameMedia(t *testing.T) {
	const line = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1; "
	m := parseMedia(t, line+sprop(spsA, ppsA))
	g := m.NewProgramme()
	c := newCamera()
	c.sets = [2][]byte{spsB, ppsB}
	before := feed(t, g, c.play(10))
	if !g.Splice(m, 1) || !g.Splice(g.Media(), 1) {
		t.Fatal("not spliced")
	}
	c.sets = [2][]byte{}
	after := feed(t, g, c.play(30))
	packets := of(after, 0)
	consecutive(t, append(of(before, 0), packets...))
	if !bytes.Equal(packets[0].Payload, aud) || !bytes.Equal(packets[1].Payload, idrStart) {
		t.Errorf("begins with %x, %x", packets[0].Payload, packets[1].Payload)
	}
	if want := c.video.time(time.Second); packets[0].Time != want {
		t.Errorf("times are shifted by %d", int32(packets[0].Time-want))
	}
}

// Numbers and times wrap in the middle of a stream, and go on.
func TestWraps(t *testing.T) {
	c := newCamera()
	c.video.offset = 1<<32 - 90000
	c.audio.offset = 1<<32 - 48000
	c.audio.seq = 65530
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	pieces := feed(t, g, c.play(50*40))
	for track, clock := range []uint32{90000, 48000} {
		packets := of(pieces, track)
		consecutive(t, packets)
		wraps := 0
		for i := 1; i < len(packets); i++ {
			if step := packets[i].Time - packets[i-1].Time; step != 0 && step != clock/25 {
				t.Fatalf("track %d: times step by %d", track, int32(step))
			}
			if packets[i].Time < packets[i-1].Time {
				wraps++
			}
		}
		if wraps != 1 {
			t.Errorf("track %d: %d wraps", track, wraps)
		}
	}
	if n := notes(pieces); n != nil {
		t.Errorf("notes %q", n)
	}
	var seen rtp.Packet = of(pieces, 0)[0]
	if seen.Seq < 65000 {
		t.Error("the numbers of the pictures do not wrap: the test shows nothing")
	}
}
