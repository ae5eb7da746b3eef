package issuance

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"streampump/internal/keypair"
)

// Place is the folder of one CA. Accounts and certificates of another, such as one for
// tests, are not mistaken for its own.
func Place(folder, directory string) string {
	u, err := url.Parse(directory)
	if err != nil {
		return folder
	}
	return filepath.Join(folder, strings.ReplaceAll(u.Host, ":", "_"))
}

// makeFolder makes a folder that nobody else can look into.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the folder for automatic certificates cannot be made: %w", err)
	}
	return nil
}

// accountFile is the name of the account's key.
const accountFile = "account.key"

// accountKey is the account's key, a new one if there is none.
func accountKey(dir string) (crypto.Signer, error) {
	path := filepath.Join(dir, accountFile)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newAccountKey(path)
	case err != nil:
		return nil, fmt.Errorf("the account's key cannot be read: %w", err)
	}
	if b, _ := pem.Decode(text); b != nil {
		if key, err := x509.ParsePKCS8PrivateKey(b.Bytes); err == nil {
			if signer, ok := key.(crypto.Signer); ok {
				return signer, nil
			}
		}
	}
	return nil, fmt.Errorf("the account's key %q is broken; if it is removed, the pump makes a new account", path)
}

func newAccountKey(path string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	text, err := keyText(key)
	if err == nil {
		err = replaceFile(path, text)
	}
	if err != nil {
		return nil, fmt.Errorf("the account's key cannot be stored: %w", err)
	}
	return key, nil
}

func keyText(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Stored is the certificate of a domain that is in the folder; the error is
// [fs.ErrNotExist] if there is none.
func Stored(folder, directory, domain string) (*tls.Certificate, error) {
	path := filepath.Join(Place(folder, directory), domain+".pem")
	return keypair.Files{Cert: path, Key: path}.Read()
}

// joined is a certificate as the CA gave it, checked as one from a file.
func joined(chain [][]byte, key crypto.Signer) (*tls.Certificate, error) {
	secret, err := keyText(key)
	if err != nil {
		return nil, err
	}
	const name = "from the CA"
	return keypair.Files{Cert: name, Key: name}.Parse(chainText(chain), secret)
}

func chainText(chain [][]byte) []byte {
	var b bytes.Buffer
	for _, der := range chain {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a buffer takes everything
	}
	return b.Bytes()
}

// store keeps a certificate for the next run.
func store(dir, domain string, c *tls.Certificate) error {
	text, err := keyText(c.PrivateKey.(crypto.Signer))
	if err == nil {
		err = replaceFile(filepath.Join(dir, domain+".pem"), append(text, chainText(c.Certificate)...))
	}
	if err != nil {
		return fmt.Errorf("the new certificate cannot be stored: %w", err)
	}
	return nil
}

// replaceFile puts a file in the place of an old one, whole or not at all.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-") // readable by us alone
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if failed := f.Close(); err == nil {
		err = failed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
