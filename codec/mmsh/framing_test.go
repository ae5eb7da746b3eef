package mmsh

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes are those of real captures, or follow from the tables of
// [MS-WMSP] 2.2.3 and [MS-WMHTTP] 2.2.3.
func TestGoldenBytes(t *testing.T) {
	payload := func(n int, first ...byte) []byte { return append(first, make([]byte, n-len(first))...) }
	cases := []struct {
		name string
		got  []byte
		want string // the beginning
		size int
	}{
		{"end", AppendReason(nil, IDEnd, ReasonOver), "24 45 04 00 00 00 00 00", 8},
		{"end_of_entry", AppendReason(nil, IDEnd, ReasonNext), "24 45 04 00 01 00 00 00", 8},
		{"rewound", AppendReason(nil, IDEnd, 0x000D2F09), "24 45 04 00 09 2F 0D 00", 8},
		{"change", AppendReason(nil, IDChange, 0), "24 43 04 00 00 00 00 00", 8},
		{"change_back", AppendReason(nil, IDChange, 0x400D14BE), "24 43 04 00 BE 14 0D 40", 8},
		{"header_pulled", AppendHead(nil, payload(5487, 0x30, 0x26)), "24 48 77 15 00 00 00 00 00 0C 77 15 30 26", 5499},
		{"header_pushed", pushed(IDHeader, payload(5461, 0x30, 0x26)), "24 48 55 15 30 26", 5465},
		{"data_pulled", pulled(IDData, 7, 7, payload(3200, 0x82)), "24 44 88 0C 07 00 00 00 00 07 88 0C 82 00 00", 3212},
		{"data_pushed", pushed(IDData, payload(3200, 0x82)), "24 44 80 0C 82 00 00", 3204},
		{"change_pushed", pushed(IDChange, payload(5465, 0, 0, 0, 0, 0x30, 0x26)), "24 43 59 15 00 00 00 00 30 26", 5469},
		{"filler", pushed(IDFiller, make([]byte, 100)), "24 46 64 00 00", 104},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if want := unhex(t, c.want); !bytes.HasPrefix(c.got, want) || len(c.got) != c.size {
				t.Errorf("%d bytes % x, want %d bytes % x", len(c.got), c.got[:16], c.size, want)
			}
		})
	}
}

// [MS-WMSP] 2.2.3.1.1: bit 7 of the first byte is a flag of its own.
func TestConsumeFraming(t *testing.T) {
	cases := []struct {
		in   string
		want Framing
		n    int
	}{
		{"", Framing{}, 0},
		{"24", Framing{}, 0},
		{"24 44 88", Framing{}, 0},
		{"24 44 88 0C", Framing{IDData, 0x0C88}, 4},
		{"A4 44 88 0C FF", Framing{IDData, 0x0C88}, 4},
		{"25", Framing{}, -1},
		{"00 24 44 88", Framing{}, -1},
	}
	for _, c := range cases {
		if got, n := ConsumeFraming(unhex(t, c.in)); got != c.want || n != c.n {
			t.Errorf("%q: %v, %d; want %v, %d", c.in, got, n, c.want, c.n)
		}
	}
}

// [MS-WMSP] 2.2.3.1.2: one $H with both flags up to what VLC takes, 65,524
// bytes, else the first, the middle and the last piece are marked and numbered.
func TestHeadIsSplitOnlyWhenItMust(t *testing.T) {
	cases := []struct {
		size  int
		flags string
	}{
		{1, "0c"}, {5487, "0c"}, {65524, "0c"}, {65525, "04 08"}, {65531, "04 08"},
		{2 * 65524, "04 08"}, {2*65524 + 1, "04 00 08"},
	}
	for _, c := range cases {
		header := bytes.Repeat([]byte("abcdefg"), c.size/7+1)[:c.size]
		var flags []string
		var got []byte
		rest := AppendHead(nil, header)
		for i := uint32(0); len(rest) > 0; i++ {
			f, n := ConsumeFraming(rest)
			h, k := ConsumeDataHeader(rest[n:])
			if f.ID != IDHeader || h.LocationID != i || h.Size != f.Length || h.Incarnation != 0 {
				t.Fatalf("size %d, piece %d: %+v %+v", c.size, i, f, h)
			}
			flags = append(flags, fmt.Sprintf("%02x", h.Flags))
			got = append(got, rest[n+k:n+f.Length]...)
			rest = rest[n+f.Length:]
		}
		if s := strings.Join(flags, " "); s != c.flags || !bytes.Equal(got, header) {
			t.Errorf("size %d: flags %s, want %s; bytes equal: %v", c.size, s, c.flags, bytes.Equal(got, header))
		}
	}
}

// read what an unframer yields from pieces, as text.
func unframed(parts [][]byte) string {
	var u unframer
	var out strings.Builder
	for _, b := range parts {
		b = bytes.Clone(b)
		for len(b) > 0 {
			n, id, body, err := u.next(b)
			if err != nil {
				fmt.Fprintf(&out, "%v\n", err)
				return out.String()
			}
			if id != 0 {
				fmt.Fprintf(&out, "%c %x\n", id, body)
			}
			b = b[n:]
		}
	}
	fmt.Fprintf(&out, "between %v", u.between())
	return out.String()
}

// [MS-WMSP] 2.2.3.7: the length field of $P says nothing of its length.
func TestPairsArePassedOver(t *testing.T) {
	pair := func(length, head, payload int) []byte {
		b := AppendFraming(nil, IDPair, length)
		b = append(b, byte(head), byte(head>>8), 0, 0)
		return append(b, bytes.Repeat([]byte{'$'}, payload)...)
	}
	for _, head := range []int{0, 300, 504} {
		input := join(pair(504, head, 504-head), pair(504, head, 504), pair(1048, head, 1048+head), pushed(IDData, []byte("x")))
		for _, parts := range [][][]byte{{input}, cuts1(input), cuts(input, 1)} {
			if got := unframed(parts); got != "D 78\nbetween true" {
				t.Errorf("head of %d bytes: %s", head, got)
			}
		}
	}
}

// A packet that lies whole in the read is given out where it lies, and reading
// on costs no memory.
func TestWholePacketsAreNotCopied(t *testing.T) {
	stream := join(pushed(IDData, make([]byte, 3000)), pushed(IDFiller, make([]byte, 10)), pushed(IDData, make([]byte, 3000)))
	var u unframer
	_, _, body, _ := u.next(stream)
	if &body[0] != &stream[FramingSize] {
		t.Error("the packet was copied")
	}
	u = unframer{}
	got := testing.AllocsPerRun(100, func() {
		for b := stream; len(b) > 0; {
			n, _, _, _ := u.next(b)
			b = b[n:]
		}
	})
	if got != 0 || u.buf != nil {
		t.Errorf("%v allocations, buffer of %d bytes", got, cap(u.buf))
	}
}

// What a packet announces is not believed before it comes: a connection holds
// no more than some multiple of what its peer sent, and one packet at most.
func TestRoomFollowsWhatCame(t *testing.T) {
	packet := pushed(IDData, make([]byte, MaxLength))
	var u unframer
	for sent, b := 0, packet; len(b) > 0; b = b[min(len(b), 1000):] {
		part := b[:min(len(b), 1000)]
		if _, _, _, err := u.next(part); err != nil {
			t.Fatal(err)
		}
		sent += len(part)
		if cap(u.buf) > 3*sent || cap(u.buf) > 2*len(packet) {
			t.Fatalf("room for %d bytes after %d", cap(u.buf), sent)
		}
	}
	got := testing.AllocsPerRun(10, func() {
		for b := packet; len(b) > 0; b = b[min(len(b), 1000):] {
			u.next(b[:min(len(b), 1000)])
		}
	})
	if got != 0 {
		t.Errorf("%v allocations for the next packets", got)
	}
}

func FuzzFraming(f *testing.F) {
	f.Add(join(pushed(IDData, []byte("abc")), pushed(IDFiller, make([]byte, 9)), pushed(IDEnd, make([]byte, 4))), uint64(1))
	f.Add([]byte("\x24P\xf8\x01\x2c\x01\x00\x00"), uint64(2))
	f.Add([]byte("\xa4D\x00\x00\x24H\x02\x00ab!"), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		whole := unframed([][]byte{b})
		if got := unframed(cuts(b, seed)); got != whole {
			t.Errorf("cut: %s\nwhole: %s", got, whole)
		}
		var u unframer
		u.next(b)
		if cap(u.buf) > 2*(FramingSize+MaxLength) {
			t.Errorf("%d bytes held", cap(u.buf))
		}
	})
}
