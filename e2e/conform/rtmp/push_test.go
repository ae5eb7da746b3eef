package rtmp

import (
	"streampump/bench/amf0"
	"streampump/bench/rtmpclient"
)

// encoderRows are about calls of encoders.
func encoderRows() []row {
	return []row{
		{39, "SinkNumbers", "an encoder whose calls have the numbers 0, 0 and 2 pushes", "GStreamer", steady, sinkNumbers},
		{40, "PublishStart", "publish is answered on the stream that was given", "RTMP 1.0, 7.2.2.6", steady, publishStart},
		{41, "UnknownPush", "an encoder for a name that does not exist is told so, and the connection ends", "ffmpeg, OBS", steady, unknownPush},
		{43, "DeleteByName", "deleteStream with a name in place of the number ends the push", "GStreamer", steady, deleteByName},
		{45, "Acks", "what an encoder sends is acknowledged within the window that it sets", "encoders' libraries", steady, acks},
		{0, "OrderOfOBS", "an encoder that sets its chunks before connect, sends everything on one chunk stream and its heads with the first messages pushes", "OBS Studio", steady, orderOfOBS},
		{0, "OrderOfLibrtmp", "so does one that mixes long and short heads", "librtmp", steady, orderOfLibrtmp},
		{0, "OrderOfFFmpeg", "and one that sets our size of chunks itself, and ends with an end of sequence", "ffmpeg", steady, orderOfFFmpeg},
		{0, "EncoderAsks", "calls in mid-stream are no end", "FMLE", steady, encoderAsks},
		{0, "PublishTypes", "live, record and append are alike, and so is none", "FMLE", steady, publishTypes},
		{0, "SoundBehindEnd", "what comes behind the end of a push reaches nobody", "encoders", steady, behindEnd},
	}
}

func sinkNumbers(k *kit) {
	e := k.encoder(plain())
	e.connect("streams", "type", "nonprivate")
	e.call(0, "releaseStream", 0, nil, k.path)
	e.call(0, "FCPublish", 0, nil, k.path)
	e.call(0, "createStream", 2, nil)
	for {
		c := e.command()
		if c.ID == 2 {
			k.want(c.Name == "_result" && len(c.Values) == 2 && c.Values[1] == 1.0, "createStream is answered %s", said(c))
			break
		}
		k.want(c.ID == 0, "before it comes %s", said(c))
	}
	e.stream = 1
	e.call(1, "publish", 0, nil, k.path, "live")
	e.status("NetStream.Publish.Start", "status")
	e.begin() // in chunks of 128 bytes
	v := k.view()
	v.follow()
	for n := range 10 { // and its metadata again and again
		h := e.film.metadata()
		h.time = uint32(200 * n) //nolint:gosec // n is small
		e.drop(h)
		e.send(few)
	}
	v.follow()
}

func publishStart(k *kit) {
	e := k.encoder(plain())
	e.publish("streams", k.path) // which judges the answer's stream
	e.begin()
	k.view().follow()
}

func unknownPush(k *kit) {
	for _, name := range []string{"nobody-has-this", "", "\x00\xFF"} {
		e := k.encoder(plain())
		e.connect("streams")
		e.call(0, "createStream", 2, nil)
		e.stream = e.created(2)
		e.call(1, "publish", 3, nil, name, "live")
		e.status("NetStream.Publish.BadName", "error")
		e.gone()
	}
}

func deleteByName(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	e.call(0, "FCUnpublish", 0, nil, k.path)
	e.call(0, "deleteStream", 0, nil, k.path)
	v.ends()
	k.source("down")
}

func acks(k *kit) {
	const window, total, least = 250_000, 10_000_000, 40
	e := k.push(large(50_000))
	e.puts(rtmpclient.NumberMessage(rtmpclient.TypeWindow, window))
	came := make(chan []uint32)
	go func() {
		var all []uint32
		defer func() { came <- all }()
		for {
			m, err := e.Next(k.ctx)
			if err != nil {
				return
			}
			if m.Type == rtmpclient.TypeAck {
				all = append(all, m.Number())
			}
			if m.Type == rtmpclient.TypeControl {
				return
			}
		}
	}()
	sent := 0
	for sent < total {
		all := e.film.take(10)
		for _, i := range all {
			sent += len(i.body)
		}
		e.write(all...)
	}
	e.pings(1)
	all := <-came
	k.want(len(all) >= least, "%d bytes are acknowledged %d times", sent, len(all))
	for n, got := range all[1:] {
		k.want(got > all[n] && got-all[n] <= window, "acknowledgement %d is of %d bytes, and the one before of %d", n+1, got, all[n])
	}
	last := int(all[len(all)-1])
	k.want(last > total-window && last < sent+300_000, "the last acknowledgement is of %d bytes, and %d were sent", last, sent)
}

// chained sends messages on one chunk stream, with the shortest heads in which their times
// can be told.
func (e *encoder) chained(chunk uint32, all ...item) {
	e.k.Helper()
	var last item
	for n, i := range all {
		body := i.body
		if i.head && i.typ == rtmpclient.TypeData {
			body = append(amf("@setDataFrame"), body...)
		}
		head := head1(chunk, i.typ, i.time-last.time, len(body))
		if n == 0 || i.time < last.time {
			head = head0(chunk, i.typ, e.stream, i.time, len(body))
		} else if i.typ == last.typ && len(body) == len(last.body) {
			head = head2(chunk, i.time-last.time)
		}
		e.raw(head, inChunks(body, e.Size, head3(chunk)))
		last = i
	}
	e.sync()
}

func orderOfOBS(k *kit) {
	f := plain()
	f.meta = amf0.Array(object("duration", 0, "fileSize", 0, "width", 320, "height", 180, "videocodecid", 7, "videodatarate", 2500, "framerate", 25,
		"audiocodecid", 10, "audiodatarate", 160, "audiosamplerate", 48000, "audiosamplesize", 16, "audiochannels", 2, "stereo", true,
		"2.1", false, "3.1", false, "4.0", false, "4.1", false, "5.1", false, "7.1", false, "encoder", "obs-output module (libobs version 30.2.3)"))
	e := k.encoder(f)
	e.sends(4096)
	e.puts(calling(0, "connect", 1, object("app", "streams", "type", "nonprivate", "flashVer", "FMLE/3.0 (compatible; FMSc/1.0)",
		"swfUrl", "rtmp://pump.example/streams", "tcUrl", "rtmp://pump.example/streams")))
	k.want(e.answer(1).Name == "_result", "connect fails")
	e.puts(rtmpclient.NumberMessage(rtmpclient.TypeWindow, 2_500_000))
	e.call(0, "releaseStream", 2, nil, k.path+"_push")
	e.call(0, "FCPublish", 3, nil, k.path+"_push")
	e.call(0, "createStream", 4, nil)
	e.stream = e.created(4)
	m := calling(1, "publish", 5, nil, k.path+"_push", "live")
	m.Chunk = 4
	e.puts(m)
	e.status("NetStream.Publish.Start", "status")
	heads := f.heads()
	all := append([]item{heads[0], heads[2], heads[1]}, f.take(many)...) // sound first
	for _, h := range heads {
		k.story.head(h)
	}
	k.story.begun = true
	e.notes(all[3:]...)
	e.chained(4, all...)
	k.source("up")
	v := k.view()
	v.follow()
	end := item{typ: rtmpclient.TypeVideo, time: all[len(all)-1].time, body: f.video.end}
	e.chained(4, end)
	v.silent()
	e.call(0, "FCUnpublish", 6, nil, k.path+"_push")
	e.call(0, "deleteStream", 7, nil, 1)
	v.ends()
}

func orderOfLibrtmp(k *kit) {
	f := plain()
	e := k.encoder(f)
	e.puts(calling(0, "connect", 1, object("app", "streams", "type", "nonprivate", "tcUrl", "rtmp://pump.example/streams")))
	k.want(e.answer(1).Name == "_result", "connect fails")
	e.call(0, "releaseStream", 2, nil, k.path)
	e.call(0, "FCPublish", 3, nil, k.path)
	e.call(0, "createStream", 4, nil)
	e.stream = e.created(4)
	m := calling(1, "publish", 5, nil, k.path, "live")
	m.Chunk = 4
	e.puts(m)
	e.status("NetStream.Publish.Start", "status")
	first := append(f.heads(), f.take(few)...)
	for _, h := range first[:3] {
		k.story.head(h)
	}
	k.story.begun = true
	e.notes(first[3:]...)
	e.chained(4, first...)
	k.source("up")
	v := k.view()
	v.follow()
	for range 5 {
		all := f.take(many)
		e.notes(all...)
		e.chained(4, all...)
	}
	v.follow()
	e.lose()
	k.source("held")
}

func orderOfFFmpeg(k *kit) {
	f := plain()
	e := k.encoder(f)
	e.call(0, "connect", 1, object("app", "streams", "type", "nonprivate", "flashVer", "FMLE/3.0 (compatible; Lavf59.27.100)", "tcUrl", "rtmp://pump.example:1935/streams"))
	k.want(e.answer(1).Name == "_result", "connect fails")
	e.sends(e.In.Size) // as the pump has said
	e.puts(calling(0, "releaseStream", 2, nil, k.path), calling(0, "FCPublish", 3, nil, k.path), calling(0, "createStream", 4, nil))
	e.stream = e.created(4)
	m := calling(1, "publish", 5, nil, k.path, "live")
	m.Chunk = 8
	e.puts(m)
	e.status("NetStream.Publish.Start", "status")
	e.begin()
	v := k.view()
	e.send(many)
	v.follow()
	e.drop(item{typ: rtmpclient.TypeVideo, time: 5000, body: f.video.end})
	v.silent()
	e.finish()
	v.ends()
}

func encoderAsks(k *kit) {
	e := k.push(plain())
	v := k.view()
	for _, name := range []string{"releaseStream", "FCPublish", "_checkbw", "createStream", "getStreamLength"} {
		e.call(0, name, 0, nil, k.path)
		e.puts(rtmpclient.ControlMessage(rtmpclient.SetBufferLength, 1, 500))
		e.notes(e.unsynced(few)...)
	}
	e.pings(5)
	for m := e.next(); m.Type != rtmpclient.TypeControl; m = e.next() {
		k.want(m.Type == rtmpclient.TypeCommand || m.Type == rtmpclient.TypeAck, "it gets %v", &m)
	}
	v.follow()
}

// unsynced sends the next n messages without waiting, and gives them.
func (e *encoder) unsynced(n int) []item {
	e.k.Helper()
	all := e.film.take(n)
	e.write(all...)
	return all
}

func publishTypes(k *kit) {
	for _, kind := range [][]any{{"live"}, {"record"}, {"append"}, {}, {"nobody-knows-this"}} {
		e := k.encoder(plain().again())
		e.connect("streams")
		e.call(0, "createStream", 2, nil)
		e.stream = e.created(2)
		e.call(1, "publish", 3, append([]any{nil, k.path}, kind...)...)
		e.status("NetStream.Publish.Start", "status")
		k.story = story{}
		e.begin()
		v := k.view()
		v.follow()
		e.finish()
		v.ends()
		k.source("down")
	}
}

func behindEnd(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	e.call(0, "FCUnpublish", 6, nil, k.path)
	_ = e.Send(k.ctx, rtmpclient.AppendMessage(nil, rtmpclient.Message{Chunk: 4, Type: rtmpclient.TypeAudio, Stream: 1, Time: 500, Body: []byte{0xAF, 1, 99}}, ours))
	v.ends()
	e.thrown()
}
