package rtmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"streampump/codec"
)

// appendFuzzStep appends one thing that the fuzzed source does: a message of a type, after
// so many times 10 ms.
func appendFuzzStep(dst []byte, typ uint8, after uint16, time uint32, body []byte) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, typ), after)
	dst = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(dst, time), uint16(len(body)))
	return append(dst, body...)
}

// spliceStep is a type that stands for another connection of the source.
const spliceStep = 0xFF

// FuzzProgramme: whatever a source sends, viewers get whole messages, whose times do not go
// back within a type and leap no further than one clock may, and whoever starts at a packet
// gets a preamble of headers.
func FuzzProgramme(f *testing.F) {
	var good []byte
	for _, m := range []message{
		dataAt(0, setFrame(bothMetadata)), videoAt(0, avcHeader), audioAt(0, aacHeader), videoAt(0, videoFrame(true, 0)), audioAt(10, audioFrame(1)),
		videoAt(40, avcOther), videoAt(40, videoFrame(true, 2)), dataAt(50, setFrame(metadata("a", 1))), audioAt(50, audioFrame(3)), videoAt(80, nil),
	} {
		good = appendFuzzStep(good, m.typ, 4, m.time, m.body)
	}
	f.Add(good)
	f.Add(append(appendFuzzStep(bytes.Clone(good), spliceStep, 500, 0, nil), good...))
	f.Add(appendFuzzStep(appendFuzzStep(bytes.Clone(good), typeVideo, 1, 1<<31, videoFrame(false, 9)), typeAudio, 1, 5, audioFrame(9)))
	f.Fuzz(func(t *testing.T, b []byte) {
		in, at := &intake{}, began
		w := &fuzzWatch{t: t}
		for len(b) >= 9 {
			typ, time32, size := b[0], binary.BigEndian.Uint32(b[3:]), min(int(binary.BigEndian.Uint16(b[7:])), len(b)-9)
			at = at.Add(time.Duration(binary.BigEndian.Uint16(b[1:])) * 10 * time.Millisecond)
			body := b[9 : 9+size]
			b = b[9+size:]
			if typ == spliceStep {
				in = &intake{}
				continue
			}
			for _, ev := range run(in, message{typ: typ, time: time32, body: body}) {
				if ev.Kind == codec.Bad {
					return
				}
				ev.At, ev.Anywhere = at, size == 77
				if !w.take(&ev) {
					return
				}
			}
		}
	})
}

// fuzzWatch is an engine with one viewer.
type fuzzWatch struct {
	t    *testing.T
	g    codec.Programme
	last [kinds]int64
	top  int64
	at   time.Time
}

// take gives the stream an event; false if that is the end of its source.
func (w *fuzzWatch) take(ev *codec.Event) bool {
	if ev.Kind == codec.Header {
		if w.g == nil || !w.g.Splice(ev.Media, 0) {
			w.g, w.last, w.top = ev.Media.NewProgramme(), [kinds]int64{}, 0
		}
		return true
	}
	b, mark, err := w.g.Append(nil, ev)
	switch {
	case errors.Is(err, codec.ErrSkip), errors.Is(err, codec.ErrHeld):
		return true
	case errors.Is(err, codec.ErrProgrammeOver):
		w.g, w.last, w.top = w.g.Next(), [kinds]int64{}, 0
		return true
	case err != nil:
		return false
	case mark.Most != len(b):
		w.t.Fatalf("%+v of %d bytes", mark, len(b))
	}
	for _, m := range messages(w.t, b) {
		w.message(&m, ev.At)
	}
	for _, left := range []uint64{0, 5} {
		for _, m := range messages(w.t, w.g.AppendJoin(nil, codec.Framed, b, left)) {
			if m.stream != ourStream {
				w.t.Fatalf("%+v", m)
			}
		}
	}
	return true
}

func (w *fuzzWatch) message(m *message, at time.Time) {
	k, ok := kindOf(m.typ)
	line := int64(m.time)
	if !ok || m.stream != ourStream {
		w.t.Fatalf("%+v", m)
	}
	if m.typ == typeData && line == 0 {
		return
	}
	passed := at.Sub(w.at).Milliseconds()
	if line < w.last[k] || w.top > 0 && line > w.top+max(passed, maxLeap)+sameClock {
		w.t.Fatalf("%d of kind %d behind %d and %d, after %d ms", line, k, w.last[k], w.top, passed)
	}
	if w.last[k] = line; line >= w.top && m.typ != typeData { // which does not move the clock
		w.top, w.at = line, at
	}
}
