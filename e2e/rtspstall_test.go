//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/bench/rtspclient"
	"streampump/e2e/rig"
	"streampump/engine"
)

// longStalls is the variable that has a viewer stop for a minute too.
const longStalls = "STREAMPUMP_LONG"

// What viewers got that stopped for a while, or whose network is too slow for the stream,
// is a film with holes: ffmpeg decodes it to its end without an error.
func TestRTSPStalledViewersFilmDecodes(t *testing.T) {
	need(t, "ffmpeg")
	n := newNetwork(t, 2)
	n.slow(0, "30mbit")
	n.slow(1, "1mbit")
	p := startPump(t, rig.Options{
		Config: `"backlog": {"duration": "8s", "max_lag": "3s"}, "timeouts": {"viewer_stall": "75s"}, "streams": [{"type": "rtsp_push", "path": "live"}]`,
		Listen: fmt.Sprintf("0.0.0.0:%d", netPort), Prefix: n.prefix(),
	}, dialFrom(n.pump()))
	pushNoise(t, n, 2)
	p.awaitUp("live")
	stops := []time.Duration{5 * time.Second, 20 * time.Second}
	if os.Getenv(longStalls) != "" {
		stops = append(stops, time.Minute)
	}
	whole, slow := tape(t, n, 0), tape(t, n, 1)
	var stalled []*taped
	var wait sync.WaitGroup
	for _, stop := range stops {
		v := tape(t, n, 0)
		stalled = append(stalled, v)
		wait.Go(func() {
			v.seconds(3)
			v.stop()
			time.Sleep(stop) // it is what is tested
			v.resume()
			v.gaps(1)
			v.seconds(3)
			v.leave()
		})
	}
	wait.Wait()
	slow.gaps(2)
	slow.seconds(1)
	for _, v := range []*taped{whole, slow} {
		v.leave()
	}
	whole.decode(t, "healthy", 0)
	slow.decode(t, "slow", 2)
	for i, v := range stalled {
		v.decode(t, fmt.Sprintf("stops for %v", stops[i]), 1)
	}
	p.await("nobody was closed", func(s engine.Snapshot) bool { return s.Viewers == 0 })
	if s := p.status(); s.Closes["viewer_stalled"]+s.Closes["write_failed"] > 0 || s.Skips < uint64(len(stops)) {
		t.Errorf("%d skips; closed: %v", s.Skips, s.Closes)
	}
}

// pushNoise has ffmpeg push pictures of so many megabits a second, and sound, from where
// the pump is.
func pushNoise(t *testing.T, n *network, megabits int) {
	t.Helper()
	pushNoiseFrom(t, n.prefix(), fmt.Sprintf("rtsp://127.0.0.1:%d/live", netPort), megabits, "tcp")
}

// pushNoiseFrom does the same from elsewhere, to an address, over TCP or UDP.
func pushNoiseFrom(t *testing.T, prefix []string, url string, megabits int, transport string) {
	t.Helper()
	command := append(append(slices.Clone(prefix), "ffmpeg"), append(noise(megabits), "-f", "rtsp", "-rtsp_transport", transport, url)...)
	start(t, exec.Command(command[0], command[1:]...), false)
}

// noise is the part of ffmpeg's command line that makes it.
func noise(megabits int) []string {
	rate := fmt.Sprintf("%dM", megabits)
	return []string{
		"-nostdin", "-hide_banner", "-loglevel", "warning", "-re",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc=rate=%d:size=320x240,noise=alls=40:allf=t", filmRate),
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-c:a", "aac",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", fmt.Sprint(filmRate),
		"-b:v", rate, "-maxrate", rate, "-bufsize", "1M",
	}
}

// taped is a viewer in the background that keeps its pictures, as a file of H.264 has them.
// It can be stopped: then it does not read, as a player that hangs.
type taped struct {
	t    testing.TB
	conn *rtspclient.Conn
	talk *rtspclient.Talk
	done chan struct{}

	mu      sync.Mutex
	wake    sync.Cond
	stopped bool
	err     error

	film  []byte
	part  []byte // of a unit that has begun
	fresh bool   // nothing has come since the beginning, or since a gap
	seq   uint16
	time  uint32
	ticks int64 // how long the pictures are that came one behind the other
	holes int
	wrong []string
}

// tape starts a viewer of a link of the network.
func tape(t testing.TB, n *network, link int) *taped {
	t.Helper()
	c, err := dialFrom(n.viewers(link))(t.Context(), "tcp", n.address(link))
	if err != nil {
		t.Fatal(err)
	}
	v := &taped{t: t, conn: rtspclient.NewConn(c, patience), done: make(chan struct{}), fresh: true,
		talk: rtspclient.NewTalk("rtsp://" + n.address(link) + "/live")}
	v.wake.L = &v.mu
	go v.run()
	t.Cleanup(v.leave)
	return v
}

// run reads until the connection ends.
func (v *taped) run() {
	defer close(v.done)
	err := v.conn.Send(v.t.Context(), []byte(v.talk.First()))
	for err == nil {
		v.mu.Lock()
		for v.stopped {
			v.wake.Wait()
		}
		v.mu.Unlock()
		var it rtspclient.Item
		if it, err = v.conn.Next(v.t.Context()); err == nil {
			err = v.take(it)
		}
		v.wake.Broadcast()
	}
	v.mu.Lock()
	v.err = err
	v.mu.Unlock()
	v.wake.Broadcast()
}

// take takes an answer or a packet.
func (v *taped) take(it rtspclient.Item) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if it.Answer == nil {
		if it.Channel == v.talk.Video {
			v.packet(it.Packet)
		}
		return nil
	}
	v.sets(string(it.Body))
	next, err := v.talk.Answer(it.Answer, it.Body)
	if err == nil && next != "" {
		err = v.conn.Send(v.t.Context(), []byte(next))
	}
	return err
}

var parameterSets = regexp.MustCompile(`sprop-parameter-sets=([^;\s]+)`)

// sets begins the film with the parameter sets of a description.
func (v *taped) sets(description string) {
	m := parameterSets.FindStringSubmatch(description)
	if m == nil {
		return
	}
	for set := range strings.SplitSeq(m[1], ",") {
		b, err := base64.StdEncoding.DecodeString(set)
		if err != nil {
			v.wrong = append(v.wrong, err.Error())
		}
		v.unit(b)
	}
}

// packet takes an RTP packet as ffmpeg makes them: 12 bytes, and the payload.
func (v *taped) packet(b []byte) {
	seq, time := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:])
	if step := seq - v.seq; !v.fresh && step != 1 {
		v.holes++
		v.part, v.fresh = nil, true // what was cut is no unit
		if step > 1<<15 {
			v.wrong = append(v.wrong, fmt.Sprintf("the numbers go from %d to %d", v.seq, seq))
		}
	}
	if !v.fresh {
		v.ticks += int64(int32(time - v.time))
	}
	v.payload(b[12:], v.fresh)
	v.seq, v.time, v.fresh = seq, time, false
}

// payload takes the units of H.264 in a payload (RFC 6184, 5.6 to 5.8). The first one must
// be where a decoder can begin.
func (v *taped) payload(b []byte, first bool) {
	const aggregate, fragment, begins, ends = 24, 28, 0x80, 0x40
	kind := b[0] & 0x1F
	switch kind {
	case aggregate:
		kind = b[3] & 0x1F
		for b = b[1:]; len(b) > 2; {
			size := 2 + int(binary.BigEndian.Uint16(b))
			v.unit(b[2:size])
			b = b[size:]
		}
	case fragment:
		kind = b[1] & 0x1F
		if b[1]&begins != 0 {
			v.part = []byte{b[0]&0xE0 | kind}
		} else if v.part == nil {
			v.wrong = append(v.wrong, fmt.Sprintf("behind packet %d a unit goes on that has not begun", v.seq))
			return
		}
		if v.part = append(v.part, b[2:]...); b[1]&ends != 0 {
			v.unit(v.part)
			v.part = nil
		}
	default:
		v.unit(b)
	}
	const key, information, sequence, delimiter = 5, 6, 7, 9
	if first && kind != key && kind != information && kind != sequence && kind != delimiter {
		v.wrong = append(v.wrong, fmt.Sprintf("it begins, or goes on, with a unit of type %d", kind))
	}
}

// unit writes one to the film (H.264, annex B).
func (v *taped) unit(b []byte) { v.film = append(append(v.film, 0, 0, 0, 1), b...) }

// stop has it read no more, behind the read it is in, and resume has it read again.
func (v *taped) stop()   { v.set(true) }
func (v *taped) resume() { v.set(false) }

func (v *taped) set(stopped bool) {
	v.mu.Lock()
	v.stopped = stopped
	v.mu.Unlock()
	v.wake.Broadcast()
}

// seconds waits for so many seconds more of the film, and gaps for so many gaps in all.
func (v *taped) seconds(n int) {
	v.mu.Lock()
	want := v.ticks + int64(n)*90_000
	v.mu.Unlock()
	v.await(fmt.Sprintf("%d seconds more", n), func() bool { return v.ticks >= want })
}

func (v *taped) gaps(n int) {
	v.await(fmt.Sprintf("%d gaps", n), func() bool { return v.holes >= n })
}

// await waits until ok says yes.
func (v *taped) await(what string, ok func() bool) {
	late := false
	timer := time.AfterFunc(patience, func() {
		v.mu.Lock()
		late = true
		v.mu.Unlock()
		v.wake.Broadcast()
	})
	defer timer.Stop()
	v.mu.Lock()
	defer v.mu.Unlock()
	for !ok() && !late && v.err == nil {
		v.wake.Wait()
	}
	if !ok() {
		v.t.Errorf("a viewer waits for %s: not so: %v; %d gaps, %d seconds", what, v.err, v.holes, v.ticks/90_000)
	}
}

// leave ends it as a player that is closed; what it was sent until then stays.
func (v *taped) leave() {
	v.resume()
	_ = v.conn.Close()
	<-v.done
}

// decode has ffmpeg decode the film, which has at least so many gaps, or none.
func (v *taped) decode(t *testing.T, name string, gaps int) {
	t.Helper()
	for _, wrong := range v.wrong {
		t.Errorf("%s: %s", name, wrong)
	}
	if v.holes < gaps || gaps == 0 && v.holes > 0 {
		t.Errorf("%s: %d gaps", name, v.holes)
	}
	path := filepath.Join(t.TempDir(), "film.h264")
	if err := os.WriteFile(path, v.film, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, exec.Command("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-stats", "-xerror",
		"-err_detect", "explode", "-f", "h264", "-framerate", fmt.Sprint(filmRate), "-i", path, "-fps_mode", "passthrough", "-f", "null", "-"), false)
	if err := p.end(); err != nil {
		t.Errorf("%s: ffmpeg: %v\n%s", name, err, tail(p.said()))
	}
	for _, line := range complaints(p.said(), list(`^\[`, `[Ee]rror`, `[Ii]nvalid`), nil) {
		t.Errorf("%s: ffmpeg says: %s", name, line)
	}
	frames := lastNumber(frameCount, p.said())
	// Of each stretch the last picture may be cut: it is left out, or is one more.
	if least := int(v.ticks * filmRate / 90_000); frames < least || frames > least+v.holes+1 {
		t.Errorf("%s: %d pictures were decoded, and %d have come, or up to %d more", name, frames, least, v.holes+1)
	}
	t.Logf("%s: %d gaps, %d pictures decoded of %d seconds", name, v.holes, frames, v.ticks/90_000)
}
