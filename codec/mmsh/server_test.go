package mmsh

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unsafe"

	"streampump/codec"
)

// fakeMedia is all that a server needs of a media.
type fakeMedia struct{ codec.Media }

func (fakeMedia) KeyFrames() bool { return true }
func (fakeMedia) MIME() string    { return "video/x-ms-asf" }
func (fakeMedia) String() string  { return "a header" }

const liveViewer, liveIngest = 77, IngestKey | 4124758405

// decide is an engine with the stream "x" up, "down" without a source, "full"
// and "busy", and with the sessions liveViewer and liveIngest.
func decide(ev *codec.Event) codec.Verdict {
	if ev.Kind == codec.Reply {
		return codec.Verdict{}
	}
	v := codec.Verdict{Session: 4242}
	if ev.Kind == codec.Setup || ev.Kind == codec.Publish {
		v.Session = IngestKey | 99
	}
	switch known := ev.Session == liveViewer || ev.Session == liveIngest; {
	case known:
		v.Session = ev.Session
	case ev.Kind == codec.Control || ev.Kind == codec.Stop:
		return codec.Verdict{Code: codec.NoSession}
	case ev.Session != 0:
		v.Replaced = true
	}
	switch strings.ToLower(ev.Path) {
	case "x":
		v.Media, v.HeadSize = fakeMedia{}, 5499
	case "idle": // exists and is not up: what a Lookup is told of that
		v.RetryAfter = 1500 * time.Millisecond
	case "down":
		return codec.Verdict{Code: codec.NotUp, RetryAfter: 1500 * time.Millisecond}
	case "full":
		return codec.Verdict{Code: codec.Full, RetryAfter: 10 * time.Second, Reason: "the limit on viewers is reached"}
	case "sent": // full, and there is another pump
		return codec.Verdict{Code: codec.Full, RetryAfter: 10 * time.Second, Location: "http://other/streams/sent"}
	case "crowded": // what a Lookup is told of a full one
		v.Media, v.Crowded, v.RetryAfter, v.Reason = fakeMedia{}, true, 10*time.Second, "the limit on viewers is reached"
	case "busy":
		return codec.Verdict{Code: codec.Busy, Reason: "taken by 192.0.2.1"}
	case "refused":
		return codec.Verdict{Code: codec.Refused, Reason: "the stream is not for encoders"}
	default:
		if ev.Kind != codec.Control && ev.Kind != codec.Stop {
			return codec.Verdict{Code: codec.NoStream, Location: "https://example.org/"}
		}
	}
	return v
}

func openServer() *host {
	p := NewProtocol(Options{Product: "Stream Pump", Version: "1.2"})
	peer := codec.Peer{Local: netip.MustParseAddrPort("[2001:db8::1]:8086")}
	return &host{sess: p.Accept(peer), decide: decide}
}

// conversation is what a peer writes and what it then reads. Events are those
// of the session, in order, "next" lines left out; answer is compared from its
// beginning, and has are lines that must be in it, hasNot parts that must not.
type conversation struct {
	name   string
	in     string
	events string
	answer string
	has    []string
	hasNot []string
	next   codec.Next
}

func (c *conversation) run(t *testing.T) {
	h := wantAnyCut(t, []byte(crlf(c.in)), openServer)
	if got := h.events(); got != c.events {
		t.Errorf("events: %s\nwant:   %s", got, c.events)
	}
	out := string(h.out)
	if want := crlf(c.answer); want == "" && out != "" || !strings.HasPrefix(out, want) {
		t.Errorf("answer: %q\nwant:   %q", out, want)
	}
	for _, l := range c.has {
		if !strings.Contains(out, "\r\n"+l+"\r\n") {
			t.Errorf("no line %q in %q", l, out)
		}
	}
	for _, l := range c.hasNot {
		if strings.Contains(strings.ToLower(out), l) {
			t.Errorf("%q in %q", l, out)
		}
	}
	if h.next != c.next {
		t.Errorf("next is %d, want %d", h.next, c.next)
	}
}

// What players write is as captured: ffmpeg 5.1.9, VLC 3.0.24, MPlayer.
const (
	ffmpegPlay = `GET /streams/x HTTP/1.1
Range: bytes=0-
Connection: close
Icy-MetaData: 1
Accept: */*
User-Agent: NSPlayer/4.1.0.3856
Host: 127.0.0.1:8086
Pragma: no-cache,rate=1.000000,request-context=2
Pragma: xPlayStrm=1
Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}
Pragma: stream-switch-count=2
Pragma: stream-switch-entry=ffff:1:0 ffff:2:0 
Pragma: no-cache,rate=1.000000,stream-time=0Connection: Close

`
	vlcDescribe = `GET /streams/x HTTP/1.0
Host: 127.0.0.1:8086
Accept: */*
User-Agent: NSPlayer/7.10.0.3059
Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0
Pragma: xClientGUID={0xbabac001-0xde29-0x5150-0x519ce2ec8b030018}
Connection: Close

`
	mplayerPlay = `GET /streams/x HTTP/1.0
Accept: */*
User-Agent: NSPlayer/4.1.0.3856
Host: 127.0.0.1:8086
Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=2,max-duration=0
Pragma: xPlayStrm=1
Pragma: stream-switch-entry=ffff:1:0 ffff:2:0
Pragma: stream-switch-count=2
Connection: Close

`
	wmpDescribe = `GET /streams/x HTTP/1.1
Accept: */*
User-Agent: NSPlayer/12.0.7680.0
Host: SampleServer
X-Accept-Authentication: Negotiate, NTLM, Digest, Basic
Pragma: version11-enabled=1
Pragma: no-cache,rate=1.000,stream-time=0,stream-offset=0:0,packet-num=4294967295,max-duration=0
Pragma: packet-pair-experiment=1
Pragma: pipeline-experiment=1
Supported: com.microsoft.wm.srvppair, com.microsoft.wm.sswitch
Pragma: xClientGUID={52CB2BDB-6925-4E19-8D1D-62D10E9E2705}

`
	wmpPlay = `GET /streams/x HTTP/1.1
User-Agent: NSPlayer/12.0.7680.0
Host: SampleServer
Supported: com.microsoft.wm.sswitch, com.microsoft.wm.predstrm
Pragma: xPlayStrm=1
Pragma: client-id=77
Pragma: LinkBW=2147483647, AccelBW=1048576, AccelDuration=18000

`
)

const playAnswer = `HTTP/1.0 200 OK
Server: Rex/12.0.7600.16385
Cache-Control: no-cache
Pragma: no-cache
Pragma: client-id=4242
Pragma: timeout=60000
Pragma: features="broadcast,playlist"
Content-Type: application/x-mms-framed
Connection: close

`

var never = []string{"chunked", "seekable", "location:", "packet-pair", "pipeline", "206"}

func TestPlayers(t *testing.T) {
	ns := func(first, rest string) string {
		return first + "\nHost: h\nUser-Agent: NSPlayer/9.0.0.3171\n" + rest + "\n"
	}
	cases := []conversation{
		{name: "Describe_VLC_WMSP_2.2.2.1", in: vlcDescribe, events: "Describe x", next: codec.Close, hasNot: never,
			answer: `HTTP/1.0 200 OK
Server: Rex/12.0.7600.16385
Cache-Control: no-cache
Pragma: no-cache
Pragma: client-id=4242
Pragma: timeout=60000
Pragma: features="broadcast,playlist"
Content-Type: application/vnd.ms.wms-hdr.asfv1
Content-Length: 5499
Connection: close

`},
		{name: "Describe_WMP_keeps_the_connection_WMSP_3.1.4.3.1", in: wmpDescribe + wmpPlay, next: codec.Stream, hasNot: never,
			events: "Describe x; Play switch session=0x4d x", answer: "HTTP/1.0 200 OK\n",
			has: []string{"Connection: Keep-Alive", "Content-Length: 5499", "Pragma: client-id=77",
				"Supported: com.microsoft.wm.predstrm, com.microsoft.wm.sswitch", "Content-Type: application/x-mms-framed", "Connection: close"}},
		{name: "Describe_xPlayStrm_0_WMSP_2.2.2.1", in: ns("GET /streams/x HTTP/1.0", "Pragma: xPlayStrm=0\n"), events: "Describe x", answer: "HTTP/1.0 200 OK\n", next: codec.Close},
		{name: "Describe_without_Pragma", in: ns("GET /streams/x HTTP/1.0", ""), events: "Describe x", answer: "HTTP/1.0 200 OK\n", next: codec.Close},
		{name: "Describe_HTTP_1.0_keep_alive", in: ns("GET /streams/x HTTP/1.0", "Connection: Keep-Alive\n"), events: "Describe x", answer: "HTTP/1.0 200 OK\n", next: codec.Keep},
		{name: "Describe_unknown_client_WMSP_3.2.5.4", in: ns("GET /streams/x HTTP/1.0", "Pragma: client-id=5\n"), events: "Describe session=0x5 x",
			answer: "HTTP/1.0 200 OK\n", has: []string{"Pragma: xResetStrm=1", "Pragma: client-id=4242"}, next: codec.Close},
		{name: "Describe_unknown_client_of_old_player_WMSP_3.2.5.6", in: strings.Replace(ns("GET /streams/x HTTP/1.0", "Pragma: client-id=5\n"), "/9.0", "/6.4", 1),
			events: "Describe session=0x5 x", answer: "HTTP/1.0 200 OK\n", hasNot: []string{"xresetstrm"}, next: codec.Close},
		{name: "Play_ffmpeg_last_line_and_Range", in: ffmpegPlay, events: "Play x", answer: playAnswer, hasNot: append(never, "content-length"), next: codec.Stream},
		{name: "Play_MPlayer_entry_before_count", in: mplayerPlay, events: "Play x", answer: playAnswer, hasNot: never, next: codec.Stream},
		{name: "Play_by_NSServer", in: "GET /streams/x HTTP/1.0\nUser-Agent: NSServer/9.0.0.3171\nPragma: xPlayStrm=1\n\n", events: "Play x", answer: playAnswer, next: codec.Stream},
		{name: "Play_any_case", in: "GET /STREAMS/X/ HTTP/1.1\nHost: h\nuSER-aGENT: nsplayer/4.1\npRAGMA: XPLAYSTRM=1\n\n", events: "Play X", answer: playAnswer, next: codec.Stream},
		{name: "Play_absolute_form_RFC_9112_3.2.2", in: ns("GET http://host:8086/streams/x?query HTTP/1.1", "Pragma: xPlayStrm=1\n"), events: "Play x", answer: playAnswer, next: codec.Stream},
		{name: "Play_no_switch_without_Supported", in: strings.Replace(wmpPlay, "Supported", "X-Supported", 1), events: "Play session=0x4d x", answer: "HTTP/1.0 200 OK\n", hasNot: []string{"supported"}, next: codec.Stream},
		{name: "Play_no_switch_before_9", in: strings.Replace(wmpPlay, "NSPlayer/12", "NSPlayer/8", 1), events: "Play session=0x4d x", answer: "HTTP/1.0 200 OK\n", next: codec.Stream},
		{name: "Play_then_noise_is_ignored", in: ffmpegPlay + "POST / HTTP/1.0\n\n", events: "Play x", answer: playAnswer, next: codec.Stream},
		{name: "Play_busy_WMSP_3.2.5.6", in: strings.Replace(wmpPlay, "/x", "/busy", 1), events: "Play switch session=0x4d busy", answer: "HTTP/1.0 409 Conflict\n", next: codec.Close},
		{name: "SelectStream_pipelined_WMSP_2.2.2.7", in: ns("GET /streams/x HTTP/1.1", "Pragma: client-id=77\nPragma: stream-switch-entry=ffff:1:0\n"), events: "Control session=0x4d x", answer: "HTTP/1.1 200 OK\n", has: []string{"Content-Length: 0"}, next: codec.Keep},
		{name: "SelectStream_of_nobody", in: ns("GET /streams/x HTTP/1.1", "Pragma: client-id=5\nPragma: stream-switch-entry=ffff:1:0\n"), events: "Control session=0x5 x", answer: "HTTP/1.1 400 Bad Request\n", next: codec.Close},
		{name: "Play_PeerCastStation_1.8", in: "GET /streams/x HTTP/1.1\nHost: h:8086\nUser-Agent: NSPlayer (PeerCastStation/1.8.1.0)\nConnection: close\nPragma: stream-switch\n\n", events: "Play x", answer: playAnswer, next: codec.Stream},
		{name: "Play_choice_count", in: ns("GET /streams/x HTTP/1.1", "Pragma: stream-switch-count=2\n"), events: "Play x", answer: playAnswer, next: codec.Stream},
		{name: "Play_choice_within_a_session", in: strings.Replace(wmpPlay, "xPlayStrm=1", "stream-switch-count=1", 1), events: "Play switch session=0x4d x", answer: "HTTP/1.0 200 OK\n", next: codec.Stream},
		{name: "Play_entry_without_a_session", in: ns("GET /streams/x HTTP/1.1", "Pragma: no-cache\nPragma: stream-switch-entry=ffff:1:0 ffff:2:0\n"), events: "Play x", answer: playAnswer, next: codec.Stream},
		{name: "Describe_that_names_a_choice", in: ns("GET /streams/x HTTP/1.0", "Pragma: xPlayStrm=0, stream-switch-count=2\n"), events: "Describe x", answer: "HTTP/1.0 200 OK\n", next: codec.Close},
		{name: "HEAD_Describe", in: strings.Replace(vlcDescribe, "GET", "HEAD", 1), events: "Lookup x", answer: "HTTP/1.0 200 OK\n", has: []string{"Content-Type: application/vnd.ms.wms-hdr.asfv1", "Pragma: features=\"broadcast,playlist\""}, hasNot: append(never, "client-id", "content-length"), next: codec.Close},
		{name: "HEAD_Play", in: strings.Replace(wmpPlay, "GET", "HEAD", 1), events: "Lookup x", answer: "HTTP/1.0 200 OK\n", has: []string{"Content-Type: application/x-mms-framed"}, hasNot: append(never, "client-id"), next: codec.Close},
		{name: "HEAD_Play_not_up", in: strings.Replace(strings.Replace(wmpPlay, "GET", "HEAD", 1), "/x", "/idle", 1), events: "Lookup idle", answer: "HTTP/1.0 503 Service Unavailable\n", has: []string{"Retry-After: 2"}, hasNot: []string{"source"}, next: codec.Close},
		{name: "HEAD_pipeline", in: strings.Replace(ns("GET /streams/x HTTP/1.1", "Pragma: pipeline-request=1\n"), "GET", "HEAD", 1), events: "Bad: the request follows only from an experiment that is not offered here", answer: "HTTP/1.0 400 Bad Request\n", hasNot: []string{"experiment"}, next: codec.Close},
		{name: "Pipeline", in: ns("GET /streams/x HTTP/1.1", "Pragma: pipeline-request=1\n"), events: "Bad: the request follows only from an experiment that is not offered here", answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "PlayNextEntry", in: ns("GET /streams/x HTTP/1.1", "Pragma: xPlayNextEntry=1\n"), events: "Bad: the request follows only from an experiment that is not offered here", answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
	}
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

func TestOtherViewers(t *testing.T) {
	get := func(path, rest string) string {
		return "GET " + path + " HTTP/1.1\nHost: h\nUser-Agent: curl/8.0\n" + rest + "\n"
	}
	cases := []conversation{
		{name: "plain", in: get("/streams/x", ""), events: "Play plain x", next: codec.Stream,
			answer: "HTTP/1.0 200 OK\nServer: Rex/12.0.7600.16385\nCache-Control: no-cache\nPragma: no-cache\nContent-Type: video/x-ms-asf\nConnection: close\n\n"},
		{name: "plain_download_reader", in: "GET /streams/x HTTP/1.1\nHost: h\nUser-Agent: NSPlayer/12.00.26100.7813 WMFSDK/12.00.26100.7813\nGetContentFeatures.DLNA.ORG: 1\nPragma: no-cache\n\n",
			events: "Play plain x", answer: "HTTP/1.0 200 OK\n", next: codec.Stream},
		{name: "framed_with_WMFSDK_and_a_token", in: "GET /streams/x HTTP/1.1\nHost: h\nUser-Agent: NSPlayer/9.0 WMFSDK/9.0\nPragma: xPlayStrm=1\n\n", events: "Play x", answer: playAnswer, next: codec.Stream},
		{name: "no_agent", in: "GET /streams/x HTTP/1.0\n\n", events: "Play plain x", answer: "HTTP/1.0 200 OK\n", next: codec.Stream},
		{name: "bare_LF", in: "GET /streams/x HTTP/1.0\nA: b\n\n", events: "Play plain x", answer: "HTTP/1.0 200 OK\n", next: codec.Stream},
		{name: "root", in: get("/", ""), events: "Reply /", answer: "HTTP/1.0 200 OK\n", has: []string{"Content-Length: 16", "Content-Type: text/plain; charset=utf-8", "Connection: Keep-Alive"}, next: codec.Keep},
		{name: "root_HEAD", in: "HEAD / HTTP/1.0\n\n", events: "Reply /", answer: "HTTP/1.0 200 OK\n", has: []string{"Content-Length: 16"}, hasNot: []string{"stream pump"}, next: codec.Close},
		{name: "HEAD", in: "HEAD /streams/x HTTP/1.1\nHost: h\n\n", events: "Lookup x", answer: "HTTP/1.0 200 OK\n", has: []string{"Content-Type: video/x-ms-asf"}, next: codec.Close},
		{name: "HEAD_not_up", in: "HEAD /streams/idle HTTP/1.1\nHost: h\n\n", events: "Lookup idle", answer: "HTTP/1.0 503 Service Unavailable\n", has: []string{"Retry-After: 2", "Connection: close"}, hasNot: []string{"source"}, next: codec.Close},
		{name: "HEAD_of_a_playlist", in: "HEAD /streams/x.asx HTTP/1.1\nHost: h\n\n", events: "Lookup x", answer: "HTTP/1.0 200 OK\n", has: []string{"Content-Type: video/x-ms-asf", "Connection: Keep-Alive"}, hasNot: []string{"mms://"}, next: codec.Keep},
		{name: "HEAD_unknown_has_no_body", in: "HEAD /streams/y HTTP/1.1\nHost: h\nUser-Agent: NSPlayer/4.1\n\n", events: "Lookup y", answer: "HTTP/1.0 404 Not Found\n", hasNot: []string{"there is no"}, next: codec.Close},
		{name: "unknown_stream_redirects", in: get("/streams/y", ""), events: "Play plain y", answer: "HTTP/1.0 302 Found\n", has: []string{"Location: https://example.org/"}, next: codec.Close},
		{name: "unknown_path_redirects", in: get("/favicon.ico", ""), events: "Lookup /favicon.ico", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "unknown_redirects_VLC", in: strings.Replace(vlcDescribe, "/x", "/y", 1), events: "Describe y", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "unknown_never_redirects_4.1", in: strings.Replace(ffmpegPlay, "/x", "/y", 1), events: "Play y", answer: "HTTP/1.0 404 Not Found\n", hasNot: []string{"location"}, next: codec.Close},
		{name: "unknown_path_never_redirects_4.1", in: strings.Replace(ffmpegPlay, "/streams/x", "/a/b", 1), events: "Lookup /a/b", answer: "HTTP/1.0 404 Not Found\n", hasNot: []string{"location"}, next: codec.Close},
		{name: "not_up", in: strings.Replace(ffmpegPlay, "/x", "/down", 1), events: "Play down", answer: "HTTP/1.0 503 Service Unavailable\n", has: []string{"Retry-After: 2", "Connection: close"}, hasNot: []string{"location"}, next: codec.Close},
		{name: "full", in: get("/streams/full", ""), events: "Play plain full", answer: "HTTP/1.0 503 Service Unavailable\n", has: []string{"Retry-After: 10", "Connection: close"}, hasNot: []string{"location"}, next: codec.Close},
		{name: "full_Describe", in: strings.Replace(vlcDescribe, "/x", "/full", 1), events: "Describe full", answer: "HTTP/1.0 503 Service Unavailable\n", has: []string{"Retry-After: 10", "Connection: close"}, next: codec.Close},
		{name: "full_Play", in: strings.Replace(ffmpegPlay, "/x", "/full", 1), events: "Play full", answer: "HTTP/1.0 503 Service Unavailable\n", has: []string{"Retry-After: 10", "Connection: close"}, next: codec.Close},
		{name: "full_HEAD", in: "HEAD /streams/crowded HTTP/1.1\nHost: h\n\n", events: "Lookup crowded", answer: "HTTP/1.0 503 Service Unavailable\n", has: []string{"Retry-After: 10"}, hasNot: []string{"limit on"}, next: codec.Close},
		{name: "full_playlist", in: get("/streams/crowded.asx", ""), events: "Lookup crowded", answer: "HTTP/1.0 200 OK\n", next: codec.Keep},
		{name: "full_redirects", in: get("/streams/sent", ""), events: "Play plain sent", answer: "HTTP/1.0 302 Found\n", has: []string{"Location: http://other/streams/sent", "Connection: close"}, hasNot: []string{"retry-after"}, next: codec.Close},
		{name: "full_redirects_VLC", in: strings.Replace(vlcDescribe, "/x", "/sent", 1), events: "Describe sent", answer: "HTTP/1.0 302 Found\n", has: []string{"Location: http://other/streams/sent"}, next: codec.Close},
		{name: "full_redirects_WMP", in: strings.Replace(wmpPlay, "/x", "/sent", 1), events: "Play switch session=0x4d sent", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "full_never_redirects_4.1", in: strings.Replace(ffmpegPlay, "/x", "/sent", 1), events: "Play sent", answer: "HTTP/1.0 503 Service Unavailable\n", has: []string{"Retry-After: 10"}, hasNot: []string{"location"}, next: codec.Close},
		{name: "pump", in: "GET /streams/x HTTP/1.0\nUser-Agent: " + DefaultAgent + "\nPragma: xPlayStrm=1\n\n", events: "Play pump x", answer: playAnswer, next: codec.Stream},
		{name: "pump_describes", in: "GET /streams/x HTTP/1.0\nUser-Agent: " + DefaultAgent + "\n\n", events: "Describe pump x", answer: "HTTP/1.0 200 OK\n", next: codec.Close},
		{name: "no_pump", in: "GET /streams/x HTTP/1.0\nUser-Agent: NSPlayer/12.0 StreamPumpkin/1\nPragma: xPlayStrm=1\n\n", events: "Play x", answer: playAnswer, next: codec.Stream},
		{name: "odd_names_are_not_streams", in: get("/streams/a%20b", "") + "", events: "Lookup /streams/a%20b", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "deeper_paths_are_not_streams", in: get("/streams/x/y", ""), events: "Lookup /streams/x/y", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "no_name_is_no_stream", in: get("/streams/", ""), events: "Lookup /streams/", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "an_encoders_address_is_not_the_stream", in: get("/streams/x_push", ""), events: "Play plain x_push", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "as_a_file", in: get("/streams/x.asf", ""), events: "Play plain x", answer: "HTTP/1.0 200 OK\n", next: codec.Stream},
		{name: "as_a_sound_file", in: get("/streams/x.WMA/", ""), events: "Play plain x", answer: "HTTP/1.0 200 OK\n", next: codec.Stream},
		{name: "as_a_file_by_a_player", in: strings.Replace(ffmpegPlay, "/x", "/x.wmv", 1), events: "Play x", answer: playAnswer, next: codec.Stream},
		{name: "as_another_file", in: get("/streams/x.mp3", ""), events: "Lookup /streams/x.mp3", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "as_two_files", in: get("/streams/x.asf.asf", ""), events: "Lookup /streams/x.asf.asf", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "no_name_but_a_files", in: get("/streams/.asf", ""), events: "Lookup /streams/.asf", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "encoded_path_RFC_3986_6.2.2.2", in: get("/%73treams/%78%2Easf", ""), events: "Play plain x", answer: "HTTP/1.0 200 OK\n", next: codec.Stream},
		{name: "encoded_path_of_a_player", in: strings.Replace(ffmpegPlay, "/x", "/%78", 1), events: "Play x", answer: playAnswer, next: codec.Stream},
		{name: "encoded_slash_is_none", in: get("/streams%2Fx", ""), events: "Lookup /streams%2Fx", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "encoded_twice", in: get("/streams/%2578", ""), events: "Lookup /streams/%2578", answer: "HTTP/1.0 302 Found\n", next: codec.Close},
		{name: "RTSP_within_HTTP", in: "GET /streams/x HTTP/1.0\nCSeq: 1\nUser-Agent: LibVLC/3.0.24 (LIVE555 Streaming Media v2026.06.24)\nx-sessioncookie: 1d4be1c3cbec624752979fe\nAccept: application/x-rtsp-tunnelled\nPragma: no-cache\nCache-Control: no-cache\n\n",
			events: "Bad: the request asks for RTSP within HTTP", answer: "HTTP/1.0 501 Not Implemented\n", next: codec.Close},
		{name: "playlist_not_up", in: get("/streams/down.asx", ""), events: "Lookup down", answer: "HTTP/1.0 503 Service Unavailable\n", next: codec.Close},
	}
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

func TestOtherRequests(t *testing.T) {
	post := func(rest, body string) string {
		return fmt.Sprintf("POST /streams/x HTTP/1.1\nHost: h\nUser-Agent: NSPlayer/12.0\n%sContent-Length: %d\n\n%s", rest, len(body), body)
	}
	cases := []conversation{
		{name: "Log_WMSP_2.2.2.4", in: post("Content-Type: application/x-wms-LogStats;charset=UTF-8\nPragma: client-id=77\n", "<XML>not even that"), events: "Control session=0x4d x",
			answer: "HTTP/1.1 204 No Content\n", has: []string{"Content-Length: 0", "Pragma: client-id=77", "Connection: Keep-Alive"}, next: codec.Keep},
		{name: "Log_of_no_session", in: post("Content-Type: application/x-wms-LogStats\n", "x"), events: "Reply x", answer: "HTTP/1.1 204 No Content\n", hasNot: []string{"client-id"}, next: codec.Keep},
		{name: "Log_of_unknown_session", in: post("Content-Type: application/x-wms-LogStats\nPragma: client-id=6\n", "x"), events: "Control session=0x6 x", answer: "HTTP/1.1 204 No Content\n", hasNot: []string{"client-id"}, next: codec.Keep},
		{name: "Log_in_a_line", in: post("Pragma: log-line=a, b \"c\n", ""), events: "Reply x", answer: "HTTP/1.1 204 No Content\n", next: codec.Keep},
		{name: "Log_too_long", in: "POST / HTTP/1.0\nContent-Type: application/x-wms-logstats\nContent-Length: 65537\n\n", events: "Bad: the request's body has 65537 bytes", answer: "HTTP/1.0 413 Content Too Large\n", next: codec.Close},
		{name: "SelectStream_WMSP_2.2.2.8", in: post("Pragma: client-id=77\nPragma: stream-switch-count=1\nPragma: stream-switch-entry=ffff:2:0\n", ""), events: "Control session=0x4d x", answer: "HTTP/1.1 200 OK\n", has: []string{"Content-Length: 0"}, next: codec.Keep},
		{name: "SelectStream_unknown_WMSP_3.2.5.1", in: post("Pragma: client-id=5\nPragma: stream-switch-entry=ffff:2:0\n", ""), events: "Control session=0x5 x", answer: "HTTP/1.1 400 Bad Request\n", next: codec.Close},
		{name: "SelectStream_of_nobody_WMSP_3.2.5.1", in: post("Pragma: stream-switch-entry=ffff:2:0\n", ""), events: "Control x", answer: "HTTP/1.1 400 Bad Request\n", next: codec.Close},
		{name: "KeepAlive_WMSP_2.2.2.3.1", in: strings.Replace(post("Pragma: xKeepAliveInPause=1, client-id=77\n", ""), " /", " http://host/", 1), events: "Control session=0x4d x", answer: "HTTP/1.1 200 OK\n", has: []string{"Content-Length: 0", "Connection: close"}, next: codec.Close},
		{name: "KeepAlive_unknown", in: post("Pragma: xKeepAliveInPause=1\n", ""), events: "Control x", answer: "HTTP/1.1 400 Bad Request\n", next: codec.Close},
		{name: "Stop_WMSP_2.2.2.10", in: post("Pragma: xStopStrm=1\nPragma: client-id=77\n", ""), events: "Stop session=0x4d x", answer: "HTTP/1.1 200 OK\n", has: []string{"Content-Length: 0"}, next: codec.Keep},
		{name: "SendEvent_WMSP_3.2.5.12", in: post("Content-Type: application/x-wms-sendevent\n", "<x/>"), events: "Reply x", answer: "HTTP/1.1 200 OK\n", has: []string{"Content-Length: 0"}, next: codec.Keep},
		{name: "GetContentInfo_WMSP_2.2.2.2", in: post("Content-Type: Application/X-WMS-GetContentInfo\n", "x"), events: "Reply x", answer: "HTTP/1.1 200 OK\n", has: []string{"Content-Length: 0", "Cache-Control: no-cache"}, next: codec.Keep},
		{name: "OPTIONS_WMSP_2.2.2.3.2", in: "OPTIONS * HTTP/1.1\nHost: h\n\n", events: "Reply", answer: "HTTP/1.1 200 OK\n", has: []string{"Public: GET, POST, OPTIONS", "Allow: OPTIONS", "Content-Length: 0"}, next: codec.Keep},
		{name: "POST_of_something", in: post("Content-Type: text/html\n", "x"), events: `Bad: the request is a POST of "text/html", and none of a player's or an encoder's`, answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "Log_invited_RFC_9110_10.1.1", in: post("Content-Type: application/x-wms-LogStats\nExpect: 100-Continue\n", "<XML/>"), events: "Reply; Reply x", answer: "HTTP/1.1 100 Continue\n\nHTTP/1.1 204 No Content\n", next: codec.Keep},
		{name: "SendEvent_invited", in: post("Content-Type: application/x-wms-sendevent\nExpect: 100-continue\nPragma: client-id=77\n", "<x/>"), events: "Reply; Control session=0x4d x", answer: "HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\n", next: codec.Keep},
		{name: "Stop_with_nothing_to_invite", in: post("Pragma: xStopStrm=1\nPragma: client-id=77\nExpect: 100-continue\n", ""), events: "Stop session=0x4d x", answer: "HTTP/1.1 200 OK\n", next: codec.Keep},
		{name: "HTTP_1.0_is_not_invited", in: strings.Replace(post("Content-Type: application/x-wms-LogStats\nExpect: 100-continue\n", "x"), "1.1", "1.0", 1), events: "Reply x", answer: "HTTP/1.1 204 No Content\n", next: codec.Close},
		{name: "refused_at_once_and_not_invited", in: strings.Replace(post("Content-Type: text/html\nExpect: 100-continue\n", ""), "Length: 0", "Length: 9", 1), events: `Bad: the request is a POST of "text/html", and none of a player's or an encoder's`, answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "too_long_and_not_invited", in: strings.Replace(post("Pragma: log-line=x\nExpect: 100-continue\n", ""), "Length: 0", "Length: 65537", 1), events: "Bad: the request's body has 65537 bytes", answer: "HTTP/1.0 413 Content Too Large\n", next: codec.Close},
		{name: "no_Host_RFC_9112_3.2", in: "GET /streams/x HTTP/1.1\n\n", events: "Bad: no Host field, which HTTP/1.1 asks for", answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "no_Host_HEAD", in: "HEAD /streams/x HTTP/1.1\n\n", events: "Bad: no Host field, which HTTP/1.1 asks for", answer: "HTTP/1.0 400 Bad Request\n", hasNot: []string{"which"}, next: codec.Close},
		{name: "two_Hosts_RFC_9112_3.2", in: "OPTIONS * HTTP/1.0\nHost: a\nHost: b\n\n", events: "Bad: two Host fields", answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "no_Host_in_HTTP_1.0", in: "OPTIONS * HTTP/1.0\n\n", events: "Reply", answer: "HTTP/1.1 200 OK\n", next: codec.Close},
		{name: "PROXY_v1", in: "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\nGET / HTTP/1.0\n\n", events: "Bad: the connection begins with the PROXY protocol, version 1, which is believed only from addresses in proxy_protocol_from: name the proxy there, or turn the protocol off in the proxy", answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "PROXY_v2", in: "\n\n\x00\r\nQUIT\n\x21\x11\x00\x0C............GET / HTTP/1.0\n\n", events: "Bad: the connection begins with the PROXY protocol, version 2, which is believed only from addresses in proxy_protocol_from: name the proxy there, or turn the protocol off in the proxy", answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "MMST_only_at_first", in: "OPTIONS * HTTP/1.1\nHost: h\n\n\x01\x00\x00\x00\xCE\xFA\x0B\xB0", events: "Reply; Bad: control byte 0x01 at byte 0 of the head", answer: "HTTP/1.1 200 OK\n", next: codec.Close},
		{name: "a_request_line_with_the_mark_of_MMST", in: "0 00\xCE\xFA\x0B\xB0", events: "Bad: control byte 0x0B at byte 6 of the head", answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "two_on_one_connection", in: post("Pragma: log-line=x\n", "") + "OPTIONS * HTTP/1.0\n\n", events: "Reply x; Reply", answer: "HTTP/1.1 204 No Content\n", has: []string{"Public: GET, POST, OPTIONS"}, next: codec.Close},
		{name: "method_not_for_us", in: "PUT /streams/x HTTP/1.1\nHost: h\n\n", events: `Bad: the request's method is "PUT"`, answer: "HTTP/1.0 405 Method Not Allowed\n", has: []string{"Allow: GET, HEAD, POST, OPTIONS"}, next: codec.Close},
		{name: "method_unheard_of", in: "BREW /streams/x HTTP/1.1\nHost: h\n\n", events: `Bad: the request's method is "BREW"`, answer: "HTTP/1.0 501 Not Implemented\n", next: codec.Close},
		{name: "HTTP_2", in: "PRI * HTTP/2.0\n\n", events: "Bad: the request is HTTP/2", answer: "HTTP/1.0 505 HTTP Version Not Supported\n", next: codec.Close},
		{name: "another_protocol", in: "GET / GOPHER/1.0\n\n", events: `Bad: the request is "GOPHER", not HTTP`, answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "chunked_request", in: "POST /streams/x HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n", events: "Bad: the request has a Transfer-Encoding, and its path does not end in _push, as an encoder's does", answer: "HTTP/1.0 501 Not Implemented\n", next: codec.Close},
		{name: "garbage", in: "this is not a request\n\n", events: `Bad: the first line is not a request: "this is not a request"`, answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "control_byte_is_refused_at_once", in: "GET /\x00", events: "Bad: control byte 0x00 at byte 5 of the head", answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "strange_target", in: "GET streams/x HTTP/1.0\n\n", events: `Bad: the request's target is "streams/x"`, answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "RTSP", in: "DESCRIBE rtsp://host:8086/streams/x RTSP/1.0\nCSeq: 12\nUser-Agent: WMPlayer/12.0\n\n", events: "Reply", answer: "RTSP/1.0 400 Bad Request\nCSeq: 12\nConnection: close\n\n", next: codec.Close},
		{name: "RTSP_odd_CSeq", in: "OPTIONS * RTSP/1.0\nCSeq: 1x\n\n", events: "Reply", answer: "RTSP/1.0 400 Bad Request\nConnection: close\n\n", next: codec.Close},
		{name: "MMST", in: "\x01\x00\x00\x00\xCE\xFA\x0B\xB0\xA0\x00\x00\x00MMS ", events: "Reply", answer: "", next: codec.Close},
	}
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

func TestEncoders(t *testing.T) {
	request := func(kind, cookie, rest, body string) string {
		return fmt.Sprintf("POST /streams/x_push HTTP/1.1\nHost: h\nContent-Type: application/x-wms-%s\nUser-Agent: WMEncoder/11.0.5721.5145\nCookie: %s\n%sContent-Length: %d\n\n%s",
			kind, cookie, rest, len(crlf(body)), body)
	}
	accepted := `HTTP/1.1 204 No Content
Server: Cougar/9.6.7600.16564
Content-Length: 0
Pragma: no-cache, timeout=60000
Cache-Control: no-cache
Set-Cookie: push-id=99
Supported: com.microsoft.wm.srvppair, com.microsoft.wm.sswitch, com.microsoft.wm.predstrm, com.microsoft.wm.fastcache, com.microsoft.wm.startupprofile
Connection: Keep-Alive

`
	filler := string(pushed(IDFiller, make([]byte, 5)))
	cases := []conversation{
		{name: "PushSetup_WMHTTP_4.8", in: request("pushsetup", "push-id=0", "", "AutoDestroy: 1\n"), events: "Setup x", answer: accepted, next: codec.Keep},
		{name: "PushSetup_empty_WMHTTP_2.2.2.1", in: request("pushsetup; charset=UTF-8", "", "", ""), events: "Setup x", answer: accepted, next: codec.Keep},
		{name: "PushSetup_HTTP_1.0_keep_alive_WMHTTP_3.2.5.1", in: strings.Replace(request("pushsetup", "push-id=0", "Connection: Keep-Alive\n", ""), "1.1", "1.0", 1), events: "Setup x", answer: accepted, next: codec.Keep},
		{name: "PushSetup_HTTP_1.0", in: strings.Replace(request("pushsetup", "push-id=0", "", ""), "1.1", "1.0", 1), events: "Setup x", answer: "HTTP/1.1 204 No Content\n", has: []string{"Connection: close"}, next: codec.Close},
		{name: "PushSetup_known", in: request("pushsetup", `a=b; Push-ID="4124758405"`, "", ""), events: "Setup session=0x80000000f5dad185 x", answer: "HTTP/1.1 204 No Content\n", has: []string{"Set-Cookie: push-id=4124758405"}, next: codec.Keep},
		{name: "PushSetup_strange_id", in: request("pushsetup", "push-id=abc", "", ""), events: "Setup session=0x8000000000000000 x", answer: "HTTP/1.1 204 No Content\n", next: codec.Keep},
		{name: "PushSetup_without_the_suffix", in: strings.Replace(request("pushsetup", "push-id=0", "", ""), "x_push", "x", 1), events: "Setup /streams/x", answer: "HTTP/1.1 404 Not Found\n", has: []string{"Server: Cougar/9.6.7600.16564"}, hasNot: []string{"location"}, next: codec.Close},
		{name: "PushSetup_refused", in: strings.Replace(request("pushsetup", "push-id=0", "", ""), "x_push", "refused_PUSH/", 1), events: "Setup refused", answer: "HTTP/1.1 422 Unprocessable Content\n", next: codec.Close},
		{name: "PushStart_busy_WMHTTP_3.2.5.2", in: strings.Replace(request("pushstart", "push-id=4124758405", "", filler), "x_push", "busy_push", 1), events: "Publish session=0x80000000f5dad185 busy", answer: "HTTP/1.1 409 Conflict\n", next: codec.Close},
		{name: "PushStart_complete_and_again_WMHTTP_4.2", in: request("pushstart", "push-id=0", "", filler) + request("pushstart", "push-id=0", "", filler), events: "Publish x; Pause; Publish x; Pause", answer: accepted + accepted, next: codec.Keep},
		{name: "PushStart_without_length", in: "POST /streams/x_push HTTP/1.1\nHost: h\nContent-Type: application/x-wms-pushstart\n\n", events: "Bad: the encoder's PushStart has no Content-Length, which is the only end that it has", answer: "HTTP/1.0 411 Length Required\n", next: codec.Close},
		{name: "PushStart_empty_shows_itself", in: request("pushstart", "push-id=0", "", ""), events: "Setup x", answer: accepted, next: codec.Keep},
		{name: "PushStart_nothing_is_said_WMHTTP_3.2.5.1", in: strings.Replace(request("pushstart", "push-id=0", "", ""), "Length: 0", "Length: 2147483647", 1) + filler, events: "Publish x", answer: "", next: codec.Ingest},
		{name: "PushStart_wrong_byte", in: request("pushstart", "push-id=0", "", filler+"Abcdefgh"), events: "Publish x; Bad: byte 9 of the stream is 0x41 where a packet must begin with 0x24 ($)", answer: "HTTP/1.1 422 Unprocessable Content\n", has: []string{"Content-Type: text/plain; charset=utf-8"}, next: codec.Close},
		{name: "PushSetup_encoded_path", in: strings.Replace(request("pushsetup", "push-id=0", "", ""), "x_push", "%78%5fpush", 1), events: "Setup x", answer: accepted, next: codec.Keep},
		{name: "PushSetup_invited_RFC_9110_10.1.1", in: request("pushsetup", "push-id=0", "Expect: 100-continue\n", "AutoDestroy: 1\n"), events: "Reply; Setup x", answer: "HTTP/1.1 100 Continue\n\n" + accepted, next: codec.Keep},
		{name: "PushStart_invited_RFC_9110_10.1.1", in: request("pushstart", "push-id=0", "Expect: 100-continue\n", filler), events: "Publish x; Pause", answer: "HTTP/1.1 100 Continue\n\n" + accepted, next: codec.Keep},
		{name: "PushStart_refused_and_not_invited", in: strings.Replace(request("pushstart", "push-id=4124758405", "Expect: 100-continue\n", filler), "x_push", "busy_push", 1), events: "Publish session=0x80000000f5dad185 busy", answer: "HTTP/1.1 409 Conflict\n", next: codec.Close},
		{name: "PushStart_in_chunks", in: "POST /streams/x_push HTTP/1.1\nHost: h\nContent-Type: application/x-wms-pushstart\nTransfer-Encoding: chunked\n\n", events: "Bad: the encoder pushes in chunks, but its protocol needs a Content-Length", answer: "HTTP/1.0 411 Length Required\n", next: codec.Close},
		{name: "other_POST", in: "POST /streams/x_push HTTP/1.1\nHost: h\nContent-Type: video/mp2t\nContent-Length: 188\n\n", events: `Bad: the request is a POST of "video/mp2t" to an encoder's address: ` + howToPush, answer: "HTTP/1.0 415 Unsupported Media Type\n", next: codec.Close},
		{name: "POST_without_a_type", in: "POST /streams/x_push HTTP/1.1\nHost: h\n\n", events: `Bad: the request is a POST without a Content-Type to an encoder's address: ` + howToPush, answer: "HTTP/1.0 415 Unsupported Media Type\n", next: codec.Close},
		{name: "other_method", in: "PUT /streams/x_push HTTP/1.1\nHost: h\n\n", events: `Bad: the request's method is "PUT": ` + howToPush, answer: "HTTP/1.0 405 Method Not Allowed\n", next: codec.Close},
		{name: "absurd_length", in: "POST /streams/x_push HTTP/1.1\nHost: h\nContent-Type: application/x-wms-pushstart\nContent-Length: 99999999999999999999\n\n", events: `Bad: Content-Length "99999999999999999999" is not a length`, answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
	}
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

// What each kind of peer is told when the engine ends what it was doing.
func TestAppendEnd(t *testing.T) {
	start := "POST /streams/x_push HTTP/1.1\nHost: h\nContent-Type: application/x-wms-pushstart\nContent-Length: 2147483647\n\n"
	over, entry := "\x24\x45\x04\x00\x00\x00\x00\x00", "\x24\x45\x04\x00\x01\x00\x00\x00\x24\x43\x04\x00\x00\x00\x00\x00"
	cases := []struct {
		name   string
		in     string
		cause  codec.Cause
		reason string
		want   string // the beginning; "" for nothing
	}{
		{"player_ended", ffmpegPlay, codec.CauseEnded, "", over},
		{"player_shutdown", ffmpegPlay, codec.CauseShutdown, "", over},
		{"player_switched_WMSP_3.2.4.2", wmpPlay, codec.CauseSwitch, "", entry},
		{"plain_ended", "GET /streams/x HTTP/1.0\n\n", codec.CauseEnded, "", ""},
		{"encoder_idle_WMHTTP_3.2.6.1", start, codec.CauseIdle, "", "HTTP/1.1 408 "},
		{"encoder_taken_over", start, codec.CauseTaken, "", "HTTP/1.1 409 "},
		{"encoder_refused", start, codec.CauseRefused, "because", "HTTP/1.1 422 "},
		{"encoder_shutdown", start, codec.CauseShutdown, "", "HTTP/1.1 503 "},
		{"encoder_removed_WMHTTP_3.2.4.1", start, codec.CauseEnded, "", "HTTP/1.1 410 "},
		{"encoder_finished_WMHTTP_3.2.5.5", start + "\x24E\x04\x00\x00\x00\x00\x00", codec.CauseEnded, "", ""},
		{"half_head", "GET / HT", codec.CauseHeadLate, "", "HTTP/1.0 408 "},
		{"half_body", "POST / HTTP/1.0\nContent-Type: application/x-wms-logstats\nContent-Length: 9\n\nx", codec.CauseHeadLate, "", "HTTP/1.1 408 "},
		{"nothing_said", "", codec.CauseHeadLate, "", ""},
		{"nothing_more_said", "OPTIONS * HTTP/1.1\nHost: h\n\n", codec.CauseHeadLate, "", ""},
		{"no_room", "", codec.CauseFull, "", "HTTP/1.0 503 "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := openServer()
			h.feed([]byte(crlf(c.in)))
			got := string(h.sess.AppendEnd([]byte("kept"), c.cause, c.reason))
			got, ok := strings.CutPrefix(got, "kept")
			if !ok || !strings.HasPrefix(got, c.want) || (c.want == "") != (got == "") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if c.reason != "" && !strings.HasSuffix(got, "\r\n\r\n"+c.reason+"\n") {
				t.Errorf("%q does not end with the reason", got)
			}
		})
	}
}

// A viewer that was switched to another header is still a viewer.
func TestSwitchIsNotTheEnd(t *testing.T) {
	h := openServer()
	h.feed([]byte(crlf(wmpPlay)))
	h.sess.AppendEnd(nil, codec.CauseSwitch, "")
	if got := h.sess.AppendEnd(nil, codec.CauseEnded, ""); string(got) != string(AppendReason(nil, IDEnd, ReasonOver)) {
		t.Errorf("% x", got)
	}
}

func TestClassify(t *testing.T) {
	cases := []struct {
		in   string
		want codec.Claim
	}{
		{"", codec.NeedMore}, {"G", codec.NeedMore}, {"GET ", codec.Mine}, {"OPTIONS", codec.NeedMore}, {"OPTIONS ", codec.Mine},
		{"DESCRIBE", codec.Mine}, {"\r\nGET /", codec.Mine}, {"GET\n", codec.Mine}, {"GET\r\n", codec.Mine}, {"\r\n", codec.NeedMore}, {" GET /st", codec.NotMine}, {"\x16\x03\x01\x00\xa5", codec.NotMine},
		{"\x01\x00\x00\x00", codec.NeedMore}, {"\x01\x00\x00\x00\xce\xfa", codec.NeedMore}, {"\x01\x00\x00\x00\xce\xfa\x0b\xb0", codec.Mine},
		{"\x07\x00\x00\x00\xce\xfa\x0b\xb0", codec.Mine}, {"\x01\x00\x00\x00\xce\xfb", codec.NotMine}, {"\x03\x00\x00\x00\x00", codec.NotMine},
	}
	p := NewProtocol(Options{})
	for _, c := range cases {
		if got := p.Classify([]byte(c.in)); got != c.want {
			t.Errorf("%q: %d, want %d", c.in, got, c.want)
		}
		if len(c.in) >= tells && p.Classify([]byte(c.in)) == codec.NeedMore {
			t.Errorf("%q: more is asked for", c.in)
		}
	}
}

// Whoever finds no room is told so in words that libmms reads too.
func TestRefusalHasAReasonPhrase(t *testing.T) {
	got := string(NewProtocol(Options{}).AppendRefusal(nil, codec.CauseFull))
	if !strings.HasPrefix(got, "HTTP/1.0 503 Service Unavailable\r\nServer: Rex/") || !strings.Contains(got, "\r\nConnection: close\r\n") {
		t.Errorf("%q", got)
	}
}

// There are thousands of viewers: what a Play leaves behind is bounded.
func TestPlayKeepsLittle(t *testing.T) {
	h := openServer()
	for _, p := range cuts1([]byte(crlf(ffmpegPlay))) {
		h.feed(p)
	}
	s := h.sess.(*server)
	if size := unsafe.Sizeof(*s); size > 160 || s.ex != nil || s.push != nil {
		t.Errorf("%d bytes, exchange %v, push %v", size, s.ex, s.push)
	}
	noise := make([]byte, 1000)
	if got := testing.AllocsPerRun(10, func() {
		if n, ev := s.Consume(noise); n != len(noise) || ev.Kind != codec.None {
			t.Errorf("took %d: %v", n, ev.Kind)
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// Requests that come together are cheap to answer together: what one takes is
// bounded, and its answer lies right behind the others, to be sent with them.
func TestPipelinedRequestIsCheap(t *testing.T) {
	h := openServer()
	in := []byte(crlf("GET / HTTP/1.1\nHost: h\n\nOPTIONS * HTTP/1.1\nHost: h\n\n"))
	out := make([]byte, 0, 1000)
	const requests, most, longest = 2, 8, 150
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

// A session lets no head pass its limit and holds no more than it.
func TestHeadLimit(t *testing.T) {
	p := NewProtocol(Options{MaxHead: 100})
	h := &host{sess: p.Accept(codec.Peer{}), decide: decide}
	h.feed(bytes.Repeat([]byte("x"), 101))
	if !strings.HasPrefix(string(h.out), "HTTP/1.0 431 ") || h.next != codec.Close {
		t.Errorf("%q", h.out)
	}
}

func FuzzServer(f *testing.F) {
	for _, s := range []string{ffmpegPlay, vlcDescribe, wmpDescribe + wmpPlay, "OPTIONS * HTTP/1.1\nHost: h\n\n", "DESCRIBE rtsp://h/ RTSP/1.0\nCSeq: 1\n\n"} {
		f.Add([]byte(crlf(s)), uint64(len(s)))
	}
	f.Add([]byte("\x01\x00\x00\x00\xCE\xFA\x0B\xB0\xA0\x00\x00\x00MMS "), uint64(8))
	f.Add([]byte("0000\xCE\xFA\x0B\xB0"), uint64(9))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x0C"), uint64(10))
	f.Add([]byte(crlf("POST /%73treams/x HTTP/1.1\nHost: h\nExpect: 100-continue\nPragma: log-line=x\nContent-Length: 3\n\nabcHEAD /streams/x.asf HTTP/1.0\n\n")), uint64(11))
	f.Add([]byte(crlf("POST /streams/x_push HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n4\n$H\x00\x00\n0\n\n")), uint64(12))
	start := "POST /streams/x_push HTTP/1.1\nHost: h\nContent-Type: application/x-wms-pushstart\nContent-Length: 30\n\n"
	f.Add(join([]byte(crlf(start)), pushed(IDFiller, make([]byte, 10)), pushed(IDData, make([]byte, 12))), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		whole, cut := openServer(), openServer()
		whole.feed(bytes.Clone(b))
		for _, p := range cuts(b, seed) {
			cut.feed(bytes.Clone(p))
		}
		if whole.transcript() != cut.transcript() || whole.fail != "" {
			t.Errorf("whole %s\ncut %s", whole.transcript(), cut.transcript())
		}
		s := cut.sess.(*server)
		if s.push != nil && cap(s.push.in.buf) > 2*(FramingSize+MaxLength) {
			t.Errorf("%d bytes held", cap(s.push.in.buf))
		}
	})
}
