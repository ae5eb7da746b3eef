package asf

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// unpack puts media objects together again as a player does, from packets
// filled up to their size.
func unpack(t *testing.T, packets [][]byte, packetSize int) []Object {
	t.Helper()
	var out []Object
	open := map[uint8]*Object{}
	for _, b := range packets {
		b = zeroFill(b, packetSize)
		it := parsePacket(t, b, packetSize).Iter(b)
		for it.Next() {
			if it.Compressed {
				out = append(out, splitCompressed(&it.Payload)...)
				continue
			}
			if it.Offset == 0 {
				open[it.Stream] = &Object{Stream: it.Stream, Key: it.Key, Time: it.Time, Extension: it.Replicated[8:]}
			}
			o := open[it.Stream]
			if int(it.Offset) != len(o.Data) || it.Time != o.Time || it.Key != o.Key {
				t.Fatalf("a fragment out of place: %+v", it.Payload)
			}
			o.Data = append(o.Data, it.Data...)
			if len(o.Data) == int(it.ObjectSize) {
				out = append(out, *o)
			}
		}
	}
	return out
}

func splitCompressed(pl *Payload) (out []Object) {
	rest, now := pl.Data, pl.Time
	for {
		data, more, ok := CutObject(rest)
		if !ok {
			return out
		}
		out = append(out, Object{Stream: pl.Stream, Key: pl.Key, Time: now, Data: data, Compressed: true})
		rest, now = more, now+uint32(pl.Delta)
	}
}

func sameObjects(t *testing.T, got, want []Object) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b Object) bool {
		return a.Stream == b.Stream && a.Key == b.Key && a.Time == b.Time && a.Compressed == b.Compressed &&
			bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Extension, b.Extension)
	}) {
		t.Errorf("%d media objects came out of %d, or others", len(got), len(want))
	}
}

// TestBuilder: in every layout what goes in comes out, from packets that are
// repaired, inflated, and shifted on the way, and none of them needs anything
// but what the layout says.
func TestBuilder(t *testing.T) {
	objects := script(7, 24, 10)
	for i := range objects {
		switch {
		case objects[i].Stream == 1:
			objects[i].Extension = []byte{1, 2, 3, byte(i)}
		case i%3 == 0:
			objects[i].Compressed = true
		}
	}
	for _, size := range []int{300, 3200} {
		for name, l := range layouts(size) {
			t.Run(name, func(t *testing.T) {
				packets := pack(t, l, objects)
				for i, b := range packets {
					if !l.Strip && len(b) != size {
						t.Fatalf("a packet of %d bytes", len(b))
					}
					packets[i] = throughEverything(t, l, b)
				}
				sameObjects(t, unpack(t, packets, size), objects)
			})
		}
	}
}

// throughEverything returns the packet as a viewer gets it.
func throughEverything(t *testing.T, l Layout, b []byte) []byte {
	t.Helper()
	p := parsePacket(t, b, l.PacketSize)
	if p.Explicit() != (l.Length != None) || p.Multiple() != l.Multiple {
		t.Fatalf("the packet is not of the layout: %+v", p)
	}
	out, repaired, err := AppendRepaired(nil, b, l.PacketSize)
	unsafe := l.Strip && !l.Multiple && l.Length == None && len(b) < l.PacketSize
	if err != nil || repaired != unsafe {
		t.Fatalf("repaired %t, %v", repaired, err)
	}
	inflated, err := AppendInflated(nil, b, l.PacketSize)
	if err != nil || !slices.Equal(payloads(t, inflated, l.PacketSize), payloads(t, b, l.PacketSize)) {
		t.Fatalf("inflated packet differs, %v", err)
	}
	was := bytes.Clone(out)
	for _, delta := range []uint32{1000, ^uint32(999)} {
		if err := ShiftTimes(out, l.PacketSize, delta); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(out, was) {
		t.Fatal("shifted there and back it is another packet")
	}
	return out
}

// TestBuilderTimes: a packet is due at its first payload's time less preroll,
// and lasts to its last's; the line wraps.
func TestBuilderTimes(t *testing.T) {
	l := Layout{PacketSize: 3200, Preroll: 3000, Multiple: true}
	for _, first := range []uint32{3000, 1<<31 - 10, 1<<32 - 10, 2000} {
		var objects []Object
		for i := range uint32(5) {
			objects = append(objects, Object{Stream: 1, Time: first + i*20, Data: []byte("abc")})
		}
		b := pack(t, l, objects)[0]
		p := parsePacket(t, b, 3200)
		if p.SendTime() != first-3000 || p.Duration() != 80 || p.Payloads() != 5 {
			t.Errorf("from %d: send time %d, duration %d", first, p.SendTime(), p.Duration())
		}
	}
}

// TestBuilderCompressed: neighbours share a payload if one step of time serves
// them all.
func TestBuilderCompressed(t *testing.T) {
	var objects []Object
	for _, now := range []uint32{100, 120, 140, 170, 200, 201, 600} {
		objects = append(objects, Object{Stream: 2, Time: now, Data: []byte("abc"), Compressed: true})
	}
	packets := pack(t, Layout{PacketSize: 3200, Multiple: true}, objects)
	sameObjects(t, unpack(t, packets, 3200), objects)
	var steps []uint8
	it := parsePacket(t, packets[0], 3200).Iter(packets[0])
	for it.Next() {
		steps = append(steps, it.Delta, uint8(len(it.Data)/4))
	}
	if want := []uint8{20, 3, 30, 2, 0, 1, 0, 1}; !slices.Equal(steps, want) {
		t.Errorf("steps and counts %v, want %v", steps, want)
	}
}

func TestBuilderErrors(t *testing.T) {
	for _, c := range []struct {
		what string
		size int
		o    Object
	}{
		{"stream number 0", 1000, Object{Data: []byte("a")}},
		{"stream number 128", 1000, Object{Stream: 128, Data: []byte("a")}},
		{"empty", 1000, Object{Stream: 1}},
		{"payload extensions", 1000, Object{Stream: 1, Data: []byte("a"), Extension: make([]byte, 248)}},
		{"compressed", 1000, Object{Stream: 1, Data: make([]byte, 256), Compressed: true}},
		{"does not fit a packet of 200", 200, Object{Stream: 1, Data: make([]byte, 200), Compressed: true}},
		{"too small", 50, Object{Stream: 1, Data: []byte("a")}},
	} {
		b := NewBuilder(Layout{PacketSize: c.size, Multiple: true})
		if err := b.Add(c.o); err == nil || !strings.Contains(err.Error(), c.what) {
			t.Errorf("error %v, want …%s…", err, c.what)
		}
		b.Flush()
		if p, ok := b.Next(); ok {
			t.Errorf("a refused object left a packet: %x", p)
		}
	}
}

// TestManyPayloads: no packet has more payloads than its count can say.
func TestManyPayloads(t *testing.T) {
	var objects []Object
	for i := range 200 {
		objects = append(objects, Object{Stream: 1, Time: uint32(i), Data: []byte{byte(i)}})
	}
	packets := pack(t, Layout{PacketSize: 8000, Multiple: true, Padding: Word}, objects)
	if len(packets) != 4 || parsePacket(t, packets[0], 8000).Payloads() != 63 {
		t.Errorf("%d packets", len(packets))
	}
	sameObjects(t, unpack(t, packets, 8000), objects)
}
