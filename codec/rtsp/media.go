package rtsp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
	"streampump/codec/sdp"
)

// media is a source's description, as far as viewers get it. It is immutable and shared.
type media struct {
	d       *sdp.Session
	list    []track
	id      uint64 // of the o= line: what is described
	version uint64 // of the o= line: how often it was described before
	lead    int    // the track whose key frames viewers start at; none if they start anywhere
	video   int    // the first track with pictures; none if there is none
	audio   int    // the first track with sound; none if there is none
}

// none stands for a track that there is not.
const none = -1

// track is one media of a description. Its packets go out under one SSRC and one payload
// type for each format, whatever the source's are.
type track struct {
	control  string // the control attribute as the source spelled it; empty if it has none
	encoding string // in upper case, of the first format; empty if unknown
	typ      uint8  // payload type of the first format
	clock    uint32 // units of the timestamps in a second
	pictures bool   // decoding starts at key frames, and these can be told
	blank    []byte // a payload of the first format that says nothing; empty if there is none
	ssrc     uint32
}

var _ codec.Media = (*media)(nil)

// newMedia takes a description, whose media are the tracks in its order: those that
// are not set up have been left out of it. It keeps d, which must not be changed any more.
// An error is the operator's sentence on why the description cannot be carried.
func newMedia(d *sdp.Session) (*media, error) {
	m := &media{d: d, version: 1, lead: none, video: none, audio: none}
	id := newHash()
	for i := range d.Media {
		s := &d.Media[i]
		if err := s.Check(); err != nil {
			return nil, fmt.Errorf("track %d of the description (SDP), %s, %w", i+1, s.Kind, err)
		}
		id.addMedia(s)
		t := newTrack(s)
		switch {
		case s.Kind == "video" && m.video == none:
			m.video = i
		case s.Kind == "audio" && m.audio == none:
			m.audio = i
		}
		if t.pictures && m.lead == none {
			m.lead = i
		}
		m.list = append(m.list, t)
	}
	m.id = uint64(id.short())
	for i := range m.list {
		m.list[i].ssrc = id.ssrc(i)
	}
	return m, nil
}

func newTrack(s *sdp.Media) track {
	f := &s.Formats[0]
	encoding, clock := describe(s, f)
	look, pictures, known := newFormat(f, encoding)
	return track{
		control: s.Control, encoding: encoding, typ: f.Type, clock: clock, pictures: pictures && known, blank: rtp.Blank(look),
	}
}

const (
	// pictureClock is that of all formats of pictures that do not say theirs.
	pictureClock = 90000
	// soundClock is that of sound that does not say its own: telephony's.
	soundClock = 8000
	// maxClock is the fastest that is believed; the fastest in use counts microseconds.
	maxClock = 100_000_000
)

// describe is the name and the clock of a format: the description's, or those of its
// static type.
func describe(s *sdp.Media, f *sdp.Format) (encoding string, clock uint32) {
	encoding, clock = f.Encoding, f.Clock
	if known, ok := rtp.Static(f.Type); ok && encoding == "" {
		encoding, clock = known.Name, known.Clock
	}
	switch {
	case clock > 0 && clock <= maxClock:
	case s.Kind == "audio":
		clock = soundClock
	default:
		clock = pictureClock
	}
	return encoding, clock
}

// newFormat makes what looks into the payloads of a format.
func newFormat(f *sdp.Format, encoding string) (look rtp.Format, pictures, known bool) {
	return rtp.FormatOf(encoding, func(name string) string {
		value, _ := f.Param(name)
		return value
	})
}

// tracks are the tracks in the description's order, which is that of the channels. They
// must not be changed.
func (m *media) tracks() []track { return m.list }

// names reports whether a track has a format of a payload type.
func (m *media) names(track int, typ uint8) bool {
	return slices.ContainsFunc(m.d.Media[track].Formats, func(f sdp.Format) bool { return f.Type == typ })
}

// appendSDP appends the description that a viewer gets, whose tracks have addresses
// under base: the stream's address as the viewer spelled it, absolute, without query and
// without a slash at its end. name is the stream's.
func (m *media) appendSDP(dst []byte, base, name string) []byte {
	return m.d.Append(dst, sdp.Identity{ID: m.id, Version: m.version, Name: name, Base: base})
}

// appendBye appends that a track is over, on its channel for reports.
func (m *media) appendBye(dst []byte, track int) []byte {
	start := len(dst)
	dst = appendFrame(dst, reportChannel(track), nil)
	dst = rtp.AppendBye(dst, m.list[track].ssrc)
	setFrame(dst[start:])
	return dst
}

// inForm reports whether a viewer in form f is sent a track.
func (m *media) inForm(f codec.Form, track int) bool {
	switch f {
	case codec.Video:
		return track == m.video
	case codec.Audio:
		return track == m.audio
	default:
		return true
	}
}

// String implements [codec.Media].
func (m *media) String() string {
	var words []string
	for i := range m.list {
		words = append(words, m.d.Media[i].Kind+" "+m.list[i].String())
	}
	if rate := m.Bitrate(); rate > 0 {
		return fmt.Sprintf("%s; %d kbit/s", strings.Join(words, ", "), rate/1000)
	}
	return strings.Join(words, ", ")
}

// String is what the track carries, for the operator.
func (t *track) String() string {
	if t.encoding == "" {
		return "of payload type " + strconv.Itoa(int(t.typ))
	}
	return fmt.Sprintf("%s, %d Hz", t.encoding, t.clock)
}

// NewProgramme implements [codec.Media].
func (m *media) NewProgramme() codec.Programme { return newProgramme(m) }

// MIME implements [codec.Media].
func (m *media) MIME() string { return "application/sdp" }

// Bitrate implements [codec.Media]. Many encoders give a figure for some tracks only:
// their sum would be taken for that of all.
func (m *media) Bitrate() uint32 {
	var kilobits uint64
	for i := range m.d.Media {
		one := uint64(m.d.Media[i].Kilobits)
		if one == 0 {
			kilobits = uint64(m.d.Kilobits)
			break
		}
		kilobits += one
	}
	return uint32(min(kilobits*1000, 1<<32-1))
}

// Preroll implements [codec.Media]: how much a player buffers is its own affair.
func (m *media) Preroll() time.Duration { return 0 }

// KeyFrames implements [codec.Media].
func (m *media) KeyFrames() bool { return m.lead != none }

// hash makes the numbers of a description from what it describes: the same from the
// same, so that the edges of one origin agree, and no two SSRCs alike.
type hash uint64

// FNV-1a, of 64 bits.
const (
	hashStart hash = 14695981039346656037
	hashPrime hash = 1099511628211
)

func newHash() *hash {
	h := hashStart
	return &h
}

func (h *hash) add(s string) {
	for _, c := range []byte(s) {
		*h = (*h ^ hash(c)) * hashPrime
	}
	*h = (*h ^ 0xFF) * hashPrime // "ab" and "c" are not "a" and "bc"
}

func (h *hash) addMedia(s *sdp.Media) {
	h.add(s.Kind)
	for i := range s.Formats {
		h.add(strconv.Itoa(int(s.Formats[i].Type)))
		h.add(s.Formats[i].Map)
		h.add(s.Formats[i].Params)
	}
}

// short is a number of 32 bits: some players read no more of an o= line.
func (h *hash) short() uint32 { return uint32(*h >> 32) }

// ssrc is that of a track. The low bits count, so that they differ; 0 is what some take
// for none.
func (h *hash) ssrc(track int) uint32 {
	return (uint32(*h)|0x100)&^0xFF | uint32(track)
}
