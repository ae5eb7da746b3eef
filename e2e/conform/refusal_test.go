package conform

import "fmt"

// refusalRows are about requests that are none, or none that is served.
func refusalRows() []row {
	return []row{
		{0, "MalformedRequests", "what is no request is told what is wrong with it, and how", "RFC 9112, 2 to 6", steady, malformed},
		{0, "UnknownMethods", "a method that is not served is told 405 or 501", "RFC 9110, 15.5.6, 15.6.2", steady, unknownMethods},
		{0, "ProxyProtocol", "a proxy that speaks the PROXY protocol, either version, is told so, and so is the operator", "operators", steady, proxyProtocol},
		{0, "RefusalsAreLogged", "the log says what was wrong with a request that is refused", "operators", steady, refusalsAreLogged},
		{0, "AnyBytes", "bytes of another protocol are refused at once", "RFC 9112, 2.2", steady, anyBytes},
	}
}

func malformed(k *kit) {
	for _, c := range []struct {
		bytes  string
		status int
		word   string
	}{
		{"GET\r\n\r\n", 400, "not a request"},
		{"GET / HTTP/x.y\r\n\r\n", 400, "version"},
		{"GET / HTTP/2.0\r\n\r\n", 505, "HTTP/2"},
		{"GET / FTP/1.0\r\n\r\n", 400, "FTP"},
		{"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "colon"},
		{"GET / HTTP/1.1\r\nName : x\r\n\r\n", 400, "header name"},
		{"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400, "folded"},
		{"GET relative HTTP/1.1\r\nHost: h\r\n\r\n", 400, "target"},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "Content-Length"},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", 400, "Content-Length"},
		{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 501, "Transfer-Encoding"},
		{"GET / HTTP/1.1\r\nA: \x01\r\n\r\n", 400, "control byte"},
		{k.post("HTTP/1.1", wmp, emptyBody), 400, "without a Content-Type"},
		{request("POST "+k.pushURL(), "HTTP/1.1", startType), 411, "Content-Length"},
	} {
		k.refused(c.status, c.bytes, c.word)
	}
}

func unknownMethods(k *kit) {
	for _, method := range []string{"PUT", "DELETE", "CONNECT"} {
		h := k.refused(405, request(method+" "+k.url()))
		k.want(h.Has("Allow"), "a 405 without Allow")
	}
	k.refused(501, request("BREW "+k.url()))
}

func anyBytes(k *kit) {
	for _, b := range []string{"\x16\x03\x01\x02\x00\x01\x00\x01", "\x06aaaaaaaaaaaa", "\x05\x01\x00\x00\x00\x00\x00\x00", "\xFF\xFE\xFD\xFC\xFB\xFA\xF9\xF8"} {
		h, body := k.final(b)
		k.want(h.Status == 400 && body != "", "%s is answered %v", fmt.Sprintf("% x", b), h)
	}
}

func proxyProtocol(k *kit) {
	page := request("GET /", "HTTP/1.1", firefox)
	k.refused(400, "PROXY TCP4 192.0.2.1 192.0.2.2 56324 8086\r\n"+page, "PROXY protocol, version 1")
	k.refused(400, "PROXY UNKNOWN\r\n"+page, "PROXY protocol, version 1")
	k.refused(400, "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0C\xC0\x00\x02\x01\xC0\x00\x02\x02\xDC\x04\x1F\x96"+page, "PROXY protocol, version 2")
	k.complained("PROXY UNKNOWN\r\n"+page, "bad_request", "PROXY protocol, version 1")
}

func refusalsAreLogged(k *kit) {
	for _, c := range []struct {
		status        int
		bytes, logged string
	}{
		{405, request("PUT " + k.pushURL()), `method is \"PUT\": an encoder pushes here as`},
		{415, request("POST "+k.pushURL(), "Content-Type: video/x-flv", "Content-Length: 9"), `POST of \"video/x-flv\" to an encoder's address`},
	} {
		k.refused(c.status, c.bytes)
		k.complained(c.bytes, "bad_request", c.logged)
	}
}
