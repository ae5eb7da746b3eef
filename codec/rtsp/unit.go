package rtsp

import "streampump/codec/rtp"

// Bounds of what is kept of an access unit whose first picture has not come.
const (
	maxHeld      = 16
	maxHeldBytes = 8 << 10
)

// unit is the access unit of a track that is being received. It begins where the
// timestamp changes: markers are set by some encoders at each slice, and never by others.
//
// Delimiters, parameter sets and their like are held until the first of a picture
// decides whether viewers can start there, and go out in front of it, in one piece:
//
//	[AUD] [SPS] [PPS] [SEI] [slice …]   a key frame begins at AUD
type unit struct {
	open    bool   // there is one
	ts      uint32 // its timestamp, the source's
	decided bool   // it is known whether viewers can start at it
	begun   bool   // some of it has gone out
	marked  bool   // its newest packet had the marker
	liar    bool   // this source sets markers inside access units

	held   []byte // frames
	count  int
	octets int    // of payload
	seq    uint16 // the first one's number, ours
}

// reset forgets the access unit, and what was held of it.
func (u *unit) reset() {
	u.open, u.decided, u.begun, u.marked, u.liar = false, false, false, false, false
	u.drop()
}

// drop forgets what is held.
func (u *unit) drop() { u.held, u.count, u.octets = u.held[:0], 0, 0 }

// next notes a packet, and reports whether it begins an access unit.
func (u *unit) next(p *rtp.Packet) (first bool) {
	first = !u.open || p.Time != u.ts
	if first {
		u.decided, u.begun = false, false
	} else if u.marked {
		u.liar = true
	}
	u.open, u.ts, u.marked = true, p.Time, p.Marker
	return first
}

// inside reports whether viewers have the beginning of the access unit, and not, as far
// as can be known, its end.
func (u *unit) inside() bool { return u.begun && (!u.marked || u.liar) }

// room reports whether another packet of so many bytes can be held.
func (u *unit) room(size int) bool {
	return u.count < maxHeld && len(u.held)+size <= maxHeldBytes
}
