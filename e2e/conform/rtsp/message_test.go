package rtsp

import (
	"fmt"
	"strings"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// messageRows are about requests and answers, whatever they ask.
func messageRows() []row {
	return []row{
		{1, "Options", "OPTIONS, about * or any address, gets 200, its number, and Public with GET_PARAMETER", "RFC 2326, 10.1; ffmpeg, MPlayer, VLC", steady, options},
		{2, "TwoAgents", "two User-Agent lines are no mistake", "GStreamer", steady, twoAgents},
		{3, "Spelling", "the letter case of header names, and blanks around their colon, make no difference", "RFC 2326, 4.2", steady, spelling},
		{4, "Bytewise", "nor does a byte for each TCP segment", "RFC 9293", steady, bytewise},
		{5, "Pipelined", "two requests in one segment get two answers, in order", "RFC 2326, 9.1", steady, pipelined},
		{6, "Methods", "an unknown method gets 501 and one that is impossible now 405 or 455; the connection stays", "RFC 2326, 11", steady, methods},
		{7, "Require", "what is required and unknown gets 551 with Unsupported; the next DESCRIBE is as if nothing had been", "RFC 2326, 12.32; ONVIF", steady, require},
		{8, "NoNumber", "a request without CSeq gets 400, one of RTSP/2.0 505", "RFC 2326, 12.17", steady, noNumber},
		{9, "TooLong", "a head or a body beyond the limit gets 4xx and the connection's end", "what strangers cannot do", steady, tooLong},
		{10, "LineEnds", "empty lines before a request are skipped, and lines may end with LF alone", "ffmpeg", steady, lineEnds},
		{11, "SamePort", "OPTIONS * HTTP/1.1 is answered in HTTP and OPTIONS rtsp:// in RTSP, on one port", "RFC 9110, 9.3.7", steady, samePort},
		{12, "StrayAnswers", "answers to nothing are passed over", "live555", steady, strayAnswers},
		{0, "OtherProtocol", "MMSH asks for a stream over RTSP, or RTSP for one over MMSH, and gets 404", "operators", steady, otherProtocol},
		{0, "Windows", "Windows Media Player, which asks DESCRIBE first, is told at once that this is nothing for it", "Windows Media Player", steady, windows},
		{0, "Tunnel", "RTSP in HTTP is refused in HTTP", "VLC", steady, tunnel},
	}
}

func options(k *kit) {
	c := k.dial()
	for i, url := range []string{"*", k.at(""), k.at("/"), k.url(), k.url() + "/", k.at("/nobody-has-this")} {
		seq := fmt.Sprint(7 + i)
		h := k.status(c, 200, seq, request("OPTIONS "+url+" RTSP/1.0", "CSeq: "+seq))
		for _, method := range []string{"OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER", "ANNOUNCE", "RECORD"} {
			k.want(strings.Contains(h.Get("Public"), method), "Public is %q and lacks %s", h.Get("Public"), method)
		}
	}
}

func twoAgents(k *kit) {
	k.status(k.dial(), 200, "1", request("OPTIONS "+k.url()+" RTSP/1.0", "CSeq: 1", "User-Agent: GStreamer/1.22.0",
		"User-Agent: RealMedia Player Version 6.0.9.1235 (linux-2.0-libc6-i386-gcc2.95)", "ClientChallenge: 9e26d33f2984236010ef6253fb1887f7"))
}

func spelling(k *kit) {
	k.push(rtpsynth.Plain())
	want := ""
	for i, fields := range [][]string{{"CSeq: 3", "Accept: application/sdp"}, {"cseq:3", "ACCEPT:application/sdp"}, {"Cseq:   3", "accept:  application/sdp"}} {
		h, body := k.ask(k.dial(), request(append([]string{"DESCRIBE " + k.url() + " RTSP/1.0"}, fields...)...))
		k.is(h, 200, "3")
		if i == 0 {
			want = body
		}
		k.want(body == want, "the description is\n%s\nand was\n%s", body, want)
	}
}

func bytewise(k *kit) {
	e := k.push(rtpsynth.Plain())
	c := k.dial()
	for _, b := range []byte(request("DESCRIBE "+k.url()+" RTSP/1.0", "CSeq: 3", "Accept: application/sdp")) {
		k.check(c.Send(k.ctx, []byte{b}))
	}
	h, _, err := c.Answer(k.ctx)
	k.check(err)
	k.is(h, 200, "3")
	v := k.view(rtpsynth.Plain())
	for range few { // so are packets
		for _, b := range rtspclient.AppendFrame(nil, 0, nil) {
			k.check(e.Conn.Send(k.ctx, []byte{b}))
		}
		p := e.Next()
		for _, b := range rtspclient.AppendFrame(nil, e.Channel(p.Index), p.Bytes) {
			k.check(e.Conn.Send(k.ctx, []byte{b}))
		}
	}
	e.send(1)
	v.whole(e)
}

func pipelined(k *kit) {
	c := k.dial()
	k.status(c, 200, "1", request("OPTIONS * RTSP/1.0", "CSeq: 1")+request("DESCRIBE "+k.at("/nobody-has-this")+" RTSP/1.0", "CSeq: 2"))
	h, _, err := c.Answer(k.ctx)
	k.check(err)
	k.is(h, 404, "2")
}

func methods(k *kit) {
	c := k.client()
	k.try(c, 501, "FETCH", k.url())
	k.try(c, 455, "PLAY", k.url())
	k.try(c, 455, "RECORD", k.url())
	h := k.try(c, 405, "PLAY_NOTIFY", k.url())
	k.want(h.Get("Allow") != "" || h.Get("Public") != "", "a method that is not allowed is told no others")
	k.try(c, 200, "OPTIONS", k.url())
}

func require(k *kit) {
	k.push(rtpsynth.Plain())
	c := k.client()
	const backchannel = "www.onvif.org/ver20/backchannel"
	h := k.try(c, 551, "DESCRIBE", k.url(), "Require: "+backchannel)
	k.want(h.Get("Unsupported") == backchannel, "Unsupported is %q", h.Get("Unsupported"))
	k.try(c, 200, "DESCRIBE", k.url())
}

func noNumber(k *kit) {
	h, _ := k.ask(k.dial(), request("OPTIONS "+k.url()+" RTSP/1.0"))
	k.want(h.Status == 400 && !h.Has("CSeq"), "without a number the answer is %v with number %q", h, h.Get("CSeq"))
	h, _ = k.ask(k.dial(), request("OPTIONS "+k.url()+" RTSP/2.0", "CSeq: 1"))
	k.want(h.Status == 505, "RTSP/2.0 is answered %v", h)
}

func tooLong(k *kit) {
	for _, bytes := range []string{
		request("OPTIONS "+k.url()+" RTSP/1.0", "CSeq: 1", "X: "+strings.Repeat("x", 20_000)),
		request("ANNOUNCE "+k.url()+" RTSP/1.0", "CSeq: 1", "Content-Type: application/sdp", "Content-Length: 1000000000"),
	} {
		c := k.dial()
		h, _ := k.ask(c, bytes)
		k.want(h.Status == 413 || h.Status == 400, "a message that is too long is answered %v", h)
		k.gone(c)
	}
}

func lineEnds(k *kit) {
	c := k.dial()
	k.status(c, 200, "1", "\r\n"+request("OPTIONS * RTSP/1.0", "CSeq: 1"))
	k.status(c, 200, "2", "\r\n\r\n\n"+strings.ReplaceAll(request("OPTIONS * RTSP/1.0", "CSeq: 2"), "\r", ""))
}

func samePort(k *kit) {
	for first, proto := range map[string]string{
		"OPTIONS * HTTP/1.1": "HTTP/1", "OPTIONS * RTSP/1.0": "RTSP/1.0", "OPTIONS " + k.url() + " RTSP/1.0": "RTSP/1.0",
		"OPTIONS /streams/over-mmsh HTTP/1.0": "HTTP/1", "GET /streams/over-mmsh HTTP/1.0": "HTTP/1",
	} {
		h, _ := k.ask(k.dial(), request(first, "CSeq: 1", "Host: pump.example"))
		k.want(strings.HasPrefix(h.Proto, proto), "%q is answered %v", first, h)
	}
}

func strayAnswers(k *kit) {
	c := k.dial()
	k.status(c, 200, "1", request("OPTIONS * RTSP/1.0", "CSeq: 1"))
	k.status(c, 200, "2", request("RTSP/1.0 200 OK", "CSeq: 9")+request("RTSP/1.0 405 Method Not Allowed", "CSeq: 10", "Content-Length: 3")+"abc"+
		request("OPTIONS * RTSP/1.0", "CSeq: 2"))
	k.status(c, 200, "3", request("OPTIONS * RTSP/1.0", "CSeq: 3"))
}

func otherProtocol(k *kit) {
	k.push(rtpsynth.Plain())
	k.try(k.client(), 404, "DESCRIBE", k.at("/over-mmsh"))
	h, _ := k.ask(k.dial(), request("GET /streams/"+k.path+" HTTP/1.0", "Host: pump.example"))
	k.want(h.Status == 404, "HTTP gets %v", h)
	e := rtspclient.NewPublisher(k.client(), k.at("/over-mmsh"), rtpsynth.Plain())
	k.want(e.Announce(k.ctx) != nil, "an encoder over RTSP takes a stream over MMSH")
}

func windows(k *kit) {
	k.push(rtpsynth.Plain())
	h, _ := k.ask(k.dial(), request("DESCRIBE "+k.url()+" RTSP/1.0", "User-Agent: WMPlayer/9.0.0.2833 guid/B64345F5-0000-0000-0000-000000000000",
		"Accept: application/sdp", "X-Accept-Authentication: Negotiate, NTLM, Digest", "CSeq: 1",
		"Supported: com.microsoft.wm.srvppair, com.microsoft.wm.sswitch, com.microsoft.wm.eosmsg, com.microsoft.wm.predstrm"))
	k.want(h.Status == 404 || h.Status == 415 || h.Status == 406, "Windows Media Player gets %v", h)
}

func tunnel(k *kit) {
	h, _ := k.ask(k.dial(), request("GET /"+k.path+" HTTP/1.0", "x-sessioncookie: 1d4be1c3cbec624752979fe", "Accept: application/x-rtsp-tunnelled"))
	k.want(strings.HasPrefix(h.Proto, "HTTP/1") && (h.Status == 404 || h.Status == 501), "a tunnel is answered %v", h)
}
