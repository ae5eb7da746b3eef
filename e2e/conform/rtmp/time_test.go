package rtmp

import (
	"bytes"
	"errors"
	"time"

	"streampump/bench/rtmpclient"
)

// timeRows are about the times of messages.
func timeRows() []row {
	return []row{
		{63, "FarStart", "a source whose times begin far from zero is played from near zero", "GStreamer", steady, farStart},
		{64, "Crossings", "a source that crosses 16,777,215, 2^31 and 2^32 goes on without a jump", "libavformat, GStreamer", steady, crossings},
		{65, "JumpForward", "a source that jumps an hour ahead goes on as if no time had passed", "mpv, GStreamer", steady, jumpForward},
		{66, "JumpBack", "so does one that begins again from zero", "ffmpeg", steady, jumpBack},
		{67, "Restart", "an encoder that is lost and comes back goes on for its viewers, at a key frame and later by the pause", "players", steady, restart},
		{69, "TimesUsedUp", "viewers are ended once when times are used up, and the next join begins near zero again", "libavformat, GStreamer", steady, timesUsedUp},
		{70, "RepeatedTime", "a time in four bytes is repeated in each chunk to viewers", "ffmpeg, librtmp", steady, repeatedTime},
		{0, "SmallStepsBack", "times that go back a little do not", "libavformat", steady, smallStepsBack},
		{0, "RestartTwice", "nor do those behind several restarts, whatever they begin with", "libavformat", steady, restartTwice},
	}
}

func farStart(k *kit) {
	for n, start := range []uint32{4_000_000_000, 1, 1_000_000, 1<<32 - 1} {
		f := plain()
		f.run, f.start = byte(10*n+1), start
		k.story = story{}
		e := k.push(f)
		v := k.view()
		e.send(many)
		v.follow()
		k.want(v.shift+start < 100, "what was at %d is at %d", start, v.shift+start)
		e.finish()
		v.ends()
		k.source("down")
	}
}

func crossings(k *kit) {
	for n, border := range []uint64{0xFFFFFF, 1 << 31, 1 << 32} {
		f := plain()
		f.run, f.start = byte(10*n+1), uint32(border-500) //nolint:gosec // it is smaller
		k.story = story{}
		e := k.push(f)
		v := k.view()
		e.send(many) // a second, whose times are judged from one message to the next
		v.follow()
		e.finish()
		v.ends()
		k.source("down")
	}
}

// key is the next key frame of the film, at a time.
func (e *encoder) key(time uint32) item {
	shot := e.film.toKey()
	return shot[len(shot)-1].at(time)
}

// jumps has a source go on from another time, in the same connection.
func (k *kit) jumps(to uint32) {
	k.Helper()
	e := k.push(plain())
	v := k.view()
	before := time.Now() // all messages that the pump may count from come later
	e.send(many)
	v.follow()
	e.film.start, e.film.made = to, 0
	e.film.run++
	e.splices = true
	e.send(many)
	v.follow()
	k.want(len(v.steps) == 1 && v.steps[0] <= uint32(time.Since(before).Milliseconds())+step, "the times step by %d ms, and %v have passed", v.steps, time.Since(before)) //nolint:gosec // rows are short
	k.view().follow()
}

func jumpForward(k *kit) { k.jumps(3_600_000) }

func jumpBack(k *kit) { k.jumps(0) }

// pause is how long encoders are away.
const pause = 500 * time.Millisecond

// live sends the next n messages when they are due, as encoders do. The last is sent after
// what it gives.
func (e *encoder) live(n int) (last time.Time) {
	e.k.Helper()
	all := e.film.take(n)
	began := time.Now()
	for _, i := range all {
		<-time.After(time.Until(began.Add(time.Duration(i.time-all[0].time) * time.Millisecond)))
		last = time.Now()
		e.put(i)
	}
	return last
}

// comesBack has an encoder be lost, and another go on for its viewers.
func (k *kit) comesBack(e *encoder, again *film, viewers ...*viewer) *encoder {
	k.Helper()
	gone := e.live(many)
	for _, v := range viewers {
		v.follow()
	}
	e.lose()
	k.source("held")
	<-time.After(pause)
	e = k.publisher(again)
	e.begin()
	away := time.Since(gone)
	for _, v := range viewers {
		v.follow()
		last := v.steps[len(v.steps)-1]
		const more = 200 * time.Millisecond
		got := time.Duration(last) * time.Millisecond
		k.want(got >= pause-more && got <= away+more, "the times step by %v, and the encoder was away for at least %v and at most %v", got, pause, away)
	}
	return e
}

func restart(k *kit) {
	e := k.push(plain())
	v, w := k.view(), k.view()
	e = k.comesBack(e, e.film.again(), v, w)
	e.send(many)
	v.follow()
	w.follow()
	k.view().follow()
	k.logged("source continues", k.tag())
}

func restartTwice(k *kit) {
	e := k.push(plain())
	v := k.view()
	for _, start := range []uint32{4_000_000_000, 0, 20_000_000, 1 << 31} {
		again := e.film.again()
		again.start = start
		e = k.comesBack(e, again, v)
	}
}

// ages sends sound, with less than ten seconds from one to the next, until viewers have it
// shortly before the given time. Those who watch must follow it.
func (e *encoder) ages(v *viewer, to uint32) {
	e.k.Helper()
	const leap = 9_900
	v.follow()
	now := v.latest()
	for now+leap < to {
		var all []item
		for n := 0; n < 500 && now+leap < to; n++ {
			now += leap
			all = append(all, e.tone(now-v.shift))
		}
		e.put(all...)
		v.follow()
	}
}

// appears checks that a viewer has got these bytes, on whatever chunk stream.
func (v *viewer) appears(head []byte) {
	v.k.Helper()
	all := v.tap.all()
	for id := byte(3); id < 32; id++ {
		if bytes.Contains(all, append([]byte{id}, head[1:]...)) {
			return
		}
	}
	v.k.Fatalf("no message begins with % x behind its chunk stream", head[1:])
}

func longTimeBegins(k *kit) {
	borders := []uint32{late - 1, late, late + 1}
	f := plain()
	f.start = late - 200
	e := k.push(f)
	v := k.view()
	for _, at := range borders { // of the source's times
		e.put(e.tone(at))
	}
	v.follow()
	e.ages(v, late)
	for _, at := range borders { // of the pump's
		i := e.tone(at - v.shift)
		e.put(i)
		v.follow()
		v.appears(append(head0(9, i.typ, 1, at, len(i.body)), i.body...))
	}
}

func repeatedTime(k *kit) {
	e := k.push(large(150_000)) // of three chunks
	v := k.view()
	e.ages(v, 0x1000000+100_000)
	key := e.key(v.latest() + 40 - v.shift)
	e.put(key)
	for n := range uint32(9) {
		e.put(e.film.next().at(key.time + 10*n))
	}
	v.follow() // by a reader that knows no other way
	head := head0(9, key.typ, 1, key.time+v.shift, len(key.body))
	v.appears(append(head, key.body[:100]...))
	w := k.view()
	e.put(e.film.next().at(key.time + 100))
	w.follow()
}

func timesUsedUp(k *kit) {
	const end = 1<<32 - 3_600_000
	f := plain()
	f.video, f.meta = coding{}, described(nil, 10)
	e := k.push(f)
	v := k.view()
	v.follow()
	from, now := v.shift, v.latest()
	ended := make(chan error, 1)
	go func() { // a viewer may leave messages out that come so fast
		for {
			m, err := v.Next(k.ctx)
			if err != nil {
				ended <- err
				return
			}
			if m.Type != rtmpclient.TypeCommand {
				continue
			}
			c, err := m.Command()
			if err == nil && c.Status().Code != "NetStream.Play.UnpublishNotify" {
				err = errors.New(said(c))
			}
			ended <- err
			return
		}
	}()
	const leap, batch = 9_900, 1000
	for now < end-leap {
		var b []byte
		for n := 0; n < batch && now < end-leap; n++ {
			now += leap
			i := e.tone(now - from)
			b = rtmpclient.AppendMessage(b, rtmpclient.Message{Chunk: 4, Type: i.typ, Stream: e.stream, Time: i.time, Body: i.body}, e.Size)
		}
		e.raw(b)
		e.sync()
	}
	k.want(len(ended) == 0, "viewers are ended at %d already", now)
	k.story = story{heads: k.story.heads, begun: true}
	for n := range uint32(5) {
		e.put(e.tone(now - from + leap*(n+1)))
	}
	k.check(<-ended)
	k.source("up")
	w := k.view()
	e.put(e.tone(now - from + 6*leap))
	w.follow()
	k.want(w.latest() < 10*leap, "the next times begin with %d", w.latest())
}

func smallStepsBack(k *kit) {
	e := k.push(plain())
	v := k.view()
	e.send(many)
	v.follow()
	newest := k.story.sent[len(k.story.sent)-1].time
	for _, back := range []uint32{1, 20, 400} {
		i := e.tone(newest - back)
		e.write(i)
		e.sync()
		got := v.media()
		k.want(same(got, i) && got.time == newest+v.shift, "sound that goes back by %d ms from %d is at %d", back, newest+v.shift, got.time)
	}
	e.put(e.tone(newest + 20))
	v.follow()
}
