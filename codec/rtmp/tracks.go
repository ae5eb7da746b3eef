package rtmp

import (
	"bytes"
	"errors"
	"slices"

	"streampump/codec"
	"streampump/codec/flv"
)

// intake makes the engine's events of what a source sends: its header once it is known
// which tracks there are, then its messages. The zero value is ready.
//
// Nothing announces the tracks in a way that could be trusted: encoders begin with sound
// and send pictures a second later, or metadata of what never comes, or that leaves out what
// does. So messages are held until all that is announced has come, and both sound and pictures,
// or none of the other for a while; how long that may take is counted in the time of the
// messages.
type intake struct {
	media *media   // that was yielded last; nil before
	set   preamble // what the source has sent of it so far
	named []track  // those that the metadata of set names, before the header
	seen  []track  // those that have come, each with its newest codec
	hold  hold     // before the header, and while it waits to be yielded
	tags  aggregate
	buf   []byte // the body of the aggregate that tags are of
}

const (
	// maxHold and maxHolds bound what is held, in bytes and in messages. The last message may be
	// longer.
	maxHold  = 1 << 20
	maxHolds = 256
	// trackPatience is how long the other of sound and pictures is waited for that nobody has
	// announced, from the first key frame or sound on, and holdPatience how long anything, in
	// milliseconds.
	trackPatience = 500
	holdPatience  = 2000
)

var errTracks = errors.New("the source has more than 16 tracks")

// hold is messages that are kept.
type hold struct {
	list []held
	buf  []byte // their bodies
	next int    // to be yielded; none of list is before the header

	// parts are those of the preamble that what is held begins with, if one has changed
	// since; nil: those that it has now.
	parts []part

	first, newest uint32 // times, valid if timed
	timed         bool
	start         uint32 // of the first sound or key frame, valid if starts
	starts        bool
}

// held is one message in a hold.
type held struct {
	typ  uint8
	time uint32
	end  int // of its body, which begins where the last one's ends
}

// take is the event of a message of a source. more says that there are others, which more
// gives; m need not be valid then. An error in the event is the source's.
func (in *intake) take(m *message) (ev codec.Event, more bool) {
	if m.typ != typeAggregate {
		return in.one(m)
	}
	in.buf = append(in.buf[:0], m.body...)
	in.tags = newAggregate(message{typ: m.typ, stream: m.stream, time: m.time, body: in.buf})
	return in.more()
}

// maxPassed is how many messages or tags of a source that mean nothing are passed over at
// once: they count for its rate like all that it sends.
const maxPassed = 300

// more is the next event of what was given to take. The event may be none: then there may be
// no more, or a great deal was passed over.
func (in *intake) more() (ev codec.Event, more bool) {
	if in.media != nil && in.hold.next < len(in.hold.list) {
		return in.release(), in.busy()
	}
	for range maxPassed {
		m, ok, err := in.tags.next()
		if err != nil {
			return broken(err), false
		}
		if len(in.tags.rest) == 0 {
			in.tidy()
		}
		if !ok {
			return codec.Event{}, false
		}
		if ev, more = in.one(&m); ev.Kind != codec.None || more {
			return ev, more || in.busy()
		}
	}
	return codec.Event{}, in.busy()
}

// busy reports whether there is more to yield.
func (in *intake) busy() bool {
	return in.media != nil && in.hold.next < len(in.hold.list) || len(in.tags.rest) > 0
}

// tidy gives up the buffer of an aggregate that was long. Its last message may still lie
// there.
func (in *intake) tidy() {
	if in.tags = (aggregate{}); cap(in.buf) > maxKept {
		in.buf = nil
	}
}

// broken is the event of a source that breaks the protocol.
func broken(err error) codec.Event { return codec.Event{Kind: codec.Bad, Err: err} }

// one is the event of a message that is no aggregate.
func (in *intake) one(m *message) (ev codec.Event, more bool) {
	switch m.typ {
	case typeVideo:
		tag, err := flv.Video(m.body)
		return in.tag(m, tag, err)
	case typeAudio:
		tag, err := flv.Audio(m.body)
		return in.tag(m, tag, err)
	case typeData, typeData3:
		return in.data(m), false
	default:
		return ev, false
	}
}

// data is the event of a data message. Of those before the header only metadata is kept.
func (in *intake) data(m *message) (ev codec.Event) {
	body := cleanData(m.typ, m.body)
	if body == nil {
		return ev
	}
	switch string(dataName(body)) {
	case nameMetadata:
		if !bytes.Equal(in.set.metadata, body) {
			in.set.metadata = bytes.Clone(body)
			if in.media == nil {
				in.named = announced(body)
			}
		}
	case nameClear:
		in.set.metadata, in.named = nil, nil
	}
	if in.media == nil {
		return ev
	}
	return packet(typeData, m.time, body)
}

// packet is the event of a message.
func packet(typ uint8, time uint32, body []byte) codec.Event {
	return codec.Event{Kind: codec.Packet, Channel: typ, Number: time, Numbered: true, Data: body}
}

// tag is the event of a message of sound or pictures; err says that its tag cannot be read.
func (in *intake) tag(m *message, tag flv.Tag, err error) (ev codec.Event, more bool) {
	switch {
	case tag.Kind == flv.End, tag.Kind == flv.Command:
		return ev, false
	case err != nil || tag.Codec == 0:
		if in.media == nil {
			return ev, false
		}
		return packet(m.typ, m.time, m.body), false
	}
	t := track{typ: m.typ, id: tag.Track, codec: tag.Codec}
	isNew, err := in.see(t)
	if err != nil {
		return broken(err), false
	}
	part := tag.Kind == flv.Header || tag.Kind == flv.Meta
	if part && in.media == nil {
		in.hold.part(in.set, partOf(m.typ, tag), m)
	}
	if part && !in.learn(partOf(m.typ, tag), m.body) {
		return broken(errHeadSize), false
	}
	switch {
	case in.media != nil && !isNew:
		return packet(m.typ, m.time, m.body), false
	case in.media != nil:
		in.hold.add(m)
		return in.header(), true
	case !part:
		in.hold.add(m)
		in.hold.at(m.time, tag.Kind == flv.Key || m.typ == typeAudio)
	}
	if !in.known() {
		return ev, false
	}
	return in.header(), in.busy()
}

// learn takes a part of the preamble; false if that is too long then.
func (in *intake) learn(k partKey, body []byte) bool {
	in.set, _ = in.set.with(k, body)
	return in.set.size()-len(in.set.metadata) <= maxHead
}

// see notes a track that has come. isNew says that it is another than the source has had
// so far, or the first.
func (in *intake) see(t track) (isNew bool, err error) {
	i := slices.IndexFunc(in.seen, func(o track) bool { return o.typ == t.typ && o.id == t.id })
	switch {
	case i >= 0 && in.seen[i].codec == t.codec:
		return false, nil
	case i >= 0:
		in.seen[i] = t
		in.set = in.set.without(t.typ, t.id)
		in.hold.parts = preamble{parts: in.hold.parts}.without(t.typ, t.id).parts
	case len(in.seen) >= maxTracks:
		return false, errTracks
	default:
		in.seen = append(in.seen, t)
	}
	return true, nil
}

// known reports whether it is clear which tracks there are, or has to be.
func (in *intake) known() bool {
	h := &in.hold
	switch {
	case len(in.seen) == 0:
		return false
	case len(h.list) >= maxHolds, len(h.buf) >= maxHold, h.timed && since(h.first, h.newest) >= holdPatience:
		return true
	}
	for _, t := range in.named {
		if !in.came(t) {
			return false
		}
	}
	pictures, patience := in.came(track{typ: typeVideo}), int64(trackPatience)
	switch {
	case pictures && in.came(track{typ: typeAudio}):
		return true
	case !pictures && len(in.named) == 0:
		patience = holdPatience // encoders that announce nothing begin with sound
	}
	return h.starts && since(h.start, h.newest) >= patience
}

// came reports whether a track has come. The first of a type is any.
func (in *intake) came(t track) bool {
	return slices.ContainsFunc(in.seen, func(o track) bool { return o.typ == t.typ && (o.id == t.id || t.id == 0) })
}

// since is the time from one message to another, which may wrap; a clock that was set back
// in between has waited long enough.
func since(a, b uint32) int64 {
	if d := int64(int32(b - a)); d >= -maxBack {
		return d
	}
	return holdPatience
}

// header is the event of the source's description as it is now known.
func (in *intake) header() codec.Event {
	m := &media{tracks: slices.Clone(in.seen), set: in.set, lead: in.hold.lead()}
	if in.hold.parts != nil {
		m.set.parts = in.hold.parts
	}
	slices.SortFunc(m.tracks, compareTracks)
	if m.set.metadata != nil && (!m.fits(m.set.metadata) || m.set.size() > maxHead) {
		m.set.metadata = nil
	}
	in.media = m
	return codec.Event{Kind: codec.Header, Media: m}
}

// release is the event of the next message that was held.
func (in *intake) release() codec.Event {
	h := &in.hold
	one, from := h.list[h.next], 0
	if h.next > 0 {
		from = h.list[h.next-1].end
	}
	body := h.buf[from:one.end:one.end]
	if h.next++; h.next == len(h.list) {
		*h = hold{} // the event keeps the last body
	}
	return packet(one.typ, one.time, body)
}

// add keeps a message.
func (h *hold) add(m *message) {
	h.buf = append(h.buf, m.body...)
	h.list = append(h.list, held{typ: m.typ, time: m.time, end: len(h.buf)})
}

// part takes a part of the preamble, which was set up to now. One that changes keeps its place
// among what is held, because what comes before it needs the old one.
func (h *hold) part(set preamble, k partKey, m *message) {
	was := set.find(k)
	if h.parts != nil {
		set.parts = h.parts
	}
	switch {
	case len(h.list) == 0 || bytes.Equal(was, m.body):
	case was != nil:
		h.parts = set.parts
		h.add(&message{typ: m.typ, time: h.newest, body: m.body}) // many send all headers with time 0
	case h.parts != nil:
		set, _ = set.with(k, m.body)
		h.parts = set.parts
	}
}

// at notes the time of a message; starts says that a player could start at it.
func (h *hold) at(time uint32, starts bool) {
	if !h.timed {
		h.timed, h.first, h.newest = true, time, time
	}
	if int32(time-h.newest) > 0 || int32(time-h.newest) < -maxBack {
		h.newest = time
	}
	if starts && !h.starts {
		h.starts, h.start = true, time
	}
}

// lead is by how much the first message is later than the earliest.
func (h *hold) lead() (ms uint32) {
	if len(h.list) == 0 {
		return 0
	}
	first := h.list[0].time
	for _, one := range h.list {
		if by := int64(int32(first - one.time)); by > 0 && by <= maxLeap {
			ms = max(ms, uint32(by))
		}
	}
	return ms
}
