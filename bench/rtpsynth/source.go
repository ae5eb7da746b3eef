package rtpsynth

import (
	"encoding/binary"
	"slices"
	"time"
)

// Packet is an RTP or RTCP packet of a source.
type Packet struct {
	// Index is the track's place in the description.
	Index int
	// Report says that it is RTCP.
	Report bool
	// Bytes are the caller's.
	Bytes []byte
	// Due is when it is due, from the source's first packet.
	Due time.Duration
}

// Source makes the packets of a Spec, one after the other. It is used by one goroutine.
type Source struct {
	Spec
	next   [2]uint32 // numbers, by track
	octets [2]uint32 // of the payloads that were made, for reports
	last   Track     // of the newest packet
}

// New begins a run.
func New(s Spec) *Source { return &Source{Spec: s} }

// Sent is how many packets of a track have been made.
func (s *Source) Sent(t Track) int { return int(s.next[t]) }

// Last is the track of the newest packet.
func (s *Source) Last() Track { return s.last }

// Next makes the packet that is due next. The packets of a picture come one behind the
// other.
func (s *Source) Next() Packet {
	t, index := s.turn()
	n := s.next[t]
	s.next[t]++
	s.last = t
	b := s.packet(t, n)
	s.octets[t] += uint32(len(b) - HeaderSize)
	return Packet{Index: index, Bytes: b, Due: s.due(t, n)}
}

// turn is which track is next. A picture that has begun is finished first, and comes
// before sound of the same time.
func (s *Source) turn() (t Track, index int) {
	t = s.Tracks[0]
	if len(s.Tracks) > 1 {
		t = Audio
		if s.Inside() || s.due(Video, s.next[Video]) <= s.due(Audio, s.next[Audio]) {
			t = Video
		}
	}
	return t, slices.Index(s.Tracks, t)
}

// Inside reports whether a picture has begun and has not ended.
func (s *Source) Inside() bool {
	n := s.next[Video]
	return n > 0 && s.place(n).picture == s.place(n-1).picture
}

// Skip leaves out packets of a track: they are made and lost.
func (s *Source) Skip(t Track, n int) { s.next[t] += uint32(n) }

// PicturesTo returns how many packets, sound included, are still to be made until the
// pictures are at the beginning of a key frame. It is 0 there.
func (s *Source) PicturesTo() (n int) {
	look := *s
	for int(look.next[Video])%s.PerGOP() != 0 {
		look.Next()
		n++
	}
	return n
}

// Report is a sender report (RFC 3550, 6.4.1) of the track with that place in the
// description, at the time of its next packet.
func (s *Source) Report(index int) Packet {
	t := s.Tracks[index]
	due := s.due(t, s.next[t])
	b := make([]byte, 0, 28)
	b = append(b, 0x80, 200, 0, 6)
	b = binary.BigEndian.AppendUint32(b, s.SSRC[t])
	b = binary.BigEndian.AppendUint64(b, ntp(s.Clock.Add(due)))
	b = binary.BigEndian.AppendUint32(b, s.Time[t]+uint32(s.ticks(t, s.next[t])))
	b = binary.BigEndian.AppendUint32(b, s.next[t])
	b = binary.BigEndian.AppendUint32(b, s.octets[t])
	return Packet{Index: index, Report: true, Bytes: b, Due: due}
}

// Bye is the end of a track, behind an empty receiver report (RFC 3550, 6.6).
func (s *Source) Bye(index int) Packet {
	ssrc := s.SSRC[s.Tracks[index]]
	b := binary.BigEndian.AppendUint32([]byte{0x80, 201, 0, 1}, ssrc)
	b = binary.BigEndian.AppendUint32(append(b, 0x81, 203, 0, 1), ssrc)
	return Packet{Index: index, Report: true, Bytes: b}
}

// epoch is from NTP's beginning to Unix's (RFC 5905, 6).
const epoch = 2_208_988_800

// ntp is a time in NTP's form.
func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+epoch)<<32 | uint64(t.Nanosecond())<<32/1_000_000_000
}

// fromNTP is its inverse.
func fromNTP(v uint64) time.Time {
	return time.Unix(int64(v>>32)-epoch, int64(v&0xFFFF_FFFF*1_000_000_000>>32))
}
