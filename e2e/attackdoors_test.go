//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"streampump/access"
	"streampump/bench/attack"
)

// named is an attack of the table, for a row with another name.
func named(name string) *attack.Attack {
	k, err := attack.Named(name)
	if err != nil {
		panic(err) // the rows' own names are good
	}
	return &k
}

// connectionScenes are the attacks by connections, TLS and descriptors.
func connectionScenes() []attackScene {
	return []attackScene{
		{name: "urgent", memory: 32 << 20, open: 200, cores: 0.2, rows: []attackRow{
			{name: "urgent", must: "an urgent byte that cannot be read wakes no loop"},
		}},
		{name: "handshakes", tls: true, memory: 48 << 20, open: 560, rows: []attackRow{
			{name: "handshakes", must: "handshakes take turns by address, and viewers over TLS from elsewhere are let in", during: viewersOverTLS},
		}},
		{name: "silent-handshakes", tls: true, memory: 48 << 20, open: 560, rows: []attackRow{
			{name: "silent-handshakes", must: "handshakes that do not go on make room, and viewers over TLS from elsewhere are let in", during: viewersOverTLS},
		}},
		{name: "half-open", memory: 16 << 20, open: 200, rows: []attackRow{
			{name: "half-open", must: "the pump never hears of a connection that is not complete, and a viewer from elsewhere is let in", during: viewersComeIn},
		}},
		{name: "crowd", config: `"timeouts": {"request": "1s"},`, memory: 32 << 20, open: 6000, rows: []attackRow{
			{name: "crowd", must: "each is closed when its time is up, and a viewer from elsewhere is let in meanwhile", closes: []string{"nothing_sent"}, during: viewersComeIn},
		}},
		{name: "exhaustion", config: `"backlog": {"bytes": "8MiB"}, "timeouts": {"viewer_stall": "1s"},`, prefix: []string{"prlimit", "--data=268435456", "--nofile=1024"}, memory: 48 << 20, open: 1024, rows: []attackRow{
			{name: "memory", kind: named("inflated"), must: "where the system gives the pump 256 MB at most, an encoder does not bring it to an end"},
			{name: "memory-viewers", kind: named("never-reads"), view: "/streams/live", must: "viewers that read nothing do not either"},
			{name: "memory-flood", kind: named("flood"), must: "nor does a flood of connections"},
		}},
	}
}

// adminScenes are the attacks on the operator's listener.
func adminScenes() []attackScene {
	return []attackScene{
		{name: "admin", memory: 16 << 20, open: 260, rows: []attackRow{
			{name: "hostile-page", must: "what a browser sends for another site, or to a name that was made to point here, is refused and changes nothing; the operator is answered", after: ratesAreOff},
		}},
		{name: "admin-crowd", memory: 32 << 20, open: 240, rows: []attackRow{
			{name: "admin-crowd", must: "the admin listener takes 24 connections, the one that has waited for longest makes room, and the operator is answered", during: operatorIsAnswered},
		}},
	}
}

// accessRules are those of a stream that takes a token or a password.
func accessRules() string {
	return fmt.Sprintf(`, "view": {"token_keys": [{"id": %q, "secret": %q}], "users": [%q]}, "publish": {"users": [%q]}`, knownKey, knownSecret,
		access.NewArgon2id(knownUser, knownPassword), access.NewDigest(access.DigestMD5, knownUser, access.DefaultRealm, knownPassword))
}

// accessScenes are the attacks on who may do what.
func accessScenes() []attackScene {
	evil := accessRules()
	tokens := attack.Shapes("tokens", "", attack.Plain, tokenShapes())
	replays := attack.Replays(attack.Login{Name: knownUser, Password: knownPassword, Realm: access.DefaultRealm}, "/streams/third_push")
	return []attackScene{
		{name: "tokens", evil: evil, third: evil, memory: 24 << 20, open: 260, rows: []attackRow{
			{name: "tokens", kind: &tokens, must: "a token that is forged, expired, for another stream or role, or from another address is answered 403"},
			{name: "digest-replay", kind: &replays, must: "what an encoder proved itself with is good once, and only for what it was made for"},
		}},
		{name: "stuffing", evil: evil, memory: 96 << 20, open: 360, rows: []attackRow{
			{name: "stuffing", must: "guesses are slowed by address and by account and never right, the processors stay free, and who knows the password is let in", answers: []string{"401", "429"}, during: knowsThePassword},
		}},
	}
}

// tokenShapes are tokens that are not good, and some that are. The stream has no
// source, so who is let in is told 503.
func tokenShapes() []attack.Shape {
	good := access.Token{Role: access.View, Stream: "evil", Key: knownKey, Expires: time.Now().Add(time.Hour), Client: "anna.7"}
	secret := access.NewSecret(knownSecret)
	text := func(change func(*access.Token)) string {
		t := good
		change(&t)
		return t.Text(secret)
	}
	whole := good.Text(secret)
	bare := whole[:strings.LastIndexByte(whole, '~')]
	here := text(func(t *access.Token) { t.Network = netip.PrefixFrom(attack.Attacker(), 32) })
	ask := func(token string) string {
		return "GET {view}?token=" + token + " HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
	}
	list := []attack.Shape{
		{Name: "a good one", Send: ask(whole), Want: "503"},
		{Name: "one for this address", Send: ask(here), Want: "503"},
		{Name: "the same from elsewhere", Send: ask(here), Want: "403", Elsewhere: true},
		{Name: "a good one in two fields", Send: ask(whole + "&token=x"), Want: "403|503"},
	}
	for name, token := range map[string]string{
		"one that has expired":         text(func(t *access.Token) { t.Expires = time.Now().Add(-time.Second) }),
		"one for another stream":       text(func(t *access.Token) { t.Stream = "live" }),
		"one for encoders":             text(func(t *access.Token) { t.Role = access.Publish }),
		"one of another key's id":      text(func(t *access.Token) { t.Key = "k2" }),
		"one for another network":      text(func(t *access.Token) { t.Network = netip.MustParsePrefix("192.0.2.0/24") }),
		"one of another secret":        good.Text(access.NewSecret("another-secret-another-secret-12")),
		"one of an empty secret":       good.Text(access.NewSecret("")),
		"one without its signature":    bare,
		"one with an empty one":        bare + "~",
		"one with a cut one":           whole[:len(whole)-1],
		"one with a longer one":        whole + "A",
		"one with a changed one":       whole[:len(whole)-2] + "zz",
		"one with a later expiry":      strings.Replace(whole, fmt.Sprint(good.Expires.Unix()), fmt.Sprint(good.Expires.Unix()+9), 1),
		"one with an endless expiry":   strings.Replace(whole, fmt.Sprint(good.Expires.Unix()), "99999999999999999999", 1),
		"one with a negative expiry":   strings.Replace(whole, fmt.Sprint(good.Expires.Unix()), "-1", 1),
		"one with another client":      strings.Replace(whole, "anna.7", "anna.8", 1),
		"one whose network is gone":    strings.Replace(here, attack.Attacker().String(), "", 1),
		"one with fields that moved":   strings.Replace(whole, "~anna.7~", "~~anna.7", 1),
		"one field too many":           whole + "~x",
		"no field":                     strings.Repeat("~", 6),
		"one of 5,000 bytes":           whole + strings.Repeat("~", 5000),
		"one with a percent for a ~":   strings.Replace(whole, "~", "%7E%7E", 1),
		"one with bytes that are none": "%00%ff" + whole,
	} {
		list = append(list, attack.Shape{Name: name, Send: ask(token), Want: "403", Hides: knownSecret})
	}
	return append(list,
		attack.Shape{Name: "none", Send: strings.Replace(ask(""), "?token=", "", 1), Want: "401|403"},
		attack.Shape{Name: "an empty one", Send: ask(""), Want: "401|403"})
}
