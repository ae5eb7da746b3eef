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
