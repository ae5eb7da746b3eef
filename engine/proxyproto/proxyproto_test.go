package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// v2 is a header of version 2.
func v2(command, family byte, body ...byte) string {
	b := append([]byte(string(signature)), command, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return string(append(b, body...))
}

var (
	body4 = []byte{192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 0x04, 0x1f, 0x96}
	body6 = append(append(append(make([]byte, 0, 36),
		0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
		0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2), 0xdc, 0x04, 0x1f, 0x96)
	mapped = append(append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}, make([]byte, 16)...), 0, 7, 0, 8)
)

var cases = []struct {
	name, in string
	source   string // empty: the connection's own
	rest     string // behind the header
	err      string
}{
	{"v1_tcp4", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 8086\r\n", "192.0.2.1:56324", "GET /", ""},
	{"v1_tcp6", "PROXY TCP6 2001:db8::1 2001:db8::2 56324 8086\r\n", "[2001:db8::1]:56324", "", ""},
	{"v1_longest", "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "x", ""},
	{"v1_mapped", "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1:1", "", ""},
	{"v1_unknown", "PROXY UNKNOWN\r\n", "", "GET /", ""},
	{"v1_unknown_with_more", "PROXY UNKNOWN ffff::1 what ever 0 0\r\n", "", "", ""},
	{"v1_too_long", "PROXY UNKNOWN " + strings.Repeat("x", 100) + "\r\n", "", "", "too long"},
	{"v1_no_end", "PROXY TCP4 " + strings.Repeat("1", 100), "", "", "too long"},
	{"v1_bare_LF", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 8086\n" + strings.Repeat(" ", 100), "", "", "too long"},
	{"v1_family", "PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n", "", "", `the PROXY header is "PROXY TCP5`},
	{"v1_wrong_family", "PROXY TCP4 2001:db8::1 198.51.100.1 1 2\r\n", "", "", `"2001:db8::1" is no address of TCP4`},
	{"v1_destination", "PROXY TCP4 192.0.2.1 nowhere 1 2\r\n", "", "", `"nowhere" is no address of TCP4`},
	{"v1_zone", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "", "", "is no address of TCP6"},
	{"v1_port", "PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n", "", "", `"65536" is no port`},
	{"v1_port_zeros", "PROXY TCP4 192.0.2.1 198.51.100.1 080 2\r\n", "", "", `"080" is no port`},
	{"v1_port_sign", "PROXY TCP4 192.0.2.1 198.51.100.1 +80 2\r\n", "", "", `"+80" is no port`},
	{"v1_port_empty", "PROXY TCP4 192.0.2.1 198.51.100.1  \r\n", "", "", "the PROXY header is"},
	{"v1_spaces", "PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n", "", "", "the PROXY header is"},
	{"v1_nothing", "PROXY \r\n", "", "", "the PROXY header is"},
	{"v2_tcp4", v2(0x21, 0x11, body4...), "192.0.2.1:56324", "GET /", ""},
	{"v2_tcp6", v2(0x21, 0x21, body6...), "[2001:db8::1]:56324", "\x16\x03\x01", ""},
	{"v2_mapped", v2(0x21, 0x21, mapped...), "192.0.2.1:7", "", ""},
	{"v2_more_behind", v2(0x21, 0x11, append(bytes.Clone(body4), 3, 0, 4, 1, 2, 3, 4)...), "192.0.2.1:56324", "GET /", ""},
	{"v2_local", v2(0x20, 0), "", "GET /", ""},
	{"v2_local_with_addresses", v2(0x20, 0x11, body4...), "", "", ""},
	{"v2_unspecified", v2(0x21, 0, 1, 2, 3), "", "", ""},
	{"v2_unix", v2(0x21, 0x31, make([]byte, 216)...), "", "", ""},
	{"v2_longest", v2(0x20, 0, make([]byte, Max-16)...), "", "x", ""},
	{"v2_too_long", v2(0x20, 0, make([]byte, Max-15)...), "", "", "too long"},
	{"v2_short", v2(0x21, 0x11, body4[:11]...), "", "", "11 bytes of addresses"},
	{"v2_short6", v2(0x21, 0x21, body6[:35]...), "", "", "35 bytes of addresses"},
	{"v2_datagram", v2(0x21, 0x12, body4...), "", "", "family and transport 0x12"},
	{"v2_family", v2(0x21, 0x41, body4...), "", "", "family and transport 0x41"},
	{"v2_version", v2(0x11, 0x11, body4...), "", "", "version and command 0x11"},
	{"v2_command", v2(0x22, 0x11, body4...), "", "", "version and command 0x22"},
	{"none_http", "GET / HTTP/1.0\r\n\r\n", "", "", ErrNone.Error()},
	{"none_tls", "\x16\x03\x01\x00\xa5", "", "", ErrNone.Error()},
	{"none_lines", "\r\n\r\nGET / HTTP/1.0\r\n\r\n", "", "", ErrNone.Error()},
	{"none_v1", "PROXYTCP4", "", "", ErrNone.Error()},
}

func TestParse(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, n, err := Parse([]byte(c.in + c.rest))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || n != 0 || h.Source.IsValid() {
					t.Errorf("%v, %d, %v; want %q", h, n, err, c.err)
				}
				return
			}
			want := netip.AddrPort{}
			if c.source != "" {
				want = netip.MustParseAddrPort(c.source)
			}
			if err != nil || n != len(c.in) || h.Source != want {
				t.Errorf("%v, %d, %v; want %v, %d", h, n, err, want, len(c.in))
			}
			for i := range len(c.in) {
				if h, n, err := Parse([]byte(c.in[:i])); n != 0 || err != nil || h.Source.IsValid() {
					t.Fatalf("the first %d bytes give %v, %d, %v", i, h, n, err)
				}
			}
		})
	}
}

// Whatever comes, the header ends within its bounds, a longer piece of it says the same,
// and what it names is an address that is compared as others are.
func FuzzParse(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.in + c.rest))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := Parse(b)
		switch {
		case n < 0 || n > len(b) || n > Max:
			t.Fatalf("%d bytes of %d", n, len(b))
		case err != nil && (n != 0 || h.Source.IsValid()):
			t.Fatalf("%v, %d, %v", h, n, err)
		case n == 0 && err == nil && len(b) >= Max:
			t.Fatal("more is wanted of what is longer than any header")
		case h.Source.Addr().Is4In6() || h.Source.Addr().Zone() != "":
			t.Fatalf("the source is %v", h.Source)
		}
		if err != nil && !errors.Is(err, ErrNone) && len(err.Error()) > 4*Max {
			t.Fatalf("the error has %d bytes", len(err.Error()))
		}
		for i := range min(len(b), Max) {
			if g, k, e := Parse(b[:i]); k != 0 && (k != n || g != h || e != nil) || e != nil && err == nil {
				t.Fatalf("%d bytes give %v, %d, %v; all give %v, %d, %v", i, g, k, e, h, n, err)
			}
		}
	})
}
