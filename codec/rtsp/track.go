package rtsp

import (
	"time"

	"streampump/codec/rtp"
	"streampump/codec/sdp"
)

const (
	// maxLate is how far a packet's number may be behind the newest and be a late one or
	// one that came twice (RFC 3550 A.1). Viewers get no packet behind a later one.
	maxLate = 100
	// maxHole is the step in the numbers that is too long for a hole (RFC 3550 A.1): from
	// there on, the source has begun anew, and nobody knows what is missing. ffmpeg loses a
	// packet more behind such a hole (farHole).
	maxHole = 3000
	// quiet is how long a sender is silent before another's packet is taken for its
	// follower's at once. Until then there have to be two in a row: some cameras mix in
	// packets of a connection that has ended.
	quiet = 500 * time.Millisecond
)

// trackState is a track of a programme. Its numbers go on whatever the source's do.
type trackState struct {
	// Set once.
	index    int
	ssrc     uint32
	pictures bool // decoding starts at key frames
	whole    bool // each packet stands alone: there are no access units
	reorders bool // timestamps go back and forth

	formats []formatState // of the present source
	timing  timing
	report  reportState
	unit    unit

	// The source.
	known   bool // a packet has come: theirs, seq
	theirs  uint32
	seq     uint16        // its newest number
	at      time.Duration // when that came
	torn    bool          // packets are missing between that and the one before it
	aside   aside
	resumes bool // the next packet is the first of a source that follows another

	// Viewers.
	sent     bool   // a packet has gone out: last
	last     uint16 // the number of the newest that went out
	shift    uint16 // what is added to the source's numbers
	renumber bool   // shift is to be found anew: the next that goes out follows last
	waiting  bool   // for a key frame of its own
	packets  uint32 // that went out
	octets   uint32 // of payload, that went out

	missing [][]byte // parameter sets that only the new source's description has
	gave    [][]byte // those that the newest packet had in front
}

// formatState is a payload format of a track.
type formatState struct {
	theirs uint8 // the source's payload type
	ours   uint8
	look   rtp.Format
	stale  bool // the description has older parameter sets than the packets had
}

// formatsOf makes the formats of a source's track, whose payload types become those of
// the programme's. Both have the same number of formats.
func formatsOf(ours, theirs *sdp.Media) []formatState {
	out := make([]formatState, len(ours.Formats))
	for i := range out {
		f := &theirs.Formats[i]
		encoding, _ := describe(theirs, f)
		look, _, _ := newFormat(f, encoding)
		out[i] = formatState{theirs: f.Type, ours: ours.Formats[i].Type, look: look}
		addSets(look, f)
	}
	return out
}

// format is the one of a payload type; nil if there is none.
func (t *trackState) format(typ uint8) *formatState {
	for i := range t.formats {
		if t.formats[i].theirs == typ {
			return &t.formats[i]
		}
	}
	return nil
}

// arrived is what a packet is to those before it.
type arrived uint8

const (
	follows arrived = iota // it comes behind the newest; some may be missing in between
	late                   // it does not: it came before, or is too late
	strange                // it is another sender's
	begins                 // nothing is known of what was before it
)

// aside is another sender's packet that was left out. If its next one follows, both are
// the beginning of what comes.
type aside struct {
	full bool // there is one
	ssrc uint32
	next uint16 // the number that would follow
	time uint32
	data []byte // empty if it was too long to keep
}

// put notes a packet.
func (a *aside) put(p *rtp.Packet, data []byte) {
	a.full, a.ssrc, a.next, a.time, a.data = true, p.SSRC, p.Seq+1, p.Time, a.data[:0]
	if len(data) <= maxHeldBytes {
		a.data = append(a.data, data...)
	}
}

// precedes reports whether p is the next packet of the same sender.
func (a *aside) precedes(p *rtp.Packet) bool {
	return a.full && p.SSRC == a.ssrc && p.Seq == a.next
}

// follow says what a packet is to those before it, and notes it. before is the packet of
// the same sender that was left out before it, if that begins a source; it is valid until
// the next call.
func (t *trackState) follow(p *rtp.Packet, data []byte, at time.Duration) (what arrived, before []byte) {
	switch step := int16(p.Seq - t.seq); {
	case !t.known:
		return begins, t.begin(p, at)
	case p.SSRC != t.theirs:
		if at-t.at < quiet && !t.aside.precedes(p) {
			t.aside.put(p, data)
			return strange, nil
		}
		return begins, t.begin(p, at)
	case step <= 0 && step >= -maxLate:
		return late, nil
	case step < 0 || step >= maxHole:
		return begins, t.begin(p, at)
	}
	t.torn = p.Seq != t.seq+1
	t.seq, t.at, t.aside.full = p.Seq, at, false
	return follows, nil
}

// begin makes the packet the first of a source, or the second, behind before.
func (t *trackState) begin(p *rtp.Packet, at time.Duration) (before []byte) {
	t.unit.reset()
	if t.aside.precedes(p) {
		before = t.aside.data
		if len(before) == 0 && p.Time == t.aside.time {
			t.unit.behead(p)
		}
	}
	t.known, t.theirs, t.seq, t.at, t.torn, t.aside.full = true, p.SSRC, p.Seq, at, false, false
	t.renumber = t.sent
	return before
}

// number gives the packet its number. Where the source begins anew, the first that goes
// out follows the newest that did, behind the parameter sets that are put in front.
func (t *trackState) number(seq uint16) uint16 {
	if t.renumber && t.unit.count == 0 {
		t.shift = t.last + 1 + uint16(len(t.missing)) - seq
	}
	return seq + t.shift
}

// appendPacket appends a packet of the source in a frame, with our numbers.
func (t *trackState) appendPacket(dst, packet []byte, typ uint8, seq uint16, line int64) []byte {
	start := len(dst)
	dst = appendFrame(dst, packetChannel(t.index), packet)
	rtp.Rewrite(dst[start+frameHead:], typ, seq, uint32(line), t.ssrc)
	return dst
}

// appendMissing appends the parameter sets that viewers do not have, as packets at the
// time of the one that follows them, whose number is seq.
func (t *trackState) appendMissing(dst []byte, seq uint16, line int64) []byte {
	seq -= uint16(len(t.missing))
	for _, nal := range t.missing {
		p := rtp.Packet{Type: t.formats[0].ours, Seq: seq, Time: uint32(line), SSRC: t.ssrc, Payload: nal}
		start := len(dst)
		dst = p.Append(appendFrame(dst, packetChannel(t.index), nil))
		setFrame(dst[start:])
		t.count(len(nal))
		seq++
	}
	t.missing = nil
	return dst
}

// count counts a packet that goes out.
func (t *trackState) count(payload int) {
	t.packets++
	t.octets += uint32(payload)
}
