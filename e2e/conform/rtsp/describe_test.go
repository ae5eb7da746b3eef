package rtsp

import (
	"errors"
	"strings"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// describeRows are about what a stream is described as.
func describeRows() []row {
	return []row{
		{13, "Described", "DESCRIBE gets application/sdp, its length, and a Content-Base that ends with a slash", "RFC 2326, C.1.1", steady, described},
		{14, "Controls", "each track's control is an absolute address with the host that was asked for, and without the query", "GStreamer", steady, controls},
		{15, "NoTraces", "nothing of the encoder's address or name is in it", "what strangers cannot see", steady, noTraces},
		{16, "SetsInBand", "an encoder that describes no parameter sets and sends them: the description has them", "Hikvision", steady, setsInBand},
		{17, "NoStream", "an unknown path gets 404 at once, a known one without a source 404 and Retry-After", "VLC", steady, noStream},
		{18, "Paths", "case, slashes, a query, and /streams/ in front make no difference", "players", steady, paths},
		{19, "IPv6Host", "the brackets of an IPv6 address stay in the controls", "RFC 3986, 3.2.2", steady, ipv6Host},
		{20, "Redirected", "where there is no room and somewhere to go, DESCRIBE or PLAY gets 302 and Location", "RFC 2326, 11.3", sending, redirected},
		{0, "NoWebRedirect", "a stream that does not exist gets 404 where browsers are sent to a web site", "redirect_404_to", sending, noWebRedirect},
		{0, "NoRoom", "where there is no room, PLAY gets 453", "RFC 2326, 11.3.6", full, noRoom},
	}
}

func described(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer()
	k.check(v.Describe(k.ctx))
	k.want(v.Base == k.url()+"/", "Content-Base is %q", v.Base)
	k.want(len(v.Media) == 2 && v.Media[0].Kind == "video" && v.Media[1].Kind == "audio", "the tracks are %+v", v.Media)
	for _, line := range []string{"v=0", "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=rtpmap:97 MPEG4-GENERIC/48000/2"} {
		k.want(strings.Contains(v.Description, line+"\r\n"), "%q is not in\n%s", line, v.Description)
	}
	k.want(strings.Contains(v.Description, rtpsynth.ParameterSets(false)), "the parameter sets are not in\n%s", v.Description)
	for _, part := range []string{"sizelength=13", "indexlength=3", "indexdeltalength=3", "config=119056E500"} {
		k.want(strings.Contains(v.Description, part), "%q is not in\n%s", part, v.Description)
	}
}

func controls(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer()
	v.URL += "?x=1&y=2"
	k.check(v.Describe(k.ctx))
	k.want(v.Base == k.url()+"/", "Content-Base is %q", v.Base)
	k.want(strings.Contains(v.Description, "a=control:*\r\n"), "the stream has no control of its own:\n%s", v.Description)
	seen := map[string]bool{}
	for _, m := range v.Media {
		k.want(strings.HasPrefix(m.Control, v.Base) && !strings.Contains(m.Control, "?") && !seen[m.Control], "a control is %q", m.Control)
		seen[m.Control] = true
	}
	// A player that joins addresses as RFC 3986 wants it finds the same.
	other := "rtsp://pump.example:8554/" + k.path
	_, body := k.ask(k.dial(), request("DESCRIBE "+other+" RTSP/1.0", "CSeq: 1"))
	k.want(strings.Contains(body, "a=control:"+other+"/"), "asked for %s the controls are in\n%s", other, body)
}

func noTraces(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer()
	k.check(v.Describe(k.ctx))
	k.want(strings.Contains(v.Description, "c=IN IP4 0.0.0.0"), "the address is in\n%s", v.Description)
	for _, trace := range []string{"192.0.2.77", "127.0.0.1 ", "LIBAVFORMAT", "streamid", "No Name"} {
		k.want(!strings.Contains(v.Description, trace), "%q is in\n%s", trace, v.Description)
	}
}

func setsInBand(k *kit) {
	s := rtpsynth.Plain()
	s.InBand = true
	k.push(s)
	v := k.view(s)
	k.want(strings.Contains(v.Description, rtpsynth.ParameterSets(false)), "the parameter sets are not in\n%s", v.Description)
	v.packets(few)
}

func noStream(k *kit) {
	h := k.try(k.client(), 404, "DESCRIBE", k.at("/nobody-has-this"))
	k.want(!h.Has("Retry-After"), "a stream that does not exist is to be tried again after %q", h.Get("Retry-After"))
	h = k.try(k.client(), 404, "DESCRIBE", k.url())
	k.want(h.Get("Retry-After") != "", "a stream that is down is not to be tried again")
}

func paths(k *kit) {
	k.push(rtpsynth.Plain())
	for _, path := range []string{"/" + strings.ToUpper(k.path), "/" + k.path + "/", "/" + k.path + "?x=1", "/streams/" + k.path, "//" + k.path} {
		v := rtspclient.NewViewer(k.client(), k.at(path), rtpsynth.Plain())
		k.check(v.Open(k.ctx))
		k.check(v.Until(k.ctx, func(c rtpsynth.Counts) bool { return c.All() > 0 }))
		k.check(v.Close())
	}
}

func ipv6Host(k *kit) {
	k.push(rtpsynth.Plain())
	const host = "rtsp://[2001:db8::1]:8554/"
	h, body := k.ask(k.dial(), request("DESCRIBE "+host+k.path+" RTSP/1.0", "CSeq: 1"))
	k.is(h, 200, "1")
	k.want(strings.Count(body, "a=control:"+host+k.path+"/") == 2, "the controls are in\n%s", body)
}

// crowdedOut has a second viewer come where there is room for one, and returns what it is
// told at the first request that is not answered 200.
func (k *kit) crowdedOut() *rtspclient.StatusError {
	k.Helper()
	k.push(rtpsynth.Plain())
	k.view(rtpsynth.Plain()).packets(1)
	err := k.viewer(rtpsynth.Plain()).Open(k.ctx)
	var status *rtspclient.StatusError
	k.want(errors.As(err, &status), "a viewer without room is told %v", err)
	return status
}

func redirected(k *kit) {
	s := k.crowdedOut()
	k.want(s.Head.Status == 302 && s.Head.Get("Location") == second, "%v, to %q", s, s.Head.Get("Location"))
}

func noWebRedirect(k *kit) {
	h := k.try(k.client(), 404, "DESCRIBE", k.at("/nobody-has-this"))
	k.want(!h.Has("Location"), "Location is %q", h.Get("Location"))
}

func noRoom(k *kit) {
	s := k.crowdedOut()
	k.want(s.Head.Status == 453 && !s.Head.Has("Location"), "%v", s)
	k.logged(k.tag(), "room")
}
