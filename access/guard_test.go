package access

import (
	"crypto/md5" //nolint:gosec // see proveSalted
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"streampump/codec"
)

// lab is a guard and its clock.
type lab struct {
	*testing.T
	*Guard
	now time.Time
}

// account reads a line that must be good.
func account(t testing.TB, line string) Account {
	t.Helper()
	a, err := ParseAccount(line)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// cheap is the line of an account whose password is checked in no time.
func cheap(name, password string) string {
	c, salt := cost{memory: 8, time: 1, threads: 1}, []byte("somesalt")
	return name + ":" + argonText(c, salt, argonSum(c, salt, password, 16))
}

const realm = "Stream Pump"

// newLab has streams that are closed in different ways: digest, basic, token, both
// (token or password), lan, trusted, and open. Everything else is open.
func newLab(t *testing.T) *lab {
	digest := Rules{Accounts: []Account{
		account(t, NewDigest(DigestMD5, "anna", realm, "right")),
		account(t, NewDigest(DigestSHA256, "anna", realm, "right")),
		account(t, NewDigest(DigestMD5, "otto", realm, "right")),
	}}
	basic := Rules{Accounts: []Account{account(t, cheap("anna", "right")), account(t, cheap("otto", "right"))}}
	token := Rules{Keys: keys}
	both := Rules{Keys: keys, Accounts: digest.Accounts, Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	lan := Rules{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	trusted := Rules{Trusted: lan.Networks}
	open := Rules{}
	of := func(r *Rules) StreamRules { return StreamRules{View: r} }
	cfg := Config{Streams: map[string]StreamRules{
		"digest": of(&digest), "basic": of(&basic), "token": of(&token), "both": of(&both), "lan": of(&lan), "trusted": of(&trusted), "open": of(&open),
	}}
	return &lab{t, NewGuard(cfg), noon}
}

// ask asks to view a stream and waits for the decision.
func (l *lab) ask(stream string, from netip.Addr, c *codec.Credentials) Decision {
	l.Helper()
	later := make(chan Decision, 2)
	d, decided := l.Ask(l.now, Request{Role: View, Stream: stream, Peer: from, Credentials: c}, false, func(d Decision) { later <- d })
	if !decided {
		d = <-later
	}
	return d
}

func (l *lab) want(d Decision, want Outcome, reason string) {
	l.Helper()
	if d.Outcome != want || !strings.Contains(d.Reason, reason) || (d.Outcome == Denied) != (d.Challenge != nil) || (d.Outcome == Allowed) != (d.Public == "") {
		l.Errorf("got %+v, want %v because of %q", d, want, reason)
	}
}

func basic(user, password string) *codec.Credentials {
	return &codec.Credentials{User: user, Password: password, HasPassword: true}
}

func bearer(t Token, secret Secret) *codec.Credentials {
	return &codec.Credentials{Token: t.Text(secret)}
}

// prove answers a challenge as a player does.
func prove(c *codec.Challenge, user, password string, nc int, change func(*codec.Digest)) *codec.Credentials {
	d := &codec.Digest{User: user, Realm: c.Realm, Nonce: c.Nonce, ClientNonce: "0a4f113b", Count: fmt.Sprintf("%08x", nc), URI: "/streams/digest", Method: "GET", Auth: true}
	if change != nil {
		change(d)
	}
	kind := DigestMD5
	if d.SHA256 {
		kind = DigestSHA256
	}
	d.Response = response(kind, digestOf(kind, user+":"+c.Realm+":"+password), d)
	return &codec.Credentials{Digest: d}
}

// RFC 2617, 3.5, and RFC 7616, 3.9.1.
func TestDigestExamples(t *testing.T) {
	old := &codec.Digest{Nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093", ClientNonce: "0a4f113b", Count: "00000001", URI: "/dir/index.html", Method: "GET", Auth: true}
	if got := response(DigestMD5, "939e7578ed9e3c518a452acee763bce9", old); got != "6629fae49393a05397450978507c4ef1" {
		t.Errorf("RFC 2617: got %s", got)
	}
	now := &codec.Digest{Nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ClientNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", Count: "00000001", URI: "/dir/index.html", Method: "GET", Auth: true}
	user := "Mufasa:http-auth@example.org:Circle of Life"
	if got := response(DigestMD5, digestOf(DigestMD5, user), now); got != "8ca523f5e9506fed4657c9700eebdbec" {
		t.Errorf("RFC 7616, MD5: got %s", got)
	}
	if got := response(DigestSHA256, digestOf(DigestSHA256, user), now); got != "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" {
		t.Errorf("RFC 7616, SHA-256: got %s", got)
	}
}

func TestDigest(t *testing.T) {
	l := newLab(t)
	first := l.ask("digest", home, nil)
	l.want(first, Denied, "takes a name and a password")
	c := first.Challenge
	if !first.Bare || !c.MD5 || !c.SHA256 || c.Basic || c.Stale || c.Realm != realm {
		t.Errorf("the first challenge is %+v", first)
	}
	upper := func(d *codec.Credentials) *codec.Credentials {
		d.Digest.Response = strings.ToUpper(d.Digest.Response)
		return d
	}
	for _, x := range []struct {
		name   string
		c      *codec.Credentials
		want   Outcome
		reason string
	}{
		{"right", prove(c, "anna", "right", 1, nil), Allowed, ""},
		{"again", prove(c, "anna", "right", 1, nil), Denied, "was used before"},
		{"again_in_upper_case", upper(prove(c, "anna", "right", 1, nil)), Denied, "was used before"},
		{"next_count", prove(c, "anna", "right", 2, nil), Allowed, ""},
		{"never_counts", prove(c, "anna", "right", 1, func(d *codec.Digest) { d.ClientNonce = "other" }), Allowed, ""},
		{"upper_case", upper(prove(c, "anna", "right", 3, nil)), Allowed, ""},
		{"SHA256", prove(c, "anna", "right", 1, func(d *codec.Digest) { d.SHA256 = true }), Allowed, ""},
		{"session", prove(c, "anna", "right", 4, func(d *codec.Digest) { d.Session = true }), Allowed, ""},
		{"of_RFC_2069", prove(c, "anna", "right", 5, func(d *codec.Digest) { d.Auth = false }), Allowed, ""},
		{"wrong_password", prove(c, "anna", "wrong", 6, nil), Denied, `the password of the account "anna" is wrong`},
		{"unknown", prove(c, "nobody", "right", 7, nil), Denied, `the password of the account "nobody" is wrong`},
		{"only_MD5", prove(c, "otto", "right", 8, func(d *codec.Digest) { d.SHA256 = true }), Denied, "is wrong"},
		{"strange_nonce", prove(&codec.Challenge{Realm: realm, Nonce: "AAAA"}, "anna", "right", 1, nil), Denied, "nonce is too old"},
		{"no_response", &codec.Credentials{Digest: &codec.Digest{User: "anna", Nonce: c.Nonce}}, Denied, "is wrong"},
		{"clear_text", basic("anna", "right"), Forbidden, "for Digest only"},
		{"odd", &codec.Credentials{Odd: fmt.Errorf("an odd thing")}, Denied, "an odd thing"},
		{"token", bearer(ticket(), keys[0].Secret), Denied, "of no use here"},
	} {
		d := l.ask("digest", home, x.c)
		l.want(d, x.want, x.reason)
		if d.Challenge != nil && d.Challenge.Stale != (strings.HasPrefix(x.name, "again") || x.name == "strange_nonce") {
			t.Errorf("%s: stale is %v", x.name, d.Challenge.Stale)
		}
		if x.want == Allowed && d.Client != "anna" {
			t.Errorf("%s: the client is %q", x.name, d.Client)
		}
	}
	l.now = l.now.Add(nonceLife)
	d := l.ask("digest", home, prove(c, "anna", "right", 9, nil))
	l.want(d, Denied, "nonce is too old")
	l.want(l.ask("digest", home, prove(d.Challenge, "anna", "right", 1, nil)), Allowed, "")
}

// proveSalted answers a challenge as ffmpeg does over RTMP, and OBS.
func proveSalted(c *codec.Challenge, user, password, own string) *codec.Credentials {
	sum := func(s string) string {
		sum := md5.Sum([]byte(s)) //nolint:gosec // it is the protocol's
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	salt := ":" + c.Realm + ":"
	return &codec.Credentials{Digest: &codec.Digest{
		User: user, Nonce: c.Nonce, ClientNonce: own, Response: sum(sum(user+salt+password) + c.Nonce + own), Salted: true,
	}}
}

// TestSalted: the account that is for Digest with MD5 is for RTMP's encoders too, who are asked
// ahead and then bring the same once more.
func TestSalted(t *testing.T) {
	l := newLab(t)
	ahead := func(stream string, c *codec.Credentials) Decision {
		t.Helper()
		d, decided := l.Ask(l.now, Request{Role: View, Stream: stream, Peer: home, Credentials: c, Ahead: true}, false, nil)
		if !decided {
			t.Fatal("it is not decided at once")
		}
		return d
	}
	first := ahead("digest", nil)
	l.want(first, Denied, "takes a name and a password")
	c := first.Challenge
	if !c.MD5 || c.Token || !ahead("both", nil).Challenge.Token {
		t.Errorf("the challenge is %+v", c)
	}
	change := func(c *codec.Credentials, f func(*codec.Digest)) *codec.Credentials {
		f(c.Digest)
		return c
	}
	good := proveSalted(c, "anna", "right", "rOH4Qw==")
	l.want(ahead("digest", good), Allowed, "")
	l.want(ahead("digest", good), Allowed, "")
	l.want(l.ask("digest", home, good), Allowed, "")
	for _, x := range []struct {
		name, reason string
		c            *codec.Credentials
	}{
		{"again", "was used before", good},
		{"wrong_password", "is wrong", proveSalted(c, "anna", "wrong", "a")},
		{"unknown", "is wrong", proveSalted(c, "nobody", "right", "a")},
		{"other_case", "is wrong", change(proveSalted(c, "otto", "right", "a"), func(d *codec.Digest) { d.Response = strings.ToLower(d.Response) })},
		{"another_nonce", "is wrong", change(proveSalted(c, "otto", "right", "a"), func(d *codec.Digest) { d.Nonce = "AAAA" })},
		{"strange_nonce", "nonce is too old", proveSalted(&codec.Challenge{Realm: realm, Nonce: "AAAA"}, "otto", "right", "a")},
		{"no_account_of_MD5", "is wrong", change(proveSalted(c, "otto", "right", "a"), func(d *codec.Digest) { d.SHA256 = true })},
		{"empty", "is wrong", &codec.Credentials{Digest: &codec.Digest{User: "otto", Salted: true}}},
	} {
		for _, d := range []Decision{ahead("digest", x.c), l.ask("digest", home, x.c)} {
			if l.want(d, Denied, x.reason); d.Challenge.Stale != (x.reason != "is wrong") {
				t.Errorf("%s: stale is %t", x.name, d.Challenge.Stale)
			}
		}
	}
}

// TestAskedBeforeTheStreamIsKnown: it is decided if it is the same for all streams.
func TestAskedBeforeTheStreamIsKnown(t *testing.T) {
	digest := Rules{Accounts: []Account{account(t, NewDigest(DigestMD5, "anna", realm, "right"))}}
	own := map[string]StreamRules{"x": {Publish: &Rules{}}}
	for _, c := range []struct {
		name   string
		rules  Rules
		own    map[string]StreamRules
		stream string
		want   Outcome
	}{
		{"all", digest, nil, "", Denied},
		{"none", Rules{}, nil, "", Allowed},
		{"some", digest, own, "", Allowed},
		{"only_viewers_differ", digest, map[string]StreamRules{"x": {View: &Rules{}}}, "", Denied},
		{"it_is_known", digest, own, "y", Denied},
		{"it_is_known_and_open", digest, own, "x", Allowed},
	} {
		cfg := Config{Streams: c.own}
		cfg.Default[Publish] = c.rules
		g := NewGuard(cfg)
		d, _ := g.Ask(noon, Request{Role: Publish, Stream: c.stream, Peer: home, Ahead: true}, c.stream == "", nil)
		if d.Outcome != c.want {
			t.Errorf("%s: %+v", c.name, d)
		}
		if d, _ := g.Ask(noon, Request{Role: Publish, Peer: home}, true, nil); d.Outcome != Allowed {
			t.Errorf("%s: a request that names nothing: %+v", c.name, d)
		}
	}
}

func TestBasic(t *testing.T) {
	l := newLab(t)
	if c := l.ask("basic", home, nil).Challenge; c == nil || !c.Basic || c.MD5 || c.SHA256 || c.Realm != DefaultRealm {
		t.Errorf("the challenge is %+v", c)
	}
	l.want(l.ask("basic", home, basic("anna", "right")), Allowed, "")
	l.want(l.ask("basic", home, basic("anna", "wrong")), Denied, `the password of the account "anna" is wrong`)
	l.want(l.ask("basic", home, basic("nobody", "right")), Denied, `the password of the account "nobody" is wrong`)
	l.want(l.ask("basic", home, &codec.Credentials{Digest: &codec.Digest{User: "anna"}}), Denied, "is wrong")
	// What was right is known for a while, and needs no goroutine.
	d, decided := l.Ask(l.now, Request{Stream: "basic", Peer: home, Credentials: basic("anna", "right")}, false, nil)
	if !decided || d.Outcome != Allowed || d.Client != "anna" {
		t.Errorf("decided %v, %+v", decided, d)
	}
	l.now = l.now.Add(passedLife)
	if _, decided = l.Ask(l.now, Request{Stream: "basic", Peer: home, Credentials: basic("anna", "right")}, false, func(Decision) {}); decided {
		t.Error("what was right is known for ever")
	}
}

// How long a wrong password takes does not tell whether there is such an account,
// whatever the stored passwords cost.
func TestUnknownNamesTakeAsLong(t *testing.T) {
	dear, cheap := cost{memory: 64, time: 3, threads: 1}, cost{memory: 8, time: 1, threads: 1}
	u := newRuling(View, &Rules{Accounts: []Account{{Name: "a", Kind: Argon2id, cost: dear}, {Name: "b", Kind: Argon2id, cost: cheap}, {Name: "c"}}})
	seen := map[cost]bool{}
	for i := range 64 {
		name := fmt.Sprint(i)
		c := u.nobody(name).cost
		if c != u.nobody(name).cost {
			t.Errorf("%s does not always take as long", name)
		}
		seen[c] = true
	}
	if len(seen) != 2 || !seen[dear] || !seen[cheap] {
		t.Errorf("unknown names cost %v", seen)
	}
}

func TestPlacesAndTokens(t *testing.T) {
	l := newLab(t)
	of := func(stream string) *codec.Credentials {
		x := ticket()
		x.Stream = stream
		return bearer(x, keys[0].Secret)
	}
	for _, x := range []struct {
		stream string
		from   netip.Addr
		c      *codec.Credentials
		want   Outcome
		reason string
	}{
		{"open", away, nil, Allowed, ""},
		{"others", away, nil, Allowed, ""},
		{"LAN", home, nil, Allowed, ""},
		{"lan", away, nil, Forbidden, "in no network that may view this stream"},
		{"trusted", home, nil, Allowed, ""},
		{"trusted", away, nil, Forbidden, "in no network"},
		{"token", home, nil, Forbidden, "takes a token in the address"},
		{"token", home, of("token"), Allowed, ""},
		{"token", away, of("token"), Forbidden, "for another network, 192.0.2.0/24"},
		{"token", home, of("news"), Forbidden, `for another stream, "news"`},
		{"token", home, basic("a", "b"), Forbidden, "of no use"},
		{"both", netip.MustParseAddr("10.1.2.3"), nil, Allowed, ""},
		{"both", home, nil, Denied, "a token in the address, or a name and a password"},
		{"both", home, of("both"), Allowed, ""},
		{"both", home, of("news"), Forbidden, "another stream"},
	} {
		t.Run(x.stream, func(t *testing.T) {
			d := l.ask(x.stream, x.from, x.c)
			l.want(d, x.want, x.reason)
			if x.c != nil && x.want == Allowed && d.Client != "anna.7" {
				t.Errorf("the client is %q", d.Client)
			}
		})
	}
	// A token that has expired does not stop one who knows a password.
	c := prove(l.ask("both", home, nil).Challenge, "anna", "right", 1, nil)
	c.Token = of("news").Token
	l.want(l.ask("both", home, c), Allowed, "")
}

// Pumps have viewers of their own, and must be known for that.
func TestPumps(t *testing.T) {
	l := newLab(t)
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	l.Guard = NewGuard(Config{Streams: map[string]StreamRules{"news": {View: &Rules{Keys: keys, Trusted: trusted, Pumps: []string{"edge.1"}}}}})
	of := func(client string) *codec.Credentials {
		return bearer(Token{Role: View, Stream: "news", Key: "k1", Client: client, Expires: noon.Add(time.Hour)}, keys[0].Secret)
	}
	for _, x := range []struct {
		stream string
		from   netip.Addr
		c      *codec.Credentials
		want   bool
	}{
		{"news", home, of("edge.1"), true}, {"news", home, of("edge.2"), false}, {"news", home, of(""), false}, {"news", home, nil, false},
		{"news", netip.MustParseAddr("10.1.2.3"), nil, true}, {"open", home, nil, true},
	} {
		if d := l.ask(x.stream, x.from, x.c); d.Pump != x.want {
			t.Errorf("%s from %v: %+v", x.stream, x.from, d)
		}
	}
}

// Where something is closed, strangers cannot tell what is not there.
func TestUnknownStreams(t *testing.T) {
	l := newLab(t)
	ask := func(role Role, c *codec.Credentials) Decision {
		d, _ := l.Ask(l.now, Request{Role: role, Stream: "nothing", Peer: away, Credentials: c}, true, nil)
		return d
	}
	known := l.ask("basic", away, nil) // the first in the order of names
	unknown := ask(View, nil)
	if known.Outcome != Denied || unknown.Outcome != Denied || known.Public != unknown.Public || *known.Challenge != (codec.Challenge{Realm: realm, Nonce: known.Challenge.Nonce, Basic: true}) {
		t.Errorf("known %+v, unknown %+v", known, unknown)
	}
	// Publishing is open here: nothing is hidden.
	if d := ask(Publish, nil); d.Outcome != Allowed {
		t.Errorf("%+v", d)
	}
	// The default comes first.
	g := NewGuard(Config{Default: [roles]Rules{View: {Keys: keys}}, Streams: l.cfg.Streams})
	if d, _ := g.Ask(l.now, Request{Stream: "nothing", Peer: away}, true, nil); d.Outcome != Forbidden || !strings.Contains(d.Public, "token") {
		t.Errorf("%+v", d)
	}
	if !(&Config{}).Open() || l.cfg.Open() || (&Config{Default: [roles]Rules{View: {Keys: keys}}}).Open() {
		t.Error("what is open is not known")
	}
}

// A flood of passwords that take long gets a bounded part of the queue.
func TestSlowPasswordsAreBounded(t *testing.T) {
	l := newLab(t)
	hold, held := make(chan struct{}), make(chan struct{})
	l.slow.Do(netip.MustParseAddr("203.0.113.1"), false, func() { close(held); <-hold })
	<-held
	done := make(chan Decision, 100)
	ask := func(from netip.Addr, c *codec.Credentials) bool {
		d, decided := l.Ask(l.now, Request{Stream: "basic", Peer: from, Credentials: c}, false, func(d Decision) { done <- d })
		if decided && (d.Outcome != Slowed || d.RetryAfter == 0) {
			t.Errorf("%+v", d)
		}
		return !decided
	}
	waiting := 0
	for range 3 * slowEach {
		if ask(home, basic("anna", "right")) {
			waiting++
		}
	}
	if waiting != slowEach {
		t.Errorf("%d of one address wait", waiting)
	}
	for i := range 2 * slowWaiting {
		if ask(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), basic("anna", "right")) {
			waiting++
		}
	}
	if waiting != slowWaiting {
		t.Errorf("%d wait", waiting)
	}
	// Who was right before has a place of its own, and is the next.
	l.limiter.succeeded(away, "otto", l.now)
	if !ask(away, basic("otto", "right")) {
		t.Error("there is no room for one who was right before")
	}
	close(hold)
	if d := <-done; d.Client != "otto" {
		t.Errorf("the first is %+v", d)
	}
	for range waiting {
		<-done
	}
}
