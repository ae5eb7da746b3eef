package mmsh

import (
	"strings"
	"testing"

	"streampump/codec"
)

// A CA's page is there as long as it is wanted, whatever the engine says of a stream
// of that name; everything else is answered as without pages.
func TestPages(t *testing.T) {
	const path, text = "/.well-known/acme-challenge/To-ken_1", "To-ken_1.print"
	p := NewProtocol(Options{Page: func(at string) (string, bool) { return text, at == path }})
	ask := func(request string) string {
		h := &host{sess: p.Accept(codec.Peer{}), decide: decide}
		h.feed([]byte(crlf(request)))
		if h.fail != "" {
			t.Error(h.fail)
		}
		return string(h.out)
	}
	for request, want := range map[string]string{
		"GET " + path + " HTTP/1.1\nHost: pump.example\n\n":                             "HTTP/1.0 200 OK\r\n",
		"GET http://pump.example" + path + "?x=1 HTTP/1.1\nHost: h\n\n":                 "HTTP/1.0 200 OK\r\n",
		"HEAD " + path + " HTTP/1.1\nHost: pump.example\n\n":                            "HTTP/1.0 200 OK\r\n",
		"GET " + strings.ToLower(path) + " HTTP/1.1\nHost: h\n\n":                       "HTTP/1.0 302 Found\r\n",
		"GET " + path + "x HTTP/1.1\nHost: h\n\n":                                       "HTTP/1.0 302 Found\r\n",
		"POST " + path + " HTTP/1.1\nHost: h\nContent-Type: a/b\nContent-Length: 0\n\n": "HTTP/1.0 400 Bad Request\r\n",
	} {
		got := ask(request)
		head, body, _ := strings.Cut(got, "\r\n\r\n")
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q is answered %q, want %q", request, got, want)
		}
		if is := strings.Contains(head, "200 OK"); is && !strings.Contains(head, "\r\nContent-Length: 14\r\n") || (body == text) != (is && !strings.HasPrefix(request, "HEAD")) {
			t.Errorf("%q is answered %q", request, got)
		}
	}
}
