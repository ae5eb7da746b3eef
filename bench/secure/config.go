package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Config is how players and encoders speak TLS to the server that calls itself name:
// every connection is a new one, with a whole handshake, over X25519 or P-256, as the
// players of Debian 12 make it. Who vouches for the server is in roots; nil are the
// system's.
func Config(name string, roots *x509.CertPool) *tls.Config {
	return &tls.Config{
		ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
	}
}

// ReadRoots reads a file of certificates in PEM, of whom any may vouch for a server.
func ReadRoots(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("there is no certificate in PEM in it")
	}
	return pool, nil
}

// Spoken is what two ends agreed on, in words such as "TLS 1.3,
// TLS_AES_128_GCM_SHA256".
func Spoken(s *tls.ConnectionState) string {
	return fmt.Sprintf("%s, %s", tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite))
}
