//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"streampump/access"
	"streampump/e2e/rig"
	"streampump/engine"
)

// rtspKinds are players of RTSP, and what they are given for each transport that they can
// be told to begin with. Debian's VLC cannot play RTSP.
func rtspKinds() []rtspKind {
	return withoutOpenRTSP([]rtspKind{
		{"ffmpeg", "ffmpeg", "rtsp", "rtsp", "rtsps", func(t testing.TB, url string, tcp bool) *watcher {
			if tcp {
				return watchFFmpegWith(t, url, "-rtsp_transport", "tcp")
			}
			return watchFFmpeg(t, url)
		}},
		{"mpv", "mpv", "rtsp", "", "rtsps", func(t testing.TB, url string, _ bool) *watcher { return watchMpv(t, url) }},
		{"mplayer", "mplayer", "", "rtsp", "", func(t testing.TB, url string, _ bool) *watcher { return watchMPlayerPlace(t, url) }},
		{"gstreamer", "gst-launch-1.0", "rtspt", "rtsp", "", func(t testing.TB, url string, _ bool) *watcher { return watchGStreamer(t, url) }},
		{"openrtsp", openRTSP, "rtsp", "", "rtsps", watchOpenRTSP},
		{"gortsplib", "go", "rtsp", "rtsp", "", watchGortsplib},
	})
}

// rtspKind is a player of RTSP.
type rtspKind struct {
	name, binary string
	// tcp, udp and tls are the schemes of the addresses with which it asks for TCP first,
	// for UDP first, and for TLS; empty where it cannot, or asks for nothing else.
	tcp, udp, tls string
	watch         func(t testing.TB, url string, tcp bool) *watcher
}

var (
	rtspComplaints = list(
		`^\[(h264|aac|rtsp|rtp|sdp|tcp|tls)\w* @ `,
		`bad cseq|missed \d+ packets|max delay reached|[Nn]on-monoton`,
		`not-linked|Internal data stream error`,
	)
	rtspExcuses = list(
		`method SETUP failed: 461`,    // how a player learns that there is no UDP
		`custom get_buffer2`,          // how MPlayer calls libavcodec
		`deprecated pixel format`,     // of what it is asked to make of the pictures
		`channel element .* is not`,   // sound that was cut as the player was stopped
		`Application provided inva`,   // how ffmpeg is told about times of sound
		`Could not update timestamps`, // the same
		// RTP says when pictures are shown and not in which order they are decoded, so mpv
		// has to guess at the first of a stream that has pictures in between.
		`Invalid video timestamp: 0\.`,
	)
)

// rtspWatch starts a player, and adds what counts as a complaint here.
func (k rtspKind) rtspWatch(t testing.TB, url string, tcp bool) *watcher {
	t.Helper()
	w := k.watch(t, url, tcp)
	w.bad = append(append([]*regexp.Regexp{}, w.bad...), rtspComplaints...)
	w.excuse(rtspExcuses)
	return w
}

var mplayerPlace = regexp.MustCompile(`(?:^|[^-])V:\s*([\d.]+)`) // and not A-V:

// watchMPlayerPlace is MPlayer where it counts no frames, from the places it was at.
func watchMPlayerPlace(t testing.TB, url string) *watcher {
	t.Helper()
	w := watchMPlayer(t, url)
	// It looks for frames of AAC by itself, where there is one in each packet already.
	w.excuse(list(`^\[aac @ `))
	w.frames = func(output string) int {
		all := mplayerPlace.FindAllStringSubmatch(output, -1)
		if len(all) == 0 {
			return 0
		}
		first, _ := strconv.ParseFloat(all[0][1], 64)
		last, _ := strconv.ParseFloat(all[len(all)-1][1], 64)
		return int((last - first) * filmRate)
	}
	return w
}

// gortsplib is the path of a client that is made of that library.
func gortsplib(t testing.TB) string {
	t.Helper()
	need(t, "go")
	return rig.Build(t, "gortsplib", ".")
}

var (
	unitsSeen = regexp.MustCompile(`units=(\d+)`)
	unitsBad  = regexp.MustCompile(`lost=(\d+) errors=(\d+)`)
)

// watchGortsplib starts it as a player.
func watchGortsplib(t testing.TB, url string, tcp bool) *watcher {
	t.Helper()
	transport := "auto"
	if tcp {
		transport = "tcp"
	}
	return watchBuiltGortsplib(t, gortsplib(t), transport, url)
}

// watchBuiltGortsplib starts what has been built as a player.
func watchBuiltGortsplib(t testing.TB, client, transport, url string) *watcher {
	t.Helper()
	p := start(t, exec.Command(client, "play", transport, url), false)
	return &watcher{
		program: p, bad: list(`^gortsplib: `), excused: list(`gortsplib: (terminated|EOF)`),
		frames: func(output string) int { return lastNumber(unitsSeen, output) },
		more: func(output string) (found []string) {
			if all := unitsBad.FindAllString(output, -1); len(all) > 0 && all[len(all)-1] != "lost=0 errors=0" {
				found = append(found, all[len(all)-1])
			}
			return found
		},
		stop: p.interrupt,
	}
}

// rtspPump starts a pump with a stream of RTSP to push to.
func rtspPump(t testing.TB, more string) *rig.Pump {
	t.Helper()
	return rig.Start(t, rig.Options{
		TLS:    rig.Identify(t, rig.Reachable(t)),
		Config: more + `"streams": [{"type": "rtsp_push", "path": "live"}]`,
	})
}

// rtspURL is an address of its stream.
func rtspURL(p *rig.Pump, scheme string) string {
	addr := p.Addr
	if scheme == "rtsps" {
		addr = p.TLS
	}
	return fmt.Sprintf("%s://%s/live", scheme, addr)
}

// filming is the part of ffmpeg's command line that makes a film in real time.
func filming() []string {
	return []string{
		"-nostdin", "-hide_banner", "-loglevel", "warning", "-re",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc=rate=%d:size=320x240", filmRate),
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", fmt.Sprint(filmRate), "-c:a", "aac",
	}
}

// pushRTSP has ffmpeg push a film, and waits until it is there.
func pushRTSP(t testing.TB, p *rig.Pump, options ...string) *program {
	t.Helper()
	need(t, "ffmpeg")
	before := streamOf(p.Status(), "live").BytesIn
	e := start(t, exec.Command("ffmpeg", append(append(filming(), "-f", "rtsp"), append(options, rtspURL(p, "rtsp"))...)...), false)
	p.AwaitStatus("ffmpeg pushes", func(s engine.Snapshot) bool {
		st := streamOf(s, "live")
		return st.State == engine.SourceUp.String() && st.BytesIn > before
	})
	return e
}

// TestRTSPPlayers has each player play over each transport that it begins with.
func TestRTSPPlayers(t *testing.T) {
	for _, k := range rtspKinds() {
		for transport, scheme := range map[string]string{"tcp": k.tcp, "udp": k.udp, "tls": k.tls} {
			if scheme == "" {
				continue
			}
			t.Run(k.name+"_"+transport, func(t *testing.T) {
				t.Parallel()
				need(t, k.binary)
				p := rtspPump(t, rig.UDPPorts(t)) // of its own: nobody else plays
				pushRTSP(t, p, "-rtsp_transport", "tcp")
				w := k.rtspWatch(t, rtspURL(p, scheme), transport == "tcp")
				w.decode(enough)
				if all := p.Viewers(); len(all) != 1 || all[0].Transport != transport {
					t.Errorf("it plays as %+v", all)
				}
				w.finish()
				p.AwaitStatus("the player has gone", func(s engine.Snapshot) bool { return s.Viewers == 0 })
			})
		}
	}
}

// TestRTSPWithoutUDP has players ask for UDP that get none: all turn to TCP by themselves.
func TestRTSPWithoutUDP(t *testing.T) {
	p := rtspPump(t, `"rtsp_udp": "off", `)
	pushRTSP(t, p, "-rtsp_transport", "tcp")
	for _, k := range rtspKinds() {
		if k.udp == "" {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			w := k.rtspWatch(t, rtspURL(p, k.udp), false)
			w.decode(enough)
			w.finish()
		})
	}
}

// TestRTSPEnd: an encoder ends its stream, and each player ends by itself.
func TestRTSPEnd(t *testing.T) {
	for _, k := range rtspKinds() {
		for transport, scheme := range map[string]string{"tcp": k.tcp, "udp": k.udp} {
			if scheme == "" {
				continue
			}
			t.Run(k.name+"_"+transport, func(t *testing.T) {
				t.Parallel()
				need(t, k.binary)
				p := rtspPump(t, rig.UDPPorts(t))
				e := pushRTSP(t, p, "-rtsp_transport", "tcp")
				w := k.rtspWatch(t, rtspURL(p, scheme), transport == "tcp")
				w.decode(filmRate)
				e.interrupt()
				_ = w.end()
				w.excuse(list(`Could not (read from|write to) resource`, `GstRTSPSrc:source: Unhandled error`)) // GStreamer, when the connection ends behind the tracks
				w.judge(w.said())
				p.AwaitStatus("nobody watches", func(s engine.Snapshot) bool { return streamOf(s, "live").Viewers == 0 })
			})
		}
	}
}

// TestRTSPRestart: an encoder is killed, and another one goes on, with other numbers, times
// and identities. Each player goes on as well.
func TestRTSPRestart(t *testing.T) {
	for _, k := range rtspKinds() {
		if k.tcp == "" {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			p := rtspPump(t, "")
			e := pushRTSP(t, p, "-rtsp_transport", "tcp")
			w := k.rtspWatch(t, rtspURL(p, k.tcp), true)
			w.decode(filmRate)
			e.kill()
			p.AwaitStatus("the viewer is held", func(s engine.Snapshot) bool {
				return streamOf(s, "live").State == engine.SourceHeld.String()
			})
			pushRTSP(t, p, "-rtsp_transport", "tcp")
			w.decode(enough + 2*filmRate)
			// The times step over the pause, as the encoder's would have, and mpv says that
			// they do.
			w.excuse(list(`Invalid (audio PTS|video timestamp)`, `desynchronisation`))
			w.finish()
		})
	}
}

// TestRTSPPassword: each player brings the password that is in its address.
func TestRTSPPassword(t *testing.T) {
	p := rtspPump(t, fmt.Sprintf(`"view": {"users": [%q]},`, access.NewDigest(access.DigestMD5, "anna", access.DefaultRealm, "geheim")))
	pushRTSP(t, p, "-rtsp_transport", "tcp")
	t.Cleanup(func() { // when all have played
		if strings.Contains(p.Log(), "geheim") {
			t.Error("the password is in the log")
		}
	})
	for _, k := range rtspKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			scheme, tcp := k.tcp, true
			if scheme == "" {
				scheme, tcp = k.udp, false
			}
			w := k.rtspWatch(t, strings.Replace(rtspURL(p, scheme), "://", "://anna:geheim@", 1), tcp)
			w.excuse(list(`method \w+ failed: 401`)) // how a player learns that it is asked
			w.decode(filmRate)
			w.finish()
		})
	}
}

// TestRTSPEncoders has each encoder push, and ffmpeg play what can be decoded.
func TestRTSPEncoders(t *testing.T) {
	gst := []string{
		"gst-launch-1.0", "-q", "videotestsrc", "is-live=true", "!", "video/x-raw,width=320,height=240,framerate=25/1", "!",
		"x264enc", "key-int-max=25", "tune=zerolatency", "!", "h264parse", "!", "sink.sink_0",
		"audiotestsrc", "is-live=true", "!", "avenc_aac", "!", "aacparse", "!", "sink.sink_1",
		"rtspclientsink", "name=sink", "location=URL",
	}
	for _, c := range []struct {
		name    string
		command []string
		udp     bool // there is some for encoders
		by      bool // it sends over UDP
	}{
		{"ffmpeg_tcp", append(append([]string{"ffmpeg"}, filming()...), "-f", "rtsp", "-rtsp_transport", "tcp", "URL"), true, false},
		{"ffmpeg_udp", append(append([]string{"ffmpeg"}, filming()...), "-f", "rtsp", "-rtsp_transport", "udp", "URL"), true, true},
		{"ffmpeg_without_udp", append(append([]string{"ffmpeg"}, filming()...), "-f", "rtsp", "URL"), false, false},
		{"gstreamer_udp", append(gst[:len(gst):len(gst)], "protocols=udp"), true, true},
		// Of itself it asks for UDP, and gives up when there is none.
		{"gstreamer_tcp", append(gst[:len(gst):len(gst)], "protocols=tcp"), false, false},
		{"gortsplib_udp", []string{"gortsplib", "publish", "auto", "URL"}, true, true},
		{"gortsplib_without_udp", []string{"gortsplib", "publish", "auto", "URL"}, false, false},
		{"gortsplib_tcp", []string{"gortsplib", "publish", "tcp", "URL"}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			more := ""
			if c.udp {
				more = rig.UDPPorts(t)
			}
			p := rtspPump(t, more)
			command, player := append([]string{}, c.command...), rtspKinds()[0]
			for i := range command {
				command[i] = strings.ReplaceAll(command[i], "URL", rtspURL(p, "rtsp"))
			}
			if command[0] == "gortsplib" {
				command[0], player = gortsplib(t), rtspKinds()[len(rtspKinds())-1]
			}
			need(t, command[0], player.binary)
			start(t, exec.Command(command[0], command[1:]...), false)
			up(t, p, "live")
			if line := p.Await("encoder is connected"); strings.Contains(line, "transport=udp") != c.by {
				t.Errorf("it should send over UDP: %v; %s", c.by, line)
			}
			w := player.rtspWatch(t, rtspURL(p, "rtsp"), true)
			w.decode(enough)
			w.finish()
		})
	}
}

// TestRTSPPull: a pump pulls from another, with a password, and its viewers play.
func TestRTSPPull(t *testing.T) {
	first := rtspPump(t, fmt.Sprintf(`"view": {"users": [%q]},`, access.NewDigest(access.DigestMD5, "anna", access.DefaultRealm, "geheim")))
	pushRTSP(t, first, "-rtsp_transport", "tcp")
	edge := rig.Start(t, rig.Options{Config: fmt.Sprintf(`"streams": [{"type": "rtsp_pull", "path": "live", "source_options": {"url": %q}}]`,
		strings.Replace(rtspURL(first, "rtsp"), "://", "://anna:geheim@", 1))})
	up(t, edge, "live")
	k := rtspKinds()[0]
	w := k.rtspWatch(t, rtspURL(edge, "rtsp"), true)
	w.decode(enough)
	w.finish()
	if strings.Contains(edge.Log(), "geheim") {
		t.Error("the password is in the log")
	}
}

// TestRTSPRedirect: a pump without room sends players to another, and they arrive.
func TestRTSPRedirect(t *testing.T) {
	second := rtspPump(t, "")
	pushRTSP(t, second, "-rtsp_transport", "tcp")
	first := rig.Start(t, rig.Options{Config: fmt.Sprintf(`"streams": [{"type": "rtsp_push", "path": "live", "limits": {"viewers": 1}, "redirect_full_to": %q}]`,
		rtspURL(second, "rtsp"))})
	pushRTSP(t, first, "-rtsp_transport", "tcp")
	holder := rtspKinds()[0].rtspWatch(t, rtspURL(first, "rtsp"), true)
	holder.decode(1)
	for _, k := range rtspKinds() {
		scheme, tcp := k.tcp, true
		if scheme == "" {
			scheme, tcp = k.udp, false
		}
		t.Run(k.name, func(t *testing.T) {
			need(t, k.binary)
			before := streamOf(second.Status(), "live").Joins
			w := k.rtspWatch(t, rtspURL(first, scheme), tcp)
			w.decode(filmRate)
			w.excuse(list(`Status 302: Redirecting`))
			w.finish()
			if streamOf(second.Status(), "live").Joins == before {
				t.Error("it has not come to the second pump")
			}
		})
	}
	holder.finish()
}
