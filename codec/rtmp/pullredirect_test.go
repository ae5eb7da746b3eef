package rtmp

import (
	"strings"
	"testing"
)

// A source that sends us on, in each of the ways that there are, and where we go.
func TestPullRedirected(t *testing.T) {
	moved := func(more ...any) o {
		return o{"level", "error", "code", "NetConnection.Connect.Rejected", "description", "RTMP 302 Redirect",
			"ex", append(o{"code", 302}, more...)}
	}
	for _, c := range []struct {
		name     string
		path     string
		n        int    // turns before
		in, then string // the redirect, and what becomes of it
	}{
		{"connect", "", 1, s128.invokes(0, "_error", 1, nil, moved("redirect", "rtmp://b/live")), "Redial; dial b:1935; /live/x"},
		{"first_object", "", 1, s128.invokes(0, "_error", 1, moved("redirect", "rtmp://b/live")), "Redial; dial b:1935; /live/x"},
		{"srs", "", 3, s4096.invokes(0, "onStatus", 0, nil, moved("redirect", "rtmp://b:1936/live", "redirect2", "rtmp://b:1936/live/y?vhost=z")), "Redial; dial b:1936; /live/y?vhost=z"},
		{"to_TLS", "", 1, s128.invokes(0, "_error", 1, nil, moved("redirect", "rtmps://b/live")), "Redial; dial b:443 TLS; /live/x"},
		{"query_goes_along", "/live/x?k=1", 1, s128.invokes(0, "_error", 1, nil, moved("redirect", "rtmp://b/live")), "Redial; dial b:1935; /live/x?k=1"},
		{"from_TLS", "rtmps", 1, s128.invokes(0, "_error", 1, nil, moved("redirect", "rtmp://b/live?pass=p")),
			`Bad: the source redirects us from TLS to "rtmp://b/live?…", which is without, so we do not follow`},
		{"elsewhere", "", 1, s128.invokes(0, "_error", 1, nil, moved("redirect", "http://b/live")),
			`Bad: the source redirects us: the address "http://b/live" must begin with rtmp://, or for TLS with rtmps://`},
		{"nowhere", "", 1, s128.invokes(0, "_error", 1, nil, moved("redirect", "")),
			`Bad: the source answered connect with NetConnection.Connect.Rejected: it says "RTMP 302 Redirect"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			open := func() *puller {
				return openPull(func(o *PullOptions) {
					if o.URL.TLS = c.path == "rtmps"; !o.URL.TLS && c.path != "" {
						o.URL.Path = c.path
					}
				})
			}
			h := open()
			all := ""
			for _, x := range instead(c.n, turn{in: c.in}) {
				all += x.in
				h.feed([]byte(x.in))
			}
			first := len(h.log)
			if h.over && h.log[first-1] == "Redial" {
				h.again(t)
				h.log = append(h.log, h.sess.(*pull).url.Path)
			}
			if got := strings.Join(h.log[1:], "; "); got != c.then {
				t.Errorf("got  %s\nwant %s", got, c.then)
			}
			wantAnyPull(t, all, open)
		})
	}
}

// again is what the engine does where a pull is redirected.
func (h *puller) again(t *testing.T) {
	t.Helper()
	h.sess.AppendEnd(nil, 0, "")
	h.over = false
	h.dial()
	if len(h.out) != helloSize {
		t.Errorf("said %d bytes on the next connection", len(h.out))
	}
}

// Sources that send us to each other.
func TestPullRedirectedInCircles(t *testing.T) {
	h := openPull(nil)
	refuse := s0s1s2 + s128.invokes(0, "_error", 1, nil, o{"level", "error", "ex", o{"code", 302, "redirect", "rtmp://b/live?k=1"}})
	for range maxRedirects {
		h.feed([]byte(refuse))
		h.again(t)
	}
	h.feed([]byte(refuse))
	if got, want := h.log[len(h.log)-1], `Bad: the source redirects us too often, last to "rtmp://b/live?…"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := strings.Count(strings.Join(h.log, " "), "Redial"); got != maxRedirects {
		t.Errorf("%d redirects", got)
	}
}

// Behind a redirect nothing of the first connection is left.
func TestPullPlaysBehindARedirect(t *testing.T) {
	h := openPull(nil)
	for _, x := range toPlay() {
		h.feed([]byte(x.in))
	}
	h.feed([]byte(s4096.invokes(0, "onStatus", 0, nil, o{"level", "error", "ex", o{"redirect2", "rtmp://b/other/y"}})))
	h.again(t)
	said := len(h.out)
	for _, x := range toPlayAnd(turn{in: started}) {
		h.feed([]byte(x.in))
	}
	got := heard(t, h.out[said:])
	for _, want := range []string{`app:"other"`, `tcUrl:"rtmp://b:1935/other"`, `"play" 4 null "y" -1000`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s: %s", want, got)
		}
	}
	if got, want := strings.Join(h.log[3:], "; "), startedEvents; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
