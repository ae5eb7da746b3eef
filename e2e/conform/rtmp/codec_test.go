package rtmp

import "streampump/bench/rtmpclient"

// codecRows are about what is seen of pictures and sound.
func codecRows() []row {
	return []row{
		{52, "KeyFrames", "what begins as a key frame does and has no picture is none", "ffmpeg; E-RTMP", steady, keyFrames},
		{53, "CommandFrames", "frames that are commands reach nobody", "FLV, E.4.3.1", steady, commandFrames},
		{54, "AudioOnly", "a joiner of sound alone starts at once, behind the header", "radio", steady, audioOnly},
		{60, "Untouched", "times for showing and what is in a message stay as they are, whatever the codec", "viewers", steady, untouched},
		{61, "EnhancedCodecs", "HEVC and AV1 begin at key frames, behind their headers", "E-RTMP", steady, enhancedCodecs},
		{62, "EmptySound", "sound without any byte is sound", "E-RTMP", steady, emptySound},
		{0, "NoHeaders", "codecs without headers are played", "FLV, E.4.2.1", steady, noHeaders},
		{0, "PictureAlone", "so is a stream of pictures alone, with metadata and without", "cameras", steady, pictureAlone},
	}
}

// candidate is a message, and what it is.
type candidate struct {
	body []byte
	is   role
}

type role int

// Messages may be key frames, may not be, or are dropped.
const (
	isKey role = iota
	isFrame
	isDropped
)

func keyFrames(k *kit) {
	hvc := func(first byte, rest ...byte) []byte { return append(append([]byte{first}, "hvc1"...), rest...) }
	extra := func(first, kind byte, rest ...byte) []byte {
		return append(append([]byte{first, 2, 1, 2, 3, kind}, "hvc1"...), rest...)
	}
	tracks := func(first, kind, number byte, rest ...byte) []byte {
		return append(append([]byte{first, kind}, "hvc1"...), append([]byte{number}, rest...)...)
	}
	old := []candidate{
		{[]byte{0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65}, isKey},
		{[]byte{0x47, 1, 0, 0, 0, 0, 0, 0, 1, 0x65}, isKey}, // made by a server
		{[]byte{0x17, 2, 0, 0, 0}, isDropped},
		{[]byte{0x27, 2, 0, 0, 0}, isDropped},
		{avc(320).head, isDropped}, // it has come
		{[]byte{0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x41}, isFrame},
		{[]byte{0x37, 1, 0, 0, 0, 0, 0, 0, 1, 0x01}, isFrame},
	}
	hevc := func(head []byte, more ...candidate) []candidate {
		return append([]candidate{
			{head, isDropped},
			{hvc(0x92), isDropped},
			{hvc(0x91, 0, 0, 40, 9, 9), isKey},
			{hvc(0x93, 9, 9), isKey},
			{hvc(0xA1, 0, 0, 40, 9, 9), isFrame},
			{hvc(0xA3, 9, 9), isFrame},
			{append([]byte{0x94, 'h', 'v', 'c', '1'}, amf("colorInfo", object("bitDepth", 10))...), isFrame},
			{append([]byte{0xD4, 'h', 'v', 'c', '1'}, amf("colorInfo", object("bitDepth", 8))...), isFrame},
			{extra(0x97, 3, 9, 9), isKey},
			{extra(0xA7, 3, 9, 9), isFrame},
		}, more...)
	}
	for _, c := range []struct {
		coding     coding
		candidates []candidate
	}{
		{avc(320), old},
		{hevcOf(codedFrames), hevc(hevcOf(codedFrames).head)},
		{tracked(0), []candidate{
			{tracks(0x96, 0x01, 0, 0, 0, 40, 9), isKey},
			{tracks(0x96, 0x03, 0, 9), isKey},
			{tracks(0xA6, 0x01, 0, 0, 0, 40, 9), isFrame},
			{tracks(0x96, 0x00, 0, 1, 1, 0x60, 0), isDropped}, // the header, again
		}},
	} {
		k.roles(c.coding, c.candidates)
	}
}

// roles sends each of the candidates and looks where a joiner starts behind it.
func (k *kit) roles(c coding, all []candidate) {
	k.Helper()
	f := plain()
	f.video, f.gop = c, 1<<20
	f.meta = nil
	k.story = story{}
	e := k.push(f)
	v := k.view()
	for n, c := range all {
		i := item{typ: rtmpclient.TypeVideo, time: uint32(200 + 40*n), body: c.body, key: c.is == isKey} //nolint:gosec // n is small
		if c.is == isDropped {
			e.drop(i)
		} else {
			e.put(i)
		}
		v.follow()
		w := k.view()
		w.follow()
		k.check(w.Close())
	}
	e.finish()
	v.ends()
	k.source("down")
}

func commandFrames(k *kit) {
	e := k.push(plain())
	v := k.view()
	for _, body := range [][]byte{{0x52, 0}, {0x57, 0}, {0x57, 1}, {0x57, 0, 0, 0, 0}} {
		e.drop(item{typ: rtmpclient.TypeVideo, time: 200, body: body})
		e.send(few)
	}
	v.follow()
	k.view().follow()
}

func audioOnly(k *kit) {
	f := plain()
	f.video, f.meta = coding{}, described(nil, 10)
	e := k.push(f)
	v := k.view()
	v.follow()
	e.send(many)
	v.follow()
	for range 5 {
		e.send(1)
		k.view().follow()
	}
}

func noHeaders(k *kit) {
	f := plain()
	f.audio, f.meta = mp3(), described(7, 2)
	e := k.push(f)
	v := k.view()
	e.send(many)
	v.follow()
}

func pictureAlone(k *kit) {
	for n, meta := range []bool{true, false} {
		f := mute()
		f.run = byte(10 * (n + 1))
		if f.meta = nil; meta {
			f.meta = described(7, nil)
		}
		k.story = story{}
		e := k.publisher(f)
		e.first()
		e.put(f.take(20)...) // 800 ms
		k.source("up")
		v := k.view()
		e.send(many)
		v.follow()
		e.finish()
		v.ends()
		k.source("down")
	}
}

// codings are ways to write pictures down.
func codings() []coding {
	return []coding{avc(320), hevcOf(codedFrames), hevcOf(codedFramesX), av1(), tracked(0), nano()}
}

func untouched(k *kit) {
	for n, c := range codings() {
		f := plain()
		f.run, f.video, f.meta, f.size = byte(n), c, nil, 70_000 // more than a chunk
		if n%2 == 1 {
			f.audio = opus()
		}
		k.story = story{}
		e := k.push(f)
		v := k.view()
		for range 3 {
			all := f.take(few)
			for i := range all { // of nothing that could be known
				for at := len(all[i].body) - 1; at > 24; at-- {
					all[i].body[at] = byte(at*at>>3 ^ at)
				}
			}
			e.put(all...)
		}
		v.follow()
		e.finish()
		v.ends()
		k.source("down")
	}
}

func enhancedCodecs(k *kit) {
	for n, c := range []coding{hevcOf(codedFrames), hevcOf(codedFramesX), av1()} {
		f := plain()
		f.run, f.video, f.meta = byte(n), c, described("hvc1", 10)
		k.story = story{}
		e := k.push(f)
		v := k.view()
		for range 8 {
			e.send(17)
			k.view().follow()
		}
		v.follow()
		e.finish()
		v.ends()
		k.source("down")
	}
}

func emptySound(k *kit) {
	e := k.push(plain())
	v := k.view()
	for n := range uint32(5) {
		e.put(item{typ: rtmpclient.TypeAudio, time: 110 + n})
		v.follow()
	}
	e.send(many)
	v.follow()
}
