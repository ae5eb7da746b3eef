package conform

import (
	"strings"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
)

// surfaceRows are about what can be asked with a browser, and how paths are read.
func surfaceRows() []row {
	return []row{
		{0, "Playlist", "PATH.asx is a playlist with mms:// first and http:// second, at the address that was asked", "players' .asx", steady, playlist},
		{0, "Head", "HEAD is answered as GET is, without a body", "RFC 9110, 9.3.2", steady, head},
		{0, "Root", "GET / tells what answers here, in a line", "operators", steady, root},
		{0, "Redirect", "a path without a stream is sent to redirect_404_to, but not old players and encoders", "[MS-WMSP] 3.2.5.4", redirecting, redirect},
		{0, "Paths", "paths are read in any letter case, with a trailing slash, as an absolute form and with a query", "RFC 9112, 3.2.2", steady, paths},
		{0, "RetryAfter", "a stream without a source says when to try again", "RFC 9110, 10.2.3", steady, retryAfter},
		{0, "Pipelined", "requests that come together are answered one after the other", "RFC 9112, 9.3.2", steady, pipelined},
		{0, "RequestBytewise", "a request in a byte for each TCP segment is a request", "RFC 9293", steady, requestBytewise},
		{0, "HostIsChecked", "a Host that is none gets into no playlist", "RFC 9110, 7.2", steady, hostIsChecked},
	}
}

func playlist(k *kit) {
	k.push(synth.Plain(rate))
	for _, suffix := range []string{".asx", ".ASX", ".asx/"} {
		h, body := k.final(request("GET "+k.url()+suffix, firefox))
		k.want(h.Status == 200 && h.Get("Content-Type") == plainASF, "%s: the answer is %v, %q", suffix, h, h.Get("Content-Type"))
		mms := strings.Index(body, `HREF="mms://pump.example:8086`+k.url()+`"`)
		http := strings.Index(body, `HREF="http://pump.example:8086`+k.url()+`"`)
		k.want(strings.HasPrefix(body, "<ASX ") && mms > 0 && http > mms, "the playlist is %q", body)
	}
	k.refused(404, request("GET /streams/nothing-here.asx", firefox))
}

func head(k *kit) {
	k.push(synth.Plain(rate))
	for _, c := range []struct {
		path   string
		status int
	}{{"/", 200}, {k.url(), 200}, {k.url() + ".asx", 200}, {"/streams/nothing-here", 404}, {"/else", 404}} {
		h, body := k.final(request("HEAD "+c.path, firefox))
		k.want(h.Status == c.status && body == "" && h.Has("Content-Type"), "HEAD %s: %v, %q", c.path, h, body)
	}
}

func root(k *kit) {
	h, body := k.final(request("GET /", firefox))
	k.want(h.Status == 200 && strings.HasPrefix(h.Get("Content-Type"), "text/plain"), "the answer is %v, %v", h, h.Fields)
	k.want(strings.HasPrefix(body, "Stream Pump") && strings.Count(body, "\n") == 1, "the page is %q", body)
}

func redirect(k *kit) {
	for _, agent := range []string{firefox, wmp, vlc} {
		for _, path := range []string{"/streams/nothing-here", "/else", "/streams/nothing-here.asx"} {
			h := k.refused(302, request("GET "+path, agent))
			k.want(h.Get("Location") == elsewhere, "%s is sent to %q", path, h.Get("Location"))
		}
	}
	old := "User-Agent: NSPlayer/4.1.0.3856" // libmms and MPlayer, which fail on it
	k.refused(404, request("GET /streams/nothing-here", old, plays))
	k.refused(404, request("POST /streams/nothing-here_push", setupType, emptyBody))
	k.refused(503, k.get(vlc)) // a stream without a source is still ours
	k.status(200, request("GET /", firefox))
}

func paths(k *kit) {
	e := k.encoder(synth.Plain(rate), push.Options{Path: strings.ToUpper(k.pushURL()) + "/"})
	e.setup()
	e.begin(push.Endless)
	for _, path := range []string{
		strings.ToLower(k.url()), strings.ToUpper(k.url()) + "/", k.url() + "?WMCache=0&x=/y", "http://other.example" + k.url(),
	} {
		k.streams(e, request("GET "+path, vlc, plays))
	}
	for _, path := range []string{k.url() + "/x", k.url() + "//", "/" + k.path, "/streams/" + k.path[:len(k.path)-1], k.url() + "%20"} {
		k.refused(404, request("GET "+path, vlc, plays))
	}
}

func retryAfter(k *kit) {
	for _, agent := range []string{vlc, firefox} {
		h := k.refused(503, k.get(agent, plays))
		k.want(h.Get("Retry-After") != "" && strings.Trim(h.Get("Retry-After"), "0123456789") == "", "Retry-After is %q", h.Get("Retry-After"))
	}
}

func pipelined(k *kit) {
	e := k.push(synth.Plain(rate))
	describe := k.get("HTTP/1.1", wmp)
	log := withBody(k.post("HTTP/1.1", wmp, logType), "<XML/>")
	c := k.dial()
	_, err := c.Write([]byte(describe + log + "\r\n" + describe + request("GET /", "HTTP/1.1", firefox) + k.get("HTTP/1.1", wmp, plays)))
	k.check(err)
	ids := map[string]bool{}
	for _, status := range []int{200, 204, 200} {
		h := k.ask(c, "")
		k.want(h.Status == status, "the answer is %v and not %d", h, status)
		if body := k.body(c, h); status == 200 {
			k.header(body)
			ids[k.clientID(h)] = true
		}
	}
	k.want(len(ids) == 2, "two Describes of no session got one")
	k.body(c, k.ask(c, "")) // the page
	k.check(player.CheckPlay(k.ask(c, "")))
	v := k.watch(c, player.VLC(), player.Options{})
	e.send(1)
	v.reaches(e)
}

func requestBytewise(k *kit) {
	k.push(synth.Plain(rate))
	c := k.dial()
	for _, b := range []byte("\r\n" + k.get(vlc, closes)) {
		_, err := c.Write([]byte{b})
		k.check(err)
	}
	h := k.ask(c, "")
	k.check(player.CheckDescribe(h))
	k.header(k.body(c, h))
}

func hostIsChecked(k *kit) {
	k.push(synth.Plain(rate))
	h, body := k.final("GET " + k.url() + ".asx HTTP/1.0\r\nHost: x\"/><evil\r\n" + firefox + "\r\n\r\n")
	k.want(h.Status == 200 && !strings.Contains(body, "evil"), "the playlist is %q", body)
	k.want(strings.Contains(body, `"mms://`+k.addr+k.url()), "the playlist is %q", body)
}
