package asf

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// joinSpec has two video streams, one of which has no clean points, audio and
// script, in packets of 1000 bytes.
func joinSpec() HeaderSpec {
	return HeaderSpec{PacketSize: 1000, Streams: []StreamSpec{
		{Number: 1, Kind: Video, FourCC: "WMV3"},
		{Number: 2, Kind: Audio, FormatTag: 0x161},
		{Number: 3, Kind: Video, FourCC: "WMV3", Extended: true, NoCleanPoints: true},
		{Number: 4, Kind: Command},
	}}
}

// piece is one payload of a packet made by hand.
type piece struct {
	stream, object uint8
	key            bool
	offset         uint32
	compressed     bool
	data           string
}

// handmade makes a packet with multiple payloads. The length type flags besides
// say what there is of length, sequence and padding.
func handmade(lf uint8, pieces ...piece) []byte {
	p := Packet{lf: lf | lfMultiple}
	b := []byte{0x82, 0, 0, p.lf, propertyFlags}
	lengthAt := len(b)
	b = append(b, make([]byte, p.lengthType().Width()+p.sequenceType().Width()+p.paddingType().Width())...)
	b = append(b, 1, 2, 3, 4, 5, 0, uint8(Word)<<payloadLengthTypeShift|uint8(len(pieces)))
	for _, q := range pieces {
		stream := q.stream
		if q.key {
			stream |= 0x80
		}
		b = append(b, stream, q.object, byte(q.offset), byte(q.offset>>8), 0, 0)
		if q.compressed {
			b = append(b, 1, 40, byte(len(q.data)+1), 0, byte(len(q.data)))
		} else {
			b = append(b, 8, 200, 0, 0, 0, 9, 9, 0, 0, byte(len(q.data)), 0)
		}
		b = append(b, q.data...)
	}
	putField(b, lengthAt, p.lengthType(), len(b))
	return b
}

// names lists the payloads' data, to compare by eye.
func names(t *testing.T, b []byte, packetSize int) string {
	t.Helper()
	var out []string
	it := parsePacket(t, b, packetSize).Iter(b)
	for it.Next() {
		data := string(it.Data)
		if it.Compressed {
			data = data[1:]
		}
		out = append(out, data)
	}
	return strings.Join(out, " ")
}

func TestStartsKeyAndTrim(t *testing.T) {
	h := parseSpec(t, joinSpec())
	cases := []struct {
		name    string
		pieces  []piece
		starts  bool
		trimmed string // empty: nothing to be left out
	}{
		{"key_alone", []piece{{1, 1, true, 0, false, "K"}}, true, ""},
		{"key_fragment", []piece{{1, 1, true, 99, false, "k"}}, false, ""},
		{"delta", []piece{{1, 1, false, 0, false, "D"}}, false, ""},
		{"audio_key_bit", []piece{{2, 1, true, 0, false, "A"}}, false, ""},
		{"script_key_bit", []piece{{4, 1, true, 0, false, "S"}}, false, ""},
		{"undeclared_stream", []piece{{9, 1, true, 0, false, "X"}}, false, ""},
		{"audio_then_key", []piece{{2, 1, false, 0, false, "A"}, {1, 1, true, 0, false, "K"}}, true, ""},
		{"delta_tail_before", []piece{{1, 1, false, 50, false, "d"}, {1, 2, true, 0, false, "K"}}, true, "K"},
		{"whole_deltas_before", []piece{{1, 1, false, 0, false, "D"}, {2, 1, false, 0, false, "A"}, {1, 2, false, 0, false, "D"},
			{1, 3, true, 0, false, "K"}, {1, 4, false, 0, false, "E"}}, true, "A K E"},
		{"key_tail_before", []piece{{1, 1, true, 50, false, "k"}, {1, 2, true, 0, false, "K"}}, true, "K"},
		{"audio_tail_beside", []piece{{1, 1, true, 0, false, "K"}, {2, 7, false, 30, false, "a"}, {2, 8, false, 0, false, "A"}}, true, "K A"},
		{"audio_in_two_pieces", []piece{{2, 8, false, 0, false, "A"}, {2, 8, false, 1, false, "B"}, {1, 1, true, 0, false, "K"}}, true, ""},
		{"audio_tail_of_same_number", []piece{{4, 8, false, 0, false, "S"}, {2, 8, false, 9, false, "a"}, {1, 1, true, 0, false, "K"}}, true, "S K"},
		{"audio_tail_after_another", []piece{{2, 9, false, 0, false, "B"}, {2, 7, false, 9, false, "a"}, {1, 1, true, 0, false, "K"}}, true, "B K"},
		{"audio_begins_after", []piece{{2, 8, false, 9, false, "a"}, {2, 8, false, 0, false, "A"}, {1, 1, true, 0, false, "K"}}, true, "A K"},
		{"no_clean_points", []piece{{3, 1, false, 9, false, "v"}, {3, 2, false, 0, false, "V"}, {2, 1, false, 3, false, "a"}}, true, "V"},
		{"second_video_waits", []piece{{3, 1, false, 9, false, "v"}, {1, 2, true, 0, false, "K"}, {3, 2, false, 0, false, "V"}, {1, 3, false, 0, false, "E"}}, true, "K V E"},
		{"compressed_key", []piece{{1, 1, true, 700, true, "K"}}, true, ""},
		{"audio_tail_after_whole_objects", []piece{{2, 8, false, 0, true, "A"}, {2, 8, false, 9, false, "a"}, {1, 1, true, 0, false, "K"}}, true, "A K"},
		{"compressed_delta", []piece{{1, 1, false, 0, true, "D"}, {2, 1, false, 99, true, "A"}, {1, 2, true, 0, false, "K"}}, true, "A K"},
	}
	for _, c := range cases {
		for lfName, lf := range map[string]uint8{"plain": 0, "byte_padding": 1 << 3, "dword_padding": 3 << 3, "sequence": 2 << 1, "explicit": 2 << 5, "explicit_byte": 1 << 5, "everything": 3<<5 | 1<<1 | 2<<3} {
			for _, short := range []bool{true, false} {
				name := c.name + "/" + lfName
				b := handmade(lf, c.pieces...)
				if !short {
					name, b = name+"/full", zeroFill(b, 1000)
				}
				t.Run(name, func(t *testing.T) {
					p := parsePacket(t, b, 1000)
					if got := h.StartsKey(p, b); got != c.starts {
						t.Fatalf("StartsKey = %t", got)
					}
					if got := h.NeedsTrim(p, b); got != (c.trimmed != "") {
						t.Fatalf("NeedsTrim = %t", got)
					}
					checkTrim(t, h, b, c.starts, c.trimmed)
				})
			}
		}
	}
}

func checkTrim(t *testing.T, h *Header, b []byte, starts bool, want string) {
	t.Helper()
	was := bytes.Clone(b)
	out, err := h.AppendTrimmed([]byte("x"), b)
	if !bytes.Equal(b, was) {
		t.Fatal("the packet itself was changed")
	}
	if !starts {
		if err == nil || string(out) != "x" {
			t.Fatalf("trimmed a packet that starts no key frame: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	out = out[1:]
	if want == "" {
		if !bytes.Equal(out, b) {
			t.Fatal("a packet that needs no trimming was changed")
		}
		return
	}
	if got := names(t, out, 1000); got != want {
		t.Errorf("left %q, want %q", got, want)
	}
	checkTrimmedForm(t, h, b, out)
}

// checkTrimmedForm: a trimmed packet is good at its own length and filled up,
// has the same times, and what is in it came from the packet.
func checkTrimmedForm(t *testing.T, h *Header, b, out []byte) {
	t.Helper()
	size := h.PacketSize()
	p, q := parsePacket(t, b, size), parsePacket(t, out, size)
	if q.Explicit() != p.Explicit() || q.Explicit() && q.size != len(out) || !q.Explicit() && len(out) != size {
		t.Errorf("a trimmed packet of %d bytes says %d", len(out), q.size)
	}
	if q.SendTime() != p.SendTime() || q.Duration() != p.Duration() {
		t.Error("times changed")
	}
	last := q.Iter(out)
	for last.Next() {
	}
	if q.end != last.end {
		t.Errorf("%d bytes behind the payloads are not padding", q.end-last.end)
	}
	if h.NeedsTrim(q, out) || !h.StartsKey(q, out) {
		t.Error("a trimmed packet is not one to start with")
	}
	left, all := payloads(t, out, size), payloads(t, b, size)
	for _, line := range left {
		i := slices.Index(all, line)
		if i < 0 {
			t.Fatalf("a payload that was not in the packet, or not in this order: %s", line)
		}
		all = all[i+1:]
	}
	if !slices.Equal(left, payloads(t, zeroFill(out, size), size)) {
		t.Error("filled up with zeros it says something else")
	}
}

// TestKeyRank: of several video streams the best is the one that players show.
func TestKeyRank(t *testing.T) {
	video := func(number uint8, bitrate uint32, width int, unclean bool) StreamSpec {
		return StreamSpec{Number: number, Kind: Video, FourCC: "WMV3", Bitrate: bitrate, Width: width, Height: 100, Extended: true, NoCleanPoints: unclean}
	}
	cases := []struct {
		name    string
		streams []StreamSpec // the best last
	}{
		{"bit_rate", []StreamSpec{video(1, 100_000, 800, false), video(2, 300_000, 400, false), video(3, 500_000, 200, false)}},
		{"picture", []StreamSpec{video(1, 0, 200, false), video(3, 0, 300, false), video(2, 0, 400, false)}},
		{"number", []StreamSpec{video(7, 0, 100, false), video(3, 0, 100, false), video(2, 0, 100, false)}},
		{"clean_points", []StreamSpec{video(1, 900_000, 800, true), video(2, 100_000, 80, false)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := parseSpec(t, HeaderSpec{PacketSize: 1000, Streams: c.streams})
			rank := func(pieces ...piece) uint8 {
				b := handmade(0, pieces...)
				return h.KeyRank(parsePacket(t, b, 1000), b)
			}
			last := uint8(0)
			for _, s := range c.streams {
				key := piece{s.Number, 1, true, 0, false, "K"}
				got := rank(key)
				if got <= last {
					t.Errorf("stream %d has rank %d after %d", s.Number, got, last)
				}
				worst := piece{c.streams[0].Number, 2, true, 0, false, "W"}
				if one, other := rank(key, worst), rank(worst, key); one != got || other != got {
					t.Errorf("stream %d has rank %d, beside the worst %d and %d", s.Number, got, one, other)
				}
				last = got
			}
			if got := rank(piece{c.streams[0].Number, 1, true, 5, false, "k"}, piece{9, 1, true, 0, false, "X"}); got != 0 {
				t.Errorf("rank %d without a key frame", got)
			}
		})
	}
}

func TestAudioOnlyStartsAnywhere(t *testing.T) {
	h := parseSpec(t, HeaderSpec{PacketSize: 1000, Streams: []StreamSpec{{Number: 2, Kind: Audio, FormatTag: 0x161}}})
	b := handmade(0, piece{2, 1, false, 77, false, "a"}, piece{2, 2, false, 0, false, "A"})
	p := parsePacket(t, b, 1000)
	if !h.StartsKey(p, b) || h.NeedsTrim(p, b) {
		t.Error("audio waits for something")
	}
	if out, err := h.AppendTrimmed(nil, b); err != nil || !bytes.Equal(out, b) {
		t.Errorf("trimmed to %x, %v", out, err)
	}
}

func TestTrimBadPacket(t *testing.T) {
	h := parseSpec(t, joinSpec())
	var syntax *SyntaxError
	if out, err := h.AppendTrimmed(nil, []byte{0x82, 0}); len(out) != 0 || !errors.As(err, &syntax) {
		t.Errorf("%x, %v", out, err)
	}
	if out, err := h.AppendTrimmed(nil, make([]byte, 1001)); len(out) != 0 || !errors.Is(err, ErrTooLong) {
		t.Errorf("%x, %v", out, err)
	}
}

// TestTrimExplicitPadding: a packet that tells its length may have padding all
// the same, of which the trimmed one has none.
func TestTrimExplicitPadding(t *testing.T) {
	h := parseSpec(t, joinSpec())
	b := handmade(2<<5|1<<3, piece{1, 1, false, 50, false, "d"}, piece{1, 2, true, 0, false, "K"})
	b = append(b, make([]byte, 30)...)
	at := parsePacket(t, b, 1000)
	putField(b, at.lengthAt, at.lengthType(), len(b))
	putField(b, at.paddingAt, at.paddingType(), 30)
	checkTrim(t, h, b, true, "K")
}

// TestTrimLargest: the two bytes that the padding length takes are there even
// where the smallest possible payload is left out of a packet that is full.
func TestTrimLargest(t *testing.T) {
	h := parseSpec(t, joinSpec())
	pf := uint8(Byte) << pfStreamShift // no object number, no offset, no replicated data
	b := []byte{0x82, 0, 0, lfMultiple, pf, 0, 0, 0, 0, 0, 0, uint8(Byte)<<payloadLengthTypeShift | 5}
	b = append(b, 0x01, 0) // a delta frame of no bytes
	for len(b) < 1000 {
		n := min(247, 1000-len(b)-2)
		b = append(b, 0x81, byte(n))
		b = append(b, bytes.Repeat([]byte{7}, n)...)
	}
	p := parsePacket(t, b, 1000)
	if !h.NeedsTrim(p, b) || len(b) != 1000 {
		t.Fatalf("%d bytes, %d payloads", len(b), p.Payloads())
	}
	out, err := h.AppendTrimmed(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	if q := parsePacket(t, out, 1000); q.Payloads() != 4 || q.padding != 0 {
		t.Errorf("%d payloads, padding %d", q.Payloads(), q.padding)
	}
	checkTrimmedForm(t, h, b, out)
}
