package config

import (
	"time"

	"streampump/engine/trust"
)

// sourceTLS reads what a source over TLS is judged by, and what it is shown.
func (w *walker) sourceTLS(o object, s *Stream, f family) {
	for _, key := range []string{"ssl_ca", "ssl_name", "ssl_cert", "ssl_key"} {
		if v, ok := o.get(key); ok && s.Pull.TLS == nil {
			w.fail(v, `%q is for a source with TLS: a url that begins with %s, or a "host" with "ssl": true`, key, f.secures())
			return
		}
	}
	if s.Pull.TLS == nil {
		return
	}
	if v, ok := o.get("ssl_name"); ok {
		s.Pull.TLS.Name, _ = w.host(v)
	}
	switch v, ok := o.get("ssl_ca"); {
	case ok:
		if s.Pull.TLS.CA, ok = w.file(v); ok && s.Enabled {
			w.authorities(v, s.Pull.TLS.CA)
		}
	case s.Enabled && !trust.SystemKnowsAuthorities():
		w.warn(o.node, `this machine has no list of authorities, so this source cannot prove who it is: install ca-certificates, or give "ssl_ca"`)
	}
	w.clientCertificate(o, s)
}

// authorities checks the file of the authorities that vouch for a source.
func (w *walker) authorities(v node, file string) {
	certs, err := trust.ReadAuthorities(file)
	if err != nil {
		w.streamf(v.at, v.ptr, "the file %s %v", quote(file), err)
		return
	}
	for _, c := range certs {
		if time.Now().Before(c.NotAfter) {
			return
		}
	}
	w.warn(v, "no certificate in the file %s is valid any more: %s", quote(file), trust.Describe(certs[0]))
}

// clientCertificate reads the certificate that a source is shown, and its key.
func (w *walker) clientCertificate(o object, s *Stream) {
	cert, byCert := o.get("ssl_cert")
	key, byKey := o.get("ssl_key")
	switch {
	case byCert && !byKey:
		w.fail(cert, `"ssl_cert" needs "ssl_key", the file with its key (the same file, if it holds both)`)
		return
	case byKey && !byCert:
		w.fail(key, `"ssl_key" needs "ssl_cert", the file with its certificate (the same file, if it holds both)`)
		return
	case !byCert:
		return
	}
	t := s.Pull.TLS
	certOK, keyOK := false, false
	t.Cert, certOK = w.file(cert)
	t.Key, keyOK = w.file(key)
	if !certOK || !keyOK || !s.Enabled {
		return
	}
	c, err := trust.ReadCertificate(t.Cert)
	if err != nil {
		w.streamf(cert.at, cert.ptr, "the file %s %v", quote(t.Cert), err)
		return
	}
	if err := trust.CheckKey(t.Cert, t.Key); err != nil {
		w.streamf(key.at, key.ptr, "the file %s %v", quote(t.Key), err)
	}
	if worry := trust.Worry(c, time.Now()); worry != "" {
		w.warn(cert, "the client certificate %s", worry)
	}
}
