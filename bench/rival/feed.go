package rival

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"streampump/bench/child"
	"streampump/bench/feed"
	"streampump/bench/meter"
)

// pathOver is the stream's, wherever servers let us choose.
func pathOver(protocol string) string {
	if protocol == feed.RTMP {
		return "/streams/live" // an application and a name
	}
	return "/live"
}

// pushed feeds a server that listens as an encoder over the stream's protocol, and waits until
// players are given the stream.
func (v *Server) pushed(ctx context.Context, s Setup, addr string) error {
	to := feed.Place{Addr: addr, Path: v.Path}
	v.feed(func(ctx context.Context) error {
		c, err := dial(ctx, addr)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = s.Feed.Publish(ctx, c, to, meter.Now)
		return err
	})
	return v.gives(ctx, s)
}

// dial connects to a server.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	return (&net.Dialer{Timeout: askFor}).DialContext(ctx, "tcp", addr)
}

// gives waits until whoever asks over the stream's protocol is given it.
func (v *Server) gives(ctx context.Context, s Setup) error {
	return v.await(ctx, "given the stream to who asks", func(ctx context.Context) bool {
		c, err := dial(ctx, v.Addr)
		return err == nil && s.Feed.There(ctx, c, feed.Place{Addr: v.Addr, Path: v.Path})
	})
}

// takesPush runs a server that encoders push to over other protocols than MMSH. configure
// writes its configuration.
func takesPush(configure func(addr string, s Setup) (child.Spec, error)) func(context.Context, *Server, Setup) error {
	return func(ctx context.Context, v *Server, s Setup) (err error) {
		if err := s.wants(v.Kind); err != nil {
			return err
		}
		if v.Addr, err = freeAddr(); err != nil {
			return err
		}
		v.Path = pathOver(s.Feed.Protocol())
		spec, err := configure(v.Addr, s)
		if err != nil {
			return err
		}
		spec.Path, spec.Cores, spec.Dir = s.Path, s.Cores, s.Dir
		if err := v.run(spec); err != nil {
			return err
		}
		if err := v.await(ctx, "listened", func(ctx context.Context) bool { return listens(ctx, v.Addr) }); err != nil {
			return err
		}
		return v.pushed(ctx, s, v.Addr)
	}
}

// wants checks that there is a stream over a protocol that a server speaks, and no other.
func (s *Setup) wants(k *Kind) error {
	over := feed.MMSH
	if s.Feed != nil {
		over = s.Feed.Protocol()
	}
	if !k.Speaks(over) {
		return fmt.Errorf("it takes streams over %s alone", k.spoken())
	}
	return nil
}

// configured writes a configuration into a server's folder.
func configured(s Setup, name, text string) (file string, err error) {
	file = filepath.Join(s.Dir, name)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// mediamtx is MediaMTX with nothing but the stream's protocol, RTSP over TCP or RTMP.
func mediamtx() *Kind {
	return &Kind{Name: "mediamtx", Home: "https://github.com/bluenviron/mediamtx (go generate ./... && go build .)", Check: Whole, Over: []string{feed.RTSP, feed.RTMP},
		program: "mediamtx", version: []string{"--version"}, start: takesPush(func(addr string, s Setup) (child.Spec, error) {
			over := "rtmp: no\nrtspAddress: " + addr + "\nrtspTransports: [tcp]\n"
			if s.Feed.Protocol() == feed.RTMP {
				over = "rtsp: no\nrtmpAddress: " + addr + "\n"
			}
			file, err := configured(s, "mediamtx.yml", "logLevel: warn\n"+over+`hls: no
webrtc: no
srt: no
moq: no
paths:
  all_others:
`)
			return child.Spec{Args: []string{file}}, err
		})}
}

// go2rtc is go2rtc with its module for RTSP alone.
func go2rtc() *Kind {
	return &Kind{Name: "go2rtc", Home: "https://github.com/AlexxIT/go2rtc (go build .)", Check: Whole, Over: []string{feed.RTSP},
		program: "go2rtc", version: []string{"-version"}, start: takesPush(func(addr string, s Setup) (child.Spec, error) {
			file, err := configured(s, "go2rtc.yaml", "app:\n  modules: [rtsp, streams]\nrtsp:\n  listen: "+addr+"\nstreams:\n  live:\n")
			return child.Spec{Args: []string{"-config", file}}, err
		})}
}

// lal is lalserver with nothing but RTSP.
func lal() *Kind {
	return &Kind{Name: "lal", Home: "https://github.com/q191201771/lal (go build ./app/lalserver)", Check: Whole, Over: []string{feed.RTSP},
		program: "lalserver", start: takesPush(func(addr string, s Setup) (child.Spec, error) {
			text, err := json.Marshal(map[string]any{
				"conf_version": "v0.4.1",
				"rtsp":         map[string]any{"enable": true, "addr": addr, "out_wait_key_frame_flag": true},
				"log":          map[string]any{"level": 3, "filename": filepath.Join(s.Dir, "lal.log"), "is_to_stdout": true},
			})
			if err != nil {
				return child.Spec{}, err
			}
			file, err := configured(s, "lal.json", string(text))
			return child.Spec{Args: []string{"-c", file}}, err
		})}
}

// live555 is the proxy server of live555, which fetches the stream over TCP from a pump that
// is not measured. It cuts pictures into packets of its own.
func live555() *Kind {
	return &Kind{Name: "live555", Home: "http://www.live555.com/liveMedia (make, in proxyServer)", Check: Marks, Over: []string{feed.RTSP},
		program: "live555ProxyServer", start: startLive555}
}

func startLive555(ctx context.Context, v *Server, s Setup) error {
	if err := s.wants(v.Kind); err != nil {
		return err
	}
	from := s
	from.Cores = nil
	var err error
	if from.Path, err = pump().Find(); s.Pump != "" {
		from.Path, err = s.Pump, nil
	}
	if err != nil {
		return err
	}
	at, err := v.runPump(ctx, from, nil)
	if err != nil {
		return fmt.Errorf("the pump that it fetches from: %w", err)
	}
	v.Addr = at.encoder
	if err := v.pushed(ctx, s, at.encoder); err != nil {
		return fmt.Errorf("the pump that it fetches from: %w", err)
	}
	v.source, v.process = v.process, nil
	if v.Addr, err = freeAddr(); err != nil {
		return err
	}
	v.Path = "/proxyStream"
	_, port, err := net.SplitHostPort(v.Addr)
	if err != nil {
		return err
	}
	if err := v.run(child.Spec{Path: s.Path, Args: []string{"-t", "-p", port, "rtsp://" + at.encoder + pathOver(feed.RTSP)}, Dir: s.Dir, Cores: s.Cores}); err != nil {
		return err
	}
	return v.gives(ctx, s)
}
