package rtmp

import (
	"slices"

	"streampump/bench/rtmpclient"
)

// chunkRows are about how messages of peers are cut into chunks.
func chunkRows() []row {
	return []row{
		{11, "TwoChunks", "connect in chunks of 128 bytes is answered", "RTMP 1.0, 5.4.1", steady, twoChunks},
		{12, "SizeFirst", "so is one in larger chunks, whose size is set before", "OBS", steady, sizeFirst},
		{13, "SizeChanges", "the size may change between messages, and inside one of another chunk stream", "RTMP 1.0, 5.4.1", steady, sizeChanges},
		{14, "BadSize", "a size of 0, or with the top bit, ends the connection", "RTMP 1.0, 5.4.1", steady, badSize},
		{15, "HugeSize", "the largest size has whole messages come in one chunk", "relays", steady, hugeSize},
		{16, "Interleaved", "sound between the chunks of a picture leaves both whole", "RTMP 1.0, 5.3", steady, interleaved},
		{17, "SameAgain", "a chunk without a head begins a message that is later by the time of the first", "RTMP 1.0, 5.3.1.2.4", steady, sameAgain},
		{18, "Differences", "the times of short heads add up", "GStreamer", steady, differences},
		{19, "ChunkStreams", "chunk streams may be told in one, two and three bytes", "RTMP 1.0, 5.3.1.1", steady, chunkStreams},
		{20, "FirstHead", "a chunk stream may begin with a head without message stream, and not with a shorter one", "librtmp", steady, firstHead},
		{21, "LongTime", "a time in four bytes may be repeated in each chunk of a message", "RTMP 1.0, 5.3.1.3", steady, func(k *kit) { k.longTime(true) }},
		{22, "LongTimeOnce", "or not", "old encoders", steady, func(k *kit) { k.longTime(false) }},
		{23, "LongDifference", "four bytes behind a short head are a difference", "RTMP 1.0, 5.3.1.3", steady, longDifference},
		{24, "LongTimeBegins", "16,777,215 is in four bytes and 16,777,214 is not, from encoders and to viewers", "RTMP 1.0, 5.3.1.2.1", steady, longTimeBegins},
		{25, "Aborted", "of a message that is broken off nothing is left, and the next one is whole", "RTMP 1.0, 5.4.2", steady, aborted},
		{26, "TooLong", "a message that is too long ends its connection, and nobody else's", "what strangers cannot do", steady, tooLong},
		{27, "ManyHalves", "so does one begun message after another", "what strangers cannot do", steady, manyHalves},
	}
}

func twoChunks(k *kit) {
	l := k.link()
	m := calling(0, "connect", 1, properties("streams", "audioCodecs", 4071, "videoCodecs", 252, "pageUrl", "http://pump.example/"))
	k.want(l.Size == 128 && len(m.Body) > l.Size, "connect has %d bytes", len(m.Body))
	l.puts(m)
	k.want(l.answer(1).Name == "_result", "connect fails")
}

func sizeFirst(k *kit) {
	l := k.link()
	l.sends(4096)
	l.connect("streams")
}

// large is a film of pictures that take many chunks.
func large(size int) *film {
	f := plain()
	f.size = size
	return f
}

func sizeChanges(k *kit) {
	e := k.push(large(3000))
	v := k.view()
	v.follow()
	for _, size := range []int{128, 1000, 4096, 1, 65_536} {
		e.sends(size)
		e.send(few)
	}
	// Now inside a picture, which sound overtakes.
	e.sends(1000)
	shot, tone := e.pictureAndSound()
	e.raw(head0(6, shot.typ, e.stream, shot.time, len(shot.body)), shot.body[:1000])
	e.sends(500)
	e.raw(rtmpclient.AppendMessage(nil, rtmpclient.Message{Chunk: 4, Type: tone.typ, Stream: e.stream, Time: tone.time, Body: tone.body}, e.Size))
	e.raw(head3(6), inChunks(shot.body[1000:], 500, head3(6)))
	e.notes(tone, shot)
	e.send(few)
	v.follow()
}

// pictureAndSound are the next picture of the film and the sound behind it, at one time.
func (e *encoder) pictureAndSound() (shot, tone item) {
	for shot = e.film.next(); shot.typ != rtmpclient.TypeVideo; shot = e.film.next() {
		e.put(shot)
	}
	return shot, e.film.next()
}

func badSize(k *kit) {
	for _, size := range []uint32{0, 1 << 31, 1<<31 | 4096} {
		l := k.link()
		l.connect("streams")
		l.puts(rtmpclient.NumberMessage(rtmpclient.TypeChunkSize, size))
		l.status("NetConnection.Connect.Closed", "error")
		l.gone()
	}
}

func hugeSize(k *kit) {
	f := large(200_000)
	e := k.publisher(f)
	e.sends(1<<31 - 1)
	e.begin()
	v := k.view()
	e.send(few)
	v.follow()
}

func interleaved(k *kit) {
	e := k.push(large(3000))
	v := k.view()
	e.sends(500)
	for range 3 {
		shot, tone := e.pictureAndSound()
		more := e.film.next()
		for _, i := range []item{tone, more} { // in two chunks, too
			i.body = append(i.body, make([]byte, 600)...)
			e.notes(i)
		}
		e.notes(shot)
		sounds := e.k.story.sent[len(e.k.story.sent)-3:]
		e.raw(head0(6, shot.typ, e.stream, shot.time, len(shot.body)), shot.body[:500])
		e.raw(head0(4, tone.typ, e.stream, tone.time, len(sounds[0].body)), sounds[0].body[:500])
		e.raw(head3(6), shot.body[500:1000], head3(4), sounds[0].body[500:])
		e.raw(head0(4, more.typ, e.stream, more.time, len(sounds[1].body)), sounds[1].body[:500], head3(4), sounds[1].body[500:])
		e.raw(head3(6), inChunks(shot.body[1000:], 500, head3(6)))
		e.sync()
	}
	v.follow()
	e.send(few)
	v.follow()
}

// tone is sound of the film at a time.
func (e *encoder) tone(time uint32) item {
	for {
		if i := e.film.next(); i.typ == rtmpclient.TypeAudio {
			return i.at(time)
		}
	}
}

func sameAgain(k *kit) {
	e := k.push(plain())
	v := k.view()
	const t = 400
	for n, head := range [][]byte{head0(9, rtmpclient.TypeAudio, 1, t, len(e.tone(0).body)), head3(9), head3(9), head3(9)} {
		i := e.tone(uint32(t * (n + 1))) //nolint:gosec // n is small
		e.raw(head, i.body)
		e.notes(i)
	}
	e.sync()
	v.follow()
}

func differences(k *kit) {
	e := k.push(plain())
	v := k.view()
	longer := func(time uint32) item {
		i := e.tone(time)
		i.body = append(i.body, "and more"...)
		return i
	}
	short := len(e.tone(0).body)
	for _, c := range []struct {
		head []byte
		item item
	}{
		{head0(9, rtmpclient.TypeAudio, 1, 400, short), e.tone(400)},
		{head2(9, 23), e.tone(423)},
		{head3(9), e.tone(446)},
		{head1(9, rtmpclient.TypeAudio, 40, short+len("and more")), longer(486)},
		{head3(9), longer(526)},
		{head2(9, 0), longer(526)},
		{head3(9), longer(526)},
		{head0(9, rtmpclient.TypeAudio, 1, 600, short), e.tone(600)},
		{head1(9, rtmpclient.TypeAudio, 7, short), e.tone(607)},
	} {
		e.raw(c.head, c.item.body)
		e.notes(c.item)
	}
	e.sync()
	v.follow()
}

func chunkStreams(k *kit) {
	e := k.push(plain())
	v := k.view()
	put := func(begin func(form uint8) []byte) {
		shot := e.film.toKey()
		i := shot[len(shot)-1]
		i.body = append(i.body, make([]byte, ours)...)
		e.raw(begin(0), head0(3, i.typ, e.stream, i.time, len(i.body))[1:], inChunks(i.body, ours, begin(3)))
		e.notes(i)
	}
	for _, id := range []uint32{63, 64, 65, 319, 320, 321, 576, 65_599} {
		put(func(form uint8) []byte { return rtmpclient.AppendBasic(nil, form, id) })
	}
	for _, id := range []uint32{64, 65, 319} { // those of two bytes can be told in three as well
		put(func(form uint8) []byte { return basic3(form, id) })
	}
	put(func(form uint8) []byte { return append([]byte{}, form<<6|62) })
	e.sync()
	v.follow()
}

func firstHead(k *kit) {
	l := k.link()
	l.connect("streams")
	m := rtmpclient.ControlMessage(rtmpclient.PingRequest, 9)
	l.raw(head1(2, m.Type, 0, len(m.Body)), m.Body)
	l.told(rtmpclient.PingResponse, 9)
	l.raw(head2(2, 0), m.Body)
	l.told(rtmpclient.PingResponse, 9)
	for _, head := range [][]byte{head2(9, 5), head3(9), head3(70), head2(400, 5)} {
		l := k.link()
		l.connect("streams")
		l.raw(head, make([]byte, 64))
		l.thrown()
	}
}

// longTime sends messages whose times are in four bytes.
func (k *kit) longTime(repeated bool) {
	f := large(1000)
	f.start = 20_000_000
	e := k.push(f)
	v := k.view()
	e.sends(128)
	for n, i := range f.take(many) {
		between := head3(6)
		if repeated {
			between = append(between, number(i.time)...)
		}
		all := append(head0(6, i.typ, e.stream, i.time, len(i.body)), inChunks(i.body, 128, between)...)
		if e.notes(i); n > few {
			e.raw(all)
			continue
		}
		for piece := range slices.Chunk(all, 1+n) { // cut anywhere
			e.raw(piece)
		}
	}
	e.sync()
	v.follow()
}

func longDifference(k *kit) {
	e := k.push(plain())
	v := k.view()
	const hours = late + 1
	shot := e.film.toKey()
	key := shot[len(shot)-1]
	tone := e.tone(500)
	e.raw(head0(9, tone.typ, e.stream, 500, len(tone.body)), tone.body)
	e.notes(tone)
	// The source's clock goes on by hours, and the pump's does not follow.
	key = key.at(500 + hours)
	e.raw(head1(9, key.typ, hours, len(key.body)), key.body)
	e.splices = true
	e.notes(key)
	tone = e.tone(key.time + 40)
	e.raw(head0(8, tone.typ, e.stream, tone.time, len(tone.body)), tone.body)
	e.notes(tone)
	e.sync()
	v.follow()
	k.want(v.steps[0] < 1000, "the times step by %d ms, and no time has passed", v.steps[0])
}

func aborted(k *kit) {
	e := k.push(large(1000))
	v := k.view()
	e.sends(300)
	for range 3 {
		for _, typ := range []uint8{rtmpclient.TypeVideo, rtmpclient.TypeAudio} {
			e.raw(head0(6, typ, e.stream, 0, 1000), make([]byte, 300), head3(6), make([]byte, 300))
			e.puts(rtmpclient.NumberMessage(rtmpclient.TypeAbort, 6))
			e.send(few)
		}
		e.puts(rtmpclient.NumberMessage(rtmpclient.TypeAbort, 6), rtmpclient.NumberMessage(rtmpclient.TypeAbort, 55)) // of nothing
	}
	v.follow()
}

// floods begins a message that is too long, and sends no more than the given bytes of it.
func (l *link) floods(head []byte, most int) {
	l.k.Helper()
	err := l.Send(l.k.ctx, head)
	for part := make([]byte, 64<<10); most > 0 && err == nil; most -= len(part) {
		err = l.Send(l.k.ctx, part) // which the pump may have closed already
	}
	l.thrown()
}

func tooLong(k *kit) {
	const longest = 1<<24 - 1
	e := k.push(plain())
	v := k.view()
	v.follow()
	e.sends(1<<31 - 1)
	e.floods(head0(6, rtmpclient.TypeVideo, e.stream, 500, longest), 8<<20)
	k.source("held")
	e = k.publisher(e.film.again())
	e.begin()
	v.follow()

	l := k.link()
	l.sends(1<<31 - 1)
	l.floods(head0(3, rtmpclient.TypeCommand, 0, 0, longest), 2<<20)

	w := k.view() // is a stranger with regard to what it sends
	w.sends(1<<31 - 1)
	w.floods(head0(3, rtmpclient.TypeCommand, 1, 0, longest), 2<<20)
	e.send(few)
	v.follow()
}

// halves begins a message on each of many chunk streams.
func (l *link) halves(stream uint32) {
	l.k.Helper()
	var err error
	for id := uint32(100); id < 300 && err == nil; id++ {
		err = l.Send(l.k.ctx, append(head0(id, rtmpclient.TypeVideo, stream, 0, 60_000), make([]byte, 128)...))
	}
	l.thrown()
}

func manyHalves(k *kit) {
	k.link().halves(0)
	e := k.push(plain())
	v := k.view()
	v.follow()
	l := k.publisher(e.film.again())
	l.sends(128)
	l.halves(l.stream)
	e.send(few)
	v.follow()
}
