package rtmp

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"streampump/codec"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// lane is a programme under test, with the clock of who feeds it.
type lane struct {
	t   testing.TB
	g   *programme
	now time.Time
}

func newLane(t testing.TB, m *media) *lane {
	return &lane{t: t, g: m.NewProgramme().(*programme), now: began}
}

// sent is what became of a message.
type sent struct {
	bytes []byte
	mark  codec.Mark
	err   error
}

// send gives the programme a message that comes so many milliseconds after the last one.
func (l *lane) send(after int, typ uint8, time uint32, body []byte) sent {
	return l.event(after, packet(typ, time, body))
}

func (l *lane) event(after int, ev codec.Event) sent {
	l.t.Helper()
	l.now = l.now.Add(time.Duration(after) * time.Millisecond)
	ev.At = l.now
	room := make([]byte, 0, 64)
	b, mark, err := l.g.Append(room, &ev)
	if err != nil {
		if len(b) != 0 || mark.Key || mark.Start || mark.Most != 0 {
			l.t.Fatalf("%x and %+v with %v", b, mark, err)
		}
		return sent{mark: mark, err: err}
	}
	if mark.Most != len(b) || !mark.Start {
		l.t.Fatalf("%+v of %d bytes", mark, len(b))
	}
	if out, alias := l.g.Derive(nil, b, codec.Framed, false); !alias || len(out) != len(b) {
		l.t.Fatal("it is not in its form")
	}
	return sent{bytes.Clone(b), mark, nil}
}

// messages are those in bytes that go to viewers.
func messages(t testing.TB, b []byte) []message {
	t.Helper()
	r := &chunks{limits: wide}
	readAll(t, r, appendChunkSize(nil), 100)
	return readAll(t, r, b, max(len(b), 1))
}

// join is what a viewer gets that starts at a packet.
func (l *lane) join(first []byte, left uint64) []message {
	return messages(l.t, l.g.AppendJoin(nil, codec.Framed, first, left))
}

// joins is what a joiner gets that starts with a packet, that packet included.
func (l *lane) joins(packet []byte) []message {
	return append(l.join(packet, 0), messages(l.t, packet)...)
}

// count is how many messages are of a type and have a body.
func count(all []message, typ uint8, body []byte) (n int) {
	for _, m := range all {
		if m.typ == typ && bytes.Equal(m.body, body) {
			n++
		}
	}
	return n
}

// is reports whether a message is of a type and a time, and has a body.
func is(m message, typ uint8, time uint32, body []byte) bool {
	return m.typ == typ && m.time == time && m.stream == ourStream && bytes.Equal(m.body, body)
}

func TestProgrammePassesMessagesOn(t *testing.T) {
	l := newLane(t, bothMedia)
	big := append(videoFrame(true, 0), make([]byte, 200_000)...)
	for i, c := range []struct {
		typ  uint8
		time uint32
		body []byte
		want uint32
		key  bool
		err  error
	}{
		{typeVideo, 5000, avcHeader, 0, false, errEqual},
		{typeAudio, 5000, aacHeader, 0, false, errEqual},
		{typeData, 5000, bothMetadata, 0, false, errEqual},
		{typeVideo, 5000, big, 0, true, nil},
		{typeAudio, 5010, audioFrame(1), 10, false, nil},
		{typeVideo, 5040, videoFrame(false, 2), 40, false, nil},
		{typeAudio, 5030, audioFrame(3), 30, false, nil},
		{typeVideo, 5080, avcHeader, 0, false, errEqual},
		{typeVideo, 5080, []byte{0x47, 1, 0, 0, 0, 9}, 80, true, nil}, // a generated key frame
		{typeVideo, 5080, sequenceOf, 0, false, errNothing},
		{typeVideo, 5080, []byte{0x52, 0}, 0, false, errNothing},
		{typeVideo, 5090, nil, 90, false, nil},
		{typeAudio, 5090, nil, 90, false, nil},
		{typeVideo, 5090, []byte{0x17}, 0, false, codec.ErrMalformed},
		{typeVideo, 5090, hevcHeader, 0, false, errStray},
		{typeVideo, 5090, []byte{0x96, 1, 'h', 'v', 'c', '1', 1, 0, 0}, 0, false, errStray},
		{typeData, 5095, setFrame(nil)[:13], 0, false, codec.ErrMalformed},
		{typeAggregate, 5095, nil, 0, false, errStray},
	} {
		got := l.send(5, c.typ, c.time, c.body)
		if !errors.Is(got.err, c.err) || got.mark.Key != c.key {
			t.Errorf("message %d: %v %+v", i, got.err, got.mark)
			continue
		}
		if c.err != nil {
			continue
		}
		all := messages(t, got.bytes)
		if len(all) != 1 || !is(all[0], c.typ, c.want, c.body) || got.mark.SendTime != time.Duration(c.want)*time.Millisecond {
			t.Errorf("message %d: %+v at %v", i, all, got.mark.SendTime)
		}
	}
}

// Data other than metadata goes out with its own time, if that is sensible.
func TestProgrammePassesDataOn(t *testing.T) {
	cue := []byte("\x02\x00\x03cue")
	l := newLane(t, bothMedia)
	if got := l.send(0, typeData, 1000, cue); !errors.Is(got.err, codec.ErrSkip) {
		t.Error("data before all else", got.err)
	}
	l.send(0, typeVideo, 1000, videoFrame(true, 0))
	l.send(100, typeVideo, 1100, videoFrame(false, 1))
	for ts, want := range map[uint32]uint32{1050: 50, 0: 100, 90_000: 100} {
		m := newLane(t, bothMedia)
		m.send(0, typeVideo, 1000, videoFrame(true, 0))
		m.send(100, typeVideo, 1100, videoFrame(false, 1))
		if got := messages(t, m.send(0, typeData, ts, cue).bytes); len(got) != 1 || !is(got[0], typeData, want, cue) {
			t.Errorf("at %d: %+v", ts, got)
		}
	}
	if got := l.send(10, typeVideo, 1110, videoFrame(false, 2)); messages(t, got.bytes)[0].time != 110 {
		t.Error("data has moved the clock")
	}
}

// A changed header comes in front of the first message that needs it, and is what those
// who start from there on get.
func TestHeaderChanges(t *testing.T) {
	l := newLane(t, bothMedia)
	first := l.send(0, typeVideo, 0, videoFrame(true, 0)).bytes
	l.send(10, typeAudio, 10, audioFrame(0))
	if got := l.send(30, typeVideo, 40, avcOther); !errors.Is(got.err, codec.ErrHeld) {
		t.Fatal(got.err)
	}
	other := metadata("width", 640)
	if got := l.send(0, typeData, 40, other); !errors.Is(got.err, codec.ErrHeld) {
		t.Fatal(got.err)
	}
	between := l.send(0, typeAudio, 35, audioFrame(1)).bytes
	key := l.send(0, typeVideo, 40, videoFrame(true, 1)).bytes
	after := l.send(0, typeAudio, 50, audioFrame(2)).bytes
	if got := messages(t, between); len(got) != 2 || !is(got[0], typeData, 0, other) || !is(got[1], typeAudio, 35, audioFrame(1)) {
		t.Errorf("%+v", got)
	}
	if got := messages(t, key); len(got) != 2 || !is(got[0], typeVideo, 40, avcOther) || !is(got[1], typeVideo, 40, videoFrame(true, 1)) {
		t.Errorf("%+v", got)
	}
	old := []message{{typ: typeData, body: bothMetadata}, {typ: typeVideo, body: avcHeader}, {typ: typeAudio, body: aacHeader}}
	fresh := []message{{typ: typeData, body: other}, {typ: typeVideo, body: avcOther}, {typ: typeAudio, body: aacHeader}}
	for i, c := range []struct {
		first []byte
		left  uint64
		want  []message
		time  uint32
	}{
		// What a packet begins with itself does not come twice.
		{first, 0, old, 0}, {between, 0, fresh[1:], 0}, {key, 0, []message{fresh[0], fresh[2]}, 0}, {after, 0, fresh, 0},
		{first, 7, old, 0}, {key, 7, []message{fresh[0], fresh[2]}, 40}, {after, 7, fresh, 50}, {nil, 0, nil, 0},
	} {
		got := l.join(c.first, c.left)
		same := slices.EqualFunc(got, c.want, func(a, b message) bool {
			time := c.time
			if b.typ == typeData {
				time = 0
			}
			return is(a, b.typ, time, b.body)
		})
		if !same {
			t.Errorf("join %d: %+v", i, got)
		}
	}
	if got := l.g.Media().String(); got == bothMedia.String() {
		t.Error("the media is as it was:", got)
	}
}

// Who leaves packets out needs nothing if no header has ever changed.
func TestJoinBehindAHole(t *testing.T) {
	l := newLane(t, bothMedia)
	key := l.send(0, typeVideo, 0, videoFrame(true, 0)).bytes
	if got := l.join(key, 3); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if got := l.join(key, 0); len(got) != 3 {
		t.Errorf("%+v", got)
	}
}

// Before the first message a change is no change.
func TestHeadersBeforeTheFirstMessage(t *testing.T) {
	l := newLane(t, bothMedia)
	for _, m := range []message{{typ: typeVideo, body: avcOther}, {typ: typeAudio, body: aacOther}, {typ: typeData, body: metadata("a", 1)}} {
		if got := l.send(0, m.typ, 0, m.body); !errors.Is(got.err, codec.ErrSkip) {
			t.Error(got.err)
		}
	}
	key := l.send(0, typeVideo, 0, videoFrame(true, 0)).bytes
	if got := messages(t, key); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	if got := l.join(key, 0); len(got) != 3 || !is(got[1], typeVideo, 0, avcOther) || !is(got[2], typeAudio, 0, aacOther) {
		t.Errorf("%+v", got)
	}
	if hs := *l.g.heads.Load(); len(hs) != 1 || hs[0].number != 0 {
		t.Errorf("%+v", hs)
	}
}

// Metadata that names what does not come is kept from viewers, and cleared metadata is
// gone.
func TestMetadataIsChecked(t *testing.T) {
	only := mustMedia(
		message{typ: typeData, body: metadata(keyVideo, 7)}, message{typ: typeVideo, body: avcHeader},
	)
	l := newLane(t, only)
	key := l.send(0, typeVideo, 0, videoFrame(true, 0)).bytes
	got := l.send(0, typeData, 0, metadata(keyVideo, 7, keyAudio, 10))
	if !errors.Is(got.err, codec.ErrSkip) || !errors.Is(got.mark.Note, errMetadata) {
		t.Errorf("%+v", got)
	}
	if got := l.join(key, 0); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	if got := l.send(0, typeData, 0, []byte("\x02\x00\x0f"+nameClear)); !errors.Is(got.err, codec.ErrSkip) {
		t.Error(got.err)
	}
	key = l.send(40, typeVideo, 40, videoFrame(true, 0)).bytes
	if got := l.join(key, 0); len(got) != 1 || got[0].typ != typeVideo {
		t.Errorf("%+v", got)
	}
}

// Where a source begins anew, nothing goes out before a key frame, with which what has
// changed comes; time goes on by what has passed.
func TestSplice(t *testing.T) {
	l := newLane(t, bothMedia)
	l.send(0, typeVideo, 90_000, videoFrame(true, 0))
	l.send(40, typeVideo, 90_040, videoFrame(false, 1))
	again := mustMedia(
		message{typ: typeData, body: bothMetadata}, message{typ: typeVideo, body: avcOther}, message{typ: typeAudio, body: aacHeader},
	)
	if !l.g.Splice(again, 5*time.Second) {
		t.Fatal("it is not spliced")
	}
	for _, m := range []message{{typ: typeAudio, body: audioFrame(2)}, {typ: typeVideo, body: videoFrame(false, 3)}} {
		if got := l.send(2500, m.typ, 10, m.body); !errors.Is(got.err, codec.ErrNoKey) {
			t.Error(got.err)
		}
	}
	key := l.send(0, typeVideo, 20, videoFrame(true, 4))
	if got := messages(t, key.bytes); !key.mark.Key || len(got) != 2 || !is(got[0], typeVideo, 5040, avcOther) || !is(got[1], typeVideo, 5040, videoFrame(true, 4)) {
		t.Errorf("%+v", got)
	}
	if got := messages(t, l.send(0, typeAudio, 10, audioFrame(5)).bytes); len(got) != 1 || !is(got[0], typeAudio, 5030, audioFrame(5)) {
		t.Errorf("%+v", got)
	}
	for _, other := range []*media{
		mustMedia(message{typ: typeVideo, body: hevcHeader}, message{typ: typeAudio, body: aacHeader}),
		mustMedia(message{typ: typeVideo, body: avcHeader}, message{typ: typeAudio, body: opusHeader}),
	} {
		if l.g.Splice(other, 0) {
			t.Error("spliced with", other)
		}
	}
	if l.g.Splice(struct{ codec.Media }{}, 0) {
		t.Error("spliced with another protocol's")
	}
}

// What the source before it had and the new one has not is given to nobody any more: its
// colours would be wrong, and so would its metadata.
func TestSpliceForgets(t *testing.T) {
	first := mustMedia(
		message{typ: typeData, body: metadata("width", 320)}, message{typ: typeVideo, body: colours},
		message{typ: typeVideo, body: hevcHeader}, message{typ: typeAudio, body: aacHeader},
	)
	second := mustMedia(message{typ: typeVideo, body: hevcHeader}, message{typ: typeAudio, body: aacOther})
	picture := []byte("\x93hvc1\x00\x00\x00\x00")
	l := newLane(t, first)
	l.send(0, typeVideo, 0, picture)
	l.send(10, typeVideo, 10, append(bytes.Clone(colours), 5)) // which are newer than any head
	l.send(10, typeAudio, 10, []byte{0xAF, 0, 0x13, 0x90})     // owed, and never sent
	if !l.g.Splice(second, 0) {
		t.Fatal("it is not spliced")
	}
	key := l.send(40, typeVideo, 0, picture).bytes
	if got := messages(t, key); len(got) != 1 || !is(got[0], typeVideo, got[0].time, picture) {
		t.Errorf("%+v", got)
	}
	if got := l.join(key, 0); len(got) != 2 || !is(got[0], typeVideo, 0, hevcHeader) || !is(got[1], typeAudio, 0, aacOther) {
		t.Errorf("%+v", got)
	}
	if got := messages(t, l.send(0, typeAudio, 0, audioFrame(1)).bytes); len(got) != 2 || !is(got[0], typeAudio, got[0].time, aacOther) {
		t.Errorf("%+v", got)
	}
}

// A source that sends no key frame goes on when the engine has waited enough.
func TestSpliceWithoutAKeyFrame(t *testing.T) {
	l := newLane(t, bothMedia)
	l.send(0, typeVideo, 0, videoFrame(true, 0))
	l.g.Splice(bothMedia, 0)
	ev := packet(typeVideo, 40, videoFrame(false, 1))
	ev.Anywhere = true
	got := l.event(40, ev)
	if got.err != nil || got.mark.Key || !errors.Is(got.mark.Note, errAnywhere) {
		t.Errorf("%+v", got)
	}
}

// Sound alone has no key frames: viewers start anywhere, and a splice waits for nothing.
func TestSoundAlone(t *testing.T) {
	m := mustMedia(message{typ: typeData, body: metadata(keyAudio, 10)}, message{typ: typeAudio, body: aacHeader})
	if m.KeyFrames() {
		t.Error("it has key frames")
	}
	l := newLane(t, m)
	first := l.send(0, typeAudio, 0, audioFrame(0))
	if !first.mark.Key || len(l.join(first.bytes, 0)) != 2 {
		t.Errorf("%+v", first)
	}
	l.g.Splice(m, 0)
	if got := l.send(40, typeAudio, 7, audioFrame(0)); got.err != nil || !got.mark.Key {
		t.Errorf("%+v", got)
	}
}

// Where a packet could not be kept for want of memory, what came with it comes again.
func TestChangedHeaderIsNotLost(t *testing.T) {
	l := newLane(t, bothMedia)
	l.send(0, typeVideo, 0, videoFrame(true, 0))
	l.send(10, typeVideo, 40, avcOther)
	l.send(10, typeVideo, 40, videoFrame(true, 1)) // and is lost
	l.g.Splice(l.g.Media(), 1)
	if got := messages(t, l.send(20, typeVideo, 80, videoFrame(true, 2)).bytes); len(got) != 3 ||
		!is(got[0], typeData, 0, bothMetadata) || !is(got[1], typeVideo, 80, avcOther) || !is(got[2], typeVideo, 80, videoFrame(true, 2)) {
		t.Errorf("%+v", got)
	}
}

// Nor is a header, or metadata, in a packet that there was no memory for, before the gap was
// told or behind that.
func TestMissedHeaderIsNotLost(t *testing.T) {
	other := metadata("width", 640, keyVideo, 7, keyAudio, 10)
	for _, told := range []bool{false, true} {
		l := newLane(t, bothMedia)
		l.send(0, typeVideo, 0, videoFrame(true, 0))
		miss := func(typ uint8, body []byte) {
			ev := packet(typ, 40, body)
			l.g.Miss(&ev)
		}
		splice := func(now bool) {
			if now {
				l.g.Splice(l.g.Media(), 1)
			}
		}
		splice(told)
		miss(typeVideo, avcOther)
		miss(typeData, other)
		miss(typeVideo, hevcHeader) // of no track
		miss(typeVideo, nil)
		miss(typeVideo, videoFrame(true, 1))
		splice(!told)
		got := messages(t, l.send(20, typeVideo, 80, videoFrame(true, 2)).bytes)
		if len(got) != 3 || !is(got[0], typeData, 0, other) || !is(got[1], typeVideo, 80, avcOther) || !is(got[2], typeVideo, 80, videoFrame(true, 2)) {
			t.Errorf("%v: %+v", told, got)
		}
	}
}

// The time line ends an hour before the 32 bits do, and the next begins at 0.
func TestProgrammeOver(t *testing.T) {
	l := newLane(t, bothMedia)
	l.send(0, typeVideo, 0, videoFrame(true, 0))
	l.g.line.top, l.g.line.last[videoKind], l.g.line.shift = maxLine-50, maxLine-50, maxLine-50
	l.send(0, typeVideo, 0, avcOther)
	if got := l.send(40, typeVideo, 40, videoFrame(false, 1)); got.err != nil {
		t.Fatal(got.err)
	}
	if got := l.send(40, typeVideo, 80, videoFrame(false, 2)); !errors.Is(got.err, codec.ErrProgrammeOver) {
		t.Fatal(got.err)
	}
	l.g = l.g.Next().(*programme)
	got := l.send(0, typeVideo, 80, videoFrame(false, 2))
	if all := messages(t, got.bytes); len(all) != 1 || !is(all[0], typeVideo, 0, videoFrame(false, 2)) {
		t.Errorf("%+v", all)
	}
	if all := l.join(got.bytes, 0); len(all) != 3 || !is(all[1], typeVideo, 0, avcOther) {
		t.Errorf("%+v", all)
	}
}

// Viewers join on all loops while the source goes on and changes its headers.
func TestJoinsBesideAppends(t *testing.T) {
	l := newLane(t, bothMedia)
	key := l.send(0, typeVideo, 0, videoFrame(true, 0)).bytes
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for range 1000 {
				if got := l.g.AppendJoin(nil, codec.Framed, key, 0); len(got) == 0 || l.g.Media().String() == "" {
					t.Error("nothing")
				}
			}
		})
	}
	for i := range uint32(50) {
		l.send(10, typeVideo, i*20, header(videoKind, i))
		l.send(10, typeVideo, i*20, videoFrame(true, i))
		l.send(10, typeData, 0, metadata("width", int(i)))
	}
	readers.Wait()
}

// What the contract asks for and RTMP has no use for.
func TestFormsAndDatagrams(t *testing.T) {
	g := bothMedia.NewProgramme()
	b := []byte("xyz")
	if got, channel, size := g.Datagram(b); len(got) != 3 || channel != 0 || size != 3 || g.Head(codec.Framed) != nil {
		t.Error(got, channel, size)
	}
}

// Times above 24 bits are told by all that reads them, in the ring and in front of a packet.
func TestLongTimes(t *testing.T) {
	l := newLane(t, bothMedia)
	l.send(0, typeVideo, 0, videoFrame(true, 0))
	l.g.line.top, l.g.line.last[videoKind], l.g.line.shift = longTime-20, longTime-20, longTime-20
	l.send(0, typeVideo, 0, avcOther)
	l.send(0, typeData, 0, metadata("a", 1))
	key := l.send(40, typeVideo, 40, append(videoFrame(true, 1), make([]byte, 70_000)...)).bytes
	all := messages(t, key)
	if len(all) != 3 || all[0].typ != typeData || !is(all[1], typeVideo, longTime+20, avcOther) || all[2].time != longTime+20 {
		t.Errorf("%+v", all)
	}
	if got := l.join(key, 1); len(got) != 1 || !is(got[0], typeAudio, longTime+20, aacHeader) { // the packet begins with the others
		t.Errorf("%+v", got)
	}
	next := l.send(40, typeVideo, 80, videoFrame(true, 2)).bytes
	if got := l.join(next, 1); len(got) != 3 || !is(got[1], typeVideo, longTime+60, avcOther) || !is(got[2], typeAudio, longTime+60, aacHeader) {
		t.Errorf("%+v", got)
	}
}

// A message costs its copy into the backlog, and nothing else.
func TestAppendIsCheap(t *testing.T) {
	g := bothMedia.NewProgramme()
	room := make([]byte, 0, 1000)
	ev := packet(typeVideo, 0, videoFrame(true, 0))
	ev.At = began
	if got := testing.AllocsPerRun(100, func() {
		ev.Number += 40
		ev.At = ev.At.Add(40 * time.Millisecond)
		if b, _, err := g.Append(room, &ev); err != nil || &b[:1][0] != &room[:1][0] {
			t.Error(err)
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// A packet of one large message is not taken for several.
func TestLargePacketsHaveNothingInFront(t *testing.T) {
	for _, time := range []uint32{0, longTime + 5} {
		body := bytes.Repeat([]byte{0x17, 1, typeVideo}, ourChunk)
		packet := appendMessage(nil, 6, typeVideo, 1, time, body)
		if m, rest := cut(packet); m.typ != typeVideo || m.time != time || len(rest) > 0 {
			t.Errorf("at %d: type %d at %d, and %d bytes behind it", time, m.typ, m.time, len(rest))
		}
		both := append(appendMessage(nil, 6, typeVideo, 1, time, avcHeader), packet...)
		if !leads(both, typeVideo, avcHeader) || leads(both, typeAudio, avcHeader) || leads(packet, typeVideo, body) {
			t.Errorf("at %d: what a packet begins with is not seen", time)
		}
	}
}
