package asf

import "testing"

// Packets of the benchmarks: 1400 bytes, as encoders make them for 1 Mbit/s.
const benchSize = 1400

// benchPackets are packets of a second and a half of sound and picture, key
// frames among them.
func benchPackets(b *testing.B, multiple, strip bool) [][]byte {
	return pack(b, Layout{PacketSize: benchSize, Preroll: 3100, Multiple: multiple, Strip: strip}, script(3, 40, 12))
}

// benchHeader goes with them.
func benchHeader(b *testing.B) *Header {
	s := avSpec()
	s.PacketSize = benchSize
	return parseSpec(b, s)
}

// each runs f on packet after packet.
func each(b *testing.B, packets [][]byte, f func(p []byte)) {
	b.Helper()
	for i := 0; b.Loop(); i++ {
		f(packets[i%len(packets)])
	}
}

func BenchmarkBuilder(b *testing.B) {
	objects := script(4, 25, 25)
	for _, multiple := range []bool{true, false} {
		b.Run(map[bool]string{true: "multiple", false: "single"}[multiple], func(b *testing.B) {
			bu := NewBuilder(Layout{PacketSize: benchSize, Multiple: multiple})
			packets := 0
			add := func(i int) {
				if err := bu.Add(objects[i%len(objects)]); err != nil {
					b.Fatal(err)
				}
				for _, ok := bu.Next(); ok; _, ok = bu.Next() {
					packets++
				}
			}
			for i := range objects {
				add(i) // its buffers have their size then
			}
			packets = 0
			for i := 0; b.Loop(); i++ {
				add(i)
			}
			b.ReportMetric(float64(packets)/float64(b.N), "packets/op")
		})
	}
}

func BenchmarkHeader(b *testing.B) {
	for _, c := range []struct {
		name   string
		header []byte
	}{
		{"ee4", EE4Header(0).Append(nil)},
		{"small", avSpec().Append(nil)},
	} {
		b.Run("parse_"+c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ParseHeader(c.header); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkInflate(b *testing.B) {
	dst := make([]byte, 0, 2*benchSize)
	each(b, benchPackets(b, false, true), func(p []byte) {
		var err error
		if dst, err = AppendInflated(dst[:0], p, benchSize); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkKeyRank is what the stream must know of each packet that comes in.
func BenchmarkKeyRank(b *testing.B) {
	h := benchHeader(b)
	for _, c := range []struct {
		name     string
		multiple bool
	}{{"multiple", true}, {"single", false}} {
		packets := benchPackets(b, c.multiple, false)
		b.Run(c.name, func(b *testing.B) {
			keys := 0
			each(b, packets, func(d []byte) {
				var p Packet
				if err := p.Parse(d, benchSize); err != nil {
					b.Fatal(err)
				}
				if h.KeyRank(&p, d) != 0 && h.NeedsTrim(&p, d) {
					keys++
				}
			})
		})
	}
}

func BenchmarkPacket(b *testing.B) {
	for _, c := range []struct {
		name     string
		multiple bool
	}{{"multiple", true}, {"single", false}} {
		packets := benchPackets(b, c.multiple, false)
		b.Run("parse_"+c.name, func(b *testing.B) {
			each(b, packets, func(d []byte) {
				var p Packet
				if err := p.Parse(d, benchSize); err != nil {
					b.Fatal(err)
				}
			})
		})
		b.Run("payloads_"+c.name, func(b *testing.B) {
			each(b, packets, func(d []byte) {
				var p Packet
				if err := p.Parse(d, benchSize); err != nil {
					b.Fatal(err)
				}
				for it := p.Iter(d); it.Next(); {
				}
			})
		})
	}
}

func BenchmarkReader(b *testing.B) {
	header, _, all := file(b, 20, true)
	for _, c := range []struct {
		name  string
		piece int
	}{{"pieces", 1000}, {"whole", len(all)}} {
		b.Run(c.name, func(b *testing.B) {
			var r Reader
			if _, _, err := readAll(&r, [][]byte{header}); err != nil {
				b.Fatal(err)
			}
			consume := func() {
				for d := all[len(header):]; len(d) > 0; {
					n, _, _, err := r.Consume(d[:min(c.piece, len(d))])
					if err != nil {
						b.Fatal(err)
					}
					d = d[n:]
				}
			}
			consume() // its buffer has its size then
			for b.Loop() {
				consume()
			}
		})
	}
}

func BenchmarkRepair(b *testing.B) {
	dst := make([]byte, 0, 2*benchSize)
	each(b, benchPackets(b, false, true), func(p []byte) {
		var err error
		if dst, _, err = AppendRepaired(dst[:0], p, benchSize); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkShiftTimes(b *testing.B) {
	each(b, benchPackets(b, true, false), func(p []byte) {
		if err := ShiftTimes(p, benchSize, 1); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkTrim makes the packets that new viewers start at.
func BenchmarkTrim(b *testing.B) {
	h := benchHeader(b)
	var keys [][]byte
	for _, d := range benchPackets(b, true, false) {
		if p := parsePacket(b, d, benchSize); h.StartsKey(p, d) && h.NeedsTrim(p, d) {
			keys = append(keys, d)
		}
	}
	if len(keys) == 0 {
		b.Fatal("no packet wants trimming")
	}
	dst := make([]byte, 0, 2*benchSize)
	each(b, keys, func(p []byte) {
		var err error
		if dst, err = h.AppendTrimmed(dst[:0], p); err != nil {
			b.Fatal(err)
		}
	})
}
