package mmsh

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/asf"
)

const second = time.Second

// packetOf is one packet of one media object of video stream 1 in 400 bytes.
func packetOf(t testing.TB, ms uint32, key bool) []byte {
	return packets(t, asf.Layout{PacketSize: 400, Preroll: 3000, Padding: asf.Word}, object(ms, key))[0]
}

func event(b []byte) *codec.Event { return &codec.Event{Kind: codec.Packet, Data: b} }

func numbered(b []byte, n uint32) *codec.Event {
	ev := event(b)
	ev.Number, ev.Numbered = n, true
	return ev
}

// at is the send time and the first payload's presentation time of a $D.
func at(t testing.TB, d []byte, size int) (send, presented uint32) {
	t.Helper()
	var p asf.Packet
	if err := p.Parse(d[PrefixSize:], size); err != nil {
		t.Fatal(err)
	}
	it := p.Iter(d[PrefixSize:])
	it.Next()
	return p.SendTime(), it.Time
}

// objectsOf is the data of every payload of a packet, in order.
func objectsOf(t testing.TB, b []byte, size int) (out []byte) {
	t.Helper()
	var p asf.Packet
	if err := p.Parse(b, size); err != nil {
		t.Fatal(err)
	}
	for it := p.Iter(b); it.Next(); {
		out = append(out, it.Data...)
	}
	return out
}

// A packet goes to viewers as [MS-WMSP] 2.2.3.3 has it, and otherwise as it came.
func TestAppendFramesThePacket(t *testing.T) {
	g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
	for i, key := range []bool{true, false, true} {
		packet := packetOf(t, uint32(i)*40, key)
		out, mark, err := g.Append([]byte("kept"), event(packet))
		want := join([]byte("kept"), pulled(IDData, uint32(i), 0, packet))
		if err != nil || !bytes.Equal(out, want) {
			t.Errorf("packet %d: %v, % x\nwant % x", i, err, out, want)
		}
		if want := (codec.Mark{Key: key, Start: true, Most: max(len(out)-len("kept"), 400), SendTime: time.Duration(i) * 40 * time.Millisecond}); mark != want {
			t.Errorf("packet %d: %+v, want %+v", i, mark, want)
		}
	}
}

// Audio alone may be started anywhere and is never trimmed.
func TestAppendAudio(t *testing.T) {
	m := mustMedia(t, audioHeader(400).Append(nil))
	if m.KeyFrames() {
		t.Fatal("audio has key frames")
	}
	g := m.NewProgramme()
	for _, packet := range packets(t, asf.Layout{PacketSize: 400, Preroll: 3000}, asf.Object{Stream: 2, Time: 3000, Data: make([]byte, 900)}) {
		if _, mark, err := g.Append(nil, event(packet)); err != nil || !mark.Key || mark.Trim {
			t.Errorf("%+v, %v", mark, err)
		}
	}
}

// LocationIds: from 0; of a push without gaps, of a pull with its own, and
// never the same or backwards ([MS-WMSP] 2.2.3.1.2).
func TestLocationIDs(t *testing.T) {
	cases := []struct {
		name    string
		numbers []int64 // -1: not numbered
		want    string
	}{
		{"push", []int64{-1, -1, -1}, "[0 1 2]"},
		{"pull", []int64{95, 96, 97}, "[0 1 2]"},
		{"gap", []int64{95, 99, 100}, "[0 4 5]"},
		{"repeated", []int64{5, 5, 6}, "[0 1 2]"},
		{"backwards", []int64{5, 3, 4}, "[0 1 2]"},
		{"wrap_of_the_source", []int64{1<<32 - 1, 0, 2}, "[0 1 3]"},
		{"leap", []int64{0, 1 << 30, 1<<30 + 1}, "[0 1 2]"},
	}
	for _, c := range cases {
		g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
		var got []uint32
		for i, n := range c.numbers {
			ev := event(packetOf(t, uint32(i), true))
			ev.Number, ev.Numbered = uint32(n), n >= 0
			out, _, err := g.Append(nil, ev)
			if err != nil {
				t.Fatal(err)
			}
			h, _ := ConsumeDataHeader(out[FramingSize:])
			got = append(got, h.LocationID)
		}
		if s := fmt.Sprint(got); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
}

// A short packet with one payload and no length of its own is given one, and
// that is told once.
func TestAppendRepairs(t *testing.T) {
	g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
	short := packets(t, asf.Layout{PacketSize: 400, Preroll: 3000, Padding: asf.Word, Strip: true}, object(0, true), object(40, false))
	for i, packet := range short {
		if len(packet) > 300 {
			t.Fatalf("packet of %d bytes is not short", len(packet))
		}
		out, mark, err := g.Append(nil, event(packet))
		if err != nil || len(out) != PrefixSize+len(packet)+2 {
			t.Fatalf("%d bytes of %d: %v", len(out), len(packet), err)
		}
		f, _ := ConsumeFraming(out)
		h, _ := ConsumeDataHeader(out[FramingSize:])
		if f.Length != len(out)-FramingSize || h.Size != f.Length {
			t.Errorf("lengths %d and %d for %d bytes", f.Length, h.Size, len(out))
		}
		if !bytes.Equal(objectsOf(t, out[PrefixSize:], 400), objectsOf(t, packet, 400)) {
			t.Error("the media object changed")
		}
		if told := mark.Note != nil; told != (i == 0) {
			t.Errorf("packet %d: note %v", i, mark.Note)
		}
	}
}

// A packet that tells a length with padding that was cut off gets it back, and a
// payload of a stream that nobody described costs nothing.
func TestAppendTakesWhatPlayersTake(t *testing.T) {
	whole := packets(t, asf.Layout{PacketSize: 400, Preroll: 3000, Multiple: true, Length: asf.Word, Padding: asf.Word}, object(0, true))[0]
	cut := bytes.TrimRight(whole, "\x00")
	stranger := bytes.Clone(whole)
	stranger[bytes.IndexByte(stranger, 0x81)+1] = 0 // behind the payload flags
	for name, c := range map[string]struct{ in, want []byte }{"cut": {cut, whole}, "stranger": {stranger, stranger}} {
		g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
		out, mark, err := g.Append(nil, event(c.in))
		if err != nil || !bytes.Equal(out, pulled(IDData, 0, 0, c.want)) || (mark.Note != nil) != (name == "cut") {
			t.Errorf("%s: %v, %v, % x", name, err, mark.Note, out)
		}
	}
}

// What is no packet is left out and told of once; what is too long ends the source.
func TestAppendBadPackets(t *testing.T) {
	g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
	bad := []byte{0x82, 0, 0, 1}
	out, mark, err := g.Append([]byte("x"), event(bad))
	if string(out) != "x" || !errors.Is(err, codec.ErrSkip) || err.Error() == codec.ErrSkip.Error() || mark.Note == nil {
		t.Errorf("first: %q, %+v, %v", out, mark, err)
	}
	if _, mark, err = g.Append(nil, event(nil)); !errors.Is(err, codec.ErrSkip) || mark.Note != nil {
		t.Errorf("second: %+v, %v", mark, err)
	}
	if _, _, err = g.Append(nil, event(make([]byte, 401))); !errors.Is(err, asf.ErrTooLong) || errors.Is(err, codec.ErrSkip) {
		t.Errorf("too long: %v", err)
	}
	if out, _, err := g.Append(nil, event(packetOf(t, 0, true))); err != nil || out[FramingSize] != 0 {
		t.Errorf("afterwards: % x, %v", out, err)
	}
}

// play appends packets at the given send times (negative: no key frame) and
// returns what became of them: a send time, "skip", "over", and "!" for a note.
func play1(t testing.TB, g codec.Programme, times ...int64) string {
	var got []string
	for _, ms := range times {
		key := ms >= 0
		if !key {
			ms = -ms
		}
		out, mark, err := g.Append(nil, event(packetOf(t, uint32(ms), key)))
		word := ""
		switch {
		case errors.Is(err, codec.ErrProgrammeOver):
			word = "over"
		case errors.Is(err, codec.ErrSkip):
			word = "skip"
		case err != nil:
			t.Fatal(err)
		default:
			send, presented := at(t, out, 400)
			if presented-send != 3000 || mark.SendTime != time.Duration(send)*time.Millisecond {
				t.Errorf("sent at %d, presented at %d, marked %v", send, presented, mark.SendTime)
			}
			word = fmt.Sprint(send)
		}
		if mark.Note != nil {
			word += "!"
		}
		got = append(got, word)
	}
	return strings.Join(got, " ")
}

// Times: unchanged until there is a reason; then moved together, and never
// backwards for long ([ASF] 5.2; what players do at a wrap or a step back is in
// the constants' comments).
func TestTimeLine(t *testing.T) {
	const (
		late = 4_000_000_000
		end  = 1<<32 - 3_000 - 60_000 // the header's preroll and the margin
	)
	cases := []struct {
		name string
		in   []int64
		want string
	}{
		{"as_they_come", []int64{5000, 5040, -5080}, "5000 5040 5080"},
		{"late_source_is_not_moved", []int64{late, late + 40}, "4000000000 4000000040"},
		{"small_step_back", []int64{5000, 4990, 5020}, "5000 4990 5020"},
		{"step_back_goes_on", []int64{90000, 90040, 0, 40, 80}, "90000 90040 90080! 90120 90160"},
		{"step_back_while_waiting", []int64{90000, -40, -80, -20, 60}, "90000 90000! skip skip 90020"},
		{"step_back_without_key_frame", []int64{90000, -40, -80, 120, 160, 5}, "90000 90000! skip 90080 90120 89965"},
		{"step_back_twice", []int64{90000, 0, 40, 50000, 0, 40}, "90000 90000! 90040 140000 141000 141040"},
		{"gap_is_no_length_of_a_packet", []int64{0, 10000, 0, 40}, "0 10000 11000! 11040"},
		{"forward_leap_is_left", []int64{0, 120_000, -120_040}, "0 120000 120040"},
		{"too_far_a_leap_goes_on", []int64{0, 40, 120_041, 120_081}, "0 40 80! 120"},
		{"too_far_a_leap_without_key_frame", []int64{0, -40, -240_000, -240_040, 240_080}, "0 40 80! skip 160"},
		{"stray_at_0", []int64{3_604_680, -3_604_720, 0, -3_604_760, -3_604_800}, "3604680 3604720 3604760! 3604760 3604800"},
		{"stray_at_0_without_key_frame", []int64{3_604_680, -3_604_720, -1, -3_604_760, -3_604_800}, "3604680 3604720 3604760! 3604760 3604800"},
		{"stray_ahead", []int64{0, -40, -4_000_000, -80}, "0 40 80! 80"},
		{"strays_at_one_time", []int64{90000, -1, -90040, -1, -90080, -1, -90120}, "90000 90000! 90040 90080 90080 90120 90120"},
		{"strays_at_many_times", []int64{90000, -1, -1_000_000, -3_000_000, -90040}, "90000 90000! 90000! 90000 90040"},
		{"two_strays", []int64{90000, -90040, -1, -2, -90080, -90120}, "90000 90040 90080! skip 90080 90120"},
		{"stray_in_20_days", []int64{1_728_000_000, -1, -1_728_000_040, -2, -1_728_000_080}, "1728000000 1728000000! 1728000040 1728000080 1728000080"},
		{"before_the_end", []int64{end - 2, end - 1}, "4294904294 4294904295"},
		{"at_the_end", []int64{end - 1, end, end + 40}, "4294904295 over over"},
		{"begins_past_the_end", []int64{end + 100, end + 140}, "0 40"},
		{"begins_past_the_end_and_wraps", []int64{1<<32 - 40, 1 << 32, 1<<32 + 40}, "0 40 80"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
			if got := play1(t, g, c.in...); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// The programme after the end begins at 0 and goes through the source's wrap.
func TestNextProgrammeIsRebased(t *testing.T) {
	g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
	const end = 1<<32 - 3_000 - 60_000
	if got := play1(t, g, end-10, end+30); got != "4294904286 over" {
		t.Fatal(got)
	}
	if got := play1(t, g.Next(), end+30, end+70, 1<<32+70, 1<<32+110); got != "0 40 63040 63080" {
		t.Error(got)
	}
	if got := play1(t, g.Next(), end+30, end+10, end+70); got != "0 0 60" {
		t.Errorf("a small step back from 0: %s", got)
	}
	out, _, _ := g.Next().Append(nil, numbered(packetOf(t, end+30, true), 500))
	if h, _ := ConsumeDataHeader(out[FramingSize:]); h.LocationID != 0 {
		t.Errorf("LocationId %d", h.LocationID)
	}
}

// sharing is a packet that a tail, a delta frame and a key frame share, with
// audio between them.
func sharing(t testing.TB, size int) []byte {
	b := asf.NewBuilder(asf.Layout{PacketSize: size, Preroll: 3000, Multiple: true, Padding: asf.Word})
	for _, o := range []asf.Object{
		object(0, false),
		{Stream: 2, Time: 3000, Data: []byte("some audio")},
		object(40, true),
	} {
		if err := b.Add(o); err != nil {
			t.Fatal(err)
		}
	}
	b.Flush()
	return drain(b)[0]
}

// The forms of a key packet that is shared with older frames.
func TestDerive(t *testing.T) {
	g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
	packet := sharing(t, 400)
	primary, mark, err := g.Append(nil, event(packet))
	if err != nil || !mark.Key || !mark.Trim {
		t.Fatalf("%+v, %v", mark, err)
	}
	was := bytes.Clone(primary)
	trimmed := join([]byte("some audio"), object(40, true).Data)
	for _, form := range []codec.Form{codec.Framed, codec.Plain} {
		for _, trim := range []bool{false, true} {
			out, alias := g.Derive([]byte("dst"), primary, form, trim)
			if alias == trim {
				t.Errorf("form %d, trim %v: alias %v", form, trim, alias)
			}
			if !alias {
				out = bytes.TrimPrefix(out, []byte("dst"))
			}
			if form == codec.Framed {
				f, n := ConsumeFraming(out)
				h, k := ConsumeDataHeader(out[n:])
				if f.ID != IDData || f.Length != len(out)-n || h.Size != f.Length || h.LocationID != 0 {
					t.Errorf("trim %v: %+v, %+v around %d bytes", trim, f, h, len(out))
				}
				out = out[n+k:]
			} else if len(out) != 400 {
				t.Errorf("trim %v: plain packet of %d bytes", trim, len(out))
			}
			want := objectsOf(t, packet, 400)
			if trim {
				want = trimmed
			}
			if !bytes.Equal(objectsOf(t, out, 400), want) {
				t.Errorf("form %d, trim %v: objects differ", form, trim)
			}
		}
	}
	if !bytes.Equal(primary, was) {
		t.Error("the shared packet was written to")
	}
}

// Short packets keep their length towards players and get their padding back
// towards everybody else.
func TestDerivePlainIsInflated(t *testing.T) {
	g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
	short := packets(t, asf.Layout{PacketSize: 400, Preroll: 3000, Strip: true}, object(0, true))[0]
	primary, _, err := g.Append(nil, event(short))
	if err != nil || len(primary) >= PrefixSize+400 {
		t.Fatalf("%d bytes, %v", len(primary), err)
	}
	for _, trim := range []bool{false, true} {
		out, alias := g.Derive(nil, primary, codec.Plain, trim)
		if alias || len(out) != 400 || !bytes.Equal(objectsOf(t, out, 400), objectsOf(t, short, 400)) {
			t.Errorf("trim %v: alias %v, %d bytes", trim, alias, len(out))
		}
	}
}

// What everybody sees first after a splice is what a joiner would see: the
// frames that the key packet shares with lost ones are left out.
func TestSpliceTrims(t *testing.T) {
	m := mustMedia(t, smallHeader(400).Append(nil))
	g := m.NewProgramme()
	if got := play1(t, g, 1000); got != "1000" {
		t.Fatal(got)
	}
	g.Splice(m, 0)
	out, mark, err := g.Append(nil, event(sharing(t, 400)))
	if err != nil || !mark.Key || mark.Trim {
		t.Fatalf("%+v, %v", mark, err)
	}
	if got := objectsOf(t, out[PrefixSize:], 400); !bytes.Equal(got, join([]byte("some audio"), object(40, true).Data)) {
		t.Errorf("objects % x", got)
	}
}

// Several video streams have key frames of their own: viewers start at the best
// one's, and at another's only while the best has none.
func TestLeadingVideo(t *testing.T) {
	spec := smallHeader(400)
	lesser := spec.Streams[0]
	lesser.Number, lesser.Bitrate = 3, lesser.Bitrate/2
	spec.Streams = append(spec.Streams, lesser)
	m := mustMedia(t, spec.Append(nil))
	for _, c := range []struct {
		name  string
		order string // stream number and second of each key frame
		want  string
	}{
		{"best_first", "1@0 3@1 1@10 3@11", "1 . 1 ."},
		{"lesser_first", "3@0 1@1 3@2 3@3 1@10", "3 1 . . 1"},
		{"best_stops", "1@0 3@10 3@30 3@31 3@32", "1 . . 3 3"},
		{"best_comes_back", "1@0 3@31 1@32 3@33", "1 3 1 ."},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := m.NewProgramme()
			var got []string
			for word := range strings.FieldsSeq(c.order) {
				var stream uint8
				var sec uint32
				if _, err := fmt.Sscanf(word, "%d@%d", &stream, &sec); err != nil {
					t.Fatal(err)
				}
				o := object(sec*1000, true)
				o.Stream = stream
				packet := packets(t, asf.Layout{PacketSize: 400, Preroll: 3000, Padding: asf.Word}, o)[0]
				_, mark, err := g.Append(nil, event(packet))
				if err != nil {
					t.Fatal(err)
				}
				if word = "."; mark.Key {
					word = fmt.Sprint(stream)
				}
				got = append(got, word)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("key frames of %s, want %s", s, c.want)
			}
		})
	}
	// What a new encoder begins with is not thrown away for being a lesser
	// stream's, but nobody starts there.
	g := m.NewProgramme()
	if got := play1(t, g, 0); got != "0" {
		t.Fatal(got)
	}
	g.Splice(m, second)
	o := object(0, true)
	o.Stream = 3
	packet := packets(t, asf.Layout{PacketSize: 400, Preroll: 3000, Padding: asf.Word}, o)[0]
	if _, mark, err := g.Append(nil, event(packet)); err != nil || mark.Key {
		t.Errorf("after a splice: %+v, %v", mark, err)
	}
}

// The head in both forms is the live header, and shared.
func TestHead(t *testing.T) {
	m := mustMedia(t, headerBytes(0))
	g := m.NewProgramme()
	framed, plain := g.Head(codec.Framed), g.Head(codec.Plain)
	if !bytes.Equal(framed, AppendHead(nil, plain)) || !bytes.Equal(plain, m.h.Live()) {
		t.Error("the heads differ")
	}
	if &framed[0] != &g.Next().Head(codec.Framed)[0] {
		t.Error("the head is made anew")
	}
}

// Making over a packet is free once the buffer has grown.
func TestAppendAllocatesNothing(t *testing.T) {
	m := mustMedia(t, smallHeader(400).Append(nil))
	first, again := m.NewProgramme(), m.NewProgramme().(*programme)
	full, short := packetOf(t, 40, true), packets(t, asf.Layout{PacketSize: 400, Preroll: 3000, Strip: true}, object(40, true))[0]
	buf := make([]byte, 0, 1000)
	if _, _, err := again.Append(buf, event(full)); err != nil {
		t.Fatal(err)
	}
	again.Splice(m, 7*second) // from here on times are shifted
	if _, _, err := again.Append(buf, event(full)); err != nil {
		t.Fatal(err)
	}
	events := []*codec.Event{event(full), event(short)}
	for name, g := range map[string]codec.Programme{"as_it_comes": first, "shifted": again} {
		if _, _, err := g.Append(buf, events[1]); err != nil { // the note is made
			t.Fatal(err)
		}
		got := testing.AllocsPerRun(100, func() {
			for _, ev := range events {
				if _, _, err := g.Append(buf, ev); err != nil {
					t.Fatal(err)
				}
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}
