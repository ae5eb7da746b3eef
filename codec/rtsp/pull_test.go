package rtsp

import (
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
)

// The whole of what is said to an ordinary camera, byte by byte.
func TestPullConversation(t *testing.T) {
	h := openPull(func(o *PullOptions) {
		o.URL = source("2001:db8::5", 8554, "/live?a=b")
		o.Agent = "Test/1"
	})
	if to := h.sess.(codec.Dialled).Target(); to != (codec.Target{Address: "[2001:db8::5]:8554", Tunnelled: true}) {
		t.Errorf("target %+v", to)
	}
	for _, in := range []string{
		camOK(), camDescribes(camSDP, "Content-Base: rtsp://[2001:db8::5]:8554/live/"), camOK(setUp0, sid), camOK(setUp2), camOK(),
	} {
		h.feed([]byte(strings.ReplaceAll(in, "CSEQ", fmt.Sprint(h.sess.(*pull).cseq))))
	}
	h.out = h.sess.AppendEnd(h.out, codec.CauseShutdown, "")
	want := crlf(`OPTIONS rtsp://[2001:db8::5]:8554/live?a=b RTSP/1.0
CSeq: 1
User-Agent: Test/1

DESCRIBE rtsp://[2001:db8::5]:8554/live?a=b RTSP/1.0
CSeq: 2
User-Agent: Test/1
Accept: application/sdp

SETUP rtsp://[2001:db8::5]:8554/live/trackID=1 RTSP/1.0
CSeq: 3
User-Agent: Test/1
Transport: RTP/AVP/TCP;unicast;interleaved=0-1

SETUP rtsp://[2001:db8::5]:8554/live/trackID=2 RTSP/1.0
CSeq: 4
User-Agent: Test/1
Session: 12345678
Transport: RTP/AVP/TCP;unicast;interleaved=2-3

PLAY rtsp://[2001:db8::5]:8554/live/ RTSP/1.0
CSeq: 5
User-Agent: Test/1
Session: 12345678
Range: npt=0.000-

TEARDOWN rtsp://[2001:db8::5]:8554/live/ RTSP/1.0
CSeq: 6
User-Agent: Test/1
Session: 12345678

`)
	if got := string(h.out); got != want {
		t.Errorf("said %q\nwant %q", got, want)
	}
}

// Cameras and servers, and what each of them does otherwise.
func TestPullOfCameras(t *testing.T) {
	first := func(more ...turn) []turn { return append(toPlay()[:1], more...) }
	second := func(more ...turn) []turn { return append(toPlay()[:2], more...) }
	alone := func(in string) []turn {
		return first(turn{camDescribes(soundSDP), "SETUP rtsp://cam/live"}, turn{in, "PLAY rtsp://cam/live"}, turn{camOK(), ""})
	}
	for _, c := range []pulled{
		{name: "ordinary", turns: toPlayAnd(
			turn{frame(0, rtpOf(1)) + frame(2, rtpOf(2)) + frame(3, srOf), ""}),
			events: "Header; " + packetEvent(0, rtpOf(1)) + "; " + packetEvent(2, rtpOf(2)) + "; " + packetEvent(3, srOf), end: tearsDown},
		{name: "silent", turns: toPlayAnd(), end: tearsDown},
		{name: "report_first", turns: toPlayAnd(turn{frame(1, srOf) + frame(0, rtpOf(1)), ""}),
			events: "Header; " + packetEvent(1, srOf) + "; " + packetEvent(0, rtpOf(1)), end: tearsDown},
		{name: "only_reports", turns: toPlayAnd(turn{frame(0, rtpOf(1)) + strings.Repeat(frame(1, srOf)+frame(3, srOf), 3) + frame(2, rtpOf(2)) + frame(1, srOf), ""}),
			events: "Header; " + packetEvent(0, rtpOf(1)) + "; " + packetEvent(1, srOf) + "; " + packetEvent(3, srOf) + "; " + packetEvent(2, rtpOf(2)) + "; " + packetEvent(1, srOf), end: tearsDown},
		{name: "receives", turns: toPlayAnd(turn{frame(0, rtpOf(1)) + frame(1, byeOf[:8]) + frame(1, srOf), ""}),
			events: "Header; " + packetEvent(0, rtpOf(1)) + "; " + packetEvent(1, srOf), end: tearsDown},
		{name: "eager", turns: append(toPlay()[:4], turn{frame(0, rtpOf(1)), ""}, turn{camOK() + frame(0, rtpOf(2)), ""}),
			events: "Header; " + packetEvent(0, rtpOf(1)) + "; " + packetEvent(0, rtpOf(2)), end: tearsDown},
		{name: "too_eager", turns: append(toPlay()[:3], turn{frame(0, rtpOf(1)), ""}), end: "TEARDOWN rtsp://cam/live/|Session: 12345678"},

		// OPTIONS that is not known, or not allowed (Foscam).
		{name: "foscam", turns: []turn{{camAnswers("501 Not Implemented"), "DESCRIBE rtsp://cam/live"}}},
		{name: "no_options", turns: []turn{{camAnswers("405 Method Not Allowed"), "DESCRIBE rtsp://cam/live"}}},
		{name: "options_for_nobody", turns: []turn{{camAnswers("401 Unauthorized"), "DESCRIBE rtsp://cam/live|!Authorization"}}},

		// Channels.
		{name: "other_channels", turns: second(
			turn{camOK("Transport: RTP/AVP/TCP;unicast;interleaved=4-5", sid), "SETUP rtsp://cam/live/trackID=2"},
			turn{camOK("Transport: RTP/AVP/TCP;interleaved=2-3"), "PLAY rtsp://cam/live/"},
			turn{camOK() + frame(4, rtpOf(1)) + frame(0, rtpOf(9)) + frame(5, srOf) + frame(2, rtpOf(2)), ""}),
			events: "Header; " + packetEvent(0, rtpOf(1)) + "; " + packetEvent(1, srOf) + "; " + packetEvent(2, rtpOf(2)), end: tearsDown},
		{name: "single_channel", turns: append(alone(camOK("Transport: RTP/AVP/TCP;unicast;interleaved=7", sid)), turn{frame(7, rtpOf(1)), ""}),
			events: "Header; " + packetEvent(0, rtpOf(1)), end: "TEARDOWN rtsp://cam/live|Session: 12345678"},
		{name: "no_channels", turns: append(alone(camOK("Transport: RTP/AVP/TCP;unicast", sid)), turn{frame(0, rtpOf(1)), ""}),
			events: "Header; " + packetEvent(0, rtpOf(1)), end: "TEARDOWN rtsp://cam/live"},
		{name: "no_transport", turns: append(alone(camOK(sid)), turn{frame(0, rtpOf(1)), ""}),
			events: "Header; " + packetEvent(0, rtpOf(1)), end: "TEARDOWN rtsp://cam/live"},
		{name: "escam", turns: append(alone(camOK("Transport: RTP/AVP;unicast;interleaved=0-1", sid)), turn{frame(0, rtpOf(1)), ""}),
			events: "Header; " + packetEvent(0, rtpOf(1)), end: "TEARDOWN rtsp://cam/live"},
		{name: "UDP_all_the_same", turns: second(turn{camOK("Transport: RTP/AVP;unicast;client_port=1-2;server_port=3-4", sid), ""}),
			events: `Bad: the source wants to send over UDP, although TCP was asked for: its Transport is "RTP/AVP;unicast;client_port=1-2;server_port=3-4"`, end: "TEARDOWN rtsp://cam/live/"},
		{name: "one_channel_for_two", turns: second(turn{camOK(setUp0, sid), "SETUP rtsp://cam/live/trackID=2"}, turn{camOK(setUp0), ""}),
			events: "Bad: the source gives track 2 the channels 0 and 1, and one of them is another track's", end: tearsDown},

		// Addresses.
		{name: "inner_host", turns: first(turn{camDescribes(camSDP, "Content-Base: rtsp://10.0.0.5:554/live/"), "SETUP rtsp://cam/live/trackID=1"})},
		{name: "inner_host_in_tracks", turns: first(turn{camDescribes(strings.ReplaceAll(camSDP, "control:track", "control:rtsp://admin:secret@10.0.0.5/x/track")), "SETUP rtsp://cam/x/trackID=1|!Authorization"})},
		{name: "base_without_slash", turns: first(turn{camDescribes(camSDP, "Content-Base: rtsp://cam/live"), "SETUP rtsp://cam/live/trackID=1"})},
		{name: "reolink", turns: first(turn{camDescribes(camSDP, "Content-Base: rtsp://cam//"), "SETUP rtsp://cam//trackID=1"})},
		{name: "no_base", turns: first(turn{camDescribes(camSDP), "SETUP rtsp://cam/live/trackID=1"})},
		{name: "location", turns: first(turn{camDescribes(camSDP, "Content-Location: rtsp://cam/y/"), "SETUP rtsp://cam/y/trackID=1"})},
		{name: "base_in_description", turns: first(turn{camDescribes(strings.Replace(camSDP, "control:*", "control:rtsp://10.0.0.5/z", 1), "Content-Base: rtsp://cam/live/"), "SETUP rtsp://cam/z/trackID=1"})},
		{name: "query", turns: first(turn{camDescribes(strings.ReplaceAll(camSDP, "trackID=", "?ctype="), "Content-Base: rtsp://cam/live"), "SETUP rtsp://cam/live?ctype=1"})},
		{name: "rooted", turns: first(turn{camDescribes(strings.ReplaceAll(camSDP, "trackID=", "/trackID="), "Content-Base: rtsp://cam/live/"), "SETUP rtsp://cam/live/trackID=1"})},
		{name: "blanks", turns: first(turn{camDescribes(strings.ReplaceAll(camSDP, "trackID=", "track ü "), "Content-Base: rtsp://cam/live/"), "SETUP rtsp://cam/live/track%20%C3%BC%201"})},
		{name: "endless_address", turns: first(turn{camDescribes(camSDP, "Content-Base: rtsp://cam/"+strings.Repeat("x", 5000)), ""}),
			events: "Bad: the source gives its stream or a track an address of 5011 bytes"},

		// Tracks that are not wanted.
		{name: "onvif", turns: first(
			turn{camDescribes(camSDP + "a=recvonly\nm=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\na=control:trackID=3\nm=audio 0 RTP/AVP 0\na=control:trackID=4\na=sendonly\n"), "SETUP rtsp://cam/live/trackID=1"},
			turn{camOK(setUp0, sid), "SETUP rtsp://cam/live/trackID=2"},
			turn{camOK(setUp2, sid), "PLAY rtsp://cam/live"}), end: "TEARDOWN rtsp://cam/live"},
		{name: "sends_only", turns: first(turn{camDescribes("v=0\na=sendonly\n" + camSDP), "SETUP rtsp://cam/live/trackID=1"}, turn{camOK(setUp0), "SETUP rtsp://cam/live/trackID=2"}),
			end: "TEARDOWN rtsp://cam/live"},
		{name: "metadata_alone", turns: first(turn{camDescribes("v=0\nm=application 0 RTP/AVP 107\n"), ""}),
			events: "Bad: the source's description (SDP) has no track to pull: only data, and neither pictures nor sound"},
		{name: "encrypted", turns: first(turn{camDescribes("v=0\nm=video 0 RTP/SAVP 96\n"), ""}),
			events: "Bad: track 1 of the description (SDP), video, is encrypted (SRTP), and there is no key to read it with"},
		{name: "nothing_described", turns: first(turn{camOK(), ""}), events: "Bad: the source answered DESCRIBE without a description"},
		{name: "no_tracks", turns: first(turn{camDescribes("v=0\n"), ""}), events: "Bad: the description (SDP) names no media: it has no m= line"},

		// Sessions.
		{name: "no_session", turns: alone(camOK(setUp0)), end: "TEARDOWN rtsp://cam/live|!Session"},
		{name: "session_with_blanks", turns: alone(camOK(setUp0, "Session:  ab-c ; timeout = 30 ")), end: "TEARDOWN rtsp://cam/live|Session: ab-c\r\n"},
		{name: "endless_session", turns: second(turn{camOK(setUp0, "Session: "+strings.Repeat("x", 300)), ""}),
			events: "Bad: the id of the source's session has 300 bytes"},

		// Refusals.
		{name: "not_found", turns: first(turn{camAnswers("404 Not Found"), ""}), events: "Bad: the source answered 404 Not Found to DESCRIBE"},
		{name: "says_why", turns: first(turn{camAnswers("404 Not Found", "Content-Type: text/plain; charset=utf-8", "Content-Length: 34") + "the stream has no source now\nx\ny\n\n", ""}),
			events: `Bad: the source answered 404 Not Found to DESCRIBE: it says "the stream has no source now"`},
		{name: "says_too_much", turns: first(turn{camAnswers("404 Not Found", "Content-Type: text/plain", "Content-Length: 100") + strings.Repeat("x", 100), ""}),
			events: `Bad: the source answered 404 Not Found to DESCRIBE: it says "` + strings.Repeat("x", 64) + `…"`},
		{name: "says_a_page", turns: first(turn{camAnswers("404 Not Found", "Content-Type: text/html", "Content-Length: 6") + "<html>", ""}), events: "Bad: the source answered 404 Not Found to DESCRIBE"},
		{name: "no_reason", turns: first(turn{camAnswers("503"), ""}), events: "Bad: the source answered 503 to DESCRIBE"},
		{name: "full", turns: append(toPlay()[:4], turn{camAnswers("453 Not Enough Bandwidth"), ""}), events: "Bad: the source answered 453 Not Enough Bandwidth to PLAY", end: tearsDown},

		// Answers.
		{name: "go2rtc", turns: []turn{{camSays("RTSP/1.0 200 OK", "Cseq: 1"), "DESCRIBE rtsp://cam/live"}}},
		{name: "no_cseq", turns: []turn{{camSays("RTSP/1.0 200 OK"), "DESCRIBE rtsp://cam/live"}}},
		{name: "lone_LF", turns: []turn{{"RTSP/1.0 200 OK\nCSeq: 1\n\n", "DESCRIBE rtsp://cam/live"}}},
		{name: "odd_lines", turns: []turn{{camSays("RTSP/1.0 200 OK", "CSeq: 1", "no field at all", " folded"), "DESCRIBE rtsp://cam/live"}}},
		{name: "interim", turns: []turn{{camAnswers("100 Continue"), ""}, {camOK(), "DESCRIBE rtsp://cam/live"}}},
		{name: "only_interim", turns: []turn{{strings.Repeat(camAnswers("100 Continue"), 11), ""}}, events: "Bad: the source has sent 11 interim answers and no final one"},
		{name: "twice", turns: first(turn{camSays("RTSP/1.0 200 OK", "CSeq: 1"), ""}, turn{camDescribes(camSDP), "SETUP rtsp://cam/live/trackID=1"})},
		{name: "not_RTSP", turns: []turn{{"SSH-2.0-OpenSSH\r\n\r\n", ""}}, events: `Bad: the source's answer is not RTSP: the first line is not a request: "SSH-2.0-OpenSSH"`},
		{name: "HTTP", turns: []turn{{"HTTP/1.0 400 Bad Request\r\n\r\n", ""}},
			events: `Bad: the source's answer is not RTSP: it is HTTP, "HTTP/1.0 400 Bad Request": another port may be for RTSP, or this one wants TLS (rtsps://)`},
		{name: "TLS", turns: []turn{{"\x15\x03\x01", ""}}, events: "Bad: the source speaks TLS on this port: its address must begin with rtsps://"},

		// Ends.
		{name: "goodbye", turns: toPlayAnd(turn{frame(0, rtpOf(1)) + frame(2, rtpOf(2)) + frame(1, byeOf), ""}, turn{frame(3, byeOf), tearsDown}),
			events: "Header; " + packetEvent(0, rtpOf(1)) + "; " + packetEvent(2, rtpOf(2)) + "; Finish"},
		{name: "teardown", turns: toPlayAnd(turn{camSays("TEARDOWN rtsp://cam/live RTSP/1.0", "CSeq: 1"), tearsDown}), events: "Finish"},

		// Requests of the source.
		{name: "asks", turns: toPlayAnd(
			turn{camSays("OPTIONS * RTSP/1.0", "CSeq: 77"), "RTSP/1.0 200 OK|CSeq: 77"},
			turn{frame(0, rtpOf(1)) + camSays("GET_PARAMETER rtsp://cam/live RTSP/1.0", "CSeq: 78", "Content-Length: 3") + "abc" + frame(0, rtpOf(2)), "RTSP/1.0 200 OK|CSeq: 78"},
			turn{camSays("ANNOUNCE rtsp://cam/live RTSP/1.0", "CSeq: 79", "Content-Length: 0"), "RTSP/1.0 501 Not Implemented|CSeq: 79"}),
			events: "Header; " + packetEvent(0, rtpOf(1)) + "; " + packetEvent(0, rtpOf(2)), end: tearsDown},
		{name: "sends_on_later", turns: toPlayAnd(turn{camSays("REDIRECT rtsp://cam/live RTSP/1.0", "CSeq: 1", "Location: rtsp://other/live"), ""}), events: "Redial", end: tearsDown},
	} {
		t.Run(c.name, c.run)
	}
}
