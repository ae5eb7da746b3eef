package rtmp

import (
	"strings"
	"time"

	"streampump/bench/amf0"
	"streampump/bench/rtmpclient"
)

// pullRows are about servers that the pump pulls from. Each row has one of its own.
func pullRows() []row {
	return []row{
		{82, "SourceNotFound", "a server that does not know the stream is asked again", "nginx-rtmp", pulling, sourceNotFound},
		{83, "SourceTalks", "aggregates, the forms for AMF3, pings and calls of a server are survived", "AMS, Wowza, MediaMTX", pulling, sourceTalks},
		{84, "PullAcks", "the pump acknowledges what it gets within the window", "AMS", pulling, pullAcks},
		{0, "PullAsks", "the pump asks as players do, and for the live stream", "nginx-rtmp, MediaMTX, SRS", pulling, pullAsks},
		{0, "PullRestart", "a server that is lost is asked again, and viewers go on", "operators", pulling, pullRestart},
		{0, "PullEnds", "a server that says that the stream is over ends its viewers", "nginx-rtmp", pulling, pullEnds},
		{0, "PullRejected", "one that rejects the pump is asked again, and the log says why", "operators", pulling, pullRejected},
		{0, "PullSecret", "what follows ? in the address is asked for, and is in no log", "what strangers cannot see", pulling, pullSecret},
	}
}

// pulls has the pump pull a film.
func (k *kit) pulls(f *film, wrap func(rtmpclient.Message) rtmpclient.Message) *called {
	k.Helper()
	c := k.called(f, wrap)
	c.starts()
	c.begin()
	return c
}

func sourceNotFound(k *kit) {
	for range 3 {
		c := k.called(plain(), nil)
		c.told("error", "NetStream.Play.StreamNotFound")
		c.thrown()
	}
	c := k.pulls(plain(), nil)
	v := k.view()
	c.send(many)
	v.follow()
}

func sourceTalks(k *kit) {
	c := k.pulls(plain(), func(m rtmpclient.Message) rtmpclient.Message {
		m.Type, m.Body = rtmpclient.TypeCommandAMF3, append([]byte{0}, m.Body...)
		return m
	})
	v := k.view()
	before := len(k.log("source failed", k.tag())) // while other rows had their turn
	c.call(0, "onBWDone", 0, nil)
	c.call(0, "onBWDone", 9, nil, 8192)
	c.call(0, "onFCSubscribe", 0, nil, object("level", "status", "code", "NetStream.Play.Start", "description", "x"))
	c.puts(rtmpclient.ControlMessage(4, theirs), rtmpclient.ControlMessage(31, theirs), rtmpclient.ControlMessage(32, theirs), rtmpclient.ControlMessage(2, theirs))
	c.told("status", "NetStream.Data.Start")
	c.told("status", "NetStream.Play.PublishNotify")
	c.puts(rtmpclient.Message{Chunk: 9, Type: 99, Body: []byte("abc")})
	c.puts(rtmpclient.ValuesMessage(rtmpclient.TypeData, 5, theirs, 0, "|RtmpSampleAccess", true, true))
	c.puts(rtmpclient.ValuesMessage(rtmpclient.TypeData, 5, theirs, 0, "onStatus", object("code", "NetStream.Data.Start")))
	c.send(few)
	for range 3 {
		all := c.film.take(few)
		body := aggregated(all[0].time, all...)
		c.raw(head0(6, rtmpclient.TypeAggregate, theirs, all[0].time, len(body)), inChunks(body, c.Size, head3(6)))
		c.notes(all...)
		c.sync() // by a ping
	}
	meta := described(7, 10)
	meta[0].Value = 333
	next := item{typ: rtmpclient.TypeData, body: amf("onMetaData", meta), head: true}
	c.puts(rtmpclient.Message{Chunk: 5, Type: rtmpclient.TypeDataAMF3, Stream: theirs, Body: append([]byte{0}, next.body...)})
	c.notes(next)
	c.send(many)
	v.loose = true // what is no metadata may reach it, or not
	v.follow()
	k.want(k.stream().State == "up" && len(k.log("source failed", k.tag())) == before, "the pull was lost: %q", k.log(k.tag()))
}

func pullAcks(k *kit) {
	const window, total = 100_000, 2_000_000
	c := k.pulls(large(20_000), nil)
	sent := 0
	for sent < total {
		all := c.film.take(3)
		for _, i := range all {
			sent += len(i.body)
		}
		c.put(all...)
	}
	k.want(len(c.acks) >= total/window, "%d bytes are acknowledged %d times", sent, len(c.acks))
	for n, got := range c.acks[1:] {
		k.want(got > c.acks[n], "acknowledgements are of %d bytes, and then of %d", c.acks[n], got)
	}
}

func pullAsks(k *kit) {
	c := k.called(plain(), nil)
	k.want(c.greeting[0] == 3 && len(strings.Trim(string(c.greeting[5:9]), "\x00")) == 0, "the pump greets with % x", c.greeting[:9])
	all := c.connect.Values[0]
	url, _ := amf0.Field(all, "tcUrl").(string)
	k.want(c.connect.ID == 1 && amf0.Field(all, "app") == "live", "the pump connects with %v", all)
	k.want(url == "rtmp://"+k.station.Addr().String()+"/live", "the pump connects to %q", url)
	list, _ := amf0.Field(all, "fourCcList").(amf0.List)
	for _, code := range []any{"hvc1", "av01", "vp09", "avc1"} { // by name, for those who know no *
		found := false
		for _, v := range list {
			found = found || v == code
		}
		k.want(found, "the pump knows %v, and not %v", list, code)
	}
	p := c.play
	k.want(p.Message.Stream == theirs && len(p.Values) >= 3 && p.Values[1] == "x?token=t1" && p.Values[2] == -1000.0, "the pump plays on %d: %s", p.Message.Stream, said(p))
	c.starts()
	c.begin()
	v := k.view()
	c.send(many)
	v.follow()
}

func pullRestart(k *kit) {
	c := k.pulls(plain(), nil)
	v := k.view()
	for n := range 3 {
		c.send(many)
		v.follow()
		if n == 1 {
			k.check(c.Conn.Conn.(*tap).Conn.Close())
		} else {
			c.lose()
		}
		again := c.film.again()
		again.start = 1_000_000 * uint32(n) //nolint:gosec // n is small
		c = k.pulls(again, nil)
	}
	v.follow()
	k.want(len(v.steps) == 3, "the source began again %d times", len(v.steps))
}

func pullEnds(k *kit) {
	for _, code := range []string{"NetStream.Play.UnpublishNotify", "NetStream.Play.Stop"} {
		k.story = story{}
		c := k.pulls(plain(), nil)
		v := k.view()
		v.follow()
		c.told("status", code)
		c.puts(rtmpclient.ControlMessage(rtmpclient.StreamEOF, theirs))
		k.check(c.Close())
		v.ends()
	}
}

func pullRejected(k *kit) {
	for {
		k.check(k.station.SetDeadline(time.Now().Add(2 * patience)))
		conn, err := k.station.Accept()
		k.check(err)
		t := &tap{Conn: conn}
		c := &called{encoder: &encoder{link: &link{rtmpclient.NewConn(t, patience), k, t}}}
		if !c.shake() {
			k.check(c.Close())
			continue
		}
		call := c.asks("connect")
		c.says(calling(0, "_error", call.ID, nil, object("level", "error", "code", "NetConnection.Connect.Rejected", "description", "not for \x1b[31myou")))
		c.thrown()
		break
	}
	k.logged("source failed", k.tag(), "not for ")
	k.want(!strings.Contains(k.pump.Log(), "\x1b[31m"), "what a server says is in the log as it is")
	c := k.pulls(plain(), nil)
	k.view().follow()
	c.lose()
}

func pullSecret(k *kit) {
	c := k.pulls(plain(), nil)
	k.view().follow()
	k.want(c.play.Values[1] == "x?token=t1", "the pump plays %v", c.play.Values)
	k.want(!strings.Contains(k.pump.Log(), "token=t1"), "the log has what follows ?")
}
