package rtsp

import (
	"cmp"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

const (
	// refreshPatience is how long a stream may be without a key frame before viewers
	// start where a picture begins to become right: some encoders send nothing else.
	refreshPatience = 10 * time.Second
	// unitPatience is how long an access unit is waited for to go on: its track may have
	// come to an end.
	unitPatience = time.Second
	// refreshInterval is how often the description is made anew at most: a source that
	// changes its parameter sets all the time must not cost more than one that does not.
	refreshInterval = time.Second
)

// programme is a description and the packets that follow it, in frames.
//
// Media, Head, AppendJoin and Derive, which any goroutine may call, look only at now and
// joins; the rest belongs to whoever holds the stream's lease.
type programme struct {
	now   atomic.Pointer[media]
	joins atomic.Pointer[[]rtp.SenderReport] // the newest, by track

	source *media // the present source's description
	tracks []trackState
	lead   int // the track whose key frames viewers start at; none if they start anywhere

	started bool
	base    time.Time     // when the first packet came
	at      time.Duration // when the newest did, since then

	waiting bool          // nothing goes out until a key frame of the lead comes
	keyAt   time.Duration // when the newest came, or the first packet
	keyless time.Duration // how long none had come when the last source went
	anew    bool          // the next packet is the first of another source
	jump    jump

	anchored bool
	epoch    uint64 // NTP time of base; follows the source's clock, which is not exactly ours
	clocks   clocks

	refreshed    time.Duration // when the description was made anew
	wasRefreshed bool          // it was

	noted note
}

var _ codec.Programme = (*programme)(nil)

func newProgramme(m *media) *programme {
	g := &programme{source: m, lead: m.lead, tracks: make([]trackState, len(m.list))}
	g.now.Store(m)
	for i := range g.tracks {
		t, own := &g.tracks[i], &m.list[i]
		t.index, t.ssrc, t.pictures = i, own.ssrc, own.pictures
		t.reorders = m.d.Media[i].Kind == "video"
		t.formats = formatsOf(&m.d.Media[i], &m.d.Media[i])
		t.whole = !t.pictures || rtp.Continuous(t.formats[0].look)
		t.timing.clock = int64(own.clock)
	}
	return g
}

// Media implements [codec.Programme].
func (g *programme) Media() codec.Media { return g.now.Load() }

// Head implements [codec.Programme]: the description belongs to the answer, since it
// holds the address that the viewer asked for.
func (g *programme) Head(codec.Form) []byte { return nil }

// Next implements [codec.Programme]. RTP's numbers wrap, so it is never needed.
func (g *programme) Next() codec.Programme { return newProgramme(g.now.Load()) }

// Derive implements [codec.Programme]: a packet, of whatever frames, is of one track.
func (g *programme) Derive(_, primary []byte, f codec.Form, _ bool) (out []byte, alias bool) {
	if g.now.Load().inForm(f, int(primary[1]>>1)) {
		return primary, true
	}
	return nil, true
}

// note is a set of reported repairs.
type note uint8

const (
	notedBack note = 1 << iota
	notedAhead
	notedAnywhere
	notedSkew
	notedMalformed
	notedType
	notedMixed
	notedLate
)

var (
	errAnywhere = errors.New("the source started over and sends no key frame: the stream goes on without one, and pictures are damaged until one comes")
	errMixed    = errors.New("the source mixes in packets of another sender (SSRC) on the same channel: they are left out")
	errRepeats  = errors.New("the source's packets (RTP) have numbers that came before, or come behind later ones: they are left out")
	errTooLong  = errors.New("an RTP packet is longer than a frame can be")
	errLate     = fmt.Errorf("%w: a packet that came twice or behind a later one", codec.ErrSkip)
	errStrange  = fmt.Errorf("%w: it is another sender's", codec.ErrSkip)
	errChannel  = fmt.Errorf("%w: it is of no track of the description", codec.ErrSkip)
	errType     = fmt.Errorf("%w: its payload type is not in the description", codec.ErrSkip)
)

// once is err the first time a note is made, and nil from then on.
func (g *programme) once(n note, err error) error {
	if g.noted&n != 0 {
		return nil
	}
	g.noted |= n
	return err
}

// Append implements [codec.Programme]. A source's packet becomes a frame with the
// numbers of its track: see [trackState]. In front of it, in the same bytes, there may be
// what was held of its access unit, and a report on the track.
//
// A packet that is left out makes a hole in its track's numbers, as one that the source
// lost does; where a source begins anew there is none.
func (g *programme) Append(dst []byte, ev *codec.Event) ([]byte, codec.Mark, error) {
	at := g.arrived(ev.At)
	i := int(ev.Channel >> 1)
	if i >= len(g.tracks) {
		return dst, codec.Mark{}, errChannel
	}
	t := &g.tracks[i]
	if rtp.IsReport(ev.Data) {
		return g.report(dst, t, ev.Data, at)
	}
	p, err := parsePacket(ev.Data)
	if err != nil {
		return dst, codec.Mark{Note: g.once(notedMalformed, err)}, codec.ErrMalformed
	}
	f := t.format(p.Type)
	if f == nil {
		return dst, codec.Mark{Note: g.noteType(t, p.Type)}, errType
	}
	what, before := t.follow(&p, ev.Data, at)
	switch what {
	case late:
		return dst, codec.Mark{Note: g.once(notedLate, errRepeats)}, errLate
	case strange:
		return dst, codec.Mark{Note: g.once(notedMixed, errMixed)}, errStrange
	}
	if len(before) > 0 {
		return g.admitBoth(dst, t, before, f, &p, ev)
	}
	return g.admit(dst, t, f, &p, ev.Data, what, ev.Anywhere)
}

// admitBoth appends a packet and, in front of it, the one that was left out before it.
func (g *programme) admitBoth(dst []byte, t *trackState, before []byte, f *formatState, p *rtp.Packet, ev *codec.Event) ([]byte, codec.Mark, error) {
	first, _ := rtp.Parse(before) // which it was before it was left out, as was its type
	dst, mark, _ := g.admit(dst, t, t.format(first.Type), &first, before, begins, ev.Anywhere)
	dst, second, err := g.admit(dst, t, f, p, ev.Data, follows, ev.Anywhere)
	if mark.Most == 0 { // the first is held, or waits for a key frame
		second.Note = cmp.Or(mark.Note, second.Note)
		return dst, second, err
	}
	mark.Most += second.Most
	return dst, mark, nil
}

// admit places a packet on its track's line and appends it, if it goes out.
func (g *programme) admit(dst []byte, t *trackState, f *formatState, p *rtp.Packet, data []byte, what arrived, anywhere bool) ([]byte, codec.Mark, error) {
	mark := codec.Mark{Note: g.time(t, p, what, g.at), SendTime: g.at}
	if anywhere {
		mark.Note = g.release(mark.Note)
	}
	dst, err := g.unit(dst, t, f, p, data, &mark)
	if err != nil {
		mark = codec.Mark{Note: mark.Note}
	}
	return dst, mark, err
}

// parsePacket parses a packet that fits a frame.
func parsePacket(b []byte) (rtp.Packet, error) {
	if len(b) > maxPacket {
		return rtp.Packet{}, errTooLong
	}
	return rtp.Parse(b)
}

// arrived is when a packet arrived, since the first one did. It never goes back.
func (g *programme) arrived(at time.Time) time.Duration {
	if !g.started {
		g.started, g.base = true, at
	}
	g.at = max(g.at, at.Sub(g.base))
	if g.anew {
		g.anew, g.keyAt = false, g.at-g.keyless
	}
	return g.at
}

// time places the packet on its track's line. A track that has begun anew waits for a key
// frame. An error is a note for the operator.
func (g *programme) time(t *trackState, p *rtp.Packet, what arrived, at time.Duration) error {
	c := &t.timing
	resumes := t.resumes || what == begins
	t.resumes = false
	if !c.known {
		c.set(p.Time, int64(p.Time), at)
		c.jumps = g.jump.number
		return g.believePending(t, at)
	}
	if !resumes {
		line, by := g.place(t, p.Time, at)
		c.set(p.Time, line, at)
		return g.noteJump(by)
	}
	if t.sent && t.pictures {
		t.waiting = true
		g.waiting = g.waiting || t.index == g.lead
	}
	line := g.resume(t, p.Time, at)
	c.set(p.Time, line, at)
	c.jumps = g.jump.number
	return g.believePending(t, at)
}

// believePending uses the report that came before the first packet.
func (g *programme) believePending(t *trackState, at time.Duration) (note error) {
	if t.report.waits {
		note, _ = g.believe(t, &t.report.pending, at)
	}
	t.report.waits = false
	return note
}

// release ends all waiting for key frames.
func (g *programme) release(note error) error {
	waited := g.waiting
	g.waiting = false
	for i := range g.tracks {
		waited = waited || g.tracks[i].waiting
		g.tracks[i].waiting = false
	}
	if waited && note == nil {
		note = g.once(notedAnywhere, errAnywhere)
	}
	return note
}

// unit decides what the packet is to its access unit, and so whether it goes out.
func (g *programme) unit(dst []byte, t *trackState, f *formatState, p *rtp.Packet, data []byte, mark *codec.Mark) ([]byte, error) {
	first := t.whole || t.unit.next(p)
	if first && !t.whole {
		g.refresh(f, t.index)
	}
	look := f.look.Look(p.Payload)
	switch {
	case t.torn && (!first || t.unit.count > 0):
		look = rtp.Other // some of the access unit is lost: it is none to start at
	case len(p.Payload) == 0:
		look = rtp.Lead // it says nothing
	}
	seq := t.number(p.Seq)
	mark.Start = t.whole
	if t.pictures && (t.whole || !t.unit.decided) {
		if !t.whole && look == rtp.Lead && t.unit.room(len(data)+frameHead) {
			return dst, t.hold(f, p, data, seq)
		}
		t.unit.decided, mark.Start = true, true
		g.decide(t, look, mark)
	}
	mark.Key = mark.Key || g.lead == none
	mark.Start = mark.Key || mark.Start && !g.inside()
	if g.waiting || t.waiting {
		t.unit.drop()
		t.renumber = t.sent
		return dst, codec.ErrNoKey
	}
	return g.emit(dst, t, f, p, data, seq, mark), nil
}

// decide says whether viewers can start at an access unit; look is what its first picture
// is.
func (g *programme) decide(t *trackState, look rtp.Look, mark *codec.Mark) {
	leads := t.index == g.lead
	if look != rtp.Key && (look != rtp.Refresh || leads && g.at-g.keyAt < refreshPatience) {
		return
	}
	if leads {
		g.waiting, mark.Key = false, true
		if look == rtp.Key {
			g.keyAt = g.at
		}
	}
	t.waiting = t.waiting && g.waiting // one that nobody gets does not count
}

// hold keeps a packet for the one that decides.
func (t *trackState) hold(f *formatState, p *rtp.Packet, data []byte, seq uint16) error {
	u := &t.unit
	if u.count == 0 {
		u.seq = seq
	}
	u.held = t.appendPacket(u.held, data, f.ours, seq, t.timing.line)
	u.count++
	u.octets += len(p.Payload)
	return codec.ErrHeld
}

// inside reports whether viewers have the beginning of an access unit and not its end.
func (g *programme) inside() bool {
	for i := range g.tracks {
		if t := &g.tracks[i]; t.unit.inside() && g.at-t.at < unitPatience {
			return true
		}
	}
	return false
}

// emit appends the packet behind what has to be in front of it: a report that is due,
// parameter sets, and what was held.
func (g *programme) emit(dst []byte, t *trackState, f *formatState, p *rtp.Packet, data []byte, seq uint16, mark *codec.Mark) []byte {
	start := len(dst)
	if t.report.due(g.at) {
		dst = g.appendMade(dst, t, g.at)
	}
	if t.gave = t.missing; len(t.missing) > 0 {
		first := seq
		if t.unit.count > 0 {
			first = t.unit.seq
		}
		dst = t.appendMissing(dst, first, t.timing.line)
	}
	dst = append(dst, t.unit.held...)
	t.packets += uint32(t.unit.count)
	t.octets += uint32(t.unit.octets)
	t.unit.drop()
	dst = t.appendPacket(dst, data, f.ours, seq, t.timing.line)
	t.count(len(p.Payload))
	t.sent, t.last, t.renumber, t.unit.begun = true, seq, false, !t.whole
	mark.Most = len(dst) - start
	if p.Marker && !t.whole {
		g.refresh(f, t.index)
	}
	return dst
}

// noteJump reports timestamps that do not fit.
func (g *programme) noteJump(by time.Duration) error {
	switch by = by.Round(time.Millisecond); {
	case by < 0 && g.noted&notedBack == 0:
		return g.once(notedBack, fmt.Errorf("the source's timestamps went back by %v: they are shifted so that the stream's go on", -by))
	case by > 0 && g.noted&notedAhead == 0:
		return g.once(notedAhead, fmt.Errorf("the source's timestamps leapt ahead by %v: they are shifted so that the stream's go on", by))
	}
	return nil
}

// noteType reports a payload type that nobody can know.
func (g *programme) noteType(t *trackState, typ uint8) error {
	if g.noted&notedType != 0 {
		return nil
	}
	return g.once(notedType, fmt.Errorf("track %d has packets of payload type %d, which the description (SDP) does not name: they are left out", t.index+1, typ))
}
