package address

import (
	"net/url"
	"strings"
	"testing"
)

// cameras and servers are schemes of two kinds: one whose query is a path's, and one with
// several names and a secret query.
var (
	cameras = &Scheme{Plain: []string{"cam"}, Secure: []string{"cams"}, Port: 554, SecurePort: 322, User: "are given apart from it"}
	servers = &Scheme{Plain: []string{"live", "old", "http"}, Secure: []string{"lives", "https"}, Port: 80, SecurePort: 443, User: "go into its query", Secret: true}
)

func told(u URL, err error) string {
	if err != nil {
		return err.Error()
	}
	return u.String() + " at " + u.HostPort()
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		scheme   *Scheme
		in, want string
	}{
		{cameras, "cam://h/live", "cam://h/live at h:554"},
		{cameras, "CAM://h", "cam://h/ at h:554"},
		{cameras, "cam://h:8554/a%20b?x=1&y", "cam://h:8554/a%20b?x=1&y at h:8554"},
		{cameras, "cam://h?x", "cam://h/?x at h:554"},
		{cameras, "cams://h:322/", "cams://h/ at h:322"},
		{cameras, "cams://[2001:db8::1]/x", "cams://[2001:db8::1]/x at [2001:db8::1]:322"},
		{cameras, "cam://10.0.0.5:554//", "cam://10.0.0.5// at 10.0.0.5:554"},
		{servers, "old://h/x", "live://h/x at h:80"},
		{servers, "https://h:80/", "lives://h:80/ at h:80"},
		{servers, "HTTP://h:443/", "live://h:443/ at h:443"},
		{cameras, "http://h/?token=a", `the address "http://h/?token=…" must begin with cam://, or for TLS with cams://`},
		{servers, "cam://h/?any=a", `the address "cam://h/?…" must begin with live://, old:// or http://, or for TLS with lives:// or https://`},
		{servers, "h:8080/x", `the address "h:8080/x" must begin with live://, old:// or http://, or for TLS with lives:// or https://`},
		{cameras, "cam://a:b@h/", "the address of a source contains a user name or a password, which are given apart from it"},
		{servers, "live://a@h/", "the address of a source contains a user name or a password, which go into its query"},
		{cameras, "cam://a:b@h:x/", `the address "cam://…@h:x/" cannot be read`},
		{servers, "live://a:b@h:x/?p=c@d", `the address "live://…@h:x/?…" cannot be read`},
		{cameras, "cam://h:0/", `the port "0" of a source's address is not between 1 and 65535`},
		{cameras, "cam://h:70000/", `the port "70000" of a source's address is not between 1 and 65535`},
		{cameras, "cam:///x", `"" is not the name or address of a host`},
		{cameras, "a:b@h/live", `the address "…@h/live" must begin with cam://, or for TLS with cams://`},
		{cameras, "cam://::", `":" is not the name or address of a host`},
		{cameras, "cam://a b/", `the address "cam://a b/" cannot be read`},
		{cameras, "cam://h/" + strings.Repeat("x", MaxLen), `the address "cam://h/` + strings.Repeat("x", 56) + `…" cannot be read`},
	} {
		if got := told(c.scheme.Parse(c.in)); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.in, got, c.want)
		}
	}
}

// What was put together by hand is checked as well.
func TestCheck(t *testing.T) {
	for want, u := range map[string]URL{
		"": {Host: "h", Path: "/x"},
		`"a b" is not the name or address of a host`:                                            {Host: "a b"},
		`"h:554" is not the name or address of a host`:                                          {Host: "h:554"},
		`"[::1]" is not the name or address of a host`:                                          {Host: "[::1]"},
		`"h\r\nX: y" is not the name or address of a host`:                                      {Host: "h\r\nX: y"},
		`"x" is not the path of a stream: a path begins with a slash and has no blanks`:         {Host: "h", Path: "x"},
		`"/x\r\ny" is not the path of a stream: a path begins with a slash and has no blanks`:   {Host: "h", Path: "/x\r\ny"},
		`"/?token=…" is not the path of a stream: a path begins with a slash and has no blanks`: {Host: "h", Path: "/?token=ab\tc"},
	} {
		u.Scheme = cameras
		got := ""
		if err := u.Check(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestFollow(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"live://[::5]:8080/a/b?c", "y", "live://[::5]:8080/a/y at [::5]:8080"},
		{"live://[::5]:8080/a/b?c", "y/z?q", "live://[::5]:8080/a/y/z?q at [::5]:8080"},
		{"live://[::5]:8080/a/b?c", "/y?z", "live://[::5]:8080/y?z at [::5]:8080"},
		{"live://[::5]:8080/a/b?c", "../../../y", "live://[::5]:8080/y at [::5]:8080"},
		{"live://[::5]:8080/a/b?c", "./", "live://[::5]:8080/a/ at [::5]:8080"},
		{"live://[::5]:8080/a/b?c", "?q", "live://[::5]:8080/a/b?q at [::5]:8080"},
		{"live://[::5]:8080/a/b?c", "#f", "live://[::5]:8080/a/b?c at [::5]:8080"},
		{"live://[::5]:8080/a/b?c", "//g:99/y", "live://g:99/y at g:99"},
		{"live://[::5]:8080/a/b?c", "//[::1]:81/y", "live://[::1]:81/y at [::1]:81"},
		{"live://h/a", "/a%2Fb%20c", "live://h/a%2Fb%20c at h:80"},
		{"live://h/a", "/a b", "live://h/a%20b at h:80"},
		{"live://h/a", "?a b", `"/a?…" is not the path of a stream: a path begins with a slash and has no blanks`},
		{"live://h/a", "//g:0/", `the port "0" of a source's address is not between 1 and 65535`},
		{"live://h/a", "https:///y", `"" is not the name or address of a host`},
		{"live://h/a", "https://g/c", "lives://g/c at g:443"},
		{"lives://h:80/a", "c", "lives://h:80/c at h:80"},
		{"live://h/a", "http://a:b@g/c", "live://g/c at g:80"},
		{"live://h/a", "", "live://h/a at h:80"},
		{"live://h/a", "cam://g/", `the address "cam://g/" must begin with live://, old:// or http://, or for TLS with lives:// or https://`},
		{"live://h/a", "http://a:b@g/%zz?c", `the address "http://…@g/%zz?…" cannot be read`},
		{"live://h/a", strings.Repeat("x", MaxLen+1), `the address "` + strings.Repeat("x", 64) + `…" cannot be read`},
	} {
		from, err := servers.Parse(c.from)
		if err != nil {
			t.Fatal(err)
		}
		if got := told(from.Follow(c.to)); got != c.want {
			t.Errorf("%s from %s: got  %s\nwant %s", c.to, c.from, got, c.want)
		}
	}
}

func TestSamePlace(t *testing.T) {
	here := URL{Scheme: cameras, Host: "cam", Path: "/x"}
	for want, there := range map[bool][]URL{
		true:  {{Host: "CAM"}, {Host: "cam", Port: 554, Path: "/y"}, {Host: "cam", Port: 554, TLS: true}},
		false: {{Host: "cam", Port: 8554}, {Host: "cam", TLS: true}, {Host: "cam2"}},
	} {
		for _, u := range there {
			if u.Scheme = cameras; here.SamePlace(u) != want {
				t.Errorf("%s and %s are one place: %v", here, u, !want)
			}
		}
	}
}

// FuzzParse: an address that passes is read back as the same, and no error shows a password.
func FuzzParse(f *testing.F) {
	f.Add("live://h:1/a?b")
	f.Add("lives://[::1]/%20")
	f.Add("http://u:p@h/")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range []*Scheme{cameras, servers} {
			const secret = "geheim"
			for _, with := range []string{"live://me:" + secret + "@" + text, "me:" + secret + "@" + text} {
				if _, err := s.Parse(with); !strings.Contains(text, secret) && (err == nil || strings.Contains(err.Error(), secret)) {
					t.Errorf("%q: %v", with, err)
				}
			}
			u, err := s.Parse(text)
			if err != nil {
				continue
			}
			v, err := s.Parse(u.String())
			if err != nil || v.HostPort() != u.HostPort() || v.Target() != u.Target() || v.TLS != u.TLS {
				t.Errorf("%q: %s, then %s, %v", text, u, v, err)
			}
			if _, err := url.Parse(u.String()); err != nil || u.Check() != nil {
				t.Errorf("%q: %v", u, err)
			}
		}
	})
}
