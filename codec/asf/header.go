package asf

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"streampump/codec/wire"
)

// Bounds on what a header may claim.
const (
	// HeaderMax is the largest header accepted, Data Object head included. The
	// largest seen in live use have some 16 KB; album art in a file may add
	// hundreds. What a stranger can make us hold is this much.
	HeaderMax = 1 << 20

	// PacketSizeMin still has room for a packet's own fields, one payload's, and
	// something to carry.
	PacketSizeMin = 64

	// PacketSizeMax leaves eight bytes for the carrier's own packet header
	// under a 16-bit length, which is what every carrier of ASF packets has.
	PacketSizeMax = 1<<16 - 1 - 8

	// prerollMax is how much a player may be asked to buffer, in milliseconds:
	// an hour, where real ones take seconds. Presentation times are later than
	// send times by this much, and both lie on one line of 2^32 ms: near its
	// end a preroll would leave no room for a single packet.
	prerollMax = 60 * 60 * 1000

	streamNumbers = 128 // 0 is unused
)

// Flags of the File Properties Object [ASF 3.2].
const (
	flagBroadcast = 1
	flagSeekable  = 2
)

// Header is a parsed header. It is immutable and safe to share; it holds a copy
// of the bytes it was parsed from and nothing of the caller's.
type Header struct {
	live        []byte // the copy, made fit for live use
	filePropsAt int
	packetSize  int
	preroll     time.Duration
	bitrate     uint32
	flags       uint32
	streams     []stream // by number
	keys        [streamNumbers]keyRule
	ranks       [streamNumbers]uint8 // of video streams, from 1; the best is the highest
	hasVideo    bool
}

// HeaderSize tells from its first 24 bytes how long a header is, the first 50 bytes
// of the Data Object included. ok is false while b is too short to tell. A negative n
// means that b does not begin an acceptable header; it is returned as early as that
// shows.
func HeaderSize(b []byte) (n int, ok bool) {
	if k := min(len(b), wire.GUIDSize); !bytes.Equal(b[:k], guidHeader[:k]) {
		return -1, true
	}
	if len(b) < objectHead {
		return 0, false
	}
	size := wire.U64(b[wire.GUIDSize:])
	if size < headerHead || size > HeaderMax-dataHead {
		return -1, true
	}
	return int(size) + dataHead, true
}

// ParseHeader reads a Header Object with the first 50 bytes of the Data Object behind
// it; bytes behind those are ignored. It copies what it keeps. An error is a
// [*SyntaxError].
func ParseHeader(b []byte) (*Header, error) {
	n, ok := HeaderSize(b)
	switch {
	case !ok:
		return nil, headerError(len(b), "it ends before its size")
	case n < 0 && (len(b) < objectHead || wire.GUID(b[:wire.GUIDSize]) != guidHeader):
		return nil, headerError(0, "this is not ASF")
	case n < 0:
		return nil, headerError(wire.GUIDSize, "a size of %d bytes is not between %d and %d",
			wire.U64(b[wire.GUIDSize:]), headerHead, HeaderMax-dataHead)
	case len(b) < n:
		return nil, headerError(len(b), "it ends after %d of %d bytes", len(b), n)
	}
	h, spares, err := parseLive(bytes.Clone(b[:n]))
	if err == nil && len(spares) > 0 {
		h, _, err = parseLive(without(h.live, spares))
	}
	if err != nil {
		return nil, err
	}
	h.makeLive()
	return h, nil
}

// parseLive parses a header and keeps it. It returns what belongs to no object.
func parseLive(b []byte) (*Header, []spareBytes, error) {
	p := headerParser{h: &Header{live: b}}
	if err := p.parse(); err != nil {
		return nil, nil, err
	}
	return p.h, p.spares, nil
}

// PacketSize is the size of the data packets before padding is stripped.
func (h *Header) PacketSize() int { return h.packetSize }

// Preroll is how much a player buffers before it shows anything.
func (h *Header) Preroll() time.Duration { return h.preroll }

// Bitrate is the header's own figure for everything together, in bits per
// second; 0 if it has none.
func (h *Header) Bitrate() uint32 { return h.bitrate }

// Streams lists the streams by number. The slice is the caller's.
func (h *Header) Streams() []Stream {
	out := make([]Stream, len(h.streams))
	for i := range h.streams {
		out[i] = h.streams[i].Stream
	}
	return out
}

// HasVideo reports whether there is a stream that key frames are counted on.
// Without one a viewer may start at any packet.
func (h *Header) HasVideo() bool { return h.hasVideo }

// Live is the header as it goes to viewers: the source's bytes with the
// broadcast flag set and the seekable flag cleared, without the sizes and
// durations of a file, and without bytes that belong to no object. They are
// shared and must not be changed.
func (h *Header) Live() []byte { return h.live }

// String is one line for the operator, the picture first.
func (h *Header) String() string {
	var words []string
	for _, kind := range []StreamKind{Video, Audio, Command, Other} {
		for i := range h.streams {
			if h.streams[i].Kind == kind {
				words = append(words, h.streams[i].String())
			}
		}
	}
	return fmt.Sprintf("%s; packets of %d bytes, preroll %v s", strings.Join(words, ", "), h.packetSize, h.preroll.Seconds())
}

// makeLive writes the live values over the file's. They are those of
// Expression Encoder 4, which every player examined accepts: number of packets
// unknown, no durations, the header's size as the file's, an empty Data Object.
func (h *Header) makeLive() {
	f := h.live[h.filePropsAt:]
	wire.PutU64(f[40:], uint64(len(h.live)))
	wire.PutU64(f[56:], 0xFFFFFFFF)
	wire.PutU64(f[64:], 0)
	wire.PutU64(f[72:], 0)
	wire.PutU32(f[88:], h.flags&^flagSeekable|flagBroadcast)
	d := h.live[len(h.live)-dataHead:]
	wire.PutU64(d[16:], dataHead)
	wire.PutU64(d[40:], 0)
}

// Equivalent reports whether packets under b can follow packets under a in one
// timeline without a player noticing: the same streams, coded the same way, in
// packets of the same size and with the same payload extensions. What differs between
// runs of one encoder (identifiers, dates, sizes, padding, language list, metadata,
// descriptions, order of objects, bit rates) is not compared.
func Equivalent(a, b *Header) bool {
	return a.packetSize == b.packetSize && a.preroll == b.preroll &&
		slices.EqualFunc(a.streams, b.streams, func(s, t stream) bool {
			return s.equivalent(&t) && (!s.Encrypted || bytes.Equal(a.live, b.live))
		})
}

// equivalent does not compare keys of encrypted streams, for which only the same
// header will do.
func (s *stream) equivalent(t *stream) bool {
	return s.Number == t.Number && s.kind == t.kind && s.correction == t.correction &&
		s.timeOffset == t.timeOffset && s.Encrypted == t.Encrypted &&
		s.NoCleanPoints == t.NoCleanPoints &&
		bytes.Equal(s.typeData, t.typeData) && bytes.Equal(s.corrData, t.corrData) &&
		bytes.Equal(s.extensions, t.extensions)
}
