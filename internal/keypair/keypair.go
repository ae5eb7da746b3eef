package keypair

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Files are the names of two PEM files, which may be the same.
type Files struct {
	Cert string // the chain, the server's own certificate first
	Key  string // its private key
}

// Error is what is wrong with one of two files.
type Error struct {
	File  string
	InKey bool // the key is to blame, not the certificate
	Err   error
}

// Error is a sentence that names the file.
func (e *Error) Error() string {
	what := "certificate"
	if e.InKey {
		what = "key"
	}
	return "the " + what + " " + strconv.Quote(e.File) + " " + e.Err.Error()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Read reads both files. The result has its Leaf; every error is an [*Error].
func (f Files) Read() (*tls.Certificate, error) {
	cert, err := content(f.Cert)
	if err != nil {
		return nil, &Error{f.Cert, false, err}
	}
	key, err := content(f.Key)
	if err != nil {
		return nil, &Error{f.Key, true, err}
	}
	return f.Parse(cert, key)
}

// Parse is Read for the content of the two files.
func (f Files) Parse(cert, key []byte) (*tls.Certificate, error) {
	chain, err := certificates(cert)
	if err != nil {
		return nil, &Error{f.Cert, false, err}
	}
	if n := size(chain); n > maxChain {
		return nil, &Error{f.Cert, false, fmt.Errorf("has %d certificates of %d KiB, and clients take no more than %d KiB: it needs the server's own and the intermediate ones", len(chain), n>>10, maxChain>>10)}
	}
	secret, err := privateKey(key)
	if err != nil {
		return nil, &Error{f.Key, true, err}
	}
	if fits(secret, chain[0]) {
		return join(chain, secret), nil
	}
	for i, c := range chain[1:] {
		if fits(secret, c) {
			return nil, &Error{f.Cert, false, fmt.Errorf("is in the wrong order: the key belongs to the certificate that is number %d in it, which must be the first", i+2)}
		}
	}
	return nil, &Error{f.Key, true, fmt.Errorf("does not belong to the certificate %q", f.Cert)}
}

// maxChain is the most bytes that a chain may have: clients that use OpenSSL end the
// handshake beyond 100 KB.
const maxChain = 64 << 10

// size is the bytes of a chain, all of which each handshake sends.
func size(chain []*x509.Certificate) (n int) {
	for _, c := range chain {
		n += len(c.Raw)
	}
	return n
}

// join makes a chain and its key what a handshake takes.
func join(chain []*x509.Certificate, key crypto.Signer) *tls.Certificate {
	c := &tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, x := range chain {
		c.Certificate = append(c.Certificate, x.Raw)
	}
	return c
}

// fits reports whether a key belongs to a certificate.
func fits(key crypto.Signer, c *x509.Certificate) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(c.PublicKey)
}

// The types of PEM blocks.
const (
	blockCert      = "CERTIFICATE"
	blockPKCS8     = "PRIVATE KEY"
	blockRSA       = "RSA PRIVATE KEY"
	blockEC        = "EC PRIVATE KEY"
	blockEncrypted = "ENCRYPTED PRIVATE KEY"
)

// certificates are all those of a PEM text, at least one.
func certificates(text []byte) (chain []*x509.Certificate, err error) {
	key := false
	for b := range blocks(text) {
		key = key || strings.HasSuffix(b.Type, blockPKCS8)
		if b.Type != blockCert {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fmt.Errorf("cannot be used: its certificate number %d is broken (%s)", len(chain)+1, bare(err))
		}
		chain = append(chain, c)
	}
	switch {
	case len(chain) > 0:
		return chain, nil
	case key:
		return nil, errors.New("holds a private key but no certificate; perhaps the two files are swapped")
	case isDER(text):
		return nil, errors.New("is in DER form; PEM is needed (openssl x509 -inform der -in FILE -out NEWFILE converts it)")
	}
	return nil, errors.New("holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
}

func isDER(b []byte) bool {
	_, err := x509.ParseCertificate(b)
	return err == nil
}

// privateKey is the first of a PEM text.
func privateKey(text []byte) (crypto.Signer, error) {
	cert := false
	for b := range blocks(text) {
		switch b.Type {
		case blockCert:
			cert = true
		case blockEncrypted:
			return nil, errEncrypted
		case blockPKCS8, blockRSA, blockEC:
			if b.Headers["DEK-Info"] != "" {
				return nil, errEncrypted
			}
			return parseKey(b)
		}
	}
	if cert {
		return nil, errors.New("holds a certificate but no private key; perhaps the two files are swapped")
	}
	return nil, errors.New("holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)")
}

var errEncrypted = errors.New("is encrypted with a passphrase, which nobody is there to type; store it without one, readable by the pump alone")

func parseKey(b *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch b.Type {
	case blockRSA:
		key, err = x509.ParsePKCS1PrivateKey(b.Bytes)
	case blockEC:
		key, err = x509.ParseECPrivateKey(b.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("is broken (%s)", bare(err))
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("is of a kind that cannot sign (%T)", key)
	}
	return signer, nil
}

// bare is an error of Go's parsers without the package in front.
func bare(err error) string { return strings.TrimPrefix(err.Error(), "x509: ") }
