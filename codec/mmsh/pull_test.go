package mmsh

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/codec/asf"
)

// source is what a pulled server writes on one connection.
const okHead = "HTTP/1.0 200 OK\nServer: Rex/12.0\nPragma: no-cache, client-id=987,features=\"broadcast\"\nContent-Type: application/x-mms-framed\n\n"

// openPull is a pull on its first connection.
func openPull(raw string) *host {
	u, err := scheme.Parse(raw)
	if err != nil {
		panic(err)
	}
	h := &host{sess: NewPull(PullOptions{URL: u})}
	h.sess.(codec.Dialled).AppendHello(nil, false)
	return h
}

// playing is a pull on its second connection.
func playing() *host {
	h := openPull("mmsh://source/")
	h.feed(join([]byte(crlf(okHead)), AppendHead(nil, headerBytes(0))))
	h.sess.(codec.Dialled).AppendHello(nil, false)
	h.log = nil
	return h
}

// The two requests, [MS-WMSP] 2.2.2.1 and 2.2.2.6, straight and through a proxy.
func TestPullConversation(t *testing.T) {
	u, _ := scheme.Parse("mms://[2001:db8::5]:8080/live?a=b")
	p := NewPull(PullOptions{URL: u, Agent: "NSPlayer/9.0"})
	describe := crlf(`GET /live?a=b HTTP/1.0
Accept: */*
User-Agent: NSPlayer/9.0
Host: [2001:db8::5]:8080
Supported: com.microsoft.wm.predstrm, com.microsoft.wm.sswitch
Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0
Connection: Close

`)
	if got := p.Target(); got != (codec.Target{Address: "[2001:db8::5]:8080"}) {
		t.Errorf("target %+v", got)
	}
	if got := string(p.AppendHello(nil, false)); got != describe {
		t.Errorf("Describe %q\nwant %q", got, describe)
	}
	h := &host{sess: p}
	spec := asf.EE4Header(0)
	spec.Streams[2].Number = 26
	h.feed(join([]byte(crlf(okHead)), AppendHead(nil, spec.Append(nil))))
	if strings.Join(h.log, ";") != "Redial" {
		t.Fatal(h.log)
	}
	play := crlf(`GET http://[2001:db8::5]:8080/live?a=b HTTP/1.0
Accept: */*
User-Agent: NSPlayer/9.0
Host: [2001:db8::5]:8080
Supported: com.microsoft.wm.predstrm, com.microsoft.wm.sswitch
Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=2,max-duration=0
Pragma: xPlayStrm=1
Pragma: client-id=987
Pragma: stream-switch-count=3
Pragma: stream-switch-entry=ffff:1:0 ffff:2:0 ffff:1a:0
Connection: Close

`)
	if got := string(p.AppendHello(nil, true)); got != play {
		t.Errorf("Play %q\nwant %q", got, play)
	}
}

// A source's answers, from the head on. The second half of the table is played
// on the connection that Play was sent on.
func TestPullAnswers(t *testing.T) {
	h0, h1 := headerBytes(0), headerBytes(1)
	header := mustMedia(t, h0).String()
	H := AppendHead(nil, h0)
	D := func(n uint32) []byte { return pulled(IDData, n, byte(n), []byte("payload")) }
	B := func(b []byte) []byte { return append([]byte{b[0] | bFlag}, b[1:]...) }
	E0, E1, C := AppendReason(nil, IDEnd, 0), AppendReason(nil, IDEnd, 1), AppendReason(nil, IDChange, 0)
	M := pulled(IDMetadata, 0, FlagWhole, []byte("text"))
	P := join(AppendFraming(nil, IDPair, 504), []byte{200, 0, 0, 0}, make([]byte, 304), AppendFraming(nil, IDPair, 504), []byte{200, 0, 0, 0}, make([]byte, 504),
		AppendFraming(nil, IDPair, 1048), []byte{200, 0, 0, 0}, make([]byte, 1248))
	vlc := "HTTP/1.0 200 OK\nContent-type: application/octet-stream\nServer: Cougar 4.1.0.3921\nno field at all\nPragma: no-cache\nPragma: client-id=1\nPragma: features=\"broadcast\"\n\n"
	split := join(pulled(IDHeader, 0, FlagFirst, h0[:1000]), pulled(IDHeader, 1, 0, h0[1000:1010]), pulled(IDHeader, 2, FlagLast, h0[1010:]))
	status := func(line, rest string) []byte { return []byte(crlf("HTTP/1.1 " + line + "\n" + rest + "\n")) }
	cases := []struct {
		name string
		play bool
		in   []byte
		want string
	}{
		{"describe", false, join([]byte(crlf(okHead)), H), "Redial"},
		{"describe_with_pairs_and_metadata", false, join([]byte(crlf(okHead)), P, M, H), "Redial"},
		{"describe_not_found", false, status("404 Not Found", ""), "Bad: the source answered 404 Not Found"},
		{"describe_no_reason", false, status("503", ""), "Bad: the source answered 503"},
		{"describe_password", false, status("401 Unauthorized", "WWW-Authenticate: Digest\n"), "Bad: the source answered 401 Unauthorized: passwords are not supported yet"},
		{"describe_a_web_page", false, join([]byte("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>")), "Bad: the source answers with a web page, not a stream"},
		{"describe_not_HTTP", false, []byte("SSH-2.0-OpenSSH\r\n\r\n"), `Bad: the answer does not begin as HTTP does: "SSH-2.0-OpenSSH"`},
		{"describe_binary", false, []byte("\x00\x01"), "Bad: the source's answer is not HTTP: control byte 0x00 at byte 0 of the head"},
		{"describe_chunked", false, status("200 OK", "Transfer-Encoding: chunked\n"), "Bad: the source answers in chunks, which was not asked for"},
		{"describe_interim", false, join(status("100 Continue", ""), status("103 Early Hints", "Link: x\n"), []byte(crlf(okHead)), H), "Redial"},
		{"describe_unknown_interim", false, join(status("199 Whatever", ""), []byte(crlf(okHead)), H), "Redial"},
		{"describe_only_interim", false, bytes.Repeat(status("102 Processing", ""), 20), "Bad: the source has sent 11 interim answers and no final one"},
		{"describe_switching", false, status("101 Switching Protocols", ""), "Bad: the source answered 101 Switching Protocols"},
		{"describe_plain_ASF", false, join([]byte("HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\n\r\n"), h0), "Bad: the source sends plain ASF, as a file or a download, not MMSH, and only MMSH can be pulled"},
		{"describe_ASX", false, []byte("HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\n\r\n<ASX version=\"3.0\">"), "Bad: the source answers with a playlist, not a stream: the address to pull is in it"},
		{"describe_ASX_with_blanks_first", false, []byte("HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-wvx; charset=utf-8\r\n\r\n\r\n\r\n<asx>"), "Bad: the source answers with a playlist, not a stream: the address to pull is in it"},
		{"describe_M3U", false, []byte("HTTP/1.0 200 OK\r\n\r\n#EXTM3U\r\n"), "Bad: the source answers with a playlist, not a stream: the address to pull is in it"},
		{"describe_reference", false, []byte("HTTP/1.0 200 OK\r\n\r\n[Reference]\r\nRef1=http://h/"), "Bad: the source answers with a playlist, not a stream: the address to pull is in it"},
		{"describe_ASX_in_UTF16", false, []byte("HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\n\r\n\xFF\xFE<\x00a\x00"), "Bad: the source answers with a playlist, not a stream: the address to pull is in it"},
		{"describe_bytes_of_that_type", false, []byte("HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\n\r\n\x82\x00\x00\x01"), `Bad: the source answers with "video/x-ms-asf", which is not MMSH`},
		{"describe_something", false, []byte("HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n\xFF\xFB\x90\x64"), `Bad: the source answers with "audio/mpeg", which is not MMSH`},
		{"play_something", true, []byte("HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\nxyz$$"), `Bad: the source answers with "audio/mpeg", which is not MMSH`},
		{"choices", false, status("300 Multiple Choices", "Location: /one\n"), "Redial"},
		{"choices_and_none_named", false, status("300 Multiple Choices", ""), "Bad: the source answered 300 Multiple Choices without a place to go"},
		{"use_proxy", false, status("305 Use Proxy", "Location: http://proxy:3128/\n"), "Redial"},
		{"redirect", false, status("302 Found", "Location: http://other:99/y\n"), "Redial"},
		{"redirect_nowhere", false, status("302 Found", ""), "Bad: the source answered 302 Found without a place to go"},
		{"redirect_to_TLS", false, status("301 Moved", "Location: https://other/\n"), "Redial"},
		{"describe_TLS_port", false, []byte("\x15\x03\x01\x00\x02\x02\x0a"), "Bad: the source speaks TLS on this port: its address must begin with mmshs:// or https://"},
		{"describe_control_byte_later", false, []byte("HTTP\x15"), "Bad: the source's answer is not HTTP: control byte 0x15 at byte 4 of the head"},

		{"play", true, join([]byte(crlf(okHead)), H, D(7), D(8), D(12)), "Header " + header + "; Packet #7 7 bytes; Packet #8 7 bytes; Packet #12 7 bytes"},
		{"play_VLC_server", true, join([]byte(crlf(vlc)), H, D(95)), "Header " + header + "; Packet #95 7 bytes"},
		{"play_Cougar_9", true, join([]byte(crlf(okHead)), B(M), B(H), B(D(0)), M, D(1)), "Header " + header + "; Packet #0 7 bytes; Packet #1 7 bytes"},
		{"play_split_header", true, join([]byte(crlf(okHead)), split, D(1)), "Header " + header + "; Packet #1 7 bytes"},
		{"play_header_repeated", true, join([]byte(crlf(okHead)), H, D(7), H, D(8)), "Header " + header + "; Packet #7 7 bytes; Packet #8 7 bytes"},
		{"play_split_header_begun_again", true, join([]byte(crlf(okHead)), pulled(IDHeader, 0, FlagFirst, h0[:1000]), split, D(1)), "Header " + header + "; Packet #1 7 bytes"},
		{"play_header_cut_short", true, join([]byte(crlf(okHead)), pulled(IDHeader, 0, FlagWhole, h0[:1000])), "Bad: the header is cut short: 1000 of 5487 bytes"},
		{"play_data_in_a_header", true, join([]byte(crlf(okHead)), pulled(IDHeader, 0, FlagFirst, h0[:1000]), D(1)), "Bad: a $D came in the middle of the header: 1000 of 5487 bytes are there"},
		{"play_data_first", true, join([]byte(crlf(okHead)), D(1)), "Bad: the source sent a data packet before its header"},
		{"play_change", true, join([]byte(crlf(okHead)), H, D(7), E1, C, M, AppendHead(nil, h1), D(0)), "Header " + header + "; Packet #7 7 bytes; Header " + header + "; Packet #0 7 bytes"},
		{"play_change_without_end", true, join([]byte(crlf(okHead)), H, D(7), C, AppendHead(nil, h1), D(0)), "Header " + header + "; Packet #7 7 bytes; Header " + header + "; Packet #0 7 bytes"},
		{"play_data_after_change", true, join([]byte(crlf(okHead)), H, C, D(0)), "Header " + header + "; Bad: a data packet came where a new header must come first"},
		{"play_over", true, join([]byte(crlf(okHead)), H, D(7), E0, D(8)), "Header " + header + "; Packet #7 7 bytes; Finish"},
		{"play_over_as_ffmpeg_says_it", true, join([]byte(crlf(okHead)), H, pushed(IDEnd, make([]byte, 8))), "Header " + header + "; Finish"},
		{"play_desync", true, join([]byte(crlf(okHead)), H, D(7), []byte("x")), "Header " + header + "; Packet #7 7 bytes; Bad: byte 5518 of the stream is 0x78 where a packet must begin with 0x24 ($)"},
		{"play_data_without_header_of_its_own", true, join([]byte(crlf(okHead)), H, pushed(IDData, []byte("abc"))), "Header " + header + "; Bad: a $D of 3 bytes has no room for its MMS header of 8"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := wantAnyCut(t, c.in, func() *host {
				if c.play {
					return playing()
				}
				return openPull("mmsh://source/")
			})
			if got := h.events(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Redirects are followed, keep the question, and come to an end.
func TestPullRedirects(t *testing.T) {
	h := openPull("http://source/x")
	p := h.sess.(codec.Dialled)
	to := func(location string) string {
		h.log = nil
		h.feed([]byte(crlf("HTTP/1.0 302 Found\nLocation: " + location + "\n\n")))
		hello := string(p.AppendHello(nil, false))
		line, _, _ := strings.Cut(hello, "\r\n")
		return h.log[0] + " " + p.Target().Address + " " + line
	}
	cases := []struct{ location, want string }{
		{"mmsh://other:8080/y", "Redial other:8080 GET /y HTTP/1.0"},
		{"/z?q", "Redial other:8080 GET /z?q HTTP/1.0"},
		{"mms://third", "Redial third:80 GET / HTTP/1.0"},
		{"http://source/x", "Redial source:80 GET /x HTTP/1.0"},
		{"http://source/x", "Redial source:80 GET /x HTTP/1.0"},
		{"http://source/x", `Bad: the source redirects us too often, last to "http://source/x" source:80 GET /x HTTP/1.0`},
	}
	for i, c := range cases {
		if got := to(c.location); got != c.want {
			t.Errorf("%d: got %s, want %s", i, got, c.want)
		}
	}
}

// A redirect may lead to TLS and, for a pull that was configured without, back again.
// Scheme, port and Host field are the new place's, and a relative address keeps all of
// them. A pull that was configured with TLS never leaves it.
func TestPullRedirectsBetweenSchemes(t *testing.T) {
	const stays = `Bad: the source redirects us from TLS to %q, which is without, so we do not follow`
	for _, c := range []struct {
		name, from string
		to         []string
		want       string
	}{
		{"to_TLS", "http://a/x", []string{"https://b/y"}, "b:443 TLS GET /y HTTP/1.0 Host: b"},
		{"to_TLS_on_the_same_host", "http://a:8080/x", []string{"mmshs://a/x"}, "a:443 TLS GET /x HTTP/1.0 Host: a"},
		{"to_TLS_on_another_port", "http://a/x", []string{"https://a:8443/x"}, "a:8443 TLS GET /x HTTP/1.0 Host: a:8443"},
		{"port_80_with_TLS", "http://a/x", []string{"https://a:80/x"}, "a:80 TLS GET /x HTTP/1.0 Host: a:80"},
		{"and_back", "http://a/x", []string{"https://a/y", "http://a/z"}, "a:80 GET /z HTTP/1.0 Host: a"},
		{"path_under_TLS", "mmshs://a:8443/d/x", []string{"../y"}, "a:8443 TLS GET /y HTTP/1.0 Host: a:8443"},
		{"host_under_TLS", "https://a/x", []string{"//b/y"}, "b:443 TLS GET /y HTTP/1.0 Host: b"},
		{"downgrade", "https://a/x", []string{"http://a/x"}, fmt.Sprintf(stays, "http://a/x")},
		{"downgrade_by_mmsh", "mmshs://a/x", []string{"mmsh://a/x"}, fmt.Sprintf(stays, "mmsh://a/x")},
		{"downgrade_later", "https://a/x", []string{"https://b/", "mms://c/"}, fmt.Sprintf(stays, "mms://c/")},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := openPull(c.from)
			p := h.sess.(codec.Dialled)
			hello := ""
			for _, location := range c.to {
				h.log = nil
				h.feed([]byte(crlf("HTTP/1.0 302 Found\nLocation: " + location + "\n\n")))
				hello = string(p.AppendHello(nil, false))
			}
			got := h.log[0]
			if got == "Redial" {
				got = where(p, hello)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// where tells where a pull goes, and what it asks for there.
func where(p codec.Dialled, hello string) string {
	got := p.Target().Address
	if p.Target().TLS {
		got += " TLS"
	}
	line, fields, _ := strings.Cut(hello, "\r\n")
	_, host, _ := strings.Cut(fields, "\r\nHost: ")
	host, _, _ = strings.Cut(host, "\r\n")
	return got + " " + line + " Host: " + host
}

// A proxy that a source names would read what goes through TLS. One that is named
// without TLS may have it itself.
func TestPullNamesNoProxyUnderTLS(t *testing.T) {
	use := func(h *host) string {
		h.feed([]byte(crlf("HTTP/1.1 305 Use Proxy\nLocation: https://proxy/\n\n")))
		return h.log[0]
	}
	if got, want := use(openPull("https://a/x")), `Bad: the source wants to be asked through the proxy "https://proxy/", which could read what is meant to go through TLS`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	h := openPull("http://a/x")
	p := h.sess.(codec.Dialled)
	if got := use(h); got != "Redial" {
		t.Error(got)
	}
	if got := where(p, string(p.AppendHello(nil, false))); got != "proxy:443 TLS GET http://a/x HTTP/1.0 Host: a" {
		t.Error(got)
	}
}

// A 305 names a proxy; the source is asked through it, for its header and for
// its packets ([MS-WMSP] 3.1.5.5). Another redirect leads away from it.
func TestPullThroughANamedProxy(t *testing.T) {
	h := openPull("mmsh://source:8080/x?y")
	p := h.sess.(codec.Dialled)
	next := func(answer []byte) string {
		h.log = nil
		h.feed(answer)
		line, _, _ := strings.Cut(string(p.AppendHello(nil, false)), "\r\n")
		return h.log[0] + " " + p.Target().Address + " " + line
	}
	answer := func(status, location string) []byte {
		return []byte(crlf("HTTP/1.1 " + status + "\nLocation: " + location + "\n\n"))
	}
	cases := []struct {
		in   []byte
		want string
	}{
		{answer("305 Use Proxy", "http://proxy:3128"), "Redial proxy:3128 GET http://source:8080/x?y HTTP/1.0"},
		{join([]byte(crlf(okHead)), AppendHead(nil, headerBytes(0))), "Redial proxy:3128 GET http://source:8080/x?y HTTP/1.0"},
		{answer("302 Found", "z"), "Redial source:8080 GET /z HTTP/1.0"},
	}
	for i, c := range cases {
		if got := next(c.in); got != c.want {
			t.Errorf("%d: got %s, want %s", i, got, c.want)
		}
	}
}

// The schemes and ports of MMSH; the rest is what package address does.
func TestParseURL(t *testing.T) {
	for in, want := range map[string]string{
		"mmsh://host/path":    "mmsh://host/path at host:80",
		"MMS://host:8080":     "mmsh://host:8080/ at host:8080",
		"http://host:80/a":    "mmsh://host/a at host:80",
		"https://host/":       "mmshs://host/ at host:443",
		"MMSHS://host:80/":    "mmshs://host:80/ at host:80",
		"rtsp://host/":        `the address "rtsp://host/" must begin with mmsh://, mms:// or http://, or for TLS with mmshs:// or https://`,
		"http://user:pw@host": "the address of a source contains a user name or a password, which are not supported yet over MMSH",
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
	if u, err := NewURL("host", 0, "", true); err != nil || u.String() != "mmshs://host/" {
		t.Errorf("%s, %v", u, err)
	}
	if _, err := NewURL("h\r\nX: y", 80, "/", false); err == nil {
		t.Error("a host of two lines passes")
	}
}

func FuzzPull(f *testing.F) {
	H := AppendHead(nil, smallHeader(400).Append(nil))
	f.Add(join([]byte(crlf(okHead)), H, pulled(IDData, 1, 0, []byte("abc")), AppendReason(nil, IDEnd, 0)), uint64(1))
	f.Add(join([]byte(crlf(okHead)), pulled(IDHeader, 0, FlagFirst, smallHeader(400).Append(nil)[:100])), uint64(2))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 305 Use Proxy\r\nLocation: //h:1\r\n\r\n"), uint64(4))
	f.Add([]byte("HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\n\r\n<asx>"), uint64(5))
	f.Add([]byte("HTTP/1.0 302 Found\r\nLocation: mms://h/\r\n\r\n"), uint64(3))
	f.Add([]byte("HTTP/1.0 302 Found\r\nLocation: https://h:1/\r\n\r\n"), uint64(6))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		for _, open := range []func() *host{playing, func() *host { return openPull("mmsh://source/") }, func() *host { return openPull("mmshs://source/") }} {
			whole, cut := open(), open()
			whole.feed(bytes.Clone(b))
			for _, p := range cuts(b, seed) {
				cut.feed(bytes.Clone(p))
			}
			if whole.transcript() != cut.transcript() || whole.fail != "" {
				t.Errorf("whole %s\ncut %s", whole.transcript(), cut.transcript())
			}
			p := cut.sess.(*pull)
			if p.secure && !p.Target().TLS {
				t.Errorf("sent from TLS to %+v", p.Target())
			}
			if held := cap(p.in.buf) + cap(p.seq.head.buf); held > 2*(FramingSize+MaxLength)+2*asf.HeaderMax {
				t.Errorf("%d bytes held", held)
			}
			if hello := string(p.AppendHello(nil, true)); strings.Count(hello, "\r\n\r\n") != 1 {
				t.Errorf("hello %q", hello)
			}
		}
	})
}

// A file is a source too: header, packets, and the end that it tells of.
func TestFile(t *testing.T) {
	spec := smallHeader(400)
	spec.Live = false
	data := packets(t, asf.Layout{PacketSize: 400, Preroll: 3000}, object(0, true), object(40, false), object(80, false))
	spec.Packets = uint64(len(data))
	index := []byte("what follows the data is not read")
	in := join(spec.Append(nil), join(data...), index)
	h := wantAnyCut(t, in, func() *host { return &host{sess: NewFile()} })
	want := []string{"Header " + h.headed[0].String()}
	for range data {
		want = append(want, "Packet 400 bytes")
	}
	if got := strings.Join(h.log, "; "); got != strings.Join(append(want, "Finish"), "; ") {
		t.Error(got)
	}
	if !bytes.Equal(join(h.data...), join(data...)) {
		t.Error("the packets differ")
	}
}

func TestFileThatIsNone(t *testing.T) {
	h := &host{sess: NewFile()}
	h.feed([]byte("RIFF and so on, surely long enough to be told from ASF"))
	if len(h.log) != 2 || !strings.HasPrefix(h.log[0], "Bad: ") || h.next != codec.Close {
		t.Error(h.log)
	}
	if got := fmt.Sprint(h.sess.AppendEnd(nil, codec.CauseShutdown, "x")); got != "[]" {
		t.Error(got)
	}
}
