package conform

import (
	"fmt"
	"strings"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
)

// surfaceRows are about what can be asked with a browser, and how paths are read.
func surfaceRows() []row {
	return []row{
		{0, "Playlist", "PATH.asx is a playlist with mms:// first and http:// second, over TLS with https:// alone, at the address that was asked", "players' .asx", steady, playlist},
		{0, "AbsolutePlaylist", "the host of an absolute target goes into the playlist, not the Host header", "RFC 9112, 3.2.2", steady, absolutePlaylist},
		{0, "Head", "HEAD is answered as GET is, without a body", "RFC 9110, 9.3.2", steady, head},
		{0, "HeadWithoutSource", "HEAD of a stream without a source is told 503, as GET is", "RFC 9110, 9.3.2", steady, headWithoutSource},
		{0, "EncodedPaths", "a path may be percent-encoded where that says nothing; an encoded slash is none", "RFC 3986, 6.2.2.2", steady, encodedPaths},
		{0, "SoundPlaylist", "a playlist names a stream of sound alone as such a file", "Audacious", steady, soundPlaylist},
		{0, "FileNames", "PATH.asf, .wma and .wmv are the stream PATH", "Audacious", steady, fileNames},
		{0, "Root", "GET / tells what answers here, in a line", "operators", steady, root},
		{0, "Redirect", "a path without a stream is sent to redirect_404_to, but not old players and encoders", "[MS-WMSP] 3.2.5.4", redirecting, redirect},
		{0, "Paths", "paths are read in any letter case, with a trailing slash, as an absolute form and with a query", "RFC 9112, 3.2.2", steady, paths},
		{0, "RetryAfter", "a stream without a source says when to try again", "RFC 9110, 10.2.3", steady, retryAfter},
		{0, "Pipelined", "requests that come together are answered one after the other", "RFC 9112, 9.3.2", steady, pipelined},
		{0, "RequestBytewise", "a request in a byte for each TCP segment is a request", "RFC 9293", steady, requestBytewise},
		{0, "HostIsChecked", "HTTP/1.1 needs one Host that can be one, and any other gets into no playlist", "RFC 9112, 3.2", steady, hostIsChecked},
	}
}

func playlist(k *kit) {
	k.push(synth.Plain(rate))
	for _, suffix := range []string{".asx", ".ASX", ".asx/"} {
		h, body := k.final(request("GET "+k.url()+suffix, firefox))
		k.want(h.Status == 200 && h.Get("Content-Type") == plainASF, "%s: the answer is %v, %q", suffix, h, h.Get("Content-Type"))
		first := strings.Index(body, `HREF="`+k.scheme()+`://pump.example:8086`+k.url()+`.asf"`)
		http := strings.Index(body, `HREF="http://pump.example:8086`+k.url()+`.asf"`)
		k.want(strings.HasPrefix(body, "<ASX ") && first > 0 && (http > first) != k.all.transport.secure(), "the playlist is %q", body)
	}
	k.refused(404, request("GET /streams/nothing-here.asx", firefox))
}

// soundPlaylist: what is sound alone is named so.
func soundPlaylist(k *kit) {
	k.push(synth.Sound(rate))
	_, body := k.final(request("GET "+k.url()+".asx", firefox))
	k.want(strings.Contains(body, k.url()+`.wma"`), "the playlist is %q", body)
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
	for _, fields := range [][]string{{firefox}, {vlc}, {vlc, plays}} {
		get := k.status(200, k.get(fields...))
		h, body := k.final(request("HEAD "+k.url(), fields...))
		k.want(h.Status == 200 && body == "", "HEAD with %q: %v, %q", fields, h, body)
		for _, name := range []string{"Server", "Content-Type", "Cache-Control"} {
			k.want(h.Get(name) == get.Get(name), "%q: %s is %q for HEAD and %q for GET", fields, name, h.Get(name), get.Get(name))
		}
	}
}

func headWithoutSource(k *kit) {
	for _, fields := range [][]string{{firefox}, {vlc}, {wmp, plays}} {
		h, body := k.final(request("HEAD "+k.url(), fields...))
		k.want(h.Status == 503 && body == "", "HEAD with %q: %v, %q", fields, h, body)
		k.refused(503, k.get(fields...), "no source")
	}
	h, body := k.final(request("HEAD "+k.url()+".asx", firefox)) // a playlist is there at any time
	k.want(h.Status == 200 && body == "", "HEAD of the playlist: %v, %q", h, body)
}

// encoded is a path with every letter and digit behind the first slash encoded.
func encoded(path string) string {
	var b strings.Builder
	for i, c := range []byte(path) {
		if i == 0 || c == '/' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func encodedPaths(k *kit) {
	e := k.encoder(synth.Plain(rate), push.Options{Path: encoded(k.pushURL())})
	e.setup()
	e.begin(push.Endless)
	k.streams(e, request("GET "+encoded(k.url()), vlc, plays))
	k.plain(k.status(200, request("GET "+encoded(k.url()), firefox)))
	h, body := k.final(request("GET "+encoded(k.url()+".asx"), firefox))
	k.want(h.Status == 200 && strings.Contains(body, k.url()), "the playlist is %v, %q", h, body)
	for _, path := range []string{"/streams%2F" + k.path, k.url() + "%2f", k.url() + "%20", "/streams/%25" + k.path, k.url() + "%"} {
		k.refused(404, request("GET "+path, vlc, plays))
	}
}

func fileNames(k *kit) {
	e := k.push(synth.Plain(rate))
	for _, end := range []string{".asf", ".wma", ".WMV", ".asf/"} {
		k.streams(e, request("GET "+k.url()+end, vlc, plays))
		k.plain(k.status(200, request("GET "+k.url()+end, firefox)))
	}
	k.refused(404, request("GET "+k.url()+".mp3", firefox))
	k.refused(404, request("GET "+k.url()+".asf.asf", firefox))
}

func absolutePlaylist(k *kit) {
	k.push(synth.Plain(rate))
	_, body := k.final(request("GET http://other.example:81"+k.url()+".asx", firefox))
	k.want(strings.Contains(body, `"`+k.scheme()+`://other.example:81`+k.url()) && !strings.Contains(body, "pump.example"), "the playlist is %q", body)
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
	get := func(version, host string) string {
		return "GET " + k.url() + ".asx " + version + "\r\n" + host + firefox + "\r\n\r\n"
	}
	k.refused(400, get("HTTP/1.0", "Host: x\"/><evil\r\n"), "not a host")
	k.refused(400, get("HTTP/1.1", ""), "no Host")
	k.refused(400, get("HTTP/1.1", "Host: a\r\nHost: a\r\n"), "two Host")
	k.refused(400, get("HTTP/1.0", "Host: a\r\nhost: b\r\n"), "two Host")
	for _, host := range []string{"", "Host: h:0x1\r\n", "Host: [fe80::1%lo]:80\r\n"} { // one that cannot be ours is not passed on
		h, body := k.final(get("HTTP/1.0", host))
		k.want(h.Status == 200 && strings.Contains(body, `"`+k.scheme()+`://`+k.addr+k.url()), "%q: the playlist is %v, %q", host, h, body)
	}
}
