package rtmp

import (
	"strings"

	"streampump/bench/amf0"
	"streampump/bench/rtmpclient"
)

// messageRows are about messages whose form is another one.
func messageRows() []row {
	return []row{
		{28, "Aggregate", "an aggregate of sound and pictures is split, and the times are right", "RTMP 1.0, 7.1.6", steady, aggregates},
		{29, "UnknownType", "messages of unknown types are passed over", "RTMP 1.0, 7.1", steady, unknownType},
		{30, "OtherEncoding", "connect in the form for AMF3 is answered in AMF0, and as such", "Flash", steady, otherEncoding},
	}
}

// commandRows are about calls that both viewers and encoders make.
func commandRows() []row {
	return []row{
		{31, "Connect", "connect is answered with the window, the bandwidth, the size of chunks and success", "RTMP 1.0, 7.2.1.1; GStreamer", steady, connects},
		{32, "Enhanced", "a peer that knows FourCCs is told that they are passed on, and not that it could be sent elsewhere", "E-RTMP", steady, enhancedConnect},
		{33, "CreateTwice", "each createStream gives 1", "Flash", steady, createTwice},
		{34, "Ahead", "calls that come without waiting are answered in order", "ffmpeg", steady, ahead},
		{38, "Names", "a stream is found by all the ways in which players split an address", "ffmpeg, MediaMTX, OBS, Theta", steady, names},
		{42, "UnknownCall", "a call that nobody knows does not end the connection", "librtmp, FMLE", steady, unknownCall},
		{44, "Ping", "a ping gets the same number back, from viewers between two messages too", "RTMP 1.0, 7.1.7", steady, pings},
	}
}

// aggregate is a message of others, and their times begin at the first one's.
func aggregated(first uint32, all ...item) (b []byte) {
	for _, i := range all {
		t := first + i.time - all[0].time
		head := []byte{i.typ, byte(len(i.body) >> 16), byte(len(i.body) >> 8), byte(len(i.body)), byte(t >> 16), byte(t >> 8), byte(t), byte(t >> 24), 0, 0, 0}
		b = append(append(append(b, head...), i.body...), number(uint32(len(head)+len(i.body)))...) //nolint:gosec // it is short
	}
	return b
}

func aggregates(k *kit) {
	e := k.push(plain())
	v := k.view()
	for n, first := range []uint32{1000, 0, 0xFFFFFFF0, 77} {
		all := e.film.take(many)
		body := aggregated(first, all...)
		e.raw(head0(6, rtmpclient.TypeAggregate, e.stream, all[0].time, len(body)), inChunks(body, e.Size, head3(6)))
		e.notes(all...)
		if n == 1 {
			e.sends(1000) // aggregates come in several chunks as others do
		}
	}
	e.sync()
	v.follow()
	e.send(few)
	v.follow()
}

func unknownType(k *kit) {
	e := k.push(plain())
	v := k.view()
	for _, typ := range []uint8{0, 7, 10, 16, 19, 21, 23, 99, 255} {
		for _, l := range []*link{e.link, v.link} {
			l.puts(rtmpclient.Message{Chunk: 12, Type: typ, Stream: 1, Time: 90, Body: make([]byte, 40)}, rtmpclient.Message{Chunk: 13, Type: typ})
		}
		e.send(few)
	}
	v.follow()
	l := k.link()
	l.puts(rtmpclient.Message{Chunk: 12, Type: 99, Body: []byte("abc")})
	l.connect("streams")
}

func otherEncoding(k *kit) {
	e := k.push(plain())
	l := k.link()
	m := calling(0, "connect", 1, properties("streams", "objectEncoding", 3))
	m.Type, m.Body = rtmpclient.TypeCommandAMF3, append([]byte{0}, m.Body...)
	l.puts(m)
	c := l.answer(1) // which takes AMF0 alone
	k.want(c.Name == "_result" && amf0.Field(c.Status().Info, "objectEncoding") == 0.0, "it is answered %s", said(c))
	v := &viewer{link: l, newest: map[uint8]uint32{}, place: map[uint8]uint32{}}
	create := calling(0, "createStream", 2, nil)
	create.Type, create.Body = rtmpclient.TypeCommandAMF3, append([]byte{0}, create.Body...)
	l.puts(create)
	v.stream = v.created(2)
	v.play(k.path)
	e.send(few)
	v.follow()

	// Data of an encoder may have that form, too.
	meta := described(7, 10)
	meta[0].Value = 333
	next := item{typ: rtmpclient.TypeData, body: amf("onMetaData", meta), head: true}
	body := append(append([]byte{0}, amf("@setDataFrame")...), next.body...)
	e.puts(rtmpclient.Message{Chunk: 4, Type: rtmpclient.TypeDataAMF3, Stream: e.stream, Time: 300, Body: body})
	e.notes(next)
	e.send(few)
	v.follow()
}

func connects(k *kit) {
	l := k.link()
	l.call(0, "connect", 1, properties("streams"))
	seen := map[uint8]rtmpclient.Message{}
	for {
		m := l.next()
		k.want(m.Stream == 0, "connect is answered on a stream: %v", &m)
		seen[m.Type] = m
		if m.Type == rtmpclient.TypeCommand {
			break
		}
	}
	window, bandwidth := seen[rtmpclient.TypeWindow], seen[rtmpclient.TypePeerBandwidth]
	k.want(len(window.Body) == 4 && window.Number() > 0, "the window is % x", window.Body)
	k.want(len(bandwidth.Body) == 5 && bandwidth.Number() > 0 && bandwidth.Body[4] <= 2, "the bandwidth is % x", bandwidth.Body)
	k.want(l.In.Size > 4096, "chunks are of %d bytes", l.In.Size)
	m := seen[rtmpclient.TypeCommand]
	c, err := m.Command()
	k.check(err)
	s := c.Status()
	k.want(c.Name == "_result" && c.ID == 1 && s.Level == "status" && s.Code == "NetConnection.Connect.Success" && s.Description != "", "connect is answered %s", said(c))
	k.want(amf0.Field(c.Values[0], "fmsVer") != nil && amf0.Field(c.Values[0], "capabilities") != nil, "connect is answered %s", said(c))
	k.want(amf0.Field(s.Info, "objectEncoding") == 0.0, "connect is answered %s", said(c))
	k.want(m.Chunks == 1, "what not everybody can put together is in %d chunks", m.Chunks)
}

func enhancedConnect(k *kit) {
	const reconnects = 1
	for _, more := range [][]any{
		{"fourCcList", amf0.List{"av01", "vp09", "hvc1", "Opus"}},
		{"capsEx", 15},
		{"videoFourCcInfoMap", object("*", 4)},
		{"audioFourCcInfoMap", object("Opus", 3), "fourCcList", amf0.List{"*"}},
	} {
		c := k.link().connect("streams", more...)
		caps, _ := amf0.Field(c.Values[0], "capsEx").(float64)
		for _, name := range []string{"videoFourCcInfoMap", "audioFourCcInfoMap"} {
			k.want(amf0.Field(amf0.Field(c.Values[0], name), "*") == 4.0, "%v is answered %s", more, said(c))
		}
		k.want(caps > 0 && int(caps)&reconnects == 0, "%v is answered %s", more, said(c))
	}
	c := k.link().connect("streams")
	k.want(amf0.Field(c.Values[0], "capsEx") == nil, "who does not know it is told %s", said(c))
}

func createTwice(k *kit) {
	e := k.push(plain())
	v := k.viewer()
	for id := 3.0; id < 6; id++ {
		v.call(0, "createStream", id, nil)
		v.created(id)
	}
	v.play(k.path)
	v.follow()
	v.call(0, "createStream", 9, nil)
	v.created(9) // among the messages, of which none is on its way
	e.send(few)
	v.follow()
}

func ahead(k *kit) {
	k.push(plain())
	l := k.link()
	l.sends(ours)
	l.puts(
		calling(0, "connect", 1, properties("streams")),
		calling(0, "createStream", 2, nil), calling(0, "getStreamLength", 3, nil, k.path), calling(1, "play", 4, nil, k.path, -2000),
		rtmpclient.ControlMessage(rtmpclient.SetBufferLength, 1, 3000),
	)
	k.want(l.answer(1).Name == "_result", "connect fails")
	l.created(2)
	v := &viewer{link: l, newest: map[uint8]uint32{}, place: map[uint8]uint32{}, stream: 1}
	for {
		m := l.next()
		if m.Type == rtmpclient.TypeControl {
			k.want(string(m.Body) == string(rtmpclient.ControlMessage(rtmpclient.StreamBegin, 1).Body), "play begins with %v", &m)
			break
		}
		c, err := m.Command()
		k.check(err)
		k.want(c.ID == 3, "before play begins there is %s", said(c))
	}
	k.want(v.anyStatus("status") != "", "play is not answered")
	v.pings(5) // and its start is
	for m := l.next(); m.Type != rtmpclient.TypeControl; m = l.next() {
		k.want(m.Stream == 1, "on another stream comes %v", &m)
	}
}

func names(k *kit) {
	k.push(plain())
	name, upper := k.path, strings.ToUpper(k.path)
	for _, c := range [][2]string{
		{"streams", name}, {"streams/" + name, ""}, {"streams", name + "?y=1&z=2"}, {"streams?k=1", name}, {"streams/" + name + "?k=1", ""},
		{name, ""}, {"", name}, {name + "/", ""}, {"/" + name, ""}, {"", "/" + name}, {"streams/", name}, {"/streams//", "//" + name + "/"},
		{"STREAMS", upper}, {upper, ""}, {"streams", "mp4:" + name}, {"streams", "flv:" + name}, {"streams", "mp3:" + name}, {"streams", name + ".flv"},
		{"", "streams/" + name}, {"streams", name + "/"},
	} {
		v := k.viewerOf(k.link(), c[0])
		v.call(v.stream, "play", 4, nil, c[1], -2000)
		m := v.next()
		k.want(m.Type == rtmpclient.TypeControl, "app %q and name %q are answered %v", c[0], c[1], &m)
		v.k.check(v.Close())
	}
	for _, c := range [][2]string{
		{"streams", name}, {"streams/" + name, ""}, {name, ""}, {"streams", name + "_push"}, {name + "_push", ""}, {"streams", name + "?x=1"},
		{"streams?x=1", name}, {"streams/" + name + "/", ""}, {"", name}, {"streams", "/" + name}, {"STREAMS", upper},
	} {
		k.publishes(c[0], c[1])
	}
}

// publishes has an encoder take the stream over under a name.
func (k *kit) publishes(app, name string) {
	k.Helper()
	e := k.encoder(plain())
	e.publish(app, name)
	k.check(e.Close())
}

func unknownCall(k *kit) {
	e := k.push(plain())
	v := k.view()
	for _, l := range []*link{e.link, v.link} {
		l.call(0, "nobodyKnowsThis", 12, nil, "x", object("a", 1))
		l.call(1, "norThis", 0)
		l.call(0, "_checkbw", 13, nil)
		l.call(0, "_error", 14, nil, object("code", "NetConnection.Call.Failed"))
		l.call(0, "_result", 15, nil)
		l.call(1, "receiveAudio", 0, nil, true)
		l.call(1, "receiveVideo", 0, nil, true)
	}
	v.calls = []float64{12, 13, 14, 15}
	e.send(few)
	v.follow()
	l := k.link()
	l.call(0, "nobodyKnowsThis", 12, nil)
	l.call(0, "connect", 1, properties("streams"))
	for c := l.commandOf(12, 1); c.ID != 1; c = l.commandOf(12, 1) {
	}
}

// commandOf reads up to an answer to one of the calls.
func (l *link) commandOf(ids ...float64) rtmpclient.Command {
	l.k.Helper()
	for {
		m := l.next()
		if m.Type != rtmpclient.TypeCommand {
			continue
		}
		c, err := m.Command()
		l.k.check(err)
		for _, id := range ids {
			if c.ID == id {
				return c
			}
		}
		l.k.Fatalf("an answer to %v should come, and there is %s", ids, said(c))
	}
}

func pings(k *kit) {
	l := k.link()
	l.connect("streams")
	e := k.push(plain())
	v := k.view()
	v.follow()
	for n, peer := range []*link{l, e.link, v.link, v.link} {
		peer.pings(0xDEAD0000 + uint32(n))                       //nolint:gosec // n is small
		peer.told(rtmpclient.PingResponse, 0xDEAD0000+uint32(n)) //nolint:gosec // see above
	}
	for n := range uint32(20) { // while messages come
		v.pings(n)
		v.pongs = append(v.pongs, n)
		e.send(few)
	}
	v.follow()
	for len(v.pongs) > 0 {
		v.ponged(v.next())
	}
}
