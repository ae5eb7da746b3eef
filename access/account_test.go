package access

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseAccount(t *testing.T) {
	// From RFC 2617, 3.5, and RFC 7616, 3.9.1.
	md5 := NewDigest(DigestMD5, "Mufasa", "testrealm@host.com", "Circle Of Life")
	if want := "Mufasa:testrealm@host.com:939e7578ed9e3c518a452acee763bce9"; md5 != want {
		t.Errorf("got %s, want %s", md5, want)
	}
	sha := NewDigest(DigestSHA256, "Mufasa", "http-auth@example.org", "Circle of Life")
	argon := NewArgon2id("anna", "secret")
	for line, kind := range map[string]Kind{md5: DigestMD5, strings.ToUpper(md5[len(md5)-32:]): 9, sha: DigestSHA256, argon: Argon2id} {
		a, err := ParseAccount(line)
		if kind == 9 {
			if err == nil {
				t.Errorf("%q is read as %+v", line, a)
			}
			continue
		}
		if err != nil || a.Kind != kind {
			t.Errorf("%q: %v, %v", line, a.Kind, err)
		}
	}
	a, _ := ParseAccount(argon)
	if !a.holds("secret") || a.holds("Secret") || a.holds("") {
		t.Error("argon2id takes the wrong password, or not the right one")
	}
	// As argon2(1) makes it: printf %s password | argon2 somesalt -id -t 1 -k 64 -p 1 -l 24 -e
	a, err := ParseAccount("x:$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$ZVrRXqxlLcWfcXCnMyv0m4Rpvh/bnCi7")
	if err != nil || !a.holds("password") {
		t.Errorf("what argon2(1) makes is not understood: %v", err)
	}
}

func TestBadAccounts(t *testing.T) {
	const digits = "939e7578ed9e3c518a452acee763bce9"
	for line, want := range map[string]string{
		":x":                      "an account needs a name",
		"anna":                    "there is no colon in this account: a line is NAME:REALM:HASH or NAME:$argon2id$…, as stream-pump passwd makes it",
		"anna:hunter2":            `the password of the account "anna" is not hashed: a line is NAME:REALM:HASH or NAME:$argon2id$…, as stream-pump passwd makes it`,
		"anna:realm:hunter2":      `the password of the account "anna" is not hashed: a line is NAME:REALM:HASH or NAME:$argon2id$…, as stream-pump passwd makes it`,
		"anna:" + digits:          `the password of the account "anna" is not hashed: a line is NAME:REALM:HASH or NAME:$argon2id$…, as stream-pump passwd makes it`,
		"anna:a\"b:" + digits:     `the account "anna": a realm is a text of ASCII characters without colon, quote and backslash`,
		"an\tna:realm:" + digits:  "an account's name may have no colon, quote, backslash or control character",
		"anna:$apr1$salt$hunter2": `the password of the account "anna" is hashed in a way that is not known here; stream-pump passwd makes argon2id`,
		"anna:$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQ":                                  `the argon2id password of the account "anna" does not have the form $argon2id$v=…$m=…,t=…,p=…$SALT$HASH`,
		"anna:$argon2id$v=16$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b/dWRWJTmaaJObG": `the argon2id password of the account "anna" is not of version 19`,
		"anna:$argon2id$v=19$m=999999,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b/dWRWJ":        `the argon2id password of the account "anna" costs too much or too little: at most m=262144 and t=16`,
		"anna:$argon2id$v=19$m=65536,t=0,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b/dWRWJ":         `the argon2id password of the account "anna" costs too much or too little: at most m=262144 and t=16`,
		"anna:$argon2id$v=19$m=65536,t=2$c29tZXNhbHQ$RdescudvJCsgt3ub+b/dWRWJ":             `the argon2id password of the account "anna" does not say what it costs as m=…,t=…,p=…`,
		"anna:$argon2id$v=19$m=65536,t=2,p=4$c2$RdescudvJCsgt3ub+b/dWRWJ":                  `the argon2id password of the account "anna" has no salt of 8 to 64 bytes in base64`,
		"anna:$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$hunter2":                          `the argon2id password of the account "anna" has no hash of 16 to 64 bytes in base64`,
	} {
		if _, err := ParseAccount(line); text(err) != want {
			t.Errorf("%s:\ngot  %q\nwant %q", line, text(err), want)
		}
	}
}

// Whatever is done to them, secrets do not show.
func TestSecretsDoNotShow(t *testing.T) {
	const word = "hunter2hunter2hunter2"
	a, err := ParseAccount(NewDigest(DigestMD5, "anna", "r", word))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{
		NewSecret(word), &Key{"k1", NewSecret(word)}, []Key{{"k1", NewSecret(word)}}, a, Rules{Accounts: []Account{a}}, struct{ s Secret }{NewSecret(word)},
	} {
		var b strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		j, _ := json.Marshal(v)
		b.Write(j)
		slog.New(slog.NewTextHandler(&b, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "v", v)
		if got := b.String(); strings.Contains(got, word) || strings.Contains(got, a.hash.Reveal()) || strings.Contains(got, fmt.Sprintf("%x", word)) {
			t.Errorf("%T shows its secret:\n%s", v, got)
		}
	}
}

func TestParseNetwork(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.0/24": "192.0.2.0/24", "192.0.2.7": "192.0.2.7/32", "2001:db8::/32": "2001:db8::/32", "::ffff:192.0.2.7": "192.0.2.7/32", "::/0": "::/0",
		"192.0.2.7/24":  `"192.0.2.7/24" has bits behind its prefix; the network is 192.0.2.0/24`,
		"fe80::1%eth0":  `"fe80::1%eth0" is not a network, such as 192.0.2.0/24 or 2001:db8::/32, or an IP address`,
		"::ffff:0:0/96": `"::ffff:0:0/96" is an IPv4 network in the form of IPv6; write it as IPv4`,
		"example.org":   `"example.org" is not a network, such as 192.0.2.0/24 or 2001:db8::/32, or an IP address`,
		"1.2.3.4/33":    `"1.2.3.4/33" is not a network, such as 192.0.2.0/24 or 2001:db8::/32`,
	} {
		p, err := ParseNetwork(in)
		got := p.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}
