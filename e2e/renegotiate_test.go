//go:build e2e

package e2e

import (
	"io"
	"os/exec"
	"strings"
	"testing"
)

// A client that wants its handshake over again in the middle of TLS 1.2, which costs the
// server more than itself, is turned away.
func TestRenegotiationIsRefused(t *testing.T) {
	need(t, "openssl")
	addr, _ := startSecure(t)
	p := start(t, exec.Command("openssl", "s_client", "-tls1_2", "-connect", addr), true)
	p.await("TLS 1.2 is spoken", func(out string) bool { return strings.Contains(out, "Protocol  : TLSv1.2") })
	if _, err := io.WriteString(p.stdin, "R\n"); err != nil {
		t.Fatal(err)
	}
	_ = p.end() // with any status
	if out := p.said(); !strings.Contains(out, "RENEGOTIATING") || !strings.Contains(out, "SSL alert number") {
		t.Errorf("openssl says\n%s", tail(out))
	}
}
