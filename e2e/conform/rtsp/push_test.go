package rtsp

import (
	"fmt"
	"strings"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// pushRows are about what an encoder does.
func pushRows() []row {
	return []row{
		{48, "Published", "ANNOUNCE, SETUP of each track and RECORD bring a stream up, whose viewers get every packet", "ffmpeg", steady, published},
		{49, "SinkOrder", "sound first, described by stream=1 and set up first, on channels 0-1, with mode=RECORD", "GStreamer's rtspclientsink", steady, sinkOrder},
		{50, "AnnounceTypes", "a description without a type, or with a charset, is taken; one without tracks gets 400", "lal", steady, announceTypes},
		{51, "RecordUnready", "RECORD without SETUP gets 455; a format that nobody knows is taken, and viewers start anywhere", "RFC 2326, A.2", steady, recordUnready},
		{52, "EarlyPackets", "packets before the answer to RECORD are not lost, and an encoder's receiver reports are passed over", "rtspclientsink", steady, earlyPackets},
		{53, "EncoderAsks", "OPTIONS, GET_PARAMETER and SET_PARAMETER get 200 between an encoder's packets", "gortsplib", steady, encoderAsks},
		{59, "OneTrackEnds", "the end of one track is not that of the other", "RFC 3550, 6.6", steady, oneTrackEnds},
		{61, "IdleEncoder", "an encoder that sends nothing is closed, and its viewers are kept and ended", "operators", idle, idleEncoder},
		{62, "Garbage", "an encoder whose packets cannot be told apart is closed, and nobody else is", "what one peer cannot do to others", steady, garbage},
		{0, "EncoderUDP", "an encoder that asks for UDP where there is none gets 461, and sends over TCP", "ffmpeg", steady, encoderUDP},
		{0, "EncoderPaths", "it may announce /streams/PATH and PATH_push as well", "encoders for MMSH", steady, encoderPaths},
		{0, "EncoderChannels", "an encoder's own channels are taken, whatever they are", "Larix, IndigoVision", steady, encoderChannels},
		{0, "ShortPackets", "packets that are none, and empty frames, are passed over", "cameras", steady, shortPackets},
		{0, "EncoderEnds", "TEARDOWN of the encoder gets 200, and its viewers the end of each track", "RFC 2326, 10.7", steady, encoderEnds},
		{0, "AllTracksEnd", "so does the end of all tracks", "RFC 3550, 6.6", steady, allTracksEnd},
		{0, "UnknownPush", "an encoder for a path that does not exist gets 404", "operators", steady, unknownPush},
	}
}

func published(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	e.send(3 * many) // wraps of numbers and times are within
	c := v.whole(e)
	k.want(c.Packets[rtpsynth.Video] == e.Sent(rtpsynth.Video) && c.Packets[rtpsynth.Audio] >= e.Sent(rtpsynth.Audio)-1, "%+v of %d and %d", c, e.Sent(0), e.Sent(1))
}

func sinkOrder(k *kit) {
	s := rtpsynth.Plain()
	s.Tracks = []rtpsynth.Track{rtpsynth.Audio, rtpsynth.Video}
	e := k.encoder(s)
	e.Control = func(i int) string { return fmt.Sprintf("stream=%d", 1-i) }
	k.check(e.Announce(k.ctx))
	for i := range s.Tracks {
		h, _, err := e.Ask(k.ctx, "SETUP", e.URL+"/"+e.Control(i), "", fmt.Sprintf("Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d;mode=RECORD", 2*i, 2*i+1))
		k.check(err)
		e.Session, _, _ = strings.Cut(h.Get("Session"), ";")
	}
	k.check(e.Record(k.ctx))
	k.check(e.Reports(k.ctx))
	e.send(few)
	k.source("up")
	v := k.view(s)
	e.send(many)
	v.whole(e)
}

func announceTypes(k *kit) {
	s := rtpsynth.Plain()
	sdp := s.Describe("streamid=0", "streamid=1")
	for _, fields := range [][]string{nil, {"Content-Type: application/sdp;charset=UTF-8"}, {"Content-Type: Application/SDP"}} {
		c := k.client()
		_, _, err := c.Ask(k.ctx, "ANNOUNCE", k.url(), sdp, fields...)
		k.check(err)
		k.check(c.Close())
	}
	for _, body := range []string{"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n", "", "\x00\x01\x02"} {
		h, _, err := k.client().Try(k.ctx, "ANNOUNCE", k.url(), body, "Content-Type: application/sdp")
		k.check(err)
		k.want(h.Status == 400 || h.Status == 415, "a description without tracks gets %v", h)
	}
	h, _, err := k.client().Try(k.ctx, "ANNOUNCE", k.url(), "<xml/>", "Content-Type: text/xml")
	k.check(err)
	k.want(h.Status == 415 || h.Status == 400, "a description of another type gets %v", h)
}

func recordUnready(k *kit) {
	s := rtpsynth.Plain()
	s.Unknown = true
	e := k.encoder(s)
	k.check(e.Announce(k.ctx))
	k.try(e.Client, 455, "RECORD", e.URL)
	for i := range s.Tracks {
		k.check(e.Setup(k.ctx, i))
	}
	k.check(e.Record(k.ctx))
	k.check(e.Reports(k.ctx))
	e.send(few + 7)
	k.source("up")
	v := k.viewer(s)
	v.Headless = true
	k.check(v.Open(k.ctx))
	e.send(few)
	v.reaches(e)
}

func earlyPackets(k *kit) {
	s := rtpsynth.Plain()
	e := k.encoder(s)
	k.check(e.Announce(k.ctx))
	for i := range s.Tracks {
		k.check(e.Setup(k.ctx, i))
	}
	// All in one write: RECORD, reports, one of a receiver, and packets.
	b := []byte(e.Request("RECORD", e.URL, ""))
	for i := range s.Tracks {
		b = rtspclient.AppendFrame(b, e.Channel(i)+1, e.Report(i).Bytes)
		b = rtspclient.AppendFrame(b, e.Channel(i)+1, []byte{0x80, 201, 0, 1, 9, 9, 9, 9})
	}
	for range few {
		p := e.Next()
		b = rtspclient.AppendFrame(b, e.Channel(p.Index), p.Bytes)
	}
	k.check(e.Conn.Send(k.ctx, b))
	h, _, err := e.Answer(k.ctx)
	k.check(err)
	k.want(h.Status == 200, "RECORD gets %v", h)
	e.send(1)
	k.source("up")
	v := k.view(s)
	e.send(few)
	c := v.whole(e)
	k.want(c.Packets[rtpsynth.Video] == e.Sent(rtpsynth.Video), "%+v of %d", c, e.Sent(rtpsynth.Video))
	at, ok := v.ZeroClock(rtpsynth.Video)
	k.want(ok && at.Sub(s.Clock).Abs() <= rtpsynth.Picture, "by its report the stream began at %v, and it did at %v", at, s.Clock)
}

func encoderAsks(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	for _, method := range []string{"OPTIONS", "GET_PARAMETER", "SET_PARAMETER"} {
		e.send(few)
		_, _, err := e.Ask(k.ctx, method, e.URL, "")
		k.check(err)
	}
	e.send(few)
	v.whole(e)
}

func oneTrackEnds(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	e.send(few)
	k.check(e.Put(k.ctx, e.Bye(1)))
	k.want(s.Tracks[1] == rtpsynth.Audio, "the other track is %d", s.Tracks[1])
	sent := 0
	for sent < many {
		if p := e.Next(); p.Index == 0 {
			k.check(e.Put(k.ctx, p))
			sent++
		}
	}
	for e.Inside() {
		k.check(e.Put(k.ctx, e.Next()))
	}
	v.until(func(c rtpsynth.Counts) bool { return int(c.Newest[rtpsynth.Video]) == e.Sent(rtpsynth.Video)-1 })
	k.want(k.stream().State == "up", "the stream is %s", k.stream().State)
	k.check(e.Teardown(k.ctx))
	v.over()
}

func idleEncoder(k *kit) {
	s := rtpsynth.Plain()
	e := k.encoder(s)
	k.check(e.Publish(k.ctx))
	k.check(e.Reports(k.ctx))
	k.check(e.Send(k.ctx, few))
	k.told(e.Conn)
	k.logged(k.tag(), "no packet")
	k.source("down")
}

func garbage(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	v.whole(e)
	k.check(e.Conn.Send(k.ctx, []byte("$\x00\x00\x04abcdnothing that begins a message\r\n\r\n")))
	k.told(e.Conn)
	k.source("held")
	again := k.encoder(s.Again())
	again.begin()
	w := k.view(s.Again())
	again.send(few)
	w.whole(again)
}

func encoderUDP(k *kit) {
	s := rtpsynth.Plain()
	e := k.encoder(s)
	k.check(e.Announce(k.ctx))
	k.try(e.Client, 461, "SETUP", e.URL+"/streamid=0", "Transport: RTP/AVP/UDP;unicast;client_port=16732-16733;mode=record")
	for i := range s.Tracks {
		k.check(e.Setup(k.ctx, i))
	}
	k.check(e.Record(k.ctx))
	k.check(e.Reports(k.ctx))
	e.send(few)
	k.source("up")
	k.view(s).whole(e)
}

func encoderPaths(k *kit) {
	s := rtpsynth.Plain()
	for _, path := range []string{"/" + k.path + "_push", "/streams/" + k.path, "/streams/" + k.path + "_push", "/" + k.path + "/", "/" + k.path + "?x=1"} {
		e := k.encoder(s)
		e.URL = k.at(path)
		k.check(e.Publish(k.ctx))
		k.check(e.Reports(k.ctx))
		e.send(few)
		k.source("up")
		k.check(e.Teardown(k.ctx))
		k.source("down")
	}
}

func encoderChannels(k *kit) {
	s := rtpsynth.Plain()
	e := k.encoder(s)
	e.Channel = func(i int) byte { return byte(168 - 2*i) }
	e.begin()
	v := k.view(s)
	e.send(many)
	v.whole(e)
}

func shortPackets(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	for _, packet := range []string{"", "x", "\x80\x60\x00\x01", strings.Repeat("\x00", 40), strings.Repeat("\xFF", 40)} {
		for _, ch := range []byte{0, 1, 2, 3, 77} {
			k.check(e.Conn.Send(k.ctx, rtspclient.AppendFrame(nil, ch, []byte(packet))))
		}
		e.send(few)
	}
	v.whole(e)
}

func encoderEnds(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v, w := k.view(s), k.viewer(s)
	w.Wants = func(m rtspclient.Media) bool { return m.Kind == "audio" }
	k.check(w.Open(k.ctx))
	e.send(few)
	k.check(e.Teardown(k.ctx))
	v.whole(e)
	v.over()
	w.over()
	k.source("down")
}

func allTracksEnd(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	e.send(few)
	for i := range s.Tracks {
		k.check(e.Put(k.ctx, e.Bye(i)))
	}
	v.whole(e)
	v.over()
}

func unknownPush(k *kit) {
	h, _, err := k.client().Try(k.ctx, "ANNOUNCE", k.at("/nobody-has-this"), "v=0\r\nm=audio 0 RTP/AVP 0\r\n", "Content-Type: application/sdp")
	k.check(err)
	k.want(h.Status == 404, "it gets %v", h)
}
