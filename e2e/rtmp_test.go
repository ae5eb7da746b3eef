//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"streampump/access"
	"streampump/bench/rtmpclient"
	"streampump/e2e/rig"
	"streampump/engine"
)

// rtmpKind is a player of RTMP. ffmpeg, mpv, VLC and MPlayer have the same client with
// clocks of their own; GStreamer has one of its own and librtmp's, which is rtmpdump's too;
// gortmplib's is MediaMTX's.
type rtmpKind struct {
	name, binary string
	tls          bool // it can play over TLS without our certificate
	watch        func(t testing.TB, url string) *watcher
}

func rtmpKinds() []rtmpKind {
	return []rtmpKind{
		{"ffmpeg", "ffmpeg", true, watchFFmpeg},
		{"mpv", "mpv", true, watchMpv},
		{"vlc", "vlc", false, func(t testing.TB, url string) *watcher {
			// On a busy machine it falls behind, leaves pictures undecoded that others refer
			// to, and complains.
			return watchVLCWith(t, url, "--no-avcodec-hurry-up", "--network-caching=3000")
		}},
		{"mplayer", "mplayer", false, watchMPlayerPlace},
		{"gstreamer_rtmp2src", "gst-launch-1.0", true, func(t testing.TB, url string) *watcher {
			if strings.HasPrefix(url, "rtmps") {
				return watchPipeline(t, "rtmp2src", "location="+url, "tls-validation-flags=0")
			}
			return watchPipeline(t, "rtmp2src", "location="+url)
		}},
		{"gstreamer_rtmpsrc", "gst-launch-1.0", false, func(t testing.TB, url string) *watcher {
			w := watchPipeline(t, "rtmpsrc", "location="+url+" live=1")
			w.stop = w.kill // of itself it may hang: its library closes the socket that it reads from
			return w
		}},
		{"rtmpdump", "rtmpdump", false, watchRTMPDump},
		{"gortmplib", "go", false, watchGortmplib},
	}
}

var (
	rtmpComplaints = list(
		`^\[(h264|aac|rtmp|flv|live_flv|tcp|tls)\w* @ `,
		`[Nn]on-monoton|timestamps? (are|is) (unset|wrong)|New (subtitle|data) stream`,
		`not-linked|Internal data stream error`,
	)
	rtmpExcuses = list(
		`custom get_buffer2`,        // how MPlayer calls libavcodec
		`deprecated pixel format`,   // of what it is asked to make of the pictures
		`channel element .* is not`, // sound that was cut as the player was stopped
		`Invalid video timestamp: 0\.`,
	)
	// rtmpEnding is said at the end of a stream. MPlayer reads in blocks, and cuts the last:
	// between the head of a tag and its first byte too, which is then a codec of its own.
	rtmpEnding = list(`Packet corrupt`, `Invalid NAL unit size`, `Error splitting the input`, `Error while decoding frame`,
		`Video codec \(0\) is not implemented`, `If you want to help, upload a sample`)
	// rtmpPause is said where the times step over the pause of an encoder, as its own would
	// have: by mpv that they do, and by VLC of pictures that it has skipped as too late.
	rtmpPause = list(`Invalid (audio PTS|video timestamp)`, `desynchronisation`, `co located POCs unavailable`, `mmco: unref short failure`)
)

// ends waits until a player has ended by itself, whatever it makes of that.
func (w *watcher) ends() {
	w.t.Helper()
	var exit *exec.ExitError
	if err := w.end(); err != nil && !errors.As(err, &exit) {
		w.t.Error(err)
	}
}

// rtmpWatch starts a player, and adds what counts as a complaint here.
func (k rtmpKind) rtmpWatch(t testing.TB, url string) *watcher {
	t.Helper()
	w := k.watch(t, url)
	w.bad = append(append([]*regexp.Regexp{}, w.bad...), rtmpComplaints...)
	w.excuse(rtmpExcuses)
	return w
}

// watchPipeline is GStreamer with a source of FLV, whose pictures and sound are decoded and
// kept in time.
func watchPipeline(t testing.TB, source ...string) *watcher {
	t.Helper()
	args := append(append([]string{"-v"}, source...), "!", "flvdemux", "name=d",
		"d.video", "!", "queue", "!", "h264parse", "!", "avdec_h264", "!", "fakesink", "name=pictures", "sync=true", "silent=false",
		"d.audio", "!", "queue", "!", "aacparse", "!", "avdec_aac", "!", "fakesink", "sync=true")
	p := start(t, exec.Command("gst-launch-1.0", args...), false)
	return &watcher{
		program: p, bad: gstComplaints,
		frames: func(output string) int { return len(gstFrame.FindAllString(output, -1)) },
		stop:   p.interrupt,
	}
}

var dumped = regexp.MustCompile(`([\d.]+) kB / ([\d.]+) sec`)

// watchRTMPDump is rtmpdump, which writes a file; in the end ffmpeg decodes that.
func watchRTMPDump(t testing.TB, url string) *watcher {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dump.flv")
	p := start(t, exec.Command("rtmpdump", "--live", "-r", url, "-o", file), false)
	w := &watcher{
		program: p, bad: list(`ERROR`, `WARNING`),
		// It cannot know how long a live stream is, and ends with these in any case.
		excused: list(`Download may be incomplete`, `Trying to connect to`, `no playpath`),
		frames: func(output string) int {
			all := dumped.FindAllStringSubmatch(output, -1)
			if len(all) == 0 {
				return 0
			}
			first, _ := strconv.ParseFloat(all[0][2], 64)
			last, _ := strconv.ParseFloat(all[len(all)-1][2], 64)
			return int((last - first) * filmRate)
		},
		stop: p.interrupt,
	}
	w.more = func(string) (found []string) {
		// With its own times: rounded to those of 25 pictures a second two may have the same.
		check := start(t, exec.Command("ffmpeg", "-nostdin", "-v", "warning", "-i", file,
			"-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-"), false)
		if err := check.end(); err != nil {
			found = append(found, err.Error())
		}
		for line := range strings.Lines(check.said()) {
			if !strings.Contains(line, "Packet corrupt") { // the last one, which is cut
				found = append(found, "ffmpeg says of what it wrote: "+strings.TrimSpace(line))
			}
		}
		return found
	}
	return w
}

// rtmpPump starts a pump with a stream of RTMP to push to.
func rtmpPump(t testing.TB, more string) *rig.Pump {
	t.Helper()
	return rig.Start(t, rig.Options{
		TLS:    rig.Identify(t, rig.Reachable(t)),
		Config: more + `"streams": [{"type": "rtmp_push", "path": "live"}]`,
	})
}

// rtmpURL is an address of its stream.
func rtmpURL(p *rig.Pump, scheme string) string {
	addr := p.Addr
	if scheme == "rtmps" {
		addr = p.TLS
	}
	return fmt.Sprintf("%s://%s/streams/live", scheme, addr)
}

// pushRTMP has ffmpeg push a film, and waits until it is there.
func pushRTMP(t testing.TB, p *rig.Pump) *program {
	t.Helper()
	need(t, "ffmpeg")
	before := streamOf(p.Status(), "live").BytesIn
	e := start(t, exec.Command("ffmpeg", append(filming(), "-f", "flv", rtmpURL(p, "rtmp"))...), false)
	p.AwaitStatus("ffmpeg pushes", func(s engine.Snapshot) bool {
		st := streamOf(s, "live")
		return st.State == engine.SourceUp.String() && st.BytesIn > before
	})
	return e
}

// TestRTMPPlayers has each player play from the beginning of a stream, over TCP and TLS.
func TestRTMPPlayers(t *testing.T) {
	for _, k := range rtmpKinds() {
		for _, scheme := range []string{"rtmp", "rtmps"} {
			if scheme == "rtmps" && !k.tls {
				continue
			}
			t.Run(k.name+"_"+scheme, func(t *testing.T) {
				t.Parallel()
				need(t, k.binary)
				p := rtmpPump(t, "") // of its own: nobody else plays
				pushRTMP(t, p)
				w := k.rtmpWatch(t, rtmpURL(p, scheme))
				w.decode(enough)
				if all := p.Viewers(); len(all) != 1 {
					t.Errorf("it plays as %+v", all)
				}
				w.finish()
				p.AwaitStatus("the player has gone", func(s engine.Snapshot) bool { return s.Viewers == 0 })
			})
		}
	}
}

// TestRTMPJoin has each player join a stream that has run for longer, at any moment.
func TestRTMPJoin(t *testing.T) {
	p := rtmpPump(t, "")
	pushRTMP(t, p)
	const age = 5 * time.Second
	<-time.After(age)
	for n, k := range rtmpKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			<-time.After(joinSpread * time.Duration(n) / 7)
			w := k.rtmpWatch(t, rtmpURL(p, "rtmp"))
			w.decode(enough)
			w.finish()
		})
	}
}

// TestRTMPEnd: an encoder ends its stream, and each player ends by itself.
func TestRTMPEnd(t *testing.T) {
	for _, k := range rtmpKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			p := rtmpPump(t, "")
			e := pushRTMP(t, p)
			w := k.rtmpWatch(t, rtmpURL(p, "rtmp"))
			w.decode(filmRate)
			e.interrupt()
			w.ends()
			w.excuse(rtmpEnding)
			w.judge(w.said())
			p.AwaitStatus("nobody watches", func(s engine.Snapshot) bool { return streamOf(s, "live").Viewers == 0 })
		})
	}
}

// TestRTMPRestart: an encoder is killed, and another one goes on, whose times begin at zero.
// Each player goes on as well.
func TestRTMPRestart(t *testing.T) {
	for _, k := range rtmpKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			p := rtmpPump(t, "")
			e := pushRTMP(t, p)
			w := k.rtmpWatch(t, rtmpURL(p, "rtmp"))
			w.decode(filmRate)
			e.kill()
			p.AwaitStatus("the viewer is held", func(s engine.Snapshot) bool {
				return streamOf(s, "live").State == engine.SourceHeld.String()
			})
			pushRTMP(t, p)
			w.decode(enough + 2*filmRate)
			w.excuse(rtmpPause)
			w.finish()
		})
	}
}

// TestRTMPLongPause: players take it when an encoder is away for longer.
func TestRTMPLongPause(t *testing.T) {
	for _, k := range rtmpKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			p := rtmpPump(t, "")
			e := pushRTMP(t, p)
			w := k.rtmpWatch(t, rtmpURL(p, "rtmp"))
			w.decode(filmRate)
			e.kill()
			p.AwaitStatus("the viewer is held", func(s engine.Snapshot) bool {
				return streamOf(s, "live").State == engine.SourceHeld.String()
			})
			<-time.After(thePause)
			pushRTMP(t, p)
			w.decode(enough + filmRate)
			w.excuse(rtmpPause)
			w.finish()
		})
	}
}

// TestRTMPShutdown: a pump that is stopped ends its players.
func TestRTMPShutdown(t *testing.T) {
	p := rtmpPump(t, "")
	pushRTMP(t, p)
	var all []*watcher
	for _, k := range rtmpKinds() {
		if _, err := exec.LookPath(k.binary); err != nil {
			continue
		}
		all = append(all, k.rtmpWatch(t, rtmpURL(p, "rtmp")))
	}
	for _, w := range all {
		w.decode(filmRate)
	}
	if err := p.Terminate(); err != nil {
		t.Error(err)
	}
	for _, w := range all {
		w.ends()
		w.excuse(rtmpEnding)
		w.excuse(list(`GstRTMPSrc:rtmpsrc0: (Could not open|Internal data)`)) // it has tried once more
		w.judge(w.said())
	}
}

// TestRTMPNotFound: players of a stream that does not exist end at once, and say why.
func TestRTMPNotFound(t *testing.T) {
	p := rtmpPump(t, "")
	for _, k := range rtmpKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			k.watch(t, strings.Replace(rtmpURL(p, "rtmp"), "/live", "/nobody-has-this", 1)).ends()
		})
	}
}

// TestRTMPAccess: each player brings what is in its address.
func TestRTMPAccess(t *testing.T) {
	p := rtmpPump(t, fmt.Sprintf(`"view": {"token_keys": [{"id": %q, "secret": %q}]},`, knownKey, knownSecret))
	pushRTMP(t, p)
	token := access.Token{Role: access.View, Stream: "live", Key: knownKey, Expires: time.Now().Add(time.Hour)}.Text(access.NewSecret(knownSecret))
	t.Cleanup(func() { // when all have played
		if strings.Contains(p.Log(), token) {
			t.Error("the token is in the log")
		}
	})
	for _, k := range rtmpKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			stranger := k.watch(t, rtmpURL(p, "rtmp"))
			stranger.ends()
			if n := stranger.frames(stranger.said()); n > 0 {
				t.Errorf("without a token %d pictures come", n)
			}
			w := k.rtmpWatch(t, rtmpURL(p, "rtmp")+"?token="+token)
			w.decode(filmRate)
			w.finish()
		})
	}
}

// TestRTMPMute: an encoder's metadata promises sound that does not come, and players show
// pictures all the same.
func TestRTMPMute(t *testing.T) {
	tags := filmTags(t, "-an")
	for i, tag := range tags {
		if tag.Type == rtmpclient.TypeData {
			tags[i].Body = promised(t, tag.Body)
		}
	}
	for _, k := range rtmpKinds() {
		if strings.HasPrefix(k.name, "gstreamer") {
			continue // its pipeline here wants sound
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			p := rtmpPump(t, "")
			replay(t, p, tags)
			up(t, p, "live")
			w := k.rtmpWatch(t, rtmpURL(p, "rtmp"))
			w.decode(enough)
			w.excuse(list(`not enough frames to estimate rate`))
			w.finish()
		})
	}
}
