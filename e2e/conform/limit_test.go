package conform

import (
	"strings"

	"streampump/bench/player"
	"streampump/bench/synth"
)

// limitRows are about the bounds on what strangers can hold.
func limitRows() []row {
	return []row{
		{0, "SlowRequest", "a request that does not become complete is told 408", "RFC 9110, 15.5.9", lateHead, slowRequest},
		{0, "SilentPeer", "a connection that says nothing is told 408 and closed", "RFC 9110, 15.5.9", lateHead, silentPeer},
		{0, "SlowBody", "a request whose body does not come is told 408", "RFC 9110, 15.5.9", lateHead, slowBody},
		{0, "KeptTooLong", "a kept connection without a further request is closed without a word", "RFC 9112, 9.3", idle, keptTooLong},
		{0, "OversizeHead", "a head that is too long, or has too many fields, is told 431", "RFC 6585, 5", steady, oversizeHead},
		{0, "OversizeBody", "a body that nobody wants is told 413", "RFC 9110, 15.5.14", steady, oversizeBody},
		{0, "TooManyConnections", "beyond the limit on connections a peer is told 503, and those before it are served", "RFC 9110, 15.6.4", crowded, tooManyConnections},
		{0, "TooManySilent", "beyond the limit on an address's connections without a request a peer is told 503", "RFC 9110, 15.6.4", suspicious, tooManySilent},
		{0, "FullStream", "beyond a limit on viewers each form of request is told 503, and when to come again; whoever is inside stays", "RFC 9110, 15.6.4, 10.2.3", full, fullStream},
		{0, "FullStreamAgain", "there is room again for one when one has left", "RFC 9110, 15.6.4", full, fullStreamAgain},
		{0, "FullStreamReturns", "a player that comes back while its old connection hangs has its own place", "[MS-WMSP] 3.2.3", full, fullStreamReturns},
		{0, "FullStreamRedirects", "where there is another pump those who can follow are sent there, and the others told 503", "[MS-WMSP] 3.2.5.4", sending, fullStreamRedirects},
	}
}

func slowRequest(k *kit) {
	c := k.dial()
	_, err := c.Write([]byte("GET " + k.url() + " HTTP/1.1\r\nUser-Agent: NSPl"))
	k.check(err)
	h := k.ask(c, "")
	k.refusal(408, h, k.rest(c), "no complete request")
	k.await("the close is counted", func() bool { return k.snapshot().Closes["head_timeout"] > 0 })
}

func silentPeer(k *kit) {
	c := k.dial()
	h := k.ask(c, "")
	k.refusal(408, h, k.rest(c), "no complete request")
}

func slowBody(k *kit) {
	c := k.dial()
	_, err := c.Write([]byte(k.post("HTTP/1.1", wmp, logType, "Content-Length: 100") + "<XML>"))
	k.check(err)
	h := k.ask(c, "")
	k.refusal(408, h, k.rest(c), "no complete request")
}

func keptTooLong(k *kit) {
	c, h := k.open(request("GET /", "HTTP/1.1", firefox))
	k.body(c, h)
	k.want(k.rest(c) == "", "a kept connection is told something")
}

func oversizeHead(k *kit) {
	const limit = 16 << 10 // of the configuration
	long := "X-Long: " + strings.Repeat("x", limit)
	k.refused(431, k.get(vlc, plays, long), "longer than")
	k.refused(431, request("GET /streams/"+strings.Repeat("x", limit), vlc), "longer than")
	k.refused(431, k.get(strings.Split(strings.Repeat("X-Field: x\n", 101), "\n")[:101]...), "fields")
	// It is told while it is still sending, and the answer is not lost to a reset.
	c := k.dial()
	go func() { _, _ = c.Write([]byte("GET / HTTP/1.1\r\n" + strings.Repeat(long, 20))) }()
	h := k.ask(c, "")
	k.refusal(431, h, k.rest(c), "longer than")
}

func oversizeBody(k *kit) {
	k.refused(413, k.post("HTTP/1.1", wmp, logType, "Content-Length: 100000000"), "100000000 bytes")
	k.refused(413, request("POST "+k.pushURL(), "HTTP/1.1", setupType, "Content-Length: 100000000"), "100000000 bytes")
}

// tooManyConnections has the pump for itself.
func tooManyConnections(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.view(player.PlayOnly(), player.Options{})
	last := k.dial()
	k.page(last)
	k.refused(503, "", "no room")
	e.send(1)
	v.reaches(e)
	k.check(last.Close())
	k.await("there is room again", func() bool { return k.snapshot().Connections < crowd })
	k.page(k.dial())
	k.await("the refusal is counted", func() bool {
		s := k.snapshot()
		return s.Refused == 1 && s.Closes["too_many_connections"] == 1
	})
}

// page asks for a small page on a connection, which stays open.
func (k *kit) page(c *player.Conn) {
	k.Helper()
	k.body(c, k.ask(c, request("GET /", "HTTP/1.1", firefox)))
}

// tooManySilent has the pump for itself.
func tooManySilent(k *kit) {
	first := k.dial()
	for range silents - 1 {
		k.dial()
	}
	k.await("they are counted", func() bool { return k.snapshot().Connections == silents })
	k.refused(503, "", "no room")
	k.page(first) // it has asked now, and is no longer counted
	k.page(k.dial())
}

// fills has one viewer watch the row's stream, which has room for one.
func (k *kit) fills() (*encoder, *viewer) {
	k.Helper()
	e := k.push(synth.Plain(rate))
	return e, k.view(player.PlayOnly(), player.Options{})
}

func fullStream(k *kit) {
	e, v := k.fills()
	for _, ask := range []string{k.get(vlc), k.get(vlc, plays), k.get(wmp, plays, unknownID), k.get(firefox), k.get()} {
		h := k.refused(503, ask, "limit on viewers is reached")
		k.want(h.Get("Retry-After") == "10", "the refusal's Retry-After is %q", h.Get("Retry-After"))
	}
	for _, agent := range []string{vlc, firefox} {
		h := k.status(503, request("HEAD "+k.url(), agent))
		k.want(h.Get("Retry-After") == "10", "the HEAD's Retry-After is %q", h.Get("Retry-After"))
	}
	k.status(200, request("GET "+k.url()+".asx", firefox)) // who gets a playlist may come later
	e.send(1)
	v.reaches(e)
	k.await("the refusals are counted", func() bool {
		st := k.snapshot()
		for _, s := range st.Streams {
			if s.Path == k.path {
				return s.Viewers == 1 && s.ViewersLimit == 1 && s.Refused == 5
			}
		}
		return false
	})
}

func fullStreamAgain(k *kit) {
	_, v := k.fills()
	k.refused(503, k.get(firefox), "limit on viewers")
	k.check(v.Close())
	k.await("there is room again", func() bool {
		for _, s := range k.snapshot().Streams {
			if s.Path == k.path {
				return s.Viewers == 0
			}
		}
		return false
	})
	k.view(player.PlayOnly(), player.Options{})
	k.refused(503, k.get(firefox), "limit on viewers")
}

func fullStreamReturns(k *kit) {
	k.push(synth.Plain(rate))
	c, h := k.open(k.get(vlc, plays))
	id := "Pragma: client-id=" + k.clientID(h)
	again := k.status(200, k.get(vlc, plays, id))
	k.want(k.clientID(again) == k.clientID(h), "it comes back as another")
	_ = k.rest(c) // the old connection ends
	k.refused(503, k.get(vlc, plays), "limit on viewers")
}

func fullStreamRedirects(k *kit) {
	k.fills()
	for _, fields := range [][]string{{vlc}, {vlc, plays}, {wmp, plays}, {firefox}} {
		h := k.status(302, k.get(fields...))
		k.want(h.Get("Location") == second+k.path, "%q is sent to %q", fields, h.Get("Location"))
	}
	h := k.refused(503, k.get("User-Agent: NSPlayer/4.1.0.3856", plays), "limit on viewers")
	k.want(!h.Has("Location"), "a player that does not follow is sent to %q", h.Get("Location"))
}
