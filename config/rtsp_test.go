package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"streampump/engine"
	"streampump/engine/trust"
)

// camera is a source with one stream that is pulled over RTSP.
func camera(options string) string {
	return stream(`"path": "p", "type": "rtsp_pull", "source_options": {` + options + `}`)
}

func TestSourcesOverRTSP(t *testing.T) {
	dir := keys(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	secret := in("secret")
	if err := os.WriteFile(secret, []byte("pass word\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]Pull{
		`"url": "rtsp://cam.example/ch0?x=1"`:                              {Host: "cam.example", Port: 554, Path: "/ch0?x=1"},
		`"url": "RTSP://[2001:db8::7]:8554"`:                               {Host: "2001:db8::7", Port: 8554, Path: "/"},
		`"url": "rtsps://cam.example/"`:                                    {Host: "cam.example", Port: 322, Path: "/", TLS: &trust.Options{Host: "cam.example"}},
		`"url": "rtsps://cam.example", "ssl_ca": "good.pem"`:               {Host: "cam.example", Port: 322, Path: "/", TLS: &trust.Options{Host: "cam.example", CA: in("good.pem")}},
		`"host": "cam.example", "path": "ch0"`:                             {Host: "cam.example", Port: 554, Path: "/ch0"},
		`"host": "cam.example", "ssl": true`:                               {Host: "cam.example", Port: 322, Path: "/", TLS: &trust.Options{Host: "cam.example"}},
		`"url": "rtsp://me:a%2Fb%40c:d@cam.example/"`:                      {Host: "cam.example", Port: 554, Path: "/", User: "me", Password: "a/b@c:d"},
		`"url": "rtsp://me@cam.example/"`:                                  {Host: "cam.example", Port: 554, Path: "/", User: "me"},
		`"url": "rtsp://cam.example/", "user": "me"`:                       {Host: "cam.example", Port: 554, Path: "/", User: "me"},
		`"host": "cam.example", "user": "me", "password": "x/y@z"`:         {Host: "cam.example", Port: 554, Path: "/", User: "me", Password: "x/y@z"},
		`"host": "cam.example", "user": "me", "password": 12345`:           {Host: "cam.example", Port: 554, Path: "/", User: "me", Password: "12345"},
		`"host": "cam.example", "user": "me", "password_file": "secret"`:   {Host: "cam.example", Port: 554, Path: "/", User: "me", Password: "pass word"},
		`"url": "rtsp://cam.example/%40home", "user": "a", "password": ""`: {Host: "cam.example", Port: 554, Path: "/%40home", User: "a"},
	} {
		c, ps := Parse("pump.json", []byte(camera(src)), dir)
		if c == nil || len(ps) > 0 {
			t.Errorf("%s: %s", src, text(ps))
			continue
		}
		if got := c.Streams[0].Pull; !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v %+v\nwant %+v %+v", src, got, got.TLS, want, want.TLS)
		}
		if fromFile := strings.Contains(src, "password_file"); fromFile != slices.Contains(c.Secrets, secret) {
			t.Errorf("%s: the files with secrets are %q", src, c.Secrets)
		}
	}
}

func TestOneMistakeOverRTSP(t *testing.T) {
	const escapes = `there is an @ in it that does not end a user name and a password: in these write / as %2F, ? as %3F, # as %23, % as %25 and @ as %40 (or give them as "user" and "password"), and @ as %40 behind the host too`
	url := func(shown, why string) string {
		return `1:75: /streams/0/source_options/url: "` + shown + `" cannot be pulled: ` + why
	}
	for _, c := range []struct{ name, src, want string }{
		{"no_source", stream(`"path": "p", "type": "rtsp_pull"`), `1:14: /streams/0: a stream of type rtsp_pull needs "source_options"`},
		{"nothing", camera(``), `1:67: /streams/0/source_options: a stream of type rtsp_pull needs a "url", or a "host"`},
		{"push_source", stream(`"path": "p", "type": "rtsp_push", "source_options": {"url": "rtsp://a"}`), `1:67: /streams/0/source_options: a stream of type rtsp_push has no source_options: its encoder connects to us`},
		{"other_protocol", camera(`"url": "mmsh://a"`), url(`mmsh://a`, `mmsh:// is for streams of type mmsh_pull, and this one is of type rtsp_pull`)},
		{"web", camera(`"url": "http://a"`), url(`http://a`, `http:// is for streams of type mmsh_pull, and this one is of type rtsp_pull`)},
		{"other_scheme", camera(`"url": "rtspu://a"`), url(`rtspu://a`, `rtspu:// is not "rtsp://", and not "rtsps://" with TLS`)},
		{"no_scheme", camera(`"url": "/a"`), url(`/a`, `it does not begin with "rtsp://", or for TLS with "rtsps://"`)},
		{"no_user", camera(`"url": "rtsp://:secret@a"`), url(`rtsp://…@a`, `there is no user name before the @`)},
		{"slash_in_password", camera(`"url": "rtsp://me:se/cret@a"`), url(`rtsp://…@a`, escapes)},
		{"digits_before_a_slash", camera(`"url": "rtsp://me:12/34@a"`), url(`rtsp://…@a`, escapes)},
		{"hash_in_password", camera(`"url": "rtsp://me:12#34@a"`), url(`rtsp://…@a`, escapes)},
		{"percent_in_password", camera(`"url": "rtsp://me:se%cret@a"`), url(`rtsp://…@a`, escapes)},
		{"question_in_password", camera(`"url": "rtsp://me:12?34@a"`), url(`rtsp://…@a`, escapes)},
		{"colon_in_user", camera(`"url": "rtsp://a%3Ab:c@d"`), url(`rtsp://…@d`, `a user name cannot contain a colon`)},
		{"control", camera(`"url": "rtsp://a:b%0Ac@d"`), url(`rtsp://…@d`, `a user name or a password cannot contain a control character`)},
		{"user_twice", camera(`"url": "rtsp://a:b@c", "user": "a"`), `1:99: /streams/0/source_options/user: give a user name and a password either in the "url" or as "user" and "password", not both`},
		{"password_twice", camera(`"url": "rtsp://a:b@c", "password": "b"`), `1:103: /streams/0/source_options/password: give a user name and a password either in the "url" or as "user" and "password", not both`},
		{"password_alone", camera(`"host": "a", "password": "b"`), `1:93: /streams/0/source_options/password: a password needs a "user"`},
		{"password_and_file", camera(`"host": "a", "user": "u", "password": "b", "password_file": "c"`), `1:128: /streams/0/source_options/password_file: give either "password" or "password_file", not both`},
		{"user_with_colon", camera(`"host": "a", "user": "u:v"`), `1:89: /streams/0/source_options/user: a user name cannot contain a colon`},
		{"user_of_mmsh", pulled(`"host": "a", "user": "u"`), `1:81: /streams/0/source_options/user: the key "user" is for streams of type rtsp_pull, and this one has another type`},
		{"ssl_ca_without_tls", camera(`"url": "rtsp://a", "ssl_ca": "ca.pem"`), `1:97: /streams/0/source_options/ssl_ca: "ssl_ca" is for a source with TLS: a url that begins with rtsps://, or a "host" with "ssl": true`},
		{"full_web", stream(`"type": "rtsp_push", "path": "p", "redirect_full_to": "http://a/p"`), `1:69: /streams/0/redirect_full_to: "http://a/p" is not an address that begins with "rtsp://" or "rtsps://" and a host, and this stream is viewed over RTSP`},
		{"full_of_mmsh", stream(`"type": "mmsh_push", "path": "p", "redirect_full_to": "rtsp://a/p"`), `1:69: /streams/0/redirect_full_to: "rtsp://a/p" is not a web address that begins with "http://" or "https://" and a host`},
		{"full_user", stream(`"type": "rtsp_push", "path": "p", "redirect_full_to": "rtsp://a:b@c/p"`), `1:69: /streams/0/redirect_full_to: this address contains a user name or password, which every visitor would see`},
		{"full_braces", stream(`"type": "rtsp_push", "path": "p", "redirect_full_to": "rtsp://c/{p}"`), `1:69: /streams/0/redirect_full_to: "rtsp://c/{p}" may contain {path} and no other braces`},
		{"full_here", stream(`"type": "rtsp_push", "path": "p", "redirect_full_to": "rtsp://127.0.0.1:8554/{path}"`), `1:69: /streams/0/redirect_full_to: redirect_full_to sends the viewers of this stream to this pump and this stream again`},
		{"port_and_listen", `{"rtsp_port": 554, "listen": ":8086", "streams": [{"type": "rtsp_push", "path": "p"}]}`, `1:15: /rtsp_port: give either "rtsp_port" or "listen", not both: every address in "listen" takes RTSP too`},
		{"port_large", `{"rtsp_port": 65536, "streams": [{"type": "rtsp_push", "path": "p"}]}`, `1:15: /rtsp_port: the number must be between 1 and 65535, not 65536`},
		{"port_of_admin", `{"rtsp_port": 8087, "streams": [{"type": "rtsp_push", "path": "p"}]}`, `1:1: the admin listener (127.0.0.1:8087) and the streams ([::]:8087) cannot share a port; set "listen" in "admin"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := parse(t, c.src)
			if got := text(ps); cfg != nil || got != "pump.json:"+c.want+"\n" {
				t.Errorf("got  %swant pump.json:%s", got, c.want)
			}
		})
	}
}

// A port that TLS has too is told once, whichever of the two was given.
func TestRTSPPortOfTLS(t *testing.T) {
	dir := keys(t)
	for _, ports := range []string{`"rtsp_port": 8089`, `"ssl_port": 8554`} {
		_, ps := Parse("pump.json", []byte(`{"ssl": true, `+ports+`, "ssl_cert": "good.pem", "ssl_key": "good.key", "streams": [{"type": "rtsp_push", "path": "p"}]}`), dir)
		if len(ps) != 1 || !strings.HasPrefix(ps[0].Text, `"rtsp_port" and "ssl_port" cannot both be 8`) {
			t.Errorf("%s: %s", ports, text(ps))
		}
	}
}

// Packets go over UDP where a stream is viewed over RTSP, to whom the configuration says,
// and from even ports with room for those of all loops.
func TestUDP(t *testing.T) {
	const rtsp = `"streams": [{"type": "rtsp_push", "path": "p"}]`
	for _, c := range []struct {
		name, src string
		want      engine.Datagrams
	}{
		{"usual", `{` + rtsp + `}`, engine.Datagrams{First: 6970}},
		{"private", `{"rtsp_udp": "private", ` + rtsp + `}`, engine.Datagrams{First: 6970}},
		{"on", `{"rtsp_udp": "on", "rtsp_udp_ports": 5000, ` + rtsp + `}`, engine.Datagrams{First: 5000, Anyone: true}},
		{"last", `{"rtsp_udp_ports": 65024, ` + rtsp + `}`, engine.Datagrams{First: 65024}},
		{"off", `{"rtsp_udp": "off", "rtsp_udp_ports": 5000, ` + rtsp + `}`, engine.Datagrams{}},
		{"pull", camera(`"host": "a"`), engine.Datagrams{First: 6970}},
		{"no_stream", `{` + push + `}`, engine.Datagrams{}},
		{"disabled", stream(`"type": "rtsp_push", "path": "p", "enabled": false`), engine.Datagrams{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := parse(t, c.src)
			if cfg == nil || len(ps) > 0 && c.name != "disabled" || cfg.Engine.Datagrams != c.want {
				t.Errorf("%+v, %s", cfg.Engine.Datagrams, text(ps))
			}
		})
	}
	for _, c := range []struct{ src, want string }{
		{`{"rtsp_udp": "yes", ` + rtsp + `}`, `1:14: /rtsp_udp: "yes" is unknown here; known are private, on, off`},
		{`{"rtsp_udp_ports": 5001, ` + rtsp + `}`, `1:20: /rtsp_udp_ports: 5001 is odd: packets are sent from even ports, and the reports about them from the next ones`},
		{`{"rtsp_udp_ports": 65026, ` + rtsp + `}`, `1:20: /rtsp_udp_ports: the number must be between 1 and 65024, not 65026`},
		{`{"rtsp_udp": "on", ` + push + `}`, `1:14: /rtsp_udp: warning: nothing uses this: no stream is of type rtsp_pull or rtsp_push`},
	} {
		if _, ps := parse(t, c.src); len(ps) != 1 || !strings.Contains(text(ps), c.want) {
			t.Errorf("got  %swant %s", text(ps), c.want)
		}
	}
}

// The port for RTSP is open where there is a stream to be found, and only there.
func TestRTSPPort(t *testing.T) {
	const rtsp = `"streams": [{"type": "rtsp_push", "path": "p"}]`
	for _, c := range []struct{ name, src, want string }{
		{"no_stream", `{` + push + `}`, "[::]:8086"},
		{"push", `{` + rtsp + `}`, "[::]:8086 [::]:8554"},
		{"pull", camera(`"host": "a"`), "[::]:8086 [::]:8554"},
		{"disabled", stream(`"type": "rtsp_push", "path": "p", "enabled": false`), "[::]:8086"},
		{"disabled_in_quotes", stream(`"type": "rtsp_push", "path": "p", "enabled": "False"`), "[::]:8086"},
		{"beside_a_disabled", `{"streams": [{"type": "rtsp_push", "path": "p", "enabled": false}, {"type": "rtsp_push", "path": "q", "enabled": true}]}`, "[::]:8086 [::]:8554"},
		{"given", `{"rtsp_port": 554, ` + rtsp + `}`, "[::]:8086 [::]:554"},
		{"same", `{"rtsp_port": 8086, ` + rtsp + `}`, "[::]:8086"},
		{"port_is_it", `{"port": 8554, ` + rtsp + `}`, "[::]:8554"},
		{"listen", `{"listen": "127.0.0.1:80", ` + rtsp + `}`, "127.0.0.1:80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := parse(t, c.src)
			if cfg == nil || hasMistake(ps) {
				t.Fatal(text(ps))
			}
			if got := addresses(cfg.Listen); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	_, ps := parse(t, `{"rtsp_port": 554, `+push+`}`)
	if want := "pump.json:1:15: /rtsp_port: warning: nothing uses this: no stream is of type rtsp_pull or rtsp_push\n"; text(ps) != want {
		t.Errorf("got %s, want %s", text(ps), want)
	}
}

func addresses(all []netip.AddrPort) string {
	var out []string
	for _, a := range all {
		out = append(out, a.String())
	}
	return strings.Join(out, " ")
}

func TestCirclesOverRTSP(t *testing.T) {
	for path, circle := range map[string]bool{
		"/p": true, "/P/": true, "/streams/p": true, "/p?x=1": true, "/q": false, "/": false, "/x/p": false,
	} {
		cfg, ps := parse(t, camera(`"url": "rtsp://127.0.0.1:8554`+path+`"`))
		if cfg == nil || (len(ps) == 1) != circle {
			t.Errorf("%s: %s", path, text(ps))
		}
	}
}

// A redirect that all streams have is for the web, and none for those over RTSP.
func TestFullToOverRTSP(t *testing.T) {
	c := good(t, `{"redirect_full_to": "http://b.example/{path}", "streams": [
		{"type": "mmsh_push", "path": "m"},
		{"type": "rtsp_push", "path": "r"},
		{"type": "rtsp_push", "path": "s", "redirect_full_to": "rtsp://b.example/x/{path}"},
		{"type": "rtsp_push", "path": "t", "redirect_full_to": false},
	]}`)
	for i, want := range []string{"http://b.example/m", "", "rtsp://b.example/x/s", ""} {
		if got := c.Streams[i].FullTo; got != want {
			t.Errorf("stream %d: got %q, want %q", i, got, want)
		}
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		t              Type
		protocol       string
		pulled, pushed bool
	}{
		{TypeMMSHPull, MMSH, true, false},
		{TypeMMSHPush, MMSH, false, true},
		{TypeRTSPPull, RTSP, true, false},
		{TypeRTSPPush, RTSP, false, true},
		{TypeRTMPPull, RTMP, true, false},
		{TypeRTMPPush, RTMP, false, true},
		{TypeFile, MMSH, false, false},
		{"", "", false, false},
	} {
		if c.t.Protocol() != c.protocol || c.t.Pulled() != c.pulled || c.t.Pushed() != c.pushed {
			t.Errorf("%q: %q, pulled %v, pushed %v", c.t, c.t.Protocol(), c.t.Pulled(), c.t.Pushed())
		}
	}
}

// Secrets in a configuration that everybody may read are worth a word, wherever they are.
func TestOpenPasswords(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pump.json")
	for _, options := range []string{`"url": "rtsp://a:b@c"`, `"host": "c", "user": "a", "password": "b"`} {
		write(t, path, camera(options))
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		c, ps := Load(path)
		if c == nil || len(ps) != 1 || !strings.Contains(ps[0].Text, "everybody on this machine may read the configuration") {
			t.Errorf("%s: %s", options, text(ps))
		}
	}
}

func TestPasswordFileIsMissing(t *testing.T) {
	c, ps := parse(t, camera(`"host": "a", "user": "u", "password_file": "none"`))
	if c == nil || len(ps) != 1 || !ps[0].OneStream || !strings.HasSuffix(ps[0].Text, `none" cannot be opened: no such file or directory`) {
		t.Errorf("%s", text(ps))
	}
	good(t, `{"streams": [{"path": "p", "type": "rtsp_pull", "enabled": false, "source_options": {"host": "a", "user": "u", "password_file": "none"}}, {"path": "q", "type": "rtsp_push"}]}`)
}
