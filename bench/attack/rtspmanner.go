package attack

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// mannersOfRTSP are the ways to be a bad camera.
func mannersOfRTSP() []Manner {
	list := []Manner{
		{Name: "camera-silent", What: "takes the pump's connection and says nothing", serve: (*served).hold},
		{Name: "camera-endless-head", What: "sends the fields of an answer without an end", serve: func(v *served) {
			v.instead("DESCRIBE", "RTSP/1.0 200 OK\r\n", strings.Repeat("X-Field: value\r\n", 1000))
		}},
		{Name: "camera-endless-body", What: "announces a description of 60,000 bytes, and sends it byte by byte", serve: func(v *served) {
			if v.until("DESCRIBE") && v.say("RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: 60000\r\n\r\n") {
				v.again("v", drip)
			}
		}},
		{Name: "camera-interim", What: "sends interim answers without an end", serve: func(v *served) {
			v.instead("DESCRIBE", "", strings.Repeat("RTSP/1.0 100 Continue\r\n\r\n", 1000))
		}},
		{Name: "camera-redirects", What: "sends the pump to itself again and again", serve: func(v *served) {
			if v.until("DESCRIBE") {
				v.say(fmt.Sprintf("RTSP/1.0 302 Found\r\nLocation: rtsp://%s/%d\r\n\r\n", v.s.Addr(), v.s.opened.Load()))
			}
		}},
		{Name: "camera-asks", What: "plays, and asks the pump without a pause, reading no answer", serve: func(v *served) {
			v.instead("PLAY", "RTSP/1.0 200 OK\r\n\r\n"+good(20), strings.Repeat("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 1000))
		}},
		{Name: "camera-answers", What: "plays, and sends answers to nothing as fast as it can", serve: func(v *served) {
			v.instead("PLAY", "RTSP/1.0 200 OK\r\n\r\n", strings.Repeat("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 50\r\n\r\n"+strings.Repeat("x", 50), 500))
		}},
		{Name: "camera-junk", What: "plays, and sends bytes between its packets that belong to none", serve: func(v *served) {
			v.instead("PLAY", "RTSP/1.0 200 OK\r\n\r\n", good(20)+strings.Repeat("\x00$R", 1000))
		}},
		{Name: "camera-floods", What: "plays as fast as the pump takes it", serve: func(v *served) {
			if v.until("PLAY") && v.say("RTSP/1.0 200 OK\r\n\r\n") {
				s := rtpsynth.New(rtpsynth.Plain())
				for v.say(packets(s, 1000)) {
				}
			}
		}},
		{Name: "camera-reports", What: "plays one packet, and reports from then on", serve: func(v *served) {
			s := rtpsynth.New(rtpsynth.Plain())
			v.plainly(good(1), string(rtspclient.AppendFrame(nil, 1, s.Report(0).Bytes)))
		}},
		{Name: "camera-types", What: "plays packets of a type that its description does not name", serve: func(v *served) {
			v.plainly("", string(appendRTP(nil, sound, rtpHead{typ: 50, ssrc: 1}, 1, 2, 3)))
		}},
		{Name: "camera-repeats", What: "plays one packet again and again", serve: func(v *served) {
			v.plainly("", string(appendRTP(nil, sound, rtpHead{typ: soundType, seq: 7, ssrc: 1}, 0, 16, 0, 8, 1)))
		}},
		{Name: "camera-deaf", What: "plays, wants to be asked each second, and never answers", serve: func(v *served) {
			if !v.until("PLAY") || !v.say("RTSP/1.0 200 OK\r\n\r\n") {
				return
			}
			for s := rtpsynth.New(rtpsynth.Plain()); v.say(packets(s, 10)) && v.rest(drip); {
			}
		}},
	}
	list = append(list, mannersByUDP()...)
	for i := range list {
		list[i].RTSP = true
	}
	return list
}

// until answers as a camera does, up to a request with this method. It reports false when
// the connection is over.
func (v *served) until(method string) bool {
	for {
		line, err := v.in.ReadLine()
		if err != nil {
			return false
		}
		fields, err := v.in.ReadMIMEHeader()
		if err != nil && err != io.EOF { //nolint:errorlint // it is not wrapped
			return false
		}
		if n, _ := strconv.Atoi(fields.Get("Content-Length")); n > 0 {
			_, _ = io.CopyN(io.Discard, v.in.R, int64(n)) // if that fails, so does what follows
		}
		if strings.HasPrefix(line, method+" ") {
			v.cseq = fields.Get("CSeq")
			return true
		}
		if !v.say(v.answer(line, fields.Get("CSeq"), fields.Get("Transport"))) {
			return false
		}
	}
}

// answer is a camera's answer to a request.
func (v *served) answer(line, cseq, transport string) string {
	more := ""
	switch method, _, _ := strings.Cut(line, " "); method {
	case "OPTIONS":
		more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n"
	case "DESCRIBE":
		s := rtpsynth.Plain()
		body := s.Describe("0", "1")
		more = fmt.Sprintf("Content-Base: rtsp://camera/\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		return fmt.Sprintf("RTSP/1.0 200 OK\r\nCSeq: %s\r\n%s", cseq, more)
	case "SETUP":
		if v.apart != nil {
			return v.apart.setUp(v, cseq, transport)
		}
		more = "Session: 7;timeout=1\r\nTransport: " + transport + "\r\n"
	}
	return fmt.Sprintf("RTSP/1.0 200 OK\r\nCSeq: %s\r\n%s\r\n", cseq, more)
}

// instead answers a request of this method with a text, and another behind it again and
// again.
func (v *served) instead(method, text, then string) {
	if v.until(method) && v.say(text) {
		v.again(then, 0)
	}
}

// plainly plays something, and then something else every now and then.
func (v *served) plainly(first, then string) {
	if v.until("PLAY") && v.say("RTSP/1.0 200 OK\r\n\r\n"+first) {
		v.again(then, drip/10)
	}
}

// good are the first packets of a good source.
func good(n int) string { return packets(rtpsynth.New(rtpsynth.Plain()), n) }

// packets are the next packets of a source, as they go out.
func packets(s *rtpsynth.Source, n int) string {
	var b []byte
	for range n {
		p := s.Next()
		b = rtspclient.AppendFrame(b, byte(2*p.Index), p.Bytes)
	}
	return string(b)
}
