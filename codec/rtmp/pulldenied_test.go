package rtmp

import (
	"errors"
	"strings"
	"testing"

	"streampump/codec"
)

// TestPullDenied: a source that does not take what we show is told from one that has no stream
// for us, and from one to which we show nothing, so that it is not shown the same again soon.
func TestPullDenied(t *testing.T) {
	connect := func(code, says string) string {
		return s128.invokes(0, "_error", 1, nil, o{"level", "error", "code", code, "description", says})
	}
	play := func(code, says string) string { return s4096.reports("error", code, says) }
	const shown, nothing = "/live/x?user=u&pass=secret", "/live/x"
	for name, c := range map[string]struct {
		path     string
		n        int // turns before
		in       string
		denied   bool
		sentence string
	}{
		"adobe": {shown, 1, connect("NetConnection.Connect.Rejected", "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed"), true,
			`the source answered connect with NetConnection.Connect.Rejected: it says "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfaile…": ` +
				codec.ErrDenied.Error()},
		"adobe_user":    {shown, 1, connect("NetConnection.Connect.Rejected", "authmod=adobe ?reason=nosuchuser"), true, ""},
		"adobe_wanted":  {shown, 1, connect("NetConnection.Connect.Rejected", "code=403 need auth; authmod=adobe"), false, ""},
		"MediaMTX":      {shown, 3, play("NetStream.Play.Failed", "authentication failed"), true, ""},
		"a_pump":        {shown, 3, play("NetStream.Play.Failed", wrongName), true, ""},
		"a_pumps_token": {"/live/x?token=t", 3, play("NetStream.Play.Failed", wrongToken), true, ""},
		"a_code":        {shown, 3, play("NetStream.Play.Denied", ""), true, "the source answered play with NetStream.Play.Denied: " + codec.ErrDenied.Error()},
		"nothing_shown": {nothing, 3, play("NetStream.Play.Failed", "Authentication failed"), false,
			`the source answered play with NetStream.Play.Failed: it says "Authentication failed"; who we are goes into the query of its address, and that has none`},
		"no_stream": {shown, 3, play("NetStream.Play.StreamNotFound", "No such stream"), false, ""},
		"rejected":  {shown, 1, connect("NetConnection.Connect.Rejected", "go away"), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			open := func() *puller { return openPull(func(o *PullOptions) { o.URL.Path = c.path }) }
			h, all := open(), ""
			for _, x := range instead(c.n, turn{in: c.in}) {
				all += x.in
				h.feed([]byte(x.in))
			}
			if h.err == nil || errors.Is(h.err, codec.ErrDenied) != c.denied {
				t.Fatalf("it went %s", h.log)
			}
			if got := h.err.Error(); c.sentence != "" && got != c.sentence || strings.Contains(got, "secret") {
				t.Errorf("got  %s\nwant %s", got, c.sentence)
			}
			wantAnyPull(t, all, open)
		})
	}
}

// What package access has a pump say.
const (
	wrongName  = "the name or the password is wrong"
	wrongToken = "the token is not good here, or not any more"
)
