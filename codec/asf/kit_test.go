package asf

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// unhex reads golden bytes, blanks allowed.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// full fills golden bytes up to n with a pattern that is not zero.
func full(t testing.TB, s string, n int) []byte {
	t.Helper()
	b := unhex(t, s)
	for len(b) < n {
		b = append(b, byte(len(b)|1))
	}
	return b
}

// avSpec is a small file: video 1, audio 2.
func avSpec() HeaderSpec {
	return HeaderSpec{
		PacketSize: 3200, Preroll: 3100 * time.Millisecond, Packets: 263, Duration: 20 * time.Second, StreamBitrates: true,
		Streams: []StreamSpec{
			{Number: 1, Kind: Video, FourCC: "WMV2", Width: 320, Height: 240, Bitrate: 400_000, CodecData: []byte{1, 2, 3, 4}},
			{Number: 2, Kind: Audio, FormatTag: 0x161, SampleRate: 44100, Channels: 1, BlockAlign: 185, Bitrate: 64_000},
		},
	}
}

func parseSpec(t testing.TB, s HeaderSpec) *Header {
	t.Helper()
	h, err := ParseHeader(s.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func parsePacket(t testing.TB, b []byte, packetSize int) *Packet {
	t.Helper()
	p := new(Packet)
	if err := p.Parse(b, packetSize); err != nil {
		t.Fatalf("%v\n%x", err, b[:min(len(b), 64)])
	}
	return p
}

// payloads is what a player gets out of a packet: one line for each payload.
func payloads(t testing.TB, b []byte, packetSize int) []string {
	t.Helper()
	var out []string
	it := parsePacket(t, b, packetSize).Iter(b)
	for it.Next() {
		out = append(out, fmt.Sprintf("%d %t %t %d %d %d %d %d %x %x", it.Stream, it.Key, it.Compressed,
			it.Object, it.Offset, it.ObjectSize, it.Time, it.Delta, it.Replicated, it.Data))
	}
	return out
}

// zeroFill is what a player makes of a short packet before it looks at it.
func zeroFill(b []byte, packetSize int) []byte {
	return append(bytes.Clone(b), make([]byte, packetSize-len(b))...)
}

// script makes n media objects as of an encoder: video with a key frame every
// gop objects on stream 1, audio on stream 2 between them.
func script(seed uint64, n, gop int) []Object {
	r := rand.New(rand.NewPCG(seed, 1))
	var out []Object
	for i := range n {
		now := 3100 + uint32(i)*40
		key := i%gop == 0
		size := 20 + r.IntN(900)
		if key {
			size = 2000 + r.IntN(9000)
		}
		out = append(out, Object{Stream: 1, Key: key, Time: now, Data: noise(r, size)})
		out = append(out, Object{Stream: 2, Time: now + 7, Data: noise(r, 185)})
	}
	return out
}

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// pack lays objects out and returns copies of the packets.
func pack(t testing.TB, l Layout, objects []Object) [][]byte {
	t.Helper()
	b := NewBuilder(l)
	var out [][]byte
	take := func() {
		for {
			p, ok := b.Next()
			if !ok {
				return
			}
			out = append(out, bytes.Clone(p))
		}
	}
	for _, o := range objects {
		if err := b.Add(o); err != nil {
			t.Fatal(err)
		}
		take()
	}
	b.Flush()
	take()
	return out
}

// layouts are all the forms that packets are tried in.
func layouts(packetSize int) map[string]Layout {
	out := map[string]Layout{}
	for _, multiple := range []bool{false, true} {
		for _, strip := range []bool{false, true} {
			for length := None; length <= DWord; length++ {
				for padding := None; padding <= DWord; padding++ {
					name := fmt.Sprintf("multiple=%t,strip=%t,length=%d,padding=%d", multiple, strip, length, padding)
					out[name] = Layout{packetSize, 3100, multiple, length, padding, strip}
				}
			}
		}
	}
	return out
}
