package access

import (
	"testing"
	"time"

	"streampump/codec"
)

// answers is a backend of a test: it knows tokens, and thinks about some.
type answers map[string]Answer

func (a answers) Ask(_ time.Time, r Request, done func(Answer)) (Answer, bool) {
	token := ""
	if r.Credentials != nil {
		token = r.Credentials.Token
	}
	if token == "slow" {
		go done(a[token])
		return Answer{}, false
	}
	return a[token], true
}

func TestBackend(t *testing.T) {
	l := newLab(t)
	b := answers{"slow": {Says: Yes, Client: "late"}, "good": {Says: Yes, Client: "anna"}, "": {Says: No, Why: "it answers 403"}, "down": {Why: "no answer came in time"}}
	cfg := Config{Streams: map[string]StreamRules{
		"asked": {View: &Rules{Backend: b}},
		"both":  {View: &Rules{Backend: b, Accounts: l.cfg.Streams["digest"].View.Accounts, Keys: keys}},
		"later": {View: &Rules{Callback: &Callback{}}},
	}}
	l.Guard = NewGuard(cfg)
	token := func(s string) *codec.Credentials { return &codec.Credentials{Token: s} }
	for _, x := range []struct {
		stream string
		c      *codec.Credentials
		want   Outcome
		reason string
		client string
	}{
		{"asked", token("good"), Allowed, "", "anna"},
		{"asked", token("slow"), Allowed, "", "late"},
		{"asked", nil, Forbidden, "the callback says no: it answers 403", ""},
		{"asked", basic("anna", "right"), Forbidden, "the callback says no", ""},
		{"asked", token("down"), Undecided, "the callback cannot say whether: no answer came in time", ""},
		{"both", token("good"), Allowed, "", "anna"},
		{"both", bearer(Token{Role: View, Stream: "both", Key: "k1", Client: "own", Expires: noon.Add(time.Minute)}, keys[0].Secret), Allowed, "", "own"},
		{"both", nil, Denied, "the callback says no", ""},
		{"both", token("down"), Undecided, "", ""}, // and no question for a password
	} {
		d := l.ask(x.stream, home, x.c)
		l.want(d, x.want, x.reason)
		if d.Client != x.client {
			t.Errorf("the client is %q, want %q", d.Client, x.client)
		}
	}
	c := prove(l.ask("both", home, nil).Challenge, "anna", "right", 1, nil)
	l.want(l.ask("both", home, c), Allowed, "")
	// Rules that were meant to ask somebody and cannot let nobody in.
	l.want(l.ask("later", home, token("good")), Forbidden, "")
	if cfg.Open() {
		t.Error("rules with a callback are open")
	}
}
