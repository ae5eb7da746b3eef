package rtsp

import (
	"bytes"
	"testing"

	"streampump/codec"
	"streampump/codec/rtp"
)

// Who joins gets a report on each track of its form that has had packets.
func TestAppendJoin(t *testing.T) {
	m := parseMedia(t, videoLine+audioLine+videoLine)
	g := m.NewProgramme()
	if got := g.AppendJoin([]byte("x"), codec.Framed, nil); string(got) != "x" {
		t.Errorf("before the first packet: %x", got)
	}
	cam := newCamera()
	pieces := feed(t, g, cam.play(140))
	for _, c := range []struct {
		form   codec.Form
		tracks []int
	}{{codec.Framed, []int{0, 1}}, {codec.Video, []int{0}}, {codec.Audio, []int{1}}} {
		got := g.AppendJoin([]byte("x"), c.form, nil)
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
	if n := testing.AllocsPerRun(100, func() { dst = g.AppendJoin(dst[:0], codec.Framed, first) }); n != 0 {
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
		join := cutFrames(t, g.AppendJoin(nil, codec.Framed, p.bytes))
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
	if got, want := g.AppendJoin(nil, codec.Framed, alone), g.AppendJoin(nil, codec.Framed, nil); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}
