package mmsh

import "streampump/codec/address"

// URL is where a source is: the parts of a mmsh://, mms:// or http:// address, or with
// TLS of a mmshs:// or https:// address.
type URL = address.URL

// scheme is what these addresses have in common. mms:// means the same as mmsh:// here: the
// binary protocol of that name is not spoken.
var scheme = &address.Scheme{
	Plain: []string{"mmsh", "mms", "http"}, Secure: []string{"mmshs", "https"}, Port: plainPort, SecurePort: securePort,
	User: "are not supported yet over MMSH",
}

// NewURL is the address of a source; port 0 is the usual one. The path has its query. The
// error is an operator's sentence.
func NewURL(host string, port uint16, path string, tls bool) (URL, error) {
	u := URL{Scheme: scheme, Host: host, Port: port, Path: path, TLS: tls}
	return u, u.Check()
}
