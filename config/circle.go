package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// streamsPrefix is where this pump's streams are in URLs.
const streamsPrefix = "/streams/"

// circles warns of streams that are pulled from this very pump, and so in the end
// from themselves: they wait for their own header and never start. at are the
// streams' places in the file.
func (w *walker) circles(c *Config, at []node) {
	from := map[string]string{} // a pulled stream's path → that of the stream it comes from
	for _, s := range c.Streams {
		listen := c.Listen
		if s.Pull.TLS != nil {
			listen = c.TLS.Listen
		}
		if path, here := here(s, listen); here {
			from[strings.ToLower(s.Path)] = path
		}
	}
	for i, s := range c.Streams {
		if way, round := circle(strings.ToLower(s.Path), from); round && s.Enabled && s.Type.Pulled() {
			w.warn(at[i], "this stream is pulled from itself%s and will never have a source", way)
		}
	}
}

// circle reports whether the way back from a stream leads to itself, and names the
// streams on the way.
func circle(start string, from map[string]string) (way string, round bool) {
	var over []string
	for at, ok := from[start]; ok && len(over) <= len(from); at, ok = from[at] {
		if at == start {
			if len(over) > 0 {
				way = ", through " + strings.Join(over, ", ") + ","
			}
			return way, true
		}
		over = append(over, fmt.Sprintf("%q", at))
	}
	return "", false
}

// here reports whether a stream is pulled from one of this pump's own, and from
// which. listen are the addresses with TLS, or those without, as the stream is pulled.
func here(s Stream, listen []netip.AddrPort) (path string, ok bool) {
	if !s.Enabled || !s.Type.Pulled() {
		return "", false
	}
	u, err := url.Parse(s.Pull.Path)
	if err != nil {
		return "", false
	}
	return streamAt(s.Pull.Host, s.Pull.Port, u.Path, s.Type.Protocol(), listen)
}

// streamAt is the path, in lower case, of the stream of this pump that a URL leads to;
// ok is false if it leads elsewhere. Names other than localhost are not looked up.
func streamAt(name string, port int, path, protocol string, listen []netip.AddrPort) (stream string, ok bool) {
	host, err := netip.ParseAddr(name)
	if strings.EqualFold(name, "localhost") {
		host, err = netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	if err != nil || !listensAt(listen, host.Unmap(), port) {
		return "", false
	}
	stream, ok = strings.CutPrefix(strings.ToLower(path), streamsPrefix)
	if !ok && protocol != MMSH {
		stream, ok = strings.CutPrefix(stream, "/")
	}
	if protocol == RTMP {
		stream, _, _ = strings.Cut(stream, "/") // what follows is a key
	}
	stream = strings.TrimSuffix(stream, "/")
	// No path has a dot: what follows one is an ending for players.
	stream, _, _ = strings.Cut(stream, ".")
	return stream, ok
}

// listensAt reports whether a connection to an address is sure to end here.
func listensAt(listen []netip.AddrPort, host netip.Addr, port int) bool {
	for _, a := range listen {
		if int(a.Port()) == port && (a.Addr() == host || host.IsLoopback() && covers(a.Addr(), host)) {
			return true
		}
	}
	return false
}
