package rig

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"

	"streampump/bench/secure"
)

// Host is a name that pumps with TLS have a certificate for, beside localhost,
// 127.0.0.1 and ::1.
const Host = "pump.example"

// Identity is the certificate of a pump, and who vouches for it.
type Identity struct {
	Authority *secure.Authority
	Pair      secure.Pair
	// Roots is a file with the authority's certificate.
	Roots string
}

// Identify makes a certificate for pumps, in dir.
func Identify(t testing.TB, dir string) *Identity {
	t.Helper()
	a, err := secure.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := a.Issue(dir, 0o600, Host, "localhost", "127.0.0.1", "::1")
	if err != nil {
		t.Fatal(err)
	}
	Give(t, pair.Key)
	i := &Identity{Authority: a, Pair: pair, Roots: filepath.Join(dir, "ca.pem")}
	if err := os.WriteFile(i.Roots, a.PEM(), 0o644); err != nil { //nolint:gosec // players read it as another user
		t.Fatal(err)
	}
	return i
}

// Client is how a peer speaks TLS to such a pump.
func (i *Identity) Client() *tls.Config { return secure.Config(Host, i.Authority.Roots()) }
