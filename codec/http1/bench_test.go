package http1

import (
	"strings"
	"testing"
)

// What the benchmarks read: heads of the usual size. The request is VLC's Play.
const (
	benchRequest = "GET /streams/news HTTP/1.0\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/7.10.0.3059\r\n" +
		"Host: pump.example:8086\r\n" +
		"Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=4294967295:4294967295,request-context=2,max-duration=0\r\n" +
		"Pragma: xPlayStrm=1\r\n" +
		"Pragma: xClientGUID={0xbabac001-0xde29-0x5150-0x519ce2ec8b030018}\r\n" +
		"Pragma: stream-switch-count=2\r\n" +
		"Pragma: stream-switch-entry=ffff:1:0 ffff:2:0\r\n" +
		"Connection: Close\r\n\r\n"
	benchResponse = "HTTP/1.0 200 OK\r\n" +
		"Content-Type: application/x-mms-framed\r\n" +
		"Server: Cougar/9.6.7600.16564\r\n" +
		"Date: Wed, 25 Nov 2026 22:00:00 GMT\r\n" +
		"Pragma: no-cache, client-id=3219, features=\"broadcast,playlist\", xResetStrm=1, timeout=60000\r\n" +
		"Cache-Control: no-cache\r\n" +
		"Supported: com.microsoft.wm.srvppair, com.microsoft.wm.sswitch\r\n\r\n"
)

func BenchmarkAppend(b *testing.B) {
	dst := make([]byte, 0, 200)
	for b.Loop() {
		dst = AppendStatus(dst[:0], "HTTP/1.0", 200)
		dst = AppendField(dst, "Content-Type", "application/x-mms-framed")
		dst = AppendInt(dst, "Content-Length", 2147483647)
		dst = AppendBlank(dst)
	}
}

func BenchmarkCutter(b *testing.B) {
	cases := []struct {
		name  string
		piece int // bytes of one read
	}{
		{"bytes", 1},
		{"pieces", 100},
		{"whole", len(benchRequest)},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			var parts [][]byte
			for s := benchRequest; s != ""; s = s[min(c.piece, len(s)):] {
				parts = append(parts, []byte(s[:min(c.piece, len(s))]))
			}
			var cut Cutter
			for b.Loop() {
				var head []byte
				for _, p := range parts {
					var err error
					if _, head, err = cut.Consume(p); err != nil {
						b.Fatal(err)
					}
				}
				if len(head) != len(benchRequest) {
					b.Fatalf("a head of %d bytes", len(head))
				}
			}
		})
	}
}

func BenchmarkFields(b *testing.B) {
	r, err := ParseRequest([]byte(benchRequest), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		for v := range r.Fields.All("pragma") {
			n += len(v)
		}
		if n == 0 || !r.Fields.Token("Connection", "close") || r.Fields.Get("host") == "" {
			b.Fatal("a field is missing")
		}
	}
}

func BenchmarkParseRequest(b *testing.B) {
	head := []byte(benchRequest)
	for b.Loop() {
		if _, err := ParseRequest(head, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseResponse(b *testing.B) {
	head := []byte(benchResponse)
	for b.Loop() {
		if _, err := ParseResponse(head); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSplitTarget(b *testing.B) {
	target := "http://pump.example:8086/streams/" + strings.Repeat("n", 40) + "?x=1"
	for b.Loop() {
		if _, _, _, ok := SplitTarget(target); !ok {
			b.Fatal("a good target is refused")
		}
	}
}
