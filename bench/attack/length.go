package attack

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// lengths are announcements that are not kept, or cannot be.
func lengths() []Shape {
	var list []Shape
	for _, n := range []string{"-1", "+5", "0x10", "1e3", "", "5 5", "5;", "99999999999999999999", "18446744073709551616", "٣"} {
		list = append(list, Shape{Name: fmt.Sprintf("Content-Length %q", n), Send: logTo + "Content-Length: " + n + "\r\n\r\n" + second, Want: "400"})
	}
	for _, n := range []string{"65537", "2147483648", "9223372036854775807"} {
		list = append(list, Shape{Name: "a log of " + n, Send: logTo + "Content-Length: " + n + "\r\n\r\n" + second, Want: "413"})
	}
	return append(append(list, chunkLengths()...), append(framedLengths(), headerLengths()...)...)
}

// chunkLengths are bodies in chunks that break.
func chunkLengths() []Shape {
	var list []Shape
	for _, body := range []string{
		"-1\r\n", "+1\r\na\r\n", "0x5\r\nabcde\r\n", "ffffffffffffffffff\r\n", "100000000000000\r\n", "\r\n", " 5\r\nabcde", "g\r\n",
		"1\na\r\n", "1\r\na\n", "1\r\nab\r\n", "1;" + strings.Repeat("x", 300) + "\r\n", "000000000000" + strings.Repeat("0", 300) + "1\r\na\r\n",
	} {
		list = append(list, Shape{Name: fmt.Sprintf("the chunk %.20q", body), Send: pushTo + "Transfer-Encoding: chunked\r\n\r\n" + body + second, Want: "422"})
	}
	return list
}

// startText begins the body of a push, which goes to the end of the connection.
const startText = "POST {push} HTTP/1.1\r\nContent-Type: application/x-wms-pushstart\r\nHost: {host}\r\nCookie: push-id={id}\r\n"

// endless begins a body of the length that encoders announce.
const endless = startText + "Content-Length: 2147483647\r\n\r\n"

// framedLengths are bodies of pushes whose framing lies.
func framedLengths() []Shape {
	good, _ := soundOf(1400, 0)
	h := string(appendHeader(nil, good))
	d := string(appendTiny(nil, 0))
	framed := func(id string, length int, body string) string {
		return "$" + id + string(binary.LittleEndian.AppendUint16(nil, uint16(length))) + body
	}
	list := []Shape{
		{Name: "a body that is not framed", Send: endless + "abcd" + h},
		{Name: "a $D before the $H", Send: endless + d + d},
		{Name: "a $H of no byte", Send: endless + framed("H", 0, "") + h + "end"},
		{Name: "a $H of one byte", Send: endless + framed("H", 1, "x") + h},
		{Name: "a $H shorter than its header", Send: endless + framed("H", len(good)-60, string(good[:len(good)-60])) + "end"},
		{Name: "a $D of no byte", Send: endless + h + framed("D", 0, "") + d + "end"},
		{Name: "a $D longer than a packet", Send: endless + h + framed("D", 65_535, strings.Repeat("\x82", 65_535)) + d},
		{Name: "a $D that is no packet", Send: endless + h + framed("D", 200, strings.Repeat("\xff", 200)) + "end"},
		{Name: "a $C with garbage", Send: endless + h + framed("C", 40, strings.Repeat("x", 40))},
		{Name: "what is no type", Send: endless + h + framed("\x00", 3, "xxx") + "end"},
	}
	for i := range list {
		list[i].SetUp, list[i].Want = true, "422"
	}
	for n, want := range map[string]string{"-1": "400", "99999999999999999999": "400", "4294967296x": "400"} {
		list = append(list, Shape{Name: "a push of " + n, Send: startText + "Content-Length: " + n + "\r\n\r\n" + h, SetUp: true, Want: want})
	}
	return append(list, Shape{Name: "a push without a length", Send: startText + "\r\n" + h, SetUp: true, Want: "411"})
}

// headerLengths are headers whose sizes lie.
func headerLengths() []Shape {
	good, _ := soundOf(1400, 0)
	var list []Shape
	lie := func(name string, at int, b ...byte) {
		bad := append([]byte(nil), good...)
		copy(bad[at:], b)
		list = append(list,
			Shape{Name: name, Send: endless + string(appendHeader(nil, bad)), SetUp: true, Want: "422"},
			Shape{Name: name + ", in chunks", Send: pushTo + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n", len(bad), bad) + "0\r\n\r\n", Want: "422"})
	}
	ones := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	const size, first = 16, 30 // where a Header Object's size is, and its first object
	lie("a header of 2^64-1 bytes", size, ones...)
	lie("a header of 2^63 bytes", size, 0, 0, 0, 0, 0, 0, 0, 0x80)
	lie("a header of no byte", size, make([]byte, 8)...)
	lie("a header of 29 bytes", size, 29, 0, 0, 0, 0, 0, 0, 0)
	lie("a header of a gigabyte", size, 0, 0, 0, 0x40, 0, 0, 0, 0)
	lie("an object of 2^64-1 bytes", first+size, ones...)
	lie("an object of no byte", first+size, make([]byte, 8)...)
	lie("an object of 23 bytes", first+size, 23, 0, 0, 0, 0, 0, 0, 0)
	return list
}
