package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"testing"
	"time"

	"streampump/cmd/internal/cli"
)

// vouching is the text of a certificate that vouches for itself, and its key. It is for
// the host of that name.
func vouching(t *testing.T, name string) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Date(2120, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	secretDER, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secretDER}))
}

// knowing runs the program in a process of its own, whose system knows the authorities
// in a file.
func knowing(t *testing.T, file string, args ...string) output {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "SSL_CERT_FILE="+file, "SSL_CERT_DIR=/nowhere")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var failed *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return output{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestCheckMissesTheSystemsAuthorities(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "pump.json", `{"streams": [{"type": "mmsh_pull", "path": "a", "source_options": {"url": "https://source.example"}}]}`)
	knowing(t, "/nowhere", "check", "pump.json").want(t, cli.ExitOK, `pump.json is valid: 1 stream, 1 enabled, on [::]:8086
stream "a" is pulled with TLS from source.example:443, whose certificate must be for source.example, by an authority of this machine's list
`, `pump.json:1:67: /streams/0/source_options: warning: this machine has no list of authorities, so this source cannot prove who it is: install ca-certificates, or give "ssl_ca"
`)
}

func TestCheckSaysWhatSourcesMustProve(t *testing.T) {
	t.Chdir(t.TempDir())
	root, _ := vouching(t, "Our Root")
	cert, key := vouching(t, "our pump")
	write(t, "root.pem", root)
	write(t, "two.pem", root+cert)
	write(t, "pump.pem", cert)
	write(t, "pump.key", key)
	write(t, "pump.json", `{
  "streams": [
    {"type": "mmsh_pull", "path": "a", "source_options": {"url": "https://source.example/live"}},
    {"type": "mmsh_pull", "path": "b", "source_options": {"url": "mmshs://192.0.2.7:8443", "ssl_name": "source.example", "ssl_ca": "root.pem"}},
    {"type": "mmsh_pull", "path": "c", "source_options": {"host": "source.example", "ssl": true, "ssl_ca": "two.pem", "ssl_cert": "pump.pem", "ssl_key": "pump.key"}},
    {"type": "mmsh_pull", "path": "d", "source_options": {"url": "mmsh://source.example"}},
    {"type": "mmsh_pull", "path": "e", "enabled": false, "source_options": {"url": "mmshs://source.example"}},
  ],
}`)
	knowing(t, "root.pem", "check", "pump.json").want(t, cli.ExitOK, `pump.json is valid: 5 streams, 4 enabled, on [::]:8086
stream "a" is pulled with TLS from source.example:443, whose certificate must be for source.example, by an authority of this machine's list
stream "b" is pulled with TLS from 192.0.2.7:8443, whose certificate must be for source.example, by the authority in the file root.pem (the certificate of "Our Root", valid until 2120-01-02 03:04 UTC)
stream "c" is pulled with TLS from source.example:443, whose certificate must be for source.example, by one of the 2 authorities in the file two.pem; it is shown the certificate of "our pump", valid until 2120-01-02 03:04 UTC
`, "")
}
