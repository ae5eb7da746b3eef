package rtmp

import (
	"slices"
	"strings"
	"testing"

	"streampump/codec"
)

// publisher connects as an encoder does.
func publisher(app string) *client {
	return dial().call("connect", 1, []string{"app", app, "type", "nonprivate", "flashVer", "FMLE/3.0"})
}

// rejected is the answer to a connect that is refused.
func rejected(text string) []string {
	return []string{"_error 1 null {level:error,code:NetConnection.Connect.Rejected,description:" + text + "}"}
}

// lookedAhead is what a session asks before it answers connect, and what becomes of that.
func lookedAhead(more string) string { return "Reply…; Lookup… ahead" + more }

func TestProof(t *testing.T) {
	const (
		proven   = "?authmod=adobe&user=anna&challenge=rOH4Qw==&response=Yvm+wB/4D4QbbE/5T6jYtQ==&opaque=N"
		proves   = ` digest={anna N rOH4Qw== Yvm+wB/4D4QbbE/5T6jYtQ==}`
		needs    = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=anna&salt=:Stream Pump:&challenge=N&opaque=N"
		failed   = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed"
		needAuth = "code=403 need auth; authmod=adobe"
	)
	asked := codec.Challenge{Realm: "Stream Pump", Nonce: "N", MD5: true}
	with := func(f func(*codec.Challenge)) codec.Verdict {
		c := asked
		f(&c)
		return codec.Verdict{Code: codec.Unproven, Challenge: &c, Reason: "no"}
	}
	no := with(func(*codec.Challenge) {})
	const comes = "; Publish live%; takes"
	for _, c := range []struct {
		name    string
		app     string
		verdict codec.Verdict // on what is asked ahead
		events  string
		told    []string // nil: it may go on
	}{
		{"asked", "streams", no, "; closes", rejected(needAuth)},
		{"asked_for_a_stream", "live_push", no, " live; closes", rejected(needAuth)},
		{"asked_for_a_stream_there", "streams/live_push", no, " live; closes", rejected(needAuth)},
		{"asked_for_none", "/STREAMS//", no, "; closes", rejected(needAuth)},
		{"open", "streams", codec.Verdict{}, "", nil},
		{"elsewhere_a_token_is_good", "streams", with(func(c *codec.Challenge) { c.Token = true }), "", nil},
		{"elsewhere_a_password_is_good", "streams", with(func(c *codec.Challenge) { c.Basic = true }), "", nil},
		{"no_hash", "streams", with(func(c *codec.Challenge) { c.MD5, c.SHA256 = false, true }), "", nil},
		{"odd_realm", "streams", with(func(c *codec.Challenge) { c.Realm = "a&b" }), "", nil},
		{"long_realm", "streams", with(func(c *codec.Challenge) { c.Realm = strings.Repeat("r", maxProofRealm+1) }), "", nil},
		{"forbidden", "streams", codec.Verdict{Code: codec.Forbidden, Reason: "no"}, "", nil},
		{"its_own_choice", "streams?authmod=adobe", with(func(c *codec.Challenge) { c.Token = true }), "; closes", rejected(needAuth)},
		{"named", "streams?authmod=adobe&user=anna", no, "; closes", rejected(needs)},
		{"named_twice", "streams?authmod=adobe?authmod=adobe&user=anna", with(func(c *codec.Challenge) { c.Basic = true }), "; closes", rejected(needs)},
		{"named_no_hash", "streams?authmod=adobe&user=anna", with(func(c *codec.Challenge) { c.MD5 = false }), "; closes", rejected("no")},
		{"named_too_long", "streams?authmod=adobe&user=" + strings.Repeat("a", 65), no, "; closes", rejected(failed)},
		{"right", "streams" + proven, codec.Verdict{}, proves, nil},
		{"wrong", "live" + proven, no, " live" + proves + "; closes", rejected(failed)},
		{"stale", "streams" + proven, with(func(c *codec.Challenge) { c.Stale = true }), proves + "; closes", rejected(needs)},
		{"stale_and_new", "streams?authmod=adobe&user=anna&challenge=1&response=2&opaque=3&" + proven[len("?authmod=adobe&user=anna&"):], codec.Verdict{}, proves, nil},
		{"slowed", "streams" + proven, codec.Verdict{Code: codec.Slowed, Reason: "try again later"}, proves + "; closes", rejected("try again later")},
		{"of_another_scheme", "streams?authmod=llnw&user=anna", no, "; closes", rejected(needAuth)},
	} {
		t.Run(c.name, func(t *testing.T) {
			open := func() *host {
				h := openServer()
				h.decide = func(ev *codec.Event) codec.Verdict {
					if ev.Ahead {
						return c.verdict
					}
					return decide(ev)
				}
				return h
			}
			h := wantAnyCut(t, publisher(c.app).call("publish", 2, nil, "live_push", "live").b, open)
			events, told := lookedAhead(c.events), c.told
			if told == nil {
				proof := ""
				if strings.Contains(c.events, "digest") {
					proof = proves
				}
				events, told = events+strings.Replace(comes, "%", proof, 1), slices.Concat(connected, published("live"))
			}
			if got := h.events(); got != events {
				t.Errorf("events: %s\nwant:   %s", got, events)
			}
			if got := h.told(t); !slices.Equal(got, told) {
				t.Errorf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(told, "\n"))
			}
		})
	}
}

// What ffmpeg is asked fits what it has room for.
func TestProofFits(t *testing.T) {
	p := proof{asks: true, user: strings.Repeat("u", maxProofName)}
	text := p.refusal(&codec.Verdict{Code: codec.Unproven, Challenge: &codec.Challenge{
		MD5: true, Realm: strings.Repeat("r", maxProofRealm), Nonce: strings.Repeat("n", 43),
	}})
	if _, asked, ok := strings.Cut(text, "?"); !ok || len(asked) >= 300 {
		t.Errorf("it is asked with %d bytes: %s", len(asked), asked)
	}
}

// Who brings something else, or plays, is not asked for a proof.
func TestNoProof(t *testing.T) {
	for name, c := range map[string]struct {
		in     *client
		events string
	}{
		"player":   {connect("live").call("play", 2, nil, ""), "Reply…; Reply…; Play live; streams"},
		"key":      {publisher("live/KEY").call("publish", 2, nil, "", "live"), `Reply…; Reply…; Publish live token="KEY"; takes`},
		"token":    {publisher("streams?token=t").call("publish", 2, nil, "live", "live"), `Reply…; Reply…; Publish live token="t"; takes`},
		"password": {publisher("streams?user=u&pass=p").call("publish", 2, nil, "live", "live"), `Reply…; Reply…; Publish live token="" user="u" password="p"; takes`},
	} {
		if h := wantAnyCut(t, c.in.b, openServer); h.events() != c.events {
			t.Errorf("%s: events: %s\nwant: %s", name, h.events(), c.events)
		}
	}
}
