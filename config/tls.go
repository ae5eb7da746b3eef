package config

import (
	"errors"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tailscale/hujson"

	"streampump/internal/keypair"
)

// TLS is what viewers and encoders find who connect over TLS. Without a listener for
// them it is empty, whatever the file says: its files are then not opened.
type TLS struct {
	// Listen is where they connect; [::] stands for IPv4 as well.
	Listen []netip.AddrPort
	// Certificates are in the order of the file, ssl_cert first. Each was read and
	// found good, but for its dates. The first is for those who ask for no name, or
	// for an unknown one.
	Certificates []keypair.Files
	Automatic    Automatic
}

// Automatic says which certificates are had from a CA, and how (RFC 8555).
type Automatic struct {
	Domains   []string // in lower case; none if there is nothing to do
	Email     string   // may be empty
	Directory string   // the CA's address
	CAFile    string   // certificates that are trusted with the CA; empty: the system's
	Folder    string   // where account and certificates are kept
}

const (
	// letsEncrypt is the directory of the CA that most use.
	letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"
	// maxDomains is far above what a pump needs; CAs count certificates too.
	maxDomains = 100
)

// Where a CA looks for the proof that a name is ours (RFC 8737, 3; RFC 8555, 8.3).
const (
	proofPortTLS  = 443
	proofPortHTTP = 80
)

// Proofs says in which ways a CA can see that a name is ours: those at whose ports we
// listen. If there is none, something forwards to us, and who knows what: then it is
// all that we have listeners for.
func (c *Config) Proofs() (byTLS, byHTTP bool) {
	byTLS, byHTTP = hasPort(c.TLS.Listen, proofPortTLS), hasPort(c.Listen, proofPortHTTP)
	if !byTLS && !byHTTP {
		return len(c.TLS.Listen) > 0, len(c.Listen) > 0
	}
	return byTLS, byHTTP
}

// ssl opens ssl_port, if ssl asks for it.
func (w *walker) ssl(root object, c *Config) {
	port, on := int64(defaultTLSPort), false
	at, given := root.get("ssl")
	if given {
		on, _ = w.boolean(at)
	}
	if v, ok := root.get("ssl_port"); ok {
		if p, ok := w.integer(v, 1, maxPort); ok {
			port, at = p, v
		}
	}
	if on {
		w.open(at, everywhere(uint16(port)), true, c)
	}
}

// tls reads the certificates. Only where there is a listener for them are their files
// opened and those missed that are not there.
func (w *walker) tls(root object, c *Config) {
	pairs := append(w.pair(root), w.pairs(root)...)
	a := w.automatic(root)
	if len(c.TLS.Listen) == 0 {
		w.unused(root)
		return
	}
	for _, p := range pairs {
		if p.complete(w) && p.readable(w) {
			c.TLS.Certificates = append(c.TLS.Certificates, p.files)
		}
	}
	if len(a.Domains) > 0 {
		a.check(w, c)
		c.TLS.Automatic = a.Automatic
	}
	if len(pairs) == 0 && !a.wanted {
		w.fail(w.secure, `TLS needs a certificate: give "ssl_cert" and "ssl_key", or "certificates", or "ssl_domains"`)
	}
}

// unused warns of certificates that do nothing without a listener. If ssl is there,
// false is a decision.
func (w *walker) unused(root object) {
	if _, decided := root.get("ssl"); decided || w.fatal {
		return
	}
	for _, key := range []string{"ssl_cert", "certificates", "ssl_domains"} {
		if n, ok := root.get(key); ok && !(kindOf(n) == '"' && literal(n) == "") {
			w.warn(n, `nothing uses this: set "ssl" to true, or put "tls://" before an address in "listen"`)
		}
	}
}

// pair is a certificate and its key in the configuration.
type pair struct {
	files     keypair.Files
	at        node // what is to blame if a part is missing
	cert, key node
}

// pair is what ssl_cert and ssl_key say: nothing, or one.
func (w *walker) pair(root object) []pair {
	p := pair{}
	for _, part := range []struct {
		key  string
		into *string
		at   *node
	}{{"ssl_cert", &p.files.Cert, &p.cert}, {"ssl_key", &p.files.Key, &p.key}} {
		if *part.into = w.optionalFile(root, part.key); *part.into != "" {
			*part.at, _ = root.get(part.key)
			p.at = *part.at
		}
	}
	if p.files == (keypair.Files{}) {
		return nil
	}
	return []pair{p}
}

// pairs is the list "certificates".
func (w *walker) pairs(root object) (out []pair) {
	n, ok := root.get("certificates")
	if !ok {
		return nil
	}
	elements, _ := w.list(n)
	for _, e := range elements {
		o, ok := w.object(e, certificateTable())
		if !ok {
			continue
		}
		p := pair{at: e}
		p.cert, ok = o.get("cert")
		if ok {
			p.files.Cert, _ = w.file(p.cert)
		} else {
			w.fail(e, `this certificate has no "cert", the file that holds it`)
		}
		p.key, ok = o.get("key")
		if ok {
			p.files.Key, _ = w.file(p.key)
		} else {
			w.fail(e, `this certificate has no "key", the file that holds its private key`)
		}
		out = append(out, p)
	}
	return out
}

// complete wants both files. In the list, and where a value was wrong, that one is
// missing has been said.
func (p pair) complete(w *walker) bool {
	switch {
	case p.files.Cert != "" && p.files.Key != "":
		return true
	case p.at.ptr == "/ssl_cert":
		w.fail(p.at, `"ssl_cert" needs "ssl_key", the file of the private key that belongs to it`)
	case p.at.ptr == "/ssl_key":
		w.fail(p.at, `"ssl_key" needs "ssl_cert", the file of the certificate that it belongs to`)
	}
	return false
}

// readable says what is wrong with the files.
func (p pair) readable(w *walker) bool {
	_, err := p.files.Read()
	if err == nil {
		return true
	}
	at := p.cert
	if e := (*keypair.Error)(nil); errors.As(err, &e) && e.InKey {
		at = p.key
	}
	w.fail(at, "%v", err)
	return false
}

// automatic is what the file says of automatic certificates.
type automatic struct {
	Automatic
	wanted  bool // there are domains, good ones or not
	domains node
	acme    object
	given   bool // acme is
}

// automatic reads ssl_domains and acme.
func (w *walker) automatic(root object) (a automatic) {
	a.Directory = letsEncrypt
	if n, ok := root.get("ssl_domains"); ok && !isEmpty(n) {
		a.domains, a.wanted = n, true
		a.Domains = w.domains(n)
	}
	n, ok := root.get("acme")
	if !ok {
		return a
	}
	if a.acme, a.given = w.object(n, acmeTable()); !a.given {
		return a
	}
	if v, ok := a.acme.get("email"); ok {
		a.Email = w.email(v)
	}
	if v, ok := a.acme.get("directory"); ok {
		a.Directory = w.directory(v)
	}
	if v, ok := a.acme.get("accept_terms"); ok {
		_, _ = w.boolean(v)
	}
	a.CAFile, a.Folder = w.optionalFile(a.acme, "ca_file"), w.optionalFile(a.acme, "folder")
	return a
}

// isEmpty reports whether a value is a list without elements.
func isEmpty(n node) bool {
	list, ok := n.value.(*hujson.Array)
	return ok && len(list.Elements) == 0
}

// optionalFile reads the name of a file or folder; none is good too.
func (w *walker) optionalFile(o object, key string) string {
	v, ok := o.get(key)
	if !ok || kindOf(v) == '"' && literal(v) == "" {
		return ""
	}
	s, _ := w.file(v)
	return s
}

// domains reads the names that certificates are to be got for; a single one needs no
// brackets.
func (w *walker) domains(n node) (out []string) {
	elements, _ := w.several(n)
	if len(elements) > maxDomains {
		w.fail(n, "there may be at most %d domains; these are %d", maxDomains, len(elements))
		return nil
	}
	for _, e := range elements {
		s, ok := w.filled(e)
		if !ok {
			continue
		}
		name := strings.ToLower(strings.TrimSuffix(s, "."))
		switch {
		case notADomain(name) != "":
			w.fail(e, "no certificate can be got for %s: %s", quote(s), notADomain(name))
		case slices.Contains(out, name):
			w.fail(e, "the domain %s is in the list already", quote(s))
		default:
			out = append(out, name)
		}
	}
	return out
}

// notADomain says why a CA would not certify a name over HTTP or TLS.
func notADomain(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return "it is an IP address"
	}
	switch {
	case strings.HasPrefix(name, "*."):
		return "names with a * need another kind of proof, which the pump cannot give; list each name"
	case strings.ContainsFunc(name, func(r rune) bool { return r > '~' }):
		return "write it in its ASCII form, which begins with xn--"
	case !validName(name) || strings.Contains(name, "_"):
		return "it is not the name of a host (without http://, port and path)"
	case !strings.Contains(name, "."):
		return "it is known in your network only"
	}
	return ""
}

// email reads the address at which a CA may reach the operator. None is good too.
func (w *walker) email(n node) string {
	s, ok := w.text(n)
	if !ok || s == "" {
		return ""
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		w.fail(n, "%s is not an e-mail address", quote(s))
		return ""
	}
	return s
}

// directory reads the address of a CA.
func (w *walker) directory(n node) string {
	s, ok := w.filled(n)
	if !ok {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || !hostPort(u.Host) || u.User != nil {
		w.fail(n, `%s is not the address of a CA's directory, such as %q`, quote(s), letsEncrypt)
		return ""
	}
	return s
}

// check looks whether the CA will do what ssl_domains asks for.
func (a automatic) check(w *walker, c *Config) {
	if !a.given {
		w.fail(a.domains, `automatic certificates need "acme", with "accept_terms" and "folder"`)
		return
	}
	const terms = "the CA gives certificates only to those who accept its terms, and you must say that you do"
	if v, ok := a.acme.get("accept_terms"); !ok {
		w.fail(a.acme.node, `"accept_terms" is missing: %s`, terms)
	} else if !strings.EqualFold(literal(v), "true") {
		w.fail(v, "%s", terms)
	}
	if a.Folder == "" {
		w.fail(a.acme.node, `"folder" is missing: where the account, the certificates and their keys are kept`)
	}
	if a.CAFile != "" {
		if _, err := keypair.Roots(a.CAFile); err != nil {
			v, _ := a.acme.get("ca_file")
			w.fail(v, "%v", err)
		}
	}
	if !hasPort(c.TLS.Listen, proofPortTLS) && !hasPort(c.Listen, proofPortHTTP) {
		w.warn(a.domains, "the CA will look for the pump at port %d (TLS) or port %d (plain) of these names, and it listens on neither: unless something forwards them, no certificate will be given",
			proofPortTLS, proofPortHTTP)
	}
}

func hasPort(addresses []netip.AddrPort, port uint16) bool {
	return slices.ContainsFunc(addresses, func(a netip.AddrPort) bool { return a.Port() == port })
}
