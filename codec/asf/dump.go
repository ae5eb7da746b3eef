package asf

import (
	"fmt"
	"io"

	"streampump/codec/wire"
)

// DumpHeader writes header b (as [ParseHeader] takes it) as text: one line for each
// object, indented by depth, with the fields that we go by. It goes on where
// ParseHeader would refuse what objects say, as long as they can be told apart.
func DumpHeader(w io.Writer, b []byte) error {
	n, ok := HeaderSize(b)
	if !ok || n < 0 || n > len(b) {
		_, err := ParseHeader(b)
		return err
	}
	d := dumper{w: w}
	d.line("header %d bytes, %d objects", n-dataHead, wire.U32(b[objectHead:]))
	d.depth++
	if _, err := eachObject(b[headerHead:n-dataHead], headerHead, d.object); err != nil {
		return err
	}
	d.depth--
	data := b[n-dataHead:]
	d.line("%s %d bytes, file %v, %d packets", objectName(wire.GUID(data[:16])),
		wire.U64(data[16:]), wire.GUID(data[24:40]), wire.U64(data[40:]))
	return d.err
}

// dumper writes lines and remembers the first error.
type dumper struct {
	w     io.Writer
	depth int
	err   error
}

func (d *dumper) line(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.w, "%*s%s\n", 2*d.depth, "", fmt.Sprintf(format, args...))
	}
}

// object writes one object of the header and what lies in it.
func (d *dumper) object(o object) error {
	d.line("%s %d bytes", objectName(o.id), o.size())
	d.depth++
	defer func() { d.depth-- }()
	switch o.id {
	case guidFileProps:
		d.fileProps(o)
	case guidStreamProps:
		return d.stream(o)
	case guidStreamBitrates:
		d.bitrates(o)
	case guidHeaderExtension:
		b, at, err := extensionObjects(o)
		if err != nil {
			return err
		}
		_, err = eachObject(b, at, d.object)
		return err
	case guidExtStreamProps:
		return d.extended(o)
	}
	return nil
}

func (d *dumper) fileProps(o object) {
	r := wire.NewReader(o.body)
	d.line("file %v, %d bytes, created %d", r.GUID(), r.U64(), r.U64())
	d.line("%d packets, plays %d, sent in %d (100 ns)", r.U64(), r.U64(), r.U64())
	d.line("preroll %d ms, flags %#x, packets of %d to %d bytes, %d bits/s", r.U64(), r.U32(), r.U32(), r.U32(), r.U32())
}

func (d *dumper) stream(o object) error {
	s, err := parseStream(o)
	if err != nil {
		return err
	}
	d.line("%v; type %v, time offset %d", s.Stream, s.kind, s.timeOffset)
	d.line("type data %x", s.typeData)
	d.line("correction %v, data %x", s.correction, s.corrData)
	return nil
}

func (d *dumper) bitrates(o object) {
	r := wire.NewReader(o.body)
	for range r.U16() {
		number, rate := r.U16()&0x7F, r.U32()
		if !r.OK() {
			return
		}
		d.line("stream %d: %d bits/s", number, rate)
	}
}

// extended reads the object as ParseHeader does.
func (d *dumper) extended(o object) error {
	var p headerParser
	if err := p.extendedStream(o); err != nil {
		return err
	}
	number := wire.U16(o.body[48:]) & 0x7F
	e := &p.extended[number]
	d.line("stream %d: %d bits/s, no clean points %t, extensions %x", number, e.bitrate, e.noCleanPoints, e.extensions)
	for _, s := range p.hidden {
		if s != nil {
			d.line("hidden: %v", s.Stream)
		}
	}
	return nil
}

// DumpPacket writes data packet b as text: a line for the packet and one for
// each payload.
func DumpPacket(w io.Writer, b []byte, packetSize int) error {
	var p Packet
	if err := p.Parse(b, packetSize); err != nil {
		return err
	}
	d := dumper{w: w}
	d.line("packet %d of %d bytes, flags %02x %02x, length %d, padding %d, send %d ms, duration %d ms, %d payloads",
		len(b), packetSize, p.lf, p.pf, p.size, p.padding, p.sendTime, p.duration, p.count)
	d.depth++
	it := p.Iter(b)
	for it.Next() {
		d.payload(&it.Payload)
	}
	return d.err
}

func (d *dumper) payload(pl *Payload) {
	key := ""
	if pl.Key {
		key = " key"
	}
	at := pl.end - len(pl.Data)
	if pl.Compressed {
		d.line("stream %d%s object %d compressed, time %d ms, step %d ms, %d bytes at %d",
			pl.Stream, key, pl.Object, pl.Time, pl.Delta, len(pl.Data), at)
		return
	}
	d.line("stream %d%s object %d offset %d of %d, time %d ms, replicated %d, %d bytes at %d",
		pl.Stream, key, pl.Object, pl.Offset, pl.ObjectSize, pl.Time, len(pl.Replicated), len(pl.Data), at)
}
