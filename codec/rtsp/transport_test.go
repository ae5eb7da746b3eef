package rtsp

import (
	"fmt"
	"testing"

	"streampump/codec/http1"
)

// What clients ask for, as captured, and what of it is served.
func TestTransport(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"RTP/AVP/TCP;unicast;interleaved=0-1", "0-1"},                    // ffmpeg, live555, GStreamer, mpv
		{"RTP/AVP/TCP;unicast;interleaved=0-1;mode=record", "0-1 record"}, // ffmpeg
		{"RTP/AVP/TCP;unicast;interleaved=2-3;mode=RECORD", "2-3 record"}, // rtspclientsink
		{"RTP/AVP/UDP;unicast;client_port=16732-16733", "none"},           // ffmpeg
		{"RTP/AVP;unicast;client_port=45486-45487", "none"},               // live555, GStreamer
		{"RTP/AVP;multicast", "none"},                                     // GStreamer
		{"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=6095d7d7;mode=PLAY", "0-1"},
		{`RTP/AVP/TCP;unicast;interleaved=0-1;mode="PLAY"`, "0-1"},
		{`rtp/avp/tcp; Unicast; Interleaved = 4 - 5 ; Mode="PLAY,RECORD"`, "4-5 record"},
		{"RTP/AVP/TCP;unicast;interleaved=168-169", "168-169"}, // IndigoVision
		{"RTP/AVP/TCP;unicast", "unnamed"},
		{"RTP/AVP/TCP", "unnamed"},
		{"RTP/AVP/TCP;unicast;interleaved=3", "3-4"},
		{"RTP/AVP;unicast;interleaved=0-1", "0-1"},                                                         // Escam
		{"RTP/AVP;unicast;client_port=1-2,RTP/AVP/TCP;unicast;interleaved=6-7", "6-7"},                     // the second
		{`RTP/SAVP/TCP;unicast;interleaved=0-1,RTP/AVP/TCP;mode="A,B";interleaved=8-9,RTP/AVP/TCP`, "8-9"}, // of three
		{"RTP/AVP/TCP;unicast;interleaved=255", "odd"},
		{"RTP/AVP/TCP;unicast;interleaved=0-256", "odd"},
		{"RTP/AVP/TCP;unicast;interleaved=-1", "odd"},
		{"RTP/AVP/TCP;unicast;interleaved=", "odd"},
		{"RTP/SAVP/TCP;unicast;interleaved=0-1", "none"},
		{"RTP/AVP/TCP;unicast;interleaved=0-1;destination=192.0.2.1;source=192.0.2.2", "0-1"},
		{"", "none"},
	} {
		got := "none"
		if x, ok := transportOf(http1.Fields{{Name: "transport", Value: c.in}}, false, false); ok {
			switch {
			case x.odd:
				got = "odd"
			case x.named:
				got = fmt.Sprintf("%d-%d", x.channels[0], x.channels[1])
			default:
				got = "unnamed"
			}
			if x.record {
				got += " record"
			}
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
	if _, ok := transportOf(nil, true, false); ok {
		t.Error("no transport is one")
	}
}

// The same where packets can go by UDP: to two ports of the peer's own that are no
// service's, and never to many.
func TestTransportOfDatagrams(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"RTP/AVP/UDP;unicast;client_port=16732-16733", "16732-16733"}, // ffmpeg
		{"RTP/AVP;unicast;client_port=45486-45487", "45486-45487"},     // live555, GStreamer
		{"RTP/AVP;client_port=45486", "45486-45487"},
		{"RTP/AVP;unicast;client_port=5000-7000;destination=192.0.2.1;source=192.0.2.2", "5000-7000"},
		{"RTP/AVP;unicast;client_port=1024-65535", "1024-65535"},
		{"RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;unicast;client_port=5000-5001", "tcp"}, // as the peer would have it
		{"RTP/AVP;multicast,RTP/AVP;unicast;client_port=5000-5001", "5000-5001"},
		{"RTP/AVP;unicast;interleaved=0-1;client_port=5000-5001", "tcp"},
		{"RTP/AVP/TCP;unicast;client_port=5000-5001", "tcp"},
		{"RTP/AVP;unicast", "none"},
		{"RTP/AVP;multicast;client_port=5000-5001", "none"},
		{"RTP/SAVP;unicast;client_port=5000-5001", "none"},
		{"RTP/AVP;unicast;client_port=5000-5001;mode=record", "none"},
		{"RTP/AVP;unicast;client_port=1023-1024", "none"},
		{"RTP/AVP;unicast;client_port=5000-53", "none"},
		{"RTP/AVP;unicast;client_port=5000-5000", "none"},
		{"RTP/AVP;unicast;client_port=0-1", "none"},
		{"RTP/AVP;unicast;client_port=65535", "none"},
		{"RTP/AVP;unicast;client_port=5000-65536", "none"},
		{"RTP/AVP;unicast;client_port=-5000", "none"},
	} {
		got := "none"
		if x, ok := transportOf(http1.Fields{{Name: "Transport", Value: c.in}}, true, false); ok {
			got = "tcp"
			if x.datagrams {
				got = fmt.Sprintf("%d-%d", x.ports[0], x.ports[1])
			}
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

// What servers answer: the ports that they send from, and whose these are.
func TestTransportOfServers(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"RTP/AVP;unicast;client_port=40000-40001;server_port=6970-6971;ssrc=C0FFEE01", "6970-6971 "},
		{"RTP/AVP/UDP;unicast;destination=10.0.0.1;source=10.0.0.5;client_port=40000-40001;server_port=6970", "6970-6971 10.0.0.5"},
		{`rtp/avp; Unicast; Source = "10.0.0.5" ; Server_Port = 6970 - 6973`, "6970-6973 10.0.0.5"},
		{"RTP/AVP;unicast;client_port=40000-40001", "0-0 "},
		{"RTP/AVP;unicast;server_port=80-81", "0-0 "},
		{"RTP/AVP;unicast;server_port=6970-6970", "0-0 "},
		{"RTP/AVP;unicast;server_port=0", "0-0 "},
		{"RTP/AVP;unicast;server_port=65535", "0-0 "},
		{"RTP/AVP;unicast;server_port=", "0-0 "},
		{"RTP/AVP;multicast;destination=232.0.0.1;port=6970-6971;server_port=6970-6971", "none"},
		{"RTP/AVP/TCP;unicast;interleaved=0-1;server_port=6970-6971", "none"},
		{"RTP/AVP;unicast;interleaved=0-1;server_port=6970-6971", "none"},
		{"RTP/SAVP;unicast;server_port=6970-6971", "none"},
		{"", "none"},
	} {
		got := "none"
		if x := parseTransport(c.in); x.apart {
			got = fmt.Sprintf("%d-%d %s", x.from[0], x.from[1], x.source)
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func FuzzTransport(f *testing.F) {
	f.Add(`RTP/AVP;unicast;client_port=1-2,RTP/AVP/TCP;interleaved=6-7;mode="PLAY,RECORD"`)
	f.Add("RTP/AVP/TCP;interleaved=255")
	f.Fuzz(func(t *testing.T, s string) {
		x, ok := transportOf(http1.Fields{{Name: "Transport", Value: s}}, false, false)
		if ok != x.interleaved || x.named && x.odd || x.apart && x.interleaved || x.datagrams && !x.apart {
			t.Errorf("%q: %+v, %v", s, x, ok)
		}
		if !x.named {
			return
		}
		// What we answer is read as what was asked for.
		answer := string(appendChannels(nil, x.channels))[len("Transport: "):]
		if again, ok := transportOf(http1.Fields{{Name: "Transport", Value: answer}}, false, false); !ok || again.channels != x.channels || !again.named {
			t.Errorf("%q is answered with %q", s, answer)
		}
	})
}
