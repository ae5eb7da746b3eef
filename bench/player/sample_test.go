package player

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"streampump/bench/synth"
	"streampump/codec/asf"
)

// sample is what an encoder sent, as a pump would hand it on.
type sample struct {
	header  []byte
	packets [][]byte
	size    int
	h       *asf.Header
}

func take(t testing.TB, s synth.Spec, packets int) *sample {
	t.Helper()
	e, err := synth.New(s)
	if err != nil {
		t.Fatal(err)
	}
	m := &sample{header: e.Header(), size: e.PacketSize()}
	if m.h, err = asf.ParseHeader(m.header); err != nil {
		t.Fatal(err)
	}
	for range packets {
		b, _, err := e.Next()
		if err != nil {
			t.Fatal(err)
		}
		repaired, _, err := asf.AppendRepaired(nil, b, m.size)
		if err != nil {
			t.Fatal(err)
		}
		m.packets = append(m.packets, repaired)
	}
	return m
}

// key is the first packet from i on in which a key frame starts; 0 if there is
// none.
func (m *sample) key(t testing.TB, i int) int {
	t.Helper()
	for ; i < len(m.packets); i++ {
		if m.startsKey(i) {
			return i
		}
	}
	t.Fatal("the sample is too short for another key frame")
	return 0
}

func (m *sample) startsKey(i int) bool {
	var p asf.Packet
	return p.Parse(m.packets[i], m.size) == nil && m.h.StartsKey(&p, m.packets[i])
}

// trimmed is the packet as a viewer gets it who starts there.
func (m *sample) trimmed(t testing.TB, i int) []byte {
	t.Helper()
	b, err := m.h.AppendTrimmed(nil, m.packets[i])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mms frames a $H or $D.
func mms(kind byte, location uint32, aff byte, payload []byte) []byte {
	b := []byte{'$', kind, 0, 0}
	b = binary.LittleEndian.AppendUint32(b, location)
	b = append(b, 0, aff, 0, 0)
	b = append(b, payload...)
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)-4))
	binary.LittleEndian.PutUint16(b[10:], uint16(len(b)-4))
	return b
}

// reason frames a $E or $C.
func reason(kind byte, r uint32) []byte {
	return binary.LittleEndian.AppendUint32([]byte{'$', kind, 4, 0}, r)
}

// framed is the body of a viewer who starts with packet from: $H, the trimmed
// packet, and those behind it up to packet to.
func (m *sample) framed(t testing.TB, from, to int) [][]byte {
	t.Helper()
	list := [][]byte{mms('H', 0, 0x0C, m.header), mms('D', uint32(from), 0, m.trimmed(t, from))}
	for i := from + 1; i < to; i++ {
		list = append(list, mms('D', uint32(i), 0, m.packets[i]))
	}
	return list
}

// plain is the same for a viewer of raw ASF.
func (m *sample) plain(t testing.TB, from, to int) []byte {
	t.Helper()
	body := bytes.Clone(m.header)
	for i := from; i < to; i++ {
		b := m.packets[i]
		if i == from {
			b = m.trimmed(t, i)
		}
		var err error
		if body, err = asf.AppendInflated(body, b, m.size); err != nil {
			t.Fatal(err)
		}
	}
	return body
}

// verify feeds a body and ends it.
func verify(o Options, packets ...[]byte) (*Verifier, error) {
	if o.Object == nil {
		o.Object = Pattern()
	}
	v := NewVerifier(o)
	_, _ = v.Write(slices.Concat(packets...))
	return v, v.End()
}
