package mmsh

import (
	"errors"
	"fmt"
	"time"

	"streampump/codec"
	"streampump/codec/asf"
)

const (
	// maxBackstep is how far a source's send time may go back from one packet
	// to the next. Rounding makes steps of some milliseconds; a clip that a
	// source plays again, or an encoder that started anew without a header,
	// makes longer ones, and VLC then drops everything as late until the old
	// time is reached again.
	maxBackstep = time.Second
	// wrapMargin is how far before 2^32 ms a programme ends: times in a packet
	// are later than its send time by the preroll and the length of what is
	// multiplexed together, and VLC freezes where one of them wraps.
	wrapMargin = time.Minute
	// maxSpan bounds what the time between two packets tells of the first
	// one's length, where the source leaves durations out as VLC does: a
	// longer time is a gap.
	maxSpan = time.Second
	// sameClock is how far a source's own times may be from where a splice
	// would place them, and be kept: a source that only repeats its header,
	// or changes what does not matter in it, goes on in its time line, and
	// guessing at it time after time would let the stream fall behind.
	sameClock = 2 * time.Second
	// maxGap is the longest gap in a source's numbers that is kept as one. At
	// a thousand packets a second it is a quarter of an hour.
	maxGap = 1 << 20
	// leadPatience is how long a video stream may go without a key frame and
	// still be the one that viewers wait for, if a lesser one has some: longer
	// than any encoder's interval, and than a stream that has stopped deserves.
	leadPatience = 30 * time.Second
)

// programme is a header and the packets that follow it, as $D packets.
//
// Only m is looked at by Head and Derive, which any goroutine may call; the
// rest belongs to whoever holds the stream's lease.
//
// Times: line is our own time line, in milliseconds and 64 bits; a source's
// 32-bit send times are followed by their differences, so that its wrap is
// none. What is added to a packet's times is the distance between the two, and
// zero until a splice or a rebase makes it otherwise.
type programme struct {
	m      *media
	rebase bool // the first packet is at 0

	started  bool
	line     int64  // send time of the last packet on our line, ms
	raw      uint32 // the source's send time of that packet
	span     int64  // how much stream that packet covers, ms
	location uint32 // LocationId of that packet
	number   uint32 // the source's number of that packet
	numbered bool   // number is valid: it is of the present source

	spliced bool   // the next packet is of another time line
	needKey bool   // and must begin a key frame
	passed  bool   // packets without one came and were passed over
	from    uint32 // the source's send time of the first of them

	lead   uint8 // rank of the video stream whose key frames viewers start at
	leadAt int64 // send time of its last one on our line, ms
	noted  note
}

var _ codec.Programme = (*programme)(nil)

// note is a set of the repairs that were reported.
type note uint8

const (
	notedRepair note = 1 << iota
	notedMalformed
	notedBackstep
)

var errRepaired = errors.New("packets come without their padding and without a length: they are given an explicit one, because players would take zeros for data")

// Media implements [codec.Programme].
func (g *programme) Media() codec.Media { return g.m }

// Head implements [codec.Programme].
func (g *programme) Head(f codec.Form) []byte { return g.m.head(f) }

// Next implements [codec.Programme].
func (g *programme) Next() codec.Programme { return &programme{m: g.m, rebase: true} }

// Splice implements [codec.Programme]. The first packet after it is given
// without what a viewer who starts there could not use ([asf.Header.AppendTrimmed]):
// the packets before it are left out, and what belongs to them would be seen
// as damage by everyone.
//
// The times do not step over the pause: see the package's documentation.
func (g *programme) Splice(m codec.Media, _ time.Duration) bool {
	n, ok := m.(*media)
	if !ok || !asf.Equivalent(g.m.h, n.h) {
		return false
	}
	g.leave()
	return true
}

// leave makes the next packet one of another time line.
func (g *programme) leave() {
	g.numbered, g.passed = false, false
	if g.started {
		g.spliced, g.needKey = true, g.m.KeyFrames()
	}
}

// Append implements [codec.Programme]: it appends a $D with LocationId,
// Incarnation 0 and AFFlags 0, the same for all viewers.
//
// A packet longer than the header's packet size is an error that wraps
// [asf.ErrTooLong]: such a source can not be carried. A malformed packet is
// left out; the first one in a programme is told of by the error, which wraps
// [codec.ErrSkip], and by the mark's Note.
func (g *programme) Append(dst []byte, ev *codec.Event) ([]byte, codec.Mark, error) {
	var p asf.Packet
	if err := p.Parse(ev.Data, g.m.h.PacketSize()); err != nil {
		mark, err := g.malformed(err)
		return dst, mark, err
	}
	rank := g.m.h.KeyRank(&p, ev.Data)
	jump := g.jumps(&p)
	if jump != 0 {
		g.leave()
	}
	if g.needKey && rank == 0 {
		g.passOver(&p)
		return dst, codec.Mark{Note: g.noteBackstep(jump)}, codec.ErrSkip
	}
	at := g.place(&p)
	key := g.leads(rank, at)
	location, ok := g.locate(ev)
	if !ok || at >= g.limit() {
		return dst, codec.Mark{}, codec.ErrProgrammeOver
	}
	start := len(dst)
	dst, repaired, err := g.appendPacket(dst, ev.Data, &p, location)
	if err != nil {
		return dst[:start], codec.Mark{}, err
	}
	if shift := uint32(at) - p.SendTime(); shift != 0 {
		if err := asf.ShiftTimes(dst[start+PrefixSize:], g.m.h.PacketSize(), shift); err != nil {
			return dst[:start], codec.Mark{}, err
		}
	}
	mark := codec.Mark{
		Key:      key,
		Trim:     key && !g.needKey && g.m.h.NeedsTrim(&p, ev.Data),
		Note:     g.noteBackstep(jump),
		SendTime: time.Duration(at) * time.Millisecond,
	}
	if repaired && mark.Note == nil {
		mark.Note = g.once(notedRepair, errRepaired)
	}
	if key {
		g.lead, g.leadAt = rank, at
	}
	g.follow(&p, ev, at, location)
	return dst, mark, nil
}

// leads reports whether a key frame of the given rank (0 is none) is one to
// start at. Of several video streams, each with key frames of its own, it is
// the best one's that count, as long as that has any.
func (g *programme) leads(rank uint8, at int64) bool {
	return rank != 0 && (rank >= g.lead || at-g.leadAt > leadPatience.Milliseconds())
}

// passOver takes note of a packet that is left out until a key frame comes:
// the time it covers goes by for viewers too.
func (g *programme) passOver(p *asf.Packet) {
	if !g.passed {
		g.passed, g.from = true, p.SendTime()
	}
}

// appendPacket appends the packet as a $D, with its times as they came.
func (g *programme) appendPacket(dst, data []byte, p *asf.Packet, location uint32) (out []byte, repaired bool, err error) {
	size, start := g.m.h.PacketSize(), len(dst)
	dst = AppendPrefix(dst, IDData, location, 0, len(data))
	switch {
	case g.needKey:
		// Trimming leaves a packet that needs none as it is, so repair comes after.
		var cut []byte
		if cut, err = g.m.h.AppendTrimmed(nil, data); err == nil {
			dst, repaired, err = asf.AppendRepaired(dst, cut, size)
		}
	case len(data) == size || p.Multiple() || p.Explicit():
		dst = append(dst, data...)
	default:
		dst, repaired, err = asf.AppendRepaired(dst, data, size)
	}
	if err == nil {
		setPayload(dst[start:], len(dst)-start-PrefixSize)
	}
	return dst, repaired, err
}

// follow takes note of a packet that was appended.
func (g *programme) follow(p *asf.Packet, ev *codec.Event, at int64, location uint32) {
	if d := int64(p.Duration()); d > 0 {
		g.span = d
	} else if step := at - g.line; g.started && !g.spliced && step > 0 {
		g.span = min(step, maxSpan.Milliseconds())
	}
	g.started, g.spliced, g.needKey, g.passed = true, false, false, false
	g.line, g.raw, g.location = at, p.SendTime(), location
	g.number, g.numbered = ev.Number, ev.Numbered
}

// jumps is by how many milliseconds a source's send time goes back where it
// should not; 0 if it does not.
func (g *programme) jumps(p *asf.Packet) int64 {
	if !g.started || g.spliced {
		return 0
	}
	if step := g.step(p); step < -maxBackstep.Milliseconds() {
		return -step
	}
	return 0
}

// step is how far the source's send time has gone on, modulo 2^32.
func (g *programme) step(p *asf.Packet) int64 { return int64(int32(p.SendTime() - g.raw)) }

// place is where on our time line the packet is, in milliseconds.
func (g *programme) place(p *asf.Packet) int64 {
	switch {
	case g.spliced:
		gap, step := g.span, g.step(p)
		if g.passed {
			gap += max(int64(int32(p.SendTime()-g.from)), 0)
		}
		if step >= 0 && max(step-gap, gap-step) <= sameClock.Milliseconds() {
			return g.line + step
		}
		return g.line + gap
	case g.started:
		return max(g.line+g.step(p), 0)
	case g.rebase || int64(p.SendTime()) >= g.limit():
		// A source that begins this close to its wrap is moved at once: a
		// programme that ends before its first packet serves nobody.
		return 0
	default:
		return int64(p.SendTime())
	}
}

// limit is where the time line is used up.
func (g *programme) limit() int64 {
	return 1<<32 - (g.m.h.Preroll() + wrapMargin).Milliseconds()
}

// locate is the packet's LocationId: from 0, and as far from the one before as
// in the source, so that gaps stay gaps. It never repeats and never goes back;
// ok is false where it would wrap.
func (g *programme) locate(ev *codec.Event) (location uint32, ok bool) {
	if !g.started {
		return 0, true
	}
	step := uint32(1)
	if d := ev.Number - g.number; ev.Numbered && g.numbered && d > 0 && d <= maxGap {
		step = d
	}
	return g.location + step, g.location+step > g.location
}

// malformed sorts out what is wrong with a packet.
func (g *programme) malformed(err error) (codec.Mark, error) {
	if errors.Is(err, asf.ErrTooLong) {
		return codec.Mark{}, err
	}
	if g.once(notedMalformed, err) == nil {
		return codec.Mark{}, codec.ErrSkip
	}
	return codec.Mark{Note: err}, fmt.Errorf("%w: %w", codec.ErrSkip, err)
}

func (g *programme) noteBackstep(ms int64) error {
	if ms == 0 || g.noted&notedBackstep != 0 {
		return nil
	}
	back := time.Duration(ms) * time.Millisecond
	return g.once(notedBackstep, fmt.Errorf("the source's clock went back by %v: its times are shifted so that the stream's goes on", back))
}

// once is err the first time a note is made, and nil from then on.
func (g *programme) once(n note, err error) error {
	if g.noted&n != 0 {
		return nil
	}
	g.noted |= n
	return err
}

// Derive implements [codec.Programme]. The trimmed form keeps the LocationId.
// A packet that can not be made over, which no primary form is, stays as it is.
func (g *programme) Derive(dst, primary []byte, f codec.Form, trim bool) (out []byte, alias bool) {
	h, packet := g.m.h, primary[PrefixSize:]
	if trim {
		cut, err := h.AppendTrimmed(nil, packet)
		if err == nil {
			packet = cut
		}
	}
	if f != codec.Plain {
		if !trim {
			return primary, true
		}
		start := len(dst)
		dst = append(append(dst, primary[:PrefixSize]...), packet...)
		setPayload(dst[start:], len(packet))
		return dst, false
	}
	if len(packet) == h.PacketSize() {
		if !trim {
			return packet, true
		}
		return append(dst, packet...), false
	}
	out, err := asf.AppendInflated(dst, packet, h.PacketSize())
	if err != nil {
		return packet, true
	}
	return out, false
}
