package rtmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"streampump/codec"
)

// encoderModel is a source that does all that sources do, at random, and knows which
// headers each of its frames needs.
type encoderModel struct {
	*lane
	r       *rand.Rand
	clock   uint32 // the source's
	headers [kinds]uint32
	number  uint32
	frames  map[uint32][kinds]uint32 // by the number of a frame: the headers that it needs
	ring    []ringPacket
	lost    bool // what comes before a splice has no place in the ring
}

// ringPacket is what viewers can get.
type ringPacket struct {
	bytes []byte
	key   bool
	at    time.Time
}

func newEncoderModel(t testing.TB, seed uint64) *encoderModel {
	e := &encoderModel{r: rand.New(rand.NewPCG(seed, 2)), frames: map[uint32][kinds]uint32{}}
	e.clock = e.r.Uint32()
	if e.r.IntN(3) == 0 {
		e.clock = -uint32(e.r.IntN(5000)) // soon it wraps
	}
	e.lane = newLane(t, e.describe())
	return e
}

// header is a header with its number.
func header(k kind, number uint32) []byte {
	b := avcHeader
	if k == audioKind {
		b = aacHeader
	}
	return binary.BigEndian.AppendUint32(bytes.Clone(b), number)
}

// describe is the source's description with the present headers.
func (e *encoderModel) describe() *media {
	return mustMedia(
		message{typ: typeVideo, body: header(videoKind, e.headers[videoKind])},
		message{typ: typeAudio, body: header(audioKind, e.headers[audioKind])},
	)
}

// step does one thing.
func (e *encoderModel) step() {
	switch e.r.IntN(40) {
	case 0:
		e.change(videoKind)
	case 1:
		e.change(audioKind)
	case 2:
		e.put(0, typeData, metadata("width", e.r.IntN(3)))
	case 3: // the clock is set
		e.clock += e.r.Uint32()
	case 4:
		e.clock -= uint32(e.r.IntN(2000))
	case 5:
		e.restart()
	case 6: // no memory for a packet
		e.lost = true
		e.frame()
		e.lost = false
		e.g.Splice(e.g.Media(), 1)
	case 7:
		e.put(0, typeVideo, header(videoKind, e.headers[videoKind]))
	case 8:
		e.put(0, typeData, []byte("\x02\x00\x03cue"))
	default:
		e.frame()
	}
}

func (e *encoderModel) change(k kind) {
	e.headers[k]++
	typ := uint8(typeVideo)
	if k == audioKind {
		typ = typeAudio
	}
	e.put(0, typ, header(k, e.headers[k]))
}

// restart is another connection, of a source that has stopped, perhaps with other headers.
func (e *encoderModel) restart() {
	pause := e.r.IntN(20_000)
	e.now = e.now.Add(time.Duration(pause) * time.Millisecond)
	e.clock = e.r.Uint32()
	for k := range e.headers {
		e.headers[k] += uint32(e.r.IntN(2))
	}
	if !e.g.Splice(e.describe(), time.Duration(pause)*time.Millisecond) {
		e.t.Fatal("it is not spliced")
	}
}

func (e *encoderModel) frame() {
	after := e.r.IntN(60)
	e.clock += uint32(after)
	if e.r.IntN(5) == 0 {
		after = 0 // it comes with the one before
	}
	e.number++
	e.frames[e.number] = e.headers
	if e.r.IntN(2) == 0 {
		e.put(after, typeAudio, audioFrame(e.number))
		return
	}
	e.put(after, typeVideo, videoFrame(e.r.IntN(6) == 0, e.number))
}

// put gives the programme a message, and what comes of it to the ring.
func (e *encoderModel) put(after int, typ uint8, body []byte) {
	got := e.send(after, typ, e.clock, body)
	switch {
	case errors.Is(got.err, codec.ErrHeld), errors.Is(got.err, codec.ErrSkip), e.lost:
	case got.err != nil:
		e.t.Fatal(got.err)
	default:
		e.ring = append(e.ring, ringPacket{got.bytes, got.mark.Key, e.now})
	}
}

// viewerModel reads what a viewer gets, and is as choosy as the choosiest player.
type viewerModel struct {
	e       *encoderModel
	headers [kinds]uint32
	known   [kinds]bool
	last    [kinds]int64
}

// read takes messages. joining says that they are not of the ring.
func (v *viewerModel) read(all []message, joining bool) {
	t := v.e.t
	for _, m := range all {
		k, _ := kindOf(m.typ)
		if m.typ != typeData && m.body[1] == 0 {
			v.headers[k], v.known[k] = numberOf(m.body), true
			continue
		}
		if joining || m.typ == typeData && m.time == 0 {
			continue
		}
		if int64(m.time) < v.last[k] {
			t.Fatalf("a message of kind %d goes back from %d to %d", k, v.last[k], m.time)
		}
		v.last[k] = int64(m.time)
		if m.typ == typeData {
			continue
		}
		if want := v.e.frames[numberOf(m.body)]; !v.known[k] || v.headers[k] != want[k] {
			t.Fatalf("frame %d of kind %d needs header %d and has %d", numberOf(m.body), k, want[k], v.headers[k])
		}
	}
}

// watch has a viewer start at a packet, and leave some out for a key frame after a while.
func (e *encoderModel) watch(from int) {
	v := &viewerModel{e: e}
	v.read(e.join(e.ring[from].bytes, 0), true)
	for i := from; i < len(e.ring); i++ {
		if e.r.IntN(30) == 0 {
			to := i + e.r.IntN(60)
			for ; to < len(e.ring) && !e.ring[to].key; to++ {
			}
			if to >= len(e.ring) {
				return
			}
			if to > i {
				v.read(e.join(e.ring[to].bytes, uint64(to-i)), true)
			}
			i = to
		}
		v.read(messages(e.t, e.ring[i].bytes), false)
	}
}

// Whatever a source does, whoever starts at a key frame has the headers that were in force
// there, and has the right ones from then on; times never go back, and never leap further
// than time has passed and one clock may.
func TestModel(t *testing.T) {
	for seed := range uint64(60) {
		e := newEncoderModel(t, seed)
		for range 400 {
			e.step()
		}
		top, at := int64(0), began
		for i, p := range e.ring {
			all := messages(t, p.bytes)
			m := all[len(all)-1]
			passed := p.at.Sub(at).Milliseconds()
			if leap := int64(m.time) - top; i > 0 && leap > max(passed, 1)+sameClock+100 {
				t.Fatalf("seed %d: packet %d leaps ahead by %d ms while %d pass", seed, i, leap, passed)
			}
			if int64(m.time) >= top {
				top, at = int64(m.time), p.at
			}
			if p.key {
				e.watch(i)
			}
		}
		if len(e.ring) < 100 {
			t.Fatalf("seed %d: %d packets", seed, len(e.ring))
		}
	}
}
