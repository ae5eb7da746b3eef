package mmsh

import (
	"net/netip"
	"strings"
	"testing"

	"streampump/codec"
)

// The playlist names the host that the client reached us by, if its Host
// header can be one.
func TestPlaylist(t *testing.T) {
	cases := []struct{ host, want string }{
		{"pump.example:8086", "pump.example:8086"}, {"pump.example", "pump.example:80"}, {"[2001:db8::2]:81", "[2001:db8::2]:81"},
		{"", "[2001:db8::1]:8086"}, {"h%41", "[2001:db8::1]:8086"}, {"[::1", "[2001:db8::1]:8086"}, {"[fe80::1%lo]:80", "[2001:db8::1]:8086"},
		{"h:99999", "[2001:db8::1]:8086"}, {"h:80:90", "[2001:db8::1]:8086"}, {"[::1]x", "[2001:db8::1]:8086"}, {strings.Repeat("a", 254), "[2001:db8::1]:8086"},
	}
	for _, c := range cases {
		h := openServer()
		h.feed([]byte(crlf("GET /streams/X.ASX HTTP/1.1\nHost: " + c.host + "\n\n")))
		out := string(h.out)
		mms, http := strings.Index(out, `"mms://`+c.want+`/streams/X.asf"/>`), strings.Index(out, `"http://`+c.want+`/streams/X.asf"/>`)
		if mms < 0 || http < mms {
			t.Errorf("Host %q: mms:// at %d, http:// at %d in %s", c.host, mms, http, out)
		}
	}
}

// Over TLS the playlist names the only kind of address that a player can use there.
func TestPlaylistOverTLS(t *testing.T) {
	peer := codec.Peer{Local: netip.MustParseAddrPort("[2001:db8::1]:8089"), Secure: true}
	for name, want := range map[string]string{"pump.example": "pump.example:443", "pump.example:8089": "pump.example:8089", "h%41": "[2001:db8::1]:8089"} {
		h := &host{sess: NewProtocol(Options{}).Accept(peer), decide: decide}
		h.feed([]byte(crlf("GET /streams/x.asx HTTP/1.1\nHost: " + name + "\n\n")))
		out := string(h.out)
		if strings.Count(out, "<Ref ") != 1 || !strings.Contains(out, `<Ref HREF="https://`+want+`/streams/x.asf"/>`) {
			t.Errorf("Host %q: %s", name, out)
		}
	}
}

// The host of an absolute target counts more than the Host header (RFC 9112, 3.2.2).
func TestPlaylistOfAnAbsoluteTarget(t *testing.T) {
	h := openServer()
	h.feed([]byte(crlf("GET http://pump.example:81/streams/x.asx HTTP/1.1\nHost: inner:82\n\n")))
	if out := string(h.out); !strings.Contains(out, `"mms://pump.example:81/streams/x.asf"`) || strings.Contains(out, "inner") {
		t.Error(out)
	}
}
