package rtmp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"streampump/codec"
	"streampump/codec/amf"
	"streampump/codec/flv"
)

// media is what a source sends: its tracks, and what stood before them when it was
// described. It is immutable and shared.
type media struct {
	tracks []track // pictures first, then by their id
	set    preamble
	// lead is how many milliseconds the first message of the source is later than the
	// earliest of those that came with it, so that the programme can begin at 0.
	lead uint32
}

// track is the messages of one type and track id. Two are the same for a player if they
// are equal: a decoder takes new headers, but no other codec.
type track struct {
	typ   uint8 // typeVideo or typeAudio
	id    uint8 // 0 but for several tracks of a type (Enhanced RTMP)
	codec flv.Codec
}

// maxTracks is how many tracks a source may have. OBS sends up to six of a type.
const maxTracks = 16

var _ codec.Media = (*media)(nil)

// compareTracks orders tracks as a media has them.
func compareTracks(a, b track) int {
	return cmp.Or(-cmp.Compare(a.typ, b.typ), cmp.Compare(a.id, b.id))
}

// equivalent reports whether players that were given media a can go on with the messages
// of b.
func equivalent(a, b *media) bool { return slices.Equal(a.tracks, b.tracks) }

// find is the track of a type and an id.
func (m *media) find(typ, id uint8) (t track, ok bool) {
	i := slices.IndexFunc(m.tracks, func(t track) bool { return t.typ == typ && t.id == id })
	if i < 0 {
		return track{}, false
	}
	return m.tracks[i], true
}

// has reports whether there is a track of a type.
func (m *media) has(typ uint8) bool {
	return slices.ContainsFunc(m.tracks, func(t track) bool { return t.typ == typ })
}

// withSet is the media with another preamble.
func (m *media) withSet(set preamble) *media {
	n := *m
	n.set, n.lead = set, 0
	return &n
}

// leads reports whether viewers start at the key frames of a track: the first one with
// pictures, or any if there are none.
func (m *media) leads(typ, id uint8) bool {
	first := m.tracks[0]
	return first.typ == typ && (typ == typeAudio || first.id == id)
}

// NewProgramme implements [codec.Media].
func (m *media) NewProgramme() codec.Programme { return newProgramme(m) }

// MIME implements [codec.Media]: it is what the tags are, if not the file.
func (m *media) MIME() string { return "video/x-flv" }

// Preroll implements [codec.Media]: how much a player buffers is its own affair.
func (m *media) Preroll() time.Duration { return 0 }

// KeyFrames implements [codec.Media].
func (m *media) KeyFrames() bool { return m.has(typeVideo) }

// maxKilobits is the most that metadata is believed.
const maxKilobits = 4_000_000

// Bitrate implements [codec.Media]. It is known if the metadata says it of each type.
func (m *media) Bitrate() uint32 {
	var sum float64
	for typ, name := range map[uint8]string{typeVideo: "videodatarate", typeAudio: "audiodatarate"} {
		rate := m.number(name)
		if m.has(typ) && rate <= 0 {
			return 0
		}
		if m.has(typ) {
			sum += rate
		}
	}
	return uint32(min(sum, maxKilobits) * 1000)
}

// number is a figure of the metadata; 0 if it has none of that name.
func (m *media) number(name string) float64 {
	v, _ := metadataOf(m.set.metadata)
	if f, ok := v.Field(name); ok && f.Marker == amf.Number && f.Number >= 0 {
		return f.Number
	}
	return 0
}

// String implements [codec.Media].
func (m *media) String() string {
	words := make([]string, 0, len(m.tracks))
	for _, t := range m.tracks {
		words = append(words, m.describe(t))
	}
	if rate := m.Bitrate(); rate > 0 {
		return fmt.Sprintf("%s; %d kbit/s", strings.Join(words, ", "), rate/1000)
	}
	return strings.Join(words, ", ")
}

// describe is what a track carries, for the operator.
func (m *media) describe(t track) string {
	s := t.codec.String()
	if t.id > 0 {
		s += fmt.Sprintf(" (track %d)", t.id)
	}
	config := m.config(t)
	switch {
	case t.typ == typeVideo && t.id == 0:
		if w, h := m.number("width"), m.number("height"); w >= 1 && h >= 1 && w <= maxSide && h <= maxSide {
			s += fmt.Sprintf(" %.0fx%.0f", w, h)
		}
		if t.codec == flv.OldAVC || t.codec == flv.EnhancedAVC {
			s += inBrackets("avcC ", flv.AVC(config))
		}
	case t.codec == flv.OldAAC || t.codec == flv.EnhancedAAC:
		if d := flv.AAC(config); d != "" {
			s += "-" + d
		}
	}
	return s
}

// config is what a track's header has for the decoder, of codecs that the operator is told
// something of; empty if it is not known, or the header names its tracks.
func (m *media) config(t track) []byte {
	header := m.set.find(partKey{t.typ, t.id, partHeader})
	head := enhancedHead
	switch t.codec {
	case flv.OldAVC:
		head = avcHead
	case flv.OldAAC:
		head = aacHead
	}
	return header[min(len(header), head):]
}

// maxSide is the largest width and height that the operator is told.
const maxSide = 1 << 16

// Bytes of a header's tag before what is for the decoder.
const (
	avcHead      = 5 // type and codec, packet type, composition offset
	aacHead      = 2 // format, packet type
	enhancedHead = 5 // packet type, FourCC
)

// inBrackets is a remark behind a word; empty if there is nothing to remark.
func inBrackets(what, s string) string {
	if s == "" {
		return ""
	}
	return " (" + what + s + ")"
}
