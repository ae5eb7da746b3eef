package rtmp

import (
	"time"

	"streampump/bench/rtmpclient"
)

// headRows are about headers that change, and come again.
func headRows() []row {
	return []row{
		{58, "NewHeader", "a header that changes in mid-stream reaches viewers before its key frame; who joins gets the one of where it starts", "ffmpeg, VLC, mpv", behind, newHeader},
		{59, "EqualHeader", "a header that is sent again reaches nobody", "packagers", steady, equalHeader},
		{68, "OtherCodecs", "viewers of a source that comes back with other codecs are ended", "players", steady, otherCodecs},
		{0, "NewHeaderOfSound", "the same holds for sound", "ffmpeg, VLC, mpv", steady, newHeaderOfSound},
		{0, "RestartNewHeader", "and for an encoder that comes back with another size of pictures", "ffmpeg, VLC, mpv", steady, restartNewHeader},
		{0, "NewTrack", "viewers of a source that turns to another codec in mid-stream are ended", "players", steady, newCodec},
	}
}

// wide is a header of larger pictures.
func wide(time uint32) item {
	return item{typ: rtmpclient.TypeVideo, time: time, body: avc(480).head, head: true}
}

func newHeader(k *kit) {
	e := k.push(plain())
	e.send(many)
	// Whoever joins now starts where it was a moment ago: at the newest key frame.
	<-time.After(past + past/5)
	v := k.view()
	v.follow()
	early := k.newestKey()
	shot := e.film.toKey()
	e.put(shot[:len(shot)-1]...)
	e.put(wide(shot[len(shot)-1].time), shot[len(shot)-1])
	e.send(few)
	w := k.view()
	w.at = early
	w.follow() // which gets the new one in its place
	v.follow()
	<-time.After(past + past/5)
	x := k.view()
	x.follow() // which gets nothing but the new one
	k.want(same(k.story.sent[x.at-1].heads[1], wide(0)), "the new header is not among those in front")
	e.send(few)
	for _, v := range []*viewer{v, w, x} {
		v.follow()
	}
}

func equalHeader(k *kit) {
	e := k.push(plain())
	v := k.view()
	for range 10 {
		for _, h := range e.film.heads()[1:] {
			h.time = 500
			e.drop(h)
		}
		e.send(few)
		v.follow()
	}
	e.put(wide(k.story.now()))
	e.drop(wide(k.story.now()))
	e.send(few)
	e.put(item{typ: rtmpclient.TypeVideo, time: k.story.now(), body: e.film.video.head, head: true}) // as it was first
	e.send(many)
	v.follow()
	k.view().follow()
}

func newHeaderOfSound(k *kit) {
	e := k.push(plain())
	v := k.view()
	e.send(few)
	e.put(item{typ: rtmpclient.TypeAudio, time: 230, body: aac(48000).head, head: true})
	e.send(many)
	v.follow()
	k.view().follow()
}

func otherCodecs(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	e.lose()
	k.source("held")
	other := e.film.again()
	other.video, other.meta = hevcOf(codedFrames), described("hvc1", 10)
	k.story = story{}
	e = k.publisher(other)
	e.begin()
	v.ends()
	k.view().follow()
}

func restartNewHeader(k *kit) {
	e := k.push(plain())
	v := k.view()
	again := e.film.again()
	again.video = avc(480)
	e = k.comesBack(e, again, v)
	e.send(few)
	v.follow()
	k.view().follow()
}

func newCodec(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	f := e.film.again()
	f.video, f.meta, f.start = hevcOf(codedFrames), described("hvc1", 10), 200
	k.story = story{}
	e.film = f
	e.first()
	e.send(many)
	v.endsBehindData() // as the new metadata may come first
	k.view().follow()
}
