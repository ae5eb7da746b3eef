package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func itoa(v int64) string { return strconv.FormatInt(v, 10) }

// stream is a source with one stream.
func stream(members string) string { return `{"streams": [{` + members + `}]}` }

// pulled is a source with one pulled stream.
func pulled(options string) string {
	return stream(`"path": "p", "type": "mmsh_pull", "source_options": {` + options + `}`)
}

// hasMistake reports whether ps holds a mistake and not warnings only.
func hasMistake(ps []Problem) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning })
}

// Each source has one mistake, told in one line; the file's name is left out.
func TestOneMistake(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		// The file as a whole.
		{"empty", "", `1:1: the file is empty`},
		{"only_a_comment", "// nothing\n", `2:1: the JSON is broken here: the file ends without a value`},
		{"not_an_object", `[]`, `1:1: an object { … } is expected here, not a list`},
		{"latin1", "{\n\"a\": \"\xe4\"}", `2:7: the file is not UTF-8 text (save it as UTF-8)`},
		{"no_comma", "{\"ssl\": false\n \"port\": 1}", `2:2: the JSON is broken here: a comma is missing before this`},
		{"no_colon", `{"port" 1}`, `1:9: the JSON is broken here: a colon is missing between the key and this`},
		{"never_closed", "{\n \"streams\": [", `2:13: this '[' is never closed`},
		{"closes_nothing", `{}}`, `1:3: this '}' closes nothing`},
		{"wrong_bracket", "{\"streams\": [}", `1:14: this '}' cannot close the '[' of line 1, column 13`},
		{"too_deep", strings.Repeat("[", 1000), `1:33: brackets are nested more than 32 deep`},
		{"comment_never_closed", "{} /* and", `1:4: this comment is never closed by */`},
		{"hash_comment", "# port\n{}", `1:1: a comment begins with //, not with #`},
		{"no_quote", "{\"port: 1,\n}", `1:2: this text has no closing double quote in its line`},
		{"no_quote_at_the_end", `{"port`, `1:2: this text has no closing double quote`},
		{"backslash", `{"ssl_key": "C:\key"}`, `1:13: this text contains a control character or an escape that JSON does not know (a backslash is written "\\")`},
		{"bare_time", `{"timeouts": {"request": 10s}}`, `1:26: this is not a JSON value: text is written in double quotes`},
		{"bare_secret", `{"view": {"token_keys": [{"id": "a", "secret": geheimgeheimgeheim}]}}`, `1:48: this is not a JSON value: text is written in double quotes`},
		{"bare_word", `{"log": {"level": info}}`, `1:19: this is not a JSON value: text is written in double quotes`},
		{"octal", `{"port": 010}`, `1:10: the JSON is broken here: JSON does not write a number like this; text is written in double quotes`},

		// Keys.
		{"slip_of_the_pen", `{"prot": 1, ` + push + `}`, `1:2: /prot: the key "prot" is unknown here; did you mean "port"?`},
		{"other_case", `{"Use-HTTP-Proxy": false, ` + push + `}`, `1:2: /Use-HTTP-Proxy: the key "Use-HTTP-Proxy" is unknown here; did you mean "use_http_proxy"?`},
		{"other_place", `{"viewer_stall": 1, ` + push + `}`, `1:2: /viewer_stall: the key "viewer_stall" does not belong here, but in "timeouts"`},
		{"place_in_stream", `{"source_options": {}, ` + push + `}`, `1:2: /source_options: the key "source_options" does not belong here, but in an element of "streams"`},
		{"place_in_source", stream(`"path": "p", "type": "mmsh_push", "url": "mmsh://a"`), `1:49: /streams/0/url: the key "url" does not belong here, but in the "source_options" of a stream`},
		{"place_at_the_top", `{"log": {"redirect_404_to": ""}, ` + push + `}`, `1:10: /log/redirect_404_to: the key "redirect_404_to" does not belong here, but at the top of the file`},
		{"strange", `{"log": {"a/b~c": 1}, ` + push + `}`, `1:10: /log/a~1b~0c: the key "a/b~c" is unknown here; known are level, format`},
		{"terminal", `{"log": {"\u001b[2J_________": 1}, ` + push + `}`, `1:10: /log/\x1b[2J_________: the key "\x1b[2J_________" is unknown here; known are level, format`},
		{"twice", "{\"port\": 1,\n \"po\\u0072t\": 2, " + push + `}`, `2:2: /port: this key was given before, in line 1, column 2`},

		// Types and ranges.
		{"port_text", `{"port": "http", ` + push + `}`, `1:10: /port: a whole number is expected here, not "http"`},
		{"port_half", `{"port": 80.5, ` + push + `}`, `1:10: /port: a whole number is expected here, not 80.5`},
		{"port_list", `{"port": [80], ` + push + `}`, `1:10: /port: a whole number is expected here, not a list`},
		{"port_large", `{"port": 65536, ` + push + `}`, `1:10: /port: the number must be between 1 and 65535, not 65536`},
		{"port_huge", `{"port": 1e999, ` + push + `}`, `1:10: /port: the number must be between 1 and 65535, not 1e999`},
		{"truth", `{"ssl": "yes", ` + push + `}`, `1:9: /ssl: true or false is expected here, not "yes"`},
		{"text", `{"ssl_key": {}, ` + push + `}`, `1:13: /ssl_key: text in double quotes is expected here, not an object`},
		{"time", `{"timeouts": {"request": "1 day"}, ` + push + `}`, `1:26: /timeouts/request: a time is expected here, as a number of seconds or as a text like "10s", "250ms" or "1m30s", not "1 day"`},
		{"time_short", `{"timeouts": {"request": "99ms"}, ` + push + `}`, `1:26: /timeouts/request: the time must be between 100ms and 24h, not 99ms`},
		{"time_negative", `{"timeouts": {"end_hold": -1}, ` + push + `}`, `1:27: /timeouts/end_hold: the time must be between 0s and 1h, not -1`},
		{"size", `{"backlog": {"bytes": "32Mb/s"}, ` + push + `}`, `1:23: /backlog/bytes: a size is expected here, as a number of bytes or as a text like "64KiB", "32MiB" or "12MB", not "32Mb/s"`},
		{"size_small", `{"backlog": {"bytes": 5}, ` + push + `}`, `1:23: /backlog/bytes: the size must be between 1MiB and 64GiB, not 5`},
		{"pin", `{"fanout": {"pin": 1}, ` + push + `}`, `1:20: /fanout/pin: true or false is expected here, not 1`},
		{"loops", `{"fanout": {"loops": "many"}, ` + push + `}`, `1:22: /fanout/loops: a whole number is expected here, not "many"`},
		{"total", `{"backlog": {"total": "2MiB"}, "streams": [{"type": "mmsh_push", "path": "a"}, {"type": "mmsh_push", "path": "b"}, {"type": "mmsh_push", "path": "c"}]}`,
			`1:43: /streams: 3 streams cannot share the backlog's "total" of 2MiB: each needs 1MiB`},
		{"burst_and_lag", `{"backlog": {"join_burst": 6}, ` + push + `}`, `1:28: /backlog/join_burst: join_burst (6s) cannot be more than half of max_lag (10s): viewers would be moved forward as soon as they joined`},
		{"burst", `{"backlog": {"join_burst": 30}, ` + push + `}`, `1:28: /backlog/join_burst: join_burst (30s) cannot be more than the backlog's duration (20s)`},
		{"group", `{"limits": 7, ` + push + `}`, `1:12: /limits: an object { … } is expected here, not a number`},

		// The server.
		{"port_and_listen", `{"port": 1, "listen": ":2", ` + push + `}`, `1:23: /listen: give either "port" or "listen", not both: every address in "listen" has its own port`},
		{"listen_number", `{"listen": 80, ` + push + `}`, `1:12: /listen: a list [ … ] is expected here, not a number`},
		{"listen_empty", `{"listen": [], ` + push + `}`, `1:12: /listen: the list is empty; leave "listen" out to listen everywhere`},
		{"listen_name", `{"listen": ["localhost:80"], ` + push + `}`, `1:13: /listen/0: "localhost:80" is not an IP address with a port, such as "[::]:8086", "192.0.2.1:80" or ":8086"; write "127.0.0.1:…" or "[::1]:…" for this machine alone`},
		{"listen_host", `{"listen": ["www.example.org:80"], ` + push + `}`, `1:13: /listen/0: "www.example.org:80" is not an IP address with a port, such as "[::]:8086", "192.0.2.1:80" or ":8086"; a name can stand for several addresses, so write them out`},
		{"listen_no_port", `{"listen": ["192.0.2.1"], ` + push + `}`, `1:13: /listen/0: "192.0.2.1" is not an IP address with a port, such as "[::]:8086", "192.0.2.1:80" or ":8086"`},
		{"listen_twice", `{"listen": ["[::]:80", ":80"], ` + push + `}`, `1:24: /listen/1: [::]:80 and [::]:80 cannot both be listened on: one covers the other`},
		{"listen_covered", `{"listen": ["192.0.2.1:80", ":80"], ` + push + `}`, `1:29: /listen/1: 192.0.2.1:80 and [::]:80 cannot both be listened on: one covers the other`},
		{"listen_covered4", `{"listen": ["0.0.0.0:80", "192.0.2.1:80"], ` + push + `}`, `1:27: /listen/1: 0.0.0.0:80 and 192.0.2.1:80 cannot both be listened on: one covers the other`},
		{"admin_port", `{"port": 8087, ` + push + `}`, `1:1: the admin listener (127.0.0.1:8087) and the streams ([::]:8087) cannot share a port; set "listen" in "admin"`},
		{"admin_same", `{"admin": {"listen": "127.0.0.1:8086"}, ` + push + `}`, `1:22: /admin/listen: the admin listener (127.0.0.1:8086) and the streams ([::]:8086) cannot share a port; set "listen" in "admin"`},
		{"admin_address", `{"admin": {"listen": "8087"}, ` + push + `}`, `1:22: /admin/listen: "8087" is not an IP address with a port, such as "[::]:8086", "192.0.2.1:80" or ":8086"`},
		{"ssl_port", `{"ssl_port": 0, ` + push + `}`, `1:14: /ssl_port: the number must be between 1 and 65535, not 0`},
		{"redirect", `{"redirect_404_to": "somesite.org", ` + push + `}`, `1:21: /redirect_404_to: "somesite.org" is not a web address that begins with "http://" or "https://" and a host`},
		{"redirect_scheme", `{"redirect_404_to": "mms://somesite.org", ` + push + `}`, `1:21: /redirect_404_to: "mms://somesite.org" is not a web address that begins with "http://" or "https://" and a host`},
		{"redirect_password", `{"redirect_404_to": "http://me:pw@somesite.org", ` + push + `}`, `1:21: /redirect_404_to: this address contains a user name or password, which every visitor would see`},
		{"redirect_line", `{"redirect_404_to": "http://a/\r\nX: y", ` + push + `}`, `1:21: /redirect_404_to: this text contains a control character`},
		{"redirect_port", `{"redirect_404_to": "http://a:99999/", ` + push + `}`, `1:21: /redirect_404_to: "a:99999" is not a host with or without a port`},
		{"full_braces", `{"redirect_full_to": "http://a/{name}", ` + push + `}`, `1:22: /redirect_full_to: "http://a/{name}" may contain {path} and no other braces`},
		{"full_scheme", `{"redirect_full_to": "mms://a/{path}", ` + push + `}`, `1:22: /redirect_full_to: "mms://a/path" is not a web address that begins with "http://" or "https://" and a host`},
		{"full_here", `{"redirect_full_to": "http://localhost:8086/streams/{path}", ` + push + `}`, `1:74: /streams/0: redirect_full_to sends the viewers of this stream to this pump and this stream again`},
		{"full_own", stream(`"type": "mmsh_push", "path": "p", "redirect_full_to": "http://127.0.0.1:8086/streams/P.wmv"`), `1:69: /streams/0/redirect_full_to: redirect_full_to sends the viewers of this stream to this pump and this stream again`},
		{"rate", `{"limits": {"bandwidth": "20MB"}, ` + push + `}`, `1:26: /limits/bandwidth: a rate is expected here, as a number of bits a second or as a text like "500kbit", "20Mbit" or "1.5Gbit", not "20MB"`},
		{"rate_large", `{"limits": {"bandwidth": "20Tbit"}, ` + push + `}`, `1:26: /limits/bandwidth: the rate must be between 0 and 10Tbit, not 20Tbit`},
		{"stream_limit", stream(`"type": "mmsh_push", "path": "p", "limits": {"sessions": 5}`), `1:60: /streams/0/limits/sessions: the key "sessions" does not belong here, but in "limits"`},
		{"proxies", `{"proxy_protocol_from": ["192.0.2.1", "lb.example"], ` + push + `}`, `1:39: /proxy_protocol_from/1: "lb.example" is not a network, such as 192.0.2.0/24 or 2001:db8::/32, or an IP address`},
		{"proxies_bits", `{"proxy_protocol_from": "192.0.2.1/24", ` + push + `}`, `1:25: /proxy_protocol_from: "192.0.2.1/24" has bits behind its prefix; the network is 192.0.2.0/24`},
		{"proxies_length", `{"proxy_protocol_from": "192.0.2.1/33", ` + push + `}`, `1:25: /proxy_protocol_from: "192.0.2.1/33" is not a network, such as 192.0.2.0/24 or 2001:db8::/32`},
		{"proxies_kind", `{"proxy_protocol_from": true, ` + push + `}`, `1:25: /proxy_protocol_from: a list [ … ] is expected here, not true or false`},
		{"proxy_none", `{"use_http_proxy": true, ` + push + `}`, `1:20: /use_http_proxy: use_http_proxy is true, but there is no "http_proxy_host"`},
		{"proxy_user", `{"http_proxy_host": "otto:geheim@proxy", ` + push + `}`, `1:21: /http_proxy_host: "…@proxy" is not the name or the IP address of a host: leave out what is before and after it (http://, a port, a path); the pump cannot give it a user name or a password yet`},
		{"proxy_url", `{"http_proxy_host": "http://proxy:80", ` + push + `}`, `1:21: /http_proxy_host: "http://proxy:80" is not the name or the IP address of a host: leave out what is before and after it (http://, a port, a path)`},
		{"log_level", `{"log": {"level": "warning"}, ` + push + `}`, `1:19: /log/level: "warning" is unknown here; known are debug, info, warn, error`},
		{"log_format", `{"log": {"format": "jsn"}, ` + push + `}`, `1:20: /log/format: "jsn" is unknown here (did you mean "json"?); known are auto, journal, text, json`},

		// Streams.
		{"streams_object", `{"streams": {}}`, `1:13: /streams: a list [ … ] is expected here, not an object`},
		{"no_path", stream(`"type": "mmsh_push"`), `1:14: /streams/0: this stream has no "path"`},
		{"empty_path", stream(`"type": "mmsh_push", "path": ""`), `1:44: /streams/0/path: this text is empty`},
		{"slash_in_path", stream(`"type": "mmsh_push", "path": "/live"`), `1:44: /streams/0/path: a path may contain only letters (a to z), digits, _ and -, not '/'`},
		{"dot_in_path", stream(`"type": "mmsh_push", "path": "live.wmv"`), `1:44: /streams/0/path: a path may contain only letters (a to z), digits, _ and -, not '.'`},
		{"umlaut_in_path", stream(`"type": "mmsh_push", "path": "büro"`), `1:44: /streams/0/path: a path may contain only letters (a to z), digits, _ and -, not 'ü'`},
		{"long_path", stream(`"type": "mmsh_push", "path": "` + strings.Repeat("a", 129) + `"`), `1:44: /streams/0/path: a path may have at most 128 characters; this one has 129`},
		{"no_type", stream(`"path": "p"`), `1:14: /streams/0: this stream has no "type" (mmsh_pull, mmsh_push, rtsp_pull, rtsp_push, rtmp_pull, rtmp_push or file)`},
		{"type", stream(`"path": "p", "type": "mmsh_pul"`), `1:36: /streams/0/type: "mmsh_pul" is unknown here (did you mean "mmsh_pull"?); known are mmsh_pull, mmsh_push, rtsp_pull, rtsp_push, rtmp_pull, rtmp_push, file`},
		{"type_later", stream(`"path": "p", "type": "srt", "source_options": {"host": "a"}`), `1:36: /streams/0/type: "srt" is unknown here; known are mmsh_pull, mmsh_push, rtsp_pull, rtsp_push, rtmp_pull, rtmp_push, file`},
		{"push_source", stream(`"path": "p", "type": "mmsh_push", "source_options": {"host": "a"}`), `1:67: /streams/0/source_options: a stream of type mmsh_push has no source_options: its encoder connects to us`},
		{"same_path", `{"streams": [{"type": "mmsh_push", "path": "Live"},` + "\n" + `{"type": "mmsh_push", "path": "lIVE"}]}`, `2:31: /streams/1/path: the path "lIVE" is also that of the stream in line 1 (case makes no difference)`},
		{"path_of_an_encoder", `{"streams": [{"type": "mmsh_push", "path": "x"},` + "\n" + `{"type": "mmsh_push", "path": "X_push"}]}`, `2:31: /streams/1/path: the path "X_push" is where the encoder of stream "x" (line 1) sends`},
		{"encoder_of_a_path", `{"streams": [{"type": "mmsh_push", "path": "x_push"},` + "\n" + `{"type": "mmsh_push", "path": "X"}]}`, `2:31: /streams/1/path: the encoder of stream "X" would send to "x_push", which is the path of the stream in line 1`},

		// Sources.
		{"pull_no_source", stream(`"path": "p", "type": "mmsh_pull"`), `1:14: /streams/0: a stream of type mmsh_pull needs "source_options"`},
		{"pull_nothing", pulled(``), `1:67: /streams/0/source_options: a stream of type mmsh_pull needs a "url", or a "host"`},
		{"pull_file", pulled(`"url": "mmsh://a", "file": "b"`), `1:87: /streams/0/source_options/file: the key "file" is for streams of type file, and this one has another type`},
		{"pull_both", pulled(`"url": "mmsh://a", "port": 80`), `1:75: /streams/0/source_options/url: give either "url" or "host", "port" and "path", not both`},
		{"pull_host", pulled(`"host": "a b"`), `1:76: /streams/0/source_options/host: "a b" is not the name or the IP address of a host`},
		{"pull_port", pulled(`"host": "a", "port": 0`), `1:89: /streams/0/source_options/port: the number must be between 1 and 65535, not 0`},
		{"pull_path", pulled(`"host": "a", "path": "/a b"`), `1:89: /streams/0/source_options/path: a path in a request cannot contain ' '; write it escaped, as %20`},
		{"url_scheme", pulled(`"url": "rtsp://a"`), `1:75: /streams/0/source_options/url: "rtsp://a" cannot be pulled: rtsp:// is for streams of type rtsp_pull, and this one is of type mmsh_pull`},
		{"url_other", pulled(`"url": "srt://a"`), `1:75: /streams/0/source_options/url: "srt://a" cannot be pulled: srt:// is not "mmsh://", "http://" or "mms://", and not "mmshs://" or "https://" with TLS`},
		{"url_bare", pulled(`"url": "/a"`), `1:75: /streams/0/source_options/url: "/a" cannot be pulled: it does not begin with "mmsh://", "http://" or "mms://", or for TLS with "mmshs://" or "https://"`},
		{"url_tls_host", pulled(`"url": "mmshs://a,b"`), `1:75: /streams/0/source_options/url: "mmshs://a,b" cannot be pulled: "a,b" is not the name or the IP address of a host`},
		{"url_and_ssl", pulled(`"url": "https://a", "ssl": true`), `1:95: /streams/0/source_options/ssl: "ssl" goes with "host": a url says by itself whether it is for TLS, beginning with mmshs:// or https://`},
		{"ssl_yes", pulled(`"host": "a", "ssl": "yes"`), `1:88: /streams/0/source_options/ssl: true or false is expected here, not "yes"`},
		{"ssl_ca_without_tls", pulled(`"url": "http://a", "ssl_ca": "ca.pem"`), `1:97: /streams/0/source_options/ssl_ca: "ssl_ca" is for a source with TLS: a url that begins with mmshs:// or https://, or a "host" with "ssl": true`},
		{"ssl_name_without_tls", pulled(`"host": "a", "ssl": false, "ssl_name": "b"`), `1:107: /streams/0/source_options/ssl_name: "ssl_name" is for a source with TLS: a url that begins with mmshs:// or https://, or a "host" with "ssl": true`},
		{"ssl_name", pulled(`"url": "https://a", "ssl_name": "https://b"`), `1:100: /streams/0/source_options/ssl_name: "https://b" is not the name or the IP address of a host: leave out what is before and after it (http://, a port, a path)`},
		{"ssl_ca_empty", pulled(`"url": "https://a", "ssl_ca": ""`), `1:98: /streams/0/source_options/ssl_ca: this text is empty`},
		{"ssl_cert_alone", pulled(`"url": "https://a", "ssl_cert": "c.pem"`), `1:100: /streams/0/source_options/ssl_cert: "ssl_cert" needs "ssl_key", the file with its key (the same file, if it holds both)`},
		{"ssl_key_alone", pulled(`"url": "https://a", "ssl_key": "k.pem"`), `1:99: /streams/0/source_options/ssl_key: "ssl_key" needs "ssl_cert", the file with its certificate (the same file, if it holds both)`},
		{"ssl_of_a_file", stream(`"path": "p", "type": "file", "source_options": {"file": "clip.wmv", "ssl_ca": "x"}`), `1:83: /streams/0/source_options/ssl_ca: the key "ssl_ca" is for streams of type mmsh_pull, rtsp_pull and rtmp_pull, and this one has another type`},
		{"url_user", pulled(`"url": "mmsh://me@a"`), `1:75: /streams/0/source_options/url: "mmsh://…@a" cannot be pulled: the pump cannot give a source a user name or a password yet`},
		{"url_no_host", pulled(`"url": "mmsh:///a"`), `1:75: /streams/0/source_options/url: "mmsh:///a" cannot be pulled: it names no host`},
		{"url_host", pulled(`"url": "mmsh://a,b/"`), `1:75: /streams/0/source_options/url: "mmsh://a,b/" cannot be pulled: "a,b" is not the name or the IP address of a host`},
		{"url_port", pulled(`"url": "mmsh://a:0/"`), `1:75: /streams/0/source_options/url: "mmsh://a:0/" cannot be pulled: the port must be between 1 and 65535`},
		{"url_fragment", pulled(`"url": "mmsh://a/#x"`), `1:75: /streams/0/source_options/url: "mmsh://a/#x" cannot be pulled: what follows the # is never sent to a server`},
		{"url_query", pulled(`"url": "mmsh://a/?x y"`), `1:75: /streams/0/source_options/url: "mmsh://a/?x y" cannot be pulled: it contains characters that must be escaped`},
		{"url_escape", pulled(`"url": "mmsh://a/%zz"`), `1:75: /streams/0/source_options/url: "mmsh://a/%zz" cannot be pulled: invalid URL escape "%zz"`},
		{"no_file", stream(`"path": "p", "type": "file", "source_options": {}`), `1:62: /streams/0/source_options: a stream of type file needs a "file"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := parse(t, c.src)
			if got := text(ps); cfg != nil || got != "pump.json:"+c.want+"\n" {
				t.Errorf("got  %swant pump.json:%s", got, c.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"no_streams", `{}`, `1:1: warning: there are no "streams": every request will be answered 404`},
		{"none_enabled", `{"streams": []}`, `1:13: /streams: warning: no stream is enabled: every request will be answered 404`},
		{"short_session", `{"timeouts": {"viewer_session": "9.9s"}, ` + push + `}`, `1:33: /timeouts/viewer_session: warning: [MS-WMSP] 3.2.2 asks for at least 10s here, and players and encoders may rely on that`},
		{"short_push_idle", `{"timeouts": {"push_idle": 1}, ` + push + `}`, `1:28: /timeouts/push_idle: warning: [MS-WMHTTP] 3.2.2 asks for at least 10s here, and players and encoders may rely on that`},
		{"open_admin", `{"admin": {"listen": ":9000"}, ` + push + `}`, `1:22: /admin/listen: warning: the admin listener has no password, and [::]:9000 can be reached from other machines`},
		{"disabled_twin", `{"streams": [{"type": "mmsh_push", "path": "x", "enabled": false}, {"type": "mmsh_push", "path": "x"}]}`,
			`1:98: /streams/1/path: warning: the path "x" is also that of the stream in line 1 (case makes no difference); they cannot both be enabled`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := parse(t, c.src)
			if got := text(ps); cfg == nil || hasMistake(ps) || got != "pump.json:"+c.want+"\n" {
				t.Errorf("got  %swant pump.json:%s", got, c.want)
			}
		})
	}
}

func TestEveryMistakeAtOnce(t *testing.T) {
	cfg, ps := parse(t, `{
  "prot": 8086, "port": 70000,
  "listen": ["*:80"], // and the port is given twice
  "ssl": true,
  "redirect_404_to": 404,
  "streams": [
    {"name": "a", "type": "mmsh_pull", "path": "a/b", "source_options": {"hots": "x", "port": "http"}},
    {"name": "b", "type": "mmsh_push", "path": "same", "enabled": 1},
    {"name": "c", "type": "file", "path": "SAME", "source_options": {"file": 7, "file": 8}},
    null, 5,
  ],
  "timeouts": {"viewer_stal": 1, "request": -1},
  "timeouts": {},
}`)
	want := `pump.json:2:3: /prot: the key "prot" is unknown here; did you mean "port"?
pump.json:2:25: /port: the number must be between 1 and 65535, not 70000
pump.json:3:13: /listen: give either "port" or "listen", not both: every address in "listen" has its own port
pump.json:3:14: /listen/0: "*:80" is not an IP address with a port, such as "[::]:8086", "192.0.2.1:80" or ":8086"
pump.json:4:10: /ssl: TLS needs a certificate: give "ssl_cert" and "ssl_key", or "certificates", or "ssl_domains"
pump.json:5:22: /redirect_404_to: "404" is not a web address that begins with "http://" or "https://" and a host
pump.json:7:48: /streams/0/path: a path may contain only letters (a to z), digits, _ and -, not '/'
pump.json:7:73: /streams/0/source_options: a stream of type mmsh_pull needs a "url", or a "host"
pump.json:7:74: /streams/0/source_options/hots: the key "hots" is unknown here; did you mean "host"?
pump.json:7:95: /streams/0/source_options/port: a whole number is expected here, not "http"
pump.json:8:67: /streams/1/enabled: true or false is expected here, not 1
pump.json:9:43: /streams/2/path: the path "SAME" is also that of the stream in line 8 (case makes no difference)
pump.json:9:78: /streams/2/source_options/file: the file "DIR/7" cannot be opened: no such file or directory
pump.json:9:81: /streams/2/source_options/file: this key was given before, in line 9, column 70
pump.json:10:5: /streams/3: an object { … } is expected here, not null
pump.json:10:11: /streams/4: an object { … } is expected here, not a number
pump.json:12:16: /timeouts/viewer_stal: the key "viewer_stal" is unknown here; did you mean "viewer_stall"?
pump.json:12:45: /timeouts/request: the time must be between 100ms and 24h, not -1
pump.json:13:3: /timeouts: this key was given before, in line 12, column 3
`
	// The folder's name changes from run to run.
	got := text(ps)
	if i, j := strings.Index(got, `"`+os.TempDir()), strings.Index(got, `/7"`); i >= 0 && j > i {
		got = got[:i] + `"DIR` + got[j:]
	}
	if cfg != nil || got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := folder(t)
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"none.wmv":  "cannot be opened: no such file or directory",
		"sub":       "is a folder, not a file",
		"pipe":      "is not a regular file",
		"other.txt": "is not an ASF file (.asf, .wmv or .wma)",
		"short.wmv": "is not an ASF file (.asf, .wmv or .wma)",
	} {
		c, ps := Parse("pump.json", []byte(stream(`"path": "p", "type": "file", "source_options": {"file": "`+name+`"}`)), dir)
		if c == nil || len(ps) != 1 || !ps[0].OneStream {
			t.Errorf("%s: other streams could not be served: %+v", name, ps)
		}
		want = fmt.Sprintf("pump.json:1:71: /streams/0/source_options/file: the file %q %s\n", filepath.Join(dir, name), want)
		if got := text(ps); got != want {
			t.Errorf("got  %swant %s", got, want)
		}
	}
}

// Streams that are pulled from themselves, however that is written, and those that
// are not although it looks so.
func TestCircles(t *testing.T) {
	const self = "this stream is pulled from itself"
	pull := func(path, url string) string {
		return `{"type": "mmsh_pull", "path": "` + path + `", "source_options": {"url": "` + url + `"}},` + "\n"
	}
	for _, c := range []struct {
		name, listen, streams string
		lines                 []int // of the warnings
	}{
		{"itself", `":8086"`, pull("a", "mmsh://127.0.0.1:8086/streams/a"), []int{2}},
		{"by_name", `":8086"`, pull("a", "mms://LOCALHOST:8086/Streams/A/?x=1"), []int{2}},
		{"escaped", `":8086"`, pull("a", "http://[::1]:8086/streams/%61"), []int{2}},
		{"with_an_ending", `":8086"`, pull("a", "http://127.0.0.1:8086/streams/a.asf"), []int{2}},
		{"own_address", `"192.0.2.1:80"`, pull("a", "http://192.0.2.1/streams/a"), []int{2}},
		{"by_another", `":8086"`, pull("a", "mmsh://127.0.0.1:8086/streams/b") + pull("b", "mmsh://127.0.0.1:8086/streams/a"), []int{2, 3}},
		{"beside_a_circle", `":8086"`, pull("a", "mmsh://127.0.0.1:8086/streams/b") + pull("b", "mmsh://127.0.0.1:8086/streams/b"), []int{3}},
		{"another_stream", `":8086"`, pull("a", "mmsh://127.0.0.1:8086/streams/b") + `{"type": "mmsh_push", "path": "b"},`, nil},
		{"another_port", `":8086"`, pull("a", "mmsh://127.0.0.1:8087/streams/a"), nil},
		{"another_host", `":8086"`, pull("a", "mmsh://192.0.2.1:8086/streams/a"), nil},
		{"not_listened_on", `"192.0.2.1:8086"`, pull("a", "mmsh://127.0.0.1:8086/streams/a"), nil},
		{"other_path", `":8086"`, pull("a", "mmsh://127.0.0.1:8086/a"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := parse(t, `{"listen": [`+c.listen+`], "streams": [`+"\n"+c.streams+`]}`)
			var lines []int
			for _, p := range ps {
				if !p.Warning || !strings.HasPrefix(p.Text, self) {
					t.Errorf("%s", p)
				}
				lines = append(lines, p.Line)
			}
			if cfg == nil || !slices.Equal(lines, c.lines) {
				t.Errorf("warnings in lines %v, want %v:\n%s", lines, c.lines, text(ps))
			}
		})
	}
	_, ps := parse(t, `{"streams": [`+pull("a", "mmsh://127.0.0.1:8086/streams/b")+pull("b", "mmsh://127.0.0.1:8086/streams/a")+`]}`)
	const want = `pump.json:1:44: /streams/0/path: warning: this stream is pulled from itself, through "b", and will never have a source` + "\n"
	if got := text(ps); !strings.HasPrefix(got, want) {
		t.Errorf("got %s", got)
	}
}

// A file of another language is not taken for the original's.
func TestOtherLanguages(t *testing.T) {
	const other = `the configuration is JSON with comments, and begins with {; this is something else ("stream-pump example" prints one to start from)`
	for src, want := range map[string]string{
		"port: 8086\nstreams:\n  - path: live\n": "1:1: " + other,
		"---\nport: 8086\n":                      "1:1: " + other,
		"port = 8086\n":                          "1:1: " + other,
		"exports.config = {}":                    "1:1: this is not JSON; if it is the original Stream Pump's config.js, this prints it",
		"var config = {}":                        "1:1: this is not JSON; if it is the original",
		"{} port: 1":                             "1:4: the configuration ends at its last }, and only comments may follow: delete this",
	} {
		c, ps := parse(t, src)
		if got := text(ps); c != nil || !strings.HasPrefix(got, "pump.json:"+want) {
			t.Errorf("%q: got %s, want %s", src, got, want)
		}
	}
}

// So many files may be missing that a mistake behind them is not told any more; it
// is one all the same.
func TestMistakeBehindMissingFiles(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"streams": [`)
	for i := range maxProblems {
		fmt.Fprintf(&b, `{"path": "p%d", "type": "file", "source_options": {"file": "none"}},`, i)
	}
	if c, ps := parse(t, b.String()+"]}"); c == nil || len(ps) != maxProblems+1 {
		t.Errorf("%v with %d problems", c != nil, len(ps))
	}
	if c, _ := parse(t, b.String()+`{"path": "p"}]}`); c != nil {
		t.Error("a stream without a type was taken")
	}
}

// The original's file is told apart, with all that has to be changed.
func TestOriginalScriptIsExplained(t *testing.T) {
	_, ps := parse(t, `// configuration
exports.config = {
  port: 8080, // number
  'redirect_404_to': undefined,
  "streams": [{path: 'live'}],
};
`)
	const pre = "pump.json:"
	want := pre + `2:1: this is not JSON; if it is the original Stream Pump's config.js, this prints it as JSON if Node.js is installed: ` + ConvertScript + `; otherwise keep only the object: ` +
		`delete everything before its first { and after its last }, and write every key and every text in double quotes (comments and trailing commas may stay)
` + pre + `3:3: this is a key or a text, which is written in double quotes
` + pre + `4:3: text is written in double quotes, not in '
` + pre + `4:22: this is not a JSON value: text is written in double quotes
` + pre + `5:16: this is a key or a text, which is written in double quotes
` + pre + `5:22: text is written in double quotes, not in '
` + pre + `6:2: this is JSON, not JavaScript: delete the semicolon
`
	if got := text(ps); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestMistakesAreNotToldForEver(t *testing.T) {
	_, ps := parse(t, "{"+strings.Repeat("x: 1,\n", 1000)+"}")
	if len(ps) != maxProblems+1 || !strings.Contains(ps[maxProblems].Text, "only the first 100 mistakes are shown") {
		t.Errorf("%d problems", len(ps))
	}
}

func TestLinesAreTheInverseOfOffsets(t *testing.T) {
	src := []byte("one\n\ntwo\nthree")
	l := newLines(src)
	for at := range len(src) + 1 {
		line, col := l.place(at)
		if before := src[:at]; line != 1+bytes.Count(before, []byte("\n")) || col != at-bytes.LastIndexByte(before, '\n') {
			t.Errorf("offset %d is at %d:%d", at, line, col)
		}
		if back := l.offset(line, col); back != at {
			t.Errorf("offset %d came back as %d", at, back)
		}
	}
}

// FuzzParse asks of any bytes whatever: no panic, a Config or a mistake and
// never both, every problem inside the file, the same answer twice.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		issueExample, example, uncomment(example), "", "{}", "{", "[[[[", `{"a":`, "\"", "//", "/*", bom + "{}",
		`{"listen": [":1", ":1"], "port": 1, "streams": [null, {"path": 1, "type": "file"}]}`,
		`{"listen": ["tls://:1"], "ssl": true, "certificates": [{}, {"cert": 1, "key": "."}], "ssl_domains": ["", "a..b", "*.a.b"], "acme": {"email": "<a@b>"}}`,
		`{"ssl": 1, "ssl_port": "tls://", "ssl_cert": "a", "ssl_domains": {}, "acme": {"accept_terms": 1, "folder": [], "directory": "https://"}}`,
		"exports.config = {\n a: 'b' };", "{\"port\": 1e400}", "{}\n// \u2028\n{}",
		`{"backlog": {"bytes": "1.5KiB", "duration": "1h1ns"}, "timeouts": {"request": 1e-9}}`,
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte) {
		before := bytes.Clone(src)
		c, ps := Parse("f", src, dir)
		if !bytes.Equal(src, before) {
			t.Fatal("the source was changed")
		}
		if (c == nil) != slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning && !p.OneStream }) {
			t.Fatalf("config %v with problems\n%s", c != nil, text(ps))
		}
		if _, again := Parse("f", src, dir); text(again) != text(ps) {
			t.Fatalf("first\n%sthen\n%s", text(ps), text(again))
		}
		rows := bytes.Split(src, []byte("\n"))
		for _, p := range ps {
			whole := p.Line == 0 && p.Col == 0
			if !whole && (p.Line < 1 || p.Line > len(rows) || p.Col < 1 || p.Col > len(rows[p.Line-1])+1) {
				t.Fatalf("outside the file: %s", p)
			}
			if line := p.String(); strings.ContainsAny(line, "\n\r\x1b") {
				t.Fatalf("a problem is more than a line: %q", line)
			}
		}
	})
}
