package rtmp

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"streampump/codec"
)

// TestAppendMessage: what is written is read as what it was, with the header that viewers
// share, and is as long as was said.
func TestAppendMessage(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 4*ourChunk)
	for i := range data {
		data[i] = byte(rnd.Uint32())
	}
	r := chunks{limits: wide}
	r.next(appendChunkSize(nil))
	for _, size := range []int{0, 1, 127, 128, 129, ourChunk - 1, ourChunk, ourChunk + 1, 2 * ourChunk, 2*ourChunk + 1, 4 * ourChunk} {
		for _, time := range []uint32{0, 1, longTime - 1, longTime, longTime + 1, 1<<32 - 1} {
			want := message{typ: typeVideo, stream: 1, time: time, body: data[:size]}
			b := appendMessage([]byte{0xFF}, 63, want.typ, want.stream, want.time, want.body)[1:]
			if len(b) != messageSize(time, size) {
				t.Errorf("%d bytes at %d: %d, not %d", size, time, len(b), messageSize(time, size))
			}
			if head := appendHead(nil, 63, want.typ, want.stream, want.time, size); !bytes.HasPrefix(b, head) {
				t.Errorf("%d bytes at %d begin with %x, not %x", size, time, b[:headSize], head)
			}
			if got := readAll(t, &r, b, 30000); !sameMessages(got, []message{want}) {
				t.Errorf("%d bytes at %d: %d messages", size, time, len(got))
			}
		}
	}
}

// The longest message has room where it goes, whatever its time: it is not copied again.
func TestRoomForMessages(t *testing.T) {
	for _, size := range []int{0, 1, firstChunk + 1, ourChunk + 1, wide.message - 1, wide.message} {
		room := make([]byte, 0, codec.Room(size))
		b := appendMedia(room, typeVideo, 1<<32-1, make([]byte, size))
		if &b[0] != &room[:1][0] {
			t.Errorf("a message of %d bytes has %d, and room for %d", size, len(b), cap(room))
		}
	}
}
