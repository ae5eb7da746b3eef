package rtspclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"streampump/bench/answer"
)

// peer is the other end of a connection.
func peer(t *testing.T) (*Conn, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return NewConn(ours, 10*time.Second), theirs
}

// What comes may be cut anywhere.
func TestItemsInAnyPieces(t *testing.T) {
	big := strings.Repeat("x", 3_000)
	all := "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 5\r\n\r\nv=0\r\n" +
		string(AppendFrame(nil, 3, []byte("packet"))) + string(AppendFrame(nil, 0, nil)) +
		"RTSP/1.0 454 Session Not Found\r\nCSeq: 2\r\n\r\n" + string(AppendFrame(nil, 255, []byte(big)))
	want := []string{`RTSP/1.0 200 OK "v=0\r\n"`, `3 "packet"`, `0 ""`, `RTSP/1.0 454 Session Not Found ""`, fmt.Sprintf("255 %q", big)}
	for _, size := range []int{1, 2, 3, 7, 50, 1000, len(all)} {
		c, theirs := peer(t)
		go func() {
			for rest := all; rest != ""; rest = rest[min(size, len(rest)):] {
				if _, err := io.WriteString(theirs, rest[:min(size, len(rest))]); err != nil {
					return
				}
			}
			_ = theirs.Close()
		}()
		for _, want := range want {
			it, err := c.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%d %q", it.Channel, it.Packet)
			if it.Answer != nil {
				got = fmt.Sprintf("%v %q", it.Answer, it.Body)
			}
			if got != want {
				t.Fatalf("in pieces of %d: got %.80s, want %.80s", size, got, want)
			}
		}
		if _, err := c.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	}
}

func TestBrokenItems(t *testing.T) {
	for bytes, want := range map[string]string{
		"$\x00\x00":            "unexpected EOF",
		"\x80\x60\x00\x01":     "between messages comes 80 60 00 01",
		"RTSP/1.0 2OO\r\n\r\n": "status",
		"RTSP/1.0 200 OK\r\nContent-Length: 99\r\n\r\nv=0":       "unexpected EOF",
		"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\nv=0": "body of 99999999 bytes",
	} {
		c, theirs := peer(t)
		go func() { _, _ = io.WriteString(theirs, bytes); _ = theirs.Close() }()
		if _, err := c.Next(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", bytes, err, want)
		}
	}
}

func TestContextCutsAReadShort(t *testing.T) {
	c, _ := peer(t)
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := c.Next(ctx); err == nil {
		t.Error("it goes on")
	}
}

// A packet before the first answer to PLAY is an error, and so is one with the number of
// another request.
func TestAnswers(t *testing.T) {
	for bytes, want := range map[string]string{
		"RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n":       "has number 1",
		string(AppendFrame(nil, 0, []byte("abc"))): "where an answer was to come",
	} {
		c, theirs := peer(t)
		go func() {
			_, _ = theirs.Read(make([]byte, 1000))
			_, _ = io.WriteString(theirs, bytes)
		}()
		cl := &Client{Conn: c}
		if _, _, err := cl.Ask(t.Context(), "PLAY", "rtsp://h/live", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// The numbers are those of a hand-made example.
func TestDigest(t *testing.T) {
	c := &Client{User: "u", Password: "p", challenge: `Digest realm="lab", nonce="n0"`}
	if got := c.proof("DESCRIBE", "rtsp://h/live"); !strings.HasSuffix(got, `response="6928ba9e1885fbb8681dd033be88ad02"`) {
		t.Error(got)
	}
	h := &answer.Head{Fields: []answer.Field{{Name: "WWW-Authenticate", Value: `Basic realm="x"`}, {Name: "Www-authenticate", Value: `Digest realm="y"`}}}
	if got := digest(h); got != `Digest realm="y"` {
		t.Error(got)
	}
}

func TestInterleaved(t *testing.T) {
	for text, want := range map[string]int{
		"RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=1": 4, "RTP/AVP/TCP;interleaved=0-1": 0,
		"RTP/AVP/TCP": -1, "interleaved=3": -1, "interleaved=2-4": -1, "interleaved=255-256": -1,
	} {
		if first, ok := interleaved(text); ok != (want >= 0) || ok && first != want {
			t.Errorf("%q: %d, %v", text, first, ok)
		}
	}
}

func TestMediaOf(t *testing.T) {
	all := mediaOf("v=0\r\na=control:*\r\nm=audio 0 RTP/AVP 97\r\na=control:rtsp://h/x/trackID=0\r\nm=video 0 RTP/AVP 96\r\na=x\r\n")
	if len(all) != 2 || all[0].Control != "rtsp://h/x/trackID=0" || all[1].Kind != "video" || all[1].Type != "96" || len(all[1].Lines) != 2 {
		t.Errorf("%+v", all)
	}
}
