package rtmp

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
)

// preamble is what a decoder needs before the first message of a stream: metadata, and
// the headers of the tracks. It is a value: what changes it makes another one.
type preamble struct {
	metadata []byte // the body of the message; nil if there is none
	parts    []part // in their order
}

// part is one message of a preamble besides the metadata.
type part struct {
	key  partKey
	body []byte // of the message, immutable
}

// partKey says what a part is of. There is one of each.
type partKey struct {
	typ, id uint8
	what    partKind
}

// partKind is what a part is, in the order in which they go out: OBS sends how colours are
// meant before the decoder's header.
type partKind uint8

const (
	partColours  partKind = iota // metadata of pictures (Enhanced RTMP)
	partHeader                   // a sequence header
	partChannels                 // which channel is where (Enhanced RTMP)
)

// comparePart orders parts: those of pictures first, as encoders send them.
func comparePart(p part, k partKey) int {
	return cmp.Or(-cmp.Compare(p.key.typ, k.typ), cmp.Compare(p.key.id, k.id), cmp.Compare(p.key.what, k.what))
}

// equal reports whether viewers get the same.
func (p *preamble) equal(o *preamble) bool {
	return bytes.Equal(p.metadata, o.metadata) && p.sameParts(o)
}

// sameParts reports whether they differ in their metadata at most.
func (p *preamble) sameParts(o *preamble) bool {
	return slices.EqualFunc(p.parts, o.parts, func(a, b part) bool {
		return a.key == b.key && bytes.Equal(a.body, b.body)
	})
}

// find is the body of a part; nil if there is none.
func (p *preamble) find(k partKey) []byte {
	if i, ok := slices.BinarySearchFunc(p.parts, k, comparePart); ok {
		return p.parts[i].body
	}
	return nil
}

// with is the preamble with a part, whose body is copied. changed is false if it has it
// already.
func (p preamble) with(k partKey, body []byte) (_ preamble, changed bool) {
	i, ok := slices.BinarySearchFunc(p.parts, k, comparePart)
	if ok && bytes.Equal(p.parts[i].body, body) {
		return p, false
	}
	p.parts = slices.Clone(p.parts)
	one := part{k, bytes.Clone(body)}
	if ok {
		p.parts[i] = one
	} else {
		p.parts = slices.Insert(p.parts, i, one)
	}
	return p, true
}

// without is the preamble without the parts of a track.
func (p preamble) without(typ, id uint8) preamble {
	p.parts = slices.DeleteFunc(slices.Clone(p.parts), func(o part) bool { return o.key.typ == typ && o.key.id == id })
	return p
}

// size is how many bytes the bodies have.
func (p *preamble) size() int {
	n := len(p.metadata)
	for i := range p.parts {
		n += len(p.parts[i].body)
	}
	return n
}

// sizeBeside is how many bytes the preamble takes besides those that it has of another one.
func (p *preamble) sizeBeside(o *preamble) (n int) {
	if !sameBytes(p.metadata, o.metadata) {
		n += len(p.metadata)
	}
	for i := range p.parts {
		n += partCost
		if body := p.parts[i].body; !sameBytes(body, o.find(p.parts[i].key)) {
			n += len(body)
		}
	}
	return n
}

// sameBytes reports whether two bodies are one.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// append appends the messages that are not among those with which a packet begins that
// comes next. time is that of the headers: 0 where a viewer starts. Metadata has time 0
// always: with any other, players made with libavformat take it for subtitles.
func (p *preamble) append(dst []byte, time uint32, next []byte) []byte {
	if p.metadata != nil && !leads(next, typeData, p.metadata) {
		dst = appendMedia(dst, typeData, 0, p.metadata)
	}
	for i := range p.parts {
		if part := &p.parts[i]; !leads(next, part.key.typ, part.body) {
			dst = appendMedia(dst, part.key.typ, time, part.body)
		}
	}
	return dst
}

const (
	// maxHeads is how many preambles of a programme are known at once, and maxHead the
	// most bytes of one.
	maxHeads = 64
	maxHead  = 64 << 10
	// headAge is how long a preamble is needed after the next one came, in milliseconds:
	// viewers start no further back than that.
	headAge = 60_000
)

var (
	errHeads    = errors.New("its headers change too often: 64 times within a minute")
	errHeadSize = errors.New("its headers have more than 64 KiB")
)

// head is a preamble, and from where on in the stream it holds.
//
//	video   V1 V2    V3 V4
//	audio     A1  A2    A3
//	               └ a head from V3 and A3 on
//
// Each message behind a change has a later time than all of its kind before it, so that a
// message's kind and time tell which head it is under.
type head struct {
	from   [kinds]uint32 // by kind: the first time that is under it
	made   int64         // where the stream was
	number uint32        // how many were before it
	set    preamble
}

// heads are those of a programme, from the oldest that may be asked for to the newest. They are
// not changed any more once others can see them.
type heads []head

// at is the head that a message is under: its kind and its time.
func (hs heads) at(k kind, time uint32) *head {
	for i := len(hs) - 1; i > 0; i-- {
		if hs[i].from[k] <= time {
			return &hs[i]
		}
	}
	return &hs[0]
}

// newest is the head that new messages are under.
func (hs heads) newest() *head { return &hs[len(hs)-1] }

// crowded reports whether so many were made of late that another for metadata alone has to
// wait: half of them are for what cannot.
func (hs heads) crowded(now int64) bool {
	const most = maxHeads / 2
	return len(hs) >= most && now-hs[len(hs)-most].made < headAge
}

// add is a copy with one more.
func (hs heads) add(h head) (heads, error) {
	keep := hs
	if len(keep) == maxHeads {
		if h.made-keep[1].made < headAge {
			return nil, errHeads
		}
		keep = keep[1:]
	}
	h.number = hs.newest().number + 1
	return append(slices.Clone(keep), h), nil
}

// headCost is what a head takes besides the bodies of its messages, and partCost what one of
// its parts does, in bytes.
const (
	headCost = 96
	partCost = 32
)

// size is how many bytes all heads take. What one has of the one before it is there once.
func (hs heads) size() (n int) {
	var was preamble
	for i := range hs {
		n += headCost + hs[i].set.sizeBeside(&was)
		was = hs[i].set
	}
	return n
}
