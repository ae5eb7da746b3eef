package asf

import (
	"fmt"

	"streampump/codec/wire"
)

// Layout is the form of the data packets that a [Builder] makes.
type Layout struct {
	PacketSize int    // of the header
	Preroll    uint32 // milliseconds; send times are presentation times less this
	Multiple   bool   // several payloads may share a packet
	// Length is the width of an explicit packet length; None leaves it out.
	Length LengthType
	// Padding is the width of the padding length. If the padding does not fit it,
	// another width is taken, and if None would leave the payloads' end untold, there
	// is one all the same; a full packet has none.
	Padding LengthType
	// Strip leaves the padding itself out and makes the padding length, if
	// there is one, zero: such a packet with a single payload and no Length is
	// what [AppendRepaired] is for.
	Strip bool
}

// Object is one media object for a [Builder].
type Object struct {
	Stream uint8
	Key    bool
	Time   uint32 // presentation time in milliseconds, preroll included
	Data   []byte
	// Extension is the data of the stream's payload extension systems; it is
	// repeated in each fragment, behind eight bytes of size and time.
	Extension []byte
	// Compressed: the object goes whole into a compressed payload, which it
	// shares with its neighbours of the same stream if their times are evenly
	// spaced. Such an object has at most 255 bytes and no Extension.
	Compressed bool
}

// Bounds of what a [Builder] lays out.
const (
	extensionMax = 0xFF - replicatedMin // the length of replicated data is one byte
	objectMax    = 0xFF                 // in a compressed payload
	payloadsMax  = payloadCountMask

	// fragmentMin is the least data of a large object that is put at a packet's end:
	// less is not worth a payload's head.
	fragmentMin = 32

	// payloadMin is the least that ffmpeg takes for a payload.
	payloadMin = 6

	// payloadHead is the size of a payload's fields: stream, object number,
	// offset, length of replicated data.
	payloadHead = 1 + 1 + 4 + 1

	// propertyFlags: stream and object numbers and the length of replicated data of one
	// byte, offsets of four. All encoders write these.
	propertyFlags = uint8(Byte) | uint8(DWord)<<pfOffsetShift | uint8(Byte)<<pfObjectShift | uint8(Byte)<<pfStreamShift
)

// Builder lays media objects out in data packets. After each [Builder.Add] and
// [Builder.Flush] the packets that are complete are taken with [Builder.Next].
// It is used by one goroutine, and allocates nothing once its buffers have
// grown.
type Builder struct {
	layout Layout

	// The packet being filled.
	body    []byte // its payloads
	count   int
	sendAt  uint32
	lastAt  uint32 // time of its latest payload
	started bool
	open    compressed

	numbers [streamNumbers]uint8 // of each stream's next media object

	// Complete packets, one after the other.
	out  []byte
	ends []int
	next int
}

// compressed is the compressed payload at the end of the body that may still
// take objects; the zero value is none.
type compressed struct {
	stream  uint8
	key     bool
	count   int
	deltaAt int // in the body
	sizeAt  int // in the body; of the payload length
	last    uint32
}

// NewBuilder makes a builder for packets of the given layout. A packet length
// that is too narrow for the packet size is widened.
func NewBuilder(l Layout) *Builder {
	if l.Length == Byte && l.PacketSize > 0xFF {
		l.Length = Word
	}
	return &Builder{layout: l}
}

// Add lays out one more media object; objects come in the order in which they are
// sent. Its bytes are copied. Packets taken with [Builder.Next] before are no longer
// valid. An error means that the object cannot be laid out and was left out.
func (b *Builder) Add(o Object) error {
	b.recycle()
	if err := b.check(&o); err != nil {
		return err
	}
	if o.Compressed {
		b.addCompressed(&o)
	} else {
		b.addFragments(&o)
	}
	return nil
}

// Flush completes the packet that is being filled, if any.
func (b *Builder) Flush() {
	b.recycle()
	b.finish()
}

// Next returns the next complete packet, valid until the next Add or Flush; ok
// is false when there is none.
func (b *Builder) Next() (packet []byte, ok bool) {
	if b.next == len(b.ends) {
		return nil, false
	}
	from := 0
	if b.next > 0 {
		from = b.ends[b.next-1]
	}
	to := b.ends[b.next]
	b.next++
	return b.out[from:to:to], true
}

// recycle frees the room of packets once all were taken.
func (b *Builder) recycle() {
	if b.next == len(b.ends) {
		b.out, b.ends, b.next = b.out[:0], b.ends[:0], 0
	}
}

// check refuses what has no place in the layout.
func (b *Builder) check(o *Object) error {
	head := b.headSize(len(o.Extension))
	switch {
	case o.Stream == 0 || o.Stream >= streamNumbers:
		return fmt.Errorf("stream number %d is not between 1 and 127", o.Stream)
	case len(o.Data) == 0:
		return fmt.Errorf("a media object of stream %d is empty", o.Stream)
	case len(o.Extension) > extensionMax:
		return fmt.Errorf("%d bytes of payload extensions are more than %d", len(o.Extension), extensionMax)
	case o.Compressed && (len(o.Data) > objectMax || len(o.Extension) > 0):
		return fmt.Errorf("a media object of %d bytes with %d of extensions does not fit a compressed payload",
			len(o.Data), len(o.Extension))
	case o.Compressed && b.capacity() < b.compressedSize(o):
		return fmt.Errorf("a media object of %d bytes does not fit a packet of %d", len(o.Data), b.layout.PacketSize)
	case !o.Compressed && b.capacity() < head+fragmentMin:
		return fmt.Errorf("packets of %d bytes are too small", b.layout.PacketSize)
	}
	return nil
}

// addFragments lays out an object in as many payloads as it takes.
func (b *Builder) addFragments(o *Object) {
	number := b.numbers[o.Stream]
	b.numbers[o.Stream]++
	head := b.headSize(len(o.Extension))
	for offset := 0; offset < len(o.Data); {
		left := len(o.Data) - offset
		if b.room() < head+min(left, fragmentMin) {
			b.finish()
		}
		n := min(left, b.room()-head)
		b.begin(o.Time)
		b.appendHead(o, number, uint32(offset))
		b.body = append(b.body, uint8(replicatedMin+len(o.Extension)))
		b.body = wire.AppendU32(b.body, uint32(len(o.Data)))
		b.body = wire.AppendU32(b.body, o.Time)
		b.body = append(b.body, o.Extension...)
		b.appendSize(n)
		b.body = append(b.body, o.Data[offset:offset+n]...)
		offset += n
		if !b.layout.Multiple {
			b.finish()
		}
	}
}

// addCompressed lays out an object whole, in the open compressed payload if it
// may join that.
func (b *Builder) addCompressed(o *Object) {
	number := b.numbers[o.Stream]
	b.numbers[o.Stream]++
	if b.joins(o) {
		b.body[b.open.deltaAt] = uint8(o.Time - b.open.last)
	} else {
		if b.room() < b.compressedSize(o) {
			b.finish()
		}
		b.begin(o.Time)
		b.appendHead(o, number, o.Time)
		b.open = compressed{stream: o.Stream, key: o.Key, deltaAt: len(b.body) + 1}
		b.body = append(b.body, compressedMark, 0)
		b.open.sizeAt = len(b.body)
		b.appendSize(0)
	}
	b.body = append(b.body, uint8(len(o.Data)))
	b.body = append(b.body, o.Data...)
	b.open.count++
	b.open.last = o.Time
	b.reach(o.Time)
	if b.layout.Multiple {
		wire.PutU16(b.body[b.open.sizeAt:], uint16(len(b.body)-b.open.sizeAt-2))
	}
}

// joins reports whether o continues the open compressed payload: one step of
// time serves all its objects.
func (b *Builder) joins(o *Object) bool {
	step := o.Time - b.open.last
	return b.open.count > 0 && b.open.stream == o.Stream && b.open.key == o.Key &&
		b.spare() >= 1+len(o.Data) && step <= 0xFF &&
		(b.open.count == 1 || uint8(step) == b.body[b.open.deltaAt])
}

// begin makes room for one more payload of the present packet. A packet is due
// when its first payload is.
func (b *Builder) begin(time uint32) {
	if !b.started {
		b.started, b.sendAt, b.lastAt = true, time-b.layout.Preroll, time
	}
	b.reach(time)
	b.count++
	b.open = compressed{}
}

// reach makes the packet's duration cover time. Times wrap, so that only their
// distance says which is later.
func (b *Builder) reach(time uint32) {
	if int32(time-b.lastAt) > 0 {
		b.lastAt = time
	}
}

// appendHead appends a payload's fields up to the length of replicated data.
func (b *Builder) appendHead(o *Object, number uint8, offset uint32) {
	stream := o.Stream
	if o.Key {
		stream |= 0x80
	}
	b.body = append(b.body, stream, number)
	b.body = wire.AppendU32(b.body, offset)
}

// appendSize appends a payload's length, which only multiple payloads have.
func (b *Builder) appendSize(n int) {
	if b.layout.Multiple {
		b.body = wire.AppendU16(b.body, uint16(n))
	}
}

// headSize is the size of a payload without its data.
func (b *Builder) headSize(extension int) int {
	n := payloadHead + replicatedMin + extension
	if b.layout.Multiple {
		n += Word.Width()
	}
	return n
}

// compressedSize is the size of a compressed payload with o alone.
func (b *Builder) compressedSize(o *Object) int {
	n := payloadHead + 1 + 1 + len(o.Data)
	if b.layout.Multiple {
		n += Word.Width()
	}
	return n
}
