package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const maxPort = 65535

// proxy reads the HTTP proxy for pulls. Its keys are checked even if it is not used,
// so that turning it on brings no surprise.
func (w *walker) proxy(root object, c *Config) {
	host, port, use := "", int64(defaultProxyPort), false
	hostNode, named := root.get("http_proxy_host")
	if named = named && literal(hostNode) != ""; named {
		host, _ = w.host(hostNode)
	}
	if v, ok := root.get("http_proxy_port"); ok {
		if p, ok := w.integer(v, 1, maxPort); ok {
			port = p
		}
	}
	if v, ok := root.get("use_proxy_for_local_addresses"); ok {
		c.Proxy.Local, _ = w.boolean(v)
	}
	v, ok := root.get("use_http_proxy")
	if ok {
		use, _ = w.boolean(v)
	}
	if !use {
		return
	}
	if !named {
		w.fail(v, `use_http_proxy is true, but there is no "http_proxy_host"`)
	}
	c.Proxy.Address = net.JoinHostPort(host, strconv.FormatInt(port, 10))
}

// host reads a name or an IP address without a port.
func (w *walker) host(n node) (string, bool) {
	s, ok := w.filled(n)
	if !ok {
		return "", false
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = s[1 : len(s)-1]
	}
	if !validHost(s) {
		hint := ""
		if strings.ContainsAny(s, "/:") {
			hint = ": leave out what is before and after it (http://, a port, a path)"
		}
		if i := strings.LastIndexByte(s, '@'); i >= 0 {
			s, hint = "…"+s[i:], hint+"; the pump cannot give it a user name or a password yet"
		}
		w.fail(n, "%s is not the name or the IP address of a host%s", quote(s), hint)
		return "", false
	}
	return s, true
}

// validHost reports whether s can be dialled: an IP address without brackets
// or a name.
func validHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == "" || validName(a.Zone())
	}
	return validName(s)
}

// validName is the form of a DNS name ([RFC 1123] 2.1), with the underscore that
// local networks use anyway.
func validName(s string) bool {
	const longest = 253 // [RFC 1035] 2.3.4
	if s == "" || len(s) > longest || strings.Contains(s, "..") || s[0] == '.' || s[0] == '-' {
		return false
	}
	return strings.IndexFunc(s, notInName) < 0
}

func notInName(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
		return false
	}
	return true
}

// validPort reports whether s is the number of a port that can be dialled.
func validPort(s string) bool {
	p, err := strconv.ParseUint(s, 10, 16)
	return err == nil && p > 0
}
