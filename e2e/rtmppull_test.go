//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"streampump/e2e/rig"
	"streampump/engine"
)

// rtmpServer is a server that the pump pulls from.
type rtmpServer struct {
	name, binary string
	// start starts one and gives the address at which it is pushed to and pulled from.
	start func(t *testing.T) string
}

// rtmpServers are those that can be installed, and MediaMTX where it is.
func rtmpServers() []rtmpServer {
	servers := []rtmpServer{
		{"nginx", "nginx", startNginxRTMP},
		{"pump", "ffmpeg", func(t *testing.T) string { return rtmpURL(rtmpPump(t, ""), "rtmp") }},
	}
	if _, err := exec.LookPath("mediamtx"); err == nil { // no package brings it
		servers = append(servers, rtmpServer{"mediamtx", "mediamtx", startMediaMTX})
	}
	return servers
}

// freePort is an address that nobody has.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// listening waits until somebody listens at an address.
func listening(t testing.TB, addr string) {
	t.Helper()
	ticker(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, "nobody listens at "+addr)
}

// startNginxRTMP starts nginx with its module for RTMP.
func startNginxRTMP(t *testing.T) string {
	t.Helper()
	const module = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
	if _, err := os.Stat(module); err != nil {
		missing(t, "nginx's module for RTMP is not installed")
	}
	dir, addr := rig.Reachable(t), freePort(t)
	file := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`load_module %s;
daemon off;
worker_processes 1;
pid %s/pid;
error_log stderr warn;
events {}
rtmp { server { listen %s; application streams { live on; } } }
`, module, dir, addr)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // nobody reads it
		t.Fatal(err)
	}
	start(t, exec.Command("nginx", "-c", file, "-p", dir, "-e", "stderr"), false)
	listening(t, addr)
	return "rtmp://" + addr + "/streams/live"
}

// startMediaMTX starts MediaMTX with nothing but RTMP.
func startMediaMTX(t *testing.T) string {
	t.Helper()
	addr := freePort(t)
	file := filepath.Join(t.TempDir(), "mediamtx.yml")
	text := "logLevel: warn\nrtmpAddress: " + addr + "\nrtsp: no\nhls: no\nwebrtc: no\nsrt: no\npaths:\n  all_others:\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, exec.Command("mediamtx", file), false)
	listening(t, addr)
	return "rtmp://" + addr + "/streams/live"
}

// pullsAgain has pulls try again soon.
const pullsAgain = `"timeouts": {"pull_first_retry": "100ms", "pull_retry": "100ms", "pull_retry_jitter": 0},`

// pullsRTMP starts a pump that pulls from an address.
func pullsRTMP(t *testing.T, url string) *rig.Pump {
	t.Helper()
	return rig.Start(t, rig.Options{Config: fmt.Sprintf(`%s"streams": [{"type": "rtmp_pull", "path": "live", "source_options": {"url": %q}}]`, pullsAgain, url)})
}

// TestRTMPPull has the pump pull from each server, through a restart of its encoder, and
// players play.
func TestRTMPPull(t *testing.T) {
	for _, s := range rtmpServers() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			need(t, s.binary, "ffmpeg")
			url := s.start(t)
			push := func() *program {
				return start(t, exec.Command("ffmpeg", append(filming(), "-f", "flv", url)...), false)
			}
			e := push()
			p := pullsRTMP(t, url)
			up(t, p, "live")
			kinds := rtmpKinds()
			var all []*watcher
			for _, k := range []rtmpKind{kinds[0], kinds[1]} {
				need(t, k.binary)
				all = append(all, k.rtmpWatch(t, rtmpURL(p, "rtmp")))
			}
			for _, w := range all {
				w.decode(enough)
			}
			if s.name == "nginx" { // it stays connected, and begins again
				e.kill()
				push()
				for _, w := range all {
					w.decode(2 * enough)
				}
			}
			for _, w := range all {
				w.excuse(rtmpPause)
				w.finish()
			}
		})
	}
}

// TestRTMPPullFromFFmpeg has the pump pull from ffmpeg, which waits for one player, and ends its
// film without a word.
func TestRTMPPullFromFFmpeg(t *testing.T) {
	need(t, "ffmpeg")
	addr := freePort(t)
	url := "rtmp://" + addr + "/streams/live"
	p := pullsRTMP(t, url)
	start(t, exec.Command("ffmpeg", append(filming(), "-t", "12", "-f", "flv", "-listen", "1", url)...), false)
	up(t, p, "live")
	w := rtmpKinds()[0].rtmpWatch(t, rtmpURL(p, "rtmp"))
	w.decode(enough)
	w.finish() // one whose stream is held would not look at what it is told
	p.AwaitStatus("the source is over", func(s engine.Snapshot) bool { return streamOf(s, "live").State != engine.SourceUp.String() })
}
