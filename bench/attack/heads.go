package attack

import "strings"

// heads are floods within one head.
func heads() []Shape {
	const start = "GET / HTTP/1.1\r\nHost: {host}\r\n"
	const long = 1 << 20
	return []Shape{
		{Name: "101 fields", Send: start + strings.Repeat("X: y\r\n", 101) + "\r\n", Want: "431"},
		{Name: "fields without an end", Send: start + strings.Repeat("X: y\r\n", long/6), Want: "431"},
		{Name: "fields of one byte without an end", Send: start + strings.Repeat("a:\r\n", long/4), Want: "431"},
		{Name: "a value of 20 KB", Send: start + "X: " + strings.Repeat("y", 20_000) + "\r\n\r\n", Want: "431"},
		{Name: "a value without an end", Send: start + "X: " + strings.Repeat("y", long), Want: "431"},
		{Name: "a name without an end", Send: start + strings.Repeat("y", long), Want: "431"},
		{Name: "a first line without an end", Send: "GET /" + strings.Repeat("a", long), Want: "431"},
		{Name: "a method without an end", Send: strings.Repeat("A", long), Want: "431"},
		{Name: "blanks without an end", Send: "GET " + strings.Repeat(" ", long), Want: "431"},
		{Name: "empty lines without an end", Send: strings.Repeat("\r\n", long/2), Want: "431"},
		{Name: "a token without an end", Send: "GET {view}?token=" + strings.Repeat("a~", long/2), Want: "431"},
		{Name: "Pragma lines", Send: start + strings.Repeat("Pragma: xClientGUID={}, client-id=1\r\n", 300) + "\r\n", Want: "431"},
		{Name: "a Pragma with many tokens", Send: get("/", "Pragma: "+strings.Repeat("a,", 7000)+"\r\n"), Want: "200"},
		{Name: "a User-Agent of 15 KB", Send: get("/", "User-Agent: "+strings.Repeat("NSPlayer/9 ", 1300)+"\r\n"), Want: "200"},
		{Name: "a stream-switch-entry of 15 KB", Send: get("{view}", "User-Agent: NSPlayer/12.0\r\nPragma: xPlayStrm=1\r\nPragma: stream-switch-entry="+strings.Repeat("ffff:1:0 ", 1600)+"\r\n"), Want: "503"},
		{Name: "an Authorization of 15 KB", Send: get("/", "Authorization: Digest "+strings.Repeat(`a="b",`, 2500)+"\r\n"), Want: "200"},
		{Name: "Digest with quotes without an end", Send: get("{view}", `Authorization: Digest username="`+strings.Repeat(`\"`, 7000)+"\r\n"), Want: "503"},
		{Name: "Basic that is no base64", Send: get("{view}", "Authorization: Basic "+strings.Repeat("=", 12_000)+"\r\n"), Want: "503"},
	}
}
