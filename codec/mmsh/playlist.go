package mmsh

import (
	"net/netip"
	"strconv"
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
)

// playlist answers PATH.asx with where the stream is, for players that open a
// playlist. mms:// comes first: a player that does not speak the protocol would ask
// for http:// again and again. Who has come over TLS is sent to https:// alone: on that
// port there is nothing else, and players know no MMSH over TLS. The stream is named as
// a file would be, for players that go by that: Audacious takes .wma at once and does
// not know .asf.
func (s *server) playlist(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	name, title, suffix := q.event.Path, v.Title, videoSuffix
	if title == "" {
		title = name
	}
	if v.Media != nil && !v.Media.KeyFrames() {
		suffix = soundSuffix
	}
	schemes, port := []string{"mms", "http"}, plainPort
	if s.secure { // no player speaks the protocol over TLS
		schemes, port = []string{"https"}, securePort
	}
	at := escapeXML(authority(q.host, port, s.local) + streamsPrefix + name + suffix + q.handOn())
	body := "<ASX Version=\"3.0\">\r\n<Title>" + escapeXML(title) + "</Title>\r\n<Entry>\r\n"
	for _, begin := range schemes {
		body += "<Ref HREF=\"" + begin + "://" + at + "\"/>\r\n"
	}
	body += "</Entry>\r\n</ASX>\r\n"
	dst = http1.AppendStatus(dst, http10, 200)
	dst = http1.AppendField(dst, "Server", viewerServer)
	dst = http1.AppendField(dst, "Cache-Control", "no-cache")
	dst = http1.AppendField(dst, "Content-Type", playlistType)
	return appendBody(dst, body, q)
}

// The ports of an http:// and of an https:// address that names none.
const (
	plainPort  = 80
	securePort = 443
)

// handOn is the token of the request as it stands in the addresses of a playlist and of
// another pump, if the request brings nothing else.
func (q *request) handOn() string {
	c := q.event.Credentials
	if c != nil && c.Token != "" && !c.HasPassword && c.Digest == nil && strings.IndexFunc(c.Token, notInToken) < 0 {
		return "?" + http1.TokenName + "=" + c.Token
	}
	return ""
}

// notInToken reports characters that mean something in a URL, or in a playlist.
func notInToken(r rune) bool {
	return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && !strings.ContainsRune("-._~:", r)
}

// authority is the host:port that the peer reached us at: what its request
// says, with the port that it means if it names none, if that can be one, else the
// address it connected to. The port is always there: for mms:// without one, players
// would try 1755.
func authority(host string, unnamed int, local netip.AddrPort) string {
	h, port, ok := splitHost(host)
	if !ok {
		return local.String()
	}
	if port == "" {
		port = strconv.Itoa(unnamed)
	}
	return h + ":" + port
}

// splitHost takes a host:port apart, brackets of IPv6 kept. ok is false for
// anything but a name or an address with an optional port: it goes into a file
// that a player will obey.
func splitHost(s string) (host, port string, ok bool) {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", "", false
		}
		a, err := netip.ParseAddr(s[1:end])
		if err != nil || !a.Is6() || a.Zone() != "" {
			return "", "", false
		}
		host, port = s[:end+1], s[end+1:]
		if port != "" && port[0] != ':' {
			return "", "", false
		}
		port = strings.TrimPrefix(port, ":")
	} else if host, port, _ = strings.Cut(s, ":"); !isHostName(host) {
		return "", "", false
	}
	return host, port, port == "" || isPort(port)
}

// isHostName takes names and IPv4 addresses. Underscores occur in local ones.
func isHostName(s string) bool {
	const longest = 253 // RFC 1035, 2.3.4, without the last dot
	for i := range len(s) {
		c := s[i]
		if c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= longest
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

func escapeXML(s string) string { return xmlEscapes.Replace(s) }
