package flvsynth

import (
	"time"

	"streampump/bench/amf0"
)

// Tag is a tag of a source, as RTMP sends it: a message's type, time and body.
type Tag struct {
	Type uint8
	Time uint32
	// Body is the caller's.
	Body []byte
	// Due is when it is due, from the source's first.
	Due time.Duration
}

// Source makes the tags of a Spec, one after the other. It is used by one goroutine.
type Source struct {
	Spec
	next   [2]uint32 // numbers, by track
	header bool      // the new sequence header has been made
}

// New begins a run.
func New(s Spec) *Source { return &Source{Spec: s} }

// Sent is how many tags of a track have been made, without headers.
func (s *Source) Sent(t Track) int { return int(s.next[t]) }

// Preamble is what an encoder sends first: the metadata, as encoders set it, and the
// sequence headers.
func (s *Source) Preamble() (all []Tag) {
	if !s.Bare {
		all = append(all, Tag{Type: TypeData, Body: amf0.Append(nil, "@setDataFrame", "onMetaData", s.about())})
	}
	for _, t := range s.Tracks {
		all = append(all, Tag{Type: typeOf(t), Time: s.Time, Body: s.Header(t, s.next[t])})
	}
	return all
}

// Next makes the tag that is due next. A picture comes before sound of the same time, and
// a new sequence header just before its picture.
func (s *Source) Next() Tag {
	t := s.turn()
	n := s.next[t]
	tag := Tag{Type: typeOf(t), Time: s.At(t, n), Due: s.due(t, n)}
	if t == Video && s.NewHeader > 0 && int(n) >= s.NewHeader && s.isKey(t, n) && !s.header {
		s.header = true
		tag.Body = s.Header(t, n)
		return tag
	}
	s.next[t]++
	tag.Body = s.body(t, n)
	return tag
}

// turn is which track is next.
func (s *Source) turn() Track {
	if len(s.Tracks) == 1 {
		return s.Tracks[0]
	}
	if s.due(Video, s.next[Video]) <= s.due(Audio, s.next[Audio]) {
		return Video
	}
	return Audio
}

// Skip leaves out tags of a track: they are made and lost.
func (s *Source) Skip(t Track, n int) { s.next[t] += uint32(n) } //nolint:gosec // tests skip few

// ToKey returns how many tags, sound included, are still to be made until the next is a key
// frame. It is 0 there.
func (s *Source) ToKey() (n int) {
	look := *s
	for look.turn() != s.Tracks[0] || !look.isKey(look.turn(), look.next[look.turn()]) {
		look.Next()
		n++
	}
	return n
}
