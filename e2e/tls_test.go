//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"streampump/demo"
	"streampump/e2e/rig"
)

// TestPlayersOverTLS: the players that the README names play a stream over TLS, and
// check the pump's certificate while they do.
func TestPlayersOverTLS(t *testing.T) {
	p, ca := startSecure(t)
	for _, k := range []struct {
		name  string
		start func(t testing.TB, url string) *watcher
	}{
		{"ffmpeg", func(t testing.TB, url string) *watcher {
			return watchFFmpegWith(t, url, "-tls_verify", "1", "-ca_file", ca)
		}},
		{"vlc", func(t testing.TB, url string) *watcher {
			return watchVLCWith(t, url, "--gnutls-dir-trust", filepath.Dir(ca))
		}},
		{"mpv", func(t testing.TB, url string) *watcher {
			return watchMpvWith(t, url, "--tls-verify=yes", "--tls-ca-file="+ca)
		}},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.name)
			w := k.start(t, "https://"+p+"/streams/clip")
			w.decode(enough)
			w.finish()
		})
	}
	t.Run("curl", func(t *testing.T) {
		need(t, "curl")
		out, err := exec.Command("curl", "-sS", "--max-time", "60", "--cacert", ca, "https://"+p+"/").CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "Stream Pump") {
			t.Errorf("%v: %s", err, out)
		}
		if out, err := exec.Command("curl", "-sS", "--max-time", "60", "https://"+p+"/").CombinedOutput(); err == nil {
			t.Errorf("a certificate of nobody's is trusted: %s", out)
		}
	})
}

// startSecure starts a pump that plays the clip over TLS, and says where it listens and
// whom its players must trust.
func startSecure(t *testing.T) (addr, ca string) {
	t.Helper()
	dir := rig.Reachable(t) // by VLC too, which runs as nobody
	clip := filepath.Join(dir, "clip.asf")
	if err := os.WriteFile(clip, demo.Clip(), 0o644); err != nil {
		t.Fatal(err)
	}
	cert := certificate(t, dir, "localhost")
	if err := os.Chmod(cert, 0o644); err != nil {
		t.Fatal(err)
	}
	addr = freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	p := rig.Start(t, rig.Options{Config: fmt.Sprintf(`"ssl": true, "ssl_port": %s, "ssl_cert": %q, "ssl_key": %q,
  "streams": [{"type": "file", "path": "clip", "source_options": {"file": %q}}]`, port, cert, cert, clip)})
	up(t, p, "clip")
	return "localhost:" + port, cert
}
