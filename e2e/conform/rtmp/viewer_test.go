package rtmp

import (
	"bytes"
	"slices"

	"streampump/bench/rtmpclient"
)

// viewer is a player whose every message is compared with what was sent.
type viewer struct {
	*link
	stream  uint32
	started bool
	at      int // how many messages of the story it has had, or passed
	// shift is what is added to the times of the source.
	shift   uint32
	shifted bool
	newest  map[uint8]uint32 // times, by type
	place   map[uint8]uint32 // chunk streams, by type
	steps   []uint32         // by how much the times went on, where the source began again
	// pongs are the pings and calls the calls whose answers may come between messages.
	pongs []uint32
	calls []float64
	loose bool // other answers and events may come between them, too
}

// viewer connects a viewer that has a stream to play in, and has not asked for it.
func (k *kit) viewer() *viewer {
	k.Helper()
	return k.viewerOf(k.link(), "streams")
}

func (k *kit) viewerOf(l *link, app string) *viewer {
	k.Helper()
	v := &viewer{link: l, newest: map[uint8]uint32{}, place: map[uint8]uint32{}}
	v.sends(ours)
	v.connect(app)
	v.call(0, "createStream", 2, nil)
	v.stream = v.created(2)
	return v
}

// view opens the row's stream.
func (k *kit) view() *viewer {
	k.Helper()
	v := k.viewer()
	v.play(k.path)
	return v
}

// play asks for a stream and reads what comes before its messages.
func (v *viewer) play(name string) {
	v.k.Helper()
	v.call(v.stream, "play", 4, nil, name, -2000)
	v.plays()
}

// plays reads what a viewer is told before its first message.
func (v *viewer) plays() {
	v.k.Helper()
	v.told(rtmpclient.StreamBegin, v.stream)
	v.begins()
}

// begins reads up to the start of play.
func (v *viewer) begins() {
	v.k.Helper()
	for {
		if code := v.anyStatus("status"); code == "NetStream.Play.Start" {
			v.at = v.k.newestKey()
			return
		} else if code != "NetStream.Play.Reset" {
			v.k.Fatalf("play is answered %s", code)
		}
	}
}

// media reads the next message of the stream, and judges its form.
func (v *viewer) media() item {
	v.k.Helper()
	for {
		m := v.next()
		if m.Type == rtmpclient.TypeData && bytes.HasPrefix(m.Body, amf("|RtmpSampleAccess")) && !v.started ||
			m.Type == rtmpclient.TypeData && v.loose && !bytes.HasPrefix(m.Body, amf("onMetaData")) {
			continue
		}
		if v.between(m) {
			continue
		}
		k := v.k
		k.want(m.Type == rtmpclient.TypeAudio || m.Type == rtmpclient.TypeVideo || m.Type == rtmpclient.TypeData, "among the messages of the stream comes %v", &m)
		k.want(m.Stream == 1, "its stream is not 1: %v", &m)
		k.want(m.Form == 0, "its first chunk does not tell everything: %v", &m)
		place, ok := v.place[m.Type]
		k.want(!ok || place == m.Chunk, "a message comes in chunk stream %d, and before in %d: %v", m.Chunk, place, &m)
		v.place[m.Type] = m.Chunk
		return item{typ: m.Type, time: m.Time, body: m.Body}
	}
}

// between reports whether a message is an answer, for which the viewer waits.
func (v *viewer) between(m rtmpclient.Message) bool {
	v.k.Helper()
	event, _, _ := m.Control()
	switch {
	case v.loose && (m.Type == rtmpclient.TypeCommand || m.Type == rtmpclient.TypeControl && event != rtmpclient.PingResponse):
		return true
	case m.Type == rtmpclient.TypeControl:
		v.ponged(m)
		return true
	case m.Type == rtmpclient.TypeCommand:
		c, err := m.Command()
		v.k.check(err)
		at := slices.Index(v.calls, c.ID)
		v.k.want(at >= 0 && (c.Name == "_result" || c.Name == "_error"), "among the messages of the stream comes %s", said(c))
		v.calls = slices.Delete(v.calls, at, at+1)
		return true
	}
	return false
}

// ponged takes the answer to the oldest ping.
func (v *viewer) ponged(m rtmpclient.Message) {
	v.k.Helper()
	v.k.want(len(v.pongs) > 0, "among the messages of the stream comes %v", &m)
	want := rtmpclient.ControlMessage(rtmpclient.PingResponse, v.pongs[0])
	v.k.want(m.Type == want.Type && bytes.Equal(m.Body, want.Body), "ping %d is answered %v", v.pongs[0], &m)
	v.pongs = v.pongs[1:]
}

// judge compares a message, and the heads ahead of it, with what should be there.
func (v *viewer) judge(heads []item, got item, want sent) {
	v.k.Helper()
	k := v.k
	for n, h := range heads {
		k.want(same(h, want.with[n]), "ahead of message %d is\n%v\nand should be\n%v", v.at, h, want.with[n])
		k.want(h.time == got.time || h.typ == rtmpclient.TypeData && h.time == 0, "a head that changes has not the time %d of the message behind it: %v", got.time, h)
	}
	k.want(same(got, want.item), "message %d is\n%v\nand should be\n%v", v.at, got, want.item)
	k.want(got.time >= v.newest[got.typ], "message %d goes back from %d: %v", v.at, v.newest[got.typ], got)
	switch {
	case v.shifted && want.splice:
		v.steps = append(v.steps, got.time-v.latest())
		fallthrough
	case !v.shifted:
		v.shift, v.shifted = got.time-want.time, true
	}
	k.want(got.time == want.time+v.shift, "message %d is at %d and should be at %d: %v", v.at, got.time, want.time+v.shift, got)
	v.newest[got.typ] = got.time
	v.at++
}

// latest is the newest time of all types.
func (v *viewer) latest() (t uint32) {
	for _, at := range v.newest {
		t = max(t, at)
	}
	return t
}

// starts reads what comes in front of the first message. A head that has changed right
// there comes with that.
func (v *viewer) starts() {
	v.k.Helper()
	k := v.k
	for !k.story.sent[v.at].key {
		v.at++ // there was none yet at which it could have started
		k.want(v.at < len(k.story.sent), "nothing was sent at which a viewer may start")
	}
	first := k.story.sent[v.at]
	for n, want := range first.heads {
		if slices.ContainsFunc(first.with, func(h item) bool { return same(h, want) }) {
			continue
		}
		got := v.media()
		k.want(same(got, want), "head %d is\n%v\nand should be\n%v", n, got, want)
		k.want(got.time == 0, "a head has a time: %v", got)
	}
	v.started = true
}

// follow reads all that was sent, from where it started.
func (v *viewer) follow() {
	v.k.Helper()
	if !v.started {
		v.starts()
	}
	for v.at < len(v.k.story.sent) {
		v.gets(v.k.story.sent[v.at])
	}
}

// gets reads a message, and the heads ahead of it.
func (v *viewer) gets(want sent) {
	v.k.Helper()
	heads := make([]item, 0, len(want.with))
	for range want.with {
		heads = append(heads, v.media())
	}
	v.judge(heads, v.media(), want)
}

// resumes reads up to the message of the story at which the viewer goes on, whose heads it
// may be told again.
func (v *viewer) resumes(at int) {
	v.k.Helper()
	got, want := v.media(), v.k.story.sent[at]
	for _, h := range want.heads {
		if same(got, h) {
			v.k.want(got.time == 0, "a head has a time: %v", got)
			got = v.media()
		}
	}
	v.at = at
	v.judge(nil, got, want)
}

// silent checks that nothing is on its way to the viewer: what is asked now is answered at
// once.
func (v *viewer) silent() {
	v.k.Helper()
	v.pings(4711)
	v.told(rtmpclient.PingResponse, 4711)
}

// ends reads what a viewer is told at the end of a stream, to the end of the connection.
func (v *viewer) ends() {
	v.k.Helper()
	v.status("NetStream.Play.UnpublishNotify", "status")
	v.told(rtmpclient.StreamEOF, 1)
	v.status("NetStream.Play.Stop", "status")
	v.gone()
}

// endsBehindData is ends for a viewer that may have got new metadata before.
func (v *viewer) endsBehindData() {
	v.k.Helper()
	m := v.next()
	for m.Type == rtmpclient.TypeData {
		m = v.next()
	}
	c, err := m.Command()
	v.k.check(err)
	v.k.want(c.Status().Code == "NetStream.Play.UnpublishNotify", "it ends with %s", said(c))
	v.told(rtmpclient.StreamEOF, 1)
	v.status("NetStream.Play.Stop", "status")
	v.gone()
}
