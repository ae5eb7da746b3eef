package synth

import (
	"encoding/binary"
	"strings"
)

// Carrier is what a media object is to a player. Whatever it is, the object
// holds the pattern and nothing that does not follow from the pattern's head,
// and its first bytes tell which carrier it is.
type Carrier uint8

// The carriers.
const (
	// Bare is the pattern alone. Nothing but a verifier can make sense of it.
	Bare Carrier = iota
	// JPEG is one picture of a Motion JPEG video, the object's number in large
	// digits. The pattern's head is a comment in it; the noise stands behind
	// the picture's end, where decoders have stopped reading.
	JPEG
	// PCM is sound of one channel and one byte a sample. Head and noise are
	// samples around the silence in the middle: a quiet hiss.
	PCM
	// Text is a script command of type TEXT, which is shown or passed over and
	// never followed as a URL is. Its value is the head in hexadecimal digits;
	// it has no noise and always the same size.
	Text
)

// forms tells how the carriers hold the pattern.
var forms = [...]struct {
	name string // for people
	lead string // what stands before the pattern's head
	// digits are the bytes that stand for the values 0 to 15 of the head's half
	// bytes, the upper half first; the head is as it is if there are none.
	digits string
	wide   bool // a zero follows each digit, as in UTF-16
	// Of each byte of noise the bits of mask are used, and base is added.
	mask, base byte
}{
	Bare: {name: "an object", mask: 0xFF},
	// Start of image, and a comment of as many bytes as the head has and two.
	JPEG: {name: "a picture", lead: "\xFF\xD8\xFF\xFE\x00\x1E", mask: 0xFF},
	// A sixteenth of the full scale is 24 dB below it.
	PCM: {
		name:   "a piece of sound",
		digits: "\x78\x79\x7A\x7B\x7C\x7D\x7E\x7F\x80\x81\x82\x83\x84\x85\x86\x87", mask: 0x0F, base: 0x78,
	},
	Text: {name: "a script command", lead: "T\x00E\x00X\x00T\x00\x00\x00", digits: "0123456789abcdef", wide: true},
}

// MinObject is the size of the smallest media object of the carrier.
func (c Carrier) MinObject() int {
	switch c {
	case JPEG:
		return c.headEnd() + pictureMax
	case Text:
		return c.headEnd() + len(endOfText)
	}
	return c.headEnd()
}

// size is the size of an object for which size bytes are asked.
func (c Carrier) size(size int) int {
	if c == Text {
		return c.MinObject()
	}
	return max(size, c.MinObject())
}

// headEnd is how many bytes of an object hold the pattern's head.
func (c Carrier) headEnd() int {
	f := &forms[c]
	n := patternHead
	if f.digits != "" {
		n *= 2
	}
	if f.wide {
		n *= 2
	}
	return len(f.lead) + n
}

// head is the head of a pattern.
type head [patternHead]byte

// appendHead appends what the first headEnd bytes of an object are.
func (c Carrier) appendHead(dst []byte, h *head) []byte {
	f := &forms[c]
	dst = append(dst, f.lead...)
	if f.digits == "" {
		return append(dst, h[:]...)
	}
	for _, b := range h {
		for _, half := range [...]byte{b >> 4, b & 0xF} {
			dst = append(dst, f.digits[half])
			if f.wide {
				dst = append(dst, 0)
			}
		}
	}
	return dst
}

// readHead reads what appendHead appended. ok is false if b is too short or
// something else; the head's own checksum is not looked at.
func (c Carrier) readHead(b []byte) (h head, ok bool) {
	f := &forms[c]
	if len(b) < c.headEnd() || string(b[:len(f.lead)]) != f.lead {
		return h, false
	}
	b = b[len(f.lead):c.headEnd()]
	if f.digits == "" {
		copy(h[:], b)
		return h, true
	}
	for i := range 2 * patternHead {
		at := i
		if f.wide {
			at *= 2
			if b[at+1] != 0 {
				return h, false
			}
		}
		half := strings.IndexByte(f.digits, b[at])
		if half < 0 {
			return h, false
		}
		h[i/2] = h[i/2]<<4 | byte(half)
	}
	return h, true
}

// endOfText is the zero at the end of a script command.
const endOfText = "\x00\x00"

// appendBody appends what stands between the head and the noise, at most
// [pictureMax] bytes.
func (m *Mark) appendBody(dst []byte) []byte {
	switch m.Carrier {
	case JPEG:
		return appendPicture(dst, m.Sequence)
	case Text:
		return append(dst, endOfText...)
	}
	return dst
}

// findHead finds the head at the beginning of an object, whatever carries it.
func findHead(b []byte) (h head, c Carrier, ok bool) {
	for i := range forms {
		c = Carrier(i)
		if h, ok = c.readHead(b); ok && binary.LittleEndian.Uint32(h[:]) == patternMagic {
			return h, c, true
		}
	}
	return h, Bare, false
}
