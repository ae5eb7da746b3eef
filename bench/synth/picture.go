package synth

// A picture is a complete baseline JPEG [T.81], as small as one can be that a
// person sees something in: 12 by 8 blocks of 8 by 8 pixels, each of one level,
// dark or light. It shows the last three digits of the object's number, and
// below them a block that moves with every picture. It has colours (4:2:0),
// though grey ones, because VLC cannot lay its titles over a picture without.
const (
	pictureColumns, pictureRows = 12, 8

	// digitsTop is the row where the digits begin: the first block of all is
	// always dark. Less than digitsCap is shown.
	digitsTop, digitsCap = 2, 1000

	// pictureMax is the size of the largest picture, from the first table to
	// the end.
	pictureMax = len(pictureTables) + (pictureBits+7)/8 + len(pictureEnd)
	// pictureBits is what the blocks take, of which there are four of level and
	// two of colour in a square of two by two, at two bits each and three more
	// where the level changes. The digits 000 change most often.
	pictureBits    = sameLen*pictureColumns*pictureRows*6/4 + (changeLen-sameLen)*pictureChanges
	pictureChanges = 55

	// pictureEnd is the end of image, twice: ffmpeg, while it only looks for
	// what a stream is, steps past a scan that has no stuffed byte one byte too
	// far, and would take the noise for tables.
	pictureEnd = "\xFF\xD9\xFF\xD9"
)

// pictureTables is what stands between the comment and the blocks. Every picture
// has it, so that each decodes alone.
const (
	pictureTables = "\xFF\xDB\x00\x43\x00" + // quantization table 0, of 8 bits
		quantizers + quantizers + quantizers + quantizers + quantizers + quantizers + quantizers + quantizers +
		"\xFF\xC0\x00\x11\x08\x00\x40\x00\x60\x03" + // baseline, 8 bits, 64 lines of 96 pixels
		"\x01\x22\x00" + "\x02\x11\x00" + "\x03\x11\x00" + // level, and two of colour
		"\xFF\xC4\x00\x27" + // Huffman tables
		"\x00\x01\x01" + noCodes + "\x00\x02" + // DC: 0 is no difference, 10 one of two bits
		"\x10\x01\x00" + noCodes + "\x00" + // AC: 0 ends the block
		"\xFF\xDA\x00\x0C\x03\x01\x00\x02\x00\x03\x00\x00\x3F\x00" // one scan of all three
	// quantizers make a step of a block's level 30 of 256.
	quantizers = "\xF0\xF0\xF0\xF0\xF0\xF0\xF0\xF0"
	// noCodes of 3 to 16 bits.
	noCodes = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
)

// The codes of blocks: how the level differs from the block before, and that
// there is nothing else in the block. No row of them has eight ones, so that no
// byte needs stuffing.
const (
	sameLevel, sameLen = 0b0_0, 2
	firstLevel         = 0b10_01_0 // from the middle two steps down to dark
	toLight            = 0b10_11_0 // three steps up
	toDark             = 0b10_00_0 // three steps down
	changeLen          = 5
	fill, fillLen      = 0b111_1111, 7 // up to a whole byte
)

// digits are the shapes of 0 to 9, five rows of three blocks.
var digits = [10][5]uint16{
	{0b111, 0b101, 0b101, 0b101, 0b111},
	{0b010, 0b110, 0b010, 0b010, 0b111},
	{0b111, 0b001, 0b111, 0b100, 0b111},
	{0b111, 0b001, 0b111, 0b001, 0b111},
	{0b101, 0b101, 0b111, 0b001, 0b001},
	{0b111, 0b100, 0b111, 0b001, 0b111},
	{0b111, 0b100, 0b111, 0b101, 0b111},
	{0b111, 0b001, 0b001, 0b001, 0b001},
	{0b111, 0b101, 0b111, 0b101, 0b111},
	{0b111, 0b101, 0b111, 0b001, 0b111},
}

// drawing is which blocks of a picture are light; the left one is the highest
// bit.
type drawing [pictureRows]uint16

// draw draws an object's number.
func draw(number uint32) (d drawing) {
	left := number % digitsCap
	for shift := 0; shift < pictureColumns; shift += 4 {
		for row, blocks := range digits[left%10] {
			d[digitsTop+row] |= blocks << shift
		}
		left /= 10
	}
	d[pictureRows-1] = 1 << (pictureColumns - 1 - number%pictureColumns)
	return d
}

// light reports whether a block is light.
func (d *drawing) light(row, column int) bool {
	return d[row]>>(pictureColumns-1-column)&1 != 0
}

// appendPicture appends the picture of an object's number, from its tables to
// its end.
func appendPicture(dst []byte, number uint32) []byte {
	s := scan{dst: append(dst, pictureTables...)}
	d := draw(number)
	code, n := uint32(firstLevel), changeLen
	was := false // of the block before: light
	for square := range pictureRows / 2 * pictureColumns / 2 {
		row, column := square/(pictureColumns/2)*2, square%(pictureColumns/2)*2
		for i := range 4 {
			now := d.light(row+i/2, column+i%2)
			switch {
			case now && !was:
				code, n = toLight, changeLen
			case was && !now:
				code, n = toDark, changeLen
			}
			s = s.put(code, n)
			code, n, was = sameLevel, sameLen, now
		}
		s = s.put(sameLevel, sameLen).put(sameLevel, sameLen) // no colour
	}
	return append(s.put(fill, fillLen).dst, pictureEnd...)
}

// scan is a row of bits, the highest first, in bytes. It is handed on by value,
// so that what it appends to may lie on a stack.
type scan struct {
	dst  []byte
	bits uint32
	n    int // how many of bits are not in a byte yet
}

// put appends the n low bits of code; what does not fill a byte waits.
func (s scan) put(code uint32, n int) scan {
	s.bits = s.bits<<n | code
	for s.n += n; s.n >= 8; s.n -= 8 {
		s.dst = append(s.dst, byte(s.bits>>(s.n-8)))
	}
	return s
}
