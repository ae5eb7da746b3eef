package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"streampump/access"
)

// root fills a Config from the file's one object.
func (w *walker) root(n node) *Config {
	c := Default()
	o, ok := w.object(n, rootTable())
	if !ok {
		return c
	}
	w.confinement(o, c)
	w.listeners(o, c)
	w.proxy(o, c)
	w.tls(o, c)
	w.settings(o, c)
	w.logging(o, c)
	if v, ok := o.get("redirect_404_to"); ok {
		c.Engine.NotFoundLocation = w.redirect(v)
	}
	if v, ok := o.get("proxy_protocol_from"); ok {
		w.proxies(v, c)
	}
	if v, ok := o.get("redirect_full_to"); ok {
		w.defaultFullTo(v, c)
	}
	w.access(o, c)
	w.streams(o, c)
	c.Engine.Reserved = w.callbacks * access.CallbackDescriptors
	return c
}

// listeners reads port, listen, ssl_port, the ports of protocols, UDP and admin, which must
// not meet each other.
func (w *walker) listeners(root object, c *Config) {
	if v, ok := root.get("port"); ok {
		if p, ok := w.integer(v, 1, maxPort); ok {
			c.Listen = []netip.AddrPort{everywhere(uint16(p))}
		}
	}
	if v, ok := root.get("listen"); ok {
		w.listen(v, c)
		if _, both := root.get("port"); both {
			w.fail(v, `give either "port" or "listen", not both: every address in "listen" has its own port`)
		}
	}
	w.ssl(root, c)
	for _, p := range protocolPorts {
		w.protocolPort(root, p, c)
	}
	w.datagrams(root, c)
	v, ok := root.get("admin")
	if !ok {
		v = root.node
	}
	w.admin(v, ok, c)
}

// listen reads the list of addresses; a single one needs no brackets.
func (w *walker) listen(n node, c *Config) {
	elements, ok := w.several(n)
	if !ok {
		return
	}
	if len(elements) == 0 {
		w.fail(n, `the list is empty; leave "listen" out to listen everywhere`)
	}
	c.Listen = nil
	for _, e := range elements {
		if a, secure, ok := w.listener(e); ok {
			w.open(e, a, secure, c)
		}
	}
}

// securePrefix is what an address over TLS begins with.
const securePrefix = "tls://"

// listener reads the address of a listener, and whether it is one over TLS.
func (w *walker) listener(n node) (a netip.AddrPort, secure, ok bool) {
	s, ok := w.text(n)
	if !ok {
		return a, false, false
	}
	if secure = len(s) >= len(securePrefix) && strings.EqualFold(s[:len(securePrefix)], securePrefix); secure {
		s = s[len(securePrefix):]
	}
	a, ok = w.addressIn(n, s)
	return a, secure, ok
}

// open adds a listener, which must not meet the others. n is what to blame.
func (w *walker) open(n node, a netip.AddrPort, secure bool, c *Config) {
	for _, b := range slices.Concat(c.Listen, c.TLS.Listen) {
		if overlap(a, b) {
			w.fail(n, "%s and %s cannot both be listened on: one covers the other", b, a)
			break
		}
	}
	if !secure {
		c.Listen = append(c.Listen, a)
		return
	}
	if len(c.TLS.Listen) == 0 {
		w.secure = n
	}
	c.TLS.Listen = append(c.TLS.Listen, a)
}

// address reads an IP address with a port; without the address it means all of them.
func (w *walker) address(n node) (netip.AddrPort, bool) {
	s, ok := w.text(n)
	if !ok {
		return netip.AddrPort{}, false
	}
	return w.addressIn(n, s)
}

// addressIn is address for a text that was found in n.
func (w *walker) addressIn(n node, s string) (netip.AddrPort, bool) {
	if strings.HasPrefix(s, ":") {
		s = "[::]" + s
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		w.fail(n, `%s is not an IP address with a port, such as "[::]:8086", "192.0.2.1:80" or ":8086"%s`, quote(s), nameHint(s))
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), true
}

// nameHint explains to whoever wrote a name why it is not an address.
func nameHint(s string) string {
	host, _, found := strings.Cut(s, ":")
	switch {
	case strings.HasPrefix(strings.ToLower(s), "https:"):
		return `; for TLS write "tls://:8443"`
	case found && strings.EqualFold(host, "localhost"):
		return `; write "127.0.0.1:…" or "[::1]:…" for this machine alone`
	case found && validName(host) && strings.ContainsFunc(host, unicode.IsLetter):
		return "; a name can stand for several addresses, so write them out"
	}
	return ""
}

// overlap reports whether two listeners would meet. A port that the system
// chooses meets nobody.
func overlap(a, b netip.AddrPort) bool {
	if a.Port() != b.Port() || a.Port() == 0 {
		return false
	}
	return a.Addr() == b.Addr() || covers(a.Addr(), b.Addr()) || covers(b.Addr(), a.Addr())
}

// covers reports whether listening on a takes b's connections: we listen on
// [::] for IPv4 too, and 0.0.0.0 is all of IPv4.
func covers(a, b netip.Addr) bool {
	return a.IsUnspecified() && (a.Is6() || b.Is4())
}

// admin reads the admin listener. If it is not given, its default must still not meet
// the other listeners; n is then the file's object.
func (w *walker) admin(n node, given bool, c *Config) {
	at := n
	if given {
		o, ok := w.object(n, adminTable())
		if !ok {
			return
		}
		if v, ok := o.get("enabled"); ok {
			if b, ok := w.boolean(v); ok {
				c.Admin.Enabled = b
			}
		}
		if v, ok := o.get("listen"); ok {
			a, ok := w.address(v)
			if !ok {
				return
			}
			at, c.Admin.Listen = v, a
		}
	}
	if c.Admin.Enabled {
		w.adminPlace(at, c)
	}
}

// adminPlace checks where the admin listener is. at is what to blame.
func (w *walker) adminPlace(at node, c *Config) {
	for _, a := range slices.Concat(c.Listen, c.TLS.Listen) {
		if overlap(a, c.Admin.Listen) {
			w.fail(at, `the admin listener (%s) and the streams (%s) cannot share a port; set "listen" in "admin"`, c.Admin.Listen, a)
			return
		}
	}
	if !c.Admin.Listen.Addr().IsLoopback() {
		w.warn(at, "the admin listener has no password, and %s can be reached from other machines", c.Admin.Listen)
	}
}

// redirect reads where requests are sent instead. An empty text or false is no
// redirect.
func (w *walker) redirect(n node) string {
	if kindOf(n) == 'f' {
		return ""
	}
	s, ok := w.text(n)
	if !ok {
		return ""
	}
	return w.webAddress(n, s)
}

// webAddress checks a web address; an empty text is none.
func (w *walker) webAddress(n node, s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		w.fail(n, `%s is not a web address that begins with "http://" or "https://" and a host`, quote(s))
		return ""
	case u.User != nil:
		w.fail(n, "this address contains a user name or password, which every visitor would see")
		return ""
	case !hostPort(u.Host):
		w.fail(n, "%s is not a host with or without a port", quote(u.Host))
		return ""
	}
	return u.String()
}

// hostPort reports whether s can be the host part of a URL, with or without a port.
func hostPort(s string) bool {
	u := url.URL{Host: s}
	return validHost(u.Hostname()) && (u.Port() == "" || validPort(u.Port()))
}

// logFormats are the forms of a log, as the configuration spells them.
var logFormats = []string{string(LogAuto), string(LogJournal), string(LogText), string(LogJSON)}

// logging reads how the log is written.
func (w *walker) logging(root object, c *Config) {
	n, ok := root.get("log")
	if !ok {
		return
	}
	o, ok := w.object(n, logTable())
	if !ok {
		return
	}
	if v, ok := o.get("level"); ok {
		if i, ok := w.choice(v, "debug", "info", "warn", "error"); ok {
			c.Log.Level = []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}[i]
		}
	}
	if v, ok := o.get("format"); ok {
		if i, ok := w.choice(v, logFormats...); ok {
			c.Log.Format = LogFormat(logFormats[i])
		}
	}
}
