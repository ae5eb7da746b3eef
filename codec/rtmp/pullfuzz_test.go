package rtmp

import (
	"bytes"
	"strings"
	"testing"

	"streampump/codec"
)

// FuzzPull: whatever a source sends, the pull keeps the contract, does not depend on the
// pieces, says whole messages, and holds no more than a bound.
func FuzzPull(f *testing.F) {
	said := func(turns []turn) []byte {
		all := ""
		for _, x := range turns[1:] {
			all += x.in
		}
		return []byte(all)
	}
	f.Add(said(toPlayAnd(turn{in: begins + started})), false)
	f.Add(said(toPlayAnd(turn{in: started + s4096.says(6, typeAggregate, 1, 5000, tag(typeAudio, 1000, sound)+tag(typeVideo, 1008, pictureInter))})), false)
	f.Add(said(toPlayAnd(turn{in: started + s4096.user(6, 1) + s4096.says(2, typeWindow, 0, 0, u32s(1)) + s4096.reports("status", "NetStream.Play.Stop", "")})), false)
	f.Add([]byte(s128.invokes(0, "_error", 1, nil, o{"ex", o{"redirect", "rtmp://b/live"}})), false)
	f.Add([]byte(s128.invokes(0, "_error", 1, nil, o{"level", "error", "code", "NetConnection.Connect.InvalidApp", "description", "authmod=adobe"})), false)
	f.Add([]byte(s0s1s2[:40]), true)
	f.Add([]byte("HTTP/1.0 400 Bad Request\r\n\r\n"), true)
	f.Fuzz(func(t *testing.T, b []byte, first bool) {
		open := func() *puller {
			h := openPull(nil)
			if !first {
				h.feed([]byte(s0s1s2))
			}
			return h
		}
		wantAnyPull(t, string(b), open)
		h := open()
		h.feed(bytes.Clone(b))
		p := h.sess.(*pull)
		if n := cap(p.from.hold.buf) + cap(p.from.buf) + cap(p.say); n > 8*maxHold+wide.message {
			t.Errorf("%d bytes are held", n)
		}
		if h.over && p.stage != stageOver || p.redirects > maxRedirects+1 {
			t.Errorf("%+v", p)
		}
		if last := h.log[len(h.log)-1]; strings.HasPrefix(last, "Bad: ") && (len(last) > 500 || strings.ContainsFunc(last, isControl)) {
			t.Errorf("%q is no sentence", last)
		}
		if h.out = h.sess.AppendEnd(h.out, codec.CauseShutdown, ""); len(h.out) > helloSize {
			heard(t, h.out[helloSize:])
		}
	})
}

// isControl reports what would break a line of a log.
func isControl(r rune) bool { return r < ' ' || r == 0x7F }
