package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"streampump/cmd/internal/cli"
	"streampump/e2e/rig"
	"streampump/internal/pki"
)

// knowing runs the program in a process of its own, whose system knows the authorities
// in a file.
func knowing(t *testing.T, file string, args ...string) output {
	t.Helper()
	files, _ := filepath.Glob("*")
	rig.Give(t, files...)
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
	t.Chdir(rig.Reachable(t))
	write(t, "pump.json", `{"streams": [{"type": "mmsh_pull", "path": "a", "source_options": {"url": "https://source.example"}}]}`)
	knowing(t, "/nowhere", "check", "pump.json").want(t, cli.ExitOK, `pump.json is valid: 1 stream, 1 enabled, on [::]:8086
stream "a" is pulled with TLS from source.example:443, whose certificate must be for source.example, by an authority of this machine's list
`, `pump.json:1:67: /streams/0/source_options: warning: this machine has no list of authorities, so this source cannot prove who it is: install ca-certificates, or give "ssl_ca"
`)
}

func TestCheckSaysWhatSourcesMustProve(t *testing.T) {
	t.Chdir(rig.Reachable(t))
	until := func(c *x509.Certificate) { c.NotAfter = time.Date(2120, 1, 2, 3, 4, 5, 0, time.UTC) }
	root := pki.New(t, "Test Root")
	below := root.Below("Our Root", until)
	pair := below.Issue(func(c *x509.Certificate) {
		until(c)
		c.Subject.CommonName = "our pump"
	})
	pki.Write(t, ".", "root.pem", below.PEM())
	pki.Write(t, ".", "two.pem", append(below.PEM(), root.PEM()...))
	pki.Write(t, ".", "pump.pem", pki.CertPEM(pair))
	pki.Write(t, ".", "pump.key", pki.KeyPEM(t, pair))
	write(t, "pump.json", `{
  "streams": [
    {"type": "mmsh_pull", "path": "a", "source_options": {"url": "https://source.example/live"}},
    {"type": "mmsh_pull", "path": "b", "source_options": {"url": "mmshs://192.0.2.7:8443", "ssl_name": "source.example", "ssl_ca": "root.pem"}},
    {"type": "mmsh_pull", "path": "c", "source_options": {"host": "source.example", "ssl": true, "ssl_ca": "two.pem", "ssl_cert": "pump.pem", "ssl_key": "pump.key"}},
    {"type": "mmsh_pull", "path": "d", "source_options": {"url": "mmsh://source.example"}},
    {"type": "mmsh_pull", "path": "e", "enabled": false, "source_options": {"url": "mmshs://source.example"}},
    {"type": "rtsp_pull", "path": "f", "source_options": {"url": "rtsps://viewer:geheim@camera.example/ch0", "ssl_ca": "root.pem"}},
  ],
}`)
	knowing(t, "root.pem", "check", "pump.json").want(t, cli.ExitOK, `pump.json is valid: 6 streams, 5 enabled, on [::]:8086, [::]:8554
stream "a" is pulled with TLS from source.example:443, whose certificate must be for source.example, by an authority of this machine's list
stream "b" is pulled with TLS from 192.0.2.7:8443, whose certificate must be for source.example, by the authority in the file root.pem (the certificate of "Our Root", valid until 2120-01-02 03:04 UTC)
stream "c" is pulled with TLS from source.example:443, whose certificate must be for source.example, by one of the 2 authorities in the file two.pem; it is shown the certificate of "our pump", valid until 2120-01-02 03:04 UTC
stream "f" is pulled with TLS from camera.example:322, whose certificate must be for camera.example, by the authority in the file root.pem (the certificate of "Our Root", valid until 2120-01-02 03:04 UTC)
`, "")
}
