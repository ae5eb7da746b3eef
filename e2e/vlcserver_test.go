//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/e2e/rig"
)

// serveVLC starts VLC as an MMSH server that plays an ASF file again and again,
// and returns its host:port. It needs a moment before it takes connections.
func serveVLC(t testing.TB, f *footage) string {
	t.Helper()
	need(t, "vlc")
	addr := freeAddr(t)
	cmd := vlcCommand(t, "-I", "dummy", "-q", "--loop", "film.asf",
		"--sout", "#std{access=mmsh,mux=asfh,dst="+addr+"/}", "--sout-keep")
	b, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	// In VLC's own folder: as another user it reads no other.
	path := filepath.Join(cmd.Dir, "film.asf")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, cmd, false)
	return addr
}

// freeAddr is an address that nothing listens on, for programs that cannot
// tell which one they got.
func freeAddr(t testing.TB) string {
	t.Helper()
	// On all addresses: who is to use it may listen on them.
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port)
}

// startPuller starts a pump that pulls a stream "pulled" and does not wait long
// for a source that is not there yet.
func startPuller(t testing.TB, url string) *rig.Pump {
	t.Helper()
	return rig.Start(t, rig.Options{Config: `"timeouts": {"pull_first_retry": "200ms", "pull_retry": "500ms", "pull_retry_jitter": "100ms"},
		"streams": [` + pullOf("pulled", url) + `]`})
}

// TestPlayersPullFromVLC has each player play what the pump pulls from VLC's
// own MMSH server. VLC's ASF muxer sets the key bit of every payload, so that
// no packet tells where a key frame begins. In a film that has nothing but key
// frames that is the truth, and players must be content.
func TestPlayersPullFromVLC(t *testing.T) {
	p := startPuller(t, "mmsh://"+serveVLC(t, shoot(t, take{seconds: 40, gop: 1}))+"/")
	up(t, p, "pulled")
	playAll(t, p.Addr.String(), "pulled")
}

// TestPlayersPullFromVLCInMidGOP is the same with an ordinary film. Viewers
// begin in mid-GOP, as they do at VLC itself: that the first frame is no key
// frame, and what decoders say of pictures whose key frame they do not have,
// is VLC's doing; the stream must be whole all the same.
func TestPlayersPullFromVLCInMidGOP(t *testing.T) {
	p := startPuller(t, "mmsh://"+serveVLC(t, film(t, 40, 320))+"/")
	up(t, p, "pulled")
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			w := k.start(t, k.scheme+"://"+p.Addr.String()+"/streams/pulled")
			w.excuse(list(`first frame is no keyframe`))
			w.decode(enough)
			w.finish()
		})
	}
}

// TestViewersSurviveVLCLoop: at the end of its file VLC's server starts its
// header and its media objects' numbers anew, and its times go back. Viewers
// must not notice. The film is mute, because with sound VLC sometimes numbers
// picture and sound the other way round in the next round, which no viewer can
// be taken across.
func TestViewersSurviveVLCLoop(t *testing.T) {
	const rounds, length = 2, 4 * time.Second
	p := startPuller(t, "mmsh://"+serveVLC(t, shoot(t, take{seconds: int(length / time.Second), gop: 1, mute: true}))+"/")
	up(t, p, "pulled")
	need(t, "ffmpeg")
	w := watchFFmpeg(t, p.URL("mmsh", "pulled"))
	v := player.Viewer{Client: player.VLC(), Addr: p.Addr.String(), Path: "/streams/pulled"}
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	c, _, err := v.Play(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before := streamOf(p.Status(), "pulled")
	location := int64(-1)
	// VLC sends in real time, and says the same header in front of each round.
	for began := time.Now(); time.Since(began) < (rounds+1)*length; {
		m, err := c.Packet(ctx)
		if err != nil {
			t.Fatalf("the viewer's connection ends: %v\n%s", err, p.Log())
		}
		switch {
		case m.Kind == player.KindHeader && location == -1:
		case m.Kind == player.KindData && int64(m.LocationID) > location:
			location = int64(m.LocationID)
		default:
			t.Fatalf("$%c with LocationId %d follows %d\n%s", m.Kind, m.LocationID, location, p.Log())
		}
	}
	w.decode(w.frames(w.said()) + enough/2)
	w.finish()
	if after := streamOf(p.Status(), "pulled"); after.Programmes != before.Programmes {
		t.Errorf("the stream began anew: %+v\n%s", after, p.Log())
	}
}
