package player

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// golden are packets written out in the protocol's description, with what they
// say [MS-WMSP] 2.2.3.
var golden = []struct {
	name  string
	bytes string
	want  Packet
}{
	{"end", "\x24\x45\x04\x00\x00\x00\x00\x00", Packet{Kind: 'E', Length: 4}},
	{"entry-end", "\x24\x45\x04\x00\x01\x00\x00\x00", Packet{Kind: 'E', Length: 4, Reason: 1}},
	{"rewind", "\x24\x45\x04\x00\x09\x2F\x0D\x00", Packet{Kind: 'E', Length: 4, Reason: 0x000D2F09}},
	{"change", "\x24\x43\x04\x00\x00\x00\x00\x00", Packet{Kind: 'C', Length: 4}},
	{"previous", "\x24\x43\x04\x00\xBE\x14\x0D\x40", Packet{Kind: 'C', Length: 4, Reason: 0x400D14BE}},
	{
		"header", "\x24\x48\x77\x15\x00\x00\x00\x00\x00\x0C\x77\x15" + string(make([]byte, 5487)),
		Packet{Kind: 'H', Length: 5495, AFFlags: 0x0C, Confirm: 5495, Payload: make([]byte, 5487)},
	},
	{
		"data", "\x24\x44\x88\x0C\x07\x00\x00\x00\x00\x07\x88\x0C" + string(make([]byte, 3200)),
		Packet{Kind: 'D', Length: 3208, LocationID: 7, AFFlags: 7, Confirm: 3208, Payload: make([]byte, 3200)},
	},
	{"burst", "\xA4\x44\x09\x00\x01\x02\x03\x04\x05\x06\x09\x00x", Packet{
		Kind: 'D', Burst: true, Length: 9, LocationID: 0x04030201, Incarnation: 5, AFFlags: 6, Confirm: 9, Payload: []byte("x"),
	}},
	{"test", "\x24\x54\x00\x00", Packet{Kind: 'T'}},
	{"filler", "\x24\x46\x02\x00ab", Packet{Kind: 'F', Length: 2, Payload: []byte("ab")}},
	{"long-end", "\x24\x45\x08\x00\x00\x00\x00\x00\x01\x00\x00\x00", Packet{Kind: 'E', Length: 8, Payload: []byte{1, 0, 0, 0}}},
}

func same(a, b Packet) bool {
	if !bytes.Equal(a.Payload, b.Payload) {
		return false
	}
	a.Payload, b.Payload = nil, nil
	return fmt.Sprint(a) == fmt.Sprint(b)
}

func TestFramingGolden(t *testing.T) {
	for _, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			var f Framing
			n, p, ok, err := f.Next([]byte(g.bytes + "$D"))
			if err != nil || !ok || n != len(g.bytes) || !same(p, g.want) {
				t.Errorf("%d bytes taken, %+v, %v, %v", n, p, ok, err)
			}
		})
	}
}

func TestFramingAnyCut(t *testing.T) {
	var all []byte
	for _, g := range golden {
		all = append(all, g.bytes...)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{1, 2, 7, 100, 10_000} {
		var f Framing
		i := 0
		for rest := all; len(rest) > 0; {
			piece := rest[:min(1+r.IntN(most), len(rest))]
			rest = rest[len(piece):]
			for len(piece) > 0 {
				n, p, ok, err := f.Next(piece)
				if err != nil || !ok && n != len(piece) {
					t.Fatalf("pieces of %d: %v, %d of %d bytes taken", most, err, n, len(piece))
				}
				if piece = piece[n:]; ok {
					if !same(p, golden[i].want) {
						t.Errorf("pieces of %d: packet %d is %+v", most, i, p)
					}
					i++
				}
			}
		}
		if i != len(golden) || f.Held() != 0 {
			t.Errorf("pieces of %d: %d packets, %d bytes held", most, i, f.Held())
		}
	}
}

func TestFramingFaults(t *testing.T) {
	for _, b := range []string{
		"HTTP/1.0 200 OK", "\x23\x44\x00\x00", "\x24\x45\x03\x00\x00\x00\x00", "\x24\x44\x07\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x24\x43\x00\x00", "\x24\x48\x00\x00", "\x24\x4D\x01\x00\x00",
	} {
		var f Framing
		if _, p, ok, err := f.Next([]byte(b)); err == nil || ok {
			t.Errorf("% x is taken as %+v", b, p)
		}
		var g Framing
		var err error
		for i := 0; i < len(b) && err == nil; i++ {
			_, _, _, err = g.Next([]byte(b)[i : i+1])
		}
		if err == nil {
			t.Errorf("% x is taken byte by byte", b)
		}
	}
}

func FuzzFraming(f *testing.F) {
	for _, g := range golden {
		if len(g.bytes) < 100 {
			f.Add([]byte(g.bytes+g.bytes), uint8(1))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint8) {
		walk := func(piece int) (list []string) {
			var f Framing
			for rest := b; len(rest) > 0; {
				now := rest[:min(piece, len(rest))]
				n, p, ok, err := f.Next(now)
				if err != nil {
					return append(list, err.Error())
				}
				if ok {
					list = append(list, fmt.Sprint(p))
				} else if n != len(now) {
					t.Fatalf("of %d bytes %d were taken and no packet came", len(now), n)
				}
				rest = rest[n:]
				if f.Held() > maxPacket {
					t.Fatalf("%d bytes are held", f.Held())
				}
			}
			return append(list, fmt.Sprint(f.Held()))
		}
		whole, pieces := walk(1<<30), walk(int(cut)+1)
		// What is held at the end differs only in whether it was held at all.
		if len(whole) != len(pieces) || fmt.Sprint(whole) != fmt.Sprint(pieces) {
			t.Fatalf("whole: %v; in pieces of %d: %v", whole, int(cut)+1, pieces)
		}
	})
}
