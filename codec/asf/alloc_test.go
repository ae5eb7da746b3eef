package asf

import (
	"testing"
)

// TestNoAllocations holds what runs for every packet to none at all.
func TestNoAllocations(t *testing.T) {
	h := parseSpec(t, avSpec())
	packets := pack(t, Layout{PacketSize: 3200, Multiple: true, Strip: true}, script(3, 60, 12))
	packets = append(packets, pack(t, Layout{PacketSize: 3200, Strip: true}, script(3, 60, 12))...)
	dst := make([]byte, 0, 4096)
	trims := 0
	perPacket := func(name string, f func(b []byte)) {
		i := 0
		if n := testing.AllocsPerRun(2*len(packets), func() { f(packets[i%len(packets)]); i++ }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	perPacket("parse, find the key, shift", func(b []byte) {
		var p Packet
		if p.Parse(b, 3200) != nil || ShiftTimes(b, 3200, 1) != nil {
			t.Fatal("a good packet is refused")
		}
		if h.StartsKey(&p, b) && h.NeedsTrim(&p, b) {
			trims++
		}
	})
	if trims == 0 {
		t.Error("no packet wanted trimming: the test shows nothing")
	}
	perPacket("repair", func(b []byte) { dst, _, _ = AppendRepaired(dst[:0], b, 3200) })
	perPacket("inflate", func(b []byte) { dst, _ = AppendInflated(dst[:0], b, 3200) })
	perPacket("trim", func(b []byte) { dst, _ = h.AppendTrimmed(dst[:0], b) })
}

// TestBuilderNoAllocations: a load generator lays out forever.
func TestBuilderNoAllocations(t *testing.T) {
	objects := script(4, 25, 25)
	b := NewBuilder(Layout{PacketSize: 1400, Multiple: true})
	run := func() {
		for i := range objects {
			if err := b.Add(objects[i]); err != nil {
				t.Fatal(err)
			}
			for _, ok := b.Next(); ok; _, ok = b.Next() {
			}
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestReaderNoAllocations: packets that come in pieces go through one buffer.
func TestReaderNoAllocations(t *testing.T) {
	header, _, all := file(t, 20, true)
	var r Reader
	if _, _, err := readAll(&r, [][]byte{header}); err != nil {
		t.Fatal(err)
	}
	packets := 0
	n := testing.AllocsPerRun(10, func() {
		for b := all[len(header):]; len(b) > 0; {
			n, _, p, _ := r.Consume(b[:min(1000, len(b))])
			b = b[n:]
			if p != nil {
				packets++
			}
		}
	})
	if n != 0 || packets != 20*11 {
		t.Errorf("%v allocations, %d packets", n, packets)
	}
}
