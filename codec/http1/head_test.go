package http1

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// cutAll runs pieces through a cutter and says what it yielded: heads, quoted,
// and the error that ended it.
func cutAll(c *Cutter, parts [][]byte) string {
	var out strings.Builder
	for _, p := range parts {
		b := bytes.Clone(p) // nothing of it may be kept
		for {
			n, head, err := c.Consume(b)
			if err != nil {
				fmt.Fprintf(&out, "%v", err)
				return out.String()
			}
			if head == nil {
				break
			}
			fmt.Fprintf(&out, "%q;", head)
			b = b[n:]
		}
		for i := range b {
			b[i] = 'X'
		}
	}
	return out.String()
}

// A strict cutter takes no lone LF for the end of a line, wherever it is.
func TestStrictCutter(t *testing.T) {
	const what = "a line that ends with LF alone at byte "
	for _, c := range []struct{ in, want string }{
		{"GET / HTTP/1.0\r\nA: b\r\n\r\nB\r\n\r\n", `"GET / HTTP/1.0\r\nA: b\r\n\r\n";"B\r\n\r\n";`},
		{"\r\nA\r\n\r\n", `"A\r\n\r\n";`},
		{"A\nb: c\r\n\r\n", what + "1 of the head"},
		{"A\r\nb: c\n\r\n", what + "7 of the head"},
		{"A\r\nb: c\r\n\n", what + "9 of the head"},
		{"\nA\r\n\r\n", what + "0 of the head"},
		{"A\r\n\r\nB\n", `"A\r\n\r\n";` + what + "1 of the head"},
	} {
		for seed := range uint64(8) {
			if got := cutAll(&Cutter{Strict: true}, cuts([]byte(c.in), seed)); got != c.want {
				t.Errorf("%q: %s, want %s", c.in, got, c.want)
			}
		}
	}
}

func cuts(b []byte, seed uint64) (out [][]byte) {
	r := rand.New(rand.NewPCG(seed, 3))
	for len(b) > 0 {
		n := 1 + r.IntN(min(len(b), 1<<r.IntN(8)))
		out, b = append(out, b[:n]), b[n:]
	}
	return out
}

func TestCutter(t *testing.T) {
	cases := []struct {
		name, in, want string
	}{
		{"one", "GET / HTTP/1.0\r\nA: b\r\n\r\n", `"GET / HTTP/1.0\r\nA: b\r\n\r\n";`},
		{"two_and_a_half", "A\r\n\r\nB\r\n\r\nC\r\n", `"A\r\n\r\n";"B\r\n\r\n";`},
		{"lone_LF", "A\nb: c\n\n", `"A\nb: c\n\n";`},
		{"mixed_line_ends", "A\nb: c\r\n\n", `"A\nb: c\r\n\n";`},
		{"empty_lines_before_RFC_9112_2.2", "\r\n\n\r\nA\r\n\r\n", `"A\r\n\r\n";`},
		{"tab", "A\r\nb:\tc\r\n\r\n", `"A\r\nb:\tc\r\n\r\n";`},
		{"bare_CR", "A\rB", "a CR that ends no line at byte 2 of the head"},
		{"bare_CR_before", "\rA", "a CR that ends no line at byte 1 of the head"},
		{"NUL", "A\x00", "control byte 0x00 at byte 1 of the head"},
		{"DEL", "A\x7f", "control byte 0x7F at byte 1 of the head"},
		{"tls", "\x16\x03\x01", "the connection begins with a TLS handshake, and TLS is not spoken here: its address begins with http://, mms:// or rtsp://"},
		{"binary", "\x17\x03\x01", "control byte 0x17 at byte 0 of the head"},
		{"no_method", "\r\n\xff\xfe", "byte 0xFF, which begins no message, at byte 2 of the head"},
		{"blank_first", " GET", "byte 0x20, which begins no message, at byte 0 of the head"},
		{"proxy_v2", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c", "the connection begins with the PROXY protocol, version 2, which is believed only from addresses in proxy_protocol_from: name the proxy there, or turn the protocol off in the proxy"},
		{"NUL_after_one_empty_line", "\r\n\x00", "control byte 0x00 at byte 2 of the head"},
		{"NUL_after_four_bytes", "GET \x00", "control byte 0x00 at byte 4 of the head"},
		{"tab_first", "\tA", "control byte 0x09 at byte 0 of the head"},
		{"longest", strings.Repeat("x", 46) + "\r\n\r\n", fmt.Sprintf("%q;", strings.Repeat("x", 46)+"\r\n\r\n")},
		{"too_long", strings.Repeat("x", 47) + "\r\n\r\n", "the head is longer than 50 bytes"},
		{"too_many_empty_lines", strings.Repeat("\r\n", 26), "the head is longer than 50 bytes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(8) {
				parts := [][]byte{[]byte(c.in)}
				if seed > 0 {
					parts = cuts([]byte(c.in), seed)
				}
				if got := cutAll(&Cutter{Max: 50}, parts); got != c.want {
					t.Errorf("seed %d: got %s, want %s", seed, got, c.want)
				}
			}
		})
	}
}

// A head that comes in one read costs nothing, and a cut one is forgotten.
func TestCutterKeepsNothing(t *testing.T) {
	in := []byte("GET / HTTP/1.0\r\nHost: x\r\n\r\nrest")
	var c Cutter
	if got := testing.AllocsPerRun(50, func() { c.Consume(in) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
	_, head, _ := c.Consume(in)
	if &head[0] != &in[0] {
		t.Error("a whole head was copied")
	}
	c.Consume(in[:10])
	if !c.Started() {
		t.Error("half a head is not noticed")
	}
	if _, head, _ = c.Consume(in[10:]); string(head) != string(in[:27]) || c.buf != nil || c.Started() {
		t.Errorf("head %q, buffer %d, started %v", head, cap(c.buf), c.Started())
	}
}

func TestParseRequest(t *testing.T) {
	many := strings.Repeat("A: b\r\n", MaxFields)
	cases := []struct {
		name, in, want string
	}{
		{"ordinary", "GET /a?b HTTP/1.1\r\nHost: h:1\r\nX-y:z \t\r\n\r\n", "GET|/a?b|HTTP 1.1|Host=h:1|X-y=z"},
		{"absolute", "POST http://h/p HTTP/1.0\n\n", "POST|http://h/p|HTTP 1.0"},
		{"other_protocol", "DESCRIBE rtsp://h/p RTSP/1.0\r\nCSeq: 1\r\n\r\n", "DESCRIBE|rtsp://h/p|RTSP 1.0|CSeq=1"},
		{"repeated_fields_in_order", "GET / HTTP/1.1\r\nPragma: a\r\nB: c\r\nPRAGMA: d\r\n\r\n", "GET|/|HTTP 1.1|Pragma=a|B=c|PRAGMA=d"},
		{"empty_value", "GET / HTTP/1.1\r\nA:\r\nB: :\r\n\r\n", "GET|/|HTTP 1.1|A=|B=:"},
		{"bytes_above_ASCII", "GET /\xC3\xA4 HTTP/1.1\r\nA: \xFF\r\n\r\n", "GET|/\xC3\xA4|HTTP 1.1|A=\xFF"},
		{"most_fields", "GET / HTTP/1.1\r\n" + many + "\r\n", "GET|/|HTTP 1.1" + strings.Repeat("|A=b", MaxFields)},
		{"too_many_fields", "GET / HTTP/1.1\r\n" + many + "A: b\r\n\r\n", "431 more than 100 header fields at byte 616 of the head"},
		{"proxy_v1", "PROXY TCP4 192.0.2.1 192.0.2.2 56324 8086\r\nGET / HTTP/1.1\r\n\r\n", "400 the connection begins with the PROXY protocol, version 1, which is believed only from addresses in proxy_protocol_from: name the proxy there, or turn the protocol off in the proxy"},
		{"proxy_v1_unknown", "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n\r\n", "400 the connection begins with the PROXY protocol, version 1, which is believed only from addresses in proxy_protocol_from: name the proxy there, or turn the protocol off in the proxy"},
		{"a_method_of_that_name", "PROXY / HTTP/1.1\r\n\r\n", "PROXY|/|HTTP 1.1"},
		{"no_version", "GET /\r\n\r\n", `400 the first line is not a request: "GET /"`},
		{"not_a_version", "GET / HTTP/11\r\n\r\n", `400 no protocol version in "GET / HTTP/11"`},
		{"no_target", "GET  HTTP/1.1\r\n\r\n", `400 the first line is not a request: "GET  HTTP/1.1"`},
		{"blank_in_target", "GET /a b HTTP/1.1\r\n\r\n", `400 the first line is not a request: "GET /a b HTTP/1.1"`},
		{"odd_method", "G@T / HTTP/1.1\r\n\r\n", `400 the first line is not a request: "G@T / HTTP/1.1"`},
		{"folded", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "400 a folded header line at byte 22 of the head"},
		{"no_colon", "GET / HTTP/1.1\r\nabc\r\n\r\n", "400 a header line without a colon at byte 16 of the head"},
		{"blank_before_colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", `400 an invalid header name: "A " at byte 16 of the head`},
		{"no_name", "GET / HTTP/1.1\r\n: b\r\n\r\n", `400 an invalid header name: "" at byte 16 of the head`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := ParseRequest([]byte(c.in), nil)
			got := ""
			if err == nil {
				got = fmt.Sprintf("%s|%s|%s %d.%d", r.Method, r.Target, r.Proto, r.Major, r.Minor) + text(r.Fields)
			} else {
				got = errorText(err)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// The fields of one request after the other lie in the same memory, and nothing but the
// copy of a head is made anew.
func TestRoomForFields(t *testing.T) {
	head := []byte("GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n")
	room := make(Fields, 1, 8)
	r, err := ParseRequest(head, room)
	if err != nil || text(r.Fields) != "|A=b|C=d" || &r.Fields[0] != &room[0] {
		t.Errorf("%v, %v", r.Fields, err)
	}
	got := testing.AllocsPerRun(50, func() {
		if r, err = ParseRequest(head, r.Fields); err != nil || len(r.Fields) != 2 {
			t.Fatal(r.Fields, err)
		}
	})
	if got != 1 {
		t.Errorf("%v allocations", got)
	}
	many := []byte("GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 20) + "\r\n")
	if r, err = ParseRequest(many, room); err != nil || len(r.Fields) != 20 || &r.Fields[0] == &room[0] {
		t.Errorf("%v, %v", r.Fields, err)
	}
}

// RTSP is read as HTTP is, except that blanks may stand before a colon (RFC 2326, 4.2).
func TestParseRTSP(t *testing.T) {
	const asked = "SETUP rtsp://h/live/trackID=0 RTSP/1.0\r\n"
	for in, want := range map[string]string{
		asked + "CSeq : 3\r\ntransport:RTP/AVP/TCP\r\nSession \t:  x \r\n\r\n": "CSeq=3|transport=RTP/AVP/TCP|Session=x",
		asked + "CSeq: 3\r\n folded\r\n\r\n":                                   "400 a folded header line at byte 49 of the head",
		asked + "C Seq: 3\r\n\r\n":                                             `400 an invalid header name: "C Seq" at byte 40 of the head`,
		asked + " \t: 3\r\n\r\n":                                               "400 a folded header line at byte 40 of the head",
		asked + "3\r\n\r\n":                                                    "400 a header line without a colon at byte 40 of the head",
		"RTSP/1.0 454 Session Not Found\r\nCSeq: 3\r\n : x\r\n\r\n":            "454 Session Not Found|CSeq=3",
		"RTSP/2.0 200 OK\r\n\r\n":                                              `502 the answer does not begin as RTSP does: "RTSP/2.0 200 OK"`,
		"HTTP/1.0 200 OK\r\n\r\n":                                              `502 the answer does not begin as RTSP does: "HTTP/1.0 200 OK"`,
	} {
		got := ""
		if strings.HasPrefix(in, asked) {
			r, err := ParseRTSPRequest([]byte(in), nil)
			if err != nil {
				got = errorText(err)
			} else {
				got = strings.TrimPrefix(text(r.Fields), "|")
			}
		} else if r, err := ParseRTSPResponse([]byte(in)); err != nil {
			got = errorText(err)
		} else {
			got = r.Said() + text(r.Fields)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func text(f Fields) (s string) {
	for _, x := range f {
		s += "|" + x.Name + "=" + x.Value
	}
	return s
}

func errorText(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return "not an *Error: " + err.Error()
	}
	return fmt.Sprintf("%d %v", e.Status, e)
}

func TestParseResponse(t *testing.T) {
	cases := []struct {
		name, in, want string
	}{
		{"ordinary", "HTTP/1.0 200 OK\r\nServer: Rex/12.0\r\n\r\n", "200 OK|Server=Rex/12.0"},
		{"no_reason", "HTTP/1.1 404\r\n\r\n", "404 "},
		{"long_reason", "HTTP/1.0 200 ASX Follows \r\n\r\n", "200 ASX Follows"},
		{"odd_lines_are_passed_over", "HTTP/1.0 200 OK\r\nno colon\r\n : x\r\nA: b\r\n\r\n", "200 OK|A=b"},
		{"version", "HTTP/2.0 200 OK\r\n\r\n", `502 the answer does not begin as HTTP does: "HTTP/2.0 200 OK"`},
		{"not_HTTP", "ICY 200 OK\r\n\r\n", `502 the answer does not begin as HTTP does: "ICY 200 OK"`},
		{"code", "HTTP/1.0 2000 OK\r\n\r\n", `502 the answer does not begin as HTTP does: "HTTP/1.0 2000 OK"`},
		{"code_with_sign", "HTTP/1.0 +20 OK\r\n\r\n", `502 the answer does not begin as HTTP does: "HTTP/1.0 +20 OK"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := ParseResponse([]byte(c.in))
			got := ""
			if err == nil {
				got = fmt.Sprintf("%d %s", r.Status, r.Reason) + text(r.Fields)
			} else {
				got = errorText(err)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestFields(t *testing.T) {
	f := Fields{{"Pragma", "a"}, {"Connection", "Keep-Alive , CLOSE"}, {"PRAGMA", "b"}}
	if got := slices.Collect(f.All("pragma")); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("all: %q", got)
	}
	if f.Get("pragmA") != "a" || f.Get("none") != "" || !f.Has("CONNECTION") || f.Has("none") {
		t.Error("lookup")
	}
	if !f.Token("connection", "close") || !f.Token("connection", "keep-alive") || f.Token("connection", "keep") {
		t.Error("tokens")
	}
}

func TestAgent(t *testing.T) {
	for agent, want := range map[string]bool{
		"Product/1": true, "NSPlayer/12.0 product/2.1": true, "x PRODUCT": true,
		"": false, "Products/1": false, "x/Product": false, "Product;1": false,
	} {
		if got := HasProduct(agent, "Product"); got != want {
			t.Errorf("%q: %t", agent, got)
		}
	}
	for size, want := range map[int]int{0: 0, maxAgent: maxAgent, maxAgent + 1: maxAgent} {
		if got := Agent(strings.Repeat("x", size)); len(got) != want {
			t.Errorf("of %d bytes, %d are kept", size, len(got))
		}
	}
}

func TestContentLength(t *testing.T) {
	cases := []struct {
		in   []string
		want string
	}{
		{nil, "0 false"},
		{[]string{"0"}, "0 true"},
		{[]string{"2147483647"}, "2147483647 true"},
		{[]string{"9223372036854775807"}, "9223372036854775807 true"},
		{[]string{"16", "16"}, "16 true"},
		{[]string{"9223372036854775808"}, `400 Content-Length "9223372036854775808" is not a length`},
		{[]string{"-1"}, `400 Content-Length "-1" is not a length`},
		{[]string{"+1"}, `400 Content-Length "+1" is not a length`},
		{[]string{""}, `400 Content-Length "" is not a length`},
		{[]string{"1 2"}, `400 Content-Length "1 2" is not a length`},
		{[]string{"1", "2"}, "400 two different Content-Lengths"},
		{[]string{strings.Repeat("9", 70)}, `400 Content-Length "` + strings.Repeat("9", 64) + `…" is not a length`},
	}
	for _, c := range cases {
		var f Fields
		for _, v := range c.in {
			f = append(f, Field{"content-length", v})
		}
		n, ok, err := f.ContentLength()
		got := fmt.Sprint(n, ok)
		if err != nil {
			got = errorText(err)
		}
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestSplitTarget(t *testing.T) {
	cases := []struct{ in, want string }{
		{"/a/b", "|/a/b||true"},
		{"/a?b=c?d", "|/a|b=c?d|true"},
		{"*", "|*||true"},
		{"http://h:1/a?b", "h:1|/a|b|true"},
		{"HTTP://h", "h|/||true"},
		{"http://h?b", "h|/|b|true"},
		{"/a#b", "|/a||true"},
		{"a/b", "|a/b||false"},
		{"1http://h/a", "|1http://h/a||false"},
		{"/a://b", "|/a://b||true"},
		{"", "|||false"},
	}
	for _, c := range cases {
		a, p, q, ok := SplitTarget(c.in)
		if got := fmt.Sprintf("%s|%s|%s|%v", a, p, q, ok); got != c.want {
			t.Errorf("%q: got %s, want %s", c.in, got, c.want)
		}
	}
}

// RFC 3986, 6.2.2.2.
func TestNormalPath(t *testing.T) {
	cases := []struct{ in, want string }{
		{"/streams/news", "/streams/news"},
		{"/%73treams/n%65ws%5Fpush", "/streams/news_push"},
		{"/%41%5a%61%7A%30%39%2d%2E%5f%7e", "/AZaz09-._~"},
		{"/a%2Fb%2fc", "/a%2Fb%2fc"},
		{"/a%20b%00%C3%A4%25", "/a%20b%00%C3%A4%25"},
		{"/%2573", "/%2573"},
		{"/%", "/%"}, {"/%7", "/%7"}, {"/%zz%+7%7", "/%zz%+7%7"}, {"/%%61", "/%a"},
		{"", ""},
	}
	for _, c := range cases {
		if got := NormalPath(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

// RFC 9112, 3.2.
func TestCheckHost(t *testing.T) {
	cases := []struct{ in, want string }{
		{"GET / HTTP/1.1\nHost: pump.example:8086\n\n", ""},
		{"GET / HTTP/1.1\nhOST:\n\n", ""},
		{"GET / HTTP/1.1\nHost: [fe80::1%lo]:8086\n\n", ""},
		{"GET / HTTP/1.1\nHost: ::1:8086\n\n", ""},
		{"GET / HTTP/1.1\nHost: a_b~c.local\n\n", ""},
		{"GET / HTTP/1.0\n\n", ""},
		{"GET / HTTP/1.1\n\n", "400 no Host field, which HTTP/1.1 asks for"},
		{"GET http://h/ HTTP/1.1\n\n", "400 no Host field, which HTTP/1.1 asks for"},
		{"GET / HTTP/1.1\nHost: a\nHost: b\n\n", "400 two Host fields"},
		{"GET / HTTP/1.0\nHost: a\nHOST: a\n\n", "400 two Host fields"},
		{"GET / HTTP/1.1\nHost: a b\n\n", `400 Host "a b" is not a host`},
		{"GET / HTTP/1.0\nHost: a/b\n\n", `400 Host "a/b" is not a host`},
		{"GET / HTTP/1.1\nHost: u@h\n\n", `400 Host "u@h" is not a host`},
		{"GET / HTTP/1.1\nHost: \xC3\xA4\n\n", `400 Host "ä" is not a host`},
		{"GET / HTTP/1.1\nHost: \xE4\n\n", `400 Host "\xe4" is not a host`},
		{"GET / HTTP/1.1\nHost: " + `x"/><y` + "\n\n", `400 Host "x\"/><y" is not a host`},
	}
	for _, c := range cases {
		r, err := ParseRequest([]byte(c.in), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := r.CheckHost(); err != nil {
			got = errorText(err)
		}
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.in, got, c.want)
		}
	}
}

// Field names go out exactly as given: encoders compare them by letter.
func TestAppend(t *testing.T) {
	got := AppendStatus(nil, "HTTP/1.1", 204)
	got = AppendField(got, "WWW-Authenticate", "x")
	got = AppendInt(got, "Content-Length", 1<<40)
	got = AppendBlank(got)
	if want := "HTTP/1.1 204 No Content\r\nWWW-Authenticate: x\r\nContent-Length: 1099511627776\r\n\r\n"; string(got) != want {
		t.Errorf("%q", got)
	}
	if got := string(AppendContinue(nil, "HTTP/1.1")); got != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Errorf("%q", got)
	}
	for status := range 600 {
		if Reason(status) == "" {
			t.Errorf("%d has no reason phrase", status)
		}
	}
}

func FuzzHead(f *testing.F) {
	f.Add([]byte("GET /streams/x HTTP/1.1\r\nHost: h\r\nPragma: a\r\nPragma: b\r\n\r\nbody"), uint64(1))
	f.Add([]byte("\r\n\r\nPOST http://h/ HTTP/1.0\nA:b\n\nHTTP/1.0 200 OK\r\n\r\n"), uint64(2))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n"), uint64(4))
	f.Add([]byte("PROXY TCP6 ::1 ::1 1 2\r\nGET /%73%2F HTTP/1.1\r\nHost: a\r\n\r\n"), uint64(5))
	f.Add([]byte("A: b\r\n folded\r\n\r\n"), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		const most = 300
		strict := seed%2 == 1
		whole, cut := Cutter{Max: most, Strict: strict}, Cutter{Max: most, Strict: strict}
		want := cutAll(&whole, [][]byte{b})
		if got := cutAll(&cut, cuts(b, seed)); got != want {
			t.Errorf("cut %s\nwhole %s", got, want)
		}
		if cap(cut.buf) > 2*most {
			t.Errorf("%d bytes held", cap(cut.buf))
		}
		_, head, err := new(Cutter).Consume(b)
		if err != nil || head == nil {
			return
		}
		ParseResponse(head)
		ParseRTSPResponse(head)
		// What HTTP's manner takes, RTSP's takes too, and as the same.
		loose, lerr := ParseRTSPRequest(head, nil)
		r, err := ParseRequest(head, nil)
		if err != nil {
			return
		}
		if lerr != nil || !slices.Equal(loose.Fields, r.Fields) {
			t.Errorf("%+v, but read as RTSP %+v, %v", r, loose, lerr)
		}
		_ = r.CheckHost()
		// What is normal stays so, except where an undone triplet begins another.
		if p := NormalPath(r.Target); !strings.Contains(r.Target, "%") && p != r.Target ||
			strings.Count(p, "/") != strings.Count(r.Target, "/") || len(p) > len(r.Target) {
			t.Errorf("%q is normal as %q", r.Target, p)
		}
		// Written out again, it reads the same.
		out := fmt.Appendf(nil, "%s %s %s/%d.%d\r\n", r.Method, r.Target, r.Proto, r.Major, r.Minor)
		for _, x := range r.Fields {
			out = AppendField(out, x.Name, x.Value)
		}
		again, err := ParseRequest(AppendBlank(out), nil)
		if err != nil || again.Target != r.Target || !slices.Equal(again.Fields, r.Fields) {
			t.Errorf("%+v\nthen %+v, %v", r, again, err)
		}
	})
}
