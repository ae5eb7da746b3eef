package attack

import (
	"encoding/binary"
	"strings"
)

// record is a TLS record.
func record(kind byte, version uint16, body string) string {
	b := binary.BigEndian.AppendUint16([]byte{kind}, version)
	return string(binary.BigEndian.AppendUint16(b, uint16(len(body)))) + body
}

// Kinds of records, and versions.
const (
	changeCipher, alert, handshake, data, heartbeat = 20, 21, 22, 23, 24
	ssl3, tls10, tls12                              = 0x0300, 0x0301, 0x0303
)

// brokenTLS is what comes to a TLS port and is no TLS, or none that is spoken. Only what
// is no TLS at all is told so in clear.
func brokenTLS() []Shape {
	hello := string(clientHello())
	body := hello[5:]
	versioned := func(version string) string {
		// Without the extension that names newer versions: it is renamed to one that
		// nobody knows.
		old := strings.Replace(body, "\x00\x2b\x00", "\xfa\xfa\x00", 1)
		return record(handshake, tls10, old[:4]+version+old[6:])
	}
	list := []Shape{
		{Name: "HTTP in clear", Send: get("/")},
		{Name: "MMST in clear", Send: "\x01\x00\x00\x00\xce\xfa\x0b\xb0" + strings.Repeat("\x00", 60)},
		{Name: "zeros", Send: strings.Repeat("\x00", 4000)},
		{Name: "ones", Send: strings.Repeat("\xff", 4000)},
		{Name: "SSL 2", Send: "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80" + strings.Repeat("x", 40)},
		{Name: "SSL 3", Send: versioned("\x03\x00")},
		{Name: "TLS 1.0", Send: versioned("\x03\x01")},
		{Name: "TLS 1.1", Send: versioned("\x03\x02")},
		{Name: "a record of 65,535 bytes", Send: "\x16\x03\x01\xff\xff" + strings.Repeat("x", 65_535)},
		{Name: "a record above 16 KiB", Send: "\x16\x03\x01\x48\x01" + strings.Repeat("x", 0x4801)},
		{Name: "a version of the future", Send: "\x16\x7f\x7f\x00\x05hello"},
		{Name: "records of no byte", Send: strings.Repeat(record(handshake, tls10, ""), 2000)},
		{Name: "an alert first", Send: record(alert, tls10, "\x02\x28")},
		{Name: "warnings without an end", Send: strings.Repeat(record(alert, tls10, "\x01\x5a"), 2000)},
		{Name: "goodbye first", Send: record(alert, tls10, "\x01\x00")},
		{Name: "data first", Send: record(data, tls12, strings.Repeat("x", 1000))},
		{Name: "a heartbeat that lies", Send: record(heartbeat, 0x0302, "\x01\x40\x00")},
		{Name: "changes of cipher first", Send: strings.Repeat(record(changeCipher, tls12, "\x01"), 2000)},
		{Name: "a message of 16 MB", Send: record(handshake, tls10, "\x01\xff\xff\xff"+strings.Repeat("x", 8000)) + strings.Repeat(record(handshake, tls10, strings.Repeat("x", 16_000)), 20)},
		{Name: "a message of the server's", Send: record(handshake, tls10, "\x02"+body[1:])},
		{Name: "a message of no type", Send: record(handshake, tls10, "\xee\x00\x00\x02xx")},
		{Name: "a hello of no byte", Send: record(handshake, tls10, "\x01\x00\x00\x00")},
		{Name: "a hello that is cut", Send: record(handshake, tls10, "\x01\x00\x00\x20"+body[4:36])},
		{Name: "a hello with lengths that lie", Send: record(handshake, tls10, body[:38]+"\xff"+body[39:])},
		{Name: "a hello, then garbage", Send: hello + strings.Repeat("\xff", 4000)},
		{Name: "a hello, then data", Send: hello + record(data, tls12, strings.Repeat("x", 100))},
		{Name: "a hello, then an alert", Send: hello + record(alert, tls12, "\x02\x2a")},
		{Name: "two hellos", Send: hello + hello},
	}
	for i := range list {
		list[i].Want = "|400"
	}
	return list
}
