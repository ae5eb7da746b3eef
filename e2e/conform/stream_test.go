package conform

import (
	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/codec/asf"
)

// streamRows are about the packets that a player gets.
func streamRows() []row {
	return []row{
		{23, "DataFraming", "every $D tells its length twice, rightly, and is no longer than the header says", "[MS-WMSP] 2.2.3.3", steady, dataFraming},
		{24, "LocationIDs", "LocationIds rise, from 0 where the source is fresh", "[MS-WMSP] 2.2.3.1.2", steady, locationIDs},
		{25, "AFFlags", "AFFlags of $D are 0, or count from 0", "[MS-WMSP] 2.2.3.1.2", steady, afFlags},
		{26, "KeyFrameStart", "a joiner's first $D is the newest in which a key frame begins", "[MS-WMSP] 3.2.5.7", steady, keyFrameStart},
		{27, "SoundAtOnce", "without video a joiner gets $D at once", "[MS-RTSP] 3.2.7.7.1", steady, soundAtOnce},
		{28, "KindsOfPacket", "no $M, $P, $T, $F nor B flag comes through, whatever the encoder sends", "ffmpeg, VLC, MPlayer", steady, kindsOfPacket},
		{29, "LargeHeader", "a header above 65,524 bytes, which is what VLC takes, comes in several $H, any other in one", "[MS-WMSP] 2.2.3.1.2", steady, largeHeader},
		{30, "ShortPackets", "a short packet with one payload tells its length itself", "ffmpeg, VLC, MPlayer", steady, shortPackets},
		{31, "ObjectsUnchanged", "every media object is to the byte what the encoder sent", "[ASF] 5.2.3", steady, objectsUnchanged},
		{34, "StalledViewer", "a viewer that does not read delays nobody, and goes on at a key frame", "[MS-WMSP] 3.2.5.7", steady, stalledViewer},
		{0, "TrimmedStart", "what precedes the key frame in a joiner's first packet is not sent to it", "ffmpeg, MPlayer, VLC", steady, trimmedStart},
		{0, "NoKeyFrameYet", "a joiner without a key frame to start at gets $H at once and starts anywhere in the end", "libmms", keyless, noKeyFrameYet},
		{0, "EncoderFour", "a stream of Expression Encoder 4's shape comes through, header and packets", "Expression Encoder 4", steady, encoderFour},
	}
}

// watched pushes n packets of a stream to a viewer that was there before them.
func (k *kit) watched(s synth.Spec, n int) (*encoder, *viewer) {
	k.Helper()
	e := k.push(s)
	v := k.view(player.VLC(), player.Options{})
	e.send(n - e.sent())
	v.reaches(e)
	return e, v
}

// packetsOf reads n packets as they come.
func (k *kit) packetsOf(n int) []player.Packet {
	k.Helper()
	e := k.push(synth.Plain(rate))
	c, _ := k.open(k.get(vlc, plays))
	e.send(n - e.sent())
	var out []player.Packet
	for range n + 1 {
		p, err := c.Packet(k.ctx)
		k.check(err)
		out = append(out, p)
	}
	return out[1:]
}

func dataFraming(k *kit) {
	size := synth.Plain(rate).PacketSize
	for _, p := range k.packetsOf(gop) {
		n := p.Length - 8
		k.want(p.Kind == player.KindData && !p.Burst, "$%c, B flag %v", p.Kind, p.Burst)
		k.want(p.Confirm == p.Length && n > 0 && n <= size, "lengths %d and %d of a packet of at most %d", p.Length, p.Confirm, size)
	}
}

func locationIDs(k *kit) {
	for i, p := range k.packetsOf(gop) {
		// Gaps would be allowed; nobody is skipped here and the encoder makes none.
		k.want(p.LocationID == uint32(i), "packet %d has LocationId %d", i, p.LocationID)
	}
}

func afFlags(k *kit) {
	packets := k.packetsOf(300) // past where a counter of one byte begins anew
	counts := packets[1].AFFlags == 1
	for i, p := range packets {
		want := uint8(0)
		if counts {
			want = uint8(i)
		}
		k.want(p.AFFlags == want, "packet %d has AFFlags %d", i, p.AFFlags)
	}
}

func keyFrameStart(k *kit) {
	e := k.push(synth.Plain(rate))
	e.send(3 * gop)
	k.taken(e.sent())
	v := k.view(player.VLC(), player.Options{})
	v.packets(1)
	first := v.v.Counts().First
	k.want(e.key > gop && first == uint32(e.key), "the first packet is %d, the newest key frame begins in %d", first, e.key)
	e.send(gop)
	v.reaches(e)
	v.same(e, player.ByHash)
}

func soundAtOnce(k *kit) {
	e := k.push(synth.Sound(64_000))
	e.send(5)
	k.taken(5)
	k.view(player.VLC(), player.Options{}).packets(1)
}

func kindsOfPacket(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.view(player.VLC(), player.Options{}) // judges every packet's kind
	for _, n := range []int{1, 2, 3} {
		k.check(e.Filler(k.ctx, n))
		// Kinds that an encoder does not send are passed over by their length.
		k.check(e.Raw(k.ctx, []byte("$M\x03\x00xyz$T\x00\x00$S\x04\x00\x00\x00\x00\x00")))
		packet := e.next()
		k.check(e.Raw(k.ctx, []byte{'$' | 0x80, 'D', byte(len(packet)), byte(len(packet) >> 8)}))
		k.check(e.Raw(k.ctx, packet))
	}
	e.send(gop)
	v.reaches(e)
	v.same(e, player.ByHash)
}

func largeHeader(k *kit) {
	for _, c := range []struct{ size, pieces int }{{65_524, 1}, {65_525, 2}, {65_531, 2}} {
		s := synth.Plain(rate)
		s.HeaderSize = c.size
		e := k.push(s)
		conn, _ := k.open(k.get(vlc, plays))
		k.pieces(conn, c.pieces, c.size)
		k.check(e.End(k.ctx, 0))
		e.left()
		k.source("down")
	}
}

// pieces checks that a body begins with a header in n $H.
func (k *kit) pieces(c *player.Conn, n, size int) {
	k.Helper()
	got := 0
	for i := range n {
		want := byte(0)
		if i == 0 {
			want |= 0x04
		}
		if i == n-1 {
			want |= 0x08
		}
		p, err := c.Packet(k.ctx)
		k.check(err)
		got += len(p.Payload)
		k.want(p.Kind == player.KindHeader && p.LocationID == uint32(i) && p.AFFlags == want,
			"piece %d of %d is $%c with LocationId %d and AFFlags %02x", i, n, p.Kind, p.LocationID, p.AFFlags)
	}
	k.want(got == size, "a header of %d bytes came as %d", size, got)
}

func shortPackets(k *kit) {
	s := synth.Plain(rate)
	s.Multiple, s.Strip, s.Padding = false, true, asf.Word
	e := k.push(s)
	v := k.view(player.VLC(), player.Options{}) // judges that each tells its length
	short := 0
	for range 2 * gop {
		e.send(1)
		if b := e.packet; len(b) < s.PacketSize && b[3]&1 == 0 && b[3]>>5&3 == 0 {
			short++
		}
	}
	k.want(short > 0, "the encoder sent no short packet")
	v.reaches(e)
	k.want(v.same(e, player.ByContent) > gop, "too few packets were compared")
	k.logged(k.tag(), "without their padding")
}

func objectsUnchanged(k *kit) {
	for i, s := range []synth.Spec{synth.Plain(rate), synth.EE4(30)} {
		k := k
		if i == 1 {
			k = k.second()
		}
		e, v := k.watched(s, 3*gop) // checks each object's bytes by their pattern
		c := v.v.Counts()
		k.want(c.Objects > gop && c.Cut == 0 && c.Tails == 0, "%+v", c)
		k.want(v.same(e, player.ByContent) == 3*gop-1, "packets differ")
	}
}

func stalledViewer(k *kit) {
	const all = 30 * gop // some four megabytes, of which the backlog keeps less than two
	e := k.push(synth.Plain(rate))
	stalled, h := k.open(k.get(vlc, plays))
	k.check(player.CheckPlay(h))
	healthy := k.view(player.VLC(), player.Options{})
	for e.sent() < all {
		e.send(gop)
		healthy.reaches(e)
	}
	k.want(healthy.v.Counts().Gaps == 0, "the healthy viewer was skipped: %+v", healthy.v.Counts())
	v := k.watch(stalled, player.VLC(), player.Options{})
	k.check(e.End(k.ctx, 0))
	c := v.over()
	k.want(c.Gaps > 0 && int(c.Last) == e.sent()-1, "the stalled viewer saw %+v of %d packets", c, all)
}

func trimmedStart(k *kit) {
	s := synth.Plain(rate)
	s.Streams[0].Size, s.Streams[0].KeySize = 300, 900 // several pictures to a packet
	e, trimmed := k.push(s), 0
	for range 2 * gop {
		e.send(1)
		k.taken(e.sent())
		if e.key < e.sent()-1 {
			continue
		}
		v := k.view(player.FFmpeg(), player.Options{})
		v.packets(1) // judged: the first video payload begins the key frame
		if v.v.Records()[0].Content != e.records[e.key].Content {
			trimmed++
		}
		k.check(v.Close())
	}
	k.want(trimmed > 0, "there was nothing to trim")
}

func noKeyFrameYet(k *kit) {
	s := synth.Plain(rate)
	s.Streams[0].GOP = 1 << 20
	e := k.encoder(s, push.Options{})
	for range gop {
		e.next() // what has the only key frame is not sent
	}
	e.records = nil
	e.setup()
	e.begin(push.Endless)
	v := k.view(player.VLC(), player.Options{AnyStart: true})
	k.await("the joiner's wait is over", func() bool { return k.stream().Anywhere == 1 })
	e.send(1)
	v.packets(1)
}

func encoderFour(k *kit) {
	e, v := k.watched(synth.EE4(30), 2*gop)
	sent, got := e.src.Header(), v.v.Header()
	k.want(len(sent) == len(got), "a header of %d bytes came as %d", len(sent), len(got))
	differ := 0
	for i := range sent {
		if sent[i] != got[i] {
			differ++
		}
	}
	// What may differ is what makes a stream live: sizes, counts, durations, a flag.
	const live = 8 + 8 + 8 + 8 + 4 + 8 + 8
	k.want(differ <= live, "%d bytes of the header were changed", differ)
	k.want(e.src.PacketSize() == 8223, "packets of %d bytes", e.src.PacketSize())
	k.want(v.same(e, player.ByContent) == 2*gop-1, "packets differ")
}
