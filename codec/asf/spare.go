package asf

import (
	"bytes"
	"slices"

	"streampump/codec/wire"
)

// Some headers have bytes behind a list of objects that belong to none. VLC and
// MPlayer pass them over by the sizes around them; ffmpeg reads on where the
// last object ends, and takes them for the next one. So they are left out of
// the header that goes to viewers.

// spareBytes are such bytes.
type spareBytes struct {
	at, size int
	in       []int // offsets of the objects that they lie in, the Header Object first
}

// spare reports whether b can hold no object: it is too short, or empty of
// anything.
func spare(b []byte) bool {
	return len(b) < objectHead || len(bytes.TrimLeft(b, "\x00")) == 0
}

// list reads the objects b, at offset at, which lie in the object at offset in
// and are all that is before offset end.
func (p *headerParser) list(in int, b []byte, at, end int, f func(object) error) error {
	p.inside = append(p.inside, in)
	left, err := eachObject(b, at, f)
	if from := at + len(b) - left; err == nil && from < end {
		p.spares = append(p.spares, spareBytes{from, end - from, slices.Clone(p.inside)})
	}
	p.inside = p.inside[:len(p.inside)-1]
	return err
}

// without is header b without its spare bytes, which were found in order.
func without(b []byte, spares []spareBytes) []byte {
	for i := len(spares) - 1; i >= 0; i-- {
		s := &spares[i]
		for _, at := range s.in {
			o := b[at:]
			size := wire.U64(o[wire.GUIDSize:]) - uint64(s.size)
			wire.PutU64(o[wire.GUIDSize:], size)
			if wire.GUID(o[:wire.GUIDSize]) == guidHeaderExtension {
				wire.PutU32(o[objectHead+extensionHead-4:], uint32(size)-objectHead-extensionHead)
			}
		}
		b = slices.Delete(b, s.at, s.at+s.size)
	}
	return b
}
