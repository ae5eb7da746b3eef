package attack

import "strings"

// proxied are headers of the PROXY protocol that are none, from an address that is
// trusted to send good ones.
func proxied() []Shape {
	const signature = "\r\n\r\n\x00\r\nQUIT\n"
	const peers = "\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x50\x00\x50"
	hello := get("/")
	list := []Shape{
		{Name: "no header", Send: hello},
		{Name: "TLS instead", Send: string(clientHello())},
		{Name: "a line without an end", Send: "PROXY TCP4 " + strings.Repeat("1", 4000)},
		{Name: "a line of 108 bytes", Send: "PROXY UNKNOWN " + strings.Repeat("x", 92) + "\r\n" + hello},
		{Name: "a family that is none", Send: "PROXY TCP9 192.0.2.1 192.0.2.2 1 2\r\n" + hello},
		{Name: "an address that is none", Send: "PROXY TCP4 192.0.2.999 192.0.2.2 1 2\r\n" + hello},
		{Name: "an address of the other family", Send: "PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n" + hello},
		{Name: "a port above 65,535", Send: "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n" + hello},
		{Name: "a negative port", Send: "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n" + hello},
		{Name: "too few fields", Send: "PROXY TCP4 192.0.2.1\r\n" + hello},
		{Name: "a lone LF", Send: "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n" + hello},
		{Name: "another version", Send: signature + "\x31\x11\x00\x0c" + peers + hello},
		{Name: "another command", Send: signature + "\x2f\x11\x00\x0c" + peers + hello},
		{Name: "a length that is too short", Send: signature + "\x21\x11\x00\x04" + peers + hello},
		{Name: "a length of 65,535", Send: signature + "\x21\x11\xff\xff" + strings.Repeat("x", 65_535) + hello},
		{Name: "a signature that breaks off", Send: signature[:11] + "X" + strings.Repeat("x", 100)},
	}
	for i := range list {
		list[i].Want, list[i].Hides = "|400", "Stream Pump" // which the page at / says
	}
	return append(list,
		Shape{Name: "a good line", Send: "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + hello, Want: "200"},
		Shape{Name: "a good header", Send: signature + "\x21\x11\x00\x0c" + peers + hello, Want: "200"},
		Shape{Name: "two headers", Send: "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nPROXY TCP4 192.0.2.9 192.0.2.2 1 2\r\n" + hello, Want: "400"},
	)
}
