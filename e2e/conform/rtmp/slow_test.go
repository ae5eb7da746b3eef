package rtmp

import (
	"net"
	"slices"
	"syscall"

	"streampump/bench/rtmpclient"
)

// slowRows are about viewers that do not take what they get.
func slowRows() []row {
	return []row{
		{77, "Stalled", "a viewer that did not read goes on behind a whole message at the newest key frame", "viewers", steady, stalled},
		{78, "StalledBeside", "meanwhile others get everything, and what is kept does not grow", "viewers", steady, stalledBeside},
		{79, "StalledTooLong", "one that takes nothing for too long is closed", "operators", strict, stalledTooLong},
		{80, "AnswersBetween", "what a slow viewer is answered comes between two messages", "players", steady, answersBetween},
		{0, "StalledNewHeader", "one behind whose back a header changed gets the new one, ahead of the key frame", "viewers", steady, stalledNewHeader},
	}
}

// slow is a viewer whose system takes little for it.
func (k *kit) slow() *viewer {
	k.Helper()
	small := &net.Dialer{Timeout: patience, Control: func(_, _ string, c syscall.RawConn) (err error) {
		const size = 16 << 10
		_ = c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size) })
		return err
	}}
	l := k.dialWith(small)
	l.shake()
	v := k.viewerOf(l, "streams")
	v.play(k.path)
	return v
}

// overflows sends some ten megabytes, of which the backlog keeps some six.
func (e *encoder) overflows(healthy *viewer) {
	e.k.Helper()
	for range 60 {
		e.send(many / 4)
		healthy.follow()
	}
}

// catchUp is follow for a viewer for which messages were left out. It gives the places at
// which it went on.
func (v *viewer) catchUp() (gaps []int) {
	v.k.Helper()
	k := v.k
	for v.at < len(k.story.sent) {
		var heads []item
		had, got := v.at, v.media()
		for v.find(got) < 0 {
			heads = append(heads, got)
			got = v.media()
		}
		at := v.find(got)
		if at == had {
			v.judge(heads, got, k.story.sent[at])
			continue
		}
		k.want(k.story.sent[at].key, "behind what was left out comes no key frame, but %v", got)
		v.retold(k.story.sent[had-1].heads, k.story.sent[at].heads, heads, got.time)
		gaps = append(gaps, at)
		v.at = at
		v.judge(nil, got, k.story.sent[at])
	}
	return gaps
}

// find is the place of a message that is still to come; -1 for none.
func (v *viewer) find(got item) int {
	for n, i := range v.k.story.sent[v.at:] {
		if same(got, i.item) {
			return v.at + n
		}
	}
	return -1
}

// retold checks the heads ahead of a message behind others that were left out: if any have
// changed, those come again, and else none does.
func (v *viewer) retold(had, now, got []item, time uint32) {
	v.k.Helper()
	changed := 0
	for i, h := range now {
		if i < len(had) && same(had[i], h) {
			continue
		}
		changed++
		v.k.want(slices.ContainsFunc(got, func(g item) bool { return same(g, h) }), "a head has changed and is not told again: %v; there are %v", h, got)
	}
	v.k.want(changed > 0 || len(got) == 0, "no head has changed, and there are %v", got)
	for _, g := range got {
		v.k.want(slices.ContainsFunc(now, func(h item) bool { return same(g, h) }), "ahead of a key frame comes %v", g)
		v.k.want(g.time == time || g.typ == rtmpclient.TypeData && g.time == 0, "ahead of a key frame at %d comes %v", time, g)
	}
}

func stalled(k *kit) {
	e := k.push(large(30_000))
	v, healthy := k.slow(), k.view()
	v.starts()
	e.overflows(healthy)
	newest := k.newestKey()
	gaps := v.catchUp()
	k.want(len(gaps) == 1 && gaps[0] == newest, "it goes on at messages %d, and the newest key frame is %d", gaps, newest)
	e.send(few)
	v.follow()
}

func stalledBeside(k *kit) {
	e := k.push(large(30_000))
	v, healthy := k.slow(), k.view()
	v.starts()
	const most = 8 << 20
	for range 2 {
		e.overflows(healthy)
		k.want(k.stream().Backlog <= most, "the stream keeps %d bytes", k.stream().Backlog)
	}
	w := k.view() // who joins now starts as if nobody were slow
	w.follow()
}

func stalledTooLong(k *kit) {
	e := k.push(large(30_000))
	v, healthy := k.slow(), k.view()
	v.starts()
	e.overflows(healthy)
	k.logged("viewer left", k.tag(), "reason=viewer_stalled ", "peer="+v.LocalAddr().String()+" ")
	e.send(few)
	healthy.follow()
}

func answersBetween(k *kit) {
	e := k.push(large(30_000))
	v, healthy := k.slow(), k.view()
	v.starts()
	for n := range uint32(20) {
		v.pings(n)
		v.pongs = append(v.pongs, n)
		v.call(0, "createStream", float64(100+n), nil)
		v.calls = append(v.calls, float64(100+n))
		e.send(many / 4)
		healthy.follow()
	}
	e.overflows(healthy)
	v.catchUp() // which reads what comes between
	for len(v.pongs)+len(v.calls) > 0 {
		k.want(v.between(v.next()), "something else comes")
	}
	e.send(few)
	v.follow()
}

func stalledNewHeader(k *kit) {
	e := k.push(large(30_000))
	v, healthy := k.slow(), k.view()
	v.starts()
	e.overflows(healthy)
	e.put(item{typ: rtmpclient.TypeVideo, time: k.story.now(), body: avc(480).head, head: true})
	e.overflows(healthy)
	gaps := v.catchUp()
	k.want(len(gaps) == 1, "it goes on at messages %d", gaps)
	e.send(few)
	v.follow()
}
