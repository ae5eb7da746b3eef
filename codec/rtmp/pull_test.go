package rtmp

import (
	"strings"
	"testing"

	"streampump/codec"
)

const (
	saysConnect = `"connect" 1 {app:"live" flashVer:"LNX 9,0,124,2 StreamPump/1" tcUrl:"rtmp://origin:1935/live" fpad:false` +
		` capabilities:15 audioCodecs:4071 videoCodecs:252 videoFunction:1 objectEncoding:0` +
		` fourCcList:{"vp08" "vp09" "av01" "avc1" "hvc1" "vvc1" "ac-3" "ec-3" "Opus" ".mp3" "fLaC" "mp4a"}` +
		` videoFourCcInfoMap:{*:4} audioFourCcInfoMap:{*:4} capsEx:6} on 0`
	saysCreate = `5:004c4b40; 4:00030000000000000bb8; "createStream" 2 null on 0`
	saysPlay   = `"FCSubscribe" 3 null "x" on 0; "play" 4 null "x" -1000 on 1; 4:00030000000100000bb8`
	saysDelete = `"deleteStream" 6 null 1 on 0`
)

// Chunk sizes: before a source says anything, that of nginx-rtmp, and that of MediaMTX.
const (
	s128   = sized(128)
	s4096  = sized(4096)
	s65536 = sized(65536)
)

// welcome is how nginx-rtmp answers connect.
var welcome = s128.says(2, typeWindow, 0, 0, u32s(5_000_000)) + s128.says(2, typeBandwidth, 0, 0, u32s(5_000_000)+"\x02") +
	s128.says(2, typeChunkSize, 0, 0, u32s(4096)) + s4096.invokes(0, "_result", 1,
	o{"fmsVer", "FMS/3,0,1,123", "capabilities", 31},
	o{"level", "status", "code", "NetConnection.Connect.Success", "description", "Connection succeeded.", "objectEncoding", 0})

// opened is how it answers createStream.
var opened = s4096.invokes(0, "_result", 2, nil, 1)

// toPlay are the turns of a source that lets us have its stream, up to the play.
func toPlay() []turn {
	return []turn{
		{s0s1s2, "C2; " + saysConnect},
		{welcome, saysCreate},
		{opened, saysPlay},
	}
}

// toPlayAnd is toPlay with what follows.
func toPlayAnd(more ...turn) []turn { return append(toPlay(), more...) }

// instead is the first n turns of toPlay, and then something else.
func instead(n int, more ...turn) []turn { return append(toPlay()[:n:n], more...) }

// What we say first, byte by byte.
func TestPullHello(t *testing.T) {
	h := openPull(nil)
	if to := h.sess.Target(); to != (codec.Target{Address: "origin:1935", Tunnelled: true}) {
		t.Errorf("target %+v", to)
	}
	if len(h.out) != 1+1536 || !strings.HasPrefix(string(h.out), "\x03"+u32s(0, 0)) {
		t.Errorf("%d bytes, %.16x", len(h.out), h.out)
	}
	h.out = nil
	h.feed([]byte(s0s1s2[:1537]))
	if got := string(h.out); got != s0s1s2[1:1537] {
		t.Errorf("C2 is %x", got)
	}
	h.out = nil
	h.feed([]byte(s0s1s2[1537:]))
	if want := "\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x01\x00\x00"; !strings.HasPrefix(string(h.out), want) {
		t.Errorf("connect begins with %.16x", h.out)
	}
}

// Sources that do not let us have the stream, and the operator's sentence for each.
func TestPullRefused(t *testing.T) {
	refused := func(n int, events, in string) pulled {
		return pulled{turns: instead(n, turn{in, ""}), events: "Bad: " + events}
	}
	errorOf := func(id int, o o) string { return s128.invokes(0, "_error", id, nil, o) }
	for name, c := range map[string]pulled{
		"TLS":       refused(0, "the source speaks TLS on this port: its address must begin with rtmps://", "\x15\x03\x01"),
		"HTTP":      refused(0, "the source's answer is not RTMP, but a web server's: another port may be for RTMP, or this one wants TLS (rtmps://)", "HTTP/1.0 400 Bad Request\r\n\r\n"),
		"RTMPE":     refused(0, "the source's answer is not RTMP: the peer speaks encrypted RTMP (RTMPE), which is not supported", "\x06"),
		"something": refused(0, "the source's answer is not RTMP: the peer's first byte is not that of RTMP version 3: it is 83", "SSH-2.0"),

		"bad_application": refused(1, `the source has no application "live" (NetConnection.Connect.InvalidApp): it says "no app"`,
			errorOf(1, o{"level", "error", "code", "NetConnection.Connect.InvalidApp", "description", "no app"})),
		"rejected": refused(1, `the source answered connect with NetConnection.Connect.Rejected: it says "go away"`,
			errorOf(1, o{"level", "error", "code", "NetConnection.Connect.Rejected", "description", "go away"})),
		"rejected_without_a_word": refused(1, "the source answered connect with an error", s128.invokes(0, "_error", 1)),
		"rejected_by_a_result": refused(1, "the source answered connect with NetConnection.Connect.Rejected",
			s128.invokes(0, "_result", 1, nil, o{"level", "error", "code", "NetConnection.Connect.Rejected"})),
		"authmod": refused(1, `the source wants a user name and a password by a way that is not known here (authmod): it says "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ]…"`,
			errorOf(1, o{"level", "error", "code", "NetConnection.Connect.Rejected", "description", "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : "})),
		"odd_code": refused(1, `the source answered connect with "a\nb"`, errorOf(1, o{"code", "a\nb"})),
		"closed":   refused(1, "the source has closed the connection to us (close)", s128.invokes(0, "close", 0, nil)),
		"no_name":  refused(1, "the source sends what cannot be read: a command has no name that can be read", s128.says(3, typeCommand, 0, 0, amfs(1))),
		"cut_name": refused(1, "the source sends what cannot be read: a command has no name that can be read", s128.says(3, typeCommand, 0, 0, "\x02\x00\x09ab")),
		"not_chunks": refused(1, "the source's messages cannot be told apart: a chunk refers to a header that never came",
			"\xC3"),

		"no_stream_made": refused(2, "the source answered createStream with NetConnection.Call.Failed",
			s4096.invokes(0, "_error", 2, nil, o{"level", "error", "code", "NetConnection.Call.Failed"})),
		"no_stream_number":  refused(2, "the source answered createStream without the number of a stream", s4096.invokes(0, "_result", 2, nil, "one")),
		"odd_stream_number": refused(2, "the source answered createStream without the number of a stream", s4096.invokes(0, "_result", 2, nil, -1)),
	} {
		c.name = name
		t.Run(name, c.run)
	}
}

// Refusals of the stream itself, behind which we take leave.
func TestPullOfNoStream(t *testing.T) {
	for name, c := range map[string]struct{ in, events string }{
		"not_found": {s4096.reports("error", "NetStream.Play.StreamNotFound", "No such stream"),
			`Bad: the source has no such stream now (NetStream.Play.StreamNotFound): it says "No such stream"`},
		"not_found_as_a_status": {s4096.reports("status", "NetStream.Play.StreamNotFound", ""),
			"Bad: the source has no such stream now (NetStream.Play.StreamNotFound)"},
		"failed": {s4096.reports("error", "NetStream.Play.Failed", "full\r\nup"),
			`Bad: the source answered play with NetStream.Play.Failed: it says "full\r\nup"`},
		"unknown_error": {s4096.reports("error", "NetStream.Odd", ""), "Bad: the source answered play with NetStream.Odd"},
		"error":         {s4096.invokes(1, "_error", 4, nil, o{"level", "error", "code", "X"}), "Bad: the source answered play with X"},
		"at_length": {s4096.reports("error", "NetStream.Play.Failed", strings.Repeat("x", 4000)),
			`Bad: the source answered play with NetStream.Play.Failed: it says "` + strings.Repeat("x", 64) + `…"`},
		"with_our_token": {s4096.reports("error", "NetStream.Play.Failed", "not for ?user=u&pass=secret"),
			`Bad: the source answered play with NetStream.Play.Failed: it says "not for ?…"`},
		"unpublished": {s4096.reports("status", "NetStream.Play.UnpublishNotify", ""), "Finish"},
		"stopped":     {s4096.reports("status", "NetStream.Play.Stop", ""), "Finish"},
		"complete":    {s4096.reports("status", "NetStream.Play.Complete", ""), "Finish"},
		"played_out":  {s4096.says(5, typeData, 1, 0, amfs("onPlayStatus", o{"code", "NetStream.Play.Complete"})), "Finish"},
		"closed":      {s4096.invokes(0, "close", 0, nil), "Bad: the source has closed the connection to us (close)"},
	} {
		p := pulled{name: name, turns: toPlayAnd(turn{c.in, ""}), events: c.events, end: saysDelete}
		if name == "with_our_token" {
			p.change = func(o *PullOptions) { o.URL.Path += "?user=u&pass=secret" }
			p.turns[2].says = strings.ReplaceAll(saysPlay, `"x"`, `"x?user=u&pass=secret"`)
		}
		t.Run(name, p.run)
	}
}
