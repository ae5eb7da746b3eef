package asf

import (
	"cmp"
	"errors"
	"slices"

	"streampump/codec/wire"
)

// keyRule says how a payload that begins a media object of some stream shows
// that a viewer may start there.
type keyRule uint8

const (
	neverKey keyRule = iota // not video: its key bit says nothing reliable
	byBit                   // video
	always                  // video without clean points: its key bit says nothing at all
)

// ruleFor is the rule for a stream. The key bit of audio is not used: some
// encoders set it on everything and ffmpeg's never does.
func ruleFor(s *Stream) keyRule {
	switch {
	case s.Kind != Video:
		return neverKey
	case s.NoCleanPoints:
		return always
	}
	return byBit
}

// startsKey reports whether pl begins a key frame. The key bit alone is not
// enough, because every fragment of a key frame carries it.
func (h *Header) startsKey(pl *Payload) bool {
	if pl.Offset != 0 {
		return false
	}
	rule := h.keys[pl.Stream]
	return rule == always || rule == byBit && pl.Key
}

// rank orders the video streams by how much a viewer has of them: one whose key
// bit means something before one without clean points, then by bit rate, then
// by the picture's size, then the lower number.
func (h *Header) rank() {
	var video []*Stream
	for i := range h.streams {
		if s := &h.streams[i].Stream; s.Kind == Video {
			video = append(video, s)
		}
	}
	slices.SortFunc(video, func(a, b *Stream) int {
		return cmp.Or(
			-cmp.Compare(ruleFor(a), ruleFor(b)),
			cmp.Compare(a.Bitrate, b.Bitrate),
			cmp.Compare(uint64(a.Width)*uint64(a.Height), uint64(b.Width)*uint64(b.Height)),
			cmp.Compare(b.Number, a.Number))
	})
	for i, s := range video {
		h.ranks[s.Number] = uint8(i + 1)
	}
}

// KeyRank is the rank of the best video stream of which a key frame begins in packet
// p, parsed from b: from 1; 0 if there is none. Of several video streams players show
// the best, so a viewer that starts at another one's key frame sees a damaged
// picture. Without video it is 1: every packet is one to start at.
func (h *Header) KeyRank(p *Packet, b []byte) uint8 {
	if !h.hasVideo {
		return 1
	}
	best := uint8(0)
	it := p.Iter(b)
	for it.Next() {
		if h.startsKey(&it.Payload) {
			best = max(best, h.ranks[it.Stream])
		}
	}
	return best
}

// StartsKey reports whether a key frame of any video stream begins in packet p,
// parsed from b. Without video every packet is one to start at.
func (h *Header) StartsKey(p *Packet, b []byte) bool { return h.KeyRank(p, b) != 0 }

// NeedsTrim reports whether a viewer that starts at packet p, parsed from b and
// one to start at, would get payloads that it cannot use: delta frames ahead
// of the key frame, or tails of objects that began earlier. It is false for a
// header without video, where players are content to start in mid-object.
func (h *Header) NeedsTrim(p *Packet, b []byte) bool {
	if !h.hasVideo || !p.Multiple() || !h.StartsKey(p, b) {
		return false
	}
	var t trimmer
	it := p.Iter(b)
	for it.Next() {
		if !t.keep(h, p, b, &it.Payload) {
			return true
		}
	}
	return false
}

// trimmer decides payload by payload, in order, what stays in a packet that is
// a viewer's first.
type trimmer struct {
	started [streamNumbers]bool // video streams whose key frame has begun
}

// keep reports whether pl stays: of a video stream everything from its key
// frame on, of other streams what begins in this packet.
func (t *trimmer) keep(h *Header, p *Packet, b []byte, pl *Payload) bool {
	if h.keys[pl.Stream] == neverKey {
		return pl.Offset == 0 || beginsBefore(p, b, pl)
	}
	if h.startsKey(pl) {
		t.started[pl.Stream] = true
	}
	return t.started[pl.Stream]
}

// beginsBefore reports whether the media object of pl begins earlier in the
// same packet. There are at most 63 payloads, and few packets are trimmed.
func beginsBefore(p *Packet, b []byte, pl *Payload) bool {
	it := p.Iter(b)
	for it.Next() && it.start < pl.start {
		if it.Stream == pl.Stream && it.Object == pl.Object && it.Offset == 0 && !it.Compressed {
			return true
		}
	}
	return false
}

// errNoKey is for callers that trim what cannot be a viewer's first packet.
var errNoKey = errors.New("no key frame begins in the data packet")

// AppendTrimmed appends packet b as the first packet of a viewer: without what
// [Header.NeedsTrim] finds, and everything else byte for byte in its order, times and
// object numbers included. If there is nothing to leave out, and for a header without
// video, that is b as it is. Otherwise the copy has the header's packet size and a
// 16-bit padding length, or, if b tells its own length, is as short as it comes out
// and tells that. On an error nothing is appended; b is not changed.
func (h *Header) AppendTrimmed(dst, b []byte) ([]byte, error) {
	var p Packet
	if err := p.Parse(b, h.packetSize); err != nil {
		return dst, err
	}
	if !h.StartsKey(&p, b) {
		return dst, errNoKey
	}
	if !h.NeedsTrim(&p, b) {
		return append(dst, b...), nil
	}
	start := len(dst)
	dst, countAt := appendTrimHead(dst, b, &p)
	var t trimmer
	var count uint8
	it := p.Iter(b)
	for it.Next() {
		if t.keep(h, &p, b, &it.Payload) {
			dst = append(dst, b[it.start:it.end]...)
			count++
		}
	}
	dst[countAt] = dst[countAt]&^payloadCountMask | count
	if p.Explicit() {
		putField(dst[start:], p.lengthAt, p.lengthType(), len(dst)-start)
		return dst, nil
	}
	fill := h.packetSize - (len(dst) - start)
	wire.PutU16(dst[start+p.paddingAt:], uint16(fill))
	return append(dst, make([]byte, fill)...), nil
}

// appendTrimHead appends everything before the payloads of b, with room for the
// padding length that a trimmed packet needs. One payload less always makes up
// for the two bytes that this may take. It returns where the payload flags are.
func appendTrimHead(dst, b []byte, p *Packet) (out []byte, countAt int) {
	start := len(dst)
	dst = append(dst, b[:p.paddingAt]...)
	if p.Explicit() {
		dst = append(dst, make([]byte, p.paddingType().Width())...)
	} else {
		dst[start+p.flagsAt] = p.withPadding(Word)
		dst = append(dst, 0, 0)
	}
	dst = append(dst, b[p.timesAt:p.first]...)
	return dst, len(dst) - 1
}

// withPadding is the length type flags with another padding length type.
func (p *Packet) withPadding(t LengthType) uint8 {
	return p.lf&^(3<<lfPaddingShift) | uint8(t)<<lfPaddingShift
}
