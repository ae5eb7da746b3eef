package asf

import (
	"time"

	"streampump/codec/wire"
)

// headerParser collects what the objects tell, in whatever order they come.
type headerParser struct {
	h        *Header
	streams  [streamNumbers]*stream // at top level
	hidden   [streamNumbers]*stream // in extended properties
	extended [streamNumbers]extended
	bitrates [streamNumbers]uint32
	inside   []int // offsets of the objects that lie around the present one
	spares   []spareBytes
}

// extended is what an Extended Stream Properties Object tells of a stream.
type extended struct {
	bitrate       uint32
	noCleanPoints bool
	extensions    []byte
}

// parse reads the whole of h.live.
func (p *headerParser) parse() error {
	b := p.h.live
	end := len(b) - dataHead
	if err := p.list(0, b[headerHead:end], headerHead, end, p.topLevel); err != nil {
		return err
	}
	if wire.GUID(b[end:end+wire.GUIDSize]) != guidData {
		return headerError(end, "no Data Object follows")
	}
	return p.finish()
}

// topLevel reads an object that lies directly in the Header Object.
func (p *headerParser) topLevel(o object) error {
	switch o.id {
	case guidFileProps:
		return p.fileProps(o)
	case guidStreamProps:
		return addStream(&p.streams, o)
	case guidStreamBitrates:
		p.streamBitrates(o)
	case guidHeaderExtension:
		b, at, err := extensionObjects(o)
		if err != nil {
			return err
		}
		return p.list(o.at, b, at, o.at+o.size(), p.inExtension)
	}
	return nil
}

// inExtension reads an object of the Header Extension.
func (p *headerParser) inExtension(o object) error {
	if o.id == guidExtStreamProps {
		return p.extendedStream(o)
	}
	return nil
}

// fileProps reads the File Properties Object [ASF 3.2].
func (p *headerParser) fileProps(o object) error {
	h := p.h
	if h.filePropsAt != 0 {
		return headerError(o.at, "file properties come twice")
	}
	h.filePropsAt = o.at
	r := wire.NewReader(o.body)
	r.Skip(80 - objectHead)
	preroll := r.U64()
	h.flags = r.U32()
	smallest, largest := r.U32(), r.U32()
	h.bitrate = r.U32()
	switch {
	case !r.OK():
		return headerError(o.at, "the file properties are cut short")
	case smallest != largest:
		return headerError(o.at+92, "packets of %d to %d bytes: only one size is possible in a stream", smallest, largest)
	case smallest < PacketSizeMin || smallest > PacketSizeMax:
		return headerError(o.at+92, "a packet size of %d bytes is not between %d and %d", smallest, PacketSizeMin, PacketSizeMax)
	case preroll > prerollMax:
		return headerError(o.at+80, "a preroll of %d ms is beyond an hour", preroll)
	}
	h.packetSize = int(smallest)
	h.preroll = time.Duration(preroll) * time.Millisecond
	return nil
}

// addStream reads a Stream Properties Object and adds the stream to those found in
// the same place.
func addStream(to *[streamNumbers]*stream, o object) error {
	s, err := parseStream(o)
	if err != nil {
		return err
	}
	if to[s.Number] != nil {
		return headerError(o.at, "stream %d is described twice", s.Number)
	}
	to[s.Number] = &s
	return nil
}

// streamBitrates reads the Stream Bitrate Properties Object [ASF 3.12]. Its
// figures are for display: what is cut short is unknown.
func (p *headerParser) streamBitrates(o object) {
	r := wire.NewReader(o.body)
	for range r.U16() {
		number, rate := r.U16()&0x7F, r.U32()
		if !r.OK() {
			return
		}
		p.bitrates[number] = rate
	}
}

// extendedStream reads an Extended Stream Properties Object and the stream that
// may be hidden in it [ASF 4.1].
func (p *headerParser) extendedStream(o object) error {
	const noCleanPoints = 4
	var e extended
	r := wire.NewReader(o.body)
	r.Skip(16) // start and end time
	e.bitrate = r.U32()
	r.Skip(24) // buffer, its fullness, the three alternates, largest object
	e.noCleanPoints = r.U32()&noCleanPoints != 0
	number := r.U16() & 0x7F
	r.Skip(2 + 8) // language, time per frame
	names, systems := r.U16(), r.U16()
	skipNames(&r, names)
	from := r.Offset()
	skipSystems(&r, systems)
	if !r.OK() {
		return headerError(o.at, "the extended properties of stream %d are cut short", number)
	}
	e.extensions = o.body[from:r.Offset()]
	p.extended[number] = e
	end := o.at + o.size()
	rest := r.Rest()
	if len(rest) == 0 {
		return nil
	}
	return p.list(o.at, rest, end-len(rest), end, p.hiddenStream)
}

// skipNames passes over the stream names of Extended Stream Properties.
func skipNames(r *wire.Reader, count uint16) {
	for range count {
		r.Skip(2)
		r.Skip(int(r.U16()))
		if !r.OK() {
			return
		}
	}
}

// skipSystems passes over the payload extension systems.
func skipSystems(r *wire.Reader, count uint16) {
	for range count {
		r.Skip(wire.GUIDSize + 2)
		r.Skip(int(min(r.U32(), HeaderMax))) // more than that is never there
		if !r.OK() {
			return
		}
	}
}

// hiddenStream reads an object behind Extended Stream Properties: the Stream
// Properties Object that may lie there. Anything else is left alone.
func (p *headerParser) hiddenStream(o object) error {
	if o.id != guidStreamProps {
		return nil
	}
	return addStream(&p.hidden, o)
}

// finish joins what was collected.
func (p *headerParser) finish() error {
	h := p.h
	if h.filePropsAt == 0 {
		return headerError(headerHead, "it has no file properties")
	}
	for number, s := range p.streams {
		if s == nil {
			// For a stream described in both places the top level counts, where all players
			// look.
			s = p.hidden[number]
		}
		if s == nil {
			continue
		}
		e := &p.extended[number]
		s.NoCleanPoints, s.extensions = e.noCleanPoints, e.extensions
		s.Bitrate = firstOf(e.bitrate, s.Bitrate, p.bitrates[number])
		h.keys[number] = ruleFor(&s.Stream)
		h.hasVideo = h.hasVideo || s.Kind == Video
		h.streams = append(h.streams, *s)
	}
	if len(h.streams) == 0 {
		return headerError(headerHead, "it describes no stream")
	}
	h.rank()
	return nil
}

// firstOf is the first value that is not zero.
func firstOf(values ...uint32) uint32 {
	for _, v := range values {
		if v != 0 {
			return v
		}
	}
	return 0
}
