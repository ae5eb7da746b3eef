package asf

import "streampump/codec/wire"

// Sizes in the replicated data of a payload [ASF 5.2.3.1, 5.2.3.2].
const (
	compressedMark = 1 // as a length: a compressed payload
	replicatedMin  = 8 // object size and presentation time
)

// Payload is one payload as it stands in a packet. Its slices are part of the
// packet's bytes.
type Payload struct {
	Stream     uint8 // players pass over 0 and streams the header does not describe
	Key        bool  // set for the whole media object, on each of its fragments
	Compressed bool  // Data holds several whole media objects, see [CutObject]
	// Object is the media object's number as far as the packet tells it,
	// usually its lowest eight bits. A compressed payload has that of its first.
	Object uint32
	// Offset is where Data begins in the media object; 0 in a compressed payload.
	Offset uint32
	// ObjectSize is the size of the whole media object; 0 if it is not told.
	ObjectSize uint32
	// Time is the presentation time in milliseconds, preroll included, on a
	// line that wraps at 2^32; valid if Compressed or Replicated is not empty.
	Time uint32
	// Delta is the milliseconds from one object of a compressed payload to the
	// next.
	Delta uint8
	// Replicated is the replicated data: size, time, and what payload
	// extension systems the header declares for the stream. It is empty in a
	// compressed payload.
	Replicated []byte
	// Data is the media object's bytes from Offset on.
	Data []byte

	start, end   int // of the whole payload in the packet
	offsetAt     int // of the offset field
	replicatedAt int // of the replicated data
}

// Iter walks the payloads of one packet; its embedded Payload is the one that
// [Iter.Next] arrived at. It allocates nothing.
type Iter struct {
	Payload

	b     []byte // up to the end of the payloads' room
	at    int
	left  uint8
	pf    uint8
	sizes LengthType
	err   *SyntaxError
}

// Iter starts before the first payload of p, which was parsed from b.
func (p *Packet) Iter(b []byte) Iter {
	return Iter{b: b[:p.end], at: p.first, left: p.count, pf: p.pf, sizes: p.sizes}
}

// Next goes to the next payload and reports whether there was one.
func (it *Iter) Next() bool {
	if it.left == 0 {
		return false
	}
	it.left--
	it.Payload = Payload{start: it.at}
	if !it.readHead() || !it.readData() {
		it.left = 0
		return false
	}
	it.end = it.at
	return true
}

// fail remembers the first fault; there is no second, because Next stops.
func (it *Iter) fail(at int, what string) bool {
	it.err = packetError(at, what)
	return false
}

// field takes a field of the payload's head.
func (it *Iter) field(t LengthType) (v uint32, ok bool) {
	if len(it.b)-it.at < t.Width() {
		return 0, it.fail(len(it.b), "a payload's fields go past the packet's end")
	}
	v = getField(it.b, it.at, t)
	it.at += t.Width()
	return v, true
}

// readHead reads a payload up to its replicated data, and that.
func (it *Iter) readHead() bool {
	stream, ok := it.field(Byte)
	if !ok {
		return false
	}
	it.Stream, it.Key = uint8(stream&0x7F), stream&0x80 != 0
	if it.Object, ok = it.field(LengthType(it.pf>>pfObjectShift) & 3); !ok {
		return false
	}
	it.offsetAt = it.at
	if it.Offset, ok = it.field(LengthType(it.pf>>pfOffsetShift) & 3); !ok {
		return false
	}
	size, ok := it.field(LengthType(it.pf) & 3)
	return ok && it.readReplicated(size)
}

// readReplicated reads the replicated data, whose length tells the payload's
// kind.
func (it *Iter) readReplicated(size uint32) bool {
	it.replicatedAt = it.at
	switch {
	case size == 0:
		return true
	case size == compressedMark:
		return it.readCompressed()
	case size < replicatedMin:
		return it.fail(it.at, "replicated data of 2 to 7 bytes")
	case size > uint32(len(it.b)-it.at):
		return it.fail(it.at, "replicated data goes past the packet's end")
	}
	it.Replicated = it.b[it.at : it.at+int(size) : it.at+int(size)]
	it.at += int(size)
	it.ObjectSize, it.Time = wire.U32(it.Replicated), wire.U32(it.Replicated[4:])
	return true
}

// readCompressed reads what a compressed payload has in the place of replicated
// data. Its offset field holds a time.
func (it *Iter) readCompressed() bool {
	if LengthType(it.pf>>pfOffsetShift)&3 != DWord {
		return it.fail(it.offsetAt, "a compressed payload whose time is not 32 bits wide")
	}
	delta, ok := it.field(Byte)
	it.Compressed, it.Delta = true, uint8(delta)
	it.Time, it.Offset = it.Offset, 0
	return ok
}

// readData reads the payload's data. That of a single payload has no length of
// its own and takes all the room there is.
func (it *Iter) readData() bool {
	size := uint32(len(it.b) - it.at)
	if it.sizes != None {
		var ok bool
		if size, ok = it.field(it.sizes); !ok {
			return false
		}
		if size > uint32(len(it.b)-it.at) {
			return it.fail(it.at, "a payload goes past the packet's end")
		}
	}
	it.Data = it.b[it.at : it.at+int(size) : it.at+int(size)]
	it.at += int(size)
	return !it.Compressed || it.checkObjects()
}

// checkObjects checks that a compressed payload consists of whole objects.
func (it *Iter) checkObjects() bool {
	rest := it.Data
	if len(rest) == 0 {
		return it.fail(it.at, "a compressed payload without objects")
	}
	for len(rest) > 0 {
		var ok bool
		if _, rest, ok = CutObject(rest); !ok {
			return it.fail(it.at, "an object of a compressed payload goes past the payload's end")
		}
	}
	return true
}

// CutObject cuts the first media object off the Data of a compressed payload.
// ok is false where data is empty or not of that form; in a payload that
// [Packet.Parse] accepted it is false only at the end.
func CutObject(data []byte) (object, rest []byte, ok bool) {
	if len(data) == 0 || int(data[0]) >= len(data) {
		return nil, data, false
	}
	n := 1 + int(data[0])
	return data[1:n:n], data[n:], true
}
