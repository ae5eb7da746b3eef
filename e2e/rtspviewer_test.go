//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
	"streampump/e2e/rig"
)

// rtspViewer plays a synthetic source in the background and proves every packet that it
// gets, over its connection or over UDP.
type rtspViewer struct {
	*rtspclient.Viewer // of the goroutine that reads, or guarded by mu over UDP
	t                  testing.TB
	name               string
	sockets            []trackSockets // over UDP, by place in the description
	done               sync.WaitGroup

	mu     sync.Mutex
	wake   sync.Cond
	counts rtpsynth.Counts
	ssrc   [2]uint32
	later  []laterReport
	err    error // the first thing that was wrong
	gone   bool  // it has left
}

// trackSockets are where the packets of a track come over UDP, and the reports about them.
type trackSockets struct {
	track            rtpsynth.Track
	packets, reports *net.UDPConn
}

// laterReport is RTCP that came over UDP behind the first of its track. What comes to two
// sockets has no order, so it is judged when all packets have been.
type laterReport struct {
	track  rtpsynth.Track
	packet []byte
}

// viewRTSP starts a viewer, which plays when viewRTSP returns; the test's end ends it.
func viewRTSP(t testing.TB, p *rig.Pump, path string, udp bool, sources ...rtpsynth.Spec) *rtspViewer {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	v := newRTSPViewer(t, c, fmt.Sprintf("rtsp://%s/%s", p.Addr, path), sources...)
	v.start(udp)
	return v
}

// newRTSPViewer makes a viewer that does nothing yet.
func newRTSPViewer(t testing.TB, c net.Conn, url string, sources ...rtpsynth.Spec) *rtspViewer {
	v := &rtspViewer{t: t, name: url,
		Viewer: rtspclient.NewViewer(&rtspclient.Client{Conn: rtspclient.NewConn(c, patience)}, url, sources...)}
	v.wake.L = &v.mu
	t.Cleanup(v.leave)
	return v
}

// start begins to play.
func (v *rtspViewer) start(udp bool) {
	v.t.Helper()
	way, open, read := " over TCP", v.Open, v.readTCP
	if udp {
		way, open, read = " over UDP", v.openUDP, v.readUDP
	}
	v.name += way
	if err := open(v.t.Context()); err != nil {
		v.t.Fatalf("%s: %v", v.name, err)
	}
	v.done.Go(read)
}

// readTCP reads to the connection's end.
func (v *rtspViewer) readTCP() {
	err := v.Until(context.Background(), func(rtpsynth.Counts) bool {
		v.mu.Lock()
		v.note()
		v.mu.Unlock()
		v.wake.Broadcast()
		return false
	})
	if !errors.Is(err, rtspclient.ErrOver) {
		v.fail(err)
	}
}

// openUDP is Open over UDP.
func (v *rtspViewer) openUDP(ctx context.Context) error {
	if err := v.Describe(ctx); err != nil {
		return err
	}
	for _, m := range v.Media {
		s := trackSockets{track: rtpsynth.Video}
		if m.Kind == "audio" {
			s.track = rtpsynth.Audio
		}
		var ports [2]int
		for i, c := range []**net.UDPConn{&s.packets, &s.reports} {
			var err error
			if *c, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
				return err
			}
			roomy(*c)
			ports[i] = (*c).LocalAddr().(*net.UDPAddr).Port
		}
		v.sockets, v.Tracks = append(v.sockets, s), append(v.Tracks, s.track)
		asked := fmt.Sprintf("RTP/AVP;unicast;client_port=%d-%d", ports[0], ports[1])
		h, _, err := v.Ask(ctx, "SETUP", m.Control, "", "Transport: "+asked)
		if err != nil {
			return err
		}
		if got := h.Get("Transport"); !strings.HasPrefix(got, asked+";server_port=") {
			return fmt.Errorf("a viewer that asks for %q gets %q", asked, got)
		}
		v.Session, _, _ = strings.Cut(h.Get("Session"), ";")
	}
	return v.Play(ctx)
}

// roomy has a socket hold several seconds of a stream, for a machine that is busy: more
// than the system allows, if it may, or else as much as it does.
func roomy(c *net.UDPConn) {
	const room = 1 << 20
	_ = c.SetReadBuffer(room)
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) })
	}
}

// readUDP reads until the viewer leaves. The first reports come before the packets, and
// pictures before sound.
func (v *rtspViewer) readUDP() {
	for _, s := range v.sockets {
		v.receive(s.reports, 1, func(b []byte) error { return v.RTCP(s.track, b) })
	}
	for _, s := range v.sockets {
		if s.track == rtpsynth.Video {
			v.receive(s.packets, 1, func(b []byte) error { return v.packet(s.track, b) })
		}
	}
	for _, s := range v.sockets {
		v.done.Go(func() {
			v.receive(s.packets, -1, func(b []byte) error { return v.packet(s.track, b) })
		})
		v.done.Go(func() {
			v.receive(s.reports, -1, func(b []byte) error {
				v.later = append(v.later, laterReport{s.track, b})
				return nil
			})
		})
	}
}

// packet judges one that came over UDP.
func (v *rtspViewer) packet(t rtpsynth.Track, b []byte) error {
	err := v.RTP(t, b)
	if err == nil && v.Seen != nil {
		v.Seen(t, b)
	}
	return err
}

// receive has n datagrams judged, or all until the viewer leaves.
func (v *rtspViewer) receive(c *net.UDPConn, n int, judge func([]byte) error) {
	b := make([]byte, 1<<16)
	for ; n != 0; n-- {
		size, err := c.Read(b)
		if err == nil {
			v.mu.Lock()
			err = judge(append([]byte(nil), b[:size]...))
			v.note()
			v.mu.Unlock()
			v.wake.Broadcast()
		}
		if err != nil {
			v.fail(err)
			return
		}
	}
}

// fail notes what was wrong, unless it is that the viewer leaves.
func (v *rtspViewer) fail(err error) {
	v.mu.Lock()
	if v.err == nil && !v.gone {
		v.err = err
	}
	v.mu.Unlock()
	v.wake.Broadcast()
}

// note keeps what the checker has seen, for those who look from elsewhere.
func (v *rtspViewer) note() {
	v.counts = v.Viewer.Counts()
	v.ssrc = [2]uint32{v.SSRC(rtpsynth.Video), v.SSRC(rtpsynth.Audio)}
}

// ssrcs are those of its tracks.
func (v *rtspViewer) ssrcs() [2]uint32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.ssrc
}

// Counts are what has come so far.
func (v *rtspViewer) Counts() rtpsynth.Counts {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.counts
}

// await waits until it has seen what ok asks for; whatever is wrong fails the test.
func (v *rtspViewer) await(what string, ok func(rtpsynth.Counts) bool) bool {
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
	for !ok(v.counts) && !late && v.err == nil {
		v.wake.Wait()
	}
	if v.err != nil || !ok(v.counts) {
		v.t.Errorf("%s: %s: not so: %v; %+v", v.name, what, v.err, v.counts)
		return false
	}
	return true
}

// over waits for the end of the stream, behind the newest packet that was sent of each
// track, and judges what came.
func (v *rtspViewer) over(sent func(rtpsynth.Track) int) {
	if v.await("the last packets", func(n rtpsynth.Counts) bool {
		for _, t := range v.Tracks {
			if int(n.Newest[t])+1 < sent(t) || n.Packets[t] == 0 {
				return false
			}
		}
		return true
	}) && v.sockets != nil {
		v.overUDP()
	}
	v.await("the ends of its tracks", func(n rtpsynth.Counts) bool { return n.Byes[0]+n.Byes[1] == len(v.Tracks) })
}

// overUDP is over for what came beside the packets: the connection ends, and the ends of
// the tracks were on their way before.
func (v *rtspViewer) overUDP() {
	ends := func() (n int) {
		for _, r := range v.later {
			if ended(r.packet) {
				n++
			}
		}
		return n
	}
	v.await("the ends of its tracks", func(rtpsynth.Counts) bool { return ends() == len(v.Tracks) })
	if _, err := v.Conn.Next(context.Background()); !errors.Is(err, io.EOF) {
		v.t.Errorf("%s: its connection does not end behind the stream: %v", v.name, err)
	}
	v.judgeLater()
}

// judgeLater judges the reports that came over UDP, behind all packets so far.
func (v *rtspViewer) judgeLater() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, r := range v.later {
		if err := v.RTCP(r.track, r.packet); err != nil {
			v.t.Errorf("%s: %v", v.name, err)
		}
	}
	v.later = nil
	v.note()
}

// ended reports whether RTCP has the end of a track in it (RFC 3550, 6.6).
func ended(b []byte) bool {
	const bye = 203
	for len(b) >= 4 {
		if b[1] == bye {
			return true
		}
		b = b[min(len(b), 4+4*(int(b[2])<<8|int(b[3]))):]
	}
	return false
}

// leave ends it as a player that is closed.
func (v *rtspViewer) leave() {
	v.mu.Lock()
	v.gone = true
	v.mu.Unlock()
	_ = v.Close()
	for _, s := range v.sockets {
		_ = s.packets.Close()
		if s.reports != nil {
			_ = s.reports.Close()
		}
	}
	v.done.Wait()
}
