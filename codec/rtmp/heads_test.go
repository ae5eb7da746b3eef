package rtmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"streampump/codec"
)

// Headers that change all the time are the source's fault; those of hours are not.
func TestHeadsAreBounded(t *testing.T) {
	change := func(l *lane, i, step int) error {
		at := uint32(i * step)
		header := binary.BigEndian.AppendUint32(bytes.Clone(avcHeader), uint32(i))
		if got := l.send(step, typeVideo, at, header); !errors.Is(got.err, codec.ErrHeld) {
			return got.err
		}
		return l.send(0, typeVideo, at, videoFrame(true, uint32(i))).err
	}
	fast := newLane(t, bothMedia)
	fast.send(0, typeVideo, 0, videoFrame(true, 0))
	var err error
	for i := 1; i < 1000 && err == nil; i++ {
		err = change(fast, i, 40)
	}
	if !errors.Is(err, errHeads) || errors.Is(err, codec.ErrSkip) {
		t.Error(err)
	}
	slow := newLane(t, bothMedia)
	slow.send(0, typeVideo, 0, videoFrame(true, 0))
	for i := 1; i < 1000; i++ {
		if err := change(slow, i, 1000); err != nil {
			t.Fatal(i, err)
		}
	}
	if hs := *slow.g.heads.Load(); len(hs) != maxHeads {
		t.Error(len(hs), "heads")
	}
	// Without a message between them there are no heads, but no end either.
	idle := newLane(t, bothMedia)
	idle.send(0, typeVideo, 0, videoFrame(true, 0))
	for i := 0; ; i++ {
		got := idle.send(40, typeVideo, 0, binary.BigEndian.AppendUint32(bytes.Clone(avcHeader), uint32(i)))
		if errors.Is(got.err, codec.ErrHeld) && i < 200 {
			continue
		}
		if !errors.Is(got.err, errHeads) {
			t.Error(i, got.err)
		}
		break
	}
}

// GStreamer sends metadata anew whenever a bitrate changes, which may be with each picture.
// That is no fault: viewers get some of it, and what is newest in the end.
func TestMetadataStorm(t *testing.T) {
	l := newLane(t, bothMedia)
	l.send(0, typeVideo, 0, videoFrame(true, 0))
	told, last, n := 0, message{}, uint32(0)
	frame := func() {
		n++
		got := l.send(40, typeVideo, n*40, videoFrame(true, n))
		if got.err != nil {
			t.Fatal(n, got.err)
		}
		if all := messages(t, got.bytes); len(all) > 1 {
			told, last = told+1, all[0]
		}
		if all := l.joins(got.bytes); last.body != nil && count(all, typeData, last.body) != 1 {
			t.Fatal("who joins gets other metadata than the others have")
		}
	}
	var newest []byte
	for i := range 1000 {
		for j := range 3 {
			newest = metadata("videodatarate", 3*i+j, keyVideo, 7, keyAudio, 10)
			if got := l.send(0, typeData, 0, newest); j == 0 && i < 10 && !errors.Is(got.err, codec.ErrHeld) || j > 0 && !errors.Is(got.err, errLate) {
				t.Fatal(i, j, got.err)
			}
		}
		if frame(); i == 500 { // a header has its place beside all that
			if got := l.send(0, typeVideo, 0, avcOther); !errors.Is(got.err, codec.ErrHeld) {
				t.Fatal(got.err)
			}
		}
	}
	if told < 20 || told > 40 {
		t.Error(told, "are told within 40 s")
	}
	for range headAge / 40 {
		frame()
	}
	if !is(last, typeData, 0, newest) {
		t.Error("the newest is not told")
	}
}

// What heads keep is told with each message: what they have in common once, and metadata too
// that has to wait. It is bounded.
func TestHeadsAreCounted(t *testing.T) {
	const long = 30_000
	l := newLane(t, bothMedia)
	frame := func(i int) int {
		t.Helper()
		got := l.send(0, typeVideo, uint32(i*40), videoFrame(true, uint32(i)))
		if got.err != nil {
			t.Fatal(i, got.err)
		}
		return got.mark.Kept
	}
	was := frame(0)
	grows := func(i int, typ uint8, body []byte, least int) {
		t.Helper()
		if got := l.send(40, typ, uint32(i*40), body); !errors.Is(got.err, codec.ErrHeld) {
			t.Fatal(i, got.err)
		}
		now := frame(i)
		if by := now - was; by < least || by > least+1000 {
			t.Errorf("with change %d the heads have %d bytes more, want %d and little beside", i, by, least)
		}
		was = now
	}
	header := append(bytes.Clone(avcHeader), make([]byte, long)...)
	for i := 1; i < maxHeads; i++ {
		if header[len(header)-1] = byte(i); i%3 > 0 && i < maxHeads/2 {
			body := metadata("n", i, "x", string(make([]byte, long)))
			grows(i, typeData, body, len(body))
		} else {
			grows(i, typeVideo, header, len(header))
		}
		if most := i * (2*long + 1000); was > most {
			t.Fatalf("%d heads have %d bytes, at most %d may be", i, was, most)
		}
	}
	waits := metadata("x", string(make([]byte, long)))
	grows(maxHeads, typeData, waits, len(waits))
	if n := len(*l.g.heads.Load()); n != maxHeads {
		t.Errorf("%d heads: the metadata does not wait", n)
	}
}

// Headers and metadata that are too long never get into a head.
func TestHeadSize(t *testing.T) {
	l := newLane(t, bothMedia)
	l.send(0, typeVideo, 0, videoFrame(true, 0))
	if got := l.send(0, typeVideo, 0, append(bytes.Clone(avcHeader), make([]byte, maxHead)...)); !errors.Is(got.err, errHeadSize) {
		t.Error(got.err)
	}
	if got := l.send(0, typeData, 0, metadata("x", string(make([]byte, 65_000)), "y", string(make([]byte, 1000)))); !errors.Is(got.err, codec.ErrSkip) {
		t.Error(got.err)
	}
}

// Colours are part of the preamble, and pass where they stand without a head of their own.
func TestColours(t *testing.T) {
	m := mustMedia(
		message{typ: typeVideo, body: colours}, message{typ: typeVideo, body: hevcHeader}, message{typ: typeAudio, body: aacHeader},
	)
	l := newLane(t, m)
	key := l.send(0, typeVideo, 0, []byte("\x93hvc1\x00\x00\x00\x00")).bytes
	if got := l.join(key, 0); len(got) != 3 || !is(got[0], typeVideo, 0, colours) || !is(got[1], typeVideo, 0, hevcHeader) {
		t.Errorf("%+v", got)
	}
	other := append(bytes.Clone(colours), 5)
	if got := l.send(40, typeVideo, 40, other); got.err != nil || got.mark.Key {
		t.Errorf("%+v", got)
	}
	if got := l.send(40, typeVideo, 80, other); !errors.Is(got.err, codec.ErrSkip) {
		t.Errorf("%+v", got)
	}
	if hs := *l.g.heads.Load(); len(hs) != 1 {
		t.Error(len(hs), "heads")
	}
}
