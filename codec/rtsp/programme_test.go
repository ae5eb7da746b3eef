package rtsp

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

// A source's packets go out whole, with their own numbers and times as long as it is
// the first one, under our SSRC.
func TestProgrammeFrames(t *testing.T) {
	m := parseMedia(t, videoLine+audioLine)
	c := newCamera()
	events := c.play(60)
	pieces := feed(t, m.NewProgramme(), events)
	for track := range 2 {
		got := of(pieces, track)
		consecutive(t, got)
		i := 0
		for _, ev := range events {
			if int(ev.Channel) != 2*track {
				continue
			}
			want, _ := rtp.Parse(ev.Data)
			want.SSRC = m.tracks()[track].ssrc
			if i >= len(got) || !samePacket(got[i], want) {
				t.Fatalf("packet %d of track %d:\n%+v, want\n%+v", i, track, got[min(i, len(got)-1)], want)
			}
			i++
		}
		if i != len(got) {
			t.Errorf("track %d: %d packets for %d", track, len(got), i)
		}
	}
	if n := notes(pieces); n != nil {
		t.Errorf("notes on a good source: %q", n)
	}
}

func samePacket(a, b rtp.Packet) bool {
	payloads := bytes.Equal(a.Payload, b.Payload)
	a.Payload, b.Payload = nil, nil
	return payloads && a.Marker == b.Marker && a.Type == b.Type && a.Seq == b.Seq && a.Time == b.Time && a.SSRC == b.SSRC
}

// What a packet has besides its payload stays: extension, CSRCs, padding.
func TestProgrammeKeepsTheRest(t *testing.T) {
	packet := []byte{
		0xB1, 0xE0, 0, 7, 0, 0, 0x0E, 0x10, 0xC0, 0xFF, 0xEE, 1, // version, padding, extension, one CSRC
		1, 2, 3, 4,
		0xAB, 0xAC, 0, 1, 9, 9, 9, 9,
		0x41, 0x9A, 5, 0, 0, 3, // payload and padding
	}
	m := parseMedia(t, videoLine)
	g := m.NewProgramme()
	pieces := feed(t, g, []codec.Event{{Kind: codec.Packet, Data: bytes.Clone(packet), At: began}})
	out := pieces[0].bytes
	want := append([]byte{'$', 0, 0, byte(len(packet))}, packet...)
	ssrc := m.tracks()[0].ssrc
	copy(want[12:], []byte{byte(ssrc >> 24), byte(ssrc >> 16), byte(ssrc >> 8), byte(ssrc)})
	if got := out[len(out)-len(want):]; !bytes.Equal(got, want) {
		t.Errorf("got\n%x, want\n%x", got, want)
	}
}

// kinds is a stream's pieces as text: K a key, S a start, . neither, for pictures; k, s,
// - for sound; r a report, h a packet held, n one that waits for a key frame, x one left
// out.
func kinds(pieces []piece) string {
	var out strings.Builder
	for _, p := range pieces {
		switch {
		case errors.Is(p.err, codec.ErrHeld):
			out.WriteByte('h')
		case errors.Is(p.err, codec.ErrNoKey):
			out.WriteByte('n')
		case p.err != nil:
			out.WriteByte('x')
		default:
			of := map[uint8]string{0: "KS.", 2: "ks-", 4: "VW_"}[p.frames[len(p.frames)-1].channel]
			if p.frames[len(p.frames)-1].report {
				of = "RRr"
			}
			switch {
			case p.mark.Key:
				out.WriteByte(of[0])
			case p.mark.Start:
				out.WriteByte(of[1])
			default:
				out.WriteByte(of[2])
			}
		}
	}
	return out.String()
}

// script is packets by words: the payload's name, a time in units of 40 ms, and ! for
// the marker; "a" is sound.
func script(t *testing.T, s *[3]sender, text string) (out []codec.Event) {
	t.Helper()
	payloads := map[string][]byte{
		"aud": aud, "sps": spsA, "pps": ppsA, "sei": sei, "idr": idrStart, "idrend": idrEnd, "p": slice,
		"pstart": sliceStart, "pend": sliceEnd, "a": sound, "": {}, "big": append([]byte{6, 5}, make([]byte, 3000)...), "huge": append([]byte{6, 5}, make([]byte, 9000)...),
	}
	for _, word := range strings.Fields(text) {
		track := 0
		if rest, ok := strings.CutPrefix(word, "2:"); ok {
			word, track = rest, 2
		}
		rest, marker := strings.CutSuffix(word, "!")
		name := strings.TrimRight(rest, "0123456789")
		payload, ok := payloads[name]
		if !ok {
			t.Fatalf("no payload %q", name)
		}
		if name == "a" {
			track = 1
		}
		at := 0
		for _, digit := range rest[len(name):] {
			at = 10*at + int(digit-'0')
		}
		out = append(out, s[track].packet(time.Duration(at)*40*time.Millisecond, marker, payload))
	}
	return out
}

func threeSenders() *[3]sender {
	return &[3]sender{
		{channel: 0, typ: 96, clock: 90000, ssrc: 1, seq: 100},
		{channel: 2, typ: 97, clock: 48000, ssrc: 2, seq: 200},
		{channel: 4, typ: 96, clock: 90000, ssrc: 3, seq: 300},
	}
}

func TestAccessUnits(t *testing.T) {
	cases := []struct{ name, media, script, want string }{
		{"KeyIsItsFirstPacket", videoLine, "aud0 sps0 pps0 sei0 idr0 idrend0! p1!", "hhhhK.S"},
		{"KeyAlone", videoLine, "idr0 idrend0! p1!", "K.S"},
		{"SlicesInSeveralPackets", videoLine, "idr0! p1 p1 p1! p2 p2!", "KS..S."},
		{"NoMarkers", videoLine, "sps0 pps0 idr0 idrend0 p1 p1 p2", "hhK.S.S"},
		{"MarkerOnEachSlice", videoLine + audioLine, "idr0! idr0! a0 p1! a1 p1! a1 p2!", "K.-S-.-S"},
		{"SoundInside", videoLine + audioLine, "idr0 a0 idrend0! a0 pstart1 a1 pend1! a1", "K-.sS-.s"},
		{"SoundBetweenHeldAndPicture", videoLine + audioLine, "aud0 a0 idr0!", "hsK"},
		{"SetsInFrontOfNoKey", videoLine, "aud0 sei0 p0! aud1 p1!", "hhShS"},
		{"SetsWithATimeOfTheirOwn", videoLine, "idr0! sps1! pps1! idr2!", "KhhK"},
		{"LeadsOfAnEmptyUnitGoInFront", videoLine, "idr0! aud1 aud2 p2!", "KhhS"},
		{"EmptyPacketsDecideNothing", videoLine, "0 0 idr0!", "hhK"},
		{"HeldPacketsAreBounded", videoLine, strings.Repeat("sei0 ", 18) + "idr0!", strings.Repeat("h", 16) + "S.."},
		{"HeldBytesAreBounded", videoLine, "big0 big0 big0 idr0! idr1!", "hhS.K"},
		{"OnlySound", audioLine2, "a0 a1", "kk"},
		{"UnknownPictures", "m=video 0 RTP/AVP 96\na=rtpmap:96 X-NEW/90000\n", "p0 p0 p1", "KKK"},
		{"TheFirstOfTwoVideosLeads", videoLine + audioLine + videoLine,
			"2:idr0! idr0! 2:p1 p1! 2:p1! a1 2:idr2! idr2!", "WKW._sWK"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			pieces := feed(t, parseMedia(t, c.media).NewProgramme(), script(t, threeSenders(), c.script))
			if got := kinds(pieces); got != c.want {
				t.Errorf("%s\ngot  %s\nwant %s", c.script, got, c.want)
			}
			for track := range 3 {
				consecutive(t, of(pieces, track))
			}
		})
	}
}

// audioLine2 is sound on the channels of the second track; nothing is sent on the first.
const audioLine2 = "m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\n" + audioLine

// An access unit whose end never comes does not keep viewers for ever.
func TestUnitWithoutEnd(t *testing.T) {
	pieces := feed(t, parseMedia(t, videoLine+audioLine).NewProgramme(), script(t, threeSenders(), "idr0 a1 a24 a25 a50"))
	if got := kinds(pieces); got != "K--ss" {
		t.Errorf("got %s", got)
	}
}

// A stream that never has a key frame is started where its pictures become right.
func TestRefreshForWantOfAKey(t *testing.T) {
	g := parseMedia(t, videoLine).NewProgramme()
	recovery := []byte{0x06, 0x06, 0x01, 0x84, 0x80} // a recovery point, two frames on
	s := threeSenders()
	var keys []time.Duration
	for at := time.Duration(0); at < 20*time.Second; at += 200 * time.Millisecond {
		events := []codec.Event{s[0].packet(at, false, recovery), s[0].packet(at, true, slice)}
		if p := feed(t, g, events)[1]; p.mark.Key {
			keys = append(keys, at)
		}
	}
	if len(keys) == 0 || keys[0] != refreshPatience {
		t.Errorf("keys at %v, want them from %v on", keys, refreshPatience)
	}
	// A source that has key frames is waited for, however long it was away.
	feed(t, g, []codec.Event{s[0].packet(20*time.Second, true, idrStart)})
	g.Splice(parseMedia(t, videoLine), time.Minute)
	at := 80 * time.Second
	after := feed(t, g, []codec.Event{
		s[0].packet(at, false, recovery), s[0].packet(at, true, slice), s[0].packet(at+time.Second, true, idrStart),
	})
	if got := kinds(after); got != "hnK" {
		t.Errorf("after a pause: %s", got)
	}
}

func TestPacketsLeftOut(t *testing.T) {
	c := newCamera()
	good := c.play(3)
	parse := func(ev codec.Event) rtp.Packet {
		p, _ := rtp.Parse(ev.Data)
		return p
	}
	again := func(change func(p *rtp.Packet, ev *codec.Event)) codec.Event {
		ev := good[len(good)-1]
		p := parse(ev)
		p.Seq++
		change(&p, &ev)
		ev.Data = p.Append(nil)
		return ev
	}
	cases := []struct {
		name string
		ev   codec.Event
		want error
		note bool
	}{
		{"Short", codec.Event{Data: []byte{0x80, 0x60, 1}}, codec.ErrMalformed, true},
		{"Empty", codec.Event{}, codec.ErrMalformed, true},
		{"Longest", again(func(p *rtp.Packet, _ *codec.Event) { p.Payload = make([]byte, maxPacket-rtp.HeaderSize) }), nil, false},
		{"TooLong", again(func(p *rtp.Packet, _ *codec.Event) { p.Payload = make([]byte, maxPacket-rtp.HeaderSize+1) }), codec.ErrMalformed, true},
		{"Version", codec.Event{Data: make([]byte, 20)}, codec.ErrMalformed, true},
		{"Channel", codec.Event{Channel: 4, Data: good[0].Data}, errChannel, false},
		{"PayloadType", again(func(p *rtp.Packet, _ *codec.Event) { p.Type = 35 }), errType, true},
		{"Twice", again(func(p *rtp.Packet, _ *codec.Event) { p.Seq-- }), errLate, true},
		{"Late", again(func(p *rtp.Packet, _ *codec.Event) { p.Seq -= maxLate }), errLate, true},
		{"AnotherSender", again(func(p *rtp.Packet, _ *codec.Event) { p.SSRC = 9 }), errStrange, true},
		{"ReceiverReport", codec.Event{Channel: 1, Data: []byte{0x80, 201, 0, 1, 1, 2, 3, 4}}, errReports, false},
		{"SourceDescription", codec.Event{Channel: 1, Data: []byte{0x81, 202, 0, 2, 1, 2, 3, 4, 1, 0, 0, 0}}, errReports, false},
		{"HalfAReport", codec.Event{Channel: 1, Data: []byte{0x80, 200, 0, 6, 1, 2, 3, 4}}, errReport, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, videoLine+audioLine).NewProgramme()
			feed(t, g, good)
			for round := range 2 {
				c.ev.At = good[len(good)-1].At
				p := feed(t, g, []codec.Event{c.ev})[0]
				if !errors.Is(p.err, c.want) {
					t.Errorf("error %v, want %v", p.err, c.want)
				}
				if (p.mark.Note != nil) != (c.note && round == 0) {
					t.Errorf("time %d: note %v", round+1, p.mark.Note)
				}
				if c.want == nil || c.name == "AnotherSender" {
					return // it would be late, or be believed, the second time
				}
			}
		})
	}
}

// A hole in the source's numbers is seen by viewers as what it is.
func TestLossIsPassedOn(t *testing.T) {
	c := newCamera()
	events := c.play(10)
	lost := slices.Concat(events[:20], events[24:])
	pieces := feed(t, parseMedia(t, videoLine+audioLine).NewProgramme(), lost)
	for track := range 2 {
		var want []uint16
		for _, ev := range lost {
			if int(ev.Channel) == 2*track {
				p, _ := rtp.Parse(ev.Data)
				want = append(want, p.Seq)
			}
		}
		var got []uint16
		for _, p := range of(pieces, track) {
			got = append(got, p.Seq)
		}
		if !slices.Equal(got, want) {
			t.Errorf("track %d: numbers %d, want %d", track, got, want)
		}
	}
}

func TestDerive(t *testing.T) {
	m := parseMedia(t, audioLine+videoLine+videoLine)
	g := m.NewProgramme()
	cases := []struct {
		form  codec.Form
		track int
		kept  bool
	}{
		{codec.Framed, 0, true}, {codec.Framed, 1, true}, {codec.Framed, 2, true},
		{codec.Video, 0, false}, {codec.Video, 1, true}, {codec.Video, 2, false},
		{codec.Audio, 0, true}, {codec.Audio, 1, false}, {codec.Audio, 2, false},
	}
	for _, c := range cases {
		for _, channel := range []uint8{packetChannel(c.track), reportChannel(c.track)} {
			primary := appendFrame(nil, channel, make([]byte, 20))
			out, alias := g.Derive(nil, primary, c.form, false)
			if !alias || (len(out) == len(primary)) != c.kept || !c.kept && len(out) != 0 {
				t.Errorf("form %d, channel %d: %d bytes, alias %t", c.form, channel, len(out), alias)
			}
		}
	}
	if h := g.Head(codec.Framed); len(h) != 0 {
		t.Errorf("a head of %d bytes", len(h))
	}
}

func TestNextIsANewProgramme(t *testing.T) {
	g := parseMedia(t, videoLine).NewProgramme()
	c := newCamera()
	feed(t, g, c.play(1))
	if n := g.Next(); n == g || n.Media() != g.Media() {
		t.Error("Next is not a programme of its own with the same media")
	}
}

// Who joins and who is sent packets looks at a programme that goes on meanwhile.
func TestProgrammeIsShared(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	primary := appendFrame(nil, 0, make([]byte, 20))
	var wait sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if n := len(g.AppendJoin(nil, codec.Framed, nil, 0)); n%32 != 0 {
					t.Errorf("%d bytes of reports", n)
				}
				g.Media().(*media).appendSDP(nil, "rtsp://h/x", "x")
				g.Derive(nil, primary, codec.Video, false)
			}
		})
	}
	c := newCamera()
	for i := range 20 {
		c.sets = [2][2][]byte{{spsA, ppsA}, {spsB, ppsB}}[i%2]
		feed(t, g, c.play(50))
		feed(t, g, c.reports())
		g.Splice(parseMedia(t, videoLine+audioLine), 1)
	}
	close(stop)
	wait.Wait()
}

// Packets wait for no memory of their own.
func TestNoAllocations(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	c := newCamera()
	dst := make([]byte, 0, 64<<10)
	events := c.play(25 * 60)
	for i := range events[:500] {
		dst, _, _ = g.Append(dst[:0], &events[i])
	}
	i, sent := 500, 0
	// Of twenty seconds' packets, four in each track carry a report, which is kept for
	// those who join: an allocation of the list and one of what is in it.
	if n := testing.AllocsPerRun(1, func() {
		for range 20 * 25 * 4 {
			var err error
			if dst, _, err = g.Append(dst[:0], &events[i]); err == nil {
				sent++
			}
			i++
		}
	}); n > 16 {
		t.Errorf("%v allocations in 2000 packets", n)
	}
	if sent < 1000 {
		t.Errorf("%d packets went out: the test shows nothing", sent)
	}
	perPacket := func(name string, events []codec.Event) {
		i := 0
		if n := testing.AllocsPerRun(len(events)-1, func() { dst, _, _ = g.Append(dst[:0], &events[i]); i++ }); n != 0 {
			t.Errorf("%s: %v allocations a packet", name, n)
		}
	}
	perPacket("packets", events[i:i+300])
	stray := slices.Repeat([]codec.Event{{Channel: 9}, {Data: []byte{1}}, {Channel: 1, Data: []byte{0x80, 201, 0, 1, 1, 2, 3, 4}}}, 20)
	feed(t, g, stray[:3])
	perPacket("left out", stray)
}

func BenchmarkAppend(b *testing.B) {
	g := parseMedia(b, videoLine+audioLine).NewProgramme()
	c := newCamera()
	c.video.seq = 0
	payload := append([]byte{0x7C, 0x01}, make([]byte, 1200)...)
	feed(b, g, c.play(1))
	ev := c.video.packet(40*time.Millisecond, false, payload)
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	b.SetBytes(int64(len(ev.Data)))
	seq := c.video.seq
	for b.Loop() {
		rtp.Rewrite(ev.Data, 96, seq, c.video.time(40*time.Millisecond), c.video.ssrc)
		seq++
		var err error
		if dst, _, err = g.Append(dst[:0], &ev); err != nil {
			b.Fatal(err)
		}
	}
}
