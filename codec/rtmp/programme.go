package rtmp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"streampump/codec"
	"streampump/codec/flv"
)

// programme is a media and its messages, as whole chunks.
//
// Media, AppendJoin, Derive and Datagram, which any goroutine may call, look only at now
// and heads; the rest belongs to whoever holds the stream's lease.
type programme struct {
	now   atomic.Pointer[media]
	heads atomic.Pointer[heads]

	kept    int       // bytes of all heads
	set     preamble  // that of the next message: the newest head's, or one that differs
	changed bool      // it differs
	owed    []partKey // parts of it that viewers have not been sent; they come with the next message of their type
	meant   bool      // the metadata of it is owed as well
	swings  int       // changes of headers that no message has followed

	started bool
	base    time.Time     // when the first message came
	at      time.Duration // when the newest did, since then
	line    timeline
	waiting bool // nothing goes out until a key frame comes
	noted   note
}

var _ codec.Programme = (*programme)(nil)

func newProgramme(m *media) *programme {
	g := &programme{set: m.set, line: newTimeline(m.lead)}
	g.now.Store(m)
	g.put(heads{{set: g.set}})
	return g
}

// Media implements [codec.Programme].
func (g *programme) Media() codec.Media { return g.now.Load() }

// Head implements [codec.Programme]: what a viewer needs first depends on where it starts,
// and is part of what AppendJoin gives it.
func (g *programme) Head(codec.Form) []byte { return nil }

// Next implements [codec.Programme].
func (g *programme) Next() codec.Programme { return newProgramme(g.now.Load().withSet(g.set)) }

// Derive implements [codec.Programme]: there is one form.
func (g *programme) Derive(_, primary []byte, _ codec.Form, _ bool) (out []byte, alias bool) {
	return primary, true
}

// Datagram implements [codec.Programme]. No viewer has ports.
func (g *programme) Datagram(b []byte) (datagram []byte, channel uint8, size int) {
	return b, 0, len(b)
}

// note is a set of reported repairs.
type note uint8

const (
	notedBack note = 1 << iota
	notedAhead
	notedAnywhere
	notedMalformed
	notedMetadata
)

var (
	errAnywhere = errors.New("the source started over and sends no key frame: the stream goes on without one, and pictures are damaged until one comes")
	errUnread   = errors.New("the source sends audio or video tags that end within their head: they are left out")
	errMetadata = errors.New("the source's metadata names a track that it does not send: it is left out, because players would wait for that track")
	errEqual    = fmt.Errorf("%w: viewers have it already", codec.ErrSkip)
	errStray    = fmt.Errorf("%w: it is of no track of the stream", codec.ErrSkip)
	errLate     = fmt.Errorf("%w: it is in the place of what viewers have not been sent yet", codec.ErrSkip)
	errNothing  = fmt.Errorf("%w: it says nothing to viewers", codec.ErrSkip)
)

// once is err the first time a note is made, and nil from then on.
func (g *programme) once(n note, err error) error {
	if g.noted&n != 0 {
		return nil
	}
	g.noted |= n
	return err
}

// Splice implements [codec.Programme]. Headers may differ, metadata may, and so may all
// else: viewers get what has changed in front of the key frame with which they go on.
func (g *programme) Splice(m codec.Media, _ time.Duration) bool {
	n, ok := m.(*media)
	now := g.now.Load()
	if !ok || !equivalent(now, n) {
		return false
	}
	g.line.spliced = g.started
	g.waiting = g.started && now.KeyFrames()
	if n == now {
		g.repeat() // there may have been no memory for what was sent last
		return true
	}
	g.replace(n.set)
	return true
}

// replace makes another source's preamble that of the stream. Viewers get what is not as
// they have it; what that source has not, nobody gets any more.
func (g *programme) replace(set preamble) {
	was := g.set
	if set.equal(&was) {
		return
	}
	g.owed = slices.DeleteFunc(g.owed, func(k partKey) bool { return set.find(k) == nil })
	g.meant = set.metadata != nil && (g.meant || !bytes.Equal(set.metadata, was.metadata))
	for _, p := range set.parts {
		if !bytes.Equal(p.body, was.find(p.key)) && !slices.Contains(g.owed, p.key) {
			g.owed = append(g.owed, p.key)
		}
	}
	g.set = set
	g.change()
}

// repeat makes viewers get all parts again if any has ever changed.
func (g *programme) repeat() {
	if g.heads.Load().newest().number == 0 && !g.changed {
		return
	}
	g.owed = g.owed[:0]
	for i := range g.set.parts {
		g.owed = append(g.owed, g.set.parts[i].key)
	}
	g.meant = g.set.metadata != nil
}

// Miss implements [codec.Programme]: the headers and the metadata that later messages need.
func (g *programme) Miss(ev *codec.Event) {
	var tag flv.Tag
	var err error
	switch ev.Channel {
	case typeVideo:
		tag, err = flv.Video(ev.Data)
	case typeAudio:
		tag, err = flv.Audio(ev.Data)
	case typeData:
		if string(dataName(ev.Data)) == nameMetadata {
			_, _, _ = g.metadata(nil, ev.Data)
		}
		return
	}
	t, ok := g.now.Load().find(ev.Channel, tag.Track)
	if err == nil && tag.Kind == flv.Header && ok && t.codec == tag.Codec {
		_ = g.header(partOf(ev.Channel, tag), ev.Data) // a source that sends too many is told of the next
	}
}

// Append implements [codec.Programme]. A source's message becomes a message with the
// stream's time; in front of it, in the same bytes, there may be headers and metadata that
// have changed.
func (g *programme) Append(dst []byte, ev *codec.Event) ([]byte, codec.Mark, error) {
	g.arrived(ev.At)
	switch ev.Channel {
	case typeVideo:
		tag, err := flv.Video(ev.Data)
		return g.tag(dst, ev, videoKind, tag, err)
	case typeAudio:
		tag, err := flv.Audio(ev.Data)
		return g.tag(dst, ev, audioKind, tag, err)
	case typeData:
		return g.data(dst, ev)
	default:
		return dst, codec.Mark{}, errStray
	}
}

// arrived notes when a message arrived. That never goes back.
func (g *programme) arrived(at time.Time) {
	if g.base.IsZero() {
		g.base = at
	}
	g.at = max(g.at, at.Sub(g.base))
}

// tag appends a message of pictures or sound; err says that its tag could not be read.
func (g *programme) tag(dst []byte, ev *codec.Event, k kind, tag flv.Tag, err error) ([]byte, codec.Mark, error) {
	if err != nil {
		return dst, codec.Mark{Note: g.once(notedMalformed, errUnread)}, codec.ErrMalformed
	}
	m := g.now.Load()
	t, ok := m.find(ev.Channel, tag.Track)
	switch {
	case tag.Kind == flv.End, tag.Kind == flv.Command:
		return dst, codec.Mark{}, errNothing
	case tag.Codec == 0 && !m.has(ev.Channel), tag.Codec != 0 && (!ok || t.codec != tag.Codec):
		return dst, codec.Mark{}, errStray
	case tag.Kind == flv.Header, tag.Kind == flv.Meta && (g.waiting || !g.started):
		return dst, codec.Mark{}, g.header(partOf(ev.Channel, tag), ev.Data)
	case tag.Kind == flv.Meta && !g.colours(partOf(ev.Channel, tag), ev.Data):
		return dst, codec.Mark{}, errEqual
	}
	leads := m.leads(ev.Channel, tag.Track)
	key := leads && (k == audioKind || tag.Kind == flv.Key)
	mark := codec.Mark{Key: key, Start: true}
	switch {
	case !g.waiting:
	case key:
		g.waiting = false
	case ev.Anywhere:
		g.waiting, mark.Note = false, g.once(notedAnywhere, errAnywhere)
	default:
		return dst, codec.Mark{}, codec.ErrNoKey
	}
	return g.emit(dst, ev, k, mark)
}

// partOf is which part of a preamble a header is.
func partOf(typ uint8, tag flv.Tag) partKey {
	what := partHeader
	switch {
	case tag.Kind == flv.Meta:
		what = partColours
	case tag.Channels:
		what = partChannels
	}
	return partKey{typ, tag.Track, what}
}

// colours takes metadata of pictures, which goes out where it stands; false if it is what
// viewers have. It makes no head of its own: sources may send it with each picture. Who
// joins gets that which came before the newest head.
func (g *programme) colours(k partKey, body []byte) (changed bool) {
	set, changed := g.set.with(k, body)
	if set.size() <= maxHead {
		g.set = set
	}
	return changed
}

// header takes a header. It is kept for the next message of its type.
func (g *programme) header(k partKey, body []byte) error {
	set, changed := g.set.with(k, body)
	switch {
	case !changed:
		return errEqual
	case set.size() > maxHead:
		return errHeadSize
	case g.swings >= maxHeads:
		return errHeads
	}
	g.owe(k, set)
	if !g.started {
		return errEqual // whoever joins gets it
	}
	return codec.ErrHeld
}

// owe makes set the preamble, of which viewers have not got the part yet.
func (g *programme) owe(k partKey, set preamble) {
	g.set = set
	if !slices.Contains(g.owed, k) {
		g.owed = append(g.owed, k)
	}
	g.swings++
	g.change()
}

// change notes that the preamble has changed.
func (g *programme) change() {
	g.changed = true
	g.restart()
}

// restart replaces the head of a programme that has no messages yet.
func (g *programme) restart() {
	if g.started {
		return
	}
	g.changed, g.owed, g.meant, g.swings = false, nil, false, 0
	g.put(heads{{set: g.set}})
	g.now.Store(g.now.Load().withSet(g.set))
}

// put makes heads those of the programme.
func (g *programme) put(hs heads) {
	g.heads.Store(&hs)
	g.kept = hs.size()
}

// keeps is how many bytes of preambles there are: behind publish one that is not among the
// heads differs in its metadata from the newest.
func (g *programme) keeps() int {
	if g.changed {
		return g.kept + len(g.set.metadata)
	}
	return g.kept
}

// emit appends a message of pictures or sound behind what is owed before it.
func (g *programme) emit(dst []byte, ev *codec.Event, k kind, mark codec.Mark) ([]byte, codec.Mark, error) {
	if err := g.publish(); err != nil {
		return dst, codec.Mark{}, err
	}
	line := g.line // on which it may turn out to have no place
	at, jump := line.place(k, ev.Number, g.at)
	if at > maxLine {
		return dst, codec.Mark{}, codec.ErrProgrammeOver
	}
	g.line, g.started = line, true
	if mark.Note == nil {
		mark.Note = g.noteJump(jump)
	}
	start := len(dst)
	dst = g.appendOwed(dst, ev.Channel, uint32(at))
	dst = appendMedia(dst, ev.Channel, uint32(at), ev.Data)
	mark.Most, mark.Kept = len(dst)-start, g.keeps()
	mark.SendTime = time.Duration(at) * time.Millisecond
	return dst, mark, nil
}

// publish makes a changed preamble that of what comes from now on. Metadata alone may have
// to wait: there are sources that send it anew with each picture.
func (g *programme) publish() error {
	if !g.changed {
		return nil
	}
	was := g.heads.Load()
	switch newest := &was.newest().set; {
	case g.set.equal(newest):
	case g.set.sameParts(newest) && was.crowded(g.line.top):
		return nil
	default:
		now, err := was.add(head{set: g.set, made: g.line.top, from: g.line.divide()})
		if err != nil {
			return err
		}
		g.put(now)
		g.now.Store(g.now.Load().withSet(g.set))
	}
	g.changed, g.swings = false, 0
	return nil
}

// appendOwed appends what viewers have not been sent of the preamble: the metadata, with
// time 0, and the headers of a type, with the time of the message behind them.
func (g *programme) appendOwed(dst []byte, typ uint8, at uint32) []byte {
	if g.meant && !g.changed {
		g.meant = false
		if g.set.metadata != nil {
			dst = appendMedia(dst, typeData, 0, g.set.metadata)
		}
	}
	if len(g.owed) == 0 {
		return dst
	}
	keep := g.owed[:0]
	for _, k := range g.owed {
		if k.typ != typ {
			keep = append(keep, k)
			continue
		}
		dst = appendMedia(dst, typ, at, g.set.find(k))
	}
	g.owed = keep
	return dst
}

// data appends a data message, or keeps it if it is metadata.
func (g *programme) data(dst []byte, ev *codec.Event) ([]byte, codec.Mark, error) {
	switch name := dataName(ev.Data); {
	case len(name) == 0:
		return dst, codec.Mark{Note: g.once(notedMalformed, errNoName)}, codec.ErrMalformed
	case string(name) == nameMetadata:
		return g.metadata(dst, ev.Data)
	case string(name) == nameClear:
		if g.set.metadata != nil {
			g.set.metadata = nil
			g.change()
		}
		return dst, codec.Mark{}, errNothing
	case !g.started:
		return dst, codec.Mark{}, errNothing
	case g.waiting:
		return dst, codec.Mark{}, codec.ErrNoKey
	}
	if err := g.publish(); err != nil {
		return dst, codec.Mark{}, err
	}
	at := g.line.aside(dataKind, ev.Number)
	start := len(dst)
	dst = appendMedia(dst, typeData, uint32(at), ev.Data)
	return dst, codec.Mark{Start: true, Most: len(dst) - start, Kept: g.keeps(), SendTime: time.Duration(at) * time.Millisecond}, nil
}

var errNoName = errors.New("the source sends data messages without a name: they are left out")

// metadata takes onMetaData.
func (g *programme) metadata(dst, body []byte) ([]byte, codec.Mark, error) {
	if !g.now.Load().fits(body) {
		return dst, codec.Mark{Note: g.once(notedMetadata, errMetadata)}, errNothing
	}
	waits := g.meant
	switch {
	case !g.adoptMetadata(body), !g.started:
		return dst, codec.Mark{}, errEqual
	case waits:
		return dst, codec.Mark{}, errLate
	}
	return dst, codec.Mark{}, codec.ErrHeld
}

// adoptMetadata makes metadata that of the preamble, if it differs and there is room.
func (g *programme) adoptMetadata(body []byte) (changed bool) {
	set := g.set
	set.metadata = body
	if bytes.Equal(g.set.metadata, body) || set.size() > maxHead {
		return false
	}
	set.metadata = bytes.Clone(body)
	g.set, g.meant = set, true
	g.change()
	return true
}

// noteJump reports times that do not fit.
func (g *programme) noteJump(by int64) error {
	span := time.Duration(by) * time.Millisecond
	switch {
	case by < 0 && g.noted&notedBack == 0:
		return g.once(notedBack, fmt.Errorf("the source's timestamps went back by %v: they are shifted so that the stream's go on", -span))
	case by > 0 && g.noted&notedAhead == 0:
		return g.once(notedAhead, fmt.Errorf("the source's timestamps leapt ahead by %v: they are shifted so that the stream's go on", span))
	}
	return nil
}
