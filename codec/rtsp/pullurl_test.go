package rtsp

import (
	"fmt"
	"testing"
)

// source is an address that was put together by hand.
func source(host string, port uint16, path string) URL {
	return URL{Scheme: scheme, Host: host, Port: port, Path: path}
}

// The schemes and ports of RTSP; the rest is what package address does.
func TestParseURL(t *testing.T) {
	for in, want := range map[string]string{
		"rtsp://cam/live?x": "rtsp://cam/live?x at cam:554",
		"RTSPS://cam":       "rtsps://cam/ at cam:322",
		"http://cam/":       `the address "http://cam/" must begin with rtsp://, or for TLS with rtsps://`,
		"rtsp://a:b@cam/":   "the address of a source contains a user name or a password, which are given apart from it",
	} {
		u, err := scheme.Parse(in)
		got := fmt.Sprint(err)
		if err == nil {
			got = u.String() + " at " + u.HostPort()
		}
		if got != want {
			t.Errorf("%s: got  %s\nwant %s", in, got, want)
		}
	}
	if _, err := NewURL("cam", 0, "x", false); err == nil {
		t.Error("a path without a slash passes")
	}
}
