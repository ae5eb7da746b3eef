package mmsh

import (
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/asf"
)

// A header that comes again in one time line does not disturb it.
func TestSpliceInOneTimeLine(t *testing.T) {
	m := mustMedia(t, smallHeader(400).Append(nil))
	cases := []struct {
		pause time.Duration
		next  int64
		want  string
	}{
		{0, 5160, "5160"},          // goes on
		{3 * second, 8120, "5080"}, // it went on meanwhile, and players' clocks did not
		{0, 7080, "7080"},          // as far as is believed
		{0, 7081, "5080"},          // too far: another clock
		{3 * second, 5160, "5160"}, // it stood still meanwhile
		{0, 5039, "5080"},          // backwards: another clock
	}
	for _, c := range cases {
		g := m.NewProgramme()
		play1(t, g, 5000, 5040)
		g.Splice(m, c.pause)
		if got := play1(t, g, c.next); got != c.want {
			t.Errorf("pause %v, then %d: got %s, want %s", c.pause, c.next, got, c.want)
		}
	}
}

// A header that is repeated every 50 packets costs nothing, wherever the key
// frames are.
func TestRepeatedHeaderCostsNothing(t *testing.T) {
	header := smallHeader(400).Append(nil)
	h := pushing(bodyLength)
	for i := range 350 {
		if i%50 == 0 {
			h.feed(pushed(IDHeader, header))
		}
		h.feed(pushed(IDData, packetOf(t, uint32(i)*40, i%125 == 0)))
	}
	if len(h.headed) != 1 || len(h.data) != 350 {
		t.Fatalf("%d headers, %d packets", len(h.headed), len(h.data))
	}
	g := h.headed[0].NewProgramme()
	for i, b := range h.data {
		out, mark, err := g.Append(nil, event(b))
		if err != nil || mark.SendTime != time.Duration(i)*40*time.Millisecond {
			t.Fatalf("packet %d: %+v, %v", i, mark, err)
		}
		if h, _ := ConsumeDataHeader(out[FramingSize:]); h.LocationID != uint32(i) {
			t.Fatalf("packet %d has LocationId %d", i, h.LocationID)
		}
	}
}

// An encoder that comes back with an equivalent header goes on where the last
// one stopped ([MS-WMSP] has no way to say so; players take it perfectly).
func TestSplice(t *testing.T) {
	spec := smallHeader(400)
	spec.Metadata = []asf.Attribute{{Stream: 1, Name: "other", Text: "words"}}
	again := mustMedia(t, spec.Append(nil))
	g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
	if !g.Splice(again, second) {
		t.Fatal("an equivalent header is refused before the first packet")
	}
	if got := play1(t, g, 5000, 5040); got != "5000 5040" {
		t.Errorf("before: %s", got)
	}
	if !g.Splice(again, 3*second) {
		t.Fatal("an equivalent header is refused")
	}
	if got := play1(t, g, -100, -140, 180, -220); got != "skip skip 5160 5200" {
		t.Errorf("after: %s", got)
	}
	if !g.Splice(again, -second) {
		t.Fatal("an equivalent header is refused")
	}
	if got := play1(t, g, 4_000_000_000, 4_000_000_040); got != "5240 5280" {
		t.Errorf("after the second: %s", got)
	}
	out, _, _ := g.Append(nil, numbered(packetOf(t, 4_000_000_080, true), 1))
	if h, _ := ConsumeDataHeader(out[FramingSize:]); h.LocationID != 9 {
		t.Errorf("LocationId %d", h.LocationID)
	}
	if m := g.Media(); m == codec.Media(again) {
		t.Error("the header is not the one that the programme started with")
	}
}

// One splice after another: each is measured from the last packet that went
// out; the pause does not count, and what was passed over before does not twice.
func TestSpliceAfterSplice(t *testing.T) {
	m := mustMedia(t, smallHeader(400).Append(nil))
	g := m.NewProgramme()
	if got := play1(t, g, 1000, 1040); got != "1000 1040" {
		t.Fatal(got)
	}
	g.Splice(m, second)
	if got := play1(t, g, -50_000, -50_200); got != "skip skip" {
		t.Fatal(got)
	}
	g.Splice(m, 3*second)
	if got := play1(t, g, -500, 600); got != "skip 1180" {
		t.Errorf("after a pause of 3 s and 100 ms passed over: %s", got)
	}
	g.Splice(m, 0)
	if got := play1(t, g, 900_000); got != "1280" {
		t.Errorf("after no pause: %s", got)
	}
}

// Another source counts its packets from somewhere else.
func TestSpliceForgetsNumbers(t *testing.T) {
	m := mustMedia(t, smallHeader(400).Append(nil))
	g := m.NewProgramme()
	for want, n := range []uint32{5, 9} {
		g.Splice(m, 0)
		out, _, err := g.Append(nil, numbered(packetOf(t, 0, true), n))
		if err != nil {
			t.Fatal(err)
		}
		if h, _ := ConsumeDataHeader(out[FramingSize:]); h.LocationID != uint32(want) {
			t.Errorf("number %d became LocationId %d, want %d", n, h.LocationID, want)
		}
	}
}

func TestSpliceAudioWaitsForNothing(t *testing.T) {
	m := mustMedia(t, audioHeader(400).Append(nil))
	g := m.NewProgramme()
	one := func(ms uint32) []byte {
		return packets(t, asf.Layout{PacketSize: 400, Preroll: 3000}, asf.Object{Stream: 2, Time: 3000 + ms, Data: []byte("audio")})[0]
	}
	if _, _, err := g.Append(nil, event(one(700))); err != nil {
		t.Fatal(err)
	}
	g.Splice(m, 0)
	out, _, err := g.Append(nil, event(one(0)))
	if err != nil {
		t.Fatal(err)
	}
	if send, _ := at(t, out, 400); send != 700 {
		t.Errorf("sent at %d", send)
	}
}

func TestSpliceRefusesAnotherHeader(t *testing.T) {
	g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
	for _, spec := range []asf.HeaderSpec{smallHeader(500), audioHeader(400), asf.EE4Header(0)} {
		if g.Splice(mustMedia(t, spec.Append(nil)), 0) {
			t.Errorf("%d-byte packets are spliced", spec.PacketSize)
		}
	}
	if g.Splice(fakeMedia{}, 0) {
		t.Error("a stranger is spliced")
	}
}
