package rtsp

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for in, want := range map[string]string{
		"rtsp://h:8554/live":                                    "live|rtsp://h:8554/live|-1|",
		"rtsp://h:8554/live/":                                   "live|rtsp://h:8554/live|-1|",
		"RTSP://H/Live/trackID=0":                               "Live|rtsp://H/Live|0|",
		"rtsp://h/live?x=1/trackID=1":                           "live|rtsp://h/live|1|",
		"rtsp://h/live/trackID=1?x=1":                           "live|rtsp://h/live|1|",
		"rtsp://h/live/TRACKid=1/":                              "live|rtsp://h/live|1|",
		"rtsp://h/live?token=a~b/trackID=0":                     "live|rtsp://h/live|0|a~b",
		"rtsp://h/live?x=1&token=a~b/":                          "live|rtsp://h/live|-1|a~b",
		"rtsp://h/live/trackID=0?token=a~b":                     "live|rtsp://h/live|0|a~b",
		"rtsps://[2001:db8::1]:322/live":                        "live|rtsps://[2001:db8::1]:322/live|-1|",
		"rtsp://h//live":                                        "live|rtsp://h/live|-1|",
		"rtsp://h/streams/live":                                 "live|rtsp://h/streams/live|-1|",
		"rtsp://h/STREAMS/live/trackID=3":                       "live|rtsp://h/STREAMS/live|3|",
		"rtsp://h/%6cive":                                       "live|rtsp://h/%6cive|-1|",
		"rtsp://user:secret@h/live":                             "live|rtsp://h/live|-1|",
		"rtsp://h":                                              "/|rtsp://h/|-1|",
		"rtsp://h/":                                             "/|rtsp://h/|-1|",
		"rtsp://h/a/b":                                          "/a/b|rtsp://h/a/b|-1|",
		"rtsp://h/streams/":                                     "streams|rtsp://h/streams|-1|",
		"rtsp://h/live/trackID=":                                "/live/trackID=|rtsp://h/live/trackID=|-1|",
		"rtsp://h/live/trackID=-1":                              "/live/trackID=-1|rtsp://h/live/trackID=-1|-1|",
		"rtsp://h/live/trackID=99999":                           "/live/trackID=99999|rtsp://h/live/trackID=99999|-1|",
		"rtsp://h/live/streamid=0":                              "/live/streamid=0|rtsp://h/live/streamid=0|-1|",
		"rtsp://h/live%3Ftoken=secret":                          "/live%3Ftoken=…|rtsp://h/live%3Ftoken=secret|-1|",
		"rtsp:///live":                                          "the request's URL names no host",
		"rtsp://h\"<>/live":                                     "the request's URL names no host",
		"rtsp://h\xC3\xA4/live":                                 "the request's URL names no host",
		"http://h/live":                                         `the request's URL is "http://h/live" and begins neither with rtsp:// nor with rtsps://`,
		"/live?token=secret":                                    `the request's URL is "/live?token=…" and begins neither with rtsp:// nor with rtsps://`,
		"rtsp://" + strings.Repeat("h", maxBase-5) + "/live":    "live|rtsp://" + strings.Repeat("h", maxBase-5) + "/live|-1|",
		"rtsp://" + strings.Repeat("h", maxBase-4) + "/live":    "the request's URL has more than 1024 bytes before its query",
		"rtsp://h/streams" + strings.Repeat("/", 2000) + "live": "the request's URL has more than 1024 bytes before its query",
		"rtsp://h/live?" + strings.Repeat("x", 2000):            "live|rtsp://h/live|-1|",
		"rtsp://h/live?token=" + strings.Repeat("x", maxToken):  "live|rtsp://h/live|-1|" + strings.Repeat("x", maxToken),
		"rtsp://h/live?token=x" + strings.Repeat("x", maxToken): "live|rtsp://h/live|-1|",
		"rtspu://h/live":                                        `the request's URL is "rtspu://h/live" and begins neither with rtsp:// nor with rtsps://`,
		"h/" + strings.Repeat("x", 70):                          `the request's URL is "h/` + strings.Repeat("x", 62) + `…" and begins neither with rtsp:// nor with rtsps://`,
	} {
		x, err := parseTarget(in)
		got := fmt.Sprintf("%s|%s|%d|%s", x.name, x.base, x.track, x.token)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"x_push": "x", "X_PUSH": "X", "_push": "_push", "x": "x"} {
		if got := pushName(in); got != want {
			t.Errorf("%s is an encoder's address of %s, want %s", in, got, want)
		}
	}
}

// What a player signs is within the stream that it asks for.
func TestSameStream(t *testing.T) {
	x, err := parseTarget("rtsp://h/live/trackID=0")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"rtsp://h/live/trackID=0":   true, // ffmpeg, GStreamer
		"rtsp://h/live/":            true, // live555
		"rtsp://h/live":             true, // HappyTime
		"/live":                     true, // Bosch
		"rtsp://other/live":         true, // a name that the host has elsewhere
		"rtsp://h/live?x/trackID=0": true,
		"rtsp://h/live2":            false,
		"rtsp://h/LIVE":             false,
		"rtsp://h/":                 false,
		"/":                         false,
		"live":                      false,
		"*":                         false,
		"":                          false,
	} {
		if x.sameStream(address) != want {
			t.Errorf("%q is of the stream: %v", address, !want)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"rtsp://h/live/trackID=1?x", "rtsps://u:p@[::1]:1//streams/%6cive?token=a/trackID=0", "/x", "*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x, err := parseTarget(s)
		if err != nil {
			return
		}
		if x.track < wholeStream || strings.Contains(x.token, "/") {
			t.Errorf("%q: %+v", s, x)
		}
		if !isName(x.name) {
			return
		}
		// The addresses that we make of it are of the same stream.
		again, err := parseTarget(x.base + "/trackID=7")
		if err != nil || again.name != x.name || again.base != x.base || again.track != 7 || !x.sameStream(x.base+"/") {
			t.Errorf("%q: %+v, then %+v, %v", s, x, again, err)
		}
	})
}
