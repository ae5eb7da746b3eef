package rtp

// Bits of VP9's payload descriptor (RFC 9628 4.2).
const (
	vp9PictureID = 0x80 // I
	vp9Inter     = 0x40 // P: predicted from other pictures
	vp9Layers    = 0x20 // L: layer indices follow
	vp9Flexible  = 0x10 // F
	vp9Begin     = 0x08 // B: begins a frame
	vp9Structure = 0x02 // V: a scalability structure follows

	vp9LongID  = 0x80 // M: the picture ID has two bytes
	vp9Spatial = 0x0E // SID, in the layer indices
	vp9Between = 0x01 // D: predicted from the spatial layer below

	vp9Sizes  = 0x10 // Y, in the scalability structure: sizes of the layers follow
	vp9Groups = 0x08 // G: the description of a group of pictures follows
)

// Bits at the front of a frame's header (VP9 bitstream specification 6.2).
const (
	vp9FrameMarker = 2 // the first two bits
	vp9ProfileLow  = 0x20
	vp9ProfileHigh = 0x10
)

// vp9 is VP9.
type vp9 struct{}

// Look implements [Format]. A frame that is only intra-coded has the same descriptor as
// a key frame, but resets less; the frame's own header tells them apart.
func (vp9) Look(payload []byte) Look {
	if len(payload) == 0 || payload[0]&(vp9Inter|vp9Begin) != vp9Begin {
		return Other
	}
	frame := vp9Frame(payload)
	return keyIf(len(frame) > 0 && vp9Key(frame[0]))
}

// vp9Frame returns what is behind the descriptor of a packet that is not predicted from
// other pictures; it is empty if that is cut off, or not the lowest spatial layer.
func vp9Frame(b []byte) []byte {
	first, b := b[0], b[1:]
	if first&vp9PictureID != 0 {
		if len(b) == 0 {
			return nil
		}
		b = b[min(1+int(b[0]&vp9LongID>>7), len(b)):]
	}
	if first&vp9Layers != 0 {
		if len(b) == 0 || b[0]&(vp9Spatial|vp9Between) != 0 {
			return nil
		}
		b = b[1:]
		if first&vp9Flexible == 0 { // TL0PICIDX
			b = b[min(1, len(b)):]
		}
	}
	if first&vp9Structure != 0 {
		b = b[min(vp9StructureSize(b), len(b)):]
	}
	return b
}

// vp9StructureSize is the size of the scalability structure that b begins with (RFC 9628
// 4.2.1); no less than b has if it is cut off.
func vp9StructureSize(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	size := 1
	if b[0]&vp9Sizes != 0 {
		size += 4 * (1 + int(b[0]>>5))
	}
	if b[0]&vp9Groups == 0 || size >= len(b) {
		return size
	}
	pictures := int(b[size])
	size++
	for ; pictures > 0 && size < len(b); pictures-- {
		size += 1 + int(b[size]>>2&3) // with its references
	}
	return size
}

// vp9Key reads the first byte of a frame: marker, profile, a reserved bit in profile 3,
// show_existing_frame, frame_type.
func vp9Key(b byte) bool {
	if b>>6 != vp9FrameMarker {
		return false
	}
	if b&(vp9ProfileLow|vp9ProfileHigh) == vp9ProfileLow|vp9ProfileHigh {
		return b&0x06 == 0
	}
	return b&0x0C == 0
}
