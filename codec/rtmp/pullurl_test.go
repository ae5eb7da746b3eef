package rtmp

import (
	"fmt"
	"testing"

	"streampump/codec/address"
)

// source is an address that was put together by hand.
func source(host, path string) URL {
	return URL{URL: address.URL{Scheme: scheme, Host: host, Path: path}}
}

// spelled is an address that was read, or the error.
func spelled(u URL, err error) string {
	if err != nil {
		return err.Error()
	}
	return u.String() + " at " + u.HostPort()
}

// The schemes, ports and paths of RTMP; the rest is what package address does.
func TestParseURL(t *testing.T) {
	for in, want := range map[string]string{
		"RTMP://origin/live":                "rtmp://origin/live at origin:1935",
		"rtmp://origin:1936/live/a%20b?x=1": "rtmp://origin:1936/live/a%20b?x=1 at origin:1936",
		"rtmp://origin/live?x":              "rtmp://origin/live?x at origin:1935",
		"rtmps://origin:443/live/":          "rtmps://origin/live/ at origin:443",
		"rtmp://10.0.0.5:1935//live//x":     "rtmp://10.0.0.5//live//x at 10.0.0.5:1935",
		"http://origin/live/x?pass=p":       `the address "http://origin/live/x?…" must begin with rtmp://, or for TLS with rtmps://`,
		"rtmp://a:b@origin/live/x": "the address of a source contains a user name or a password, which go into its query as the source " +
			"wants them, for MediaMTX as ?user=NAME&pass=PASSWORD",
		"rtmp://origin/":         `the path "/" names no application: a stream's path is /APPLICATION/NAME`,
		"rtmp://origin?pass=p":   `the path "/?…" names no application: a stream's path is /APPLICATION/NAME`,
		"rtmp://origin/live/x y": "rtmp://origin/live/x%20y at origin:1935",
	} {
		if got := spelled(ParseURL(in)); got != want {
			t.Errorf("%s: got  %s\nwant %s", in, got, want)
		}
	}
}

// What was put together by hand is checked as well.
func TestNewURL(t *testing.T) {
	for path, want := range map[string]string{
		"/live/x":            "rtmp://origin:1/live/x at origin:1",
		"/live/x?pass=ab\tc": `"/live/x?…" is not the path of a stream: a path begins with a slash and has no blanks`,
		"":                   `the path "" names no application: a stream's path is /APPLICATION/NAME`,
		"//x":                `the path "//x" names no application: a stream's path is /APPLICATION/NAME`,
	} {
		if got := spelled(NewURL("origin", 1, path, false)); got != want {
			t.Errorf("%q: got  %s\nwant %s", path, got, want)
		}
	}
}

// What of a path is the application, and what the name, in the eyes of servers.
func TestURLSplit(t *testing.T) {
	for path, want := range map[string]string{
		"/live/x":                       "live, x, rtmp://origin:1935/live",
		"/live":                         "live, , rtmp://origin:1935/live",
		"/live/":                        "live, , rtmp://origin:1935/live",
		"/live/x/":                      "live/x, , rtmp://origin:1935/live/x",
		"/a/b/c":                        "a/b, c, rtmp://origin:1935/a/b",
		"/a/b/c/d":                      "a/b/c, d, rtmp://origin:1935/a/b/c",
		"/streams/news":                 "streams, news, rtmp://origin:1935/streams",
		"/streams/news/KEY":             "streams/news, KEY, rtmp://origin:1935/streams/news",
		"/live/x?y=1&z=2/3":             "live, x?y=1&z=2/3, rtmp://origin:1935/live",
		"/live?k=1":                     "live?k=1, , rtmp://origin:1935/live?k=1",
		"/live?k=1/x":                   "live?k=1, x, rtmp://origin:1935/live?k=1",
		"/live?k=1/x?l=2/3":             "live?k=1, x?l=2/3, rtmp://origin:1935/live?k=1",
		"/vod/mp4:a/b.mp4":              "vod, mp4:a/b.mp4, rtmp://origin:1935/vod",
		"/vod/_definst_/flv:a/b?x=mp4:": "vod/_definst_, flv:a/b?x=mp4:, rtmp://origin:1935/vod/_definst_",
		"/live/x.flv":                   "live, x.flv, rtmp://origin:1935/live",
	} {
		u := source("origin", path)
		app, name := divide(u)
		if got := app + ", " + name + ", " + tcURL(u, app); got != want {
			t.Errorf("%s: got  %s\nwant %s", path, got, want)
		}
	}
}

// Where a source sends us.
func TestURLFollow(t *testing.T) {
	here := source("origin", "/live/x?k=1")
	for _, c := range []struct{ app, whole, want string }{
		{"rtmp://b/live", "", "rtmp://b/live/x?k=1"},
		{"rtmp://b/live/", "", "rtmp://b/live/x?k=1"},
		{"rtmp://b/live/x", "", "rtmp://b/live/x"},
		{"rtmp://b/live/x?k=2", "", "rtmp://b/live/x?k=2"},
		{"rtmp://b:1936/live?v=w", "", "rtmp://b:1936/live?v=w/x?k=1"},
		{"rtmp://b/live", "rtmps://c/other/y?z", "rtmps://c/other/y?z"},
		{"", "rtmp://c/other/y", "rtmp://c/other/y"},
		{"rtmp://u:p@b/live", "", "rtmp://b/live/x?k=1"},
		{"http://b/live?k=1", "", `the address "http://b/live?…" must begin with rtmp://, or for TLS with rtmps://`},
		{"rtmp://b/%zz", "", `the address "rtmp://b/%zz" cannot be read`},
		{"rtmp://b", "", `the path "" names no application: a stream's path is /APPLICATION/NAME`},
		{"", "rtmp://b", `the path "" names no application: a stream's path is /APPLICATION/NAME`},
	} {
		to, err := follow(here, c.app, c.whole)
		got := fmt.Sprint(err)
		if err == nil {
			got = to.String()
		}
		if got != c.want {
			t.Errorf("%s %s: got  %s\nwant %s", c.app, c.whole, got, c.want)
		}
	}
	for _, c := range []struct{ location, app, name string }{
		{"rtmp://b/live", "live", "x?k=1"},
		{"rtmp://b/live?v=w", "live?v=w", "x?k=1"},
		{"rtmp://b/a/b", "a/b", "x?k=1"},
		{"rtmp://b/a/b/", "a/b", "x?k=1"},
		{"rtmp://b/a/b?v=w", "a/b?v=w", "x?k=1"},
		{"rtmp://b/a/b?v=w/", "a/b?v=w", "x?k=1"},
		{"rtmp://b/a/b?v=w/z", "a/b?v=w/z", "x?k=1"},
		{"rtmp://b/a/b/c?v=w&u=/", "a/b/c?v=w&u=", "x?k=1"},
		{"rtmp://b/a/x?v=w", "a", "x?v=w"},
	} {
		to, err := follow(here, c.location, "")
		if app, name := divide(to); err != nil || app != c.app || name != c.name || to.Check() != nil {
			t.Errorf("%s: %s, %s (%v)", c.location, app, name, err)
		}
		again, err := follow(to, "rtmp://c/d/e?f", "")
		if app, name := divide(again); err != nil || app != "d/e?f" || name != c.name {
			t.Errorf("%s and on: %s, %s (%v)", c.location, app, name, err)
		}
	}
	if to, err := follow(source("origin", "/live"), "rtmp://b/live", ""); err != nil || to.String() != "rtmp://b/live" {
		t.Errorf("without a name: %s, %v", to, err)
	}
}
