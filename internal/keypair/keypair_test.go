package keypair

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// made is a certificate that vouches for itself, and its key, as PEM.
type made struct {
	cert, key []byte
	secret    crypto.Signer
}

// issue makes a certificate for a key of the given kind; its key is in PKCS #8.
func issue(t testing.TB, secret crypto.Signer) made {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pump.example"}, DNSNames: []string{"pump.example"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return made{block(blockCert, der), block(blockPKCS8, pkcs8), secret}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Every kind of key that CAs certify, in every form that tools write.
func TestPairsOfEveryKind(t *testing.T) {
	ec := ecKey(t)
	oldEC, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]crypto.Signer{"ecdsa": ec, "rsa": rsaKey, "ed25519": ed} {
		m := issue(t, secret)
		keys := map[string][]byte{"pkcs8": m.key}
		switch name {
		case "ecdsa":
			params := block("EC PARAMETERS", []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7})
			keys["sec1"] = append(params, block(blockEC, oldEC)...)
		case "rsa":
			keys["pkcs1"] = block(blockRSA, x509.MarshalPKCS1PrivateKey(rsaKey))
		}
		for form, key := range keys {
			c, err := Files{"c", "k"}.Parse(m.cert, key)
			if err != nil {
				t.Errorf("%s as %s: %v", name, form, err)
				continue
			}
			if c.Leaf.DNSNames[0] != "pump.example" || len(c.Certificate) != 1 || !fits(secret, c.Leaf) {
				t.Errorf("%s as %s: %+v", name, form, c)
			}
		}
	}
}

func TestChainAndKeyInOneFile(t *testing.T) {
	m, ca := issue(t, ecKey(t)), issue(t, ecKey(t))
	path := filepath.Join(t.TempDir(), "all.pem")
	write(t, path, bytes.Join([][]byte{[]byte("# made today\n"), m.key, m.cert, ca.cert}, nil))
	c, err := Files{path, path}.Read()
	if err != nil || len(c.Certificate) != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsWrong(t *testing.T) {
	m, other := issue(t, ecKey(t)), issue(t, ecKey(t))
	der, _ := pem.Decode(m.cert)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, c := range []struct {
		name      string
		cert, key []byte
		inKey     bool
		want      string
	}{
		{"other_key", m.cert, other.key, true, `the key "k" does not belong to the certificate "c"`},
		{"wrong_order", join(other.cert, m.cert), m.key, false, `the certificate "c" is in the wrong order: the key belongs to the certificate that is number 2 in it, which must be the first`},
		{"exchanged", m.key, m.cert, false, `the certificate "c" holds a private key but no certificate; perhaps the two files are swapped`},
		{"two_certificates", m.cert, m.cert, true, `the key "k" holds a certificate but no private key; perhaps the two files are swapped`},
		{"empty", nil, m.key, false, `the certificate "c" holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`},
		{"empty_key", m.cert, []byte("none"), true, `the key "k" holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)`},
		{"half_written", m.cert[:len(m.cert)/2], m.key, false, `the certificate "c" holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`},
		{"der", der.Bytes, m.key, false, `the certificate "c" is in DER form; PEM is needed (openssl x509 -inform der -in FILE -out NEWFILE converts it)`},
		{"broken", join(m.cert, block(blockCert, []byte("no"))), m.key, false, `the certificate "c" cannot be used: its certificate number 2 is broken (malformed certificate)`},
		{"all_authorities", join(m.cert, bytes.Repeat(other.cert, 400)), m.key, false, `the certificate "c" has 401 certificates of `},
		{"broken_key", m.cert, block(blockEC, []byte("no")), true, `the key "k" is broken (`},
		{"encrypted", m.cert, block(blockEncrypted, []byte("x")), true, `the key "k" is encrypted with a passphrase, which nobody is there to type`},
		{"encrypted_old", m.cert, []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), true, `the key "k" is encrypted with a passphrase`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Files{"c", "k"}.Parse(c.cert, c.key)
			var e *Error
			if got != nil || !errors.As(err, &e) || e.InKey != c.inKey || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	m := issue(t, ecKey(t))
	good := filepath.Join(dir, "good.pem")
	write(t, good, append(m.cert, m.key...))
	write(t, filepath.Join(dir, "huge"), make([]byte, maxFile+1))
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"none": "cannot be opened: no such file or directory",
		".":    "is a folder, not a file",
		"pipe": "is not a regular file",
		"huge": "is larger than 4 MiB",
	} {
		path := filepath.Join(dir, name)
		for _, f := range []Files{{path, good}, {good, path}} {
			if _, err := f.Read(); err == nil || !strings.HasSuffix(err.Error(), `" `+want) {
				t.Errorf("%+v: %v, want %s", f, err, want)
			}
		}
		if _, err := Roots(path); err == nil || !strings.HasSuffix(err.Error(), `" `+want) {
			t.Errorf("roots in %s: %v, want %s", name, err, want)
		}
	}
	if _, err := Roots(good); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	m := issue(f, ecKey(f))
	f.Add(m.cert, m.key)
	f.Add(m.key, m.cert)
	f.Add(append(m.cert, m.key...), block(blockEncrypted, nil))
	f.Add([]byte("-----BEGIN CERTIFICATE-----"), []byte("-----BEGIN EC PRIVATE KEY-----\nDEK-Info: x\n\n-----END EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		c, err := Files{"c", "k"}.Parse(cert, key)
		var e *Error
		switch {
		case err == nil && (c.Leaf == nil || !fits(c.PrivateKey.(crypto.Signer), c.Leaf)):
			t.Errorf("a pair that does not fit: %+v", c)
		case err != nil && (c != nil || !errors.As(err, &e)):
			t.Errorf("%v, %v", c, err)
		}
	})
}
