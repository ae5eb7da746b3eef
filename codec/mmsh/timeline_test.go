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

// A clock that leaps does not use the time line up, and one that leaps as far
// as a gap may be long uses up no more of it than it says.
func TestAbsurdLeaps(t *testing.T) {
	for _, c := range []struct {
		name string
		step int64
		most time.Duration // that the line goes on for each packet
	}{
		{"half_the_clock", 1<<31 - 1, time.Second},
		{"back", -1 << 31, time.Second},
		{"an_hour", 3_600_000, time.Second},
		{"past_a_gap", maxLeap.Milliseconds() + 1, time.Second},
		{"a_gap", maxLeap.Milliseconds(), maxLeap},
	} {
		t.Run(c.name, func(t *testing.T) {
			const packets = 20_000
			g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
			var buf []byte
			for n := range int64(packets) {
				out, mark, err := g.Append(buf[:0], event(packetOf(t, uint32(n*c.step), true)))
				if err != nil {
					t.Fatalf("packet %d: %v", n, err)
				}
				if mark.SendTime > time.Duration(n)*c.most {
					t.Fatalf("packet %d lies at %v", n, mark.SendTime)
				}
				buf = out
			}
		})
	}
}

// astray is a packet of 3,604,760 ms whose send time says 0.
func astray(t *testing.T, key bool) []byte {
	b := packetOf(t, 3_604_760, key)
	if err := asf.SetSendTime(b, 400, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// Where only the send time is astray the presentation times stay.
func TestStraySendTimeAlone(t *testing.T) {
	m := mustMedia(t, smallHeader(400).Append(nil))
	for first, shift := range map[int64]uint32{3_604_680: 0, 5_000_000: 1_395_280} {
		g := m.NewProgramme()
		play1(t, g, first)
		if shift != 0 {
			g.Splice(m, second) // another clock: from here on times are shifted
		}
		play1(t, g, 3_604_720)
		out, _, err := g.Append(nil, event(astray(t, false)))
		if err != nil {
			t.Fatal(err)
		}
		send, shown := at(t, out, 400)
		if shown != 3_607_760+shift || send < 3_604_720+shift || send > 3_604_760+shift {
			t.Errorf("shifted by %d: sent at %d, presented at %d", shift, send, shown)
		}
	}
}

// What a stray costs is nothing: every media object arrives, and no LocationId
// is left out but where viewers may start anyway.
func TestStrayCostsNothing(t *testing.T) {
	g := mustMedia(t, smallHeader(400).Append(nil)).NewProgramme()
	for i, b := range [][]byte{
		packetOf(t, 3_604_680, true), packetOf(t, 3_604_720, false), astray(t, false), packetOf(t, 3_604_800, false),
		packetOf(t, 0, false), packetOf(t, 3_604_880, false),
	} {
		out, _, err := g.Append(nil, event(b))
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if h, _ := ConsumeDataHeader(out[FramingSize:]); h.LocationID != uint32(i) {
			t.Errorf("packet %d has LocationId %d", i, h.LocationID)
		}
	}
}

// location is what became of packets given as their send times (negative: no
// key frame): a LocationId, or "-" for one that was left out.
func locations(t *testing.T, g codec.Programme, times ...int64) string {
	t.Helper()
	var got []string
	for _, ms := range times {
		data := []byte("no packet")
		if ms != bad1 {
			data = packetOf(t, uint32(max(ms, -ms)), ms >= 0)
		}
		out, _, err := g.Append(nil, event(data))
		if errors.Is(err, codec.ErrSkip) {
			got = append(got, "-")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		h, _ := ConsumeDataHeader(out[FramingSize:])
		got = append(got, fmt.Sprint(h.LocationID))
	}
	return strings.Join(got, " ")
}

// bad1 stands for a malformed packet among send times.
const bad1 = -1 << 40

// LocationIds have a gap wherever packets are missing, and nowhere else: as
// wide as what was left out, and one for what nobody could count ([MS-WMSP]
// 2.2.3.1.2: "gaps are legal").
func TestLocationIDsTellWhatIsMissing(t *testing.T) {
	m := mustMedia(t, smallHeader(400).Append(nil))
	for _, c := range []struct {
		name   string
		before []int64
		pause  time.Duration
		after  []int64
		want   string
	}{
		{"whole", []int64{0, -40}, 0, []int64{0, -40}, "2 3"},
		{"cut", []int64{0, -40}, time.Second, []int64{0, -40}, "3 4"},
		{"left_out", []int64{0, -40}, time.Second, []int64{-5, -40, 80}, "- - 5"},
		{"left_out_though_whole", []int64{0, -40}, 0, []int64{-5, -40, 80}, "- - 4"},
		{"malformed", []int64{0, -40, bad1}, -1, []int64{-80}, "3"},
		{"malformed_first", []int64{bad1}, -1, []int64{0, -40}, "0 1"},
		{"began_anew_unsaid", []int64{90000, -90040}, -1, []int64{0, -40}, "3 4"},
		{"began_anew_without_key_frame", []int64{90000, -90040}, -1, []int64{-1, -40, 80}, "2 - 5"},
	} {
		g := m.NewProgramme()
		locations(t, g, c.before...)
		if c.pause >= 0 {
			g.Splice(m, c.pause)
		}
		if got := locations(t, g, c.after...); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A clip that ends in the middle of a media object leaves a gap where it starts
// again; one that ends with whole objects does not.
func TestLocationIDsTellOfTornObjects(t *testing.T) {
	m := mustMedia(t, smallHeader(400).Append(nil))
	big := object(0, true)
	big.Data = bytes.Repeat(big.Data, 10)
	clip := packets(t, asf.Layout{PacketSize: 400, Preroll: 3000, Padding: asf.Word}, big)
	for n, want := range map[int]uint32{1: 2, 2: 3, len(clip): uint32(len(clip))} {
		g := m.NewProgramme()
		for _, b := range clip[:n] {
			if _, _, err := g.Append(nil, event(b)); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []uint32{want, want + 1} {
			g.Splice(m, 0)
			out, _, err := g.Append(nil, event(packetOf(t, 0, true)))
			if err != nil {
				t.Fatal(err)
			}
			if h, _ := ConsumeDataHeader(out[FramingSize:]); h.LocationID != want {
				t.Errorf("%d of %d packets: LocationId %d, want %d", n, len(clip), h.LocationID, want)
			}
		}
	}
}

// A source that restarts without key frames is left out for as long as the engine
// likes; then it goes on anywhere, whole, and says so once.
func TestAnywhere(t *testing.T) {
	m := mustMedia(t, smallHeader(400).Append(nil))
	g := m.NewProgramme()
	play1(t, g, 1000, -1040)
	g.Splice(m, 0)
	one := func(ms uint32, anywhere bool) (codec.Mark, error) {
		ev := event(packetOf(t, ms, false))
		ev.Anywhere = anywhere
		_, mark, err := g.Append(nil, ev)
		return mark, err
	}
	for ms := range uint32(50) {
		if _, err := one(1000*ms, false); !errors.Is(err, codec.ErrNoKey) || !errors.Is(err, codec.ErrSkip) {
			t.Fatalf("%d s: %v", ms, err)
		}
	}
	mark, err := one(50_000, true)
	if err != nil || mark.Key || !errors.Is(mark.Note, errAnywhere) || mark.SendTime != 51_080*time.Millisecond {
		t.Errorf("%+v, %v", mark, err)
	}
	if mark, err = one(50_040, false); err != nil || mark.Note != nil {
		t.Errorf("the next: %+v, %v", mark, err)
	}
	// It plays the same again: no wait that nobody wants, and no second word.
	for _, ms := range []uint32{0, 40, 80} {
		if mark, err = one(ms, true); err != nil || errors.Is(mark.Note, errAnywhere) {
			t.Errorf("%d ms: %+v, %v", ms, mark, err)
		}
	}
	ev := event(sharing(t, 400))
	if out, mark, err := g.Append(nil, ev); err != nil || !mark.Key || !mark.Trim || len(objectsOf(t, out[PrefixSize:], 400)) != len(objectsOf(t, ev.Data, 400)) {
		t.Errorf("a key frame at last: %+v, %v", mark, err)
	}
}

// FuzzTimeline: whatever send times come, the line goes on, no faster than a gap
// may be long and no further back than rounding goes, and LocationIds rise.
func FuzzTimeline(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 1, 40, 0, 0, 0, 2, 0, 0, 0, 0x80, 3, 0, 0, 0, 0})
	f.Add([]byte{1, 255, 255, 255, 255, 1, 255, 255, 255, 255, 0, 255, 255, 255, 255})
	f.Add([]byte{1, 0, 1, 0, 0, 4, 0, 0, 0, 0, 0, 0, 2, 0, 0, 8, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m := mustMedia(t, smallHeader(400).Append(nil))
		g := m.NewProgramme()
		var line, location int64 = 0, -1
		for ; len(b) >= 5; b = b[5:] {
			const key, splice, anywhere = 1, 4, 8
			if b[0]&splice != 0 {
				g.Splice(m, 0)
			}
			send := uint32(b[1]) | uint32(b[2])<<8 | uint32(b[3])<<16 | uint32(b[4])<<24
			ev := event(packetOf(t, send, b[0]&key != 0))
			ev.Anywhere = b[0]&anywhere != 0
			out, mark, err := g.Append(nil, ev)
			switch {
			case errors.Is(err, codec.ErrNoKey) && (b[0]&(key|anywhere) == 0):
				continue
			case errors.Is(err, codec.ErrProgrammeOver):
				return
			case err != nil:
				t.Fatal(err)
			}
			h, _ := ConsumeDataHeader(out[FramingSize:])
			now := mark.SendTime.Milliseconds()
			if send, _ := at(t, out, 400); int64(send) != now || int64(h.LocationID) <= location {
				t.Fatalf("sent at %d, marked %d; LocationId %d after %d", send, now, h.LocationID, location)
			}
			if location >= 0 && now < line-maxBackstep.Milliseconds() {
				t.Fatalf("%d follows %d", now, line)
			}
			line, location = now, int64(h.LocationID)
		}
	})
}
