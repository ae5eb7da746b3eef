// Package proxyproto reads what a proxy says in front of a connection about the peer
// that it stands for: the PROXY protocol of HAProxy, versions 1 and 2. It takes bytes
// and opens no socket; package door decides who is believed.
//
//	version 1   PROXY TCP4 192.0.2.1 198.51.100.1 56324 8086\r\n
//
//	version 2   12  signature   \r\n\r\n\0\r\nQUIT\n
//	             1  version and command   0x20 LOCAL, 0x21 PROXY
//	             1  family and transport  0x11 TCP over IPv4, 0x21 over IPv6
//	             2  length of what follows
//	                source, destination, their ports; then more, which is passed over
//
// The section numbers are those of "The PROXY protocol, Versions 1 & 2", by Willy
// Tarreau.
package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Max is the longest header that is read: what surely fits into one segment (2.2), and
// so comes at once. One of version 1 has 107 bytes at most (2.1).
const Max = 536

const maxLine = 107

// Header is what a proxy has said.
type Header struct {
	// Source is the peer that the proxy stands for, never in the IPv6-mapped form. It is
	// not valid if the proxy stands for nobody, and the connection is its own.
	Source netip.AddrPort
}

// Why bytes are no header.
var (
	// ErrNone says that they do not begin like one.
	ErrNone = errors.New("there is no PROXY header")
	errLong = errors.New("the PROXY header is too long")
)

const line = "PROXY "

var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// Parse reads the header that b begins with, and how many bytes it has; 0 if more are
// needed. Never are more than [Max] needed.
func Parse(b []byte) (h Header, n int, err error) {
	switch {
	case begins(b, []byte(line)):
		return parseLine(b)
	case begins(b, signature):
		return parseBinary(b)
	}
	return Header{}, 0, ErrNone
}

// begins reports whether b begins with mark, as far as it goes.
func begins(b, mark []byte) bool {
	n := min(len(b), len(mark))
	return bytes.Equal(b[:n], mark[:n])
}

// parseLine reads version 1 (2.1).
func parseLine(b []byte) (h Header, n int, err error) {
	end := bytes.Index(b[:min(len(b), maxLine)], []byte("\r\n"))
	switch {
	case end < 0 && len(b) >= maxLine:
		return h, 0, errLong
	case end < 0:
		return h, 0, nil
	case end < len(line):
		return h, 0, ErrNone
	}
	n = end + 2
	words := strings.Split(string(b[len(line):end]), " ")
	if words[0] == "UNKNOWN" {
		return h, n, nil // whatever follows
	}
	if len(words) != 5 || words[0] != "TCP4" && words[0] != "TCP6" {
		return h, 0, fmt.Errorf("the PROXY header is %q", b[:end])
	}
	if h.Source, err = endpoint(words[0], words[1], words[3]); err == nil {
		_, err = endpoint(words[0], words[2], words[4])
	}
	if err != nil {
		return Header{}, 0, fmt.Errorf("the PROXY header is %q: %w", b[:end], err)
	}
	return h, n, nil
}

// endpoint reads an address of the family and a port.
func endpoint(family, address, port string) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Zone() != "" || a.Is4() != (family == "TCP4") {
		return netip.AddrPort{}, fmt.Errorf("%q is no address of %s", address, family)
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil || len(port) > 1 && port[0] == '0' || port[0] == '+' {
		return netip.AddrPort{}, fmt.Errorf("%q is no port", port)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), nil
}

// The fields of version 2 (2.2).
const (
	fixed   = 16 // before what has the given length
	local   = 0x20
	proxied = 0x21
	tcp4    = 0x11
	tcp6    = 0x21
	stream  = 0x1 // the transport in the lower half
	size4   = 12
	size6   = 36
)

// parseBinary reads version 2.
func parseBinary(b []byte) (h Header, n int, err error) {
	if len(b) < fixed {
		return h, 0, nil
	}
	command, family := b[12], b[13]
	n = fixed + int(binary.BigEndian.Uint16(b[14:]))
	switch {
	case command != local && command != proxied:
		return h, 0, fmt.Errorf("the PROXY header has version and command %#02x", command)
	case n > Max:
		return h, 0, errLong
	case len(b) < n:
		return h, 0, nil
	case command == local:
		return h, n, nil
	}
	body := b[fixed:n]
	switch {
	case family == tcp4 && len(body) >= size4:
		h.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte(body)), binary.BigEndian.Uint16(body[8:]))
	case family == tcp6 && len(body) >= size6:
		h.Source = netip.AddrPortFrom(netip.AddrFrom16([16]byte(body)).Unmap(), binary.BigEndian.Uint16(body[32:]))
	case family == tcp4 || family == tcp6:
		return h, 0, fmt.Errorf("the PROXY header has %d bytes of addresses", len(body))
	case family != 0 && family&0xf != stream || family>>4 > 3:
		return h, 0, fmt.Errorf("the PROXY header has family and transport %#02x", family)
	}
	return h, n, nil // of another family: the connection is the proxy's own
}
