package attack

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
)

// Each manner of a source answers, or does not, as it says, and ends when it is told to.
func TestManners(t *testing.T) {
	begins := map[string]string{
		"source-silent": "", "source-slow-head": "HTTP/1.0 200 OK\r\nX", "source-endless-line": "HTTP/1.0 200 xxx",
		"source-interim": "HTTP/1.1 100 ", "source-redirects": "HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:",
		"proxy-slow": "HTTP/1.1 200 x", "proxy-endless": "HTTP/1.1 200 OK\r\nX-Field",
	}
	for _, m := range Manners() {
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
