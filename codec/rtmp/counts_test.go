package rtmp

import (
	"bytes"
	"testing"
	"unsafe"
)

// TestNoAllocations: messages that come whole, in parts and in chunks cost no memory once
// there are buffers for them, and what is written none at all.
func TestNoAllocations(t *testing.T) {
	body := bytes.Repeat([]byte{0xA5}, 60<<10)
	for _, c := range []struct {
		name  string
		chunk int
		piece int
	}{{"Whole", ourChunk, 1 << 20}, {"Parts", ourChunk, 1447}, {"Chunks", firstChunk, 1 << 20}, {"ChunksInParts", firstChunk, 1447}, {"LongTime", 4096, 777}} {
		r := chunks{limits: wide}
		r.next(resized(c.chunk))
		time := uint32(0)
		if c.name == "LongTime" {
			time = 1 << 25
		}
		b := appendChunked(nil, c.chunk, 6, typeVideo, 1, time, body)
		b = appendChunked(b, c.chunk, 4, typeAudio, 1, time, body[:300])
		b = append(b, appendFigure(nil, typeAck, 1)...)
		found := 0
		read := func() {
			for at := 0; at < len(b); {
				n, ok, err := r.next(b[at:min(at+c.piece, len(b))])
				if err != nil {
					t.Fatal(err)
				}
				if at += n; ok {
					found++
				}
			}
		}
		read()
		if n := testing.AllocsPerRun(20, read); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
		if found != 22*3 {
			t.Errorf("%s: %d messages", c.name, found)
		}
	}
	dst := make([]byte, 0, 1<<20)
	if n := testing.AllocsPerRun(20, func() {
		dst = appendMessage(dst[:0], 6, typeVideo, 1, 1<<25, body)
		dst = appendUserControl(appendAck(dst, 1<<33), eventPong, 1)
	}); n != 0 {
		t.Errorf("written: %v allocations", n)
	}
}

// TestAnswersAllocateNothing: what peers are told is made where it goes out.
func TestAnswersAllocateNothing(t *testing.T) {
	dst, p := make([]byte, 0, 8<<10), NewProtocol(Options{Server: "Stream Pump"})
	c1 := make([]byte, echoSize)
	if n := testing.AllocsPerRun(20, func() {
		dst = p.appendConnected(serverHello(dst[:0], c1), 1, true)
		dst = appendOver(appendPlaying(appendAnswered(appendCreated(dst, 2), 3), "live"), "live")
	}); n > 4 { // of the texts with a name in them
		t.Errorf("%v allocations", n)
	}
}

// TestWhoPlaysHasNoRequest: what was for a request is given back, behind a command that means
// nothing too.
func TestWhoPlaysHasNoRequest(t *testing.T) {
	h := openServer()
	h.feed(player("streams", "live").call("receiveAudio", 0, nil, true).call("what", 0, nil).b)
	if s := h.sess.(*server); s.state != playing || s.room != nil {
		t.Errorf("in state %d it has room for a request: %t", s.state, s.room != nil)
	}
}

// TestNoCopies: a body that lies in one piece is handed out where it is, and so is one whose
// header came before it.
func TestNoCopies(t *testing.T) {
	body := bytes.Repeat([]byte{0xA5}, 5000)
	r := chunks{limits: wide}
	r.next(resized(ourChunk))
	for time := range uint32(5) {
		b := appendMessage(nil, 6, typeVideo, 1, time, body)
		at := int(time) * 3 // more and more of the header comes first
		if n, found, err := r.next(b[:at]); n != at || found || err != nil {
			t.Fatalf("%d, %t, %v", n, found, err)
		}
		n, found, err := r.next(b[at:])
		if n != len(b)-at || !found || err != nil {
			t.Fatalf("%d, %t, %v", n, found, err)
		}
		if &r.msg.body[0] != &b[headSize] || len(r.msg.body) != len(body) || cap(r.msg.body) != len(body) {
			t.Errorf("%d bytes of the header first: the body is copied", at)
		}
	}
	if r.reading.held != 0 {
		t.Errorf("%d bytes are held", r.reading.held)
	}
}

// TestAnnouncedCostsNothing: 16 MB announced and one byte sent.
func TestAnnouncedCostsNothing(t *testing.T) {
	r := chunks{limits: limits{message: maxLength, total: 16 << 20, streams: 64}}
	r.next(resized(1 << 30))
	b := append(appendHead(nil, 6, typeVideo, 1, 0, maxLength), 0xA5)
	if n, found, err := r.next(b); n != len(b) || found || err != nil {
		t.Fatalf("%d, %t, %v", n, found, err)
	}
	if r.reading.held > 16 {
		t.Errorf("%d bytes are held for one", r.reading.held)
	}
	for sent := 1; sent < 1<<20; sent += 1000 {
		r.next(make([]byte, 1000))
		if r.reading.held > 2*(sent+1000) {
			t.Fatalf("%d bytes are held for %d", r.reading.held, sent+1000)
		}
	}
}

// TestLongBuffersAreGivenBack: the buffer of a picture of which there is one in a while is
// not kept, and one that many chunk streams could fill is neither.
func TestLongBuffersAreGivenBack(t *testing.T) {
	r := chunks{limits: wide}
	r.next(resized(4096))
	for _, c := range []struct{ size, held int }{{maxKept, maxKept}, {maxKept + 1, 0}, {1 << 20, 0}} {
		b := appendChunked(nil, 4096, 6, typeVideo, 1, 0, make([]byte, c.size))
		if all := readAll(t, &r, b, 5000); len(all) != 1 {
			t.Fatalf("%d messages", len(all))
		}
		r.next(nil)
		if r.reading.held != c.held {
			t.Errorf("%d bytes are held after %d", r.reading.held, c.size)
		}
	}
	r = chunks{limits: tight}
	for csid := range uint8(12) {
		readAll(t, &r, appendChunked(nil, firstChunk, 3+csid, typeCommand, 0, 0, make([]byte, 9000)), 5000)
	}
	r.next(nil)
	if r.reading.held > tight.total/2 {
		t.Errorf("%d bytes are held for nothing", r.reading.held)
	}
}

// TestRelease: a viewer that plays has no buffers, and is understood all the same.
func TestRelease(t *testing.T) {
	r := chunks{limits: tight}
	r.release() // of nothing
	readAll(t, &r, appendChunked(nil, firstChunk, 3, typeCommand, 0, 10, make([]byte, 1000)), 100)
	half := appendChunked(nil, firstChunk, 4, typeCommand, 0, 10, make([]byte, 200))
	readAll(t, &r, half[:100], 100)
	r.release()
	if got := len(r.msg.body); got != 0 || r.reading.held != cap(r.reading.streams[1].body.b) || cap(r.reading.streams) != 2 {
		t.Errorf("%d bytes given, %d held, %d chunk streams", got, r.reading.held, cap(r.reading.streams))
	}
	b := append(half[100:], 3<<6|3)
	b = append(b, make([]byte, firstChunk)...)
	if all := readAll(t, &r, b, 7); len(all) != 1 || len(all[0].body) != 200 {
		t.Errorf("%d messages behind it", len(all))
	}
	if got := r.reading.find(3); r.reading.streams[got].time != 20 {
		t.Error("the state of a header is lost")
	}
}

// TestIdleIsSmall: there are thousands of viewers that say nothing.
func TestIdleIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(chunks{}); n > 100 {
		t.Errorf("a reader that has read nothing has %d bytes", n)
	}
	if n := unsafe.Sizeof(chunkStream{}); n > 40 {
		t.Errorf("a chunk stream has %d bytes", n)
	}
	if n := unsafe.Sizeof(reading{}); n > 128 {
		t.Errorf("what was read has %d bytes", n)
	}
}
