package rival

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"streampump/bench/child"
	"streampump/bench/meter"
	"streampump/bench/rtspclient"
)

// rtspPath is the stream's, wherever servers let us choose.
const rtspPath = "/live"

// pushed feeds a server that listens as an encoder over RTSP, and waits until players are
// told of the stream.
func (v *Server) pushed(ctx context.Context, s Setup, addr string) error {
	v.feed(func(ctx context.Context) error { return publish(ctx, addr, s) })
	return v.describes(ctx)
}

// publish is an encoder that announces the stream over RTSP.
func publish(ctx context.Context, addr string, s Setup) error {
	c, err := dialRTSP(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return rtspclient.NewPublisher(c, "rtsp://"+addr+rtspPath, *s.RTP).Live(ctx, meter.Now)
}

// dialRTSP connects to a server.
func dialRTSP(ctx context.Context, addr string) (*rtspclient.Client, error) {
	c, err := (&net.Dialer{Timeout: askFor}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &rtspclient.Client{Conn: rtspclient.NewConn(c, readyWithin)}, nil
}

// describes waits until whoever asks over RTSP is told what the stream has.
func (v *Server) describes(ctx context.Context) error {
	return v.await(ctx, "described the stream", func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, askFor)
		defer cancel()
		c, err := dialRTSP(ctx, v.Addr)
		if err != nil {
			return false
		}
		defer c.Close()
		h, _, err := c.Try(ctx, "DESCRIBE", "rtsp://"+v.Addr+v.Path, "", "Accept: application/sdp")
		return err == nil && h.Status == 200
	})
}

// takesPush runs a server over RTSP that encoders push to. configure writes its
// configuration.
func takesPush(configure func(addr string, s Setup) (child.Spec, error)) func(context.Context, *Server, Setup) error {
	return func(ctx context.Context, v *Server, s Setup) (err error) {
		if s.RTP == nil {
			return errors.New("it takes streams over RTSP alone")
		}
		if v.Addr, err = freeAddr(); err != nil {
			return err
		}
		v.Path = rtspPath
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

// configured writes a configuration into a server's folder.
func configured(s Setup, name, text string) (file string, err error) {
	file = filepath.Join(s.Dir, name)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// mediamtx is MediaMTX with nothing but RTSP over TCP.
func mediamtx() *Kind {
	return &Kind{Name: "mediamtx", Home: "https://github.com/bluenviron/mediamtx (go generate ./... && go build .)", Check: Whole, RTSP: Only,
		program: "mediamtx", version: []string{"--version"}, start: takesPush(func(addr string, s Setup) (child.Spec, error) {
			file, err := configured(s, "mediamtx.yml", "logLevel: warn\nrtspAddress: "+addr+`
rtspTransports: [tcp]
rtmp: no
hls: no
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
	return &Kind{Name: "go2rtc", Home: "https://github.com/AlexxIT/go2rtc (go build .)", Check: Whole, RTSP: Only,
		program: "go2rtc", version: []string{"-version"}, start: takesPush(func(addr string, s Setup) (child.Spec, error) {
			file, err := configured(s, "go2rtc.yaml", "app:\n  modules: [rtsp, streams]\nrtsp:\n  listen: "+addr+"\nstreams:\n  live:\n")
			return child.Spec{Args: []string{"-config", file}}, err
		})}
}

// lal is lalserver with nothing but RTSP.
func lal() *Kind {
	return &Kind{Name: "lal", Home: "https://github.com/q191201771/lal (go build ./app/lalserver)", Check: Whole, RTSP: Only,
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
	return &Kind{Name: "live555", Home: "http://www.live555.com/liveMedia (make, in proxyServer)", Check: Marks, RTSP: Only,
		program: "live555ProxyServer", start: startLive555}
}

func startLive555(ctx context.Context, v *Server, s Setup) error {
	if s.RTP == nil {
		return errors.New("it takes streams over RTSP alone")
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
	if err := v.run(child.Spec{Path: s.Path, Args: []string{"-t", "-p", port, "rtsp://" + at.encoder + rtspPath}, Dir: s.Dir, Cores: s.Cores}); err != nil {
		return err
	}
	return v.describes(ctx)
}
