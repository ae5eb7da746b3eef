package rtsp

import (
	"bytes"
	"slices"
	"testing"

	"streampump/codec"
	"streampump/codec/rtp"
)

// Who joins gets a report on each track of its form that has had packets.
func TestAppendJoin(t *testing.T) {
	m := parseMedia(t, videoLine+audioLine+videoLine)
	g := m.NewProgramme()
	if got := g.AppendJoin([]byte("x"), codec.Framed, nil, 0); string(got) != "x" {
		t.Errorf("before the first packet: %x", got)
	}
	cam := newCamera()
	pieces := feed(t, g, cam.play(140))
	for _, c := range []struct {
		form   codec.Form
		tracks []int
	}{{codec.Framed, []int{0, 1}}, {codec.Video, []int{0}}, {codec.Audio, []int{1}}} {
		got := g.AppendJoin([]byte("x"), c.form, nil, 0)
		frames := cutFrames(t, got[1:])
		if len(frames) != len(c.tracks) {
			t.Fatalf("form %d: %d frames", c.form, len(frames))
		}
		for i, track := range c.tracks {
			newest := reportsOf(pieces, track)
			if frames[i].sr != newest[len(newest)-1] || frames[i].channel != reportChannel(track) {
				t.Errorf("form %d: %+v, want %+v", c.form, frames[i], newest[len(newest)-1])
			}
		}
	}
	dst, first := make([]byte, 0, 256), pieces[0].bytes
	if n := testing.AllocsPerRun(100, func() { dst = g.AppendJoin(dst[:0], codec.Framed, first, 0) }); n != 0 {
		t.Errorf("%v allocations for each viewer that joins", n)
	}
}

// The reports that a viewer begins with are of the moment of its first packet, and on the
// line of those that follow.
func TestJoinIsOfTheFirstPacket(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	cam := newCamera()
	pieces := feed(t, g, cam.reports())
	pieces = append(pieces, feed(t, g, cam.play(140))...)
	for i, p := range pieces {
		if p.err != nil {
			continue
		}
		join := cutFrames(t, g.AppendJoin(nil, codec.Framed, p.bytes, 0))
		track := int(p.frames[0].channel / 2)
		packets := of([]piece{p}, track)
		if len(join) != 2 || len(packets) == 0 || join[track].sr.Time != packets[0].Time || join[0].sr.NTP != join[1].sr.NTP {
			t.Fatalf("piece %d, of %+v: %+v", i, p.frames[0], join)
		}
		for k, clock := range []int64{90000, 48000} {
			late := reportsOf(pieces, k)
			oneLine(t, []piece{{frames: []framed{join[k], {channel: reportChannel(k), report: true, sr: late[len(late)-1]}}}}, k, clock)
		}
	}
	// A report alone says nothing of when the viewer begins.
	alone := appendReportFrame(nil, 0, rtp.SenderReport{SSRC: 1})
	if got, want := g.AppendJoin(nil, codec.Framed, alone, 0), g.AppendJoin(nil, codec.Framed, nil, 0); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// Behind a hole that ffmpeg may take for a new beginning, a packet that says nothing comes
// before the key frame's first: of its access unit, its track and its number less one.
func TestJoinBehindAFarHole(t *testing.T) {
	const h265Line = "m=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\n"
	const av1Line = "m=video 0 RTP/AVP 96\na=rtpmap:96 AV1/90000\n"
	const vp8Line = "m=video 0 RTP/AVP 96\na=rtpmap:96 VP8/90000\n"
	idr265 := []byte{0x26, 0x01, 0xAF, 1, 2}
	for _, c := range []struct {
		name, tracks string
		first        []byte // payload
		form         codec.Form
		left         uint64
		want         []byte // payload; empty: nothing comes
	}{
		{"starts", videoLine + audioLine, idrStart, codec.Framed, 0, nil},
		{"near", videoLine + audioLine, idrStart, codec.Framed, farHole - 1, nil},
		{"far", videoLine + audioLine, idrStart, codec.Framed, farHole, aud},
		{"further", videoLine + audioLine, idrStart, codec.Framed, 1 << 40, aud},
		{"pictures", videoLine + audioLine, idrStart, codec.Video, farHole, aud},
		{"sound", videoLine + audioLine, idrStart, codec.Audio, farHole, nil},
		{"delimiter", videoLine, []byte{0x09, 0x10}, codec.Framed, farHole, nil},
		{"aggregate", videoLine, []byte{0x78, 0, 2, 0x09, 0x10, 0, 3, 0x65, 0x88, 0x84}, codec.Framed, farHole, aud},
		{"h265", h265Line, idr265, codec.Framed, farHole, []byte{0x46, 0x01, 0x50}},
		{"av1", av1Line, []byte{0x18, 0x0A, 0x0B, 0, 0, 0}, codec.Framed, farHole, []byte{0x18, 0x10}},
		{"vp8", vp8Line, []byte{0x10, 0x10, 0x02, 0, 0x9D, 1, 0x2A}, codec.Framed, farHole, nil},
		{"nothing_yet", videoLine, nil, codec.Framed, farHole, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, c.tracks).NewProgramme()
			cam := newCamera()
			events := cam.reports()[:1]
			if c.first != nil {
				cam.video.seq = 0xFFFF // its numbers wrap right here
				events = append(events, cam.video.packet(0, true, c.first), cam.video.packet(1e9, true, idrStart))
			}
			var first []byte
			var key rtp.Packet
			for _, p := range feed(t, g, events) {
				if p.err == nil && first == nil && len(of([]piece{p}, 0)) > 0 {
					first, key = p.bytes, of([]piece{p}, 0)[0]
				}
			}
			plain := g.AppendJoin(nil, c.form, first, 0)
			join := g.AppendJoin([]byte("x"), c.form, first, c.left)[1:]
			if !bytes.HasPrefix(join, plain) {
				t.Fatalf("the reports are % x instead of % x", join, plain)
			}
			extra := cutFrames(t, join[len(plain):])
			if len(c.want) == 0 {
				if len(extra) != 0 {
					t.Errorf("%+v comes", extra)
				}
				return
			}
			if len(extra) != 1 || extra[0].report || extra[0].channel != packetChannel(0) {
				t.Fatalf("%+v comes", extra)
			}
			got := extra[0].p
			if !bytes.Equal(got.Payload, c.want) || got.Seq != key.Seq-1 || got.Time != key.Time || got.SSRC != key.SSRC || got.Type != key.Type || got.Marker {
				t.Errorf("%+v comes before %+v", got, key)
			}
			dst := make([]byte, 0, 256)
			if n := testing.AllocsPerRun(100, func() { dst = g.AppendJoin(dst[:0], c.form, first, c.left) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// A pump that pulls from one that has left packets out takes the packet in front for the
// beginning of the key frame: its viewers start there.
func TestFarHoleThroughAnotherPump(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	cam := newCamera()
	play := slices.DeleteFunc(cam.play(26), func(ev codec.Event) bool { return bytes.HasSuffix(ev.Data, aud) })
	pieces := feed(t, g, append(cam.reports(), play...))
	var events []codec.Event
	pass := func(b []byte) {
		for _, f := range cutFrames(t, b) {
			ev := codec.Event{Channel: f.channel, At: began, Data: f.p.Append(nil)}
			if !f.report {
				events = append(events, ev)
			}
		}
	}
	keys, before := 0, 0
	for _, p := range pieces {
		if p.err != nil {
			continue
		}
		if p.mark.Key {
			if keys++; keys == 2 {
				before = len(events)
				pass(g.AppendJoin(nil, codec.Framed, p.bytes, farHole))
			}
		}
		pass(p.bytes)
	}
	again := feed(t, parseMedia(t, videoLine+audioLine).NewProgramme(), events)
	got := 0
	for _, p := range again {
		if p.err == nil && p.mark.Key {
			got++
		}
	}
	if keys != 2 || got != keys || !bytes.HasSuffix(events[before].Data, aud) {
		t.Errorf("%d key frames become %d, the second begins with % x", keys, got, events[before].Data)
	}
}
