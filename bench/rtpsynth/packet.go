package rtpsynth

import (
	"encoding/binary"
	"fmt"
	"time"

	"streampump/bench/payload"
)

// HeaderSize is that of an RTP packet without sources and extension (RFC 3550, 5.1).
const HeaderSize = 12

// place is where a packet of pictures stands in its stream.
type place struct {
	picture int
	part    int // in the picture
	last    bool
	kind    partKind
}

// partKind is what a packet of pictures holds.
type partKind uint8

const (
	lead partKind = iota // supplemental information alone
	sets                 // parameter sets and supplemental information together
	slice
)

// extra is how many packets a key frame has before those that every picture has.
func (s *Spec) extra() int {
	if s.Lead {
		return 2
	}
	return 1
}

// PerGOP is the number of packets of pictures from one key frame to the next.
func (s *Spec) PerGOP() int { return s.extra() + s.keyParts() + (s.GOP-1)*s.Parts }

// keyParts is the number of packets with parts of a key frame.
func (s *Spec) keyParts() int {
	if s.KeyParts > 0 {
		return s.KeyParts
	}
	return s.Parts
}

// place finds packet n of the pictures.
func (s *Spec) place(n uint32) place {
	gop, i := int(n)/s.PerGOP(), int(n)%s.PerGOP()
	first := s.extra() + s.keyParts()
	p := place{picture: gop * s.GOP, part: i, kind: slice}
	switch {
	case i < s.extra()-1:
		p.kind = lead
	case i < s.extra():
		p.kind = sets
	case i < first:
		p.part, p.last = i-s.extra(), i == first-1
	default:
		i -= first
		p.picture += 1 + i/s.Parts
		p.part, p.last = i%s.Parts, i%s.Parts == s.Parts-1
	}
	return p
}

// startsKey reports whether packet n of a track is one at which a viewer may begin.
func (s *Spec) startsKey(t Track, n uint32) bool {
	return t == Audio && !s.Has(Video) || t == Video && int(n)%s.PerGOP() == 0
}

// decodes reports whether pictures can be decoded from packet n of a track on: from the
// first one of a key frame, or, as the description has the parameter sets, from one of those
// up to its first part.
func (s *Spec) decodes(t Track, n uint32) bool {
	return t == Audio && !s.Has(Video) || t == Video && int(n)%s.PerGOP() <= s.extra()
}

// due is when packet n of a track is due, from the first.
func (s *Spec) due(t Track, n uint32) time.Duration {
	return time.Duration(s.ticks(t, n)) * time.Second / time.Duration(s.clock(t))
}

// ticks is the same in the track's clock.
func (s *Spec) ticks(t Track, n uint32) uint64 {
	if t == Video {
		return uint64(s.place(n).picture) * videoStep
	}
	return uint64(n) * audioStep
}

// clock is the rate of a track's times.
func (s *Spec) clock(t Track) int {
	if t == Video {
		return videoClock
	}
	return s.Rate
}

// At is the sequence number and the time of packet n of a track.
func (s *Spec) At(t Track, n int) (seq uint16, time uint32) {
	return s.Seq[t] + uint16(n), s.Time[t] + uint32(s.ticks(t, uint32(n))) //nolint:gosec // they wrap
}

// packet is packet n of a track, all of it.
func (s *Spec) packet(t Track, n uint32) []byte {
	payload, marker, typ := s.payload(t, n)
	b := make([]byte, HeaderSize, HeaderSize+len(payload)+24)
	b[0], b[1] = 0x80, typ
	if marker {
		b[1] |= 0x80
	}
	seq, time := s.At(t, int(n))
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], time)
	binary.BigEndian.PutUint32(b[8:], s.SSRC[t])
	if s.Dressed {
		b[0] |= 0x20 | 0x10 | 1                                 // padding, extension, one source
		b = append(b, 0xCA, 0xFE, 0, 1)                         // the source
		b = append(b, 0xAB, 0xAC, 0, 1, byte(n), 1, 2, byte(t)) // the extension
	}
	b = append(b, payload...)
	if s.Dressed {
		b = append(b, 0, 0, 3)
	}
	return b
}

// payload is what is in packet n of a track.
func (s *Spec) payload(t Track, n uint32) (b []byte, marker bool, typ byte) {
	if t == Audio {
		const size = 180
		b = []byte{0, 16, size >> 5, size << 3 & 0xFF} // one frame (RFC 3640, 3.3.6)
		return s.fill(b, t, n, len(b)+size), true, audioType
	}
	p := s.place(n)
	// Supplemental information: its type, and how many bytes follow before the end bit.
	info := []byte{0x06, 5, 60}
	const infoSize = 3 + 60 + 1
	switch p.kind {
	case lead:
		return s.fill(info, t, n, infoSize), false, videoType
	case sets:
		b = []byte{0x78} // all in one packet (RFC 6184, 5.7.1)
		second := pps
		if s.NewSets > 0 && p.picture >= s.NewSets {
			second = otherPPS
		}
		for _, set := range [][]byte{sps, second} {
			b = append(append(b, 0, byte(len(set))), set...)
		}
		b = append(b, 0, infoSize)
		return s.fill(append(b, info...), t, n, len(b)+infoSize), false, videoType
	}
	size := s.Size + int(n%7)*13
	return s.fill(s.sliceHead(p), t, n, size), p.last && !s.Unmarked, videoType
}

// sliceHead is how a packet with a part of a picture begins (RFC 6184, 5.6 and 5.8).
func (s *Spec) sliceHead(p place) []byte {
	nal, parts := byte(0x41), s.Parts
	if p.picture%s.GOP == 0 {
		nal, parts = 0x65, s.keyParts()
	}
	if parts == 1 {
		return []byte{nal, 0x88}
	}
	fu := nal & 0x1F
	if p.part == 0 {
		return []byte{nal&0x60 | 28, fu | 0x80, 0x88}
	}
	if p.last {
		fu |= 0x40
	}
	return []byte{nal&0x60 | 28, fu}
}

// fill fills a payload up to a size; see [payload.Fill].
func (s *Spec) fill(b []byte, t Track, n uint32, size int) []byte {
	return payload.Fill(b, payload.ID{Run: s.Run, Track: int(t), Number: n}, size)
}

// identity reads what the end of a payload says.
func identity(b []byte) (run uint32, t Track, n uint32, err error) {
	id, err := payload.Read(b)
	if err == nil && id.Track > int(Audio) {
		err = fmt.Errorf("there is no track %d in a source", id.Track)
	}
	return id.Run, Track(id.Track), id.Number, err
}
