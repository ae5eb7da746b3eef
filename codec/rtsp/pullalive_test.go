package rtsp

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Keep-alives come before the session's time is over, whether they are answered or not.
func TestPullKeepsAlive(t *testing.T) {
	const params, options = "GET_PARAMETER rtsp://cam/live/|Session: 12345678", "OPTIONS rtsp://cam/live/|Session: 12345678"
	type due struct {
		at   int // seconds since the answer to PLAY
		in   string
		says string // at that time, before in comes
	}
	for _, c := range []struct {
		name, public, session string
		dues                  []due
	}{
		{"minute", "OPTIONS, GET_PARAMETER", sid, []due{{54, "", ""}, {55, camOK(), params}, {109, "", ""}, {110, camOK(), params}}},
		{"thirty", "GET_PARAMETER", sid + ";timeout=30", []due{{24, "", ""}, {25, camOK("Content-Length: 3") + "abc", params}, {50, camOK(), params}}},
		{"six", "GET_PARAMETER", sid + ";timeout=6", []due{{2, "", ""}, {3, camOK(), params}, {6, camOK(), params}}},
		{"only_options", "OPTIONS, DESCRIBE", sid, []due{{55, camOK(), options}}},
		{"hipcam", "GET_PARAMETER", sid, []due{{55, "", params}, {110, "", options}, {165, "", options}}},
		{"does_not_know_it", "GET_PARAMETER", sid, []due{{55, camAnswers("501 Not Implemented"), params}, {110, camOK(), options}}},
		{"answers_late", "GET_PARAMETER", sid, []due{{55, frame(0, rtpOf(1)) + frame(2, rtpOf(2)) + camOK() + frame(0, rtpOf(3)), params}, {110, camOK(), params}}},
		{"lost_session", "GET_PARAMETER", sid, []due{{55, camAnswers("454 Session Not Found"), params}, {110, camOK(), params}}},
		{"zero", "GET_PARAMETER", sid + ";timeout=0", []due{{55, camOK(), params}}},
		{"nonsense", "GET_PARAMETER", sid + ";timeout=x", []due{{55, camOK(), params}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := openPull(nil)
			p := h.sess.(*pull)
			feed := func(in string) { h.feed([]byte(strings.ReplaceAll(in, "CSEQ", fmt.Sprint(p.cseq)))) }
			for _, in := range []string{camOK("Public: " + c.public), camDescribes(camSDP, "Content-Base: rtsp://cam/live/"), camOK(setUp0, c.session), camOK(setUp2, c.session), camOK()} {
				feed(in)
			}
			next := p.now
			for _, d := range c.dues {
				now := time.Duration(d.at) * time.Second
				said := []byte(nil)
				for next <= now {
					said, next = p.Tick(said, next)
				}
				wantSaid(t, string(said), d.says)
				feed(d.in)
			}
			if strings.Contains(h.events(), "Bad") {
				t.Error(h.events())
			}
		})
	}
}

// A camera that closes the connection instead of answering GET_PARAMETER is asked with
// OPTIONS at the next attempt.
func TestPullRemembersHipcam(t *testing.T) {
	past := &Past{}
	for i, want := range []string{"GET_PARAMETER rtsp://cam/live/", "OPTIONS rtsp://cam/live/", "OPTIONS rtsp://cam/live/"} {
		h := openPull(func(o *PullOptions) { o.Past = past })
		for _, x := range toPlay() {
			h.feed([]byte(strings.ReplaceAll(x.in, "CSEQ", fmt.Sprint(h.sess.(*pull).cseq))))
		}
		said, _ := h.sess.(*pull).Tick(nil, time.Minute)
		t.Run(fmt.Sprint("attempt_", i), func(t *testing.T) { wantSaid(t, string(said), want) })
	}
}

// A keep-alive whose proof has become too old goes out once more at once: the next would
// be too late.
func TestPullKeepsAliveWithANewNonce(t *testing.T) {
	h := openPull(nil)
	p := h.sess.(*pull)
	feed := func(in string) string {
		was := len(h.out)
		h.feed([]byte(strings.ReplaceAll(in, "CSEQ", fmt.Sprint(p.cseq))))
		return string(h.out[was:])
	}
	feed(camAnswers("401 Unauthorized", `WWW-Authenticate: Digest realm="lab", nonce="n0"`))
	for _, x := range toPlay() {
		feed(x.in)
	}
	h.out, _ = p.Tick(h.out, time.Minute)
	wantSaid(t, feed(camAnswers("401 Unauthorized", `WWW-Authenticate: Digest realm="lab", nonce="n1"`)),
		`GET_PARAMETER rtsp://cam/live/|Authorization: Digest username="u", realm="lab", nonce="n1"`)
	if got := feed(camOK()); got != "" || strings.Contains(h.events(), "Bad") {
		t.Errorf("said %q: %s", got, h.events())
	}
}
