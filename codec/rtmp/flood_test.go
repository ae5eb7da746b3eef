package rtmp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/codec/amf"
)

// empties are messages of no byte that mean nothing, n of them.
func empties(n int) []byte {
	b := appendHead(nil, 10, typeAck, 0, 0, 0)
	for range n - 1 {
		b = append(b, 3<<6|10)
	}
	return b
}

// TestTalkWithoutAStream: a peer that has no stream may say what requests take, and little
// else.
func TestTalkWithoutAStream(t *testing.T) {
	const said = `Bad: the peer sends more than there is to say without a stream; closes`
	ping := []byte{0, 6, 1, 2, 3, 4}
	for _, c := range []struct {
		name string
		in   func(c *client)
		bad  bool
	}{
		{"little", func(c *client) { c.raw(empties(60_000)) }, false},
		{"much", func(c *client) { c.raw(empties(70_000)) }, true},
		{"sizes_of_chunks", func(c *client) {
			c.chunks(1)
			for range 4000 {
				c.say(2, typeChunkSize, 0, 0, []byte{0, 0, 0, 1})
			}
		}, true},
		{"requests_between", func(c *client) {
			for range 100 {
				c.raw(empties(900)).say(2, typeUserControl, 0, 0, ping)
			}
		}, false},
		{"too_few_requests_between", func(c *client) {
			for range 100 {
				c.raw(empties(2000)).say(2, typeUserControl, 0, 0, ping)
			}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := connect("streams")
			c.in(in)
			h := wantAnyCut(t, in.b, openServer)
			if strings.HasSuffix(h.events(), said) != c.bad {
				t.Errorf("events: %s", h.events())
			}
		})
	}
}

// A viewer that ends its stream may talk as much as before.
func TestTalkAfterAStream(t *testing.T) {
	in := connect("streams").raw(empties(60_000)).call("play", 4, nil, "live").call("deleteStream", 0, nil, 1).raw(empties(60_000))
	if h := wantAnyCut(t, in.b, openServer); strings.Contains(h.events(), "Bad") {
		t.Error(h.events())
	}
}

// TestMessagesThatMeanNothing: what an encoder sends that means nothing costs it requests,
// before its stream has begun and in it, in messages and in tags.
func TestMessagesThatMeanNothing(t *testing.T) {
	var ends []byte
	for range 1000 {
		ends = append(ends, tagOf(typeVideo, 0, sequenceOf)...)
	}
	for name, in := range map[string]*client{
		"before": encoder("streams", "live").raw(empties(1000)),
		"within": pushed(1).raw(empties(1000)),
		"tags":   pushed(1).say(6, typeAggregate, 1, 0, ends),
	} {
		h := wantAnyCut(t, in.b, openServer)
		n := strings.Count(h.events(), "Reply; takes")
		if strings.Contains(h.events(), "Bad") || n != 1000/maxPassed {
			t.Errorf("%s: %d times, in %s", name, n, h.events())
		}
		all := h.told(t)
		if last := all[len(all)-1]; !strings.HasPrefix(last, fmt.Sprintf("%d@0 ", typeAck)) {
			t.Errorf("%s: the encoder is told %q", name, last)
		}
	}
	if h := wantAnyCut(t, pushed(1).raw(empties(maxPassed-1)).say(4, typeAudio, 1, 50, audioFrame(1)).raw(empties(maxPassed-1)).b, openServer); strings.Contains(h.events(), "Reply; takes") {
		t.Error(h.events())
	}
}

// tagOf is a tag as aggregates have it.
func tagOf(typ uint8, time uint32, body []byte) []byte {
	b := []byte{typ, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body)), byte(time >> 16), byte(time >> 8), byte(time), byte(time >> 24), 0, 0, 0}
	return append(append(b, body...), 0, 0, 0, byte(tagHead+len(body)))
}

// TestRoomBeforeTheStream: an encoder has room for one long message until its stream begins,
// and for several from then on.
func TestRoomBeforeTheStream(t *testing.T) {
	long := append(bytes.Clone(videoFrame(true, 1)), make([]byte, 3<<20)...)
	first := func() *client { return encoder("streams", "live").say(6, typeVideo, 1, 0, avcHeader) }
	both := func() *client { return first().say(4, typeAudio, 1, 0, aacHeader) }
	begun := func(c *client, streams, size int) *client {
		for k := range streams {
			c.raw(appendHead(nil, uint8(20+k), typeVideo, 1, 0, size))
			c.raw(make([]byte, ourChunk))
			for sent := ourChunk; sent+ourChunk < size; sent += ourChunk {
				c.raw([]byte{3<<6 | byte(20+k)}).raw(make([]byte, ourChunk))
			}
		}
		return c
	}
	for name, c := range map[string]struct {
		in  *client
		bad bool
	}{
		"long before":     {first().say(6, typeVideo, 1, 0, long), true},
		"long within":     {both().say(6, typeVideo, 1, 0, long), false},
		"parts before":    {begun(first(), 3, 1<<20), true},
		"one part before": {begun(first(), 1, 2<<20), false},
		"parts within":    {begun(both(), 3, 4<<20), false},
		"too many within": {begun(both(), 5, 4<<20), true},
	} {
		h := openServer()
		h.feed(c.in.b)
		if strings.Contains(h.events(), "Bad") != c.bad {
			t.Errorf("%s: %s", name, h.events())
		}
	}
}

// TestPromisesAreReadOnce: metadata that announces a track is not read again while that
// track does not come.
func TestPromisesAreReadOnce(t *testing.T) {
	body := amf.AppendArray(amf.AppendString(nil, nameMetadata), 0)
	for i := range 3000 {
		body = amf.AppendNumber(amf.AppendKey(body, fmt.Sprint("field", i)), float64(i))
	}
	body = amf.AppendNumber(amf.AppendKey(body, keyAudio), 10)
	body = amf.AppendEnd(amf.AppendNumber(amf.AppendKey(body, keyVideo), 7))
	var in intake
	in.take(&message{typ: typeData, body: body})
	if !slices.Equal(in.named, []track{{typ: typeAudio}, {typ: typeVideo}}) {
		t.Fatalf("%+v is named", in.named)
	}
	m := &message{typ: typeVideo, body: avcHeader}
	in.take(m)
	if n := testing.AllocsPerRun(100, func() {
		if ev, more := in.take(m); ev.Kind != codec.None || more {
			t.Fatal(ev.Kind)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a header that is known", n)
	}
	in.take(&message{typ: typeData, body: amf.AppendString(nil, nameClear)})
	if in.named != nil {
		t.Errorf("%+v is named, and is forgotten", in.named)
	}
}

// TestPullPassesOver: so does what a source sends that means nothing, and the tags behind the
// media.
func TestPullPassesOver(t *testing.T) {
	var ends []byte
	for range 1000 {
		ends = append(ends, tagOf(typeVideo, 0, sequenceOf)...)
	}
	ends = append(ends, tagOf(typeAudio, 0, audioFrame(1))...)
	h := openPull(nil)
	feed := func(b []byte) {
		for _, piece := range cuts(b, 5) {
			h.feed(piece)
		}
	}
	for _, turn := range toPlay() {
		feed([]byte(turn.in))
	}
	said := len(h.out)
	feed(empties(1000))
	if n := (len(h.out) - said) / len(appendAck(nil, 0)); n != 1000/maxPassed {
		t.Errorf("%d acknowledgements", n)
	}
	var b []byte
	b = appendChunked(b, 4096, 6, typeVideo, 1, 0, avcHeader)
	b = appendChunked(b, 4096, 4, typeAudio, 1, 0, aacHeader)
	feed(appendChunked(b, 4096, 6, typeAggregate, 1, 0, ends))
	if h.fail != "" || !strings.Contains(strings.Join(h.log, "; "), "Packet 8@0") {
		t.Errorf("%s %q", h.fail, h.log)
	}
}
