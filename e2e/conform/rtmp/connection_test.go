package rtmp

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"streampump/bench/rtmpclient"
)

// connectionRows are about what comes before the first command.
func connectionRows() []row {
	return []row{
		{1, "Handshake", "the version and the 1,536 bytes of a player are answered with 3,073 at once, before it says more", "ffmpeg, GStreamer", steady, handshake},
		{2, "Bytewise", "nor does a byte for each TCP segment make a difference", "RFC 9293", steady, bytewise},
		{3, "SimpleForm", "bytes 4 to 7 of the pump's greeting are zero, and the last part is the player's own", "ffmpeg; RTMP 1.0, 5.2", steady, simpleForm},
		{4, "Digest", "a player whose greeting has a version and a digest gets the same simple answer", "ffmpeg, VLC", steady, digest},
		{5, "AnyEcho", "what a peer sends back is not looked at", "Restream", steady, anyEcho},
		{6, "OtherVersion", "a peer of another version is closed", "RTMP 1.0, 5.2.2", steady, otherVersion},
		{7, "Silent", "a peer that only shakes hands is closed in time, as one that has asked nothing", "what strangers cannot do", hasty, silent},
		{8, "SilentLater", "so is one that connects and talks, and asks for no stream", "what strangers cannot do", hasty, silentLater},
		{9, "SamePort", "RTMP and HTTP share a port", "operators", steady, samePort},
		{10, "OneSegment", "whatever comes in one segment is answered, in order", "ffmpeg", steady, oneSegment},
		{0, "HalfGreeting", "a peer that stops in the middle of its greeting is closed in time", "DVRs", hasty, halfGreeting},
	}
}

func handshake(k *kit) {
	l := k.dial()
	l.raw(rtmpclient.Greeting())
	b, err := l.Bytes(k.ctx, rtmpclient.AnswerSize)
	k.check(err)
	k.want(b[0] == 3, "the pump speaks version %d", b[0])
	echo, err := rtmpclient.Echo(b)
	k.check(err)
	l.raw(echo)
	l.connect("streams") // what comes next is its answer: nothing else was sent
}

func bytewise(k *kit) {
	l := k.dial()
	for _, b := range rtmpclient.Greeting() {
		l.raw([]byte{b})
	}
	b, err := l.Bytes(k.ctx, rtmpclient.AnswerSize)
	k.check(err)
	m := calling(0, "connect", 1, properties("streams"))
	for _, b := range append(b[1:1537], rtmpclient.AppendMessage(nil, m, l.Size)...) {
		l.raw([]byte{b})
	}
	k.want(l.answer(1).Name == "_result", "connect fails")
}

func simpleForm(k *kit) {
	greeting := rtmpclient.Greeting()
	for i := range greeting[1:9] {
		greeting[1+i] = byte(40 * i) // a time, and zeros that are none
	}
	l := k.dial()
	l.raw(greeting)
	k.simple(l, greeting)
}

// simple reads the pump's part of the handshake and checks its form.
func (k *kit) simple(l *link, greeting []byte) {
	k.Helper()
	b, err := l.Bytes(k.ctx, rtmpclient.AnswerSize)
	k.check(err)
	k.want(bytes.Equal(b[5:9], make([]byte, 4)), "bytes 4 to 7 of the greeting are % x", b[5:9])
	k.want(bytes.Equal(b[1537:], greeting[1:]), "the last part is not what the peer sent")
	k.want(!bytes.Equal(b[1:1537], greeting[1:]), "the greeting is the peer's own")
}

// signed is a greeting with a digest in it, as libavformat makes it.
func signed() []byte {
	g := rtmpclient.Greeting()
	copy(g[1:], []byte{0, 0, 0, 0, 9, 0, 0x7C, 2})
	c1 := g[1:]
	at := (int(c1[8])+int(c1[9])+int(c1[10])+int(c1[11]))%728 + 12
	mac := hmac.New(sha256.New, []byte("Genuine Adobe Flash Player 001"))
	mac.Write(c1[:at])
	mac.Write(c1[at+sha256.Size:])
	mac.Sum(c1[at:at:len(c1)])
	return g
}

func digest(k *kit) {
	l, g := k.dial(), signed()
	l.raw(g)
	k.simple(l, g)
	l.raw(g[1:])
	l.connect("streams")
}

func anyEcho(k *kit) {
	for _, echo := range [][]byte{bytes.Repeat([]byte{0}, 1536), bytes.Repeat([]byte{0xFF, 3}, 768), rtmpclient.Greeting()[1:]} {
		l := k.dial()
		l.raw(rtmpclient.Greeting())
		_, err := l.Bytes(k.ctx, rtmpclient.AnswerSize)
		k.check(err)
		l.raw(echo)
		l.connect("streams")
	}
}

func otherVersion(k *kit) {
	for _, version := range []byte{6, 8, 0x1F} {
		g := rtmpclient.Greeting()
		g[0] = version
		l := k.dial()
		l.raw(g)
		k.want(len(l.unread()) < rtmpclient.AnswerSize, "version %d is answered with a handshake", version)
	}
}

// unread reads to the end of the connection, which must come.
func (l *link) unread() (all []byte) {
	l.k.Helper()
	for {
		b, err := l.Bytes(l.k.ctx, 1)
		if err != nil {
			l.k.want(ended(err), "the connection should end: %v", err)
			return all
		}
		all = append(all, b...)
	}
}

// late checks that a peer is closed for what it has not said.
func (k *kit) late(l *link) {
	k.Helper()
	l.thrown()
	k.logged("connection closed", "reason=head_timeout ", "peer="+l.LocalAddr().String()+" ")
}

func silent(k *kit) { k.late(k.link()) }

func silentLater(k *kit) {
	quiet := k.link()
	quiet.connect("streams")
	k.late(quiet)

	busy := k.link() // and never asks for a stream
	busy.connect("streams")
	for id := 2.0; ; id++ {
		if busy.Put(k.ctx, calling(0, "createStream", id, nil)) != nil {
			break
		}
		if _, err := busy.Next(k.ctx); err != nil {
			k.want(ended(err), "the connection should end: %v", err)
			break
		}
	}
	_ = busy.Close()
	k.logged("connection closed", "reason=head_timeout ", "peer="+busy.LocalAddr().String()+" ")
}

func halfGreeting(k *kit) {
	l := k.dial()
	l.raw(rtmpclient.Greeting()[:700])
	k.late(l)
}

func samePort(k *kit) {
	for range 2 {
		k.push(plain()).finish()
		k.source("down")
		for _, ask := range []string{
			"GET /streams/over-mmsh HTTP/1.0\r\nHost: pump.example\r\n\r\n",
			"POST /open/1 HTTP/1.1\r\nHost: pump.example\r\nContent-Length: 1\r\nConnection: close\r\n\r\n\x00", // RTMP in HTTP
			"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
		} {
			l := k.dial()
			l.raw([]byte(ask))
			b, err := l.Bytes(k.ctx, len("HTTP/1"))
			k.want(err == nil && (string(b) == "HTTP/1" || string(b) == "RTSP/1"), "%.9q is answered %q (%v)", ask, b, err)
		}
	}
}

func oneSegment(k *kit) {
	e := k.push(plain())
	l := k.dial()
	all := append(rtmpclient.Greeting(), bytes.Repeat([]byte{7}, 1536)...)
	for _, m := range []rtmpclient.Message{
		rtmpclient.NumberMessage(rtmpclient.TypeWindow, 2_500_000),
		calling(0, "connect", 1, properties("streams")),
		calling(0, "createStream", 2, nil),
		calling(0, "getStreamLength", 3, nil, k.path),
		calling(1, "play", 4, nil, k.path, -2000),
	} {
		all = rtmpclient.AppendMessage(all, m, l.Size)
	}
	l.raw(all)
	_, err := l.Bytes(k.ctx, rtmpclient.AnswerSize)
	k.check(err)
	v := &viewer{link: l, newest: map[uint8]uint32{}, place: map[uint8]uint32{}}
	k.want(v.answer(1).Name == "_result", "connect fails")
	v.stream = v.created(2)
	v.plays()
	v.follow()
	e.send(few)
	v.follow()
}

// said is a command for people.
func said(c rtmpclient.Command) string { return fmt.Sprintf("%s %v %v", c.Name, c.ID, c.Values) }
