package player

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"streampump/bench/synth"
	"streampump/codec/asf"
)

// sabotage spoils a body of packets; rule is what must be found.
type sabotage struct {
	name string
	rule Rule
	do   func(t *testing.T, m *sample, f [][]byte) [][]byte
}

// edit changes one packet, cut from the others.
func edit(f [][]byte, i int, do func(b []byte) []byte) [][]byte {
	f[i] = do(bytes.Clone(f[i]))
	return f
}

// resize sets the two lengths of a $H or $D to what they are.
func resize(b []byte) []byte {
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)-4))
	binary.LittleEndian.PutUint16(b[10:], uint16(len(b)-4))
	return b
}

var sabotages = []sabotage{
	{"garbage-between", RuleFraming, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 5, []byte("garbage"))
	}},
	{"torn-packet", RuleFraming, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 5, func(b []byte) []byte { return b[:len(b)-1] })
	}},
	{"lost-bytes-in-header", RuleHeader, func(_ *testing.T, m *sample, f [][]byte) [][]byte {
		f[0] = mms('H', 0, 0x0C, m.header[:len(m.header)-1])
		return f
	}},
	{"cut-at-the-end", RuleTorn, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, len(f)-1, func(b []byte) []byte { return b[:len(b)/2] })
	}},
	{"too-short-for-its-kind", RuleFraming, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 5, []byte{'$', 'D', 4, 0, 1, 2, 3, 4})
	}},
	{"b-flag", RuleBurst, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 5, func(b []byte) []byte { b[0] |= 0x80; return b })
	}},
	{"metadata", RuleKind, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 0, mms('M', 0, 0x0C, []byte("text")))
	}},
	{"packet-pair", RuleKind, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 0, []byte{'$', 'P', 0, 0})
	}},
	{"test-packet", RuleKind, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 0, []byte{'$', 'T', 0, 0})
	}},
	{"filler", RuleKind, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 5, []byte{'$', 'F', 1, 0, 0})
	}},
	{"flumotions-s", RuleKind, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 5, []byte("\x24\x53\x04\x00\x00\x00\x00\x00"))
	}},
	{"data-before-header", RuleOrder, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return f[1:]
	}},
	{"second-header", RuleOrder, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 5, f[0])
	}},
	{"change-for-a-player-that-can-not", RuleOrder, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 5, reason('C', 0))
	}},
	{"entry-end-for-a-player-that-can-not", RuleOrder, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 5, reason('E', 1))
	}},
	{"data-behind-the-end", RuleOrder, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, len(f)-1, reason('E', 0))
	}},
	{"end-with-header", RuleReason, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return append(f, []byte("\x24\x45\x0C\x00\x00\x00\x00\x00\x00\x00\x0C\x00\x00\x00\x00\x00"))
	}},
	{"end-with-odd-reason", RuleReason, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return append(f, reason('E', 7))
	}},
	{"wrong-size-confirm", RuleConfirm, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 5, func(b []byte) []byte { b[10]++; return b })
	}},
	{"header-flags", RulePieces, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 0, func(b []byte) []byte { b[9] = 0; return b })
	}},
	{"header-location", RulePieces, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 0, func(b []byte) []byte { b[4] = 1; return b })
	}},
	{"small-header-in-pieces", RulePieces, func(_ *testing.T, m *sample, f [][]byte) [][]byte {
		return slices.Insert(f[1:], 0, mms('H', 0, 0x04, m.header[:100]), mms('H', 1, 0x08, m.header[100:]))
	}},
	{"piece-too-long-for-VLC", RulePieces, func(t *testing.T, _ *sample, f [][]byte) [][]byte {
		s := spec()
		s.HeaderSize = 65_527
		return slices.Insert(f[1:], 0, mms('H', 0, 0x0C, take(t, s, 1).header))
	}},
	{"header-of-a-file", RuleHeader, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 0, func(b []byte) []byte {
			b[12+bytes.Index(b[12:], []byte(guidFile))+88] &^= 1
			return b
		})
	}},
	{"no-header", RuleHeader, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 0, func(b []byte) []byte { b[12]++; return b })
	}},
	{"long-packet", RuleSize, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 5, func(b []byte) []byte { return resize(append(b, 0)) })
	}},
	{"empty-packet", RuleSize, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 5, func(b []byte) []byte { return resize(b[:12]) })
	}},
	{"repeated-location", RuleLocation, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return slices.Insert(f, 5, f[5])
	}},
	{"location-goes-back", RuleLocation, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 9, func(b []byte) []byte { b[4] -= 3; return b })
	}},
	{"first-afflags", RuleAFFlags, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 1, func(b []byte) []byte { b[9] = 1; return b })
	}},
	{"odd-afflags", RuleAFFlags, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 9, func(b []byte) []byte { b[9] = 9; return b })
	}},
	{"cut-packet-reframed", RulePacket, func(_ *testing.T, m *sample, f [][]byte) [][]byte {
		return edit(f, 5, func(b []byte) []byte { return resize(b[:12+m.size/2]) })
	}},
	{"send-time-goes-back", RuleSendTime, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 9, func(b []byte) []byte {
			at := 12 + 5 + int(b[12+3]>>3&3) // behind a padding length of no or one byte
			binary.LittleEndian.PutUint32(b[at:], binary.LittleEndian.Uint32(b[at:])-1000)
			return b
		})
	}},
	{"joins-at-a-delta-frame", RuleKeyStart, func(_ *testing.T, m *sample, f [][]byte) [][]byte {
		for i := 2; ; i++ {
			if !m.startsKey(int(binary.LittleEndian.Uint32(f[i][4:]))) {
				return append(f[:1:1], f[i:]...)
			}
		}
	}},
	{"gap-then-delta-frame", RuleKeyStart, func(_ *testing.T, m *sample, f [][]byte) [][]byte {
		for i := 5; ; i++ {
			if !m.startsKey(int(binary.LittleEndian.Uint32(f[i+1][4:]))) {
				return slices.Delete(f, i, i+1)
			}
		}
	}},
	{"untrimmed-start", RuleKeyStart, func(t *testing.T, m *sample, f [][]byte) [][]byte {
		for i := range m.packets {
			if m.startsKey(i) && m.packets[i][6+8]&0x80 == 0 {
				// an older frame of the video, which is stream 1, comes first
				var p dataPacket
				if p.parse(m.packets[i], m.size) == nil && p.payloads[0].stream == 1 && !p.payloads[0].key {
					body := m.framed(t, i, len(m.packets))
					body[1] = mms('D', uint32(i), 0, m.packets[i])
					return body
				}
			}
		}
		t.Fatal("no packet has a frame before its key frame")
		return f
	}},
	{"start-with-a-tail-of-sound", RuleTail, func(t *testing.T, m *sample, f [][]byte) [][]byte {
		for i := range m.packets {
			var p dataPacket
			if !m.startsKey(i) || p.parse(m.packets[i], m.size) != nil {
				continue
			}
			if first := p.payloads[0]; first.stream == 2 && !first.begins() && p.payloads[1].key {
				body := m.framed(t, i, len(m.packets))
				body[1] = mms('D', uint32(i), 0, m.packets[i])
				return body
			}
		}
		t.Fatal("no packet has the tail of a sound before a key frame")
		return f
	}},
	{"changed-payload-byte", RuleBytes, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		return edit(f, 9, func(b []byte) []byte { b[len(b)-700] ^= 0x10; return b })
	}},
	{"lost-packet-renumbered", RuleObject, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		for i := 10; i < len(f); i++ {
			f = edit(f, i, func(b []byte) []byte {
				binary.LittleEndian.PutUint32(b[4:], binary.LittleEndian.Uint32(b[4:])-1)
				return b
			})
		}
		return slices.Delete(f, 9, 10)
	}},
	{"doubled-packet-renumbered", RuleObject, func(_ *testing.T, _ *sample, f [][]byte) [][]byte {
		f = slices.Insert(f, 9, f[9])
		for i := 10; i < len(f); i++ {
			f = edit(f, i, func(b []byte) []byte {
				binary.LittleEndian.PutUint32(b[4:], binary.LittleEndian.Uint32(b[4:])+1)
				return b
			})
		}
		return f
	}},
	{"object-with-another-key-bit", RuleBytes, func(_ *testing.T, m *sample, f [][]byte) [][]byte {
		for i := 5; ; i++ {
			var p dataPacket
			_ = p.parse(f[i][12:], m.size)
			if pl := &p.payloads[0]; pl.stream == 2 && pl.begins() {
				return edit(f, i, func(b []byte) []byte {
					at := bytes.Index(b, pl.data) - 17 // the payload's head has 17 bytes
					b[at] ^= 0x80
					return b
				})
			}
		}
	}},
	{"unsafe-short-packet", RuleSelfSized, func(t *testing.T, _ *sample, f [][]byte) [][]byte {
		s := spec()
		s.Multiple, s.Strip, s.Padding = false, true, asf.None
		e, err := synth.New(s)
		if err != nil {
			t.Fatal(err)
		}
		body := [][]byte{mms('H', 0, 0x0C, e.Header())}
		for i := range uint32(40) {
			b, _, _ := e.Next()
			body = append(body, mms('D', i, 0, bytes.Clone(b)))
		}
		return body
	}},
}

// TestSabotage: a verifier that finds nothing in a good stream finds each way
// of spoiling it, and calls it by the rule that it breaks.
func TestSabotage(t *testing.T) {
	m := take(t, spec(), 400)
	seen := map[Rule]bool{}
	for _, s := range sabotages {
		seen[s.rule] = true
		t.Run(s.name, func(t *testing.T) {
			good := m.framed(t, m.key(t, 20), len(m.packets))
			if _, err := verify(Options{}, good...); err != nil {
				t.Fatalf("before it was spoilt: %v", err)
			}
			_, err := verify(Options{}, s.do(t, m, good)...)
			var f *Fault
			if !errors.As(err, &f) || f.Rule != s.rule {
				t.Errorf("found %v, want a broken rule %s", err, s.rule)
			}
		})
	}
	for r := range Rule(len(ruleTexts)) {
		if !seen[r] {
			t.Errorf("no sabotage breaks rule %s", r)
		}
	}
}
