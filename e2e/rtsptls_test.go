//go:build e2e

package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"streampump/e2e/rig"
)

// TestRTSPEncodersOverTLS has encoders push over TLS. gortsplib verifies certificates, and
// ffmpeg does not.
func TestRTSPEncodersOverTLS(t *testing.T) {
	for _, c := range []struct {
		name    string
		command []string
	}{
		{"ffmpeg", append(append([]string{"ffmpeg"}, filming()...), "-f", "rtsp")},
		{"gortsplib", []string{"gortsplib", "publish", "tcp"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			identity := rig.Identify(t, rig.Reachable(t))
			p := rig.Start(t, rig.Options{TLS: identity, Config: `"streams": [{"type": "rtsp_push", "path": "live"}]`})
			player := gortsplib(t)
			if c.command[0] == "gortsplib" {
				c.command[0] = player
			}
			need(t, c.command[0])
			url := rtspURL(p, "rtsps")
			stranger := start(t, exec.Command(player, "play", "tcp", url), false)
			if err := stranger.end(); err == nil || !strings.Contains(stranger.said(), "certificate") {
				t.Errorf("the certificate of an unknown authority: %v, %s", err, stranger.said())
			}
			t.Setenv("SSL_CERT_FILE", identity.Roots)
			start(t, exec.Command(c.command[0], append(c.command[1:], url)...), false)
			up(t, p, "live")
			w := watchGortsplib(t, url, true)
			w.decode(enough)
			w.finish()
		})
	}
}
