package http1

import (
	"reflect"
	"strings"
	"testing"
)

// authorization reads one from the head of a request.
func authorization(value string) (a Authorization, ok bool, err error) {
	return Fields{{"Host", "x"}, {"Authorization", value}}.Authorization()
}

func TestAuthorization(t *testing.T) {
	ordinary := &Digest{User: "anna", Realm: "Stream Pump", Nonce: "abc", URI: "/streams/x", Response: "00", ClientNonce: "c", Count: "00000001", Auth: true}
	with := func(change func(*Digest)) *Digest {
		d := *ordinary
		change(&d)
		return &d
	}
	for _, c := range []struct {
		name, in string
		want     Authorization
	}{
		{"basic", "Basic YW5uYTpnZWhlaW0=", Authorization{Basic: true, User: "anna", Password: "geheim"}},
		{"basic_unpadded", "basic  YW5uYTpnZWhlaW0", Authorization{Basic: true, User: "anna", Password: "geheim"}},
		{"basic_colons", "BASIC YTpiOmM=", Authorization{Basic: true, User: "a", Password: "b:c"}},
		{"basic_empty", "Basic Og==", Authorization{Basic: true}},
		{"basic_utf8", "Basic asO8OsOk", Authorization{Basic: true, User: "j\u00fc", Password: "\u00e4"}},
		{"basic_latin1", "Basic avw65A==", Authorization{Basic: true, User: "j\u00fc", Password: "\u00e4"}},
		// curl 7.88.1
		{"curl", `Digest username="anna", realm="Stream Pump", nonce="abc", uri="/streams/x", cnonce="c", nc=00000001, qop=auth, response="00", algorithm=MD5`, Authorization{Digest: ordinary}},
		// ffmpeg 5.1 puts what is no text between quotes.
		{"ffmpeg", `Digest username="anna", realm="Stream Pump", nonce="abc", uri="/streams/x", response="00", algorithm="MD5", qop="auth", cnonce="c", nc=00000001`, Authorization{Digest: ordinary}},
		{"blanks", "Digest \tusername = \"anna\",realm= \"Stream Pump\"  ,, nonce=abc,uri=/streams/x,response=00,qop=AUTH , nc=00000001,cnonce=c,opaque=\"\",new=\"thing\",", Authorization{Digest: ordinary}},
		{"letter_case", `digest USERNAME="anna", Realm="Stream Pump", NONCE="abc", Uri="/streams/x", CNonce="c", NC=00000001, QOP=auth, RESPONSE="00"`, Authorization{Digest: ordinary}},
		{"sha", `Digest username="anna", realm="Stream Pump", nonce="abc", uri="/streams/x", cnonce="c", nc=00000001, qop=auth, response="00", algorithm=SHA-256-sess`,
			Authorization{Digest: with(func(d *Digest) { d.SHA256, d.Session = true, true })}},
		{"without_qop", `Digest username="anna", realm="Stream Pump", nonce="abc", uri="/streams/x", response="00"`,
			Authorization{Digest: with(func(d *Digest) { d.Auth, d.Count, d.ClientNonce = false, "", "" })}},
		{"escaped", `Digest username="a\"n\\na", realm="Stream Pump", nonce="abc", uri="/streams/x", cnonce="c", nc=00000001, qop=auth, response="00"`,
			Authorization{Digest: with(func(d *Digest) { d.User = `a"n\na` })}},
		{"of_a_domain", `Digest username="OFFICE\anna", realm="Stream Pump", nonce="abc", uri="/streams/x", cnonce="c", nc=00000001, qop=auth, response="00"`,
			Authorization{Digest: with(func(d *Digest) { d.User = `OFFICE\anna` })}},
		{"extended", `Digest username*=UTF-8''j%C3%BC, realm="Stream Pump", nonce="abc", uri="/streams/x", cnonce="c", nc=00000001, qop=auth, response="00"`,
			Authorization{Digest: with(func(d *Digest) { d.User = "j\u00fc" })}},
		{"comma_in_quotes", `Digest username="an,na", realm="Stream Pump", nonce="abc", uri="/streams/x", cnonce="c", nc=00000001, qop=auth, response="00"`,
			Authorization{Digest: with(func(d *Digest) { d.User = "an,na" })}},
		{"quote_never_closed", `Digest realm="Stream Pump", nonce="abc", uri="/streams/x", cnonce="c", nc=00000001, qop=auth, response="00", username="anna`, Authorization{Digest: ordinary}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok, err := authorization(c.in)
			if !ok || err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v %+v, %v, %v\nwant %+v %+v", got, got.Digest, ok, err, c.want, c.want.Digest)
			}
		})
	}
	if _, ok, err := (Fields{{"Host", "x"}}).Authorization(); ok || err != nil {
		t.Errorf("without one: %v, %v", ok, err)
	}
}

func TestBadAuthorization(t *testing.T) {
	const secret = "geheim"
	for in, want := range map[string]string{
		"":                                     "the request's Authorization names no scheme",
		secret + "/" + secret + "geheimgeheim": "the request's Authorization names no scheme",
		"NTLM geheim":                          "the request's Authorization is of the scheme NTLM, and only Digest and Basic are known here",
		"Basic geheim!":                        "the request's Basic Authorization is not base64",
		"Basic Z2VoZWlt":                       "the request's Basic Authorization has no colon",
		"Digest geheim":                        "the request's Digest Authorization has no nonce",
		"Digest nonce=geheim, uri=a, response=geheim":                                 "the request's Digest Authorization has no username",
		"Digest username=a, nonce=geheim, response=geheim":                            "the request's Digest Authorization has no uri",
		"Digest username=a, nonce=geheim, uri=a":                                      "the request's Digest Authorization has no response",
		"Digest username=a, username=geheim":                                          "the request's Digest Authorization says the same twice, or too much",
		"Digest username=a, nonce=geheim, uri=a, response=geheim, qop=auth":           "the request's Digest Authorization has no nc or cnonce",
		"Digest username=a, nonce=geheim, uri=a, response=geheim, algorithm=MD5-sess": "the request's Digest Authorization has no nc or cnonce",
		"Digest username=a, nonce=geheim, uri=a, response=geheim, qop=auth-int":       "the request's Digest Authorization has a qop that was not offered",
		"Digest username=a, nonce=geheim, uri=a, response=geheim, algorithm=geheim":   "the request's Digest Authorization is of an algorithm that was not offered",
		"Digest username=a, nonce=geheim, uri=a, response=geheim, userhash=true":      "the request's Digest Authorization hides its username, which was not offered",
		"Digest " + strings.Repeat("a=geheim, ", 2):                                   "the request's Digest Authorization says the same twice, or too much",
		"Basic " + strings.Repeat("a", maxAuthorization):                              "the request's Authorization is longer than 4096 bytes",
	} {
		_, ok, err := authorization(in)
		if !ok || err == nil || err.Error() != want {
			t.Errorf("%.60s: got %v, %v, want %q", in, ok, err, want)
		}
	}
	if _, ok, err := (Fields{{"Authorization", "Basic Og=="}, {"authorization", "Basic Og=="}}).Authorization(); !ok || err == nil {
		t.Error("two of them are taken")
	}
}

func TestDigestIsForTarget(t *testing.T) {
	for _, c := range []struct {
		uri, target string
		want        bool
	}{
		{"/streams/x", "/streams/x", true},
		{"/streams/x", "/streams/x?token=t", true},
		{"http://h:80/streams/x", "/streams/x", true},
		{"/streams/x", "http://h:80/streams/x", true},
		{"/streams/%78", "/streams/x", true},
		{"/streams/y", "/streams/x", false},
		{"/", "/streams/x", false},
		{"", "/streams/x", false},
		{"x", "x", false},
	} {
		if got := (&Digest{URI: c.uri}).For(c.target); got != c.want {
			t.Errorf("%q for %q: %v", c.uri, c.target, got)
		}
	}
}

func TestToken(t *testing.T) {
	for query, want := range map[string]string{
		"":                          "",
		"x=1":                       "",
		"token=abc":                 "abc",
		"x=1&token=a~b-c_d.e:f&y=2": "a~b-c_d.e:f",
		"token=a%7Eb":               "a~b",
		"token=a%26b":               "a%26b",
		"token":                     "",
		"token=":                    "",
		"tokens=a&Token=b":          "",
		"token=a&token=b":           "a",
		// Windows Media Player puts its own behind.
		"token=abc&WMContentBitrate=300000": "abc",
		"token=abc?MSWMExt=.asf":            "abc",
		"MSWMExt=.asf?token=abc":            "abc",
	} {
		if got := Token(query); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"GET /streams/x HTTP/1.0":        "GET /streams/x HTTP/1.0",
		"GET /x?token=abc HTTP/1.0":      "GET /x?token=… HTTP/1.0",
		"/x?a=1&token=abc&b=2&token=def": "/x?a=1&token=…&b=2&token=…",
		"token=":                         "token=…",
		"token":                          "token",
		"/x?Token=ab/cd\"e HTTP/1.0":     "/x?Token=… HTTP/1.0",
		"/x%3fTOKEN%3dabc?token":         "/x%3fTOKEN%3d…?token",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	// The errors about a head do not show it.
	for _, head := range []string{"GET  x /streams/x?token=geheim HTTP/1.0\r\n\r\n", "GET /x?token=geheim HTTP/one\r\n\r\n", "/x?token=geheim\r\n\r\n"} {
		if _, err := ParseRequest([]byte(head), nil); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", head, err)
		}
	}
}

func TestChallenges(t *testing.T) {
	got := string(AppendBasicChallenge(AppendDigestChallenge(nil, "Stream Pump", "abc", "MD5", true), "Stream Pump"))
	want := "WWW-Authenticate: Digest realm=\"Stream Pump\", nonce=\"abc\", qop=\"auth\", algorithm=MD5, stale=true\r\n" +
		"WWW-Authenticate: Basic realm=\"Stream Pump\"\r\n"
	if got != want {
		t.Errorf("got %q", got)
	}
}

// No Authorization is too odd to be read, and no error shows what was sent.
func FuzzAuthorization(f *testing.F) {
	f.Add("Basic YW5uYTpnZWhlaW0=")
	f.Add(`Digest username="anna", realm="r", nonce="abc", uri="/x", cnonce="c", nc=00000001, qop=auth, response="00", algorithm=MD5`)
	f.Add(`Digest username*=UTF-8''j%C3%BC, nonce=a,uri=b,response=c`)
	f.Add(`Digest username="a\"b\`)
	f.Add("Negotiate abc")
	f.Fuzz(func(t *testing.T, value string) {
		value = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' || r == 0x7F {
				return -1
			}
			return r
		}, value)
		a, ok, err := authorization(value)
		if !ok {
			t.Fatal("it is not there")
		}
		scheme, rest, _ := strings.Cut(value, " ")
		if err != nil {
			if len(rest) > 24 && strings.Contains(err.Error(), rest) {
				t.Errorf("%q shows %q", err, value)
			}
			return
		}
		if a.Basic == (a.Digest != nil) {
			t.Errorf("%q is %+v", value, a)
		}
		if d := a.Digest; d != nil && (d.User == "" || d.Auth && (d.Count == "" || d.ClientNonce == "") || !strings.EqualFold(scheme, "Digest")) {
			t.Errorf("%q is %+v", value, d)
		}
		if n := len(a.User) + len(a.Password); n > 2*len(value) {
			t.Errorf("%d bytes of %d", n, len(value))
		}
	})
}
