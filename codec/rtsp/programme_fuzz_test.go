package rtsp

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

// Descriptions that the fuzzed source has; it changes between those of one row.
var fuzzDescriptions = [][]string{
	{videoLine + audioLine, "m=video 0 RTP/AVP 99\na=rtpmap:99 H264/90000\na=fmtp:99 packetization-mode=1; " + sprop(spsB, ppsB) + "\n" + audioLine},
	{audioLine + videoLine + videoLine},
	{audioLine},
	{"m=video 0 RTP/AVP 96 97\na=rtpmap:96 H265/1000\na=rtpmap:97 VP9/1000\nm=video 0 RTP/AVP 33\n"},
}

// fuzzStep is one thing that the fuzzed source does, in bytes: what, after how many
// times 10 ms, and the packet.
func appendFuzzStep(dst []byte, channel uint8, after uint16, packet []byte) []byte {
	dst = append(dst, channel)
	dst = binary.BigEndian.AppendUint16(dst, after)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(packet)))
	return append(dst, packet...)
}

// spliceStep is a channel that stands for another source.
const spliceStep = 0xFF

// FuzzProgramme: whatever a source sends, viewers get whole frames of one track, numbers
// that go up by no more than a source may lose, and times that go back by no more than
// pictures are reordered.
func FuzzProgramme(f *testing.F) {
	cam := newCamera()
	var good []byte
	for i, ev := range append(append(cam.reports(), cam.play(30)...), cam.reports()...) {
		good = appendFuzzStep(good, ev.Channel, 1, ev.Data)
		if i == 40 {
			good = appendFuzzStep(good, spliceStep, 500, nil)
		}
	}
	for i := range fuzzDescriptions {
		f.Add(byte(i), good)
	}
	bye := appendFuzzStep(nil, 0, 1, cam.video.packet(0, true, idrStart).Data)
	bye = appendFuzzStep(bye, 1, 1, rtp.AppendBye(nil, cam.video.ssrc))
	f.Add(byte(0), appendFuzzStep(bye, 0, 9000, cam.video.packet(0, true, idrEnd).Data))
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		row := fuzzDescriptions[int(which)%len(fuzzDescriptions)]
		m := parseMedia(t, row[0])
		g := m.NewProgramme()
		at, splices := began, 0
		newest := map[int]rtp.Packet{}
		top := map[int]int64{}
		for len(b) >= 5 {
			channel, size := b[0], min(int(binary.BigEndian.Uint16(b[3:])), len(b)-5)
			at = at.Add(time.Duration(binary.BigEndian.Uint16(b[1:])) * 10 * time.Millisecond)
			packet := b[5 : 5+size]
			b = b[5+size:]
			if channel == spliceStep {
				splices++
				if !g.Splice(parseMedia(t, row[splices%len(row)]), time.Second) {
					t.Fatal("not spliced")
				}
				continue
			}
			ev := codec.Event{Channel: channel & 7, At: at, Data: packet, Anywhere: channel&8 != 0}
			p := feed(t, g, []codec.Event{ev})[0]
			if p.err != nil {
				if p.mark.Key || p.mark.Start && errors.Is(p.err, codec.ErrSkip) && p.mark.Most != 0 {
					t.Fatalf("%+v with %v", p.mark, p.err)
				}
				continue
			}
			checkForms(t, g, p)
			cutFrames(t, g.AppendJoin(nil, codec.Framed, p.bytes, uint64(size)*2))
			for _, f := range p.frames {
				if !f.report {
					checkNext(t, m, newest, top, f)
				}
			}
		}
		cutFrames(t, g.AppendJoin(nil, codec.Framed, nil, farHole))
	})
}

// checkForms checks that a piece is in the forms that its track belongs to, and whole.
func checkForms(t *testing.T, g codec.Programme, p piece) {
	t.Helper()
	m := g.Media().(*media)
	for _, form := range []codec.Form{codec.Framed, codec.Video, codec.Audio} {
		out, alias := g.Derive(nil, p.bytes, form, p.mark.Trim)
		want := 0
		if m.inForm(form, int(p.frames[0].channel/2)) {
			want = len(p.bytes)
		}
		if !alias || len(out) != want {
			t.Fatalf("form %d: %d bytes of %d", form, len(out), len(p.bytes))
		}
	}
}

// checkNext checks a packet against the one before it on its track. top is the furthest
// time, by track.
func checkNext(t *testing.T, m *media, newest map[int]rtp.Packet, top map[int]int64, f framed) {
	t.Helper()
	track := int(f.channel / 2)
	own := m.tracks()[track]
	was, ok := newest[track]
	newest[track] = f.p
	if f.p.SSRC != own.ssrc {
		t.Fatalf("track %d under SSRC %08x", track, f.p.SSRC)
	}
	if !ok {
		top[track] = int64(f.p.Time)
		return
	}
	if step := f.p.Seq - was.Seq; step == 0 || step > maxHole*(maxHeld+1) {
		t.Fatalf("track %d: number %d follows %d", track, f.p.Seq, was.Seq)
	}
	at := top[track] + int64(int32(f.p.Time-uint32(top[track])))
	if at < top[track]-int64(maxBack/time.Second)*int64(own.clock)-1 {
		t.Fatalf("track %d: time %d follows %d", track, f.p.Time, was.Time)
	}
	top[track] = max(top[track], at)
}
