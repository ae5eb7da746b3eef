package rtsp

import (
	"fmt"
	"strings"

	"streampump/bench/rtpsynth"
)

// setupRows are about how viewers set tracks up.
func setupRows() []row {
	return []row{
		{21, "OwnChannels", "whatever channels are asked for, the answer names 0-1 for the first track and 2-3 for the second, in any order", "RFC 2326, 12.39", steady, ownChannels},
		{22, "NoChannels", "so it does where none are asked for", "VMS", steady, noChannels},
		{23, "NotUDP", "UDP and multicast get 461, and TCP works after that", "ffmpeg, VLC, GStreamer", steady, notUDP},
		{24, "Alternatives", "of several transports TCP is taken", "RFC 2326, 12.39", steady, alternatives},
		{25, "Destination", "a destination is not followed", "RFC 2326, 16", steady, destination},
		{26, "JoinedControls", "addresses of tracks with the query in front or behind work", "ffmpeg, GStreamer", steady, joinedControls},
		{27, "WrongTrack", "an unknown track gets 404, the same one twice 200", "RFC 2326, 10.4", steady, wrongTrack},
		{28, "SessionID", "Session has ;timeout= right behind the id, which is long and fits into 20 characters; another's gets 454", "ffmpeg; RFC 2326, 12.37", steady, sessionID},
		{29, "RecordingViewer", "a viewer that wants to record is refused", "RFC 2326, A.2", steady, recordingViewer},
		{0, "InventedSession", "an invented Session before the first SETUP is as good as none", "odd proxies", steady, inventedSession},
	}
}

// control is the address of the stream's track as the pump describes it.
func (v *viewer) control(i int) string {
	v.k.Helper()
	if v.Media == nil {
		v.k.check(v.Describe(v.k.ctx))
	}
	v.k.want(i < len(v.Media), "there are %d tracks", len(v.Media))
	return v.Media[i].Control
}

// transported sets a track up with a transport, and returns the one of the answer.
func (v *viewer) transported(i int, transport string) string {
	v.k.Helper()
	h := v.k.try(v.Client, 200, "SETUP", v.control(i), "Transport: "+transport)
	if id, _, _ := strings.Cut(h.Get("Session"), ";"); v.Session == "" {
		v.Session = id
	}
	return h.Get("Transport")
}

// channels checks that a transport is TCP with the channels of a track.
func (k *kit) channels(transport string, i int) {
	k.Helper()
	for _, part := range []string{"RTP/AVP/TCP", "unicast", fmt.Sprintf("interleaved=%d-%d", 2*i, 2*i+1)} {
		k.want(strings.Contains(transport, part), "track %d has the transport %q", i, transport)
	}
	k.want(!strings.Contains(transport, ","), "the answer has several transports: %q", transport)
}

func ownChannels(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer()
	k.channels(v.transported(1, "RTP/AVP/TCP;unicast;interleaved=168-169"), 1)
	k.channels(v.transported(0, "RTP/AVP/TCP;unicast;interleaved=7-8"), 0)
}

func noChannels(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer()
	k.channels(v.transported(0, "RTP/AVP/TCP;unicast"), 0)
	k.channels(v.transported(1, "RTP/AVP/TCP"), 1)
}

func notUDP(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer(rtpsynth.Plain())
	control := v.control(0)
	for _, transport := range []string{"RTP/AVP;unicast;client_port=33862-33863", "RTP/AVP/UDP;unicast;client_port=16732-16733", "RTP/AVP;multicast"} {
		k.try(v.Client, 461, "SETUP", control, "Transport: "+transport)
	}
	k.check(v.Setup(k.ctx, 0))
	k.check(v.Setup(k.ctx, 1))
	k.check(v.Play(k.ctx))
	v.packets(1)
}

func alternatives(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer()
	k.channels(v.transported(0, "RTP/AVP;unicast;client_port=4588-4589,RTP/AVP/TCP;unicast;interleaved=0-1"), 0)
	k.channels(v.transported(1, "RTP/AVP/TCP;unicast;interleaved=2-3,RTP/AVP;multicast"), 1)
}

func destination(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer()
	got := v.transported(0, `RTP/AVP/TCP;unicast;destination=192.0.2.9;interleaved=0-1;mode="PLAY"`)
	k.channels(got, 0)
	k.want(!strings.Contains(got, "192.0.2.9"), "the answer has the transport %q", got)
	h := k.try(v.Client, 461, "SETUP", v.control(1), "Transport: RTP/AVP;unicast;destination=192.0.2.9;client_port=4588-4589")
	k.want(!strings.Contains(h.Get("Transport"), "192.0.2.9"), "the answer has the transport %q", h.Get("Transport"))
}

func joinedControls(k *kit) {
	k.push(rtpsynth.Plain())
	for _, query := range []string{"?x=1/TRACK", "/TRACK?x=1", "/TRACK/"} {
		v := k.viewer(rtpsynth.Plain())
		k.check(v.Describe(k.ctx))
		for i := range v.Media {
			track := strings.TrimPrefix(v.Media[i].Control, v.Base)
			v.Media[i].Control = k.url() + strings.Replace(query, "TRACK", track, 1)
			k.check(v.Setup(k.ctx, i))
		}
		k.check(v.Play(k.ctx))
		v.packets(1)
	}
}

func wrongTrack(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer(rtpsynth.Plain())
	const tcp = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
	k.try(v.Client, 404, "SETUP", strings.TrimSuffix(v.control(1), "1")+"7", tcp)
	v.transported(0, "RTP/AVP/TCP;unicast;interleaved=0-1")
	k.check(v.Setup(k.ctx, 0))
	k.check(v.Play(k.ctx))
	v.packets(1)
}

func sessionID(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer()
	h := k.try(v.Client, 200, "SETUP", v.control(0), "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
	id, timeout, _ := strings.Cut(h.Get("Session"), ";")
	k.want(len(id) >= 8 && len(id) <= 20 && !strings.ContainsAny(id, " \t"), "Session is %q", h.Get("Session"))
	k.want(timeout == "timeout=60", "Session is %q", h.Get("Session"))
	k.try(v.Client, 454, "SETUP", v.control(1), "Transport: RTP/AVP/TCP;unicast;interleaved=2-3", "Session: 0123456789abcdef")
	h, _, err := k.client().Try(k.ctx, "PLAY", k.url(), "", "Session: "+id)
	k.check(err)
	k.want(h.Status == 454 || h.Status == 455, "the session of another connection gets %v", h)
	v.Session = id
	v.transported(1, "RTP/AVP/TCP;unicast;interleaved=2-3")
}

func recordingViewer(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer()
	h, _, err := v.Try(k.ctx, "SETUP", v.control(0), "", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record")
	k.check(err)
	k.want(h.Status == 405 || h.Status == 455 || h.Status == 461, "it gets %v", h)
}

func inventedSession(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer(rtpsynth.Plain())
	v.Session = "12345678"
	k.check(v.Describe(k.ctx))
	k.check(v.Setup(k.ctx, 0))
	k.want(v.Session != "12345678", "an invented id was taken")
	k.check(v.Setup(k.ctx, 1))
	k.check(v.Play(k.ctx))
	v.packets(1)
}
