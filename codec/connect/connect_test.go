package connect

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
)

func TestHello(t *testing.T) {
	for target, want := range map[string]string{
		"source.example:443": "CONNECT source.example:443 HTTP/1.1\r\nHost: source.example:443\r\n\r\n",
		"[2001:db8::1]:8443": "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n\r\n",
	} {
		if got := string(New(target).AppendHello(nil)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// outcome feeds a proxy's answer in pieces and tells what came of it.
func outcome(tun codec.Tunnel, pieces ...[]byte) string {
	for i, b := range pieces {
		for len(b) > 0 {
			n, open, err := tun.Consume(b)
			if n < 0 || n > len(b) || !open && err == nil && n != len(b) {
				return fmt.Sprintf("took %d of %d bytes", n, len(b))
			}
			b = b[n:]
			switch {
			case open && err != nil:
				return "open, and an error"
			case err != nil:
				return err.Error()
			case open:
				return fmt.Sprintf("open, then %q", append(bytes.Clone(b), bytes.Join(pieces[i+1:], nil)...))
			}
		}
	}
	return "more"
}

// bytewise is b in pieces of one byte.
func bytewise(b []byte) (pieces [][]byte) {
	for i := range b {
		pieces = append(pieces, b[i:i+1])
	}
	return pieces
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct{ name, target, says, want string }{
		{"open", "", "HTTP/1.1 200 Connection established\r\n\r\n", `open, then ""`},
		{"open_by_HTTP_1_0", "", "HTTP/1.0 200 OK\r\nProxy-agent: tinyproxy\r\n\r\n", `open, then ""`},
		{"open_by_another_2xx", "", "HTTP/1.1 204\r\n\r\n", `open, then ""`},
		{"what_follows_is_the_targets", "", "HTTP/1.1 200 OK\r\n\r\n\x16\x03HELLO", `open, then "\x16\x03HELLO"`},
		{"a_length_means_nothing", "", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", `open, then "abc"`},
		{"interim", "", "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx", `open, then "x"`},
		{"only_interim", "", strings.Repeat("HTTP/1.1 102 Wait\r\n\r\n", 20), "the proxy has sent 11 interim answers and no final one"},
		{"switching", "", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "the proxy answered 101 Switching Protocols"},
		{"password", "", "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
			"the proxy answered 407 Proxy Authentication Required: it wants a user name and a password, which are not supported yet"},
		{"forbidden", "", "HTTP/1.1 403 Forbidden\r\n\r\n<html>", "the proxy answered 403 Forbidden: it does not connect us to the source"},
		{"forbidden_port", "source:8443", "HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy answered 403 Forbidden: it does not connect us to the source (many proxies connect to port 443 alone)"},
		{"no_such_method", "", "HTTP/1.1 501\r\n\r\n", "the proxy answered 501: it does not connect us to the source"},
		{"unreachable", "", "HTTP/1.1 503 Service Unavailable\r\n\r\n", "the proxy answered 503 Service Unavailable: it does not reach the source"},
		{"redirect", "", "HTTP/1.1 302 Found\r\nLocation: https://other/\r\n\r\n", "the proxy answered 302 Found"},
		{"web_server", "", "HTTP/1.1 400 Bad Request\r\n\r\n", "the proxy answered 400 Bad Request"},
		{"not_HTTP", "", "SSH-2.0-OpenSSH\r\n\r\n", `the proxy's answer is not HTTP: the answer does not begin as HTTP does: "SSH-2.0-OpenSSH"`},
		{"TLS", "", "\x15\x03\x01\x00\x02\x02\x0a", "the proxy's answer is not HTTP: control byte 0x15 at byte 0 of the head"},
		{"too_long", "", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHead), "the proxy's answer is not HTTP: the head is longer than 8192 bytes"},
		{"a_part", "", "HTTP/1.1 200 OK\r\nX: y\r\n", "more"},
		{"nothing", "", "", "more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.target == "" {
				c.target = "source:443"
			}
			if got := outcome(New(c.target), []byte(c.says)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got := outcome(New(c.target), bytewise([]byte(c.says))...); got != c.want {
				t.Errorf("byte by byte\ngot  %s\nwant %s", got, c.want)
			}
		})
	}
}

// FuzzTunnel: whatever a proxy says, in whatever pieces, comes to the same, little of
// it is kept, and nothing that a target sends behind it is lost.
func FuzzTunnel(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x03"), uint(3))
	f.Add([]byte("HTTP/1.1 102 Wait\r\n\r\nHTTP/1.0 200\r\nA: b\r\n\r\nHTTP/1.1 403\r\n\r\n"), uint(20))
	f.Add([]byte("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"), uint(1))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n"), uint(2))
	f.Fuzz(func(t *testing.T, b []byte, at uint) {
		whole := outcome(New("source:443"), bytes.Clone(b))
		cut := at % uint(len(b)+1)
		if parts := outcome(New("source:443"), bytes.Clone(b[:cut]), bytes.Clone(b[cut:])); parts != whole {
			t.Errorf("whole %s\ncut at %d %s", whole, cut, parts)
		}
		if bytes.HasPrefix(b, []byte("HTTP/1.1 200\r\n\r\n")) && whole != fmt.Sprintf("open, then %q", b[16:]) {
			t.Errorf("the tunnel is open and gave %s", whole)
		}
		if strings.HasPrefix(whole, "took") || whole == "more" && len(b) > (maxInterim+2)*maxHead {
			t.Errorf("%s after %d bytes", whole, len(b))
		}
	})
}
