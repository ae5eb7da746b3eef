package rtp

// Bits of VP8's payload descriptor (RFC 7741 4.2) and of the frame header behind it (4.3).
const (
	vp8Extended  = 0x80 // X: a byte of extensions follows
	vp8Start     = 0x10 // S: begins a partition
	vp8Partition = 0x07 // PID: which one
	vp8PictureID = 0x80 // I
	vp8LongID    = 0x80 // M: the picture ID has two bytes
	vp8Level     = 0x40 // L: an index follows
	vp8LayerKey  = 0x30 // T, K: one byte for either or both

	vp8Inter = 0x01 // the inverse of "key frame"
)

// vp8 is VP8.
type vp8 struct{}

// Look implements [Format].
func (vp8) Look(payload []byte) Look {
	if len(payload) == 0 || payload[0]&(vp8Start|vp8Partition) != vp8Start {
		return Other
	}
	at := 1
	if payload[0]&vp8Extended != 0 {
		at += vp8ExtensionSize(payload[1:])
	}
	return keyIf(at < len(payload) && payload[at]&vp8Inter == 0)
}

// vp8ExtensionSize is the size of the extensions at the front of b with the byte that
// announces them; more than b has if they are cut off.
func vp8ExtensionSize(b []byte) int {
	if len(b) < 2 {
		return 2
	}
	size := 1
	if b[0]&vp8PictureID != 0 {
		size++
		if b[1]&vp8LongID != 0 {
			size++
		}
	}
	if b[0]&vp8Level != 0 {
		size++
	}
	if b[0]&vp8LayerKey != 0 {
		size++
	}
	return size
}
