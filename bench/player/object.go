package player

import "fmt"

// Object is one media object, put together from its payloads.
type Object struct {
	Stream uint8
	Key    bool
	Number uint32 // as in the packets; counted modulo 2^8, 2^16 or 2^32
	Time   uint32 // presentation time in ms, preroll included
	// Loose: objects of this stream may be missing before this one, because
	// the viewer joined, was skipped forward, or the encoder restarted.
	Loose bool
	Data  []byte // valid until the check returns
}

// place is where one stream stands among its media objects. It is a small
// value, so that a packet can be tried on a copy.
type place struct {
	known  bool   // number is that of the newest object
	open   bool   // that object is not whole yet
	loose  bool   // what comes next need not follow
	number uint32 // of the newest object
	size   uint32 // of the open object
	got    uint32 // bytes of it so far
	after  uint64 // how many key starts there were when the newest payload came
}

// step is what a payload does in its stream.
type step uint8

const (
	stepBegin step = iota // begins an object
	stepMore              // goes on with the open object
	stepWhole             // compressed: whole objects
	stepTail              // is the rest of an object whose beginning is not there
	stepBreak             // does not follow
)

// take moves the place past a payload; what says why it does not follow.
func (pl *place) take(p *payload) (s step, what string) {
	switch {
	case p.compressed:
		s, what = pl.whole()
	case p.begins():
		s, what = pl.begin(p)
	default:
		s, what = pl.more(p)
	}
	if s == stepBegin || s == stepMore {
		pl.got += uint32(len(p.data))
		pl.open = pl.got < pl.size
		if pl.got > pl.size {
			return stepBreak, fmt.Sprintf("object %d has %d bytes and should have %d", pl.number, pl.got, pl.size)
		}
	}
	return s, what
}

func (pl *place) whole() (step, string) {
	if pl.open && !pl.loose {
		return stepBreak, fmt.Sprintf("a compressed payload cuts object %d at byte %d", pl.number, pl.got)
	}
	*pl = place{after: pl.after}
	return stepWhole, ""
}

func (pl *place) begin(p *payload) (step, string) {
	if !pl.loose {
		if pl.open {
			return stepBreak, fmt.Sprintf("object %d begins where object %d has %d of %d bytes",
				p.number, pl.number, pl.got, pl.size)
		}
		if pl.known && p.number != (pl.number+1)&p.mask {
			return stepBreak, fmt.Sprintf("object %d follows object %d", p.number, pl.number)
		}
	}
	size := p.size
	if size == 0 { // no replicated data: the payload is the object
		size = uint32(len(p.data))
	}
	*pl = place{known: true, number: p.number, size: size, after: pl.after}
	return stepBegin, ""
}

func (pl *place) more(p *payload) (step, string) {
	if pl.loose {
		return stepTail, ""
	}
	if !pl.open || p.number != pl.number || p.offset != pl.got || p.size != 0 && p.size != pl.size {
		return stepBreak, fmt.Sprintf("bytes %d of object %d (size %d) follow byte %d of object %d (size %d)",
			p.offset, p.number, p.size, pl.got, pl.number, pl.size)
	}
	return stepMore, ""
}

// track is one stream's place and the object under way.
type track struct {
	place
	trial  place // a copy to try a packet on
	object Object
	buf    []byte
}

// lose gives up the open object; what comes next need not follow. It reports
// whether there was one.
func (t *track) lose() (cut bool) {
	cut = t.open
	t.open, t.loose = false, true
	return cut
}

// take takes a payload in and gives the objects it completes to deliver. A
// payload that does not follow is refused with what is wrong with it.
func (t *track) take(p *payload, deliver func(*Object) error) (s step, what string, err error) {
	loose := t.loose
	s, what = t.place.take(p)
	switch s {
	case stepBegin:
		t.object = Object{Stream: p.stream, Key: p.key, Number: p.number, Time: p.time, Loose: loose}
		t.buf = append(t.buf[:0], p.data...)
	case stepMore:
		t.buf = append(t.buf, p.data...)
	case stepWhole:
		what, err = t.deliverWhole(p, loose, deliver)
		if what != "" {
			s = stepBreak
		}
		return s, what, err
	default:
		return s, what, nil
	}
	if !t.open {
		t.object.Data = t.buf
		err = deliver(&t.object)
	}
	return s, "", err
}

// deliverWhole delivers the objects of a compressed payload [ASF] 5.2.3.2: each
// is a length byte and as many bytes.
func (t *track) deliverWhole(p *payload, loose bool, deliver func(*Object) error) (what string, err error) {
	rest, at := p.data, p.time
	for len(rest) > 0 {
		size := int(rest[0])
		if size >= len(rest) {
			return "an object of a compressed payload runs past its end", nil
		}
		t.object = Object{Stream: p.stream, Key: p.key, Number: p.number, Time: at, Loose: loose, Data: rest[1 : 1+size]}
		if err := deliver(&t.object); err != nil {
			return "", err
		}
		rest, loose = rest[1+size:], false
		at += uint32(p.extension[0])
	}
	return "", nil
}
