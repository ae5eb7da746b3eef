package admin

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// Who is let in, by the names that a request gives us and the place that it says
// it comes from.
func TestGuard(t *testing.T) {
	const (
		in    = http.StatusOK
		alien = http.StatusMisdirectedRequest
		cross = http.StatusForbidden
	)
	for _, c := range []struct {
		name, own, local, host string
		headers                []string // name, value, …
		want                   int
	}{
		{"loopback", "127.0.0.1", "127.0.0.1", "127.0.0.1:8087", nil, in},
		{"loopback_without_port", "127.0.0.1", "127.0.0.1", "127.0.0.1", nil, in},
		{"loopback_6", "::1", "::1", "[::1]:8087", nil, in},
		{"loopback_6_bare", "::1", "::1", "[::1]", nil, in},
		{"all_of_127", "127.0.0.1", "127.0.0.1", "127.8.9.10:80", nil, in},
		{"mapped", "127.0.0.1", "127.0.0.1", "[::ffff:127.0.0.1]:80", nil, in},
		{"localhost", "127.0.0.1", "127.0.0.1", "localhost:8087", nil, in},
		{"tunnel", "127.0.0.1", "127.0.0.1", "LOCALHOST.:9000", nil, in},
		{"own_address", "192.0.2.1", "192.0.2.1", "192.0.2.1:8087", nil, in},
		{"another_address", "192.0.2.1", "192.0.2.1", "192.0.2.2:8087", nil, alien},
		{"all_addresses", "::", "192.0.2.1", "192.0.2.1:8087", nil, in},
		{"all_addresses_and_another", "::", "192.0.2.1", "192.0.2.2", nil, alien},
		{"rebinding", "127.0.0.1", "127.0.0.1", "evil.example:8087", nil, alien},
		{"rebinding_like_localhost", "127.0.0.1", "127.0.0.1", "localhost.evil.example", nil, alien},
		{"rebinding_like_an_address", "127.0.0.1", "127.0.0.1", "127.0.0.1.evil.example", nil, alien},
		{"rebinding_all_addresses", "::", "127.0.0.1", "evil.example", nil, alien},
		{"number", "127.0.0.1", "127.0.0.1", "2130706433", nil, alien},
		{"nobody", "127.0.0.1", "127.0.0.1", "", nil, alien},

		{"typed", "127.0.0.1", "127.0.0.1", "localhost", []string{"Sec-Fetch-Site", "none"}, in},
		{"own_page", "127.0.0.1", "127.0.0.1", "localhost:1", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://localhost:1"}, in},
		{"other_site", "127.0.0.1", "127.0.0.1", "localhost", []string{"Sec-Fetch-Site", "cross-site"}, cross},
		{"other_port", "127.0.0.1", "127.0.0.1", "localhost", []string{"Sec-Fetch-Site", "same-site"}, cross},
		{"older_browser", "127.0.0.1", "127.0.0.1", "localhost:1", []string{"Origin", "http://localhost:1"}, in},
		{"older_browser_other_site", "127.0.0.1", "127.0.0.1", "localhost:1", []string{"Origin", "https://evil.example"}, cross},
		{"older_browser_other_port", "127.0.0.1", "127.0.0.1", "localhost:1", []string{"Origin", "http://localhost:2"}, cross},
		{"two_origins", "127.0.0.1", "127.0.0.1", "localhost:1", []string{"Origin", "http://localhost:1 http://evil.example"}, cross},
		{"frame", "127.0.0.1", "127.0.0.1", "localhost:1", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "iframe"}, cross},
		{"sandboxed", "127.0.0.1", "127.0.0.1", "localhost:1", []string{"Origin", "null"}, cross},
	} {
		t.Run(c.name, func(t *testing.T) {
			// What costs most and what changes something are kept like the rest.
			for _, request := range []string{"GET /status", "GET /debug/pprof/goroutine", "PUT /debug/rates?block_rate=0"} {
				var method, path string
				_, _ = fmt.Sscan(request, &method, &path)
				r := httptest.NewRequest(method, path, nil)
				r.Host = c.host
				for i := 0; i < len(c.headers); i += 2 {
					r.Header.Set(c.headers[i], c.headers[i+1])
				}
				local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.local), 8087))
				r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local)))
				if w := ask(Handler(netip.MustParseAddr(c.own), Options{Source: fixed{}}), r); w.Code != c.want {
					t.Errorf("%s: %d %s, want %d", request, w.Code, w.Body, c.want)
				}
			}
		})
	}
}

// What costs or changes something is not done for a browser that does not say where
// it asks from, as over plain HTTP at an address that is not loopback.
func TestBrowserThatDoesNotSayWhere(t *testing.T) {
	const browser = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"
	for _, c := range []struct {
		request string
		headers []string
		want    int
	}{
		{"GET /debug/pprof/goroutine", nil, 403},
		{"GET /debug/pprof/goroutine", []string{"Referer", "http://evil.example/"}, 403},
		{"GET /debug/pprof/goroutine", []string{"Referer", "http://192.0.2.1/"}, 403}, // another port
		{"GET /debug/pprof/goroutine", []string{"Referer", "http://192.0.2.1:8087/debug/pprof/"}, 200},
		{"GET /debug/pprof/goroutine", []string{"Sec-Fetch-Site", "none"}, 200},
		{"GET /debug/pprof/goroutine", []string{"Origin", "http://192.0.2.1:8087"}, 200},
		{"GET /debug/pprof/profile?seconds=1", nil, 403},
		{"GET /debug/pprof/trace", nil, 403},
		{"GET /debug/pprof/goroutine?debug=1", nil, 403},
		{"POST /debug/pprof/block?seconds=1", nil, 403},
		{"POST /debug/rates?block_rate=0", nil, 403},
		{"PUT /debug/rates?block_rate=0", nil, 403},
		{"GET /", nil, 200}, // typed
		{"GET /status", nil, 200},
		{"GET /viewers", nil, 200},
		{"GET /debug/pprof/", nil, 200},
		{"GET /debug/rates", nil, 200},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		for agent, want := range map[string]int{browser: c.want, "curl/8.5.0": 200, "": 200} {
			if want == 200 && strings.Contains(path, "seconds") {
				continue // it would be made
			}
			if agent != browser && (strings.HasSuffix(path, "trace") || len(c.headers) > 0) {
				continue
			}
			r := httptest.NewRequest(method, path, nil)
			r.Host = "192.0.2.1:8087"
			r.Header.Set("User-Agent", agent)
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Set(c.headers[i], c.headers[i+1])
			}
			w := ask(Handler(netip.MustParseAddr("192.0.2.1"), Options{Source: fixed{}}), r)
			if w.Code != want || want != 200 && w.Header().Get("Connection") != "close" {
				t.Errorf("%s by %.10q with %q: %d %s, want %d", c.request, agent, c.headers, w.Code, w.Body, want)
			}
		}
	}
}

// Every answer, a refusal too, can be shown in no frame, taken for nothing else and read
// by no other page; a refusal closes its connection.
func TestAnswersAreArmoured(t *testing.T) {
	for path, host := range map[string]string{
		"/": "localhost", "/status": "localhost", "/viewers": "localhost", "/debug/pprof/": "localhost", "/debug/pprof/heap": "localhost",
		"/nothing": "localhost", "/healthz": "evil.example",
	} {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = host
		w := ask(Handler(netip.MustParseAddr("127.0.0.1"), Options{Source: fixed{}}), r)
		h := w.Header()
		if h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Cross-Origin-Resource-Policy") != "same-origin" ||
			h.Get("Content-Type") == "" || len(h["Access-Control-Allow-Origin"]) > 0 {
			t.Errorf("%s: %v", path, h)
		}
		if refused := w.Code == http.StatusMisdirectedRequest; refused != (host != "localhost") || refused != (h.Get("Connection") == "close") {
			t.Errorf("%s at %s: %d %v", path, host, w.Code, h)
		}
	}
}

// Probes of HTTP/1.0 name no host; no browser is one.
func TestProbeWithoutHost(t *testing.T) {
	s := open(t, Options{})
	for request, want := range map[string]int{
		"GET /healthz HTTP/1.0\r\n\r\n":                       200,
		"GET /healthz HTTP/1.0\r\nHost: evil.example\r\n\r\n": 421,
		"GET /healthz HTTP/1.1\r\n\r\n":                       400,
	} {
		conn, err := net.Dial("tcp", s.Address().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, request)
		r, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || r.StatusCode != want {
			t.Errorf("%q: %+v, %v, want %d", request, r, err, want)
		}
		_ = conn.Close()
	}
}
