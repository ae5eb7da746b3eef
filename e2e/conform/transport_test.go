package conform

import (
	"context"
	"crypto/tls"
	"net"

	"streampump/e2e/rig"
)

// transport is what lies below HTTP: TCP alone, or TLS.
type transport struct {
	name     string        // empty for TCP alone
	identity *rig.Identity // of the pumps; nil for TCP alone
}

// secure reports whether it is TLS.
func (t *transport) secure() bool { return t.identity != nil }

// client is how peers speak TLS; nil for TCP alone.
func (t *transport) client() *tls.Config {
	if !t.secure() {
		return nil
	}
	return t.identity.Client()
}

// scheme is that of an address over TLS, and the one given otherwise: no player speaks
// MMSH over TLS.
func (t *transport) scheme(plain string) string {
	if t.secure() {
		return "https"
	}
	return plain
}

// scheme is that of the first address in a playlist.
func (k *kit) scheme() string { return k.all.transport.scheme("mms") }

// connect connects a peer of the row.
func (k *kit) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	d := &net.Dialer{LocalAddr: k.from, Timeout: patience}
	if k.all.transport.secure() {
		return (&tls.Dialer{NetDialer: d, Config: k.all.transport.client()}).DialContext(ctx, network, addr)
	}
	return d.DialContext(ctx, network, addr)
}
