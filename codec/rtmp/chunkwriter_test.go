package rtmp

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// talker writes a conversation with everything that the standard allows, and knows what is
// said in it.
type talker struct {
	rnd    *rand.Rand
	size   int
	repeat bool // a long time is repeated with each chunk
	last   map[uint32]*chunkStream
	open   []*sending
	out    []byte
	want   []message
}

// sending is a message that is on its way.
type sending struct {
	csid uint32
	message
	sent  int
	delta uint32 // the last time field
	long  bool   // it is one of four bytes
}

// streams are chunk streams in all forms, and where the forms change. 63 is not among them,
// so that no header begins as the time FFFFFF ends.
var streams = []uint32{3, 4, 62, 64, 65, 319, 320, 4711, 65599}

// talk says n things.
func talk(seed uint64, n int) *talker {
	w := &talker{rnd: rand.New(rand.NewPCG(seed, 7)), size: firstChunk, last: map[uint32]*chunkStream{}}
	w.repeat = seed%2 == 0
	for range n {
		switch w.rnd.IntN(10) {
		case 0:
			w.resize()
		case 1:
			w.abort()
		case 2, 3, 4, 5:
			w.begin()
		default:
			w.goOn()
		}
	}
	w.finish()
	last := &sending{csid: 3, message: message{typ: typeAudio, body: []byte{0xAF, 1}}}
	w.header(last, 0) // which tells the end of the one before from a repeated time
	w.open = append(w.open, last)
	w.chunk(last)
	w.finish()
	return w
}

// finish writes what is left of all messages.
func (w *talker) finish() {
	for len(w.open) > 0 {
		w.goOn()
	}
}

func (w *talker) resize() {
	size := 1 + w.rnd.IntN(1<<w.rnd.IntN(12))
	if w.rnd.IntN(20) == 0 {
		size = 1<<31 - 1
	}
	w.control(typeChunkSize, uint32(size))
	w.size = size
}

func (w *talker) abort() {
	csid := streams[w.rnd.IntN(len(streams))]
	w.control(typeAbort, csid)
	for i, s := range w.open {
		if s.csid == csid {
			w.open = append(w.open[:i], w.open[i+1:]...)
			return
		}
	}
}

// control says what is about the chunks themselves, and is not handed out.
func (w *talker) control(typ uint8, v uint32) {
	s := &sending{csid: controlStream, message: message{typ: typ, body: binary.BigEndian.AppendUint32(nil, v)}}
	w.header(s, 0)
	for s.sent < len(s.body) {
		w.chunk(s)
	}
}

// begin begins a message on a chunk stream that has none.
func (w *talker) begin() {
	csid := streams[w.rnd.IntN(len(streams))]
	for _, s := range w.open {
		if s.csid == csid {
			return
		}
	}
	format := w.rnd.IntN(4)
	was := w.last[csid]
	if was == nil {
		format, was = w.rnd.IntN(2), &chunkStream{}
	}
	s := &sending{csid: csid, message: message{typ: was.typ, stream: was.stream}}
	length, delta := int(was.length), was.delta
	if format < 3 {
		delta = w.time()
	} else if was.extended {
		delta = w.clear(longTime + w.rnd.Uint32N(1<<20)) // another one of four bytes
	}
	if format < 2 {
		length, s.typ = w.rnd.IntN(1<<w.rnd.IntN(12)), uint8(3+w.rnd.IntN(30))
	}
	s.time = was.time + delta
	if format == 0 {
		s.time, s.stream = delta, w.rnd.Uint32()
	}
	s.delta, s.long = delta, delta >= longTime
	s.body = make([]byte, length)
	for i := range s.body {
		s.body[i] = byte(w.rnd.Uint32())
	}
	w.last[csid] = &chunkStream{stream: s.stream, time: s.time, delta: delta, length: uint32(length), typ: s.typ, extended: s.long}
	w.header(s, format)
	w.open = append(w.open, s)
	w.chunk(s)
}

// time is a time field: short and long ones, and those where the forms change.
func (w *talker) time() uint32 {
	switch w.rnd.IntN(6) {
	case 0:
		return w.clear(longTime + w.rnd.Uint32N(3) - 1)
	case 1:
		return w.clear(w.rnd.Uint32())
	default:
		return w.rnd.Uint32N(1 << w.rnd.IntN(25))
	}
}

// clear makes a long time that is not repeated end as no header begins: nobody could tell a
// payload that is equal to its first bytes, with a header behind it, from a repetition.
func (w *talker) clear(time uint32) uint32 {
	if w.repeat || time <= longTime {
		return time
	}
	return time&^0x3F | 0x2A
}

// header writes everything before the payload.
func (w *talker) header(s *sending, format int) {
	w.basic(s.csid, format)
	short := min(s.delta, longTime)
	if format < 3 {
		w.out = append(w.out, byte(short>>16), byte(short>>8), byte(short))
	}
	if format < 2 {
		w.out = append(w.out, byte(len(s.body)>>16), byte(len(s.body)>>8), byte(len(s.body)), s.typ)
	}
	if format == 0 {
		w.out = binary.LittleEndian.AppendUint32(w.out, s.stream)
	}
	if s.long {
		w.out = binary.BigEndian.AppendUint32(w.out, s.delta)
	}
}

func (w *talker) basic(csid uint32, format int) {
	first := byte(format << 6)
	switch {
	case csid < 64:
		w.out = append(w.out, first|byte(csid))
	case csid < 320 && w.rnd.IntN(2) == 0:
		w.out = append(w.out, first, byte(csid-64))
	default:
		w.out = append(w.out, first|1, byte(csid-64), byte((csid-64)>>8))
	}
}

// chunk writes as much of the message as fits, and says that it is there if that is all.
func (w *talker) chunk(s *sending) {
	n := min(w.size, len(s.body)-s.sent)
	w.out = append(w.out, s.body[s.sent:s.sent+n]...)
	s.sent += n
	if s.sent == len(s.body) && s.csid != controlStream {
		w.want = append(w.want, s.message)
		for i := range w.open {
			if w.open[i] == s {
				w.open = append(w.open[:i], w.open[i+1:]...)
				return
			}
		}
		return
	}
	if s.sent == len(s.body) || s.csid != controlStream {
		return
	}
	w.basic(s.csid, 3)
}

// goOn writes the next chunk of some message.
func (w *talker) goOn() {
	if len(w.open) == 0 {
		return
	}
	s := w.open[w.rnd.IntN(len(w.open))]
	w.basic(s.csid, 3)
	switch {
	case s.long && w.repeat:
		w.out = binary.BigEndian.AppendUint32(w.out, s.delta)
	case s.long:
		w.mislead(s)
	}
	w.chunk(s)
}

// mislead makes the payload of a chunk without a repeated time begin as that does, up to
// its last byte.
func (w *talker) mislead(s *sending) {
	var time [4]byte
	binary.BigEndian.PutUint32(time[:], s.delta)
	if n := w.rnd.IntN(5); n > 0 {
		copy(s.body[s.sent:], time[:n-1])
	}
	// What follows must not look like the rest of it, or nobody could tell.
	if rest := s.body[s.sent:]; len(rest) > 3 && rest[3] == time[3] {
		rest[3]++
	}
}

// TestAnyCut: whatever is said, in whatever pieces, is understood.
func TestAnyCut(t *testing.T) {
	messages, extended := 0, 0
	for seed := range uint64(300) {
		w := talk(seed, 120)
		rnd := rand.New(rand.NewPCG(seed, 8))
		for name, size := range map[string]func() int{
			"Whole":  func() int { return len(w.out) },
			"Bytes":  func() int { return 1 },
			"Pieces": func() int { return 1 + rnd.IntN(40) },
			"Parts":  func() int { return 1 + rnd.IntN(4000) },
		} {
			r := chunks{limits: wide}
			got, err := readPieces(t, &r, w.out, size)
			if err != nil || !sameMessages(got, w.want) {
				t.Fatalf("seed %d, %s: %v, %d messages of %d: %s", seed, name, err, len(got), len(w.want), difference(got, w.want))
			}
			checkMemory(t, &r)
		}
		messages += len(w.want)
		for _, m := range w.want {
			if m.time >= longTime {
				extended++
			}
		}
	}
	if messages < 10000 || extended < 1000 {
		t.Errorf("%d messages, %d with a long time: the test shows too little", messages, extended)
	}
}

// difference is the first message that is not as wanted.
func difference(got, want []message) string {
	for i := range min(len(got), len(want)) {
		if a, b := got[i:i+1], want[i:i+1]; !sameMessages(a, b) {
			return tell(a) + ", want " + tell(b)
		}
	}
	return "some are missing"
}

// checkMemory holds the books against what is there.
func checkMemory(t *testing.T, c *chunks) {
	t.Helper()
	unfinished, held := 0, 0
	for _, s := range c.reading.streams {
		unfinished += int(s.got())
		if s.body != nil {
			held += cap(s.body.b)
		}
	}
	r := c.reading
	if unfinished != r.unfinished || held != r.held {
		t.Fatalf("%d bytes of bodies in %d of buffers; the books say %d in %d", unfinished, held, r.unfinished, r.held)
	}
	if r.unfinished > c.limits.total {
		t.Fatalf("%d bytes of bodies, of %d", r.unfinished, c.limits.total)
	}
}

// TestGivenBodiesStay: what was handed out is as it was until the next call, wherever it
// lies.
func TestGivenBodiesStay(t *testing.T) {
	w := talk(42, 400)
	r := chunks{limits: wide}
	at := 0
	for b := w.out; len(b) > 0; {
		piece := b[:min(len(b), 1+at%53)]
		n, found, err := r.next(piece)
		if err != nil {
			t.Fatal(err)
		}
		b = b[n:]
		if found {
			if !bytes.Equal(r.msg.body, w.want[at].body) {
				t.Fatalf("message %d: %x, want %x", at, r.msg.body, w.want[at].body)
			}
			at++
		}
	}
	if at != len(w.want) {
		t.Errorf("%d messages of %d", at, len(w.want))
	}
}
