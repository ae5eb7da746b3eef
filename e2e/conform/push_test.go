package conform

import (
	"context"
	"fmt"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/codec/asf"
)

// pushRows are about what an encoder sends, and what viewers get of it.
func pushRows() []row {
	return []row{
		{53, "Filler", "$F of any size between packets is seen by nobody", "[MS-WMHTTP] 2.2.3.5", steady, filler},
		{54, "PushContinued", "a body that is complete gets 204, and the next one goes on with $D", "[MS-WMHTTP] 4.2", steady, pushContinued},
		{55, "HeaderInChange", "after $E(1) a $C with an equivalent header goes on, and open players see nothing of it", "[MS-WMHTTP] 2.2.3.2", steady, headerInChange},
		{56, "OtherHeader", "another header ends open players with $E(0) and moves Windows Media Player with $E(1) $C $H", "[MS-WMSP] 3.2.4.2", steady, otherHeader},
		{64, "PushBytewise", "a byte for each TCP segment makes no difference", "RFC 9293", steady, pushBytewise},
		{0, "EncoderRestart", "an encoder that ends without $E and starts anew goes on for its viewers, and a gap in the LocationIds tells", "[MS-WMHTTP] 3.2.7.1", steady, encoderRestart},
		{0, "HeaderInPieces", "a header pushed in several $H is put together", "[MS-WMSP] 2.2.3.1.2", steady, headerInPieces},
		{0, "Upload", "ASF in chunks is a push too, ends with its last chunk and is thanked for", "ffmpeg -f asf", steady, uploaded},
		{0, "UploadCut", "one that is cut off is held for, and goes on with the next", "ffmpeg -f asf", steady, uploadCut},
		{0, "UploadRefused", "a push of anything else in chunks is told what to do, and so is the operator", "operators", steady, uploadRefused},
		{0, "HeaderRepeated", "the present header, said again between packets, costs nothing", "[MS-WMHTTP] 3.2.5.3", steady, headerRepeated},
		{0, "StraySendTime", "a packet whose send time is astray goes out in its place, and the others at their times", "[ASF] 5.2.2", steady, straySendTime},
		{0, "NoKeyFrameAnyMore", "an encoder that comes back and sends no key frame is waited for, and then goes on anywhere", "key_frame_wait", keyless, noKeyFrameAnyMore},
		{0, "BareChange", "a $C without a header inside, as players get it, is followed by a $H", "[MS-WMSP] 2.2.3.2", steady, bareChange},
	}
}

func filler(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.view(player.VLC(), player.Options{})
	for _, n := range []int{0, 1, 65_531, 100} {
		k.check(e.Filler(k.ctx, n))
		e.send(gop)
	}
	v.reaches(e)
	k.want(v.same(e, player.ByHash) == e.sent()-1, "packets differ")
}

func pushContinued(k *kit) {
	e := k.encoder(synth.Plain(rate), push.Options{})
	e.setup()
	const body = 200_000
	e.begin(body)
	v := k.view(player.VLC(), player.Options{})
	e.send(gop)
	for range 2 {
		h, err := e.Complete(k.ctx)
		k.check(err)
		k.pushID(h)
		k.check(e.Start(k.ctx, body))
		e.send(gop)
	}
	v.reaches(e)
	k.want(v.same(e, player.ByHash) == e.sent()-1, "packets differ")
}

// change brings another run of the encoder on the same connection.
func (e *encoder) change(s synth.Spec, header func(ctx context.Context, b []byte) error) {
	e.k.Helper()
	src, err := synth.New(s)
	e.k.check(err)
	e.src, e.records = src, nil
	e.k.check(header(e.k.ctx, src.Header()))
}

func headerInChange(k *kit) {
	s := synth.Plain(rate)
	e := k.push(s)
	var viewers []*viewer
	for _, c := range player.Clients() {
		viewers = append(viewers, k.view(c, player.Options{Splices: 2}))
	}
	e.send(gop)
	k.check(e.End(k.ctx, 1))
	e.change(s.Again(), e.Change)
	e.send(gop)
	e.change(s.Again().Again(), e.Change) // without $E(1) before it
	e.send(gop)
	k.await("two splices", func() bool { return k.stream().Splices == 2 })
	const all = 1 + 3*gop
	k.taken(all)
	for _, v := range viewers {
		c := v.packets(all)
		k.want(c.Headers == 1 && !c.Ended, "%+v", c)
	}
}

func otherHeader(k *kit) {
	s := synth.Plain(rate)
	e := k.push(s)
	open := k.view(player.VLC(), player.Options{})
	file := k.view(player.Curl(), player.Options{})
	windows := k.view(player.WMP12(), player.Options{})
	e.send(gop)
	e.change(s.Other(), e.Change)
	e.send(gop)
	c := open.over()
	k.want(c.Packets == 1+gop && c.Headers == 1, "an open player saw %+v", c)
	k.check(file.Verify(k.ctx, file.v, func(player.Counts) bool { return false }))
	k.want(file.v.Counts().Packets == 1+gop, "a file has %+v", file.v.Counts())
	c = windows.until(func(c player.Counts) bool { return c.Headers == 2 && c.Last == gop-1 })
	k.want(c.Packets > 1+gop, "Windows Media Player saw %+v", c)
	k.view(player.VLC(), player.Options{}).packets(1)
}

func pushBytewise(k *kit) {
	s := synth.Plain(rate)
	s.PacketSize = 400
	for i := range s.Streams {
		s.Streams[i].Size, s.Streams[i].KeySize = 150, 0
	}
	e := k.encoder(s, push.Options{Bytewise: true})
	e.setup()
	e.begin(push.Endless)
	v := k.view(player.VLC(), player.Options{})
	const n = 12
	e.send(n / 2)
	k.check(e.Filler(k.ctx, 5))
	e.send(n / 2)
	v.reaches(e)
	k.want(v.same(e, player.ByHash) == e.sent()-1, "packets differ")
	k.check(e.End(k.ctx, 0))
	v.over()
}

func encoderRestart(k *kit) {
	s := synth.Plain(rate)
	e := k.push(s)
	v := k.view(player.FFmpeg(), player.Options{})
	e.send(gop)
	k.taken(e.sent())
	k.check(e.Close())
	k.source("held")
	k.refused(503, k.get(vlc, plays), "no source") // joiners wait
	e = k.push(s.Again())
	e.send(gop)
	c := v.packets(2 * (1 + gop))
	k.want(c.Gaps == 1 && c.Missing == 1 && c.Headers == 1, "%+v", c)
	k.logged("source continues", k.tag())
}

func headerInPieces(k *kit) {
	s := synth.Plain(rate)
	s.HeaderSize = 150_000
	e := k.encoder(s, push.Options{})
	e.setup()
	k.check(e.Start(k.ctx, push.Endless))
	const piece = 60_000
	for b := e.src.Header(); len(b) > 0; b = b[min(piece, len(b)):] {
		k.check(e.Header(k.ctx, b[:min(piece, len(b))]))
	}
	k.source("up")
	e.send(1)
	c, _ := k.open(k.get(vlc, plays))
	k.pieces(c, 3, s.HeaderSize)
	k.view(player.VLC(), player.Options{}).packets(1)
}

// lap is a number of packets that no key frame falls in with.
const lap = 7

func headerRepeated(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.view(player.VLC(), player.Options{})
	for range 3 * gop / lap {
		k.check(e.Header(k.ctx, e.src.Header()))
		e.send(lap)
	}
	v.reaches(e)
	k.want(v.same(e, player.ByHash) == e.sent()-1, "packets differ")
	k.want(k.stream().Splices == 0, "it counts as a new source")
}

func straySendTime(k *kit) {
	s := synth.Plain(rate)
	s.Start = 3_600_000
	e := k.push(s)
	v := k.view(player.VLC(), player.Options{})
	for range 4 {
		e.send(lap)
		b := e.next()
		k.check(asf.SetSendTime(b, e.src.PacketSize(), 0))
		k.check(e.Data(k.ctx, b))
	}
	e.send(gop)
	c := v.reaches(e)
	k.want(v.same(e, player.ByContent) == e.sent()-1, "packets differ")
	var p asf.Packet
	k.check(p.Parse(e.packet, e.src.PacketSize()))
	k.want(c.SendTime == p.SendTime(), "the newest packet is sent at %d and should be at %d", c.SendTime, p.SendTime())
	k.logged("clock went back by", k.tag())
}

func noKeyFrameAnyMore(k *kit) {
	s := synth.Plain(rate)
	s.Streams[0].GOP = 1 << 20
	e := k.push(s)
	c, _ := k.open(k.get(vlc, plays))
	e.send(gop)
	k.taken(e.sent())
	k.check(e.Close())
	k.source("held")
	e = k.encoder(s.Again(), push.Options{})
	e.setup()
	for range gop {
		e.next() // what has the only key frame is not sent
	}
	e.header(push.Endless)
	before := k.stream()
	k.await("the stream goes on", func() bool {
		e.send(1)
		return k.stream().PacketsIn > before.PacketsIn
	})
	k.want(k.stream().LeftOut > 0, "no key frame was waited for")
	k.logged("sends no key frame", k.tag())
	for last := uint32(0); last <= 1+gop; {
		p, err := c.Packet(k.ctx)
		k.check(err)
		if p.Kind == player.KindData {
			last = p.LocationID
		}
	}
}

func bareChange(k *kit) {
	s := synth.Plain(rate)
	e := k.push(s)
	v := k.view(player.VLC(), player.Options{Splices: 1})
	e.send(gop)
	k.check(e.Change(k.ctx, nil))
	e.change(s.Again(), e.Header)
	e.send(gop)
	v.packets(1 + 2*gop)
}

// upload begins a push in chunks on a new connection, with the header and a packet.
func (k *kit) upload(s synth.Spec, fields ...string) (*encoder, *player.Conn) {
	k.Helper()
	src, err := synth.New(s)
	k.check(err)
	e, c := &encoder{k: k, src: src}, k.dial()
	fields = append([]string{"HTTP/1.1", "User-Agent: Lavf/59.27.100", "Transfer-Encoding: chunked"}, fields...)
	_, err = c.Write([]byte(request("POST "+k.pushURL(), fields...)))
	k.check(err)
	k.chunk(c, src.Header())
	k.source("up")
	before := k.stream().PacketsIn
	k.chunk(c, e.next())
	k.taken(int(before) + 1)
	return e, c
}

// chunk sends a chunk, in two writes.
func (k *kit) chunk(c *player.Conn, b []byte) {
	k.Helper()
	for _, part := range []string{fmt.Sprintf("%X\r\n%s", len(b), b[:len(b)/2]), string(b[len(b)/2:]) + "\r\n"} {
		_, err := c.Write([]byte(part))
		k.check(err)
	}
}

func uploaded(k *kit) {
	e, c := k.upload(synth.Plain(rate))
	v := k.view(player.VLC(), player.Options{})
	file := k.view(player.Curl(), player.Options{})
	for range gop {
		k.chunk(c, e.next())
	}
	v.reaches(e)
	file.reaches(e)
	k.want(v.same(e, player.ByHash) == e.sent()-1, "packets differ")
	h := k.ask(c, "0\r\n\r\n")
	k.want(h.Status == 204, "the end is answered %v", h)
	v.over()
	k.logged("encoder's session is over", k.tag(), "the encoder ended its stream")
}

func uploadCut(k *kit) {
	s := synth.Plain(rate)
	e, c := k.upload(s)
	v := k.view(player.FFmpeg(), player.Options{Splices: 1})
	for range gop {
		k.chunk(c, e.next())
	}
	k.taken(e.sent())
	k.check(c.Close())
	k.source("held")
	again, c := k.upload(s.Again(), waits)
	k.want(k.ask(c, "").Status == 100, "a body that is held back is not asked for")
	for range gop {
		k.chunk(c, again.next())
	}
	v.packets(e.sent() + again.sent() - 1)
}

func uploadRefused(k *kit) {
	for _, c := range []struct{ body, words string }{
		{"FLV\x01\x05\x00\x00\x00\x09", "a format other than ASF"},
		{"$H\x00\x10and so on", "ffmpeg -f asf_stream"},
	} {
		h, body := k.final(request("POST "+k.pushURL(), "HTTP/1.1", "Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n", len(c.body), c.body))
		k.refusal(422, h, body, c.words, "as ffmpeg -f asf does")
		k.logged("encoder is refused", k.tag(), c.words)
	}
}
