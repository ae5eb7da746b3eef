package attack

import "strings"

// shaped are the attacks by shapes.
func shaped() []Attack {
	return []Attack{
		Shapes("smuggling", "sends requests that two readers would see differently, with another request in them", Plain, smuggling()),
		Shapes("paths", "asks for paths that lead elsewhere, or are none", Plain, paths()),
		Shapes("lengths", "announces lengths that are negative, too large, or lies", Plain, lengths()),
		Shapes("heads", "sends heads with many fields, long ones, and lines without an end", Plain, heads()),
		Shapes("broken-tls", "sends what is no TLS, or TLS that breaks its own rules", TLS, brokenTLS()),
		Shapes("proxied", "says for whom it connects in words that are none, as a trusted proxy", Plain, proxied()),
		Shapes("hostile-page", "asks as a browser does for a page of another site", Admin, pages()),
	}
}

// second is a request that must not be seen: its answer would be 404.
const second = "GET /second HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"

// logTo begins a request with a body that is read past; its fields follow.
const logTo = "POST {view} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-wms-logstats\r\n"

// pushTo begins a push in chunks; its fields follow.
const pushTo = "POST {push} HTTP/1.1\r\nHost: {host}\r\n"

// get is a request of one line and some fields, each with its end.
func get(target string, fields ...string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n" + strings.Join(fields, "") + "\r\n"
}

// smuggling are requests whose end, or whose host, two readers see differently.
func smuggling() []Shape {
	const chunked = "Transfer-Encoding: chunked\r\n"
	list := []Shape{
		{Name: "two lengths", Send: logTo + "Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + second, Want: "400"},
		{Name: "a length twice", Send: logTo + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nxx" + second, Want: "204"},
		{Name: "lengths in a list", Send: logTo + "Content-Length: 2, 2\r\n\r\nxx" + second, Want: "400"},
		{Name: "length and chunks", Send: pushTo + "Content-Length: 5\r\n" + chunked + "\r\n0\r\n\r\n" + second, Want: "400"},
		{Name: "chunks and length", Send: pushTo + chunked + "Content-Length: 5\r\n\r\n0\r\n\r\n" + second, Want: "400"},
		{Name: "length and chunks of a log", Send: logTo + "Content-Length: 5\r\n" + chunked + "\r\n0\r\n\r\n" + second, Want: "501"},
		{Name: "chunks of a GET", Send: get("/", chunked) + "0\r\n\r\n" + second, Want: "501"},
		{Name: "chunks in HTTP/1.0", Send: "POST {push} HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n" + second, Want: "400"},
		{Name: "chunks twice", Send: pushTo + chunked + chunked + "\r\n0\r\n\r\n" + second, Want: "400"},
		{Name: "a body behind its length", Send: get("/", "Content-Length: 3\r\n") + "xyz" + second, Want: "200"},
		{Name: "behind the last request", Send: get("/") + second, Want: "200"},
		{Name: "a lone LF behind the first line", Send: "GET / HTTP/1.1\nHost: {host}\r\n\r\n" + second, Want: "400"},
		{Name: "a lone LF in the fields", Send: "GET / HTTP/1.1\r\nHost: {host}\r\nX: y\nContent-Length: 9\r\n\r\n" + second, Want: "400"},
		{Name: "a lone LF at the end", Send: "GET / HTTP/1.1\r\nHost: {host}\r\n\n" + second, Want: "400"},
		{Name: "lone LFs alone", Send: "GET / HTTP/1.1\nHost: {host}\n\n" + second, Want: "400"},
		{Name: "a lone CR", Send: "GET / HTTP/1.1\r\nHost: {host}\r\nX: y\rContent-Length: 9\r\n\r\n" + second, Want: "400"},
		{Name: "a folded line", Send: get("/", "X: y\r\n Content-Length: 9\r\n") + second, Want: "400"},
		{Name: "a fold behind the first line", Send: "GET / HTTP/1.1\r\n Host: {host}\r\n\r\n" + second, Want: "400"},
		{Name: "a blank before a colon", Send: logTo + "Content-Length : 60\r\n\r\n" + second, Want: "400"},
		{Name: "a tab before a colon", Send: logTo + "Content-Length\t: 60\r\n\r\n" + second, Want: "400"},
		{Name: "no name", Send: get("/", ": y\r\n") + second, Want: "400"},
		{Name: "no colon", Send: get("/", "Content-Length 9\r\n") + second, Want: "400"},
		{Name: "a NUL in a value", Send: get("/", "X: y\x00z\r\n") + second, Want: "400"},
		{Name: "a NUL in a name", Send: get("/", "Content-Length\x00: 9\r\n") + second, Want: "400"},
		{Name: "two Hosts", Send: get("/", "Host: other.example\r\n") + second, Want: "400"},
		{Name: "no Host", Send: "GET / HTTP/1.1\r\n\r\n" + second, Want: "400"},
		{Name: "a Host that is none", Send: "GET / HTTP/1.1\r\nHost: a b/c\r\n\r\n" + second, Want: "400"},
		{Name: "another Host than the target's", Send: "GET http://pump.example{view}.asx HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n" + second, Want: "200", Says: "pump.example", Hides: "other.example"},
		{Name: "a target with markup for a host", Send: get("http://x\"><script>{view}.asx") + second, Want: "400|200", Hides: "<script"},
		{Name: "HTTP/0.9", Send: "GET /\r\n" + second, Want: "400"},
		{Name: "HTTP/2", Send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Want: "505"},
		{Name: "an upgrade to HTTP/2", Send: get("/", "Upgrade: h2c\r\n", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"), Want: "200"},
		{Name: "a version with two digits", Send: "GET / HTTP/1.10\r\nHost: {host}\r\n\r\n" + second, Want: "400"},
		{Name: "a version in small letters", Send: "GET / http/1.1\r\nHost: {host}\r\n\r\n" + second, Want: "400"},
		{Name: "two versions", Send: "GET / HTTP/1.1 HTTP/1.1\r\nHost: {host}\r\n\r\n" + second, Want: "400"},
		{Name: "a tab in the first line", Send: "GET\t/ HTTP/1.1\r\nHost: {host}\r\n\r\n" + second, Want: "400"},
		{Name: "CONNECT", Send: "CONNECT 192.0.2.1:25 HTTP/1.1\r\nHost: 192.0.2.1:25\r\n\r\n" + second, Want: "405|400"},
		{Name: "TRACE", Send: "TRACE / HTTP/1.1\r\nHost: {host}\r\nX-Secret: tell-nobody\r\n\r\n" + second, Want: "405", Hides: "tell-nobody"},
	}
	for _, coding := range []string{"xchunked", "chunked, identity", "identity, chunked", "identity", "gzip, chunked", "chunked;q=1", "\"chunked\"", "chunked,", ""} {
		list = append(list, Shape{
			Name: "the coding " + coding, Send: pushTo + "Transfer-Encoding: " + coding + "\r\n\r\n0\r\n\r\n" + second, Want: "400",
		})
	}
	for name, field := range map[string]string{
		"a blank": "Transfer-Encoding : chunked", "a control byte": "Transfer-Encoding: \x0bchunked", "a fold": "Transfer-Encoding:\r\n chunked",
	} {
		list = append(list, Shape{Name: "chunks behind " + name, Send: pushTo + "Content-Length: 5\r\n" + field + "\r\n\r\n0\r\n\r\n" + second, Want: "400"})
	}
	return list
}
