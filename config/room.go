package config

import (
	"net/url"
	"strconv"
	"strings"

	"streampump/engine"
)

// room reads the limits of one stream.
func (w *walker) room(n node, r *engine.Room) {
	o, ok := w.object(n, roomTable())
	if !ok {
		return
	}
	for key, into := range map[string]*int{"viewers": &r.Viewers, "pumps": &r.Pumps} {
		if v, ok := o.get(key); ok {
			if i, ok := w.integer(v, 0, maxConnections); ok {
				*into = int(i)
			}
		}
	}
	if v, ok := o.get("bandwidth"); ok {
		if b, ok := w.bits(v, 0, maxBandwidth); ok {
			r.Bandwidth = engine.Bits(b)
		}
	}
}

// pathMark stands for the stream's path in a web address.
const pathMark = "{path}"

// defaultFullTo reads where all streams send viewers for whom there is no room.
func (w *walker) defaultFullTo(n node, c *Config) {
	if at := w.redirectFrom(n, "path"); at != "" {
		c.FullTo = literal(n)
	}
}

// fullTo reads where a stream sends viewers for whom there is no room: its own
// address, or what the file says for all. That is a web address, which is nothing for
// viewers over RTSP and RTMP.
func (w *walker) fullTo(o object, s *Stream, c *Config) {
	v, own := o.get("redirect_full_to")
	switch protocol := s.Type.Protocol(); {
	case own && (protocol == RTSP || protocol == RTMP):
		s.FullTo = w.streamAddress(v, s.Path, protocol)
	case own:
		s.FullTo = w.redirectFrom(v, s.Path)
	case c.FullTo != "" && protocol != RTSP && protocol != RTMP:
		v = o.node
		s.FullTo = strings.ReplaceAll(c.FullTo, pathMark, s.Path)
	}
	if s.Enabled && s.FullTo != "" && w.sendsBack(s, c) {
		w.fail(v, "redirect_full_to sends the viewers of this stream to this pump and this stream again")
	}
}

// streamAddress reads the address of a stream over RTSP or RTMP, in which a path may stand for
// that of this one. An empty text or false is none.
func (w *walker) streamAddress(n node, path, protocol string) string {
	if kindOf(n) == 'f' {
		return ""
	}
	s, ok := w.text(n)
	if !ok || s == "" || !w.bracesFit(n, s) {
		return ""
	}
	u, err := parseURL(strings.ReplaceAll(s, pathMark, path))
	switch {
	case err != nil || !strings.EqualFold(u.Scheme, protocol) && !strings.EqualFold(u.Scheme, protocol+"s") || u.Host == "":
		w.fail(n, `%s is not an address that begins with "%s://" or "%[2]ss://" and a host, and this stream is viewed over %s`,
			quote(withoutSecrets(s)), protocol, strings.ToUpper(protocol))
		return ""
	case u.User != nil:
		w.fail(n, "this address contains a user name or password, which every visitor would see")
		return ""
	case !hostPort(u.Host):
		w.fail(n, "%s is not a host with or without a port", quote(u.Host))
		return ""
	case strings.Trim(u.Path, "/") == "":
		w.fail(n, "%s names no stream", quote(withoutSecrets(s)))
		return ""
	}
	return u.String()
}

// redirectFrom reads a web address in which a path may stand for the stream's.
func (w *walker) redirectFrom(n node, path string) string {
	if kindOf(n) != '"' {
		return w.redirect(n)
	}
	s, ok := w.text(n)
	if !ok {
		return ""
	}
	if !w.bracesFit(n, s) {
		return ""
	}
	return w.webAddress(n, strings.ReplaceAll(s, pathMark, path))
}

// bracesFit checks that all braces in an address are those of pathMark.
func (w *walker) bracesFit(n node, s string) bool {
	ok := strings.Count(s, "{") == strings.Count(s, pathMark)
	if !ok {
		w.fail(n, "%s may contain %s and no other braces", quote(s), pathMark)
	}
	return ok
}

// sendsBack reports whether a stream's viewers are sent to the stream itself. Names
// other than localhost are not looked up; a circle through other machines is ended by
// the engine, which sends nobody on again and again.
func (w *walker) sendsBack(s *Stream, c *Config) bool {
	u, err := url.Parse(s.FullTo)
	if err != nil {
		return false
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		port = map[string]int{"http": 80, "https": 443, "rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443}[u.Scheme]
	}
	listen := c.Listen
	if u.Scheme == "https" || u.Scheme == "rtsps" || u.Scheme == "rtmps" {
		listen = c.TLS.Listen
	}
	name, ok := streamAt(u.Hostname(), port, u.Path, s.Type.Protocol(), listen)
	return ok && name == strings.ToLower(s.Path)
}
