package rtmp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
)

// Words of the media that the tests' sources send, in their events.
const (
	bothTracks = "Header H.264 320x180 (avcC High 1.2), AAC-LC 44.1 kHz stereo"
	onlySound  = "Header AAC-LC 44.1 kHz stereo"
)

// packets are events of packets, from their type, time and body.
func packets(p ...any) string {
	var all []string
	for i := 0; i < len(p); i += 3 {
		h := &puller{}
		h.event(&codec.Event{Kind: codec.Packet, Channel: uint8(p[i].(int)), Number: uint32(p[i+1].(int)), Data: []byte(p[i+2].(string))})
		all = append(all, h.log...)
	}
	return strings.Join(all, "; ")
}

// begins is what nginx-rtmp sends where a stream begins.
var begins = s4096.user(0, 1) + s4096.reports("status", "NetStream.Play.Start", "Start live") +
	s4096.says(5, typeData, 1, 0, amfs("|RtmpSampleAccess", true, true))

// described is that of pictures and sound.
var described = amfs("onMetaData", o{"width", 320, "height", 180, "videocodecid", 7, "audiocodecid", 10})

// started is the beginning of its media, of which the first key frame comes later.
var started = s4096.says(5, typeData, 1, 0, described) +
	s4096.says(6, typeAudio, 1, 0, soundHeader) + s4096.says(6, typeAudio, 1, 40, sound) +
	s4096.says(7, typeVideo, 1, 0, pictureHeader) + s4096.says(7, typeVideo, 1, 80, pictureKey)

var startedEvents = bothTracks + "; " + packets(8, 40, sound, 9, 80, pictureKey)

// Sources, and what each of them does otherwise.
func TestPullOfSources(t *testing.T) {
	for _, c := range []pulled{
		{name: "nginx_rtmp", turns: toPlayAnd(
			turn{begins, ""},
			turn{started, ""},
			turn{s4096.user(6, 0xC0FFEE), "4:000700c0ffee"},
			turn{s4096.says(6, typeAudio, 1, 60, sound) + s4096.says(7, typeVideo, 1, 120, pictureInter), ""},
		), events: startedEvents + "; " + packets(8, 60, sound, 9, 120, pictureInter), end: saysDelete},

		// Another encoder, on the same connection: times begin anew, and the source says it.
		{name: "nginx_rtmp_restarts", turns: toPlayAnd(
			turn{begins + started, ""},
			turn{s4096.says(7, typeVideo, 1, 160, pictureEnd) + s4096.user(1, 1), ""},
			turn{s4096.user(0, 1) + s4096.says(5, typeData, 1, 0, described) + s4096.says(7, typeVideo, 1, 0, pictureHeader) + s4096.says(7, typeVideo, 1, 0, pictureKey), ""},
		), events: startedEvents + "; " + packets(18, 0, described, 9, 0, pictureHeader, 9, 0, pictureKey), end: saysDelete},

		// Silent, until an encoder comes.
		{name: "nginx_rtmp_idle", turns: toPlayAnd(turn{begins, ""}, turn{s4096.user(6, 1), "4:000700000001"}), end: saysDelete},

		{name: "mediamtx", turns: instead(1,
			turn{s128.says(2, typeWindow, 0, 0, u32s(2_500_000)) + s128.says(2, typeBandwidth, 0, 0, u32s(2_500_000)+"\x02") +
				s128.says(2, typeChunkSize, 0, 0, u32s(65536)) + s65536.invokes(0, "_result", 1,
				o{"fmsVer", "LNX 9,0,124,2", "capabilities", 31}, o{"level", "status", "code", "NetConnection.Connect.Success", "description", "", "objectEncoding", 0}),
				strings.Replace(saysCreate, "004c4b40", "002625a0", 1)},
			turn{opened, saysPlay},
			turn{s4096.user(4, 1) + s4096.user(0, 1) + s4096.invokes(1, "onStatus", 4, nil, o{"level", "status", "code", "NetStream.Play.Reset"}) +
				s4096.invokes(1, "onStatus", 4, nil, o{"level", "status", "code", "NetStream.Play.Start"}) +
				s4096.invokes(1, "onStatus", 4, nil, o{"level", "status", "code", "NetStream.Data.Start"}) +
				s4096.invokes(1, "onStatus", 4, nil, o{"level", "status", "code", "NetStream.Play.PublishNotify"}), ""},
			turn{s65536.says(4, typeData, 1, 0, amfs("@setDataFrame")+described) + s4096.says(6, typeVideo, 1, 0, pictureHeader) +
				s4096.says(4, typeAudio, 1, 0, soundHeader) + s65536.says(6, typeVideo, 1, 0, pictureKey+strings.Repeat("k", 70_000)), ""},
		), events: bothTracks + "; " + packets(9, 0, pictureKey+strings.Repeat("k", 70_000)), end: saysDelete},

		{name: "srs", turns: instead(1,
			turn{s128.says(2, typeWindow, 0, 0, u32s(2_500_000)) + s128.says(2, typeBandwidth, 0, 0, u32s(2_500_000)+"\x02") +
				s128.says(2, typeChunkSize, 0, 0, u32s(60000)) + sized(60000).invokes(0, "_result", 1,
				o{"fmsVer", "FMS/3,5,3,888", "capabilities", 127, "mode", 1},
				o{"level", "status", "code", "NetConnection.Connect.Success", "description", "Connection succeeded", "objectEncoding", 0,
					"data", o{"version", "3,5,3,888", "srs_pid", 1}}),
				strings.Replace(saysCreate, "004c4b40", "002625a0", 1)},
			turn{sized(60000).invokes(0, "onBWDone", 0, nil), `"_checkbw" 5 null on 0`},
			turn{sized(60000).invokes(0, "onBWDone", 0, nil), ""},
			turn{opened, saysPlay},
			turn{s4096.user(0, 1) + s4096.reports("status", "NetStream.Play.Reset", "") + s4096.reports("status", "NetStream.Play.Start", "") +
				s4096.says(5, typeData, 1, 0, amfs("|RtmpSampleAccess", true, true)) + s4096.says(5, typeData, 1, 0, amfs("onStatus", o{"code", "NetStream.Data.Start"})), ""},
			turn{started, ""},
		), events: startedEvents, end: saysDelete},

		// Its chunks are of our size, and all media on stream 0.
		{name: "ffmpeg_listens", turns: instead(1,
			turn{s128.says(2, typeChunkSize, 0, 0, u32s(65536)) + s65536.says(2, typeWindow, 0, 0, u32s(2_500_000)) +
				s65536.says(2, typeBandwidth, 0, 0, u32s(2_500_000)+"\x02") + s65536.user(0, 0) + s65536.invokes(0, "_result", 1,
				o{"fmsVer", "FMS/3,0,1,123", "capabilities", 31},
				o{"level", "status", "code", "NetConnection.Connect.Success", "description", "Connection succeeded.", "objectEncoding", 0}) +
				s65536.invokes(0, "onBWDone", 0, nil, 8192),
				strings.Replace(saysCreate, "004c4b40", "002625a0", 1) + `; "_checkbw" 5 null on 0`},
			turn{s65536.invokes(0, "_result", 2, nil, 1) + s65536.invokes(0, "_result", 5, nil), saysPlay},
			turn{s65536.user(0, 1) + s65536.reports("status", "NetStream.Play.Start", "playing stream") +
				s65536.says(4, typeData, 0, 0, amfs("@setDataFrame")+described) + s65536.says(6, typeVideo, 0, 0, pictureHeader) +
				s65536.says(4, typeAudio, 0, 0, soundHeader) + s65536.says(6, typeVideo, 0, 0, pictureKey) + s65536.says(4, typeAudio, 0, 57, sound), ""},
		), events: bothTracks + "; " + packets(9, 0, pictureKey, 8, 57, sound), end: saysDelete},

		// Streams numbered otherwise, and media on stream 0.
		{name: "stream_of_7", turns: instead(2,
			turn{s4096.invokes(0, "_result", 2, nil, 7), strings.NewReplacer("on 1", "on 7", "0003000000010000", "0003000000070000").Replace(saysPlay)},
			turn{s4096.says(4, typeAudio, 7, 0, soundHeader) + s4096.says(4, typeAudio, 7, 0, sound) + s4096.says(4, typeAudio, 0, 2000, sound) + s4096.says(4, typeAudio, 1, 2100, sound), ""},
		), events: onlySound + "; " + packets(8, 0, sound, 8, 2000, sound), end: strings.Replace(saysDelete, " 1 on", " 7 on", 1)},

		// AMF3, in which commands and data begin with a byte.
		{name: "amf3", turns: instead(1,
			turn{s128.says(3, typeCommand3, 0, 0, "\x00"+amfs("_result", 1, nil, o{"level", "status"})), strings.Replace(saysCreate, "004c4b40", "002625a0", 1)},
			turn{s128.says(3, typeCommand3, 0, 0, "\x00"+amfs("_result", 2, nil, 1)), saysPlay},
			turn{s128.says(3, typeCommand3, 1, 0, "\x00"+amfs("onStatus", 0, nil, o{"level", "status", "code", "NetStream.Play.Start"})) +
				s128.says(4, typeData3, 1, 0, "\x00"+described) + strings.Repeat(s128.says(4, typeVideo, 1, 0, pictureHeader)+s128.says(4, typeAudio, 1, 0, soundHeader), 2) +
				s128.says(4, typeVideo, 1, 0, pictureKey), ""},
		), events: bothTracks + "; " + packets(9, 0, pictureHeader, 8, 0, soundHeader, 9, 0, pictureKey), end: saysDelete},

		// Wowza and others: aggregates, and a measurement of our bandwidth that asks back.
		{name: "aggregates", turns: toPlayAnd(
			turn{started, ""},
			turn{s4096.says(6, typeAggregate, 1, 5000, tag(typeAudio, 1000, sound)+tag(typeVideo, 1008, pictureInter)+tag(typeData, 1010, amfs("onTextData", "x"))), ""},
			turn{s4096.invokes(0, "_onbwcheck", 77, nil, "data"), `"_result" 77 null undefined on 0`},
			turn{s4096.invokes(0, "_error", 5, nil, o{"level", "error", "code", "NetConnection.Call.Failed"}), ""},
			turn{s4096.says(6, typeAggregate, 1, 6000, tag(typeAudio, 0, sound)), ""},
		), events: startedEvents + "; " + packets(8, 5000, sound, 9, 5008, pictureInter, 18, 5010, amfs("onTextData", "x"), 8, 6000, sound), end: saysDelete},

		// What is not known is passed over, and what comes too early.
		{name: "odd", turns: []turn{
			{s0s1s2, "C2; " + saysConnect},
			{s128.says(4, typeAudio, 1, 0, sound) + s128.says(9, 99, 0, 0, "?") + s128.user(0, 0) + s128.user(26) + s128.says(2, typeAck, 0, 0, u32s(3073)) +
				s128.invokes(0, "_result", 9, nil, 1) + s128.invokes(0, "onFCSubscribe", 0, nil, o{"code", "x"}), ""},
			{welcome, saysCreate},
			{opened + s4096.invokes(0, "_error", 3, nil, o{"level", "error", "code", "NetConnection.Call.Failed"}) + s4096.says(3, typeCommand, 0, 0, "\x02"), saysPlay},
			{begins + started + s4096.says(4, typeData, 1, 0, "\x02") + s4096.invokes(0, "_error", 88, nil), ""},
			{s4096.says(5, typeData, 1, 0, amfs("onStatus", o{"code", "NetStream.Data.Start"})) + s4096.says(5, typeData, 1, 0, amfs("|RtmpSampleAccess", true, true)) +
				s4096.says(5, typeData, 1, 0, amfs("onPlayStatus", o{"code", "NetStream.Play.Switch"})) + s4096.says(5, typeData, 1, 90, amfs("onCuePoint", "x")), ""},
		}, events: startedEvents + "; " + packets(18, 90, amfs("onCuePoint", "x")), end: saysDelete},

		{name: "ends_in_mid_stream", turns: toPlayAnd(turn{started, ""}, turn{s4096.reports("error", "NetStream.Play.Failed", "shut down"), ""}),
			events: startedEvents + `; Bad: the source ends the stream with NetStream.Play.Failed: it says "shut down"`, end: saysDelete},
		{name: "broken_in_mid_stream", turns: toPlayAnd(turn{started, ""}, turn{s4096.says(2, typeChunkSize, 0, 0, u32s(0)), ""}),
			events: startedEvents + "; Bad: the source's messages cannot be told apart: the peer announces a chunk size that does not exist: 0", end: saysDelete},
	} {
		t.Run(c.name, c.run)
	}
}

// tag is one of an aggregate.
func tag(typ byte, time uint32, body string) string {
	n := len(body)
	return string([]byte{typ, byte(n >> 16), byte(n >> 8), byte(n), byte(time >> 16), byte(time >> 8), byte(time), byte(time >> 24), 0, 0, 0}) + body + u32s(uint32(n+11))
}

// A source is told how much of it has come, each half of its window, whatever the pieces.
func TestPullAcknowledges(t *testing.T) {
	window := strings.Replace(welcome, u32s(5_000_000), u32s(20_000), 1)
	header := s4096.says(4, typeAudio, 1, 0, soundHeader)
	p := pulled{turns: instead(1,
		turn{window, strings.Replace(saysCreate, "004c4b40", "00004e20", 1)},
		turn{opened, saysPlay},
		turn{header, ""},
	), end: saysDelete}
	sent, said := len(window)+len(opened)+len(header), 0
	big := s4096.says(4, typeAudio, 1, 0, sound+strings.Repeat("s", 2997))
	for range 20 {
		x := turn{in: big}
		if sent += len(big); sent-said >= 10_000 {
			said = sent
			x.says = fmt.Sprintf("3:%08x", sent)
		}
		p.turns = append(p.turns, x)
	}
	p.run(t)
	if said < 50_000 {
		t.Errorf("%d bytes were acknowledged", said)
	}
}

// A source that sends one long message is told so without another byte of it.
func TestPullAcknowledgesAtOnce(t *testing.T) {
	h := openPull(nil)
	for _, x := range toPlay() {
		h.feed([]byte(x.in))
	}
	h.feed([]byte(s4096.says(2, typeWindow, 0, 0, u32s(30_000)) + started))
	said := len(h.out)
	h.feed([]byte(s4096.says(4, typeVideo, 1, 0, pictureInter+strings.Repeat("p", 40_000))))
	if got := heard(t, h.out[said:]); !strings.HasPrefix(got, "3:") {
		t.Errorf("said %q", got)
	}
	if last := h.log[len(h.log)-1]; !strings.HasPrefix(last, "Packet 9@0:2701") {
		t.Errorf("%.100s", last)
	}
}

// A message that lies whole in what was read is handed out where it lies, and what comes,
// acknowledgements and pongs among it, costs no memory.
func TestPullIsCheap(t *testing.T) {
	h := openPull(nil)
	for _, x := range toPlayAnd(turn{in: started}) {
		h.feed([]byte(x.in))
	}
	b := []byte(s4096.says(4, typeAudio, 1, 100, sound+strings.Repeat("s", 4000)) + s4096.user(6, 1) + s4096.says(7, typeVideo, 1, 100, pictureInter))
	p := h.sess.(*pull)
	var replies, whole int
	pass := func() {
		for rest := b; len(rest) > 0; {
			n, ev := p.Consume(rest)
			switch ev.Kind {
			case codec.Packet:
				if at := bytes.Index(b, ev.Data); &b[at] == &ev.Data[0] {
					whole++
				}
			case codec.Reply:
				h.out, _ = p.Answer(h.out[:0], &ev, nil)
				replies++
			}
			rest = rest[n:]
		}
	}
	if got := testing.AllocsPerRun(1000, pass); got != 0 || whole != 2*1001 || replies < 1001+3 {
		t.Errorf("%v allocations, %d messages where they lay, %d replies", got, whole, replies)
	}
}
