package mmsh

import (
	"errors"
	"fmt"
	"time"

	"streampump/codec"
	"streampump/codec/asf"
)

const (
	// wrapMargin is how far before 2^32 ms a programme ends: times in a packet
	// are later than its send time by the preroll and the length of what is
	// multiplexed together, and VLC freezes where one of them wraps.
	wrapMargin = time.Minute
	// maxGap is the longest gap in a source's numbers that is kept as one. At a
	// thousand packets a second it is over a quarter of an hour.
	maxGap = 1 << 20
	// leadPatience is how long a video stream may go without a key frame and still be
	// the one that viewers wait for, if a lesser one has some: longer than any
	// encoder's interval, and longer than a stream that has stopped deserves.
	leadPatience = 30 * time.Second
)

// programme is a header and the packets that follow it, as $D packets.
//
// Head and Derive, which any goroutine may call, look only at m; the rest belongs to
// whoever holds the stream's lease.
type programme struct {
	m      *media
	rebase bool // the first packet is at 0

	time timeline // of all packets
	sent timeline // of those that went out

	objects objects // of the packets that went out

	location uint32 // LocationId of the newest packet, sent or left out
	number   uint32 // the source's number of that packet
	numbered bool   // number is valid: it is of the present source

	lead   uint8 // rank of the video stream whose key frames viewers start at
	leadAt int64 // send time of its last one on our line, ms
	noted  note
}

var _ codec.Programme = (*programme)(nil)

// note is a set of reported repairs.
type note uint8

const (
	notedRepair note = 1 << iota
	notedMalformed
	notedBack
	notedAhead
	notedAnywhere
)

var (
	errRepaired = errors.New("packets come without their padding and state no length, or a wrong one: they are repaired, because players would take zeros for data or refuse them")
	errAnywhere = errors.New("the source started over and sends no key frame: the stream goes on without one, and pictures are damaged until one comes")
)

// Media implements [codec.Programme].
func (g *programme) Media() codec.Media { return g.m }

// Head implements [codec.Programme].
func (g *programme) Head(f codec.Form) []byte { return g.m.head(f) }

// Next implements [codec.Programme].
func (g *programme) Next() codec.Programme { return &programme{m: g.m, rebase: true} }

// Miss implements [codec.Programme]: no packet says anything about another.
func (g *programme) Miss(*codec.Event) {}

// Splice implements [codec.Programme]. What was left out since the last packet
// that went out is forgotten. The times do not step over the pause: see the
// package's documentation.
func (g *programme) Splice(m codec.Media, pause time.Duration) bool {
	n, ok := m.(*media)
	if !ok || !asf.Equivalent(g.m.h, n.h) {
		return false
	}
	g.numbered = false
	if g.time.started {
		g.time = g.sent
		g.time.splice(pause > 0)
	}
	return true
}

// Append implements [codec.Programme]: it appends a $D with LocationId,
// Incarnation 0 and AFFlags 0, the same for all viewers.
//
// A packet longer than the header's packet size is an error that wraps
// [asf.ErrTooLong]: such a source cannot be carried. A malformed packet is left out:
// the error wraps [codec.ErrMalformed], and for the first one in a programme the mark has
// a Note.
//
// The packet that ends a wait for a key frame goes out without what a viewer
// who starts there could not use ([asf.Header.AppendTrimmed]): what it belongs
// to was left out, and it would be seen as damage by everyone.
func (g *programme) Append(dst []byte, ev *codec.Event) ([]byte, codec.Mark, error) {
	var p asf.Packet
	if err := p.Parse(ev.Data, g.m.h.PacketSize()); err != nil {
		mark, err := g.malformed(ev, err)
		return dst, mark, err
	}
	rank := g.m.h.KeyRank(&p, ev.Data)
	first := !g.time.started
	s := g.place(&p, ev.Data, rank)
	located := first || g.count(ev, s.cut || s.anew && g.objects.open())
	if s.cut || s.anew {
		g.objects = objects{}
	}
	waits := !s.whole && g.m.KeyFrames()
	mark := codec.Mark{Note: g.noteJump(s.jump)}
	switch {
	case waits && rank == 0 && !ev.Anywhere:
		return dst, mark, codec.ErrNoKey
	case !located || s.at >= g.limit():
		return dst, codec.Mark{}, codec.ErrProgrammeOver
	}
	start := len(dst)
	dst, repaired, err := g.appendPacket(dst, ev.Data, &p, waits && rank != 0)
	if err == nil {
		err = g.retime(dst[start+PrefixSize:], &p, &s)
	}
	if err != nil {
		return dst[:start], codec.Mark{}, err
	}
	mark.Key, mark.Start = g.leads(rank, s.at), true
	mark.Trim = mark.Key && !waits && g.m.h.NeedsTrim(&p, ev.Data)
	mark.SendTime = time.Duration(s.at) * time.Millisecond
	mark.Most = max(len(dst)-start, g.m.h.PacketSize()) // the plain form is padded
	switch {
	case mark.Note != nil:
	case waits && rank == 0:
		mark.Note = g.once(notedAnywhere, errAnywhere)
	case repaired:
		mark.Note = g.once(notedRepair, errRepaired)
	}
	if mark.Key {
		g.lead, g.leadAt = rank, s.at
	}
	s.run.whole = s.run.whole || waits || rank != 0
	g.number, g.numbered = ev.Number, ev.Numbered
	g.sent = g.time
	g.objects.follow(&p, ev.Data)
	return dst, mark, nil
}

// place is where the packet lies on our time line.
func (g *programme) place(p *asf.Packet, data []byte, rank uint8) spot {
	s := stamp{send: p.SendTime(), key: rank != 0, span: int64(p.Duration())}
	s.shown, s.timed = p.Presented(data)
	switch {
	case g.time.started:
		return g.time.next(s)
	case g.rebase || int64(s.send) >= g.limit():
		// A source that begins this close to its wrap is moved at once: a
		// programme that ends before its first packet serves nobody.
		return g.time.begin(s, 0)
	}
	return g.time.begin(s, int64(s.send))
}

// retime gives an appended packet its times on our line.
func (g *programme) retime(packet []byte, p *asf.Packet, s *spot) error {
	size := g.m.h.PacketSize()
	if s.shift != 0 {
		if err := asf.ShiftTimes(packet, size, s.shift); err != nil {
			return err
		}
	}
	if uint32(s.at) == p.SendTime()+s.shift {
		return nil
	}
	return asf.SetSendTime(packet, size, uint32(s.at))
}

// leads reports whether a key frame of the given rank (0 is none) is one to start at.
// Of several video streams, each with its own key frames, the best one's count, as
// long as it has any.
func (g *programme) leads(rank uint8, at int64) bool {
	return rank != 0 && (rank >= g.lead || at-g.leadAt > leadPatience.Milliseconds())
}

// appendPacket appends the packet as a $D, with its times as they came.
func (g *programme) appendPacket(dst, data []byte, p *asf.Packet, trim bool) (out []byte, repaired bool, err error) {
	size, start := g.m.h.PacketSize(), len(dst)
	dst = AppendPrefix(dst, IDData, g.location, 0, len(data))
	switch {
	case trim:
		// Trimming leaves a packet that does not need it as it is, so repair comes after.
		var cut []byte
		if cut, err = g.m.h.AppendTrimmed(nil, data); err == nil {
			dst, repaired, err = asf.AppendRepaired(dst, cut, size)
		}
	case len(data) == size || p.SelfDescribing(size):
		dst = append(dst, data...)
	default:
		dst, repaired, err = asf.AppendRepaired(dst, data, size)
	}
	if err == nil {
		setPayload(dst[start:], len(dst)-start-PrefixSize)
	}
	return dst, repaired, err
}

// limit is where the time line is used up.
func (g *programme) limit() int64 {
	return 1<<32 - (g.m.h.Preroll() + wrapMargin).Milliseconds()
}

// count gives the packet its LocationId: as far from the one before as in the source,
// so that gaps stay gaps. Where packets may be missing that nobody can count, there
// is a gap of one, and packets that are left out take their numbers with them; so a
// player that looks at the numbers knows every place where the stream is not whole.
// They never repeat and never go back; ok is false if they would wrap.
func (g *programme) count(ev *codec.Event, cut bool) (ok bool) {
	step := uint32(1)
	if d := ev.Number - g.number; ev.Numbered && g.numbered && d > 0 && d <= maxGap {
		step = d
	}
	if cut {
		step++
	}
	was := g.location
	g.location += step
	g.number, g.numbered = ev.Number, ev.Numbered
	return g.location > was
}

// malformed decides what becomes of a packet that does not parse.
func (g *programme) malformed(ev *codec.Event, err error) (codec.Mark, error) {
	if errors.Is(err, asf.ErrTooLong) {
		return codec.Mark{}, err
	}
	if g.time.started && !g.count(ev, false) {
		return codec.Mark{}, codec.ErrProgrammeOver
	}
	if g.once(notedMalformed, err) == nil {
		return codec.Mark{}, codec.ErrMalformed
	}
	return codec.Mark{Note: err}, fmt.Errorf("%w: %w", codec.ErrMalformed, err)
}

// noteJump reports a send time that does not fit.
func (g *programme) noteJump(ms int64) error {
	switch by := time.Duration(ms) * time.Millisecond; {
	case ms < 0 && g.noted&notedBack == 0:
		return g.once(notedBack, fmt.Errorf("the source's clock went back by %v: its times are shifted so that the stream's goes on", -by))
	case ms > 0 && g.noted&notedAhead == 0:
		return g.once(notedAhead, fmt.Errorf("the source's clock leapt ahead by %v: its times are shifted so that the stream's goes on", by))
	}
	return nil
}

// objects holds a bit for each stream whose newest media object is not whole yet.
type objects [2]uint64

// open reports whether there is one.
func (o *objects) open() bool { return o[0]|o[1] != 0 }

// follow notes the payloads of a packet.
func (o *objects) follow(p *asf.Packet, b []byte) {
	it := p.Iter(b)
	for it.Next() {
		word, bit := &o[it.Stream>>6], uint64(1)<<(it.Stream&63)
		if uint64(it.Offset)+uint64(len(it.Data)) < uint64(it.ObjectSize) {
			*word |= bit
		} else {
			*word &^= bit
		}
	}
}

// once is err the first time a note is made, and nil from then on.
func (g *programme) once(n note, err error) error {
	if g.noted&n != 0 {
		return nil
	}
	g.noted |= n
	return err
}

// AppendJoin implements [codec.Programme]: a player needs nothing but the head.
func (g *programme) AppendJoin(dst []byte, _ codec.Form, _ []byte, _ uint64) []byte { return dst }

// Datagram implements [codec.Programme]: nobody asks for any.
func (g *programme) Datagram(b []byte) (datagram []byte, channel uint8, size int) {
	return b, 0, len(b)
}

// Derive implements [codec.Programme]. The trimmed form keeps the LocationId. A
// packet that cannot be converted, which no primary form is, stays as it is.
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
