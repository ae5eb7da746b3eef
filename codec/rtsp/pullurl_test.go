package rtsp

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for in, want := range map[string]string{
		"rtsp://cam/live":             "rtsp://cam/live at cam:554",
		"RTSP://cam":                  "rtsp://cam/ at cam:554",
		"rtsp://cam:8554/a%20b?x=1&y": "rtsp://cam:8554/a%20b?x=1&y at cam:8554",
		"rtsp://cam?x":                "rtsp://cam/?x at cam:554",
		"rtsps://cam:322/":            "rtsps://cam/ at cam:322",
		"rtsps://[2001:db8::1]/x":     "rtsps://[2001:db8::1]/x at [2001:db8::1]:322",
		"rtsp://10.0.0.5:554//":       "rtsp://10.0.0.5// at 10.0.0.5:554",
		"http://cam/":                 `the address "http://cam/" must begin with rtsp://, or for TLS with rtsps://`,
		"rtsp://a:b@cam/":             "the address of a source contains a user name or a password, which are given apart from it",
		"rtsp://a:b@cam:x/":           `the address "rtsp://…@cam:x/" cannot be read`,
		"rtsp://cam:0/":               `the port "0" of a source's address is not between 1 and 65535`,
		"rtsp://cam:70000/":           `the port "70000" of a source's address is not between 1 and 65535`,
		"rtsp:///x":                   `"" is not the name or address of a host`,
		"rtsp://cam/" + strings.Repeat("x", maxAddress): `the address "rtsp://cam/` + strings.Repeat("x", 53) + `" cannot be read`,
	} {
		u, err := ParseURL(in)
		got := u.String() + " at " + u.HostPort()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got  %s\nwant %s", in, got, want)
		}
	}
}

// What was put together by hand is checked as well.
func TestURLCheck(t *testing.T) {
	for want, u := range map[string]URL{
		"": {Host: "cam", Path: "/x"},
		`"a b" is not the name or address of a host`:                                            {Host: "a b"},
		`"x" is not the path of a stream: a path begins with a slash and has no blanks`:         {Host: "cam", Path: "x"},
		`"/x\r\ny" is not the path of a stream: a path begins with a slash and has no blanks`:   {Host: "cam", Path: "/x\r\ny"},
		`"/?token=…" is not the path of a stream: a path begins with a slash and has no blanks`: {Host: "cam", Path: "/?token=ab\tc"},
	} {
		got := ""
		if err := u.Check(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
