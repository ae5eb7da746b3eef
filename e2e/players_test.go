//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"streampump/bench/push"
	"streampump/demo"
	"streampump/e2e/rig"
	"streampump/engine"
)

const (
	// enough is how many frames each player must decode.
	enough = 100
	// joinSpread is the time in which a player joins at a random moment: some
	// key frame intervals' parts.
	joinSpread = 1500 * time.Millisecond
	// nearlyUp is a send time that leaves a pump three days to 2^32 ms.
	nearlyUp = 4_000_000_000
)

// TestPlayers has each player play each kind of stream.
func TestPlayers(t *testing.T) {
	film := film(t, 20, 320)
	first := startOrigin(t)
	encode(t, first, "pushed", &reel{footage: film, loop: true}, push.RunOptions{Pace: push.RealTime(1)})
	encode(t, first, "late", &reel{footage: film, loop: true, begin: nearlyUp}, push.RunOptions{Pace: push.RealTime(1)})
	edge := rig.Start(t, rig.Options{Config: `"streams": [` + pullOf("pulled", "mmsh://"+local(first, false)+"/streams/pushed") + `]`})
	up(t, first, "clip", "pushed", "late")
	up(t, edge, "pulled")
	for _, s := range []struct {
		name string
		addr string
		path string
	}{
		{"clip", local(first, false), "clip"},
		{"pushed", local(first, false), "pushed"},
		{"late", local(first, false), "late"},
		{"pulled", edge.Addr.String(), "pulled"},
	} {
		t.Run(s.name, func(t *testing.T) { playAll(t, s.addr, s.path) })
	}
	t.Run("ipv6", func(t *testing.T) {
		for _, k := range kinds() {
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				play(t, k, k.ipv6, local(first, true), "pushed")
			})
		}
	})
}

// startOrigin starts a pump with streams to push to and one that plays the
// clip, on IPv4 and IPv6.
func startOrigin(t testing.TB) *rig.Pump {
	t.Helper()
	clip := filepath.Join(rig.Reachable(t), "clip.asf")
	if err := os.WriteFile(clip, demo.Clip(), 0o644); err != nil {
		t.Fatal(err)
	}
	return rig.Start(t, rig.Options{Listen: "[::]:0", Config: fmt.Sprintf(`"streams": [
		{"type": "file", "path": "clip", "source_options": {"file": %q}},
		{"type": "mmsh_push", "path": "pushed"},
		{"type": "mmsh_push", "path": "late"}
	]`, clip)})
}

// playAll has each player play a stream, all at the same time.
func playAll(t *testing.T, addr, path string) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			play(t, k, k.scheme, addr, path)
		})
	}
}

// play has a player join at a random moment, decode enough and not complain.
func play(t *testing.T, k kind, scheme, addr, path string) {
	t.Helper()
	need(t, k.binary)
	<-time.After(rand.N(joinSpread))
	w := k.start(t, fmt.Sprintf("%s://%s/streams/%s", scheme, addr, path))
	w.decode(enough)
	w.finish()
}

// pullOf is the configuration of a stream that is pulled.
func pullOf(path, url string) string {
	return fmt.Sprintf(`{"type": "mmsh_pull", "path": %q, "source_options": {"url": %q}}`, path, url)
}

// local is the host:port at which players on this machine reach a pump that
// listens on all addresses.
func local(p *rig.Pump, ipv6 bool) string {
	ip := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if ipv6 {
		ip = netip.IPv6Loopback()
	}
	return netip.AddrPortFrom(ip, p.Addr.Port()).String()
}

// up waits until streams have their sources and packets.
func up(t testing.TB, p *rig.Pump, paths ...string) {
	t.Helper()
	for _, path := range paths {
		p.AwaitStatus(path+" is up", func(s engine.Snapshot) bool {
			st := streamOf(s, path)
			return st.State == engine.SourceUp.String() && st.BacklogLen > 0
		})
	}
}

// streamOf is one stream of a snapshot.
func streamOf(s engine.Snapshot, path string) engine.StreamSnapshot {
	for _, st := range s.Streams {
		if st.Path == path {
			return st
		}
	}
	return engine.StreamSnapshot{}
}
