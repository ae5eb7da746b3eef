package attack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"streampump/bench/amf0"
	"streampump/bench/rtmpclient"
)

// Each manner of a source answers, or does not, as it says, and ends when it is told to.
func TestManners(t *testing.T) {
	begins := map[string]string{
		"source-silent": "", "source-slow-head": "HTTP/1.0 200 OK\r\nX", "source-endless-line": "HTTP/1.0 200 xxx",
		"source-interim": "HTTP/1.1 100 ", "source-redirects": "HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:",
		"proxy-slow": "HTTP/1.1 200 x", "proxy-endless": "HTTP/1.1 200 OK\r\nX-Field",
	}
	for _, m := range mannersOfMMSH() {
		s, err := Listen(m)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /live HTTP/1.0\r\nHost: x\r\nPragma: xPlayStrm=1\r\n\r\n")
		want, is := begins[m.Name]
		if !is {
			want = "HTTP/1.0 200 OK\r\n"
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Errorf("%s begins with %q, want %q: %v", m.Name, got, want, err)
		}
		s.Close()
		_ = c.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if d := s.Wait(ctx); s.Opened() != 1 || d.Connections != 0 {
			t.Errorf("%s was opened %d times: %v", m.Name, s.Opened(), d.String())
		}
	}
}

// Each camera answers what it says up to where it is a bad one, and does then what it says.
func TestMannersOfRTSP(t *testing.T) {
	const played = "RTSP/1.0 200 OK\r\n\r\n"
	then := map[string]string{
		"camera-silent": "", "camera-endless-head": "RTSP/1.0 200 OK\r\nX-Field", "camera-endless-body": "RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: 60000\r\n\r\nv",
		"camera-interim": "RTSP/1.0 100 ", "camera-redirects": "RTSP/1.0 302 Found\r\nLocation: rtsp://127.0.0.1:",
		"camera-asks": played + "$", "camera-answers": played + "RTSP/1.0 200 OK\r\nCSeq: 1", "camera-junk": played + "$", "camera-floods": played + "$",
		"camera-reports": played + "$", "camera-types": played + "$\x02\x00\x0F\x80\x32", "camera-repeats": played + "$\x02\x00\x11\x80\x61\x00\x07", "camera-deaf": played + "$",
		"camera-udp-floods": played, "camera-udp-junk": played, "camera-udp-strangers": played,
	}
	for _, m := range mannersOfRTSP() {
		s, err := Listen(m)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		want, is := then[m.Name]
		last := "DESCRIBE"
		if !is {
			t.Errorf("what %s does is not known here", m.Name)
		}
		if strings.HasPrefix(want, played) {
			last = "PLAY"
		}
		got, in := "", bufio.NewReader(c)
		for _, method := range []string{"OPTIONS", last} {
			fmt.Fprintf(c, "%s * RTSP/1.0\r\nCSeq: 3\r\n\r\n", method)
			if method == "OPTIONS" && want != "" {
				for line := ""; line != "\r\n"; got += line {
					if line, err = in.ReadString('\n'); err != nil {
						t.Fatalf("%s: %v", m.Name, err)
					}
				}
			}
		}
		b := make([]byte, len(want))
		if _, err := io.ReadFull(in, b); err != nil || string(b) != want || want != "" && !strings.Contains(got, "CSeq: 3\r\n") {
			t.Errorf("%s answers %q and then %q, want %q: %v", m.Name, got, b, want, err)
		}
		s.Close()
		_ = c.Close()
	}
}

// Each server answers up to where it is a bad one, and does then what it says.
func TestMannersOfRTMP(t *testing.T) {
	type what struct {
		typ    uint8
		begins string // of the body
	}
	const status = "\x02\x00\x08onStatus"
	header := what{rtmpclient.TypeVideo, "\x17\x00"}
	then := map[string]*what{
		"server-silent": nil, "server-slow-hello": nil, "server-never-begins": nil, "server-partial": nil,
		"server-metadata": {rtmpclient.TypeData, "\x02\x00\x0AonMetaData"}, "server-pings": {rtmpclient.TypeData, "\x02\x00\x0D@setDataFrame"},
		"server-statuses": {rtmpclient.TypeCommand, status}, "server-redirects": {rtmpclient.TypeCommand, status}, "server-empty": {rtmpclient.TypeAck, ""},
		"server-headers": &header, "server-aggregates": &header, "server-zeros": {rtmpclient.TypeVideo, "\x00\x00"},
	}
	for _, m := range mannersOfRTMP() {
		want, is := then[m.Name]
		if !is {
			t.Errorf("what %s does is not known here", m.Name)
		}
		s, err := Listen(m)
		if err != nil {
			t.Fatal(err)
		}
		c, err := rtmpclient.Dial(t.Context(), s.Addr().String(), rtmpclient.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if want != nil {
			v := rtmpclient.NewViewer(&rtmpclient.Client{Conn: c}, "/live/x")
			if err := v.Open(t.Context()); err != nil {
				t.Fatalf("%s: %v", m.Name, err)
			}
			if got, err := v.Next(t.Context()); err != nil || got.Type != want.typ || !strings.HasPrefix(string(got.Body), want.begins) {
				t.Errorf("%s sends %v, %v", m.Name, &got, err)
			}
		}
		s.Close()
		_ = c.Close()
	}
}

// An encoder's metadata that announces what does not come says so behind very much else.
func TestPromises(t *testing.T) {
	for _, body := range [][]byte{promised(), manyFields()} {
		got := rtmpclient.Message{Type: rtmpclient.TypeData, Body: body}
		all, err := got.Values()
		if err != nil || len(all) != 2 || len(body) < 60_000 || len(body) > 65_535 {
			t.Errorf("%d bytes, %d values, %v", len(body), len(all), err)
		}
	}
	all, _ := (&rtmpclient.Message{Type: rtmpclient.TypeData, Body: promised()}).Values()
	if amf0.Field(all[1], "audiocodecid") != 10.0 || amf0.Field(all[1], "videocodecid") != 7.0 {
		t.Error("nothing is announced")
	}
}

// Tags of an aggregate are as long as they say, and each part of a message is one.
func TestTagsAndParts(t *testing.T) {
	b := flvTag(flvTag(nil, 8, 0x01020304, []byte("ab")), 9, 0, nil)
	if want := "\x08\x00\x00\x02\x02\x03\x04\x01\x00\x00\x00ab\x00\x00\x00\x0D\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0B"; string(b) != want {
		t.Errorf("%x", b)
	}
	r := rtmpclient.NewReader()
	r.Size = rtmpSize
	b = tone(part(part(nil, 10, 200_000, 3), 11, 200_000, 2), 7, 5)
	for {
		m, n, err := r.Take(b)
		if n == 0 || err != nil {
			t.Fatalf("%d bytes are left: %v", len(b), err)
		}
		if b = b[n:]; m == nil {
			continue
		}
		if m.Type != rtmpclient.TypeAudio || m.Time != 7 || len(b) > 0 {
			t.Errorf("%v, and %d bytes behind it", m, len(b))
		}
		return
	}
}
