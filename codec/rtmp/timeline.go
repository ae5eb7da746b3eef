package rtmp

import "time"

// kind is a type of message that has a time line of its own: sources send those of each
// type in their order, and those of different types nearly so.
type kind uint8

const (
	audioKind kind = iota
	videoKind
	dataKind
	kinds // the number of kinds
)

// kindOf is the kind of a type of message; ok is false for one that has none.
func kindOf(typ uint8) (k kind, ok bool) {
	switch typ {
	case typeAudio:
		return audioKind, true
	case typeVideo:
		return videoKind, true
	case typeData:
		return dataKind, true
	default:
		return 0, false
	}
}

// Bounds of what one clock does, in milliseconds.
const (
	// maxBack is how far the time of a kind may go back and be held up instead: what
	// clocks that are set, and sloppy encoders, do.
	maxBack = 500
	// maxLeap is how far it may leap ahead of all others, and how far behind them a kind
	// may begin.
	maxLeap = 10_000
	// sameClock is how far from where its arrival says a message may lie, behind a gap or
	// a leap, to be taken at its word: a source that was away goes on in its own time.
	sameClock = 500
	// maxAhead is how far the stream may be ahead of its arrival: a source that begins with
	// what it has kept of the past. More than that is a clock that is too fast.
	maxAhead = 3000
	// maxLine is the latest time of a programme: an hour before the 32 bits of a message
	// end, at 49.7 days, where GStreamer's clock stops for good.
	maxLine = 1<<32 - 3_600_000
)

// timeline places a source's messages on the programme's own line, which is in
// milliseconds, begins at 0, and goes on whatever the source's clock does. The source's
// 32-bit times are followed by their differences, so that their wrap does not matter.
//
// Players freeze for as long as times leap ahead of the clock on the wall, and some end
// where times go back. So where a source begins anew, or its clock is set, time goes on by
// as much as really passed. It is a value: a message that cannot be placed is tried on a
// copy.
type timeline struct {
	started bool
	spliced bool         // the next message is another source's
	source  int64        // the source's time of the newest message, without the wrap
	shift   int64        // what is added to the source's time
	last    [kinds]int64 // the newest of each kind; -1 before there is one
	least   [kinds]int64 // what the next one of each kind has at least
	top     int64        // the furthest
	at      time.Duration
	// anchor is a place on the line, and when it was reached: where the clock on the wall
	// puts the line is counted from there.
	anchor struct {
		line int64
		at   time.Duration
	}
}

// newTimeline begins with the first message at lead.
func newTimeline(lead uint32) timeline {
	t := timeline{top: int64(lead)}
	for k := range t.last {
		t.last[k] = -1
	}
	return t
}

// fits reports whether a message can be of the same clock as those before it.
func (t *timeline) fits(k kind, line int64) bool {
	least := t.last[k] - maxBack
	if t.last[k] < 0 {
		least = max(t.top-maxLeap, -maxBack) // nothing of it can lie before the beginning
	}
	return least <= line && line <= t.top+maxLeap
}

// expected is where the clock on the wall puts a message.
func (t *timeline) expected(at time.Duration) int64 {
	return t.anchor.line + (at - t.anchor.at).Milliseconds()
}

// place places a message of pictures or sound that came at the given time with the
// source's time ts. jump is how far that is from there, if it is another clock's.
func (t *timeline) place(k kind, ts uint32, at time.Duration) (line, jump int64) {
	source := t.source + int64(int32(ts-uint32(t.source)))
	line = source + t.shift
	switch {
	case !t.started:
		source, line = int64(ts), t.top
		t.anchor.line, t.anchor.at = line, at
	case t.spliced:
		line = t.resume(line, at)
	case !t.fits(k, line):
		placed := t.resume(line, at)
		jump, line = line-placed, placed
	}
	t.started, t.spliced = true, false
	t.source, t.shift = source, line-source
	line = max(line, t.last[k], t.least[k], 0)
	t.last[k], t.top, t.at = line, max(t.top, line), at
	t.drift(at)
	return line, jump
}

// drift keeps the anchor near the line. All that comes in the first moment came before it
// in truth, having been held until the tracks were known.
func (t *timeline) drift(at time.Duration) {
	switch ahead := t.top - t.expected(at); {
	case ahead > 0 && at == t.anchor.at:
		t.anchor.line = t.top
	case ahead > maxAhead:
		t.anchor.line, t.anchor.at = t.top-maxAhead, at
	}
}

// resume is where the first message of another clock lies, whose own time would put it at
// own: there, if that is near where the clock on the wall puts it, which is behind all
// others, and by no more than the time since the newest of them.
func (t *timeline) resume(own int64, at time.Duration) int64 {
	line, most := t.expected(at), t.top+max((at-t.at).Milliseconds(), 1)
	if line > most {
		line = most
		t.anchor.line, t.anchor.at = line, at
	}
	line = max(line, t.top+1)
	if own > t.top && max(own-line, line-own) <= sameClock {
		return own
	}
	return line
}

// aside places a message that has no part in the clock: with its own time, if that is
// sensible, and not behind the others.
func (t *timeline) aside(k kind, ts uint32) (line int64) {
	line = t.source + int64(int32(ts-uint32(t.source))) + t.shift
	if line > t.top || line < max(t.top-maxLeap, 0) {
		line = t.top
	}
	line = max(line, t.last[k], t.least[k], 0)
	t.last[k] = line
	return line
}

// divide makes whatever comes from now on later than all of its kind so far. It returns
// where each kind goes on.
func (t *timeline) divide() (from [kinds]uint32) {
	for k := range t.last {
		t.least[k] = t.last[k] + 1
		from[k] = uint32(t.least[k])
	}
	return from
}
