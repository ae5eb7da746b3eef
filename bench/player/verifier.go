package player

import (
	"encoding/binary"
	"fmt"
)

// Bounds of the verifier.
const (
	// maxHeader bounds a header put together from pieces: a megabyte is two
	// hundred times what Expression Encoder 4 sends.
	maxHeader = 1 << 20
	// onePiece is the longest header, or piece of one, in a $H: [MS-WMSP]
	// 2.2.3.1.2 has room for three bytes more, and VLC refuses them.
	onePiece = 1<<16 - framingSize - mmsSize
)

// AFFlags of $H [MS-WMSP] 2.2.3.1.2.
const (
	pieceFirst = 0x04
	pieceLast  = 0x08
)

// Options say what a verifier may see. The zero value is the strictest: an
// open-source MMSH player on a stream whose encoder never restarts.
type Options struct {
	// Plain: the body is raw ASF, the header and packets of full size, as
	// players that do not speak MMSH get it.
	Plain bool
	// Switch: the viewer is a Windows Media Player that told what it supports,
	// so $E(1) $C $H may come.
	Switch bool
	// AnyStart: the first packet need not start a key frame; so it is where a
	// joiner waited for one in vain.
	AnyStart bool
	// Splices is how many times media objects may begin again without a gap in the
	// LocationIds, as they do where a clip starts again; below 0 as often as they like.
	// Each begins with a key frame, and no object is broken off: where one is, as when
	// an encoder is lost and comes back, packets are missing, and the LocationIds must
	// tell.
	Splices int
	// Rounds reports whether the stream may be a looping file, so that it begins again
	// at the file's end: asked where media objects do not follow although no packet is
	// missing. A round begins with a key frame when every object before it is whole,
	// and all begin with the same packet, so that what a pump loses is not taken for
	// one. nil is never: what is checked by the pattern says itself where it begins.
	Rounds func() bool
	// Records is how many data packets are remembered for [Compare], the
	// first ones; 0 remembers none.
	Records int
	// Began is called for each data packet that begins a media object, with
	// the stream and the first bytes of the last one it begins, valid until it
	// returns: what the encoder made last before the packet left it. nil is
	// not called. Objects in compressed payloads are passed over.
	Began func(stream uint8, first []byte)
	// Object is called with every whole media object; an error it returns is
	// a broken [RuleBytes]. nil checks no bytes. See [Pattern].
	Object func(*Object) error
}

// Counts is what a verifier saw.
type Counts struct {
	Bytes   int64 // of the body
	Packets int64 // data packets
	Headers int   // whole headers
	// Gaps is how often packets are missing, Missing how many; a plain viewer
	// has no numbers and cannot tell how many.
	Gaps, Missing int64
	Splices       int   // how often media objects began again and nothing is missing
	Rounds        int   // how often a file began again
	KeyStarts     int64 // data packets in which a key frame begins
	Objects       int64 // whole media objects
	// Cut counts media objects that a gap or a splice broke off, Tails
	// payloads whose object began where the viewer was not there.
	Cut, Tails  int64
	First, Last uint32 // LocationIds of the first and the newest data packet
	SendTime    uint32 // of the newest data packet, in ms
	Ended       bool   // $E(0) came
}

// phase is what a verifier waits for, [MS-WMSP] 3.1.5.
type phase uint8

const (
	phaseHeader  phase = iota // the first $H, or more pieces of it
	phaseHeaded               // the header is whole; $D or $E follows
	phaseData                 // $D has come; $D, $E or $C follows
	phaseEntry                // $E(1) has come; $C follows
	phaseChanged              // $C has come; $H follows
	phaseOver                 // $E(0) has come; only more of it may follow
)

// phaseKinds are the kinds of packet that each phase takes.
var phaseKinds = [...]string{
	phaseHeader: "H", phaseHeaded: "DE", phaseData: "DEC",
	phaseEntry: "C", phaseChanged: "H", phaseOver: "E",
}

// Verifier judges the body that a viewer gets. It is used by one goroutine.
// Memory: one packet, one header and one media object per stream, and the
// records that were asked for; in steady state Write allocates nothing.
type Verifier struct {
	o       Options
	c       Counts
	fault   error
	phase   phase
	framing Framing
	at      int64 // where the current packet began

	head   []byte // the header, or the pieces of it so far
	pieces uint32 // how many
	facts  *facts

	joined   bool // a data packet of this header has come
	location uint32
	affs     affMode
	aff      uint8 // the next one if they count
	packet   dataPacket
	round    uint64     // what a file begins with, see [Record.Content]
	tracks   [128]track // by stream number
	deliver  func(*Object) error
	records  []Record
	scratch  []byte // content of a packet, to be hashed
	chunk    []byte // plain: the packet under way
}

// affMode is how the server fills AFFlags of data packets.
type affMode uint8

const (
	affUnknown affMode = iota // all were 0 and there was one at most
	affZero
	affCount
)

// NewVerifier makes a verifier for one viewer's body.
func NewVerifier(o Options) *Verifier {
	v := &Verifier{o: o}
	v.deliver = v.deliverObject
	return v
}

// Counts is what was seen so far.
func (v *Verifier) Counts() Counts { return v.c }

// Header is the newest whole header, or nil; the verifier may overwrite it at
// the next Write.
func (v *Verifier) Header() []byte {
	if v.facts == nil {
		return nil
	}
	return v.head
}

// Records are the remembered data packets; they belong to the verifier.
func (v *Verifier) Records() []Record { return v.records }

// Err is the [Fault] that ended the verification, or nil.
func (v *Verifier) Err() error { return v.fault }

// Write takes the next bytes of the body, in pieces of any size, and keeps no
// hold of them. Its error is the first [Fault]; after that it takes nothing.
func (v *Verifier) Write(b []byte) (int, error) {
	total := len(b)
	for len(b) > 0 && v.fault == nil {
		n := v.step(b)
		v.c.Bytes += int64(n)
		b = b[n:]
	}
	return total - len(b), v.fault
}

// step takes bytes up to the end of at most one packet.
func (v *Verifier) step(b []byte) int {
	if v.o.Plain {
		return v.plain(b)
	}
	if v.framing.Held() == 0 {
		v.at = v.c.Bytes
	}
	n, p, ok, err := v.framing.Next(b)
	if err != nil {
		v.broken(RuleFraming, "%v", err)
	} else if ok {
		v.mms(&p)
	}
	return n
}

// End tells the verifier that the connection is at its end.
func (v *Verifier) End() error {
	held := v.framing.Held() + len(v.chunk)
	if v.o.Plain && v.facts == nil {
		held += len(v.head)
	}
	if v.fault == nil && held > 0 {
		v.broken(RuleTorn, "the stream ends %d bytes into a packet", held)
	}
	return v.fault
}

// broken notes the first fault.
func (v *Verifier) broken(r Rule, format string, args ...any) {
	if v.fault == nil {
		v.fault = &Fault{Rule: r, At: v.at, Packet: v.c.Packets, What: fmt.Sprintf(format, args...)}
	}
}

// mms judges one MMS packet.
func (v *Verifier) mms(p *Packet) {
	switch {
	case p.Burst:
		v.broken(RuleBurst, "$%c has the B flag", p.Kind)
	case p.Kind != KindHeader && p.Kind != KindData && p.Kind != KindEnd && p.Kind != KindChange:
		v.broken(RuleKind, "a packet of kind %q came", p.Kind)
	case !v.expected(p.Kind):
		v.broken(RuleOrder, "$%c came where only %q may", p.Kind, phaseKinds[v.phase])
	case p.Kind == KindHeader || p.Kind == KindData:
		v.mmsData(p)
	default:
		v.mmsReason(p)
	}
}

func (v *Verifier) expected(kind byte) bool {
	for i := range len(phaseKinds[v.phase]) {
		if phaseKinds[v.phase][i] == kind {
			return true
		}
	}
	return false
}

// mmsData judges $H and $D.
func (v *Verifier) mmsData(p *Packet) {
	switch {
	case p.Confirm != p.Length:
		v.broken(RuleConfirm, "$%c has length %d and PacketSize %d", p.Kind, p.Length, p.Confirm)
	case p.Kind == KindHeader:
		v.piece(p)
	default:
		v.phase = phaseData
		v.aFFlags(p.AFFlags)
		v.data(p.LocationID, p.Payload)
	}
}

// mmsReason judges $E and $C.
func (v *Verifier) mmsReason(p *Packet) {
	change := p.Kind == KindChange || p.Reason != 0
	switch {
	case len(p.Payload) != 0:
		v.broken(RuleReason, "$%c has %d bytes behind its reason", p.Kind, len(p.Payload))
	case p.Kind == KindEnd && p.Reason > 1, p.Kind == KindChange && p.Reason != 0:
		v.broken(RuleReason, "$%c has reason %#x", p.Kind, p.Reason)
	case change && !v.o.Switch:
		v.broken(RuleOrder, "$%c(%d) came to a viewer that cannot switch", p.Kind, p.Reason)
	case p.Kind == KindChange:
		v.phase = phaseChanged
	case p.Reason == 1:
		v.phase = phaseEntry
	default:
		v.phase, v.c.Ended = phaseOver, true
	}
}

// piece takes in one $H: the whole header, or one of several pieces.
func (v *Verifier) piece(p *Packet) {
	if v.pieces == 0 {
		v.head, v.facts = v.head[:0], nil
	}
	first, last := p.AFFlags&pieceFirst != 0, p.AFFlags&pieceLast != 0
	switch {
	case p.LocationID != v.pieces || first != (v.pieces == 0) || p.AFFlags&^(pieceFirst|pieceLast) != 0:
		v.broken(RulePieces, "piece %d of the header has LocationId %d and AFFlags %02x", v.pieces, p.LocationID, p.AFFlags)
		return
	case len(p.Payload) > onePiece:
		v.broken(RulePieces, "a $H has %d bytes of the header, VLC takes %d", len(p.Payload), onePiece)
		return
	case len(v.head)+len(p.Payload) > maxHeader:
		v.broken(RuleHeader, "the header passes %d bytes", maxHeader)
		return
	}
	v.pieces++
	v.head = append(v.head, p.Payload...)
	if !last {
		return
	}
	if v.pieces > 1 && len(v.head) <= onePiece {
		v.broken(RulePieces, "a header of %d bytes came in %d pieces", len(v.head), v.pieces)
		return
	}
	v.pieces = 0
	v.header()
}

// header judges the whole header and begins its part of the stream.
func (v *Verifier) header() {
	f, err := parseFacts(v.head)
	if err != nil {
		v.broken(RuleHeader, "the header is none: %v", err)
		return
	}
	if !f.broadcast {
		v.broken(RuleHeader, "the header does not say that the stream is live")
		return
	}
	v.facts, v.joined, v.phase = f, false, phaseHeaded
	v.c.Headers++
	v.loseAll()
	for i := range v.tracks {
		v.tracks[i].known = false
	}
}

// aFFlags judges AFFlags of a data packet: a server sends 0 always, or counts
// its data packets modulo 256.
func (v *Verifier) aFFlags(a uint8) {
	switch {
	case v.affs == affUnknown && v.c.Packets == 0:
		if a != 0 {
			v.broken(RuleAFFlags, "the first data packet has AFFlags %d", a)
		}
	case v.affs == affUnknown && a == 0:
		v.affs = affZero
	case v.affs == affUnknown && a == 1:
		v.affs = affCount
	case v.affs == affZero && a == 0, v.affs == affCount && a == v.aff:
	default:
		v.broken(RuleAFFlags, "AFFlags %d came where %d was next", a, v.aff)
	}
	v.aff = 0
	if v.affs == affCount {
		v.aff = a + 1
	}
}

// plain takes bytes of a raw ASF body: the header, then chunks of packet size.
func (v *Verifier) plain(b []byte) int {
	if v.facts == nil {
		return v.plainHeader(b)
	}
	if len(v.chunk) == 0 {
		v.at = v.c.Bytes
		if size := v.facts.packetSize; len(b) >= size {
			v.data(uint32(v.c.Packets), b[:size])
			return size
		}
	}
	n := min(v.facts.packetSize-len(v.chunk), len(b))
	v.chunk = append(v.chunk, b[:n]...)
	if len(v.chunk) == v.facts.packetSize {
		v.data(uint32(v.c.Packets), v.chunk)
		v.chunk = v.chunk[:0]
	}
	return n
}

// plainHeader gathers the header of a raw ASF body.
func (v *Verifier) plainHeader(b []byte) int {
	want := objectHeadSize
	if len(v.head) >= objectHeadSize {
		want = int(binary.LittleEndian.Uint64(v.head[guidSize:])) + dataHeadSize
	}
	n := min(want-len(v.head), len(b))
	v.head = append(v.head, b[:n]...)
	if len(v.head) < want {
		return n
	}
	size, err := headerSize(v.head)
	switch {
	case err != nil:
		v.broken(RuleHeader, "the header is none: %v", err)
	case len(v.head) == size:
		v.header()
	}
	return n
}
