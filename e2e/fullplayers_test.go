//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"streampump/bench/player"
	"streampump/demo"
	"streampump/e2e/rig"
	"streampump/engine"
)

// startClip starts a pump that plays the clip as "live", with more of a configuration.
func startClip(t *testing.T, config string) *rig.Pump {
	t.Helper()
	clip := filepath.Join(rig.Reachable(t), "clip.asf")
	if err := os.WriteFile(clip, demo.Clip(), 0o644); err != nil {
		t.Fatal(err)
	}
	p := rig.Start(t, rig.Options{Config: config + fmt.Sprintf(`"streams": [{"type": "file", "path": "live", "source_options": {"file": %q}}]`, clip)})
	up(t, p, "live")
	return p
}

// occupy takes a viewer's place.
func occupy(t *testing.T, p *rig.Pump) {
	t.Helper()
	v := player.Viewer{Client: player.PlayOnly(), Addr: p.Addr.String(), Path: "/streams/live", Timeout: patience}
	c, _, err := v.Play(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, c) }()
	t.Cleanup(func() { _ = c.Close() })
}

// full is the configuration of a pump for one viewer, that sends others to an address.
func full(to string) string {
	return `"limits": {"viewers": 1}, "redirect_full_to": "http://` + to + `/streams/{path}", `
}

// What a full pump does with real players: VLC goes where it is sent and plays there, and
// so does MPlayer with its last try, plain HTTP; ffmpeg, which says a version that does
// not follow, is told that there is no room, and ends.
func TestRealPlayersAtAFullPump(t *testing.T) {
	t.Parallel()
	second := startClip(t, "")
	first := startClip(t, full(second.Addr.String()))
	occupy(t, first)
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			need(t, k.binary)
			before := second.Status()
			w := k.start(t, k.scheme+"://"+first.Addr.String()+"/streams/live")
			follows := k.name != "ffmpeg"
			if follows {
				w.decode(enough)
				w.stop()
			} else {
				if w.end() == nil {
					t.Error("it ends as if nothing were wrong")
				}
			}
			joined := streamOf(second.Status(), "live").Joins > streamOf(before, "live").Joins
			if joined != follows {
				t.Errorf("it plays at the other pump: %v", joined)
			}
		})
	}
	if s := first.Status(); s.Viewers != 1 || s.RoomSnapshot.Refused < 3 {
		t.Errorf("%d are inside, %d were refused", s.Viewers, s.RoomSnapshot.Refused)
	}
}

// Two full pumps that send their viewers to each other: a player that follows for ever
// is sent on some times, and then told that there is no room.
func TestFullPumpsThatSendToEachOther(t *testing.T) {
	t.Parallel()
	const vlc = "vlc"
	need(t, vlc)
	addr := freeAddr(t)
	first := startClip(t, full(addr))
	clip := filepath.Join(rig.Reachable(t), "clip.asf")
	if err := os.WriteFile(clip, demo.Clip(), 0o644); err != nil {
		t.Fatal(err)
	}
	second := rig.Start(t, rig.Options{Listen: addr, Config: full(first.Addr.String()) +
		fmt.Sprintf(`"streams": [{"type": "file", "path": "live", "source_options": {"file": %q}}]`, clip)})
	up(t, second, "live")
	occupy(t, first)
	occupy(t, second)
	w := watchVLC(t, "mmsh://"+first.Addr.String()+"/streams/live")
	refused := func(p *rig.Pump) uint64 { return p.Status().RoomSnapshot.Refused }
	first.AwaitStatus("the player has come", func(s engine.Snapshot) bool { return s.RoomSnapshot.Refused > 0 })
	n, looks := uint64(0), 0
	ticker(t, func() bool {
		now := refused(first) + refused(second)
		if now != n {
			n, looks = now, 0
		}
		looks++
		return looks == 100 // nothing has happened for as long as many rounds take
	}, "the player does not come to rest")
	t.Logf("the player was turned away %d times", n)
	if most := uint64(2*32 + 20); n > most {
		t.Errorf("the player was turned away %d times, want %d at most", n, most)
	}
	w.stop()
}

// A pump that pulls is counted as a pump, has a limit of its own, and goes where it is
// sent.
func TestPumpsAreCountedApart(t *testing.T) {
	t.Parallel()
	second := startClip(t, "")
	first := startClip(t, `"limits": {"pumps": 1, "viewers": 1}, `)
	sending := startClip(t, `"limits": {"pumps": 1}, "redirect_full_to": "http://`+second.Addr.String()+`/streams/{path}", `)
	edge := func(from *rig.Pump) *rig.Pump {
		return rig.Start(t, rig.Options{Config: `"streams": [` + pullOf("live", "mmsh://"+from.Addr.String()+"/streams/live") + `]`})
	}
	up(t, edge(first), "live")
	occupy(t, first)
	if s := first.Status(); s.Viewers != 2 || s.Pumps != 1 || s.PumpsLimit != 1 || streamOf(s, "live").Pumps != 1 {
		t.Errorf("%d viewers, %d of them pumps of %d", s.Viewers, s.Pumps, s.PumpsLimit)
	}
	edge(first).Await("the source answered 503")
	first.Await("no room for a viewer", "reason=too_many_pumps", "StreamPump/1")
	up(t, edge(sending), "live")
	up(t, edge(sending), "live")
	if a, b := sending.Status(), second.Status(); a.Pumps != 1 || b.Pumps != 1 {
		t.Errorf("%d pumps at the full one, %d where it sends them", a.Pumps, b.Pumps)
	}
}
