package answer

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const describe = "HTTP/1.0 200 OK\r\n" +
	"Server: Rex/12.0.7600.16385\r\n" +
	"Cache-Control: no-cache\r\n" +
	"Pragma: no-cache, timeout=60000\r\n" +
	"Pragma: client-id=2146473015,features=\"broadcast,playlist\"\r\n" +
	"Set-Cookie: push-id=17\r\n" +
	"Content-Length: 4\r\n" +
	"\r\n"

func TestParse(t *testing.T) {
	h, n, err := Parse([]byte(describe + "body"))
	if err != nil || n != len(describe) {
		t.Fatalf("Parse: n %d, err %v; want n %d", n, err, len(describe))
	}
	if h.Status != 200 || h.Reason != "OK" || h.Proto != "HTTP/1.0" {
		t.Errorf("status line read as %q", h)
	}
	if n, ok := h.ContentLength(); !ok || n != 4 {
		t.Errorf("ContentLength = %d, %v", n, ok)
	}
	if _, ok := h.Spelled("Set-cookie"); ok {
		t.Error("Spelled does not heed letter case")
	}
	if h.Get("set-cookie") != "push-id=17" || !h.Has("SERVER") || h.Has("Location") {
		t.Error("Get or Has heeds letter case, or finds what is not there")
	}
}

func TestPragma(t *testing.T) {
	h, _, err := Parse([]byte(describe))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		token, value string
		ok           bool
	}{
		{"no-cache", "", true},
		{"timeout", "60000", true},
		{"client-id", "2146473015", true},
		{"Features", "broadcast,playlist", true},
		{"playlist", "", false},
		{"xResetStrm", "", false},
	}
	for _, c := range cases {
		if value, ok := h.Pragma(c.token); value != c.value || ok != c.ok {
			t.Errorf("Pragma(%q) = %q, %v; want %q, %v", c.token, value, ok, c.value, c.ok)
		}
	}
}

func TestParseFaults(t *testing.T) {
	cases := []struct{ name, text string }{
		{"empty-line-first", "\r\n\r\n"},
		{"not-http", "ICY 200 OK\r\n\r\n"},
		{"no-status", "HTTP/1.0 OK\r\n\r\n"},
		{"short-status", "HTTP/1.0 20 OK\r\n\r\n"},
		{"line-without-colon", "HTTP/1.0 200 OK\r\nServer\r\n\r\n"},
		{"blank-in-name", "HTTP/1.0 200 OK\r\nBad name: x\r\n\r\n"},
		{"endless", "HTTP/1.0 200 OK\r\nA: " + strings.Repeat("a", MaxHead)},
		{"long", "HTTP/1.0 200 OK\r\nA: " + strings.Repeat("a", MaxHead) + "\r\n\r\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if h, _, err := Parse([]byte(c.text)); err == nil {
				t.Errorf("taken as %v", h)
			}
		})
	}
}

func TestReadAnyCut(t *testing.T) {
	readers := map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r },
		"bytes": iotest.OneByteReader,
		"halfs": iotest.HalfReader,
		"eof":   iotest.DataErrReader,
	}
	for name, cut := range readers {
		t.Run(name, func(t *testing.T) {
			r := cut(strings.NewReader(describe + "body"))
			h, rest, err := Read(r)
			if err != nil || h.Status != 200 {
				t.Fatalf("Read = %v, %v", h, err)
			}
			more, _ := io.ReadAll(r)
			if body := append(bytes.Clone(rest), more...); string(body) != "body" {
				t.Errorf("behind the head stands %q", body)
			}
		})
	}
}

func TestReadEnds(t *testing.T) {
	if _, _, err := Read(strings.NewReader(describe[:40])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an answer cut in its head: %v", err)
	}
	if _, _, err := Read(strings.NewReader("")); !errors.Is(err, io.EOF) {
		t.Errorf("no answer: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(describe))
	f.Add([]byte("HTTP/1.1 204 \r\n\r\n"))
	f.Add([]byte("RTSP/1.0 400 Bad Request\r\nCSeq: 1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := Parse(b)
		if err != nil || h == nil {
			return
		}
		if n > len(b) || n > MaxHead+4 {
			t.Fatalf("a head of %d bytes in %d", n, len(b))
		}
		again, _, err := Parse(appendHead(nil, h))
		if err != nil || len(again.Fields) != len(h.Fields) || again.Status != h.Status {
			t.Fatalf("%q reads as %v, written again as %v (%v)", b, h, again, err)
		}
	})
}

func appendHead(dst []byte, h *Head) []byte {
	dst = append(dst, h.String()...)
	for _, f := range h.Fields {
		dst = append(dst, "\r\n"+f.Name+": "+f.Value...)
	}
	return append(dst, "\r\n\r\n"...)
}
