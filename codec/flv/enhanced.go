package flv

import "encoding/binary"

// enhancedVideoTag looks at a video tag with a FourCC.
func enhancedVideoTag(body []byte) (Tag, error) {
	frame := body[0] >> 4 & 7
	p, err := openPacket(body, packetMultitrack)
	switch {
	case err != nil:
		return Tag{}, err
	case frame == typeCommand && p.typ != packetMeta:
		return Tag{Kind: Command}, nil // which has no FourCC
	}
	t, err := p.tag()
	if err != nil {
		return Tag{}, err
	}
	switch p.typ {
	case packetHeader, packetTSHeader:
		t.Kind = Header
	case packetFrames, packetFramesX:
		t.Kind = picture(frame)
	case packetEnd:
		t.Kind = End
	case packetMeta:
		t.Kind = Meta
	}
	return t, nil
}

// enhancedAudioTag looks at an audio tag with a FourCC.
func enhancedAudioTag(body []byte) (Tag, error) {
	p, err := openPacket(body, packetSoundMultitrack)
	if err != nil {
		return Tag{}, err
	}
	t, err := p.tag()
	if err != nil {
		return Tag{}, err
	}
	switch p.typ {
	case packetHeader:
		t.Kind = Header
	case packetChannels:
		t.Kind, t.Channels = Header, true
	case packetEnd:
		t.Kind = End
	}
	return t, nil
}

// packet is an enhanced tag without what stands before the codec.
type packet struct {
	typ    byte   // the packet type that is meant
	multi  bool   // tracks are named
	tracks byte   // how
	rest   []byte // from the FourCC on
}

// How a tag has its tracks (Enhanced RTMP, AvMultitrackType).
const (
	oneTrack   = 0
	manyCodecs = 2 // each track has a FourCC
)

// openPacket looks through ModEx and Multitrack, whose packet type is multitrack.
func openPacket(body []byte, multitrack byte) (p packet, err error) {
	p.typ, p.rest = body[0]&15, body[1:]
	for p.typ == packetModEx {
		if p.typ, p.rest, err = cutModEx(p.rest); err != nil {
			return packet{}, err
		}
	}
	if p.typ != multitrack {
		return p, nil
	}
	if len(p.rest) == 0 {
		return packet{}, ErrShort
	}
	p.multi, p.tracks, p.typ = true, p.rest[0]>>4, p.rest[0]&15
	p.rest = p.rest[1:]
	return p, nil
}

// cutModEx takes a modifier off the front of b and says which packet type follows it.
func cutModEx(b []byte) (typ byte, rest []byte, err error) {
	if len(b) == 0 {
		return 0, nil, ErrShort
	}
	size, at := int(b[0])+1, 1
	if size == 256 {
		if len(b) < 3 {
			return 0, nil, ErrShort
		}
		size, at = int(binary.BigEndian.Uint16(b[1:]))+1, 3
	}
	if at += size; at >= len(b) {
		return 0, nil, ErrShort
	}
	return b[at] & 15, b[at+1:], nil
}

// tag is the codec and the track.
func (p *packet) tag() (t Tag, err error) {
	t.Multi = p.multi
	b := p.rest
	if !p.multi || p.tracks != manyCodecs {
		if t.Codec, b, err = cutFourCC(b); err != nil || !p.multi {
			return t, err
		}
	}
	return t, p.findTrack(&t, b)
}

// findTrack looks for the track 0 among those in b, which the tag is known by; without
// it, by the first.
func (p *packet) findTrack(t *Tag, b []byte) (err error) {
	for first := true; first || len(b) > 0; first = false {
		codec := t.Codec
		if p.tracks == manyCodecs {
			if codec, b, err = cutFourCC(b); err != nil {
				return err
			}
		}
		if len(b) == 0 {
			return ErrShort
		}
		id := b[0]
		if first || id == 0 {
			t.Codec, t.Track = codec, id
		}
		if p.tracks == oneTrack || id == 0 {
			return nil
		}
		if len(b) < 4 {
			return ErrShort
		}
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if b = b[4:]; size > len(b) {
			return ErrShort
		}
		b = b[size:]
	}
	return nil
}

func cutFourCC(b []byte) (c Codec, rest []byte, err error) {
	if len(b) < 4 {
		return 0, nil, ErrShort
	}
	return Codec(binary.BigEndian.Uint32(b)), b[4:], nil
}
