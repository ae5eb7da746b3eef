package http1

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func challenges(values ...string) []Challenge {
	var f Fields
	for _, v := range values {
		f = append(f, Field{"Www-Authenticate", v})
	}
	return f.Challenges()
}

func TestOfferedChallenges(t *testing.T) {
	digest := Challenge{Realm: "r", Nonce: "n"}
	with := func(change func(c *Challenge)) Challenge {
		c := digest
		change(&c)
		return c
	}
	basic := Challenge{Basic: true, Realm: "b"}
	for _, c := range []struct {
		name   string
		values []string
		want   []Challenge
	}{
		{"none", nil, nil},
		{"basic", []string{`Basic realm="b"`}, []Challenge{basic}},
		{"basic_bare", []string{`basic`}, []Challenge{{Basic: true}}},
		{"digest", []string{`Digest realm="r", nonce="n"`}, []Challenge{digest}},
		{"two_lines", []string{`Digest realm="r", nonce="n"`, `Basic realm="b"`}, []Challenge{digest, basic}},
		{"one_line", []string{`Basic realm="b", Digest realm="r", nonce="n", Basic realm="b"`}, []Challenge{basic, digest, basic}},
		{"others_between", []string{`NTLM, Negotiate abc==, Bearer realm="x", scope="y", Digest nonce=n,realm=r`}, []Challenge{digest}},
		{"everything", []string{`DIGEST Realm = "r" ,nonce="n",qop="auth-int, auth",algorithm="sha-256-SESS",opaque="",stale=TRUE,charset=UTF-8,userhash=true,domain="/a, b"`},
			[]Challenge{with(func(c *Challenge) { c.Auth, c.SHA256, c.Session, c.Stale, c.opaque = true, true, true, true, true })}},
		{"opaque", []string{`Digest realm="r",nonce="n",opaque="o\"",algorithm=MD5`}, []Challenge{with(func(c *Challenge) { c.Opaque, c.opaque = `o"`, true })}},
		{"only_auth_int", []string{`Digest realm="r",nonce="n",qop="auth-int"`}, nil},
		{"unknown_algorithm", []string{`Digest realm="r",nonce="n",algorithm=SHA-512-256`, `Digest realm="r",nonce="n"`}, []Challenge{digest}},
		{"no_nonce", []string{`Digest realm="r"`}, nil},
		{"junk", []string{`"", =x, Digest realm="r", nonce="n"`, `;`, ``, `Digest realm="r", nonce="n" junk`}, []Challenge{digest, digest}},
		{"too_long", []string{`Digest realm="r", nonce="` + strings.Repeat("n", maxAuthorization) + `"`}, nil},
		{"too_many", []string{strings.Repeat(`Basic realm="b",`, 20)}, slices.Repeat([]Challenge{basic}, maxChallenges)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := challenges(c.values...); !slices.Equal(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestBestChallenge(t *testing.T) {
	for in, want := range map[string]string{
		``:                      "none",
		`Basic realm=b`:         "basic",
		`Basic, Digest nonce=n`: "n",
		`Digest nonce=n,algorithm=SHA-256, Digest nonce=m`: "n",
	} {
		c, ok := Best(challenges(in))
		got := c.Nonce
		if c.Basic {
			got = "basic"
		} else if !ok {
			got = "none"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// The answers of RFC 7616 3.9.1, RFC 2617 3.5 and RFC 7617 2, one without qop, and one
// of a session, worked out by its formula.
func TestAuthorizationOfUs(t *testing.T) {
	mufasa := Answer{
		User: "Mufasa", Password: "Circle of Life", Method: "GET", URI: "/dir/index.html",
		ClientNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", Count: 1,
	}
	old := mufasa
	old.Password, old.ClientNonce = "Circle Of Life", "0a4f113b"
	const rfc = `realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	for _, c := range []struct {
		name, challenge string
		answer          Answer
		want            string
	}{
		{"MD5", "Digest algorithm=MD5, " + rfc, mufasa,
			`Digest username="Mufasa", realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", response="8ca523f5e9506fed4657c9700eebdbec", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"`},
		{"SHA_256", "Digest algorithm=SHA-256, " + rfc, mufasa,
			`Digest username="Mufasa", realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", algorithm=SHA-256, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"`},
		{"RFC_2617", `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"`, old,
			`Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", response="6629fae49393a05397450978507c4ef1", qop=auth, nc=00000001, cnonce="0a4f113b"`},
		{"without_qop", `Digest realm="lab", nonce="n0"`, Answer{User: "u", Password: "p", Method: "DESCRIBE", URI: "rtsp://h/live", Count: 7},
			`Digest username="u", realm="lab", nonce="n0", uri="rtsp://h/live", response="6928ba9e1885fbb8681dd033be88ad02"`},
		{"session", `Digest realm="lab", nonce="n0", algorithm=MD5-sess`, Answer{User: "u", Password: "p", Method: "DESCRIBE", URI: "rtsp://h/live", ClientNonce: "c", Count: 1},
			`Digest username="u", realm="lab", nonce="n0", uri="rtsp://h/live", response="SESSION", algorithm=MD5-sess, cnonce="c"`},
		{"count", `Digest realm="lab", nonce="n0", qop=auth`, Answer{User: `a"b\c`, Password: "p", Method: "PLAY", URI: "*", ClientNonce: "c", Count: 0xABCDE},
			`Digest username="a\"b\\c", realm="lab", nonce="n0", uri="*", response="COUNT", qop=auth, nc=000abcde, cnonce="c"`},
		{"basic", `Basic realm="WallyWorld"`, Answer{User: "Aladdin", Password: "open sesame"}, `Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==`},
	} {
		t.Run(c.name, func(t *testing.T) {
			one, ok := Best(challenges(c.challenge))
			if !ok {
				t.Fatal("no challenge")
			}
			md5 := func(s string) string { return (&Challenge{}).hash(s) }
			session := md5(md5(md5("u:lab:p")+":n0:c") + ":n0:" + md5("DESCRIBE:rtsp://h/live"))
			count := md5(md5(`a"b\c:lab:p`) + ":n0:000abcde:c:auth:" + md5("PLAY:*"))
			want := strings.NewReplacer("SESSION", session, "COUNT", count).Replace(c.want)
			if got := string(one.AppendAuthorization(nil, c.answer)); got != "Authorization: "+want+"\r\n" {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// Whatever a server asks for, what we answer is read by our own parser as what was meant.
func FuzzChallenges(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n", qop="auth", algorithm=MD5, opaque="", stale=true`, "anna", `pass"word`)
	f.Add(`Basic realm="b", Digest nonce=n,algorithm=SHA-256-sess,qop="auth-int,auth"`, "", "")
	f.Add(`NTLM, Digest realm="a\"b\`, `a\`, ":")
	f.Fuzz(func(t *testing.T, value, user, password string) {
		clean := func(s string) string {
			return strings.ToValidUTF8(strings.Map(func(r rune) rune {
				if r < ' ' || r == 0x7F {
					return -1
				}
				return r
			}, s), "")
		}
		value, user, password = clean(value), strings.ReplaceAll(clean(user), ":", "")+"u", clean(password)
		cs := challenges(value)
		if len(cs) > maxChallenges {
			t.Errorf("%d challenges", len(cs))
		}
		for _, c := range cs {
			line := string(c.AppendAuthorization(nil, Answer{User: user, Password: password, Method: "PLAY", URI: "rtsp://h/x", ClientNonce: "cn", Count: 3}))
			head := "PLAY rtsp://h/x RTSP/1.0\r\n" + line + "\r\n"
			r, err := ParseRTSPRequest([]byte(head), nil)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if len(line) > maxAuthorization {
				continue
			}
			a, _, err := r.Fields.Authorization()
			switch d := a.Digest; {
			case err != nil:
				t.Errorf("%q: %v", line, err)
			case c.Basic:
				if !a.Basic || a.User != user || a.Password != password {
					t.Errorf("%q is %+v", line, a)
				}
			default:
				got := fmt.Sprint(d.User, d.Realm, d.Nonce, d.URI, d.Auth, d.SHA256, d.Session, d.Response)
				if want := fmt.Sprint(user, c.Realm, c.Nonce, "rtsp://h/x", c.Auth, c.SHA256, c.Session,
					c.response(&Answer{User: user, Password: password, Method: "PLAY", URI: "rtsp://h/x", ClientNonce: "cn", Count: 3})); got != want {
					t.Errorf("%q is %s, want %s", line, got, want)
				}
			}
		}
	})
}
