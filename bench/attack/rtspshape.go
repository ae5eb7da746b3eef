package attack

import (
	"fmt"
	"strings"
)

// rtspShapes are requests over RTSP that are none, and those that could be of HTTP. Where
// a refusal leaves the connection open, a byte follows that nothing begins with.
func rtspShapes() []Shape {
	const end, tcp = "\x01", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
	ask := func(line string, fields ...string) string {
		return line + " RTSP/1.0\r\nCSeq: 1\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
	}
	at := func(method, path string, fields ...string) string {
		return ask(method+" rtsp://{host}"+path, fields...)
	}
	announce := func(body string, fields ...string) string {
		return at("ANNOUNCE", "{push}", append(fields, fmt.Sprintf("Content-Length: %d", len(body)))...) + body
	}
	const media = "v=0\r\nm=audio 0 RTP/AVP 0\r\n"
	list := []Shape{
		{Name: "a tunnel in HTTP", Send: "GET {view} HTTP/1.0\r\nx-sessioncookie: abc\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n", Want: "501"},
		{Name: "the way back of a tunnel", Send: "POST {view} HTTP/1.0\r\nx-sessioncookie: abc\r\nContent-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\r\nREVTQ1JJQkU=", Want: "400"},
		{Name: "OPTIONS of HTTP", Send: "OPTIONS * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", Want: "200"},
		{Name: "OPTIONS of RTSP", Send: ask("OPTIONS *") + end, Want: "200 400", Says: "GET_PARAMETER"},
		{Name: "OPTIONS of neither", Send: "OPTIONS * GOPHER/1.0\r\n\r\n", Want: "400|505"},
		{Name: "OPTIONS with blanks without an end", Send: "OPTIONS " + strings.Repeat(" ", 1<<20), Want: "431|400"},
		{Name: "HTTP behind RTSP", Send: ask("OPTIONS *") + get("/"), Want: "200 400"},
		{Name: "RTSP behind HTTP", Send: "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n" + at("DESCRIBE", "{view}"), Want: "200 400|200 505"},
		{Name: "a packet first", Send: "$\x00\x00\x04abcd", Want: "400|"},
		{Name: "an answer first", Send: "RTSP/1.0 OK\r\nCSeq: 1\r\n\r\n", Want: "400"},
		{Name: "RTSP 2.0", Send: "OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n" + end, Want: "505 400"},
		{Name: "no CSeq", Send: "DESCRIBE rtsp://{host}{view} RTSP/1.0\r\n\r\n", Want: "400"},
		{Name: "a CSeq of a kilobyte", Send: "OPTIONS * RTSP/1.0\r\nCSeq: " + strings.Repeat("1", 1000) + "\r\n\r\n", Want: "400"},
		{Name: "a Require", Send: at("DESCRIBE", "{view}", "Require: a\tb") + end, Want: "551 400"},
		{Name: "a head of a megabyte", Send: "DESCRIBE rtsp://{host}{view} RTSP/1.0\r\nX: " + strings.Repeat("y", 1<<20), Want: "413"},
		{Name: "fields without an end", Send: "DESCRIBE rtsp://{host}{view} RTSP/1.0\r\n" + strings.Repeat("X: y\r\n", 1<<17), Want: "413"},
		{Name: "a body of a megabyte", Send: at("ANNOUNCE", "{push}", "Content-Length: 1048576") + strings.Repeat("x", 1<<20), Want: "413"},
		{Name: "two lengths", Send: at("ANNOUNCE", "{push}", "Content-Length: 1", "Content-Length: 2") + "x", Want: "400"},
		{Name: "a length below nothing", Send: at("ANNOUNCE", "{push}", "Content-Length: -1"), Want: "400"},
		{Name: "no media", Send: announce("v=0\r\n"), Want: "400"},
		{Name: "no description", Send: announce(""), Want: "400"},
		{Name: "seventeen media", Send: announce(strings.Repeat("m=audio 0 RTP/AVP 0\r\n", 17)), Want: "400"},
		{Name: "a thousand lines and more", Send: announce(media + strings.Repeat("a\r\n", 1100)), Want: "400"},
		{Name: "keys", Send: announce("m=audio 0 RTP/SAVP 0\r\n"), Want: "400"},
		{Name: "a description of another kind", Send: announce(media, "Content-Type: text/html"), Want: "415"},
		{Name: "an encoder at a stream of another protocol", Send: at("ANNOUNCE", "/streams/live", fmt.Sprintf("Content-Length: %d", len(media))) + media, Want: "404"},
		{Name: "a viewer of a stream of another protocol", Send: at("DESCRIBE", "/streams/live"), Want: "404"},
		{Name: "PLAY at once", Send: at("PLAY", "{view}") + end, Want: "455 400"},
		{Name: "RECORD at once", Send: at("RECORD", "{push}") + end, Want: "455 400"},
		{Name: "RECORD of nothing", Send: announce(media) + at("RECORD", "{push}") + end, Want: "200 455 400"},
		{Name: "SETUP over UDP, to elsewhere", Send: at("SETUP", "{view}/trackID=0", "Transport: RTP/AVP;unicast;destination=192.0.2.1;client_port=1-2") + end, Want: "461 400"},
		{Name: "SETUP without a way", Send: at("SETUP", "{view}/trackID=0"), Want: "400"},
		{Name: "SETUP of track 65,535", Send: at("SETUP", "{view}/trackID=65535", tcp) + end, Want: "404 400"},
		{Name: "another's session", Send: at("SETUP", "{view}/trackID=0", tcp) + at("PLAY", "{view}", "Session: 0000000000000001") + end, Want: "200 454 400"},
		{Name: "a method that nobody knows", Send: ask("OPTIONS *") + ask("STEAL *") + end, Want: "200 501 400"},
		{Name: "an address of another protocol", Send: ask("DESCRIBE http://{host}{view}"), Want: "400"},
		{Name: "an address without a host", Send: ask("DESCRIBE rtsp://{view}"), Want: "400|404"},
		{Name: "an address that is none", Send: ask("DESCRIBE *"), Want: "400"},
	}
	for _, path := range []string{"/../../../../etc/passwd", "{view}/..", "{view}%00", "{view}%0d%0aX-Injected:1", "/" + strings.Repeat("a", 12_000), strings.Repeat("/", 12_000), "/\xff\xfe"} {
		list = append(list, Shape{Name: name("DESCRIBE", path), Send: at("DESCRIBE", path), Want: "404|400"})
	}
	for i := range list {
		if list[i].Hides == "" {
			list[i].Hides = "\nX-Injected"
		}
	}
	return list
}
