package synth

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestPicturesDecode makes each picture there is, and has a decoder that knows
// nothing of this package decode some, with the noise behind them.
func TestPicturesDecode(t *testing.T) {
	largest := 0
	for number := range uint32(digitsCap * pictureColumns) {
		picture := appendPicture(nil, number)
		largest = max(largest, len(picture))
		if len(picture) > pictureMax {
			t.Fatalf("picture %d has %d bytes, the bound is %d", number, len(picture), pictureMax)
		}
		if number%37 != 0 {
			continue // decoding all takes seconds
		}
		b := AppendObject(nil, Mark{Carrier: JPEG, Sequence: number}, 400)
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("picture %d: %v", number, err)
		}
		if got, want := seen(t, img), draw(number); got != want {
			t.Fatalf("picture %d shows %012b, want %012b", number, got, want)
		}
	}
	if largest != pictureMax {
		t.Errorf("the largest picture has %d bytes, the bound is %d", largest, pictureMax)
	}
}

// seen is what a picture shows, looked at in the middle and the corners of each
// block.
func seen(t *testing.T, img image.Image) (d drawing) {
	t.Helper()
	p, ok := img.(*image.YCbCr)
	if !ok || p.Rect.Dx() != 8*pictureColumns || p.Rect.Dy() != 8*pictureRows || p.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		t.Fatalf("the picture is a %T of %v", img, img.Bounds())
	}
	for row := range pictureRows {
		for column := range pictureColumns {
			level := p.YCbCrAt(8*column+4, 8*row+4)
			for _, at := range []image.Point{{0, 0}, {7, 0}, {0, 7}, {7, 7}} {
				if other := p.YCbCrAt(8*column+at.X, 8*row+at.Y); other != level {
					t.Fatalf("block %d, %d has %v and %v", column, row, level, other)
				}
			}
			if level.Cb != 128 || level.Cr != 128 || level.Y > 70 && level.Y < 150 {
				t.Fatalf("block %d, %d has %v", column, row, level)
			}
			if level.Y >= 150 {
				d[row] |= 1 << (pictureColumns - 1 - column)
			}
		}
	}
	return d
}

// TestDraw looks at one picture as a person does.
func TestDraw(t *testing.T) {
	var b strings.Builder
	for _, blocks := range draw(41_207) {
		for column := range pictureColumns {
			b.WriteByte(".#"[blocks>>(pictureColumns-1-column)&1])
		}
		b.WriteByte('\n')
	}
	const want = `
............
............
.###.###.###
...#.#.#...#
.###.#.#...#
.#...#.#...#
.###.###...#
...........#
`
	if got := "\n" + b.String(); got != want {
		t.Errorf("got%swant%s", got, want)
	}
}

// TestSoundIsQuiet: no sample is far from silence, the head's included.
func TestSoundIsQuiet(t *testing.T) {
	seen := map[byte]bool{}
	for _, sample := range AppendObject(nil, Mark{Carrier: PCM, Stream: 2, Key: true, Stamp: 1<<64 - 1}, 371) {
		seen[sample] = true
		if sample < 0x78 || sample > 0x87 {
			t.Fatalf("a sample of %#x", sample)
		}
	}
	if len(seen) != 16 {
		t.Errorf("%d levels are used", len(seen))
	}
}

// TestScriptCommand: an object is two strings in UTF-16, each with its zero.
func TestScriptCommand(t *testing.T) {
	b := AppendObject(nil, Mark{Carrier: Text, Stream: 3, Key: true, Epoch: 0x102, Sequence: 0x3040506, Stamp: 0xA0B0C0D0E0F}, 0)
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i])|uint16(b[i+1])<<8)
	}
	got := strings.Split(string(utf16.Decode(units)), "\x00")
	const value = "53504d4f" + "03" + "01" + "0201" + "06050403" + "7c000000" + "0f0e0d0c0b0a0000"
	if len(b)%2 != 0 || len(got) != 3 || got[0] != "TEXT" || len(got[1]) != 56 || !strings.HasPrefix(got[1], value) || got[2] != "" {
		t.Errorf("%d bytes hold %q", len(b), got)
	}
}
