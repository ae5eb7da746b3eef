package rtmp

import (
	"bytes"

	"streampump/bench/amf0"
	"streampump/bench/rtmpclient"
)

// mediaRows are about metadata, and what stands in front of a stream.
func mediaRows() []row {
	return []row{
		{47, "SetDataFrame", "metadata reaches viewers without what is for servers, and with no time", "ffmpeg", steady, setDataFrame},
		{48, "EqualMetadata", "metadata that is sent again and again reaches viewers once", "GStreamer", steady, equalMetadata},
		{49, "NoMetadata", "a stream without metadata works", "DJI", steady, noMetadata},
		{50, "MissingTrack", "of a track that does not come nobody is told", "ffmpeg, mpv, VLC", steady, missingTrack},
		{51, "LateJoiner", "a joiner gets metadata, the header of pictures, that of sound, and a key frame", "ffmpeg, GStreamer", steady, lateJoiner},
		{55, "LateVideo", "pictures that begin a second behind the sound are in the same stream", "DJI", steady, lateVideo},
		{56, "SharedBytes", "behind what is in front the bytes are the same for all viewers", "many viewers", steady, sharedBytes},
		{57, "StreamOne", "all that is about the stream has its number in it", "GStreamer", steady, streamOne},
		{0, "LateAudio", "so are sounds that begin behind the pictures", "ffmpeg", steady, lateAudio},
		{0, "ClearData", "metadata that the encoder takes back is not in front of the stream any more", "FMLE", steady, clearData},
		{0, "OtherData", "other data reaches viewers with its time", "FMLE, Teradek", steady, otherData},
		{0, "OddMetadata", "metadata as an object, with texts that are none, reaches viewers as it is", "nginx-rtmp", steady, oddMetadata},
	}
}

func setDataFrame(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	for n := range 3 {
		meta := described(7, 10)
		meta[0].Value = 320 + n + 1
		e.put(item{typ: rtmpclient.TypeData, time: 4000, body: amf("onMetaData", meta), head: true})
		e.send(many)
		v.follow()
		k.view().follow()
	}
}

func equalMetadata(k *kit) {
	e := k.push(plain())
	v := k.view()
	for n := range 40 {
		h := e.film.metadata()
		h.time = uint32(100 * n) //nolint:gosec // n is small
		e.drop(h)
		e.send(few)
		v.follow()
	}
	k.view().follow()
}

func noMetadata(k *kit) {
	f := plain()
	f.meta = nil
	e := k.push(f)
	v := k.view()
	e.send(many)
	v.follow()
}

// mute is a film without sound.
func mute() *film {
	f := plain()
	f.audio = coding{}
	return f
}

func missingTrack(k *kit) {
	f := mute()
	e := k.publisher(f)
	e.write(f.heads()...)
	k.story.begun = true
	for _, h := range f.heads()[1:] { // what names the sound is left out
		k.story.head(h)
	}
	e.put(f.take(60)...) // 2.4 s
	k.source("up")
	v := k.view()
	v.follow()
	e.put(f.take(60)...)
	v.follow()
}

func lateJoiner(k *kit) {
	e := k.push(plain())
	for range 12 {
		e.send(17)
		k.view().follow() // which is judged from its first message on
	}
}

func lateVideo(k *kit) {
	f := plain()
	e := k.publisher(f)
	heads := f.heads()
	e.write(heads[0], heads[2])
	for at := uint32(0); at < 1000; at += 20 {
		e.write(e.tone(at))
	}
	f.start, f.made = 1000, 0
	for _, h := range heads {
		k.story.head(h)
	}
	k.story.begun = true
	e.write(heads[1].at(1000))
	e.send(few)
	k.source("up")
	v := k.view()
	v.follow()
	e.send(many)
	v.follow()
	k.want(len(k.log("source is up", k.tag())) == 1, "the stream was begun more than once: %q", k.log("source is up", k.tag()))
}

func lateAudio(k *kit) {
	f := plain()
	e := k.publisher(f)
	heads := f.heads()
	e.write(heads[:2]...)
	for _, h := range heads {
		k.story.head(h)
	}
	k.story.begun = true
	for n := 0; n < many; n++ {
		if i := f.next(); i.typ == rtmpclient.TypeVideo {
			e.notes(i)
			e.write(i)
		}
	}
	e.write(heads[2].at(1000))
	e.send(few)
	k.source("up")
	v := k.view()
	v.follow()
	e.send(many)
	v.follow()
}

func sharedBytes(k *kit) {
	e := k.push(large(100_000))
	v := k.view()
	e.send(15)
	w := k.view()
	e.send(few)
	v.follow()
	w.starts()
	began := bytes.Clone(w.k.story.sent[w.at].body[:40])
	w.follow()
	all, tail := v.tap.all(), w.tap.all()
	at := bytes.Index(tail, began)
	k.want(at > 12, "the first picture is not in one piece")
	tail = tail[at-12:]
	k.want(bytes.HasSuffix(all, tail), "the last %d bytes are not the same", len(tail))
	k.want(len(tail) > 100_000, "%d bytes were compared", len(tail))
}

func streamOne(k *kit) {
	e := k.push(plain())
	v := k.view() // whose every message of the stream, and status, is judged
	meta := described(7, 10)
	meta[0].Value = 321
	e.put(item{typ: rtmpclient.TypeData, body: amf("onMetaData", meta), head: true})
	e.send(many)
	v.follow()
	e.finish()
	v.ends()
}

func clearData(k *kit) {
	e := k.push(plain())
	v := k.view()
	e.send(few)
	v.follow()
	e.puts(rtmpclient.Message{Chunk: 4, Type: rtmpclient.TypeData, Stream: 1, Time: 200, Body: amf("@clearDataFrame", "onMetaData")})
	k.story.heads = k.story.heads[1:]
	e.send(many)
	v.follow()
	k.view().follow()
}

func otherData(k *kit) {
	e := k.push(plain())
	v := k.view()
	for _, body := range [][]byte{
		amf("onTextData", object("text", "hello")), amf("onCuePoint", object("name", "x", "time", 1.5)), amf("onFI", object("sd", "01-01-2026", "st", "12:00:00.000")),
		amf("onTextData", object("text", "hello")),
	} {
		e.put(item{typ: rtmpclient.TypeData, time: k.story.now(), body: body})
		e.send(15)
	}
	v.follow()
	k.view().follow()
}

func oddMetadata(k *kit) {
	f := plain()
	e := k.publisher(f)
	odd := item{typ: rtmpclient.TypeData, body: amf("onMetaData", append(object("profile", "\x00\x00AMF\xFF\xFE", "videocodecid", "avc1", "audiocodecid", 10,
		"when", amf0.Date{Milliseconds: 1e12}, "list", amf0.List{1, "x", nil, amf0.Undefined{}}, "deep", object("a", object("b", object("c", 1)))), object("level", 3.1)...)), head: true}
	heads := append([]item{odd}, f.heads()[1:]...)
	e.write(heads...)
	for _, h := range heads {
		k.story.head(h)
	}
	k.story.begun = true
	e.send(few)
	k.source("up")
	v := k.view()
	e.send(many)
	v.follow()
}
