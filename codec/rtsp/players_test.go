package rtsp

import (
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
)

// What viewers write is as captured: ffmpeg 5.1.9, VLC 3.0.24 with live555, GStreamer
// 1.22, MPlayer 1.5, openRTSP.
const (
	ffmpegDescribe = `DESCRIBE rtsp://127.0.0.1:8554/live RTSP/1.0
Accept: application/sdp
CSeq: 2
User-Agent: Lavf59.27.100

`
	ffmpegSetup = `SETUP rtsp://127.0.0.1:8554/live/trackID=0 RTSP/1.0
Transport: RTP/AVP/TCP;unicast;interleaved=0-1
CSeq: 3
User-Agent: Lavf59.27.100

`
	ffmpegSetup2 = `SETUP rtsp://127.0.0.1:8554/live/trackID=1 RTSP/1.0
Transport: RTP/AVP/TCP;unicast;interleaved=2-3
CSeq: 4
User-Agent: Lavf59.27.100
Session: 0000000000004242

`
	ffmpegPlay = `PLAY rtsp://127.0.0.1:8554/live/ RTSP/1.0
Range: npt=0.000-
CSeq: 5
User-Agent: Lavf59.27.100
Session: 0000000000004242

`
	ffmpegTeardown = `TEARDOWN rtsp://127.0.0.1:8554/live/ RTSP/1.0
CSeq: 6
User-Agent: Lavf59.27.100
Session: 0000000000004242

`
)

const (
	describeAnswer = `RTSP/1.0 200 OK
CSeq: 2
Server: Stream-Pump
Content-Base: rtsp://127.0.0.1:8554/live/
Content-Type: application/sdp
Cache-Control: no-cache
Content-Length: `
	setupAnswer = `RTSP/1.0 200 OK
CSeq: 3
Server: Stream-Pump
Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=%08X
` + viewerSession + "\n\n"
)

// request is one of a client that says no more than it must.
func ask(method, url string, cseq int, fields ...string) string {
	s := fmt.Sprintf("%s %s RTSP/1.0\nCSeq: %d\n", method, url, cseq)
	for _, f := range fields {
		s += f + "\n"
	}
	return s + "\n"
}

// says is the beginning of an answer.
func says(cseq int, status string) string {
	return fmt.Sprintf("RTSP/1.0 %s\nCSeq: %d\nServer: Stream-Pump\n", status, cseq)
}

const tcp = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"

// played are the first requests of a viewer of both tracks, up to CSeq 3.
func played() []exchange {
	return []exchange{
		{in: ask("SETUP", "rtsp://h/live/trackID=0", 1, tcp), answer: says(1, "200 OK"), has: viewerSession},
		{in: ask("SETUP", "rtsp://h/live/trackID=1", 2, tcp, viewerSession), answer: says(2, "200 OK"), has: viewerSession},
		{in: ask("PLAY", "rtsp://h/live/", 3, viewerSession), answer: says(3, "200 OK") + viewerSession + "\n\n"},
	}
}

const playingEvents = "Describe live; Describe session=0x4242 live; Play session=0x4242 live"

func TestPlayers(t *testing.T) {
	never := []string{"rtp-info", "LIBAVFORMAT", "192.0.2.77", "destination"}
	for _, c := range []conversation{
		{name: "ffmpeg", hasNot: never, next: codec.Close,
			talk: []exchange{
				{in: "OPTIONS rtsp://127.0.0.1:8554/live RTSP/1.0\nCSeq: 1\nUser-Agent: Lavf59.27.100\n\n", answer: says(1, "200 OK") + "Public: " + allowed + "\n\n"},
				{in: ffmpegDescribe, answer: describeAnswer, has: "c=IN IP4 0.0.0.0|a=control:*|a=control:rtsp://127.0.0.1:8554/live/trackID=0|a=control:rtsp://127.0.0.1:8554/live/trackID=1"},
				{in: ffmpegSetup, answer: fmt.Sprintf(setupAnswer, bothMedia.tracks()[0].ssrc)},
				{in: ffmpegSetup2, answer: says(4, "200 OK") + fmt.Sprintf("Transport: RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=%08X\n", bothMedia.tracks()[1].ssrc)},
				{in: ffmpegPlay, answer: says(5, "200 OK") + viewerSession + "\n\n"},
				{in: ffmpegTeardown, answer: says(6, "200 OK")},
			},
			events: "Reply; Describe live; Describe session=0x4242 live; Describe session=0x4242 live; Play session=0x4242 live; Stop session=0x4242 live"},
		{name: "VLC_tries_UDP_first", next: codec.Stream, hasNot: never,
			talk: []exchange{
				{in: "OPTIONS rtsp://127.0.0.1:8554/live RTSP/1.0\nCSeq: 2\nUser-Agent: LibVLC/3.0.24 (LIVE555 Streaming Media v2026.06.24)\n\n", answer: says(2, "200 OK")},
				{in: "DESCRIBE rtsp://127.0.0.1:8554/live RTSP/1.0\nCSeq: 3\nUser-Agent: LibVLC/3.0.24 (LIVE555 Streaming Media v2026.06.24)\nAccept: application/sdp\n\n", answer: says(3, "200 OK")},
				{in: "SETUP rtsp://127.0.0.1:8554/live/trackID=0 RTSP/1.0\nCSeq: 4\nUser-Agent: LibVLC/3.0.24 (LIVE555 Streaming Media v2026.06.24)\nTransport: RTP/AVP;unicast;client_port=33862-33863\n\n",
					answer: says(4, "461 Unsupported Transport") + "\n"},
				{in: "SETUP rtsp://127.0.0.1:8554/live/trackID=0 RTSP/1.0\nCSeq: 5\nUser-Agent: LibVLC/3.0.24 (LIVE555 Streaming Media v2026.06.24)\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\n\n",
					answer: says(5, "200 OK"), has: viewerSession},
				{in: "PLAY rtsp://127.0.0.1:8554/live/ RTSP/1.0\nCSeq: 6\nSession: 0000000000004242\nRange: npt=0.000-\n\n", answer: says(6, "200 OK")},
			},
			events: "Reply; Describe live; Reply live; Describe session=0x4242 live; Play video session=0x4242 live"},
		{name: "GStreamer_two_agents_and_multicast", next: codec.Keep,
			talk: []exchange{
				{in: "OPTIONS rtsp://127.0.0.1:8554/live RTSP/1.0\nCSeq: 1\nUser-Agent: GStreamer/1.22.0\nClientChallenge: 9e26d33f2984236010ef6253fb1887f7\nPlayerStarttime: [28/03/2003:22:50:23 00:00]\nUser-Agent: RealMedia Player Version 6.0.9.1235 (linux-2.0-libc6-i386-gcc2.95)\n\n", answer: says(1, "200 OK")},
				{in: "SETUP rtsp://127.0.0.1:8554/live/trackID=1 RTSP/1.0\nCSeq: 4\nUser-Agent: GStreamer/1.22.0\nTransport: RTP/AVP;unicast;client_port=51196-51197\nSession: 5E550005\nDate: Sun, 29 Nov 2026 06:44:27 GMT\n\n",
					answer: says(4, "461 Unsupported Transport")},
				{in: ask("SETUP", "rtsp://127.0.0.1:8554/live/trackID=1", 5, "Transport: RTP/AVP;multicast"), answer: says(5, "461 Unsupported Transport")},
				{in: ask("SETUP", "rtsp://127.0.0.1:8554/live/trackID=1", 6, "Transport: RTP/AVP;unicast;client_port=1-2,RTP/AVP/TCP;unicast;interleaved=2-3"), answer: says(6, "200 OK") + "Transport: RTP/AVP/TCP;unicast;interleaved=2-3;"},
			},
			events: "Reply; Reply live; Reply live; Describe live"},
		{name: "MPlayer_asks_without_a_path", next: codec.Keep,
			talk: []exchange{
				{in: "OPTIONS rtsp://127.0.0.1:8554 RTSP/1.0\nCSeq: 1\nUser-Agent: RealMedia Player Version 6.0.9.1235 (linux-2.0-libc6-i386-gcc2.95)\nClientChallenge: 9e26d33f2984236010ef6253fb1887f7\n\n", answer: says(1, "200 OK"), has: "Public: " + allowed},
				{in: ask("OPTIONS", "*", 2), answer: says(2, "200 OK"), has: "Public: " + allowed},
			},
			events: "Reply; Reply"},
		{name: "only_the_sound_with_numbers_of_its_own", next: codec.Stream, hasNot: []string{"168"},
			talk: []exchange{
				{in: ask("SETUP", "rtsp://h/live/trackID=1", 1, "Transport: RTP/AVP/TCP;unicast;interleaved=168-169"), answer: says(1, "200 OK") + "Transport: RTP/AVP/TCP;unicast;interleaved=2-3;"},
				{in: ask("PLAY", "rtsp://h/live/trackID=1", 2, viewerSession), answer: says(2, "200 OK")},
			},
			events: "Describe live; Play audio session=0x4242 live"},
		{name: "the_tracks_in_the_other_order", next: codec.Stream,
			talk: []exchange{
				{in: ask("SETUP", "rtsp://h/live/trackID=1", 1, "Transport: RTP/AVP/TCP;unicast"), answer: says(1, "200 OK") + "Transport: RTP/AVP/TCP;unicast;interleaved=2-3;"},
				{in: ask("SETUP", "rtsp://h/live/trackID=0", 2, "Transport: RTP/AVP/TCP;unicast;interleaved=2-3"), answer: says(2, "200 OK") + "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;"},
				{in: ask("PLAY", "rtsp://h/live", 3), answer: says(3, "200 OK")},
			},
			events: playingEvents},
		{name: "a_track_of_one_at_the_streams_address", next: codec.Stream,
			talk: []exchange{
				{in: ask("SETUP", "rtsp://h/radio", 1, tcp), answer: says(1, "200 OK")},
				{in: ask("SETUP", "rtsp://h/radio/", 2, tcp), answer: says(2, "200 OK")},
				{in: ask("PLAY", "rtsp://h/radio", 3), answer: says(3, "200 OK")},
			},
			events: "Describe radio; Describe session=0x4242 radio; Play session=0x4242 radio"},
		{name: "joined_addresses", next: codec.Keep,
			talk: []exchange{
				{in: ask("DESCRIBE", "rtsp://h/live/?x=1", 1), answer: says(1, "200 OK"), has: "Content-Base: rtsp://h/live/|a=control:rtsp://h/live/trackID=0"},
				{in: ask("SETUP", "rtsp://h/live?x=1/trackID=0", 2, tcp), answer: says(2, "200 OK")},
				{in: ask("SETUP", "rtsp://h/live/trackID=1?x=1", 3, tcp, viewerSession), answer: says(3, "200 OK") + "Transport: RTP/AVP/TCP;unicast;interleaved=2-3;"},
			},
			events: "Describe live; Describe session=0x4242 live; Describe session=0x4242 live"},
		{name: "IPv6", next: codec.Keep,
			talk:   []exchange{{in: ask("DESCRIBE", "rtsp://[2001:db8::1]:554/streams/live", 1), answer: says(1, "200 OK"), has: "Content-Base: rtsp://[2001:db8::1]:554/streams/live/|a=control:rtsp://[2001:db8::1]:554/streams/live/trackID=1"}},
			events: "Describe live"},
		{name: "twice_the_same_and_an_unknown_track", next: codec.Keep,
			talk: []exchange{
				{in: ask("SETUP", "rtsp://h/live/trackID=0", 1, tcp), answer: says(1, "200 OK")},
				{in: ask("SETUP", "rtsp://h/live/trackID=0", 2, tcp), answer: says(2, "200 OK")},
				{in: ask("SETUP", "rtsp://h/live/trackID=2", 3, tcp), answer: says(3, "404 Not Found")},
				{in: ask("SETUP", "rtsp://h/live", 4, tcp), answer: says(4, "459 Aggregate Operation Not Allowed")},
				{in: ask("SETUP", "rtsp://h/radio", 5, tcp), answer: says(5, "459 Aggregate Operation Not Allowed")},
			},
			events: "Describe live; Describe session=0x4242 live; Describe session=0x4242 live; Describe session=0x4242 live; Reply radio"},
		{name: "another_session", next: codec.Keep,
			talk: []exchange{
				{in: ask("SETUP", "rtsp://h/live/trackID=0", 1, tcp, "Session: invented"), answer: says(1, "200 OK"), has: viewerSession},
				{in: ask("SETUP", "rtsp://h/live/trackID=1", 2, tcp, "Session: invented"), answer: says(2, "454 Session Not Found")},
				{in: ask("PLAY", "rtsp://h/live", 3, "Session: 0000000000004243"), answer: says(3, "454 Session Not Found")},
				{in: ask("GET_PARAMETER", "rtsp://h/live", 4, "Session: 1"), answer: says(4, "454 Session Not Found")},
			},
			events: "Describe live; Reply; Reply; Reply"},
		{name: "an_invented_session_after_DESCRIBE", next: codec.Keep,
			talk: []exchange{
				{in: ask("DESCRIBE", "rtsp://h/live", 1, "Session: 7"), answer: says(1, "200 OK")},
				{in: ask("SETUP", "rtsp://h/live/trackID=0", 2, tcp, "Session: 7"), answer: says(2, "200 OK"), has: viewerSession},
			},
			events: "Describe live; Describe session=0x4242 live"},
		{name: "record_by_a_viewer", next: codec.Keep,
			talk: []exchange{
				{in: ask("SETUP", "rtsp://h/live/trackID=0", 1, tcp+";mode=record"), answer: says(1, "455 Method Not Valid in This State")},
				{in: ask("SETUP", "rtsp://h/live/trackID=0", 2, tcp), answer: says(2, "200 OK")},
				{in: ask("SETUP", "rtsp://h/live/trackID=1", 3, tcp+`;mode="RECORD"`), answer: says(3, "455 Method Not Valid in This State")},
				{in: ask("RECORD", "rtsp://h/live", 4, viewerSession), answer: says(4, "455 Method Not Valid in This State")},
				{in: ask("ANNOUNCE", "rtsp://h/live", 5, viewerSession), answer: says(5, "455 Method Not Valid in This State")},
			},
			events: "Reply live; Describe live; Reply live; Reply live; Reply live"},
		{name: "while_playing", next: codec.Keep,
			talk: append(played(),
				exchange{in: frame(1, "\x81\xc9\x00\x07aaaabbbbccccddddeeeeffffgggg") + ask("GET_PARAMETER", "rtsp://h/live/", 4, viewerSession), answer: says(4, "200 OK") + viewerSession + "\n\n"},
				exchange{in: ask("OPTIONS", "rtsp://h/live/", 5, viewerSession), answer: says(5, "200 OK"), has: viewerSession},
				exchange{in: frame(0, "\x80\x60") + frame(9, "") + frame(1, "\x80\xc9\x00\x01aaaa\x81\xcb\x00\x01aaaa") + ask("SET_PARAMETER", "rtsp://h/live/", 6, viewerSession, "Content-Length: 3") + "a:b", answer: says(6, "200 OK"), has: viewerSession},
				exchange{in: ask("PLAY", "rtsp://h/live/", 7, viewerSession, "Range: npt=30-", "Scale: 2"), answer: says(7, "200 OK"), has: viewerSession},
				exchange{in: ask("SETUP", "rtsp://h/live/trackID=0", 8, tcp, viewerSession), answer: says(8, "455 Method Not Valid in This State")},
				exchange{in: ask("DESCRIBE", "rtsp://h/radio", 9), answer: says(9, "200 OK")},
				exchange{in: "RTSP/1.0 501 Not Implemented\nCSeq: 1\nContent-Length: 2\n\nxy" + ask("PAUSE", "rtsp://h/live/trackID=0", 10), answer: says(10, "460 Only Aggregate Operation Allowed")},
				exchange{in: ask("TEARDOWN", "rtsp://h/live/trackID=0", 11), answer: says(11, "460 Only Aggregate Operation Allowed")},
			),
			events: playingEvents + "; Reply; Reply; Reply; Reply live; Reply live; Describe session=0x4242 radio; Reply live; Reply live"},
		{name: "pause_and_go_on", next: codec.Stream,
			talk: append(played(),
				exchange{in: ask("PAUSE", "rtsp://h/live/", 4, viewerSession), answer: says(4, "200 OK"), has: viewerSession},
				exchange{in: ask("PAUSE", "rtsp://h/live/", 5, viewerSession), answer: says(5, "200 OK")},
				exchange{in: ask("PLAY", "rtsp://h/live/", 6, viewerSession), answer: says(6, "200 OK")},
			),
			events: playingEvents + "; Halt session=0x4242 live; Reply live; Play session=0x4242 live"},
		{name: "teardown", next: codec.Close,
			talk: append(played(),
				exchange{in: ask("TEARDOWN", "rtsp://h/live/", 4, viewerSession) + ask("OPTIONS", "*", 5), answer: says(4, "200 OK") + viewerSession + "\n\n"}),
			events: playingEvents + "; Stop session=0x4242 live"},
		{name: "teardown_before_play", next: codec.Close,
			talk: []exchange{
				{in: ask("SETUP", "rtsp://h/live/trackID=0", 1, tcp), answer: says(1, "200 OK")},
				{in: ask("TEARDOWN", "rtsp://h/live/", 2, viewerSession), answer: says(2, "200 OK")},
			},
			events: "Describe live; Reply live"},
		{name: "nothing_is_set_up", next: codec.Keep,
			talk: []exchange{
				{in: ask("PLAY", "rtsp://h/live", 1), answer: says(1, "455 Method Not Valid in This State")},
				{in: ask("PAUSE", "rtsp://h/live", 2), answer: says(2, "455 Method Not Valid in This State")},
				{in: ask("DESCRIBE", "rtsp://h/live", 3), answer: says(3, "200 OK")},
				{in: ask("PLAY", "rtsp://h/live", 4), answer: says(4, "455 Method Not Valid in This State")},
			},
			events: "Reply live; Reply live; Describe live; Reply live"},
		{name: "another_streams_play", next: codec.Keep,
			talk: []exchange{
				{in: ask("SETUP", "rtsp://h/live/trackID=0", 1, tcp), answer: says(1, "200 OK")},
				{in: ask("SETUP", "rtsp://h/live/trackID=1", 2, tcp), answer: says(2, "200 OK")},
				{in: ask("PLAY", "rtsp://h/radio", 3), answer: says(3, "404 Not Found")},
				{in: ask("PLAY", "rtsp://h/live/trackID=0", 4), answer: says(4, "460 Only Aggregate Operation Allowed")},
			},
			events: "Describe live; Describe session=0x4242 live; Reply radio; Reply live"},
		{name: "a_look_at_another_stream", next: codec.Stream,
			talk: []exchange{
				{in: ask("SETUP", "rtsp://h/live/trackID=1", 1, tcp), answer: says(1, "200 OK")},
				{in: ask("DESCRIBE", "rtsp://h/radio", 2), answer: says(2, "200 OK")},
				{in: ask("PLAY", "rtsp://h/live", 3), answer: says(3, "200 OK")},
			},
			events: "Describe live; Describe session=0x4242 radio; Play audio session=0x4242 live"},
		{name: "pump", next: codec.Stream,
			talk: []exchange{
				{in: ask("SETUP", "rtsp://h/radio", 1, tcp, "User-Agent: StreamPump/1"), answer: says(1, "200 OK")},
				{in: ask("PLAY", "rtsp://h/radio", 2, "User-Agent: StreamPump/1"), answer: says(2, "200 OK")},
			},
			events: "Describe pump radio; Play pump session=0x4242 radio"},
	} {
		t.Run(c.name, c.run)
	}
}

// changing is a host whose stream gets another media when that is set.
func changing(now *codec.Media) *host {
	h := openServer()
	h.decide = func(ev *codec.Event) codec.Verdict {
		v := decide(ev)
		if v.Media != nil {
			v.Media = *now
		}
		return v
	}
	return h
}

// A viewer that described one programme is not let into another one, whose tracks are
// others; a description that is only more exact is the same programme's.
func TestStartedOver(t *testing.T) {
	both, sound := codec.Media(bothMedia), codec.Media(soundMedia)
	exact := codec.Media(bothMedia.withParams(0, 0, "packetization-mode=1"))
	for _, c := range []struct {
		name string
		say  []string // a request, what it is answered with, and the media from then on
		then []*codec.Media
		next codec.Next
	}{
		{"at_PLAY", []string{
			ask("DESCRIBE", "rtsp://h/live", 1), "200",
			ask("SETUP", "rtsp://h/live/trackID=0", 2, tcp), "200",
			ask("PLAY", "rtsp://h/live", 3), "454",
		}, []*codec.Media{&both, &sound, &sound}, codec.Close},
		{"at_SETUP", []string{
			ask("DESCRIBE", "rtsp://h/live", 1), "200",
			ask("SETUP", "rtsp://h/live/trackID=0", 2, tcp), "454",
		}, []*codec.Media{&sound, &sound}, codec.Close},
		{"described_anew", []string{
			ask("SETUP", "rtsp://h/live/trackID=0", 1, tcp), "200",
			ask("SETUP", "rtsp://h/live/trackID=1", 2, tcp), "200",
			ask("DESCRIBE", "rtsp://h/live", 3), "200",
			ask("PLAY", "rtsp://h/live", 4), "455", // what was set up is no longer there
			ask("SETUP", "rtsp://h/live", 5, tcp), "200",
			ask("PLAY", "rtsp://h/live", 6), "200",
		}, []*codec.Media{&both, &sound, &sound, &sound, &sound, &sound}, codec.Stream},
		{"only_more_exact", []string{
			ask("DESCRIBE", "rtsp://h/live", 1), "200",
			ask("SETUP", "rtsp://h/live/trackID=0", 2, tcp), "200",
			ask("DESCRIBE", "rtsp://h/live", 3), "200",
			ask("PLAY", "rtsp://h/live", 4), "200",
		}, []*codec.Media{&exact, &both, &exact, &exact}, codec.Stream},
	} {
		now := both
		h := changing(&now)
		for i, then := range c.then {
			was := len(h.out)
			h.feed([]byte(crlf(c.say[2*i])))
			if out := string(h.out[was:]); !strings.HasPrefix(out, "RTSP/1.0 "+c.say[2*i+1]) {
				t.Errorf("%s: %q is answered %q, want %s", c.name, c.say[2*i], out, c.say[2*i+1])
			}
			now = *then
		}
		if h.next != c.next {
			t.Errorf("%s: next is %d", c.name, h.next)
		}
	}
}

// A viewer that still plays the old programme, and has the new one described, gets the
// goodbyes of what it plays.
func TestDescribedWhilePlaying(t *testing.T) {
	now := codec.Media(bothMedia)
	h := changing(&now)
	for _, x := range played() {
		h.feed([]byte(crlf(x.in)))
	}
	now = soundMedia
	h.feed([]byte(crlf(ask("DESCRIBE", "rtsp://h/live", 4))))
	want := string(bothMedia.appendBye(bothMedia.appendBye(nil, 0), 1))
	if got := string(h.sess.AppendEnd(nil, codec.CauseEnded, "")); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
