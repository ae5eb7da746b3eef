package rtmp

import (
	"bytes"
	"strings"

	"streampump/bench/rtmpclient"
)

// viewerRows are about calls of viewers.
func viewerRows() []row {
	return []row{
		{35, "PlayZero", "play with the number 0 is answered", "GStreamer", steady, playZero},
		{36, "PlayStart", "the beginning and the start of play are told before the first message, on stream 1", "librtmp, GStreamer", steady, playStart},
		{37, "NotFound", "play of a stream that does not exist, or is down, is told so, and the connection ends", "ffmpeg, librtmp, GStreamer", steady, notFound},
		{46, "NoAcks", "a viewer that never acknowledges anything is served on", "encoders' libraries", steady, noAcks},
		{0, "OtherCalls", "what players call besides changes nothing", "Flash, JW Player", steady, otherCalls},
		{0, "Paused", "pause stops the messages, and its end goes on at a key frame", "Flash", steady, paused},
		{0, "PlayAgain", "a viewer that closes its stream may play again on the connection", "Flash", steady, playAgain},
		{0, "Full", "a viewer for whom there is no room is told so", "operators", full, noRoom},
		{0, "Elsewhere", "or where there is some, for servers that follow and people who read, with its token", "SRS, Flash", sending, sentElsewhere},
		{0, "OtherProtocol", "a stream over another protocol is not found", "operators", steady, otherProtocol},
		{0, "NoKeyFrameYet", "a joiner without a key frame to start at starts anywhere in the end", "intra refresh", keyless, noKeyFrameYet},
		{0, "ViewerLeaves", "a viewer that leaves, in order or not, is gone at once", "players", steady, viewerLeaves},
	}
}

func playZero(k *kit) {
	e := k.push(plain())
	v := k.viewer()
	v.call(v.stream, "play", 0, nil, k.path, -2)
	v.plays()
	v.follow()
	e.send(few)
	v.follow()
}

func playStart(k *kit) {
	e := k.push(plain())
	for _, start := range [][]any{{}, {-2}, {-1}, {-2000}, {-1000}, {-2, -1, true}, {0}} {
		v := k.viewer()
		v.call(v.stream, "play", 4, append([]any{nil, k.path}, start...)...)
		v.plays()
		e.send(few)
		v.follow()
		k.check(v.Close())
	}
}

func notFound(k *kit) {
	for _, name := range []string{"nobody-has-this", k.path, "", "a/b/c", "\x00\xFF"} {
		v := k.viewer()
		v.call(v.stream, "play", 4, nil, name, -2000)
		v.status("NetStream.Play.StreamNotFound", "error")
		v.gone()
	}
}

func noAcks(k *kit) {
	e := k.push(large(20_000))
	v := k.view()
	for range 10 { // several windows
		e.send(3 * 25)
		v.follow()
	}
}

func otherCalls(k *kit) {
	e := k.push(plain())
	v := k.viewer()
	v.call(0, "FCSubscribe", 3, nil, k.path)
	v.puts(rtmpclient.ControlMessage(rtmpclient.SetBufferLength, 0, 3000))
	v.call(v.stream, "play", 4, nil, k.path)
	for m := v.next(); m.Type != rtmpclient.TypeControl; m = v.next() { // up to its beginning
		c, err := m.Command()
		k.check(err)
		k.want(c.ID == 3 || c.Name == "onFCSubscribe", "before play begins there is %s", said(c))
	}
	v.begins()
	v.follow()
	v.puts(
		rtmpclient.NumberMessage(rtmpclient.TypeAck, 4000), rtmpclient.NumberMessage(rtmpclient.TypeWindow, 2_500_000),
		rtmpclient.Message{Chunk: 2, Type: rtmpclient.TypePeerBandwidth, Body: []byte{0, 0x10, 0, 0, 2}},
		rtmpclient.ControlMessage(rtmpclient.SetBufferLength, 1, 36_000_000), rtmpclient.ControlMessage(32, 1),
	)
	for _, call := range [][]any{{"receiveAudio", 0, nil, false}, {"receiveVideo", 0, nil, false}, {"seek", 0, nil, 0}, {"play", 0, nil, k.path}} {
		name, _ := call[0].(string)
		v.call(1, name, 0, call[2:]...)
		e.send(few)
	}
	v.loose = true // some players are answered, and some are not
	v.follow()
}

func paused(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	v.call(1, "pause", 0, nil, true, 100)
	v.status("NetStream.Pause.Notify", "status")
	k.viewers(0)
	e.send(many)
	v.silent()
	v.call(1, "pause", 0, nil, false, 100)
	for code := ""; code != "NetStream.Play.Start" && code != "NetStream.Unpause.Notify"; {
		if m := v.next(); m.Type == rtmpclient.TypeCommand {
			c, err := m.Command()
			k.check(err)
			code = c.Status().Code
		}
	}
	v.loose = true
	v.resumes(k.newestKey())
	v.follow()
	e.send(few)
	v.follow()
}

func playAgain(k *kit) {
	e := k.push(plain())
	for n, leave := range []string{"closeStream", "deleteStream"} {
		v := k.view()
		v.follow()
		values := []any{nil}
		if leave == "deleteStream" {
			values = append(values, 1)
		}
		v.call(uint32(1-n), leave, 0, values...) //nolint:gosec // n is 0 or 1
		k.viewers(0)
		e.send(many)
		v.loose = true // it may be told that its stream is over
		v.pings(4711)
		v.pongs = append(v.pongs, 4711)
		for len(v.pongs) > 0 {
			v.between(v.next())
		}
		v.loose = false
		v.call(0, "createStream", 20, nil)
		v.created(20)
		v.started = false
		v.play(k.path)
		v.follow()
		e.send(few)
		v.follow()
		k.check(v.Close())
		k.viewers(0)
	}
}

func noRoom(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	k.viewers(1)
	w := k.viewer()
	w.call(w.stream, "play", 4, nil, k.path, -2000)
	w.status("NetStream.Play.Failed", "error")
	w.gone()
	e.send(few)
	v.follow()
}

func sentElsewhere(k *kit) {
	k.push(plain())
	v := k.view()
	v.follow()
	k.viewers(1)
	for _, token := range []string{"", "?token=view~x~k1~1~~~s"} {
		w := k.viewer()
		w.call(w.stream, "play", 4, nil, k.path+token, -2000)
		c := w.command()
		s := c.Status()
		to := second + "/" + k.path
		k.want(c.Name == "onStatus" && s.Level == "error" && s.Code == "NetConnection.Connect.Rejected" && strings.Contains(s.Description, to), "play is answered %s", said(c))
		for _, want := range []string{"302", second, to + token} {
			k.want(strings.Contains(said(c), want), "no %s in %s", want, said(c))
		}
		w.status("NetStream.Play.Failed", "error")
		w.gone()
	}
}

func otherProtocol(k *kit) {
	v := k.viewer()
	v.call(v.stream, "play", 4, nil, "over-mmsh")
	v.status("NetStream.Play.StreamNotFound", "error")
	v.gone()
	e := k.encoder(plain())
	e.connect("streams")
	e.call(0, "createStream", 2, nil)
	e.stream = e.created(2)
	e.call(1, "publish", 3, nil, "over-mmsh", "live")
	e.status("NetStream.Publish.BadName", "error")
	e.gone()
}

func noKeyFrameYet(k *kit) {
	f := plain()
	f.gop = 1 << 20
	e := k.publisher(f)
	e.first()
	f.next() // the only key frame is lost
	k.await("a viewer is let in", func() bool {
		e.send(few)
		return k.stream().State == "up"
	})
	v := k.view()
	k.await("the viewer gets a message", func() bool {
		e.send(few)
		v.pings(1)
		for {
			switch m := v.next(); {
			case m.Type == rtmpclient.TypeControl:
				return false
			case bytes.HasPrefix(m.Body, amf("|RtmpSampleAccess")):
			default:
				k.want(bytes.Equal(m.Body, k.story.heads[0].body), "it begins with %v", &m)
				return true
			}
		}
	})
}

func viewerLeaves(k *kit) {
	e := k.push(plain())
	v, w := k.view(), k.view()
	k.viewers(2)
	v.call(0, "deleteStream", 9, nil, 1)
	k.check(v.Close())
	k.viewers(1)
	w.follow()
	k.check(w.Close())
	k.await("it is gone", func() bool { // which is seen when it does not take what comes
		e.send(few)
		return k.stream().Viewers == 0
	})
	for _, level := range []string{"level=WARN", "level=ERROR"} {
		lines := k.log(level, k.tag())
		k.want(len(lines) == 0, "the log says %q", lines)
	}
}
