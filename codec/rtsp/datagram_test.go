package rtsp

import (
	"bytes"
	"strings"
	"testing"

	"streampump/codec"
)

// openNear opens a session with a peer that can have packets by UDP.
func openNear() *host {
	return &host{sess: NewProtocol(Options{Server: "Stream-Pump"}).Accept(codec.Peer{Datagrams: 6970}), decide: decide}
}

// udp is a Transport of UDP at a port and the next.
func udp(ports string) string { return "Transport: RTP/AVP;unicast;client_port=" + ports }

const noTransport = "461 Unsupported Transport"

func TestPlayByDatagrams(t *testing.T) {
	const base = "rtsp://h/live"
	for _, c := range []conversation{
		{name: "all_tracks", next: codec.Close,
			talk: []exchange{
				{in: ask("SETUP", base+"/trackID=0", 1, udp("5000-5001")), answer: says(1, "200 OK") + "Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=6970-6971;ssrc="},
				{in: ask("SETUP", base+"/trackID=1", 2, udp("5002-5009")), answer: says(2, "200 OK") + "Transport: RTP/AVP;unicast;client_port=5002-5009;server_port=6970-6971;ssrc="},
				{in: ask("PLAY", base, 3), answer: says(3, "200 OK")},
				{in: ask("GET_PARAMETER", base, 4), answer: says(4, "200 OK")},
				{in: ask("SETUP", base+"/trackID=0", 5, udp("7000-7001")), answer: says(5, "455 Method Not Valid in This State")},
				{in: ask("TEARDOWN", base, 6), answer: says(6, "200 OK")},
			},
			events: "Describe live; Describe session=0x4242 live; Play session=0x4242 live to=[5000 5001 5002 5009]; Reply; Reply live; Stop session=0x4242 live"},
		{name: "one_track", next: codec.Stream,
			talk: []exchange{
				{in: ask("SETUP", base+"/trackID=1", 1, udp("5002-5003")), answer: says(1, "200 OK")},
				{in: ask("PLAY", base, 2), answer: says(2, "200 OK")},
			},
			events: "Describe live; Play audio session=0x4242 live to=[0 0 5002 5003]"},
		{name: "then_over_the_connection", next: codec.Stream, // ffmpeg, if nothing has come
			talk: []exchange{
				{in: ask("SETUP", base+"/trackID=0", 1, udp("5000-5001")), answer: says(1, "200 OK")},
				{in: ask("SETUP", base+"/trackID=1", 2, udp("5002-5003")), answer: says(2, "200 OK")},
				{in: ask("PLAY", base, 3), answer: says(3, "200 OK")},
				{in: ask("PAUSE", base, 4), answer: says(4, "200 OK")},
				{in: ask("SETUP", base+"/trackID=0", 5, tcp), answer: says(5, "200 OK") + "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc="},
				{in: ask("SETUP", base+"/trackID=1", 6, tcp), answer: says(6, "200 OK") + "Transport: RTP/AVP/TCP;unicast;interleaved=2-3;ssrc="},
				{in: ask("PLAY", base, 7), answer: says(7, "200 OK")},
			},
			events: "Describe live; Describe session=0x4242 live; Play session=0x4242 live to=[5000 5001 5002 5003]; Halt session=0x4242 live; " +
				"Describe session=0x4242 live; Describe session=0x4242 live; Play session=0x4242 live"},
		{name: "both_ways", next: codec.Stream,
			talk: []exchange{
				{in: ask("SETUP", base+"/trackID=0", 1, udp("5000-5001")), answer: says(1, "200 OK")},
				{in: ask("SETUP", base+"/trackID=1", 2, tcp), answer: says(2, "200 OK")},
				{in: ask("PLAY", base, 3), answer: says(3, noTransport)},
				{in: ask("SETUP", base+"/trackID=1", 4, udp("5002-5003")), answer: says(4, "200 OK")},
				{in: ask("PLAY", base, 5), answer: says(5, "200 OK")},
			},
			events: "Describe live; Describe session=0x4242 live; Reply live; Describe session=0x4242 live; Play session=0x4242 live to=[5000 5001 5002 5003]"},
		{name: "to_a_service", next: codec.Keep,
			talk:   []exchange{{in: ask("SETUP", base+"/trackID=0", 1, udp("53-54")), answer: says(1, noTransport)}},
			events: "Reply live"},
	} {
		t.Run(c.name, func(t *testing.T) { c.with(t, openNear) })
	}
}

// A peer that can have none is refused, and asks for TCP then.
func TestNoDatagrams(t *testing.T) {
	c := conversation{next: codec.Keep,
		talk: []exchange{
			{in: ask("SETUP", "rtsp://h/live/trackID=0", 1, udp("5000-5001")), answer: says(1, noTransport)},
			{in: ask("SETUP", "rtsp://h/live/trackID=0", 2, tcp), answer: says(2, "200 OK")},
		},
		events: "Reply live; Describe live"}
	c.run(t)
	c = conversation{next: codec.Keep,
		talk: []exchange{
			{in: strings.ReplaceAll(announced("rtsp://h/live", 1, encoderSDP), "\r", ""), answer: says(1, "200 OK")},
			{in: ask("SETUP", "rtsp://h/live/streamid=0", 2, udp("5000-5001")), answer: says(2, noTransport)},
			{in: ask("SETUP", "rtsp://h/live/streamid=0", 3, tcp), answer: says(3, "200 OK")},
		},
		events: "Setup live; Reply live; Reply live; Reply live"}
	c.run(t)
}

// What goes to a viewer is made of datagrams from end to end: packets as they are, what
// comes before them, and the goodbyes.
func TestDatagramsOfFrames(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	c := newCamera()
	var all []byte
	for _, p := range feed(t, g, append(c.reports(), c.play(30)...)) {
		all = append(all, p.bytes...)
	}
	all = append(g.AppendJoin(nil, codec.Framed, all, farHole), all...)
	for i := range 2 {
		all = g.Media().(*media).appendBye(all, i)
	}
	var again []byte
	channels := [4]int{}
	for rest := all; len(rest) > 0; {
		datagram, channel, size := g.Datagram(rest)
		again = appendFrame(again, channel, datagram)
		channels[channel]++
		rest = rest[size:]
	}
	if !bytes.Equal(again, all) {
		t.Error("datagrams put into frames again are other frames")
	}
	for channel, n := range channels {
		if n == 0 {
			t.Errorf("nothing was on channel %d", channel)
		}
	}
}
