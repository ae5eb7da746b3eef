//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"streampump/e2e/rig"
	"streampump/engine"
)

// relayed starts a server of others at an address, which plays by UDP only, and has ffmpeg
// publish to it what the given options make. It is there when relayed returns.
func relayed(t testing.TB, prefix []string, host string, film []string) (server *program, url string) {
	t.Helper()
	need(t, "ffmpeg")
	at := func(port int) string { return net.JoinHostPort(host, fmt.Sprint(port)) }
	url = "rtsp://" + at(8554) + "/live"
	run := func(args ...string) *program {
		args = append(slices.Clone(prefix), args...)
		return start(t, exec.Command(args[0], args[1:]...), false)
	}
	server = run(gortsplib(t), "serve", at(8554), at(8000), at(8001))
	said := func(line string) {
		server.await("it is "+line, func(output string) bool { return strings.Contains(output, line+"\n") })
	}
	said("listening")
	run(append(append([]string{"ffmpeg"}, film...), "-f", "rtsp", "-rtsp_transport", "tcp", url)...)
	said("recording")
	return server, url
}

// TestRTSPPullOverUDP: a server that sends nothing over TCP is pulled over UDP, where that may
// be, and else the operator is told. The end of its connection is its end.
func TestRTSPPullOverUDP(t *testing.T) {
	server, url := relayed(t, nil, "127.0.0.21", filming())
	streams := fmt.Sprintf(`"streams": [{"type": "rtsp_pull", "path": "live", "source_options": {"url": %q}}]`, url)

	off := rig.Start(t, rig.Options{Config: streams}) // of itself the rig has no UDP
	off.AwaitStatus("it says that there is none", func(s engine.Snapshot) bool {
		return strings.Contains(streamOf(s, "live").Problem, "does not send over TCP, and packets over UDP are switched off here")
	})

	edge := rig.Start(t, rig.Options{Config: rig.UDPPorts(t) + streams})
	up(t, edge, "live")
	edge.Await("source sends its packets over UDP")
	w := rtspKinds()[0].rtspWatch(t, rtspURL(edge, "rtsp"), true)
	w.decode(enough)
	w.finish()
	server.kill()
	edge.AwaitStatus("it is lost", func(s engine.Snapshot) bool {
		return streamOf(s, "live").State == engine.SourceHeld.String()
	})
	if line := edge.Await("source is gone"); !strings.Contains(line, "the source closed the connection") {
		t.Errorf("the log says: %s", line)
	}
	if n := edge.Status().Unheard; n != 0 {
		t.Errorf("%d packets were lost in the pump", n)
	}
}

// TestRTSPPullsOverBadNetworks: where a server's packets over UDP are lost and come in another
// order, viewers play on. Where they only come in another order, the pump puts them right, as
// those of encoders.
func TestRTSPPullsOverBadNetworks(t *testing.T) {
	need(t, "ffmpeg")
	n := newNetwork(t, 0)
	bad, disordered := n.tunnelled(0.01, 0.02, true), n.tunnelled(0, 0.05, true)
	var streams []string
	for link, path := range []string{"bad", "disordered"} {
		_, url := relayed(t, within(n.viewers(link)), fmt.Sprintf("10.98.%d.2", link), noise(2))
		streams = append(streams, fmt.Sprintf(`{"type": "rtsp_pull", "path": %q, "source_options": {"url": %q}}`, path, url))
	}
	p := startPump(t, rig.Options{
		Config: `"rtsp_udp": "private", "streams": [` + strings.Join(streams, ", ") + `]`,
		Listen: fmt.Sprintf("0.0.0.0:%d", netPort), Prefix: n.prefix(),
	}, dialFrom(n.pump()))
	watch := func(path string) *watcher {
		p.awaitUp(path)
		w := watchFFmpegFrom(t, n.prefix(), fmt.Sprintf("rtsp://127.0.0.1:%d/%s", netPort, path), "-rtsp_transport", "tcp")
		w.bad = append(append(w.bad[:0:0], w.bad...), rtspComplaints...)
		w.excuse(rtspExcuses)
		return w
	}
	damaged, whole := watch("bad"), watch("disordered")
	for _, w := range []*watcher{damaged, whole} {
		w.decode(10 * filmRate)
	}
	whole.stop()
	damaged.stop()
	if s := p.status(); s.Unheard != 0 || s.Skips != 0 {
		t.Errorf("%d datagrams were not received, %d skips", s.Unheard, s.Skips)
	}
	if n := strings.Count(p.Log(), "source sends its packets over UDP"); n != 2 {
		t.Errorf("%d servers send over UDP", n)
	}
	for line := range strings.Lines(p.Log()) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			t.Errorf("the pump says: %s", line)
		}
	}
	for name, x := range map[string]*tunnel{"bad": bad, "disordered": disordered} {
		t.Logf("%s: %d packets passed, %d were lost, %d overtaken", name, x.passed.Load(), x.lost.Load(), x.overtaken.Load())
	}
	if bad.lost.Load() == 0 || bad.overtaken.Load() == 0 || disordered.lost.Load() != 0 || disordered.overtaken.Load() == 0 {
		t.Error("the networks were not as they should have been")
	}
	if found := complaints(whole.said(), whole.bad, whole.excused); len(found) > int(disordered.overtaken.Load())/20 {
		t.Errorf("of %d packets that were overtaken, %d damaged a picture: %q", disordered.overtaken.Load(), len(found), found)
	}
	if found := complaints(damaged.said(), damaged.bad, damaged.excused); len(found) == 0 {
		t.Error("the player of the bad network missed nothing")
	}
}
