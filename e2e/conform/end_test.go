package conform

import (
	"strings"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/e2e/rig"
)

// endRows are about how a push, and a stream, end.
func endRows() []row {
	return []row{
		{57, "EncoderEnds", "$E(0) closes the connection and the stream: viewers get $E(0), the next one 503", "[MS-WMHTTP] 3.2.5.5", steady, encoderEnds},
		{63, "WrongByte", "a packet that does not begin with $ ends the push with 422 and a log line, and no other stream", "[MS-WMHTTP] 2.2.3.1", steady, wrongByte},
		{0, "TooLongPacket", "a packet longer than the packet size ends the push with 422 and a log line", "[ASF] 5.2", steady, tooLongPacket},
		{0, "DataBeforeHeader", "a data packet before any header ends the push with 422", "[MS-WMHTTP] 3.2.5.3", steady, dataBeforeHeader},
		{0, "BrokenHeader", "a header that is none ends the push with 422 and a log line", "[ASF] 3", steady, brokenHeader},
		{0, "BodyTooShort", "a body that ends inside a packet ends the push with 422", "[MS-WMHTTP] 2.2.2.2", steady, bodyTooShort},
		{0, "Takeover", "a new push takes the stream over with its header and not before; the old one is told 409", "[MS-WMHTTP] 3.2.5.1", steady, takeover},
		{0, "ShutdownEnds", "at SIGTERM viewers get $E(0), the encoder 503", "[MS-WMSP] 3.2.4.1", steady, shutdownEnds},
	}
}

func encoderEnds(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.view(player.VLC(), player.Options{})
	e.send(gop)
	k.check(e.End(k.ctx, 0))
	e.left()
	c := v.over()
	k.want(c.Packets == int64(e.sent()), "%+v", c)
	k.source("down")
	h := k.refused(503, k.get(vlc, plays), "no source")
	k.want(h.Has("Retry-After"), "a 503 without Retry-After")
	k.refused(400, k.setupHead(e.PushID(), ""), "session")
}

// broken sends bytes in the middle of a push, checks how it ends, and that
// another stream is not disturbed.
func (k *kit) broken(bytes []byte, words ...string) {
	k.Helper()
	other := k.second()
	good := other.push(synth.Plain(rate))
	v := other.view(player.VLC(), player.Options{})
	e := k.push(synth.Plain(rate))
	e.send(3)
	k.check(e.Raw(k.ctx, bytes))
	e.refused(422, words...)
	k.logged(append(words, k.tag())...)
	good.send(gop)
	v.reaches(good)
}

func wrongByte(k *kit) {
	k.broken([]byte("#D\x10\x00"+strings.Repeat("x", 100)), "0x23", "must begin with 0x24")
}

func tooLongPacket(k *kit) {
	const length = 3201
	k.broken(append([]byte{'$', 'D', length & 0xFF, length >> 8}, make([]byte, length)...), "3201", "3200")
}

// starting sends bytes in the place of a header.
func (k *kit) starting(bytes string, length int64, words ...string) {
	k.Helper()
	e := k.encoder(synth.Plain(rate), push.Options{})
	e.setup()
	k.check(e.Start(k.ctx, length))
	k.check(e.Raw(k.ctx, []byte(bytes)))
	e.refused(422, words...)
	k.logged(append(words, k.tag())...)
	k.refused(503, k.get(vlc, plays), "no source")
}

func dataBeforeHeader(k *kit) {
	k.starting("$D\x03\x00\x82\x00\x00", push.Endless, "before", "header")
}

func brokenHeader(k *kit) {
	k.starting("$H\x20\x00"+strings.Repeat("x", 32), push.Endless, "header")
}

func bodyTooShort(k *kit) {
	k.starting("$H\x20\x00"+"\x30\x26\xB2\x75", 8, "middle of a packet")
}

func takeover(k *kit) {
	s := synth.Plain(rate)
	first := k.push(s)
	v := k.view(player.VLC(), player.Options{Splices: 1})
	first.send(gop)
	second := k.encoder(s.Again(), push.Options{})
	second.setup()
	k.check(second.Start(k.ctx, push.Endless))
	k.await("two encoders are connected", func() bool { return len(k.log("encoder is connected", k.tag())) == 2 })
	first.send(gop) // a start alone takes nothing over
	v.reaches(first)
	k.want(!first.Answered(), "a start alone ends the other push")
	k.check(second.Header(k.ctx, second.src.Header()))
	first.refused(409, "took the stream over")
	second.send(gop)
	v.packets(first.sent() + gop)
	k.want(v.v.Counts().Headers == 1, "%+v", v.v.Counts())
	k.logged("encoder's session is over", k.tag(), "took the stream over")
}

func shutdownEnds(k *kit) {
	own := *k
	own.pump = rig.Start(k.T, rig.Options{TLS: k.all.transport.identity, Config: `"streams": [` + pushStreams(k.row.on, []row{*k.row}) + `]`})
	own.addr = k.all.address(own.pump, false)
	e := own.push(synth.Plain(rate))
	v := own.view(player.VLC(), player.Options{})
	e.send(3)
	v.reaches(e)
	end := make(chan error, 1)
	go func() { end <- own.pump.Terminate() }()
	v.over()
	e.refused(503, "going down")
	k.check(v.Close())
	k.check(e.Close())
	k.check(<-end)
}
