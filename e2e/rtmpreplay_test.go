//go:build e2e

package e2e

import (
	"context"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"streampump/bench/amf0"
	"streampump/bench/rtmpclient"
	"streampump/e2e/rig"
)

// filmTags is a film of half a minute as the tags of an FLV file, which are what messages
// of RTMP carry. Options go to ffmpeg.
func filmTags(t testing.TB, options ...string) (all []rtmpclient.Message) {
	t.Helper()
	need(t, "ffmpeg")
	path := filepath.Join(t.TempDir(), "film.flv")
	args := append([]string{"-y"}, filming()...)
	args = append(append(args, "-t", "30", "-flvflags", "no_duration_filesize"), options...)
	for i, a := range args {
		if a == "-re" {
			args = append(args[:i:i], args[i+1:]...)
			break
		}
	}
	run(t, "ffmpeg", append(args, "-f", "flv", path)...)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const head, tail = 11, 4 // of a tag
	for b = b[9+tail:]; len(b) >= head+tail; {
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		at := binary.BigEndian.Uint32([]byte{b[7], b[4], b[5], b[6]})
		m := rtmpclient.Message{Chunk: 4, Type: b[0], Stream: 1, Time: at, Body: b[head : head+size]}
		if m.Type == rtmpclient.TypeData {
			m.Body = append(amf0.Append(nil, "@setDataFrame"), m.Body...)
		}
		all = append(all, m)
		b = b[head+size+tail:]
	}
	return all
}

// promised is metadata that promises sound as well.
func promised(t testing.TB, body []byte) []byte {
	t.Helper()
	all, err := amf0.Values(body)
	if err != nil {
		t.Fatal(err)
	}
	meta, _ := all[2].(amf0.Array)
	meta = append(meta, amf0.Property{Name: "audiocodecid", Value: 10.0}, amf0.Property{Name: "audiodatarate", Value: 128.0}, amf0.Property{Name: "stereo", Value: true})
	return amf0.Append(nil, all[0], all[1], meta)
}

// replayer is an encoder that sends what was recorded, in real time.
type replayer struct {
	*rtmpclient.Client
	t    testing.TB
	stop context.CancelFunc
	done sync.WaitGroup
}

// dialRTMP connects an encoder that has shaken hands.
func dialRTMP(t testing.TB, p *rig.Pump) *replayer {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	r := &replayer{Client: &rtmpclient.Client{Conn: rtmpclient.NewConn(c, patience)}, t: t, stop: func() {}}
	t.Cleanup(r.leave)
	_, err = r.Handshake(t.Context())
	r.check(err)
	return r
}

func (r *replayer) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// replay has an encoder push what was recorded.
func replay(t testing.TB, p *rig.Pump, all []rtmpclient.Message) *replayer {
	t.Helper()
	r := dialRTMP(t, p)
	ctx := t.Context()
	r.check(r.SetSize(ctx, 1<<16))
	_, err := r.Connect(ctx, r.EncoderProperties("streams", rtmpURL(p, "rtmp")))
	r.check(err)
	stream, err := r.CreateStream(ctx)
	r.check(err)
	_, err = r.Publish(ctx, stream, "live")
	r.check(err)
	r.plays(all)
	return r
}

// plays sends messages when they are due, in the background.
func (r *replayer) plays(all []rtmpclient.Message) {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	began := time.Now()
	r.done.Go(func() {
		for _, m := range all {
			select {
			case <-time.After(time.Until(began.Add(time.Duration(m.Time) * time.Millisecond))):
			case <-ctx.Done():
				return
			}
			if r.Put(ctx, m) != nil {
				return // the pump is gone, or the test is over
			}
		}
	})
	r.done.Go(func() { // what it is told, it need not know
		for {
			if _, err := r.Next(ctx); err != nil && ctx.Err() != nil {
				return
			} else if err != nil {
				<-ctx.Done()
				return
			}
		}
	})
}

// leave ends it as a power cut does.
func (r *replayer) leave() {
	r.stop()
	_ = r.Close()
	r.done.Wait()
}

// TestRTMPOrderOfOBS replays a film in the order of OBS Studio: the size of chunks before
// connect, sound's header first, and everything on one chunk stream.
func TestRTMPOrderOfOBS(t *testing.T) {
	tags := filmTags(t)
	var heads, rest []rtmpclient.Message
	for _, m := range tags {
		if m.Type == rtmpclient.TypeData || m.Body[1] == 0 && len(heads) < 3 {
			heads = append(heads, m)
		} else {
			rest = append(rest, m)
		}
	}
	if len(heads) != 3 || heads[1].Type != rtmpclient.TypeVideo {
		t.Fatalf("the film begins with %v", heads)
	}
	heads[1], heads[2] = heads[2], heads[1]

	p := rtmpPump(t, "")
	r := dialRTMP(t, p)
	ctx := t.Context()
	r.check(r.SetSize(ctx, 4096))
	_, err := r.Connect(ctx, amf0.Object{
		{Name: "app", Value: "streams"}, {Name: "type", Value: "nonprivate"}, {Name: "flashVer", Value: "FMLE/3.0 (compatible; FMSc/1.0)"},
		{Name: "swfUrl", Value: "rtmp://pump.example/streams"}, {Name: "tcUrl", Value: "rtmp://pump.example/streams"},
	})
	r.check(err)
	for _, name := range []string{"releaseStream", "FCPublish"} {
		_, err := r.Ask(ctx, 0, name, nil, "live_push")
		r.check(err)
	}
	stream, err := r.CreateStream(ctx)
	r.check(err)
	_, err = r.Publish(ctx, stream, "live_push")
	r.check(err)
	r.plays(append(heads, rest...))
	up(t, p, "live")
	for _, k := range rtmpKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			w := k.rtmpWatch(t, rtmpURL(p, "rtmp"))
			w.decode(enough)
			w.finish()
		})
	}
}

// gstFilm is GStreamer with a film for a sink of FLV.
func gstFilm(sink ...string) []string {
	return append([]string{
		"gst-launch-1.0", "-q", "videotestsrc", "is-live=true", "!", "video/x-raw,width=320,height=240,framerate=25/1", "!",
		"x264enc", "key-int-max=25", "tune=zerolatency", "!", "h264parse", "!", "mux.",
		"audiotestsrc", "is-live=true", "!", "avenc_aac", "!", "aacparse", "!", "mux.",
		"flvmux", "streamable=true", "name=mux", "!",
	}, sink...)
}

// TestRTMPEncoders has each encoder push over TCP and TLS, and ffmpeg and GStreamer play.
func TestRTMPEncoders(t *testing.T) {
	kinds := rtmpKinds()
	for _, c := range []struct {
		name, scheme string
		command      []string
	}{
		{"ffmpeg", "rtmp", append(append([]string{"ffmpeg"}, filming()...), "-f", "flv", "URL")},
		{"ffmpeg_tls", "rtmps", append(append([]string{"ffmpeg"}, filming()...), "-f", "flv", "URL")},
		{"gstreamer_rtmp2sink", "rtmp", gstFilm("rtmp2sink", "location=URL")},
		{"gstreamer_rtmp2sink_tls", "rtmps", gstFilm("rtmp2sink", "location=URL", "tls-validation-flags=0")},
		{"gstreamer_rtmpsink", "rtmp", gstFilm("rtmpsink", "location=URL")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := rtmpPump(t, "")
			for i := range c.command {
				if c.command[i] == "URL" {
					c.command[i] = rtmpURL(p, c.scheme)
				} else if c.command[i] == "location=URL" {
					c.command[i] = "location=" + rtmpURL(p, c.scheme)
				}
			}
			need(t, c.command[0])
			e := start(t, exec.Command(c.command[0], c.command[1:]...), false)
			up(t, p, "live")
			for _, k := range []rtmpKind{kinds[0], kinds[4]} {
				need(t, k.binary)
				w := k.rtmpWatch(t, rtmpURL(p, "rtmp"))
				w.decode(enough)
				w.finish()
			}
			e.interrupt()
		})
	}
}
