package rtmp

import (
	"bytes"
	"slices"

	"streampump/bench/rtmpclient"
)

// story is what encoders have sent to a row's stream and its viewers must get.
type story struct {
	sent  []sent
	heads []item // what a joiner gets in front now
	owed  []item // those that viewers have not got yet
	begun bool
}

// now is the source's newest time.
func (s *story) now() uint32 { return s.sent[len(s.sent)-1].time }

// sent is a message of a story.
type sent struct {
	item
	with  []item // heads that have changed, and come right ahead of it
	heads []item // what a viewer that starts here gets in front
	// splice is where a source begins again: its times have nothing to do with those
	// before.
	splice bool
}

// head notes a head, and reports whether it is another than the one before.
func (s *story) head(h item) (changed bool) {
	for i, old := range s.heads {
		if same(old, h) {
			return false
		}
		if slot(old) == slot(h) {
			s.heads = slices.Clone(s.heads)
			s.heads[i] = h
			return true
		}
	}
	s.heads = append(slices.Clip(s.heads), h)
	return true
}

// same reports whether two messages are equal but for their times.
func same(a, b item) bool { return a.typ == b.typ && bytes.Equal(a.body, b.body) }

// slot is what a head is the head of.
func slot(h item) string {
	if h.typ == rtmpclient.TypeVideo && len(h.body) > 6 && h.body[0] == enhanced(true, multitrack) {
		return string(h.body[:7]) // several tracks have one each
	}
	return string(h.typ)
}

// newestKey is the place of the message at which a joiner starts: the newest key frame, or
// if there is none, whatever comes next.
func (k *kit) newestKey() int {
	for i := len(k.story.sent) - 1; i >= 0; i-- {
		if k.story.sent[i].key {
			return i
		}
	}
	return len(k.story.sent)
}

// encoder is a peer that pushes a film.
type encoder struct {
	*link
	film    *film
	stream  uint32
	splices bool // the next message begins the source again
	pulled  bool // the pump is a player, and has more to say
	acks    []uint32
}

// encoder connects an encoder for the row's stream, which has said nothing yet behind its
// handshake.
func (k *kit) encoder(f *film) *encoder {
	k.Helper()
	return &encoder{link: k.link(), film: f}
}

// publisher is an encoder that may send.
func (k *kit) publisher(f *film) *encoder {
	k.Helper()
	e := k.encoder(f)
	e.publish("streams", k.path)
	return e
}

// push brings a stream up: the encoder publishes, and sends its heads and its first
// messages.
func (k *kit) push(f *film) *encoder {
	k.Helper()
	e := k.publisher(f)
	e.begin()
	return e
}

// publish is what most encoders say, up to the answer.
func (e *encoder) publish(app, name string) {
	e.k.Helper()
	e.sends(ours)
	e.connect(app, "type", "nonprivate")
	e.call(0, "releaseStream", 2, nil, name)
	e.call(0, "FCPublish", 3, nil, name)
	e.call(0, "createStream", 4, nil)
	e.stream = e.created(4)
	e.call(e.stream, "publish", 5, nil, name, "live")
	e.status("NetStream.Publish.Start", "status")
}

// few is a number of messages in which there is a picture, and sound; many have a key
// frame in any case.
const (
	few  = 9
	many = 72
)

// begin is push for an encoder that has published.
func (e *encoder) begin() {
	e.k.Helper()
	e.first()
	if e.film.video.frame == nil || e.film.audio.frame == nil {
		e.send(many) // as the other track may still come for half a second
	}
	e.send(few)
	e.k.source("up")
}

// first sends the heads of the film.
func (e *encoder) first() {
	e.k.Helper()
	s := &e.k.story
	for _, h := range e.film.heads() {
		e.write(h)
		if s.head(h) && s.begun {
			s.owed = append(s.owed, h)
		}
	}
	e.splices = s.begun
	s.begun = true
}

// send sends the next n messages of the film.
func (e *encoder) send(n int) {
	e.k.Helper()
	e.put(e.film.take(n)...)
}

// put sends messages that every viewer must get, and waits until the pump has taken them.
func (e *encoder) put(all ...item) {
	e.k.Helper()
	e.notes(all...)
	e.write(all...)
	e.sync()
}

// drop sends messages that nobody may get.
func (e *encoder) drop(all ...item) {
	e.k.Helper()
	e.write(all...)
	e.sync()
}

// notes has viewers get messages that are sent otherwise.
func (e *encoder) notes(all ...item) {
	s := &e.k.story
	for _, i := range all {
		if i.head {
			if s.head(i) {
				s.owed = append(s.owed, i)
			}
			continue
		}
		s.sent = append(s.sent, sent{i, s.take(i), s.heads, e.splices})
		e.splices = false
	}
}

// take takes what is owed ahead of a message: metadata, and the heads of its type.
func (s *story) take(next item) (with []item) {
	var keep []item
	for _, h := range s.owed {
		switch {
		case h.typ == rtmpclient.TypeData && next.typ != rtmpclient.TypeData:
			with = append([]item{h}, with...)
		case h.typ == next.typ:
			with = append(with, h.at(next.time))
		default:
			keep = append(keep, h)
		}
	}
	s.owed = keep
	return with
}

// places are the chunk streams on which encoders send.
var places = map[uint8]uint32{rtmpclient.TypeAudio: 4, rtmpclient.TypeVideo: 6, rtmpclient.TypeData: 4}

// write sends messages, in one segment.
func (e *encoder) write(all ...item) {
	e.k.Helper()
	var b []byte
	for _, i := range all {
		body := i.body
		if i.head && i.typ == rtmpclient.TypeData {
			body = append(amf("@setDataFrame"), body...)
		}
		b = rtmpclient.AppendMessage(b, rtmpclient.Message{Chunk: places[i.typ], Type: i.typ, Stream: e.stream, Time: i.time, Body: body}, e.Size)
	}
	e.raw(b)
}

// sync waits until the pump has taken all that was sent: it answers in order.
func (e *encoder) sync() {
	e.k.Helper()
	pong := rtmpclient.ControlMessage(rtmpclient.PingResponse, 77)
	e.pings(77)
	for {
		m := e.next()
		if m.Type == rtmpclient.TypeControl && bytes.Equal(m.Body, pong.Body) {
			return
		}
		if m.Type == rtmpclient.TypeAck {
			e.acks = append(e.acks, m.Number())
		}
		e.k.want(m.Type == rtmpclient.TypeAck || e.pulled && (m.Type < rtmpclient.TypeAudio || m.Type == rtmpclient.TypeCommand), "an encoder gets %v", &m)
	}
}

// finish ends the stream as encoders end it.
func (e *encoder) finish() {
	e.k.Helper()
	e.call(0, "FCUnpublish", 6, nil, e.k.path)
	e.call(0, "deleteStream", 7, nil, float64(e.stream))
}

// lose ends the connection as a power cut does, as far as the pump can see.
func (e *encoder) lose() {
	e.k.Helper()
	e.k.check(e.Close())
}
