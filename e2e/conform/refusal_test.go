package conform

import "fmt"

// refusalRows are about requests that are none, or none that is served.
func refusalRows() []row {
	return []row{
		{0, "MalformedRequests", "what is no request is told what is wrong with it, and how", "RFC 9112, 2 to 6", steady, malformed},
		{0, "UnknownMethods", "a method that is not served is told 405 or 501", "RFC 9110, 15.5.6, 15.6.2", steady, unknownMethods},
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
		{"GET relative HTTP/1.1\r\n\r\n", 400, "target"},
		{"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "Content-Length"},
		{"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400, "Content-Length"},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501, "Transfer-Encoding"},
		{"GET / HTTP/1.1\r\nA: \x01\r\n\r\n", 400, "control byte"},
		{k.post("HTTP/1.1", wmp, emptyBody), 400, ""},
		{request("POST "+k.pushURL(), "HTTP/1.1", startType), 411, ""},
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
	for _, b := range []string{"\x16\x03\x01\x02\x00\x01\x00\x01", "\x03aaaaaaaaaaaa", "\x05\x01\x00\x00\x00\x00\x00\x00", "\xFF\xFE\xFD\xFC\xFB\xFA\xF9\xF8"} {
		h, body := k.final(b)
		k.want(h.Status == 400 && body != "", "%s is answered %v", fmt.Sprintf("% x", b), h)
	}
}
