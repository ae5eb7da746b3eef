package asf

import "streampump/codec/wire"

// SelfDescribing reports whether a player that fills p up to the packet size
// with zeros, as well as one that does not, finds its payload lengths. With
// multiple payloads each length is told; a single payload's is derived from the
// packet's, which must then be told or be the whole packet size. A length that
// is told must be there.
func (p *Packet) SelfDescribing(packetSize int) bool {
	if p.Explicit() {
		return p.missing == 0
	}
	return p.Multiple() || p.size == packetSize
}

// AppendRepaired appends packet b in a form that does not depend on its own
// length. The specification lets a sender strip the padding of a packet with a
// single payload and no packet length; Windows clients then go by the outer
// length, but ffmpeg, VLC and MPlayer fill the packet up first and take the
// zeros for data. Such a packet gets an explicit packet length, or its padding
// back where there is no room for one; and one whose padding was cut off although
// it tells a length with it gets that back. Repaired tells. Any other is appended
// unchanged. Payloads keep their bytes. The error is that of [Packet.Parse];
// nothing is appended then.
func AppendRepaired(dst, b []byte, packetSize int) (out []byte, repaired bool, err error) {
	var p Packet
	if err := p.Parse(b, packetSize); err != nil {
		return dst, false, err
	}
	switch {
	case p.SelfDescribing(packetSize):
		return append(dst, b...), false, nil
	case p.Explicit():
		return append(append(dst, b...), make([]byte, p.missing)...), true, nil
	}
	size := len(b) + Word.Width()
	if size > packetSize {
		return appendInflated(dst, b, &p, packetSize), true, nil
	}
	start := len(dst)
	dst = append(dst, b[:p.lengthAt]...)
	dst[start+p.flagsAt] |= uint8(Word) << lfLengthShift
	dst = wire.AppendU16(dst, uint16(size))
	return append(dst, b[p.lengthAt:]...), true, nil
}

// AppendInflated appends packet b at the full packet size, as a file has it:
// what was stripped is filled with zeros, and the padding length says so. The
// error is that of [Packet.Parse]; nothing is appended then.
func AppendInflated(dst, b []byte, packetSize int) ([]byte, error) {
	var p Packet
	if err := p.Parse(b, packetSize); err != nil {
		return dst, err
	}
	return appendInflated(dst, b, &p, packetSize), nil
}

// appendInflated widens the padding length, or inserts one, out of the bytes
// that are missing.
func appendInflated(dst, b []byte, p *Packet, packetSize int) []byte {
	need := packetSize - len(b)
	if need == 0 || p.Explicit() || p.size == packetSize {
		return append(append(dst, b...), make([]byte, need)...)
	}
	start, was := len(dst), p.paddingType()
	is := p.inflatedPaddingType(need)
	need -= is.Width() - was.Width()
	dst = append(dst, b[:p.paddingAt]...)
	dst[start+p.flagsAt] = p.withPadding(is)
	dst = append(dst, make([]byte, is.Width())...)
	putField(dst[start:], p.paddingAt, is, p.padding+need)
	dst = append(dst, b[p.timesAt:]...)
	return append(dst, make([]byte, need)...)
}

// inflatedPaddingType is the padding length type that can say need bytes more.
// A new field takes its own bytes out of them.
func (p *Packet) inflatedPaddingType(need int) LengthType {
	switch p.paddingType() {
	case None:
		if need == 1 {
			return Byte
		}
		return Word
	case Byte:
		if p.padding+need > 0xFF {
			return Word
		}
		return Byte
	}
	return p.paddingType()
}

// ShiftTimes adds delta milliseconds, modulo 2^32, to every time in packet b,
// in place: the send time, and each payload's presentation time. Media objects
// are not touched. On an error, that of [Packet.Parse], nothing is changed. It
// allocates nothing.
func ShiftTimes(b []byte, packetSize int, delta uint32) error {
	var p Packet
	if err := p.Parse(b, packetSize); err != nil {
		return err
	}
	addU32(b[p.timesAt:], delta)
	it := p.Iter(b)
	for it.Next() {
		switch {
		case it.Compressed:
			addU32(b[it.offsetAt:], delta)
		case len(it.Replicated) >= replicatedMin:
			addU32(b[it.replicatedAt+4:], delta)
		}
	}
	return nil
}

// SetSendTime writes the send time of packet b, in place. On an error, that of
// [Packet.Parse], nothing is changed. It allocates nothing.
func SetSendTime(b []byte, packetSize int, ms uint32) error {
	var p Packet
	if err := p.Parse(b, packetSize); err != nil {
		return err
	}
	wire.PutU32(b[p.timesAt:], ms)
	return nil
}

func addU32(b []byte, delta uint32) { wire.PutU32(b, wire.U32(b)+delta) }
