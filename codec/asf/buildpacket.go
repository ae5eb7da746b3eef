package asf

import "streampump/codec/wire"

// fieldsSize is the size of what precedes the payloads, without padding length.
func (b *Builder) fieldsSize() int {
	n := 3 + 2 + b.layout.Length.Width() + timesSize
	if b.layout.Multiple {
		n++
	}
	return n
}

// capacity is the payloads' room in an empty packet.
func (b *Builder) capacity() int { return b.layout.PacketSize - b.fieldsSize() }

// spare is the room left behind the payloads.
func (b *Builder) spare() int { return b.capacity() - len(b.body) }

// room is what one more payload may take.
func (b *Builder) room() int {
	if b.count == payloadsMax || b.count > 0 && !b.layout.Multiple {
		return 0
	}
	return b.spare()
}

// padding is the width of the padding length for a packet with spare bytes to spare,
// from which the field itself is taken, and how many remain. A field that the layout
// does not ask for is needed if nothing else tells where a single payload ends, and
// if ffmpeg would take the few bytes left over for a broken payload and complain.
func (b *Builder) padding(spare int) (t LengthType, fill int) {
	t = b.layout.Padding
	if t == None && b.layout.Length == None && !b.strips(spare) &&
		(!b.layout.Multiple || spare < payloadMin) {
		t = Word
	}
	if t == Byte && spare-1 > 0xFF && !b.layout.Strip {
		t = Word
	}
	for t.Width() > spare {
		t--
	}
	return t, spare - t.Width()
}

// strips reports whether a packet with spare bytes to spare is sent without them. A
// few bytes behind multiple payloads stay, see padding.
func (b *Builder) strips(spare int) bool {
	return b.layout.Strip && !(b.layout.Multiple && b.layout.Length == None && spare < payloadMin)
}

// finish completes the packet that is being filled and queues it.
func (b *Builder) finish() {
	if b.count == 0 {
		return
	}
	start, strip := len(b.out), b.strips(b.spare())
	t, fill := b.padding(b.spare())
	size := b.layout.PacketSize - fill // of the packet without the fill
	if strip {
		fill = 0
	}
	b.appendFields(t, fill)
	b.out = append(b.out, b.body...)
	b.out = append(b.out, make([]byte, fill)...)
	if t != None {
		size += fill
	}
	putField(b.out[start:], 3+2, b.layout.Length, size)
	b.ends = append(b.ends, len(b.out))
	b.body, b.count, b.started, b.open = b.body[:0], 0, false, compressed{}
}

// appendFields appends everything before the payloads; the packet length is
// filled in later.
func (b *Builder) appendFields(t LengthType, fill int) {
	lf := uint8(b.layout.Length)<<lfLengthShift | uint8(t)<<lfPaddingShift
	if b.layout.Multiple {
		lf |= lfMultiple
	}
	b.out = append(b.out, ecPresent|2, 0, 0, lf, propertyFlags)
	b.out = append(b.out, make([]byte, b.layout.Length.Width()+t.Width())...)
	putField(b.out, len(b.out)-t.Width(), t, fill)
	b.out = wire.AppendU32(b.out, b.sendAt)
	b.out = wire.AppendU16(b.out, uint16(min(b.lastAt-b.layout.Preroll-b.sendAt, 0xFFFF)))
	if b.layout.Multiple {
		b.out = append(b.out, uint8(Word)<<payloadLengthTypeShift|uint8(b.count))
	}
}
