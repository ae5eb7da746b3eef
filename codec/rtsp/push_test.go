package rtsp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/codec/rtp"
)

// announced is an ANNOUNCE of a description.
func announced(url string, cseq int, description string, fields ...string) string {
	body := crlf(description)
	return crlf(ask("ANNOUNCE", url, cseq, append(fields, fmt.Sprintf("Content-Length: %d", len(body)))...)) + body
}

// What ffmpeg and GStreamer's rtspclientsink push with, as captured.
const (
	ffmpegAgent   = "User-Agent: Lavf59.27.100"
	ffmpegOptions = "OPTIONS rtsp://127.0.0.1:8554/live RTSP/1.0\nCSeq: 1\nUser-Agent: Lavf59.27.100\n\n"
	ffmpegRecord  = "RECORD rtsp://127.0.0.1:8554/live RTSP/1.0\nRange: npt=0.000-\nCSeq: 5\nUser-Agent: Lavf59.27.100\nSession: 8000000000000099\n\n"
	sinkSDP       = `v=0
o=- 17600281612471930811 1 IN IP4 127.0.0.1
s=Session streamed with GStreamer
t=0 0
m=audio 0 RTP/AVP 96
c=IN IP4 0.0.0.0
a=rtpmap:96 MP4A-LATM/48000
a=fmtp:96 cpresent=0;config=400023203fc0
a=control:stream=1
m=video 0 RTP/AVP 96
c=IN IP4 0.0.0.0
a=rtpmap:96 H264/90000
a=framerate:25
a=control:stream=0
`
)

// What an encoder of pictures and sound sends.
var (
	picturePacket = rtpPacket(96, 0xC0FFEE01, "picture")
	soundPacket   = rtpPacket(97, 0x50D0, "sound")
	report        = string(rtp.AppendSenderReport(nil, rtp.SenderReport{SSRC: 0xC0FFEE01, NTP: 7, Time: 8}))
	byePic        = string(rtp.AppendBye(nil, 0xC0FFEE01))
	byeSnd        = string(rtp.AppendBye(nil, 0x50D0))
)

func rtpPacket(typ uint8, ssrc uint32, payload string) string {
	p := rtp.Packet{Type: typ, Seq: 1, Time: 2, SSRC: ssrc, Payload: []byte(payload)}
	return string(p.Append(nil))
}

// pushed are the first requests of an encoder of two tracks on channels 0 to 3, up to
// CSeq 5.
func pushed() string {
	return crlf(ffmpegOptions) + announced("rtsp://127.0.0.1:8554/live", 2, encoderSDP, "Content-Type: application/sdp", ffmpegAgent) +
		crlf("SETUP rtsp://127.0.0.1:8554/live/streamid=0 RTSP/1.0\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record\nCSeq: 3\n"+ffmpegAgent+"\n\n"+
			"SETUP rtsp://127.0.0.1:8554/live/streamid=1 RTSP/1.0\nTransport: RTP/AVP/TCP;unicast;interleaved=2-3;mode=record\nCSeq: 4\n"+ffmpegAgent+"\nSession: 8000000000000099\n\n"+
			ffmpegRecord)
}

const pushedEvents = "Reply; Setup live; Reply live; Reply live; Reply live; Publish session=0x8000000000000099 live"

// data is the event of a packet.
func data(channel int, packet string) string { return fmt.Sprintf("; Packet %d:%x", channel, packet) }

func TestPush(t *testing.T) {
	const url = "rtsp://h/live"
	setup := func(n, cseq int, transport string) string {
		return crlf(ask("SETUP", fmt.Sprintf("%s/streamid=%d", url, n), cseq, "Transport: "+transport))
	}
	record := func(cseq int) string { return crlf(ask("RECORD", url, cseq)) }
	announce := announced(url, 1, encoderSDP)
	const interleaved = "RTP/AVP/TCP;unicast;interleaved="
	for _, c := range []struct {
		name, in, events string
		has              string // lines of the answers, in order, separated by "|"
		next             codec.Next
	}{
		{"ffmpeg", pushed() + frame(3, report) + frame(1, report) + frame(0, picturePacket) + frame(2, soundPacket),
			pushedEvents + "; Header" + data(1, report) + data(3, report) + data(0, picturePacket) + data(2, soundPacket),
			"CSeq: 2|CSeq: 3|Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record|" + ingestSession + "|CSeq: 4|Transport: RTP/AVP/TCP;unicast;interleaved=2-3;mode=record|" + ingestSession + "|CSeq: 5|" + ingestSession, codec.Ingest},
		{"ffmpeg_tries_UDP_first", announce + setup(0, 2, "RTP/AVP/UDP;unicast;client_port=16732-16733;mode=record") + setup(0, 3, interleaved+"0-1;mode=record") + setup(1, 4, interleaved+"2-3;mode=record") + record(5),
			"Setup live; Reply live; Reply live; Reply live; Reply live; Publish session=0x8000000000000099 live", "RTSP/1.0 461 Unsupported Transport|CSeq: 2|RTSP/1.0 200 OK|CSeq: 3", codec.Ingest},
		{"rtspclientsink", announced(url, 1, sinkSDP, "Content-Type: application/sdp") +
			crlf(ask("SETUP", url+"/stream=1", 2, "Transport: "+interleaved+"0-1;mode=RECORD")+ask("SETUP", url+"/stream=0", 3, "Transport: "+interleaved+"2-3;mode=RECORD")) + record(4) +
			frame(2, picturePacket) + frame(0, soundPacket) + frame(3, report),
			"Setup live; Reply live; Reply live; Reply live; Publish session=0x8000000000000099 live; Header" + data(2, picturePacket) + data(0, soundPacket) + data(3, report), "CSeq: 4", codec.Ingest},
		{"no_type", announced(url, 1, "m=audio 0 RTP/AVP 0\n"), "Setup live; Reply live", "RTSP/1.0 200 OK|CSeq: 1", codec.Keep},
		{"type_with_parameters", announced(url, 1, encoderSDP, "Content-Type: Application/SDP; charset=utf-8"), "Setup live; Reply live", "CSeq: 1", codec.Keep},
		{"another_type", announced(url, 1, encoderSDP, "Content-Type: text/html"), `Bad: the encoder announces its stream as "text/html", and only application/sdp can be read`, "RTSP/1.0 415 Unsupported Media Type|CSeq: 1", codec.Close},
		{"no_media", announced(url, 1, "v=0\n"), "Setup live; Bad: the encoder's ANNOUNCE cannot be used: the description (SDP) names no media: it has no m= line", "RTSP/1.0 400 Bad Request|CSeq: 1", codec.Close},
		{"no_body", crlf(ask("ANNOUNCE", url, 1)), "Bad: the encoder's ANNOUNCE cannot be used: the description (SDP) names no media: it has no m= line", "RTSP/1.0 400 Bad Request", codec.Close},
		{"no_SETUP", announce + record(2), "Setup live; Reply live; Reply live", "RTSP/1.0 455 Method Not Valid in This State|CSeq: 2", codec.Keep},
		{"no_ANNOUNCE", record(2), "Reply live", "RTSP/1.0 455 Method Not Valid in This State|CSeq: 2", codec.Keep},
		{"one_track_of_two", announce + setup(1, 2, interleaved+"6-7") + record(3) + frame(7, report) + frame(6, soundPacket),
			"Setup live; Reply live; Reply live; Publish session=0x8000000000000099 live; Header" + data(1, report) + data(0, soundPacket), "CSeq: 3", codec.Ingest},
		{"the_encoders_address_of_the_other_protocol", announced("rtsp://h/streams/live_push", 1, encoderSDP), "Setup live; Reply live", "RTSP/1.0 200 OK", codec.Keep},
		{"channels_of_ours", announce + setup(1, 2, "RTP/AVP/TCP;unicast") + setup(0, 3, "RTP/AVP/TCP;unicast") + record(4) + frame(2, soundPacket),
			"Setup live; Reply live; Reply live; Reply live; Publish session=0x8000000000000099 live; Header" + data(2, soundPacket), "Transport: RTP/AVP/TCP;unicast;interleaved=2-3;mode=record|Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record", codec.Ingest},
		{"a_single_channel", announce + setup(0, 2, interleaved+"5"), "Setup live; Reply live; Reply live", "Transport: RTP/AVP/TCP;unicast;interleaved=5-6;mode=record", codec.Keep},
		{"channels_taken", announce + setup(0, 2, interleaved+"0-1") + setup(1, 3, interleaved+"1-2") + setup(1, 4, interleaved+"300-301") + setup(0, 5, interleaved+"1-2"),
			"Setup live; Reply live; Reply live; Reply live; Reply live; Reply live", "CSeq: 2|RTSP/1.0 400 Bad Request|CSeq: 3|RTSP/1.0 400 Bad Request|CSeq: 4|RTSP/1.0 200 OK|CSeq: 5|Transport: RTP/AVP/TCP;unicast;interleaved=1-2;mode=record", codec.Keep},
		{"channels_given_up", announce + setup(0, 2, interleaved+"0-1") + setup(0, 3, interleaved+"4-5") + setup(1, 4, interleaved+"0-1") + record(5) + frame(0, soundPacket) + frame(4, picturePacket),
			"Setup live; Reply live; Reply live; Reply live; Reply live; Publish session=0x8000000000000099 live; Header" + data(2, soundPacket) + data(0, picturePacket), "CSeq: 4|Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record|CSeq: 5", codec.Ingest},
		{"tracks_without_a_control", announced(url, 1, "m=video 0 RTP/AVP 26\nm=audio 0 RTP/AVP 0\n") + crlf(ask("SETUP", url, 2, "Transport: "+interleaved+"0-1")+ask("SETUP", url+"/x", 3, "Transport: "+interleaved+"2-3")+ask("SETUP", url+"/y", 4, "Transport: "+interleaved+"4-5")),
			"Setup live; Reply live; Reply live; Reply live; Reply live", "CSeq: 3|RTSP/1.0 404 Not Found|CSeq: 4", codec.Keep},
		{"absolute_controls", announced(url, 1, "m=video 0 RTP/AVP 96\na=control:"+url+"/b\nm=audio 0 RTP/AVP 97\na=control:"+url+"/b2/\n") + crlf(ask("SETUP", url+"/b2", 2, "Transport: "+interleaved+"0-1")+ask("SETUP", url+"/b", 3, "Transport: "+interleaved+"2-3")) + record(4) + frame(0, soundPacket),
			"Setup live; Reply live; Reply live; Reply live; Publish session=0x8000000000000099 live; Header" + data(2, soundPacket), "CSeq: 4", codec.Ingest},
		{"queries_behind_controls", announce + crlf(ask("SETUP", url+"/streamid=1?x=1", 2, "Transport: "+interleaved+"0-1")+ask("SETUP", url+"?x=1/streamid=0", 3, "Transport: "+interleaved+"2-3")) + record(4) + frame(0, soundPacket),
			"Setup live; Reply live; Reply live; Reply live; Publish session=0x8000000000000099 live; Header" + data(2, soundPacket), "CSeq: 4", codec.Ingest},
		{"controls_that_end_alike", announced(url, 1, "m=video 0 RTP/AVP 96\na=control:x/11\nm=audio 0 RTP/AVP 97\na=control:11\n") + crlf(ask("SETUP", url+"/x/11", 2, "Transport: "+interleaved+"0-1")+ask("SETUP", url+"/11", 3, "Transport: "+interleaved+"2-3")) + record(4) + frame(0, picturePacket),
			"Setup live; Reply live; Reply live; Reply live; Publish session=0x8000000000000099 live; Header" + data(0, picturePacket), "CSeq: 4", codec.Ingest},
		{"keep_alives", pushed() + frame(0, picturePacket) + crlf(ask("OPTIONS", "*", 6)+ask("GET_PARAMETER", url, 7, ingestSession)+ask("RECORD", url, 8)+ask("FLY", url, 9)+ask("SETUP", url+"/streamid=0", 10, tcp)+ask("ANNOUNCE", url, 11)+ask("PLAY", url, 12)+ask("DESCRIBE", url, 13)) + frame(0, picturePacket),
			pushedEvents + "; Header" + data(0, picturePacket) + "; Reply; Reply; Reply live; Reply; Reply live; Reply live; Reply live; Reply live" + data(0, picturePacket),
			"CSeq: 6|CSeq: 7|" + ingestSession + "|CSeq: 8|RTSP/1.0 501 Not Implemented|CSeq: 9|RTSP/1.0 455 Method Not Valid in This State|CSeq: 10|RTSP/1.0 455 Method Not Valid in This State|CSeq: 11|RTSP/1.0 455 Method Not Valid in This State|CSeq: 12|RTSP/1.0 455 Method Not Valid in This State|CSeq: 13", codec.Keep},
		{"what_is_no_packet_takes_nothing_over", pushed() + frame(0, "\x80") + frame(2, "") + frame(0, "\x00\x60aaaaaaaaaaaaaaaa") + frame(9, picturePacket) + frame(0, report) + frame(1, "\x80\xc8\x00\x09"), pushedEvents, "CSeq: 5", codec.Ingest},
		{"what_was_not_announced_takes_nothing_over", pushed() + strings.Repeat(frame(0, soundPacket)+frame(2, picturePacket), 49) + frame(1, report) + frame(2, soundPacket) + frame(0, soundPacket),
			pushedEvents + "; Header" + data(1, report) + data(2, soundPacket) + data(0, soundPacket), "CSeq: 5", codec.Ingest},
		{"nothing_that_was_announced", pushed() + strings.Repeat(frame(0, soundPacket)+frame(2, picturePacket), 50), pushedEvents + "; Bad: the encoder has sent 100 packets, the last of payload type 96, and none of a type that its ANNOUNCE names", "CSeq: 5|RTSP/1.0 400 Bad Request|Connection: close", codec.Close},
		{"packets_before_RECORD", announce + setup(0, 2, interleaved+"0-1") + frame(0, picturePacket) + setup(1, 3, interleaved+"2-3") + record(4) + frame(0, picturePacket),
			"Setup live; Reply live; Reply live; Reply live; Publish session=0x8000000000000099 live; Header" + data(0, picturePacket), "CSeq: 4", codec.Ingest},
		{"a_report_on_the_packets_channel", pushed() + frame(0, picturePacket) + frame(0, report), pushedEvents + "; Header" + data(0, picturePacket) + data(1, report), "CSeq: 5", codec.Ingest},
		{"junk_between_packets", pushed() + frame(0, picturePacket) + "\x80junk", pushedEvents + "; Header" + data(0, picturePacket) + "; Bad: byte 0x80, which begins no message, at byte 0 of the head", "CSeq: 5|RTSP/1.0 400 Bad Request|Connection: close", codec.Close},
		{"teardown", pushed() + frame(0, picturePacket) + crlf(ask("TEARDOWN", url, 6, ingestSession)) + frame(0, picturePacket), pushedEvents + "; Header" + data(0, picturePacket) + "; Finish live", "CSeq: 5|RTSP/1.0 200 OK|CSeq: 6|" + ingestSession, codec.Ingest},
		{"teardown_of_tracks", pushed() + crlf(ask("TEARDOWN", url+"/streamid=1", 6)+ask("TEARDOWN", url+"/streamid=0", 7)), pushedEvents + "; Reply live; Finish live", "CSeq: 6|RTSP/1.0 200 OK|CSeq: 7", codec.Keep},
		{"teardown_before_RECORD", announce + setup(0, 2, interleaved+"0-1") + crlf(ask("TEARDOWN", url, 3)), "Setup live; Reply live; Reply live; Reply live", "RTSP/1.0 200 OK|CSeq: 3", codec.Close},
		{"goodbyes", pushed() + frame(0, picturePacket) + frame(2, soundPacket) + frame(1, byePic) + frame(2, soundPacket) + frame(3, byeSnd) + crlf(ask("TEARDOWN", url, 6)), pushedEvents + "; Header" + data(0, picturePacket) + data(2, soundPacket) + data(2, soundPacket) + "; Finish", "CSeq: 5", codec.Ingest},
		{"goodbyes_before_packets", pushed() + frame(1, byePic) + frame(3, byeSnd), pushedEvents + "; Finish", "CSeq: 5", codec.Ingest},
		{"a_track_comes_back", pushed() + frame(0, picturePacket) + frame(2, soundPacket) + frame(1, byePic) + frame(0, picturePacket) + frame(3, byeSnd) + frame(0, picturePacket), pushedEvents + "; Header" + data(0, picturePacket) + data(2, soundPacket) + data(0, picturePacket) + data(0, picturePacket), "CSeq: 5", codec.Ingest},
		{"a_strangers_goodbye", pushed() + frame(0, picturePacket) + frame(2, soundPacket) + frame(1, byePic) + frame(3, string(rtp.AppendBye(nil, 5))), pushedEvents + "; Header" + data(0, picturePacket) + data(2, soundPacket), "CSeq: 5", codec.Ingest},
		{"pause", pushed() + frame(0, picturePacket) + crlf(ask("PAUSE", url, 6)) + frame(0, picturePacket) + record(7) + frame(2, soundPacket), pushedEvents + "; Header" + data(0, picturePacket) + "; Pause live; Publish session=0x8000000000000099 live" + data(2, soundPacket), "CSeq: 6|CSeq: 7|" + ingestSession, codec.Ingest},
		{"announced_again", announce + setup(0, 2, interleaved+"0-1") + announced(url, 3, "m=audio 0 RTP/AVP 0\n") + record(4), "Setup live; Reply live; Reply live; Setup session=0x8000000000000099 live; Reply live; Reply live", "CSeq: 3|RTSP/1.0 455 Method Not Valid in This State|CSeq: 4", codec.Keep},
		{"announced_elsewhere", announce + announced("rtsp://h/radio", 2, encoderSDP), "Setup live; Reply live; Setup radio; Reply radio", "CSeq: 1|CSeq: 2", codec.Keep},
		{"another_session", announce + setup(0, 2, interleaved+"0-1") + crlf(ask("RECORD", url, 3, "Session: 12345678")), "Setup live; Reply live; Reply live; Reply", "RTSP/1.0 454 Session Not Found|CSeq: 3", codec.Keep},
		{"no_stream", announced("rtsp://h/nothing", 1, encoderSDP), "Setup nothing", "RTSP/1.0 404 Not Found|Connection: close", codec.Close},
		{"busy", announced("rtsp://h/busy", 1, encoderSDP), "Setup busy", "RTSP/1.0 403 Forbidden|Connection: close", codec.Close},
		{"refused", announced("rtsp://h/refused", 1, encoderSDP), "Setup refused", "RTSP/1.0 403 Forbidden|Connection: close", codec.Close},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := wantAnyCut(t, c.in, openServer)
			if got := h.events(); got != c.events {
				t.Errorf("events: %s\nwant:   %s", got, c.events)
			}
			out := string(h.out)
			for l := range strings.SplitSeq(c.has, "|") {
				_, rest, found := strings.Cut("\n"+out, "\n"+l+"\r\n")
				if !found {
					t.Errorf("no line %q further on in %q", l, out)
				}
				out = rest
			}
			if h.next != c.next {
				t.Errorf("next is %d, want %d", h.next, c.next)
			}
		})
	}
}

// An encoder's packets cost nothing, whole or in pieces, and its session holds no more
// of them than one.
func TestPushIsCheap(t *testing.T) {
	h := openServer()
	h.feed([]byte(pushed() + frame(0, picturePacket)))
	s := h.sess.(*server)
	long := frame(0, rtpPacket(96, 1, strings.Repeat("x", 1400)))
	in := []byte(strings.Repeat(long+frame(2, soundPacket)+frame(1, report), 4))
	n := 0
	pass := func() {
		for _, b := range [3][]byte{in[:900], in[900:5001], in[5001:]} {
			for len(b) > 0 {
				k, ev := s.Consume(b)
				if b = b[k:]; ev.Kind == codec.Packet {
					n++
				} else if ev.Kind != codec.None {
					t.Fatal(ev.Kind)
				}
			}
		}
	}
	if got := testing.AllocsPerRun(100, pass); got != 0 || n != 101*12 {
		t.Errorf("%v allocations, %d packets", got, n)
	}
	biggest := []byte(frame(0, rtpPacket(96, 1, strings.Repeat("x", 65523))))
	for _, p := range cuts(bytes.Repeat(biggest, 3), 1) {
		for len(p) > 0 {
			k, _ := s.Consume(p)
			p = p[k:]
		}
	}
	if got := cap(s.in.packets.buf); got > 2*65535 {
		t.Errorf("%d bytes held", got)
	}
	// What the encoder had is given back when it is through.
	h.feed([]byte(crlf(ask("TEARDOWN", "rtsp://h/live", 9))))
	if s.in.packets != nil || s.push != nil || !h.ended {
		t.Error("something is kept")
	}
}
