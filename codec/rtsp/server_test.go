package rtsp

import (
	"strings"
	"testing"
	"unsafe"

	"streampump/codec"
)

func TestRequests(t *testing.T) {
	const again = "OPTIONS * RTSP/1.0\nCSeq: 9\n\n"
	for _, c := range []conversation{
		{name: "fields_in_any_spelling", next: codec.Keep,
			talk: []exchange{
				{in: "SETUP rtsp://h/live/trackID=0 RTSP/1.0\nCseq:1\nTRANSPORT :RTP/AVP/TCP\n\n", answer: says(1, "200 OK"), has: viewerSession},
				{in: "SETUP rtsp://h/live/trackID=1 RTSP/1.0\ncseq  :  2\ntransport:   RTP/AVP/TCP\nsession:0000000000004242\n\n", answer: says(2, "200 OK"), has: viewerSession},
			},
			events: "Describe live; Describe session=0x4242 live"},
		{name: "two_requests_at_once", next: codec.Keep,
			talk:   []exchange{{in: ask("OPTIONS", "*", 7) + ask("GET_PARAMETER", "*", 8), answer: says(7, "200 OK") + "Public: " + allowed + "\n\n" + says(8, "200 OK") + "\n"}},
			events: "Reply; Reply"},
		{name: "unknown_and_unserved_methods", next: codec.Keep,
			talk: []exchange{
				{in: ask("FLY", "rtsp://h/live", 1), answer: says(1, "501 Not Implemented")},
				{in: ask("options", "rtsp://h/live", 2), answer: says(2, "501 Not Implemented")},
				{in: ask("REDIRECT", "rtsp://h/live", 3), answer: says(3, "405 Method Not Allowed"), has: "Allow: " + allowed},
				{in: ask("REGISTER", "rtsp://h/live", 4), answer: says(4, "405 Method Not Allowed")},
				{in: again, answer: says(9, "200 OK")},
			},
			events: "Reply; Reply; Reply; Reply; Reply"},
		{name: "a_way_back", next: codec.Keep,
			talk: []exchange{
				{in: ask("DESCRIBE", "rtsp://h/live", 1, "Require: www.onvif.org/ver20/backchannel"), answer: says(1, "551 Option not supported") + "Unsupported: www.onvif.org/ver20/backchannel\n"},
				{in: ask("DESCRIBE", "rtsp://h/live", 2), answer: says(2, "200 OK")},
				{in: ask("OPTIONS", "*", 3, "Proxy-Require: x"), answer: says(3, "551 Option not supported"), has: "Unsupported: x"},
			},
			events: "Reply; Describe live; Reply"},
		{name: "no_CSeq", next: codec.Close,
			talk:   []exchange{{in: "OPTIONS * RTSP/1.0\n\n" + again, answer: "RTSP/1.0 400 Bad Request\nServer: Stream-Pump\nConnection: close\n"}},
			events: "Bad: the request has no CSeq, or one of more than 32 bytes", hasNot: []string{"cseq: "}},
		{name: "a_CSeq_that_is_no_number", next: codec.Close,
			talk:   []exchange{{in: "OPTIONS * RTSP/1.0\nCSeq: " + strings.Repeat("1", 33) + "\n\n", answer: "RTSP/1.0 400 Bad Request\nServer: Stream-Pump\nConnection: close\n"}},
			events: "Bad: the request has no CSeq, or one of more than 32 bytes", hasNot: []string{"cseq: "}},
		{name: "another_version", next: codec.Keep,
			talk: []exchange{
				{in: "PLAY rtsp://h/live RTSP/2.0\nCSeq: 4\n\n", answer: says(4, "505 RTSP Version Not Supported")},
				{in: again, answer: says(9, "200 OK")},
			},
			events: "Reply; Reply"},
		{name: "HTTP", next: codec.Close,
			talk:   []exchange{{in: "DESCRIBE rtsp://h/live HTTP/1.1\nHost: h\n\n", answer: "RTSP/1.0 400 Bad Request\n"}},
			events: `Bad: the request is "HTTP", not RTSP`},
		{name: "head_too_long", next: codec.Close,
			talk:   []exchange{{in: "OPTIONS * RTSP/1.0\nA: " + strings.Repeat("x", 17000), answer: "RTSP/1.0 413 Request Entity Too Large\n"}},
			events: "Bad: the head is longer than 16384 bytes"},
		{name: "body_too_long", next: codec.Close,
			talk:   []exchange{{in: ask("ANNOUNCE", "rtsp://h/live", 1, "Content-Length: 65537") + "v=0", answer: says(1, "413 Request Entity Too Large")}},
			events: "Bad: the body of a message has 65537 bytes"},
		{name: "empty_lines_and_lone_LF", next: codec.Keep,
			talk: []exchange{
				{in: "\n\n" + again, answer: says(9, "200 OK")},
			},
			events: "Reply"},
		{name: "answers_to_nothing", next: codec.Keep,
			talk:   []exchange{{in: "RTSP/1.0 200 OK\nCSeq: 1\n\nRTSP/1.0 405 Method Not Allowed\n\n" + again, answer: says(9, "200 OK")}},
			events: "Reply"},
		{name: "a_broken_answer", next: codec.Close,
			talk:   []exchange{{in: "RTSP/1.0 OK\n\n", answer: "RTSP/1.0 413 Request Entity Too Large\n"}},
			events: `Bad: the answer does not begin as RTSP does: "RTSP/1.0 OK"`},
		{name: "no_stream", next: codec.Close,
			talk:   []exchange{{in: ask("DESCRIBE", "rtsp://h/nothing", 1), answer: says(1, "404 Not Found") + "Connection: close\n"}},
			events: "Describe nothing", hasNot: []string{"location"}},
		{name: "not_up", next: codec.Close,
			talk:   []exchange{{in: ask("DESCRIBE", "rtsp://h/down", 1), answer: says(1, "404 Not Found"), has: "Retry-After: 2"}},
			events: "Describe down"},
		{name: "no_path", next: codec.Close,
			talk:   []exchange{{in: ask("DESCRIBE", "rtsp://h:8554/", 1), answer: says(1, "404 Not Found")}},
			events: "Describe /"},
		{name: "a_stream_of_another_protocol", next: codec.Close,
			talk:   []exchange{{in: ask("DESCRIBE", "rtsp://h/foreign", 1), answer: says(1, "404 Not Found")}},
			events: "Describe foreign"},
		{name: "a_track_of_another_protocol", next: codec.Close,
			talk:   []exchange{{in: ask("SETUP", "rtsp://h/foreign/trackID=0", 1, tcp), answer: says(1, "404 Not Found")}},
			events: "Describe foreign"},
		{name: "moved", next: codec.Close,
			talk:   []exchange{{in: ask("DESCRIBE", "rtsp://h/moved", 1), answer: says(1, "302 Found") + "Location: rtsps://other:322/x\n"}},
			events: "Describe moved"},
		{name: "full", next: codec.Close,
			talk:   []exchange{{in: ask("DESCRIBE", "rtsp://h/full", 1), answer: says(1, "453 Not Enough Bandwidth"), has: "Retry-After: 10|Connection: close"}},
			events: "Describe full"},
		{name: "full_and_sent_on", next: codec.Close,
			talk:   []exchange{{in: ask("DESCRIBE", "rtsp://h/sent?token=view~x~k1~1~~~s", 1), answer: says(1, "302 Found") + "Location: rtsp://other/sent?token=view~x~k1~1~~~s\n"}},
			events: "Describe sent", hasNot: []string{"retry"}},
		{name: "full_and_sent_on_with_a_query", next: codec.Close,
			talk:   []exchange{{in: ask("DESCRIBE", "rtsp://h/handed?token=view~x", 1), answer: says(1, "302 Found") + "Location: rtsp://other/sent?token=their~own\n"}},
			events: "Describe handed"},
		{name: "full_at_SETUP", next: codec.Close,
			talk:   []exchange{{in: ask("SETUP", "rtsp://h/sent/trackID=0", 1, tcp), answer: says(1, "453 Not Enough Bandwidth")}},
			events: "Describe sent", hasNot: []string{"location"}},
		{name: "Windows_Media_Player", next: codec.Close,
			talk:   []exchange{{in: ask("DESCRIBE", "rtsp://h/live", 1, "User-Agent: WMPlayer/9.0.0.2833 guid/B64345F5-0000-0000-0000-000000000000", "X-Accept-Authentication: Negotiate, NTLM, Digest"), answer: says(1, "415 Unsupported Media Type"), has: "Connection: close"}},
			events: "Reply live"},
		{name: "no_Transport", next: codec.Close,
			talk:   []exchange{{in: ask("SETUP", "rtsp://h/live/trackID=0", 1), answer: says(1, "400 Bad Request")}},
			events: "Bad: the SETUP has no Transport"},
		{name: "another_scheme", next: codec.Close,
			talk:   []exchange{{in: ask("DESCRIBE", "http://h/live", 1), answer: says(1, "400 Bad Request")}},
			events: `Bad: the request's URL is "http://h/live" and begins neither with rtsp:// nor with rtsps://`},
		{name: "binary", next: codec.Close,
			talk:   []exchange{{in: again + "$\x00\x00\x02xxyz\x00", answer: says(9, "200 OK")}},
			events: "Reply; Bad: control byte 0x00 at byte 2 of the head"},
	} {
		t.Run(c.name, c.run)
	}
}

func TestClassify(t *testing.T) {
	p := NewProtocol(Options{})
	if p.Name() != "rtsp" {
		t.Error(p.Name())
	}
	for in, want := range map[string]codec.Claim{
		"":                                 codec.NeedMore,
		"\r\n":                             codec.NeedMore,
		"OPTIONS":                          codec.NeedMore,
		"OPTIONS rtsp://h/":                codec.Mine,
		"OPTIONS RTSPS://h":                codec.Mine,
		"OPTIONS rt":                       codec.NeedMore,
		"OPTIONS *":                        codec.NeedMore,
		"OPTIONS * R":                      codec.NeedMore,
		"OPTIONS * RTSP/1.0":               codec.Mine,
		"OPTIONS * HTTP/1.1":               codec.NotMine,
		"OPTIONS * H":                      codec.NotMine,
		"OPTIONS /x HTTP/1.1":              codec.NotMine,
		"OPTIONS http://h/":                codec.NotMine,
		"\r\n\r\nOPTIONS * RTSP/":          codec.NotMine, // it cannot be told
		"\r\n\r\nOPTIONS rtsp":             codec.Mine,
		"DESCRIBE ":                        codec.Mine,
		"DESCRIBE":                         codec.NeedMore,
		"DESCRIBES /":                      codec.NotMine,
		"ANNOUNCE rtsp://h":                codec.Mine,
		"SETUP rtsp":                       codec.Mine,
		"PLAY *":                           codec.Mine,
		"TEARDOWN r":                       codec.Mine,
		"GET_PARAMETER r":                  codec.Mine,
		"GET_PARAMETER":                    codec.NeedMore,
		"SET_PARAMETER rtsp://h":           codec.Mine,
		"RECORD r":                         codec.Mine,
		"PAUSE r":                          codec.Mine,
		"REDIRECT r":                       codec.Mine,
		"FLY rtsp://h/":                    codec.Mine,
		"GET ":                             codec.NeedMore,
		"GET /":                            codec.NotMine,
		"GET http":                         codec.NotMine,
		"GET rtsp://h/":                    codec.Mine,
		"POST /streams/x_p":                codec.NotMine,
		"A-METHOD-OF-MANY-LETTERS":         codec.NotMine,
		"$\x00\x00\x01":                    codec.NotMine,
		"\x16\x03\x01":                     codec.NotMine,
		"\x01\x00\x00\x00\xCE\xFA\x0B\xB0": codec.NotMine, // MMST
		"\x03\x00":                         codec.NotMine, // RTMP
		" OPTIONS":                         codec.NotMine,
	} {
		if got := p.Classify([]byte(in)); got != want {
			t.Errorf("%q is claimed with %d, want %d", in, got, want)
		}
	}
}

// A connection is told its end as its state allows.
func TestEnd(t *testing.T) {
	const bad = "RTSP/1.0 408 Request Timeout\r\n"
	byes := string(bothMedia.appendBye(bothMedia.appendBye(nil, 0), 1))
	play := ""
	for _, x := range played() {
		play += x.in
	}
	for _, c := range []struct {
		name, in, want string
		cause          codec.Cause
	}{
		{"nothing_said", "", "", codec.CauseHeadLate},
		{"no_room", "", "RTSP/1.0 503 Service Unavailable\r\n", codec.CauseFull},
		{"half_a_request", "OPTIONS * RTS", bad, codec.CauseHeadLate},
		{"answered", ask("OPTIONS", "*", 1), "", codec.CauseHeadLate},
		{"empty_lines", "\n\n", "", codec.CauseHeadLate},
		{"playing", play, byes, codec.CauseEnded},
		{"playing_and_shut_down", play, byes, codec.CauseShutdown},
		{"playing_and_half_a_request", play + "OPTIONS * RTS", byes, codec.CauseEnded},
		{"never_moved", play, "", codec.CauseSwitch},
		{"paused", play + ask("PAUSE", "rtsp://h/live", 4), "", codec.CauseEnded},
		{"torn_down", play + ask("TEARDOWN", "rtsp://h/live", 4), "", codec.CauseEnded},
		{"only_the_sound", ask("SETUP", "rtsp://h/live/trackID=1", 1, tcp) + ask("PLAY", "rtsp://h/live", 2), string(bothMedia.appendBye(nil, 1)), codec.CauseFailed},
	} {
		h := openServer()
		h.feed([]byte(crlf(c.in)))
		out := string(h.sess.AppendEnd(nil, c.cause, ""))
		if c.want == "" && out != "" || !strings.HasPrefix(out, c.want) || len(c.want) > 0 && c.want[0] == frameMark && out != c.want {
			t.Errorf("%s: told %q, want %q", c.name, out, c.want)
		}
		if n, ev := h.sess.Consume([]byte("xyz")); c.cause != codec.CauseSwitch && (n != 3 || ev.Kind != codec.None) {
			t.Errorf("%s: goes on with %v", c.name, ev.Kind)
		}
	}
	// While the engine is asked, the answer is of the request.
	h := openServer()
	h.sess.Consume([]byte(crlf(ask("DESCRIBE", "rtsp://h/live", 8))))
	if out := string(h.sess.AppendEnd(nil, codec.CauseShutdown, "the pump is restarted")); !strings.HasPrefix(out, "RTSP/1.0 503 Service Unavailable\r\nCSeq: 8\r\n") || !strings.HasSuffix(out, "\r\n\r\nthe pump is restarted\n") {
		t.Errorf("%q", out)
	}
	p := NewProtocol(Options{})
	for c := codec.CauseEnded; c <= codec.CauseFailed; c++ {
		if out := string(p.AppendRefusal(nil, c)); !strings.HasPrefix(out, "RTSP/1.0 ") || !strings.HasSuffix(out, "\n") || strings.Contains(out, "CSeq") {
			t.Errorf("%q", out)
		}
	}
}

// The session keeps its id when the engine has to give it another key.
func TestKeyIsReplaced(t *testing.T) {
	h, key := openServer(), uint64(1)
	h.decide = func(ev *codec.Event) codec.Verdict {
		v := decide(ev)
		key++
		v.Session, v.Replaced = key, key > 2
		return v
	}
	h.feed([]byte(crlf(ask("SETUP", "rtsp://h/live/trackID=0", 1, tcp) + ask("SETUP", "rtsp://h/live/trackID=1", 2, tcp) +
		ask("PLAY", "rtsp://h/live", 3, "Session: 0000000000000002"))))
	if got, want := h.events(), "Describe live; Describe session=0x2 live; Play session=0x3 live"; got != want || strings.Count(string(h.out), "Session: 0000000000000002;timeout=60\r\n") != 3 {
		t.Errorf("%s\n%s", got, h.out)
	}
}

// What a viewer that plays costs, beside what the engine has of it: nothing for each
// report of it, and little to keep. The name and the token are as long as they are.
func TestPlayingIsCheap(t *testing.T) {
	h := openServer()
	for _, x := range played() {
		h.feed([]byte(crlf(x.in)))
	}
	s := h.sess.(*server)
	if s.in.msg != nil || s.q != nil || s.in.packets != nil || s.push != nil {
		t.Errorf("more is kept than is needed: %+v", s)
	}
	if got := unsafe.Sizeof(*s) + unsafe.Sizeof(*s.view); got > 144 {
		t.Errorf("a viewer's session has %d bytes", got)
	}
	reports := []byte(strings.Repeat(frame(1, strings.Repeat("r", 52)), 3))
	if got := testing.AllocsPerRun(100, func() {
		for _, b := range [2][]byte{reports[:61], reports[61:]} {
			if n, ev := s.Consume(b); n != len(b) || ev.Kind != codec.None {
				t.Errorf("took %d: %v", n, ev.Kind)
			}
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// A conversation leaves little behind: a request's memory is that of the one before it,
// which it has nothing of any more, and all of it is given up when packets flow.
func TestConversationIsCheap(t *testing.T) {
	const most = 16
	var ev codec.Event // the engine's scratch, as is the verdict
	var v codec.Verdict
	in := []byte(crlf(ffmpegDescribe + ffmpegSetup + ffmpegSetup2 + ffmpegPlay))
	out := make([]byte, 0, 4096)
	p := NewProtocol(Options{})
	if got := testing.AllocsPerRun(50, func() {
		s := p.Accept(codec.Peer{}).(*server)
		out = out[:0]
		for rest := in; len(rest) > 0; {
			var n int
			n, ev = s.Consume(rest)
			v = decide(&ev)
			out, _ = s.Answer(out, &ev, &v)
			rest = rest[n:]
		}
		if s.state != playing || s.q != nil || s.in.msg != nil {
			t.Fatalf("%+v", s)
		}
	}); got > most {
		t.Errorf("%v allocations", got)
	}
	h := openServer()
	h.feed([]byte(crlf(ask("OPTIONS", "rtsp://h/live", 1, "X: y"))))
	s := h.sess.(*server)
	m, q := s.in.msg, s.q
	if m == nil || q == nil || s.in.begun() || s.asked {
		t.Fatalf("%+v", s)
	}
	for _, f := range m.req.Fields[:cap(m.req.Fields)] {
		if f.Name != "" || f.Value != "" {
			t.Errorf("%+v is kept", f)
		}
	}
	h.feed([]byte(crlf(ask("OPTIONS", "rtsp://h/live", 2, strings.Repeat("X: y\n", 50)+"X: z"))))
	if s.in.msg != m || s.q != q || cap(m.req.Fields) > 2*usualFields {
		t.Errorf("%p and %p have become %p and %p, of %d fields", m, q, s.in.msg, s.q, cap(m.req.Fields))
	}
}

// What a viewer begins to say while it plays, and never ends, costs no more than a head:
// of no message is the body kept that nobody reads.
func TestBodiesOfViewersAreNotKept(t *testing.T) {
	for _, head := range []string{
		"RTSP/1.0 200 OK\r\nCSeq: 1\r\n",
		"ANNOUNCE rtsp://h/live RTSP/1.0\r\nCSeq: 9\r\nContent-Type: application/sdp\r\n",
		"SET_PARAMETER rtsp://h/live RTSP/1.0\r\nCSeq: 9\r\n",
	} {
		h := openServer()
		for _, x := range played() {
			h.feed([]byte(crlf(x.in)))
		}
		h.feed([]byte(head + "Content-Length: 16000\r\n\r\n"))
		for range 15 {
			h.feed(make([]byte, 1000))
		}
		if m := h.sess.(*server).in.msg; m == nil || m.body != nil {
			t.Errorf("%q: %+v", head, m)
		}
		was := h.events()
		h.feed(make([]byte, 1000))
		if h.sess.(*server).in.begun() {
			t.Errorf("%q: the end is not found", head)
		} else if strings.HasPrefix(head, "ANNOUNCE") && (h.events() != was+"; Reply live" || !strings.Contains(string(h.out), " 455 ")) {
			t.Errorf("%s, %s", h.events(), h.out)
		}
	}
}

// Requests that come together are cheap to answer together: what one takes is bounded,
// and its answer lies right behind the others, to be sent with them.
func TestPipelinedRequestIsCheap(t *testing.T) {
	h := openServer()
	for _, x := range played() {
		h.feed([]byte(crlf(x.in)))
	}
	in := []byte(crlf(ask("GET_PARAMETER", "rtsp://h/live/", 10, viewerSession) + ask("OPTIONS", "rtsp://h/live/", 11, viewerSession)))
	out := make([]byte, 0, 1000)
	const requests, most, longest = 2, 6, 200
	var ev codec.Event // the engine's scratch, as is the verdict
	var v codec.Verdict
	allocs := testing.AllocsPerRun(100, func() {
		out = out[:0]
		for b := in; len(b) > 0; {
			var n int
			n, ev = h.sess.Consume(b)
			var next codec.Next
			if out, next = h.sess.Answer(out, &ev, &v); next != codec.Keep {
				t.Fatalf("next is %d", next)
			}
			b = b[n:]
		}
	})
	if allocs > most*requests || len(out) > longest*requests || strings.Count(string(out), " 200 OK\r\n") != requests {
		t.Errorf("%v allocations, %d bytes: %s", allocs, len(out), out)
	}
}

// What a viewer sends without an end is not kept: an answer to nothing, a description
// that nobody wants, a head. There are many viewers, and nothing hurries them.
func TestViewersFillNothing(t *testing.T) {
	const begun = "ANNOUNCE rtsp://h/live RTSP/1.0\nCSeq: 9\nContent-Length: 16384\n\n"
	for _, c := range []struct {
		name, sent, want string
	}{
		{"answer", "RTSP/1.0 200 OK\nContent-Length: 65536\n\n", ""},
		{"description", begun, ""},
		{"head", "GET_PARAMETER * RTSP/1.0\nX: ", "413"},
	} {
		h := openServer()
		for _, x := range played() {
			h.feed([]byte(crlf(x.in)))
		}
		before := len(h.out)
		h.feed([]byte(crlf(c.sent)))
		for range 1000 {
			h.feed([]byte("xxxxxxxxxx"))
		}
		s := h.sess.(*server)
		if m := s.in.msg; m != nil && cap(m.body) > 0 {
			t.Errorf("%s: %d bytes are kept", c.name, cap(m.body))
		}
		if got := string(h.out[before:]); c.want == "" && got != "" || !strings.HasPrefix(got, strings.TrimSpace("RTSP/1.0 "+c.want)) && c.want != "" {
			t.Errorf("%s: answered %q, want %q", c.name, got, c.want)
		}
	}
	h := openServer()
	h.feed([]byte(crlf(begun) + "v=0"))
	if m := h.sess.(*server).in.msg; m == nil || string(m.body) != "v=0" {
		t.Error("the description of one who may announce is not kept")
	}
}
