//go:build e2e

package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"streampump/e2e/rig"
)

// gortmplib is the path of a client that is made of that library.
func gortmplib(t testing.TB) string {
	t.Helper()
	need(t, "go")
	return rig.Build(t, "gortmplib", ".")
}

var (
	gortmplibPictures = regexp.MustCompile(`pictures=(\d+)`)
	gortmplibBack     = regexp.MustCompile(`back=(\d+)`)
)

// watchGortmplib starts it as a player. It decodes nothing, and keeps no time.
func watchGortmplib(t testing.TB, url string) *watcher {
	t.Helper()
	p := start(t, exec.Command(gortmplib(t), "play", url), false)
	return &watcher{
		program: p, bad: list(`^gortmplib: `),
		frames: func(output string) int { return lastNumber(gortmplibPictures, output) },
		more: func(output string) (found []string) {
			if lastNumber(gortmplibBack, output) > 0 {
				found = append(found, "times go back")
			}
			return found
		},
		stop: p.interrupt,
	}
}

// TestRTMPGortmplibRelays: a relay that is made with gortmplib plays from one pump and
// publishes to another, over TLS, whose certificates it checks. Others play what comes.
func TestRTMPGortmplibRelays(t *testing.T) {
	client, identity := gortmplib(t), rig.Identify(t, rig.Reachable(t))
	pump := func() *rig.Pump {
		return rig.Start(t, rig.Options{TLS: identity, Config: `"streams": [{"type": "rtmp_push", "path": "live"}]`})
	}
	first, second := pump(), pump()
	pushRTMP(t, first)
	from, to := rtmpURL(first, "rtmps"), rtmpURL(second, "rtmps")
	stranger := start(t, exec.Command(client, "play", from), false)
	if err := stranger.end(); err == nil || !strings.Contains(stranger.said(), "certificate") {
		t.Errorf("the certificate of an unknown authority: %v, %s", err, stranger.said())
	}
	t.Setenv("SSL_CERT_FILE", identity.Roots)
	start(t, exec.Command(client, "relay", from, to), false)
	up(t, second, "live")
	var all []*watcher
	for _, k := range rtmpKinds() {
		if k.name == "ffmpeg" || k.name == "gstreamer_rtmp2src" || k.name == "gortmplib" {
			need(t, k.binary)
			all = append(all, k.rtmpWatch(t, rtmpURL(second, "rtmp")))
		}
	}
	for _, w := range all {
		w.decode(enough)
		w.finish()
	}
}
