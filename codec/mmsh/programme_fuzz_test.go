package mmsh

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"streampump/codec"
	"streampump/codec/asf"
)

// content is every payload of a packet but for its times: stream, offset,
// object number and data.
func content(t *testing.T, b []byte, size int) (out []string) {
	t.Helper()
	var p asf.Packet
	if err := p.Parse(b, size); err != nil {
		t.Fatalf("%v\n% x", err, b)
	}
	for it := p.Iter(b); it.Next(); {
		head := binary.LittleEndian.AppendUint32([]byte{it.Stream}, it.Offset)
		head = binary.LittleEndian.AppendUint32(head, it.Object)
		out = append(out, string(head)+string(it.Data))
	}
	return out
}

// without is how many of all are left out in some; both are in one order.
func without(t *testing.T, all, some []string) int {
	t.Helper()
	left := len(all) - len(some)
	for _, one := range some {
		i := slices.Index(all, one)
		if i < 0 {
			t.Fatalf("a payload that nobody sent, or not in this order: %x", one)
		}
		all = all[i+1:]
	}
	return left
}

// packetIn takes the packet out of a form and checks what is around it.
func packetIn(t *testing.T, out []byte, form codec.Form, size int) []byte {
	t.Helper()
	if form == codec.Plain {
		if len(out) != size {
			t.Fatalf("a plain packet of %d bytes", len(out))
		}
		return out
	}
	f, n := ConsumeFraming(out)
	h, k := ConsumeDataHeader(out[n:])
	if f.ID != IDData || f.Length != len(out)-n || h.Size != f.Length {
		t.Fatalf("%+v, %+v around %d bytes", f, h, len(out))
	}
	return out[n+k:]
}

// FuzzProgramme: whatever a source sends, viewers get packets that tell their
// lengths, in every form, with the source's media objects and no others.
func FuzzProgramme(f *testing.F) {
	const size = 400
	m := mustMedia(f, smallHeader(size).Append(nil))
	f.Add(packetOf(f, 40, true), uint32(0), false)
	f.Add(sharing(f, size), uint32(7), false)
	f.Add(sharing(f, size), uint32(7), true)
	f.Add(packets(f, asf.Layout{PacketSize: size, Preroll: 3000, Strip: true}, object(0, true))[0], uint32(1<<31), true)
	f.Fuzz(func(t *testing.T, b []byte, before uint32, splice bool) {
		g := m.NewProgramme()
		if _, _, err := g.Append(nil, event(packetOf(t, before, true))); err != nil {
			t.Fatal(err)
		}
		if splice {
			g.Splice(m, second)
		}
		primary, mark, err := g.Append(nil, event(b))
		if err != nil {
			if len(primary) != 0 {
				t.Fatalf("%d bytes with %v", len(primary), err)
			}
			return
		}
		sent := content(t, b, size)
		for _, form := range []codec.Form{codec.Framed, codec.Plain} {
			for _, trim := range []bool{false, mark.Trim} {
				out, _ := g.Derive(nil, primary, form, trim)
				out = packetIn(t, out, form, size)
				got := content(t, out, size)
				if left := without(t, sent, got); left != 0 && !trim && !splice {
					t.Fatalf("form %d: %d payloads are missing", form, left)
				}
				// Players fill it up before they look at it.
				full := append(bytes.Clone(out), make([]byte, size-len(out))...)
				if !slices.Equal(got, content(t, full, size)) {
					t.Fatalf("form %d, trim %v: filled up with zeros it says something else", form, trim)
				}
			}
		}
	})
}
