package attack

import "strings"

// pages are what a browser on the operator's machine sends to the admin listener for a
// page from elsewhere. The listener is at {host}.
func pages() []Shape {
	ask := func(line, host string, fields ...string) string {
		return line + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
	}
	const cross, origin = "Sec-Fetch-Site: cross-site", "Origin: http://evil.example"
	list := []Shape{
		{Name: "another site's image", Send: ask("GET /status", "{host}", cross, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image")},
		{Name: "another site's profile", Send: ask("GET /debug/pprof/heap", "{host}", cross)},
		{Name: "another site's script", Send: ask("GET /viewers", "{host}", origin)},
		{Name: "another site's link", Send: ask("GET /debug/pprof/profile?seconds=30", "{host}", cross, "Sec-Fetch-Mode: navigate")},
		{Name: "a sister site", Send: ask("GET /status", "{host}", "Sec-Fetch-Site: same-site")},
		{Name: "another port of the same host", Send: ask("GET /status", "{host}", "Origin: http://127.0.0.1:1")},
		{Name: "an origin without a name", Send: ask("GET /status", "{host}", "Origin: null")},
		{Name: "a form", Send: ask("POST /debug/rates", "{host}", origin, "Content-Type: application/x-www-form-urlencoded", "Content-Length: 12") + "block_rate=1"},
		{Name: "a form from a browser that says no origin", Send: ask("POST /debug/rates", "{host}", cross, "Content-Type: text/plain", "Content-Length: 12") + "block_rate=1"},
		{Name: "a PUT", Send: ask("PUT /debug/rates?block_rate=1", "{host}", origin)},
		{Name: "a question before a PUT", Send: ask("OPTIONS /debug/rates", "{host}", origin, "Access-Control-Request-Method: PUT")},
		{Name: "a WebSocket", Send: ask("GET /status", "{host}", origin, "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")},
		{Name: "a name that is rebound", Send: ask("GET /status", "evil.example")},
		{Name: "a name that is rebound, with our port", Send: ask("GET /status", "evil.example:8087", "Sec-Fetch-Site: same-origin")},
		{Name: "a rebound profile", Send: ask("GET /debug/pprof/heap", "evil.example")},
		{Name: "a rebound PUT", Send: ask("PUT /debug/rates?block_rate=1", "evil.example", origin)},
		{Name: "a name that begins as ours", Send: ask("GET /status", "127.0.0.1.evil.example")},
		{Name: "a name that ends as ours", Send: ask("GET /status", "evil-localhost")},
		{Name: "a user in the host", Send: ask("GET /status", "127.0.0.1@evil.example")},
		{Name: "an absolute target", Send: ask("GET http://evil.example/status", "{host}")},
		{Name: "two Hosts", Send: ask("GET /status", "{host}", "Host: evil.example")},
		{Name: "a Host of no name", Send: ask("GET /status", "")},
		{Name: "paths that lead out", Send: ask("GET /../../etc/passwd", "{host}", cross)},
		{Name: "a body of a megabyte", Send: ask("PUT /debug/rates", "{host}", "Content-Length: 1048576") + strings.Repeat("x", 1<<20)},
		{Name: "a head of a megabyte", Send: ask("GET /status", "{host}", "X: "+strings.Repeat("y", 1<<20))},
		{Name: "two lengths", Send: ask("PUT /debug/rates", "{host}", "Content-Length: 0", "Content-Length: 5") + "x"},
		{Name: "length and chunks", Send: ask("PUT /debug/rates", "{host}", cross, "Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n"},
	}
	for i := range list {
		// None has the pump's state in it, nor leave to read the answer.
		list[i].Want, list[i].Hides = "400|401|403|404|405|413|421|431", "uptime"
	}
	return append(list, Shape{Name: "the operator", Send: ask("GET /status", "{host}"), Want: "200", Says: "uptime", Hides: "Access-Control-Allow"})
}
