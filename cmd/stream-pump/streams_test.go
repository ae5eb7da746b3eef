package main

import (
	"strings"
	"testing"

	"streampump/codec"
	"streampump/config"
)

// A stream is found by the protocol that it comes by, which must be one that is spoken.
func TestStreamsHaveTheirProtocols(t *testing.T) {
	c, problems := config.Parse("c.json", []byte(`{"streams": [
		{"type": "mmsh_push", "path": "a"}, {"type": "rtsp_push", "path": "b"},
		{"type": "mmsh_pull", "path": "c", "source_options": {"url": "mmsh://source.example/streams/c"}},
		{"type": "rtsp_pull", "path": "d", "source_options": {"url": "rtsps://me:secret@source.example/ch0"}},
		{"type": "rtsp_push", "path": "e", "enabled": false},
		{"type": "rtmp_push", "path": "f"},
		{"type": "rtmp_pull", "path": "g", "source_options": {"url": "rtmps://source.example/live/g"}},
	]}`), ".")
	if c == nil {
		t.Fatal(problems)
	}
	spoken := map[string]codec.Protocol{}
	for _, p := range protocolsOf(c, nil) {
		spoken[p.Name()] = p
	}
	streams, err := streamsOf(c)
	if err != nil || len(streams) != 6 {
		t.Fatalf("%d streams, %v", len(streams), err)
	}
	for i, want := range []struct {
		protocol string
		push     bool
		target   codec.Target // of a pull
	}{
		{"mmsh", true, codec.Target{}},
		{"rtsp", true, codec.Target{}},
		{"mmsh", false, codec.Target{Address: "source.example:80"}},
		{"rtsp", false, codec.Target{Address: "source.example:322", TLS: true}},
		{"rtmp", true, codec.Target{}},
		{"rtmp", false, codec.Target{Address: "source.example:443", TLS: true}},
	} {
		s := streams[i]
		if s.Protocol != want.protocol || spoken[s.Protocol] == nil || s.Push != want.push || (s.Pull != nil) == want.push {
			t.Errorf("%+v, want %+v", s, want)
			continue
		}
		if s.Pull == nil {
			continue
		}
		d := s.Pull.Open()
		if got := d.Target(); got.Address != want.target.Address || got.TLS != want.target.TLS {
			t.Errorf("stream %s: dialled is %+v, want %+v", s.Path, got, want.target)
		}
		hello := string(d.AppendHello(nil, false))
		if strings.Contains(hello, "secret") {
			t.Errorf("a password goes out before anybody has asked: %q", hello)
		}
		if s.Protocol == config.RTMP { // which shakes hands before it says anything
			_, ev := spoken[s.Protocol].Accept(codec.Peer{}).Consume([]byte(hello))
			if ev.Kind != codec.Reply || !ev.Partial {
				t.Errorf("stream %s: another pump takes its handshake for %v", s.Path, ev.Kind)
			}
			continue
		}
		// Over RTSP the first request is not about a stream yet.
		_, ev := spoken[s.Protocol].Accept(codec.Peer{}).Consume([]byte(strings.Replace(hello, "OPTIONS", "DESCRIBE", 1)))
		if ev.Kind != codec.Describe || !ev.Pump {
			t.Errorf("stream %s: another pump takes it for no pump: %v, %q", s.Path, ev.Kind, hello)
		}
	}
}

// Whoever understands a connection speaks for it, and MMSH for those whom nobody does.
func TestProtocolsOfFirstBytes(t *testing.T) {
	all := protocolsOf(config.Default(), nil)
	for first, want := range map[string]string{
		"\x03": "rtmp", "\x03\x00\x00\x00\x00": "rtmp", "\x06\x00\x00\x00\x00": "",
		"DESCRIBE rtsp://a": "rtsp", "OPTIONS rtsp://a/": "rtsp", "OPTIONS * RTSP/1.0": "rtsp", "ANNOUNCE rtsp://x": "rtsp",
		"OPTIONS * HTTP/1.1": "", "GET /streams/a HT": "", "POST /streams/a ": "",
	} {
		for _, p := range all[:len(all)-1] {
			claim := p.Classify([]byte(first)[:min(len(first), codec.MaxClassify)])
			if (claim == codec.Mine) != (want == p.Name()) || claim == codec.NeedMore {
				t.Errorf("%q: %s says %v", first, p.Name(), claim)
			}
		}
	}
	if last := all[len(all)-1].Name(); last != config.MMSH {
		t.Errorf("%s speaks for those whom nobody understands", last)
	}
}

func TestAdviceNamesThePorts(t *testing.T) {
	c := config.Default()
	if got := (service{Config: c}).portKey(); got != `"port" or "listen"` {
		t.Error(got)
	}
	c.Streams = []config.Stream{{Enabled: true, Type: config.TypeRTSPPush}}
	if got := (service{Config: c}).portKey(); got != `"port", "rtsp_port" or "listen"` {
		t.Error(got)
	}
	c.Streams = []config.Stream{{Enabled: false, Type: config.TypeRTSPPush}, {Enabled: true, Type: config.TypeRTMPPull}}
	if got := (service{Config: c}).portKey(); got != `"port", "rtmp_port" or "listen"` {
		t.Error(got)
	}
	c.TLS.Listen = c.Listen
	if got := (service{Config: c}).portKey(); got != `"port", "ssl_port", "rtmp_port", "rtmps_port" or "listen"` {
		t.Error(got)
	}
}
