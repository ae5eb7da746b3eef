package config

import (
	"reflect"
	"strings"
	"testing"

	"streampump/engine/trust"
)

// overRTMP is a source with one stream that is pulled over RTMP.
func overRTMP(options string) string {
	return stream(`"path": "p", "type": "rtmp_pull", "source_options": {` + options + `}`)
}

func TestSourcesOverRTMP(t *testing.T) {
	secure := &trust.Options{Host: "cdn.example"}
	for src, want := range map[string]Pull{
		`"url": "rtmp://cdn.example/live/studio"`:                                     {Host: "cdn.example", Port: 1935, Path: "/live/studio"},
		`"url": "RTMP://[2001:db8::7]:1936/live/a?token=b&c=d"`:                       {Host: "2001:db8::7", Port: 1936, Path: "/live/a?token=b&c=d"},
		`"url": "rtmps://cdn.example/live/studio"`:                                    {Host: "cdn.example", Port: 443, Path: "/live/studio", TLS: secure},
		`"url": "rtmps://cdn.example:1936/live/studio"`:                               {Host: "cdn.example", Port: 1936, Path: "/live/studio", TLS: secure},
		`"url": "rtmp://cdn.example/studio"`:                                          {Host: "cdn.example", Port: 1935, Path: "/studio"},
		`"host": "cdn.example", "path": "live/studio"`:                                {Host: "cdn.example", Port: 1935, Path: "/live/studio"},
		`"host": "cdn.example", "ssl": true, "path": "/live/x"`:                       {Host: "cdn.example", Port: 443, Path: "/live/x", TLS: secure},
		`"host": "cdn.example", "ssl": true, "port": 1936, "path": "/live/mp4:f.mp4"`: {Host: "cdn.example", Port: 1936, Path: "/live/mp4:f.mp4", TLS: secure},
	} {
		c, ps := parse(t, overRTMP(src))
		if c == nil || len(ps) > 0 {
			t.Errorf("%s: %s", src, text(ps))
			continue
		}
		if got := c.Streams[0].Pull; !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v %+v\nwant %+v %+v", src, got, got.TLS, want, want.TLS)
		}
	}
}

func TestOneMistakeOverRTMP(t *testing.T) {
	url := func(shown, why string) string {
		return `1:75: /streams/0/source_options/url: "` + shown + `" cannot be pulled: ` + why
	}
	for _, c := range []struct{ name, src, want string }{
		{"no_source", stream(`"path": "p", "type": "rtmp_pull"`), `1:14: /streams/0: a stream of type rtmp_pull needs "source_options"`},
		{"nothing", overRTMP(``), `1:67: /streams/0/source_options: a stream of type rtmp_pull needs a "url", or a "host"`},
		{"push_source", stream(`"path": "p", "type": "rtmp_push", "source_options": {"url": "rtmp://a/b"}`), `1:67: /streams/0/source_options: a stream of type rtmp_push has no source_options: its encoder connects to us`},
		{"no_path", overRTMP(`"url": "rtmp://a"`), url(`rtmp://a`, `it names no stream: its path would be /APPLICATION/NAME`)},
		{"only_slashes", overRTMP(`"url": "rtmp://a//?b=c"`), url(`rtmp://a//?b=c`, `it names no stream: its path would be /APPLICATION/NAME`)},
		{"empty_segment", overRTMP(`"url": "rtmp://a//b"`), url(`rtmp://a//b`, `it names no stream: its path would be /APPLICATION/NAME`)},
		{"host_alone", overRTMP(`"host": "a"`), `1:67: /streams/0/source_options: a stream of type rtmp_pull needs a "path" with a "host": that of the stream at the source`},
		{"empty_path", overRTMP(`"host": "a", "path": "/"`), `1:89: /streams/0/source_options/path: a stream of type rtmp_pull needs a "path" with a "host": that of the stream at the source`},
		{"bad_path", overRTMP(`"host": "a", "path": "a b"`), `1:89: /streams/0/source_options/path: a path in a request cannot contain ' '; write it escaped, as %20`},
		{"other_protocol", overRTMP(`"url": "rtsp://a/b"`), url(`rtsp://a/b`, `rtsp:// is for streams of type rtsp_pull, and this one is of type rtmp_pull`)},
		{"other_scheme", overRTMP(`"url": "rtmpt://a/b"`), url(`rtmpt://a/b`, `rtmpt:// is not "rtmp://", and not "rtmps://" with TLS`)},
		{"account", overRTMP(`"url": "rtmp://me:secret@a/b"`), url(`rtmp://…@a/b`, `the pump cannot give a source a user name or a password yet`)},
		{"secrets", overRTMP(`"url": "rtmp://a/b?key=geheim&pass=geheim&token=geheim#x"`), url(`rtmp://a/b?key=…&pass=…&token=…#x`, `what follows the # is never sent to a server`)},
		{"user", overRTMP(`"host": "a", "path": "b", "user": "u"`), `1:94: /streams/0/source_options/user: the key "user" is for streams of type rtsp_pull, and this one has another type`},
		{"full_rtmp", stream(`"type": "rtmp_push", "path": "p", "redirect_full_to": "rtmp://127.0.0.1:1935/{path}"`), `1:69: /streams/0/redirect_full_to: redirect_full_to sends the viewers of this stream to this pump and this stream again`},
		{"full_nameless", stream(`"type": "rtmp_push", "path": "p", "redirect_full_to": "rtmps://a/"`), `1:69: /streams/0/redirect_full_to: "rtmps://a/" names no stream`},
		{"full_web", stream(`"type": "rtmp_push", "path": "p", "redirect_full_to": "http://a/p"`), `1:69: /streams/0/redirect_full_to: "http://a/p" is not an address that begins with "rtmp://" or "rtmps://" and a host, and this stream is viewed over RTMP`},
		{"port_and_listen", `{"rtmp_port": 1936, "listen": ":8086", "streams": [{"type": "rtmp_push", "path": "p"}]}`, `1:15: /rtmp_port: give either "rtmp_port" or "listen", not both: every address in "listen" takes RTMP too`},
		{"port_large", `{"rtmp_port": 65536, "streams": [{"type": "rtmp_push", "path": "p"}]}`, `1:15: /rtmp_port: the number must be between 1 and 65535, not 65536`},
		{"port_of_admin", `{"rtmp_port": 8087, "streams": [{"type": "rtmp_push", "path": "p"}]}`, `1:1: the admin listener (127.0.0.1:8087) and the streams ([::]:8087) cannot share a port; set "listen" in "admin"`},
		{"tls_without_a_certificate", `{"rtmps_port": 1936, "streams": [{"type": "rtmp_push", "path": "p"}]}`, `1:16: /rtmps_port: TLS needs a certificate: give "ssl_cert" and "ssl_key", or "certificates", or "ssl_domains"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := parse(t, c.src)
			if got := text(ps); cfg != nil || got != "pump.json:"+c.want+"\n" {
				t.Errorf("got  %swant pump.json:%s", got, c.want)
			}
		})
	}
}

// The ports of RTMP are open where there is a stream to be found, and the one over TLS only
// if it is given besides.
func TestRTMPPorts(t *testing.T) {
	const (
		rtmp = `"streams": [{"type": "rtmp_push", "path": "p"}]`
		both = `"streams": [{"type": "rtmp_push", "path": "p"}, {"type": "rtsp_push", "path": "q"}]`
	)
	dir := secureFolder(t)
	for _, c := range []struct{ name, src, plain, secure string }{
		{"no_stream", push, "[::]:8086", ""},
		{"push", rtmp, "[::]:8086 [::]:1935", ""},
		{"pull", `"streams": [{"type": "rtmp_pull", "path": "p", "source_options": {"url": "rtmp://a/b"}}]`, "[::]:8086 [::]:1935", ""},
		{"disabled", `"streams": [{"type": "rtmp_push", "path": "p", "enabled": false}]`, "[::]:8086", ""},
		{"beside_rtsp", both, "[::]:8086 [::]:8554 [::]:1935", ""},
		{"where_rtsp_is", `"rtmp_port": 8554, ` + both, "[::]:8086 [::]:8554", ""},
		{"given", `"rtmp_port": 1936, ` + rtmp, "[::]:8086 [::]:1936", ""},
		{"port_is_it", `"port": 1935, ` + rtmp, "[::]:1935", ""},
		{"listen", `"listen": "127.0.0.1:80", ` + rtmp, "127.0.0.1:80", ""},
		{"tls", `"rtmps_port": 1936, ` + pairA + ", " + rtmp, "[::]:8086 [::]:1935", "[::]:1936"},
		{"tls_beside_ssl", `"ssl": true, "rtmps_port": 1936, ` + pairA + ", " + rtmp, "[::]:8086 [::]:1935", "[::]:8089 [::]:1936"},
		{"tls_without_ssl", `"ssl": false, "rtmps_port": 1936, ` + pairA + ", " + rtmp, "[::]:8086 [::]:1935", "[::]:1936"},
		{"tls_where_ssl_is", `"ssl": true, "ssl_port": 443, "rtmps_port": 443, ` + pairA + ", " + rtmp, "[::]:8086 [::]:1935", "[::]:443"},
		{"tls_beside_listen", `"listen": [":80", "tls://192.0.2.1:443"], "rtmps_port": 1936, ` + pairA + ", " + rtmp, "[::]:80", "192.0.2.1:443 [::]:1936"},
		{"tls_in_listen", `"listen": "tls://:1936", "rtmps_port": 1936, ` + pairA + ", " + rtmp, "", "[::]:1936"},
		{"tls_disabled", `"ssl": false, "rtmps_port": 1936, ` + pairA + `, "streams": [{"type": "rtmp_push", "path": "p", "enabled": false}]`, "[::]:8086", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := Parse("pump.json", []byte("{"+c.src+"}"), dir)
			if cfg == nil || hasMistake(ps) {
				t.Fatal(text(ps))
			}
			if plain, secure := addresses(cfg.Listen), addresses(cfg.TLS.Listen); plain != c.plain || secure != c.secure {
				t.Errorf("listens on %q and over TLS on %q, want %q and %q", plain, secure, c.plain, c.secure)
			}
		})
	}
	for _, c := range []struct{ src, want string }{
		{`"rtmp_port": 1936, ` + push, `1:15: /rtmp_port: warning: nothing uses this: no stream is of type rtmp_pull or rtmp_push`},
		{`"rtmps_port": 1936, ` + push, `1:16: /rtmps_port: warning: nothing uses this: no stream is of type rtmp_pull or rtmp_push`},
		{`"rtmp_port": 8089, "ssl": true, ` + pairA + ", " + rtmp, `1:15: /rtmp_port: "rtmp_port" and "ssl_port" cannot both be 8089: one is without TLS, and the other with it, which takes RTMP too`},
		{`"ssl": true, "ssl_port": 1935, ` + pairA + ", " + rtmp, `1:1: "rtmp_port" and "ssl_port" cannot both be 1935: one is without TLS, and the other with it, which takes RTMP too`},
		{`"rtmps_port": 1935, ` + pairA + ", " + rtmp, `1:16: /rtmps_port: "rtmps_port" cannot be 1935, where the pump listens without TLS`},
		{`"rtmps_port": 8086, ` + pairA + ", " + rtmp, `1:16: /rtmps_port: "rtmps_port" cannot be 8086, where the pump listens without TLS`},
		{`"listen": "192.0.2.1:1936", "rtmps_port": 1936, ` + pairA + ", " + rtmp, `1:44: /rtmps_port: 192.0.2.1:1936 and [::]:1936 cannot both be listened on: one covers the other`},
	} {
		_, ps := Parse("pump.json", []byte("{"+c.src+"}"), dir)
		if len(ps) == 0 || !strings.HasPrefix(text(ps), "pump.json:"+c.want+"\n") {
			t.Errorf("%s\ngot  %swant pump.json:%s", c.src, text(ps), c.want)
		}
	}
}

// What follows the name of one of our own streams is a key.
func TestCirclesOverRTMP(t *testing.T) {
	for path, circle := range map[string]bool{
		"/p": true, "/P/": true, "/streams/p": true, "/p.flv": true, "/p?x=1": true, "/p/key": true, "/streams/p/key": true, "/q": false, "/x/p": false, "/streams": false,
	} {
		cfg, ps := parse(t, overRTMP(`"url": "rtmp://127.0.0.1`+path+`"`))
		if cfg == nil || (len(ps) == 1) != circle {
			t.Errorf("%s: %s", path, text(ps))
		}
	}
}

// A redirect that all streams have is for the web, and none for those over RTMP.
func TestFullToOverRTMP(t *testing.T) {
	c := good(t, `{"redirect_full_to": "http://b.example/{path}", "streams": [
		{"type": "rtmp_push", "path": "a"},
		{"type": "rtmp_push", "path": "b", "redirect_full_to": false},
		{"type": "rtmp_push", "path": "c", "redirect_full_to": ""},
		{"type": "rtmp_push", "path": "d", "redirect_full_to": "rtmps://b.example/streams/{path}?x=y"},
	]}`)
	for i, want := range []string{"", "", "", "rtmps://b.example/streams/d?x=y"} {
		if s := c.Streams[i]; s.FullTo != want {
			t.Errorf("the viewers of %s are sent to %q", s.Path, s.FullTo)
		}
	}
}
