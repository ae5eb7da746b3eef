package rtmp

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"streampump/codec"
	"streampump/codec/amf"
)

// What the answers of a conversation are made of.
const (
	toldWindow    = "5@0 002625a0"
	toldBandwidth = "6@0 002625a002"
	toldConnected = "_result 1 {fmsVer:FMS/3,5,3,888,capabilities:31} {level:status,code:NetConnection.Connect.Success,description:Connection succeeded.,objectEncoding:0}"
	toldBegin     = "4@0 000000000001"
	toldEOF       = "4@0 000100000001"
	toldAccess    = "|RtmpSampleAccess true true on 1"
)

// status is an onStatus on the stream.
func status(level, code, text string) string {
	return "onStatus 0 null {level:" + level + ",code:" + code + ",description:" + text + "} on 1"
}

// playing is what a viewer is told before its packets.
func toldPlaying(name string) []string {
	return []string{
		toldBegin, status("status", "NetStream.Play.Reset", "Playing and resetting "+name+"."),
		status("status", "NetStream.Play.Start", "Started playing "+name+"."), toldAccess,
	}
}

// connected is what a peer is told first.
var connected = []string{toldWindow, toldBandwidth, toldConnected}

// asked is the events of a handshake, a connect and so many calls.
func asked(calls int) string { return strings.Repeat("Reply…; ", 2+calls) }

func TestConversations(t *testing.T) {
	refused := func(code, text string) []string {
		return slices.Concat(connected, []string{"_result 2 null 1", status("error", code, text)})
	}
	sent := func(code, text, app, to, token string) []string {
		text += ": it is at " + to
		return slices.Concat(connected, []string{"_result 2 null 1",
			"onStatus 0 null {level:error,code:NetConnection.Connect.Rejected,description:" + text + ",ex:{code:302,redirect:" + app + ",redirect2:" + to + token + "}}",
			status("error", code, text)})
	}
	for _, c := range []struct {
		name   string
		in     *client
		events string
		told   []string
	}{
		{"ffmpeg_plays", player("streams", "live"), asked(1) + "Play live; streams",
			slices.Concat(connected, []string{"_result 2 null 1"}, toldPlaying("live"))},
		{"rtmpdump_plays", connect("live").say(2, typeUserControl, 0, 0, make([]byte, 10)).call("createStream", 2, nil).
			call("FCSubscribe", 3, nil, "x").call("play", 4, nil, "x", -1000), asked(1) + `Play live token="x"; streams`,
			slices.Concat(connected, []string{"_result 2 null 1"}, toldPlaying("live"))},
		{"GStreamer_plays", connect("streams").call("createStream", 2, nil).call("play", 0, nil, "LIVE?token=t", -2),
			asked(1) + `Play LIVE token="t"; streams`, slices.Concat(connected, []string{"_result 2 null 1"}, toldPlaying("LIVE"))},
		{"a_name_in_the_app", connect("streams/live").call("play", 2, nil, ""), asked(0) + "Play live; streams",
			slices.Concat(connected, toldPlaying("live"))},
		{"play2", connect("live").call("play2", 2, nil, append(amf.AppendString(amf.AppendKey(amf.AppendObject(nil), "streamName"), "flv:"), 0, 0, 9)),
			asked(0) + "Play live; streams", slices.Concat(connected, toldPlaying("live"))},
		{"createStream_twice", connect("live").call("createStream", 2, nil).call("createStream", 3, nil), strings.TrimSuffix(asked(2), "; "),
			slices.Concat(connected, []string{"_result 2 null 1", "_result 3 null 1"})},
		{"nothing", player("nothing", ""), asked(1) + "Play nothing; closes", refused("NetStream.Play.StreamNotFound", "there is no such stream here")},
		{"down", player("down", ""), asked(1) + "Play down; closes", refused("NetStream.Play.StreamNotFound", "the stream has no source now")},
		{"full", player("full", ""), asked(1) + "Play full; closes", refused("NetStream.Play.Failed", "the limit on viewers is reached")},
		{"sent", player("sent", ""), asked(1) + "Play sent; closes", sent("NetStream.Play.Failed", "the limit on viewers is reached", "rtmp://other:1935/streams", "rtmp://other/streams/sent", "")},
		{"sent_with_a_token", player("sent", "?token=a~b"), asked(1) + `Play sent token="a~b"; closes`,
			sent("NetStream.Play.Failed", "the limit on viewers is reached", "rtmp://other:1935/streams", "rtmp://other/streams/sent", "?token=a~b")},
		{"sent_with_an_odd_token", player("sent", "?token=a%26b"), asked(1) + `Play sent token="a%26b"; closes`,
			sent("NetStream.Play.Failed", "the limit on viewers is reached", "rtmp://other:1935/streams", "rtmp://other/streams/sent", "")},
		{"sent_with_a_password", player("sent", "?user=u&pass=p&token=t"), asked(1) + `Play sent token="t" user="u" password="p"; closes`,
			sent("NetStream.Play.Failed", "the limit on viewers is reached", "rtmp://other:1935/streams", "rtmp://other/streams/sent", "")},
		{"sent_where_it_has_a_token", player("handed", "?token=a~b"), asked(1) + `Play handed token="a~b"; closes`,
			sent("NetStream.Play.Failed", "the limit on viewers is reached", "rtmp://other:1935/a/b", "rtmp://other/a/b/sent?token=their~own", "")},
		{"moved", player("moved", ""), asked(1) + "Play moved; closes", sent("NetStream.Play.StreamNotFound", "there is no such stream here", "rtmps://other:322/x", "rtmps://other:322/x", "")},
		{"late", player("late", ""), asked(1) + "Play late; closes", refused("NetStream.Play.StreamNotFound", "the stream has no source now")},
		{"private", player("private", ""), asked(1) + "Play private; closes", refused("NetStream.Play.Failed", "this takes a name and a password")},
		{"foreign", player("foreign", ""), asked(1) + "Play foreign; closes", refused("NetStream.Play.StreamNotFound", "there is no such stream here")},
		{"no_path", player("", ""), asked(1) + "Play /; closes", refused("NetStream.Play.StreamNotFound", "there is no such stream here")},
		{"ping_while_playing", player("live", "").say(2, typeUserControl, 0, 0, []byte{0, 6, 1, 2, 3, 4}), asked(1) + "Play live; streams; Reply",
			slices.Concat(connected, []string{"_result 2 null 1"}, toldPlaying("live"), []string{"4@0 000701020304"})},
		{"ping_at_first", connect("live").say(2, typeUserControl, 0, 0, []byte{0, 6, 1, 2, 3, 4}), strings.TrimSuffix(asked(1), "; "),
			slices.Concat(connected, []string{"4@0 000701020304"})},
		{"pause_and_go_on", connect("live").call("play", 2, nil, "?token=t").call("pause", 3, nil, true, 0).call("pause", 4, nil, true, 0).
			call("pause", 5, nil, false, 0).call("pause", 6, nil, false, 0),
			asked(0) + `Play live token="t"; streams; Halt session=0x4242; Play session=0x4242 live token="t"; streams`,
			slices.Concat(connected, toldPlaying("live"), []string{
				status("status", "NetStream.Pause.Notify", "live is paused."), status("status", "NetStream.Unpause.Notify", "live goes on."),
			})},
		{"pause_and_be_refused", connect("full").call("play", 2, nil, "").call("pause", 3, nil, true, 0).call("pause", 4, nil, false, 0),
			asked(0) + "Play full; streams; Halt session=0x4242; Play session=0x4242 full; closes",
			slices.Concat(connected, toldPlaying("full"), []string{
				status("status", "NetStream.Pause.Notify", "full is paused."), status("error", "NetStream.Play.Failed", "the limit on viewers is reached"),
			})},
		{"stop_and_play_another", connect("streams").call("play", 2, nil, "live").call("closeStream", 0, nil).call("deleteStream", 0, nil, 1).
			call("play", 3, nil, "full"), asked(0) + "Play live; streams; Stop session=0x4242; Play full; closes",
			slices.Concat(connected, toldPlaying("live"), []string{status("error", "NetStream.Play.Failed", "the limit on viewers is reached")})},
		{"stop_and_play_it_again", connect("live").call("play", 2, nil, "").call("deleteStream", 0, nil, 1).call("play", 3, nil, ""),
			asked(0) + "Play live; streams; Stop session=0x4242; Play live; streams",
			slices.Concat(connected, toldPlaying("live"), toldPlaying("live"), []string{
				"onMetaData {width:320,height:180,videodatarate:900,audiodatarate:96.5,videocodecid:7,audiocodecid:10} on 1",
				"9@0 " + hexOf(avcHeader), "8@0 " + hexOf(aacHeader),
			})},
		{"a_second_play", connect("streams").call("play", 2, nil, "live").call("play", 3, nil, "live").call("play", 4, nil, "full").call("publish", 5, nil, "live"),
			asked(0) + "Play live; streams; Reply; Reply",
			slices.Concat(connected, toldPlaying("live"), []string{
				status("error", "NetStream.Play.Failed", "the connection has another stream"),
				status("error", "NetStream.Publish.BadName", "the connection has another stream"),
			})},
		{"what_is_passed_over", connect("streams").call("play", 2, nil, "live").call("receiveAudio", 0, nil, false).call("seek", 3, nil, 1000).
			call("_checkbw", 4, nil).call("fly", 5, nil).say(2, typeAck, 0, 0, []byte{0, 0, 0, 1}).say(7, 99, 0, 0, []byte("x")).
			say(6, typeVideo, 1, 0, avcHeader).say(5, typeData, 1, 0, bothMetadata).say(3, 19, 0, 0, []byte("x")),
			asked(0) + "Play live; streams", slices.Concat(connected, toldPlaying("live"))},
		{"commands_of_AMF3", dial().say(3, typeCommand3, 0, 0, append([]byte{0}, connectBody("live")...)).
			say(3, typeCommand3, 0, 0, append([]byte{0}, amf.AppendNull(amf.AppendNumber(amf.AppendString(nil, "play"), 2))...)),
			asked(0) + "Play live; streams", slices.Concat(connected, toldPlaying("live"))},
		{"stream_before_connect", dial().call("createStream", 1, nil).call("play", 2, nil, "live"), "Reply…; Reply…; Bad: a stream is asked for before connect; closes",
			[]string{"_result 1 null 1"}},
		{"a_command_without_a_name", connect("live").say(3, typeCommand, 0, 0, []byte{5}), asked(0) + "Bad: a command has no name that can be read; closes",
			slices.Concat(connected, []string{"onStatus 0 null {level:error,code:NetConnection.Connect.Closed,description:a command has no name that can be read}"})},
		{"a_command_too_long", connect("live").say(3, typeCommand, 0, 0, make([]byte, 16<<10+1)),
			asked(0) + "Bad: a message (type 20) of 16385 bytes is longer than the 16384 that are allowed; closes",
			slices.Concat(connected, []string{"onStatus 0 null {level:error,code:NetConnection.Connect.Closed,description:a message (type 20) of 16385 bytes is longer than the 16384 that are allowed}"})},
		{"RTMPE", &client{b: []byte{6, 0, 0}}, "Bad: the peer speaks encrypted RTMP (RTMPE), which is not supported; closes", nil},
		{"publish_where_there_is_nothing", encoder("nothing", ""), asked(3) + "Publish nothing; closes", slices.Concat(connected,
			calls, []string{status("error", "NetStream.Publish.BadName", "there is no such stream here")})},
		{"publish_where_another_is", encoder("busy", ""), asked(3) + "Publish busy; closes", slices.Concat(connected,
			calls, []string{status("error", "NetStream.Publish.BadName", "taken by 192.0.2.1")})},
		{"publish_where_one_may_not", encoder("closed_push", "secret"), asked(3) + `Publish closed token="secret"; closes`, slices.Concat(connected,
			calls, []string{status("error", "NetStream.Publish.Denied", "not from your network")})},
		{"calls_that_want_no_answer", connect("live").call("releaseStream", 0, nil, "x").call("FCPublish", 0, nil, "x").call("publish", 0, nil, "", "live"),
			asked(0) + "Publish live; takes", slices.Concat(connected, published("live"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			open := openServer
			if c.name == "pause_and_be_refused" {
				open = openFilling
			}
			h := wantAnyCut(t, c.in.b, open)
			if got := h.events(); got != c.events {
				t.Errorf("events: %s\nwant:   %s", got, c.events)
			}
			got := h.told(t)
			if !slices.Equal(got, c.told) {
				t.Errorf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.told, "\n"))
			}
		})
	}
}

// openFilling is a server whose stream is full for those who come again.
func openFilling() *host {
	h := openServer()
	h.decide = func(ev *codec.Event) codec.Verdict {
		if ev.Kind == codec.Play && ev.Session == 0 {
			return codec.Verdict{Session: viewerKey, Media: bothMedia}
		}
		return decide(ev)
	}
	return h
}

// calls is what an encoder's calls are answered with.
var calls = []string{"_result 2 null undefined", "_result 3 null undefined", "_result 4 null 1"}

// published is what an encoder is told at the beginning.
func published(name string) []string {
	return []string{toldBegin, status("status", "NetStream.Publish.Start", name+" is being published.")}
}

func connectBody(app string) []byte {
	b := amf.AppendObject(amf.AppendNumber(amf.AppendString(nil, "connect"), 1))
	return amf.AppendEnd(amf.AppendString(amf.AppendKey(b, "app"), app))
}

// The handshake is answered at once, with the peer's own bytes and without a version.
func TestGreeting(t *testing.T) {
	c1 := bytes.Repeat([]byte{9, 0, 0x7C, 2}, echoSize/4)
	h := openServer()
	h.feed(append([]byte{version}, c1...))
	out := h.out
	if len(out) != helloSize+echoSize || out[0] != version || !bytes.Equal(out[5:9], make([]byte, 4)) || !bytes.Equal(out[helloSize:], c1) {
		t.Errorf("%x", out)
	}
	h.feed(bytes.Repeat([]byte{0xFF}, echoSize)) // no echo at all
	h.feed(connect("live").b[helloSize+echoSize:])
	if got := h.events(); got != "Reply…; Reply…" {
		t.Error(got)
	}
}

// Answers are these bytes.
func TestGoldenAnswers(t *testing.T) {
	p := NewProtocol(Options{})
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"connect", p.appendConnected(nil, 1, false), `
020000000000040500000000 002625a0
020000000000050600000000 002625a002
020000000000040100000000 00010000
030000000000be1400000000 0200075f726573756c74003ff0000000000000030006666d7356657202000d464d532f332c352c332c383838000c6361706162696c697469657300403f0000000000000000090300056c6576656c0200067374617475730004636f646502001d4e6574436f6e6e656374696f6e2e436f6e6e6563742e53756363657373000b6465736372697074696f6e020015436f6e6e656374696f6e207375636365656465642e000e6f626a656374456e636f64696e67000000000000000000000009`},
		{"createStream", appendCreated(nil, 4), "0300000000001d1400000000 0200075f726573756c7400401000000000000005003ff0000000000000"},
		{"Publish.Start", appendStatus(nil, ourStream, levelStatus, publishStart, "ok"), "0500000000005b1401000000 0200086f6e537461747573000000000000000000050300056c6576656c0200067374617475730004636f64650200174e657453747265616d2e5075626c6973682e5374617274000b6465736372697074696f6e0200026f6b000009"},
		{"Play.Start", appendStatus(nil, ourStream, levelStatus, playStart, "ok"), "050000000000581401000000 0200086f6e537461747573000000000000000000050300056c6576656c0200067374617475730004636f64650200144e657453747265616d2e506c61792e5374617274000b6465736372697074696f6e0200026f6b000009"},
		{"call", appendAnswered(nil, 2), "030000000000151400000000 0200075f726573756c74004000000000000000 05 06"},
	} {
		if want := unhex(t, c.want); !bytes.Equal(c.got, want) {
			t.Errorf("%s: %x\nwant %x", c.name, c.got, want)
		}
	}
}

// Who has heard of Enhanced RTMP is told what is passed on, and who we are.
func TestConnectEnhanced(t *testing.T) {
	h := &host{sess: NewProtocol(Options{Server: "Stream-Pump/1.2"}).Accept(codec.Peer{}), decide: decide}
	h.feed(dial().call("connect", 1, []string{"app", "live", "fourCcList", "*"}).b)
	want := "_result 1 {fmsVer:FMS/3,5,3,888,capabilities:31,server:Stream-Pump/1.2,videoFourCcInfoMap:{*:4},audioFourCcInfoMap:{*:4},capsEx:14} "
	if got := h.told(t); len(got) != 3 || !strings.HasPrefix(got[2], want) {
		t.Errorf("%q", got)
	}
}

func TestClassify(t *testing.T) {
	p := NewProtocol(Options{})
	if p.Name() != "rtmp" || len(p.AppendRefusal(nil, codec.CauseFull)) != 0 {
		t.Error(p.Name())
	}
	for in, want := range map[string]codec.Claim{
		"":                                 codec.NeedMore,
		"\x03":                             codec.Mine,
		"\x06":                             codec.NotMine,
		"GET / HTTP/1":                     codec.NotMine,
		"\x16\x03\x01":                     codec.NotMine,
		"\x01\x00\x00\x00\xCE\xFA\x0B\xB0": codec.NotMine, // MMST
	} {
		if got := p.Classify([]byte(in)); got != want {
			t.Errorf("%q is claimed with %d, want %d", in, got, want)
		}
	}
}

// A connection is told its end as its state allows.
func TestEnd(t *testing.T) {
	over := []string{
		status("status", "NetStream.Play.UnpublishNotify", "live is over."), toldEOF,
		status("status", "NetStream.Play.Stop", "Stopped playing live."),
	}
	closed := func(text string) []string {
		return []string{"onStatus 0 null {level:error,code:NetConnection.Connect.Closed,description:" + text + "}"}
	}
	for _, c := range []struct {
		name   string
		in     *client
		cause  codec.Cause
		reason string
		want   []string
	}{
		{"nothing_said", &client{}, codec.CauseHeadLate, "", nil},
		{"half_a_handshake", &client{b: []byte{3, 0}}, codec.CauseHeadLate, "", nil},
		{"shaken_hands", dial(), codec.CauseHeadLate, "", nil},
		{"connected", connect("live"), codec.CauseHeadLate, "", closed("no complete request came in time")},
		{"playing", player("live", ""), codec.CauseEnded, "", over},
		{"playing_and_shut_down", player("live", ""), codec.CauseShutdown, "the pump is restarted", over},
		{"playing_and_failed", player("live", ""), codec.CauseFailed, "", []string{status("error", "NetStream.Play.Failed", "the server cannot go on")}},
		{"never_moved", player("live", ""), codec.CauseSwitch, "", nil},
		{"paused", player("live", "").call("pause", 5, nil, true), codec.CauseShutdown, "", closed("the server is going down")},
		{"publishing_and_taken", encoder("live", ""), codec.CauseTaken, "", []string{status("error", "NetStream.Publish.BadName", "another encoder took the stream over")}},
		{"publishing_and_silent", encoder("live", ""), codec.CauseIdle, "", []string{status("error", "NetConnection.Connect.Closed", "nothing came for too long")}},
		{"publishing_and_refused", encoder("live", ""), codec.CauseRefused, "its headers", []string{status("error", "NetConnection.Connect.Closed", "its headers")}},
		{"connected_and_no_room", connect("live"), codec.CauseFull, "", closed("no room for another connection")},
		{"connected_and_clear", connect("live"), codec.CauseClear, "", closed("this port speaks TLS: write rtmps:// in front of the address")},
		{"publishing_and_not_carried", encoder("live", ""), codec.CauseRefused, "", []string{status("error", "NetConnection.Connect.Closed", "the stream cannot take this")}},
		{"publishing_and_ended", encoder("live", ""), codec.CauseEnded, "", []string{status("status", "NetStream.Unpublish.Success", "the stream is over")}},
	} {
		h := openServer()
		h.feed(c.in.b)
		h.out = h.sess.AppendEnd(nil, c.cause, c.reason)
		if got := h.told(t); !slices.Equal(got, c.want) {
			t.Errorf("%s: told\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
		if n, ev := h.sess.Consume([]byte("xyz")); c.cause != codec.CauseSwitch && (n != 3 || ev.Kind != codec.None) {
			t.Errorf("%s: goes on with %v", c.name, ev.Kind)
		}
	}
}

// A player that asks for a stream anew, instead of ending its pause, begins anew too: it
// needs the headers, which the programme believes it has.
func TestPlaysAgainBehindAPause(t *testing.T) {
	for name, again := range map[string]func(*client) *client{
		"ended":   func(c *client) *client { return c.call("closeStream", 0, nil).call("play", 0, nil, "live") },
		"paused":  func(c *client) *client { return c.call("pause", 0, nil, true).call("play", 0, nil, "live") },
		"goes_on": func(c *client) *client { return c.call("pause", 0, nil, true).call("pause", 0, nil, false) },
		"ended_there": func(c *client) *client {
			return c.call("pause", 0, nil, true).call("closeStream", 0, nil).call("play", 0, nil, "live")
		},
	} {
		h := openServer()
		h.feed(player("live", "").b)
		h.out = nil
		h.feed(again(&client{size: firstChunk}).b)
		headers := 0
		for _, m := range messages(t, h.out) {
			if m.typ == typeVideo || m.typ == typeAudio {
				headers++
			}
		}
		if want := map[bool]int{true: 0, false: 2}[name == "goes_on"]; headers != want {
			t.Errorf("%s: %d headers, want %d", name, headers, want)
		}
	}
}

// Of a player that calls itself something long, no more is kept than anybody is told.
func TestLongAgentIsNotKept(t *testing.T) {
	c := dial().call("connect", 1, []string{"app", "live", "flashVer", strings.Repeat("x", 15_000)}).call("play", 2, nil, "")
	sessions := make([]codec.Session, 300)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range sessions {
		h := openServer()
		h.feed(c.b)
		sessions[i] = h.sess
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (int(after.HeapAlloc) - int(before.HeapAlloc)) / len(sessions); each > 5000 {
		t.Errorf("a session keeps %d bytes", each)
	}
	runtime.KeepAlive(sessions)
}

// What a viewer that plays costs, beside what the engine has of it: nothing for each
// acknowledgement of it, and little to keep.
func TestPlayingIsCheap(t *testing.T) {
	h := openServer()
	h.feed(player("live", "").b)
	s := h.sess.(*server)
	if s.q != nil || s.shake != nil || s.push != nil {
		t.Errorf("more is kept than is needed: %+v", s)
	}
	if got := unsafe.Sizeof(*s) + unsafe.Sizeof(*s.view) + unsafe.Sizeof(*s.app) + unsafe.Sizeof(*s.in.reading) +
		uintptr(cap(s.in.reading.streams))*unsafe.Sizeof(chunkStream{}); got > 600 {
		t.Errorf("a viewer's session has %d bytes", got)
	}
	for i := range s.in.reading.streams {
		if s.in.reading.streams[i].body != nil {
			t.Error("a buffer is kept")
		}
	}
	acks := bytes.Repeat(appendAck(nil, 1), 3)
	if got := testing.AllocsPerRun(100, func() {
		for _, b := range [2][]byte{acks[:16], acks[16:]} {
			if n, ev := s.Consume(b); n != len(b) || ev.Kind != codec.None {
				t.Errorf("took %d: %v", n, ev.Kind)
			}
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// What a viewer begins to say while it plays, and never ends, is bounded.
func TestViewersFillNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		sent []byte
		bad  bool
	}{
		{"picture", appendHead(nil, 6, typeVideo, 1, 0, 5000), true},
		{"command", appendHead(nil, 3, typeCommand, 1, 0, 4097), true},
		{"half_a_command", appendHead(nil, 3, typeCommand, 1, 0, 4096), false},
	} {
		h := openServer()
		h.feed(player("live", "").b)
		h.feed(c.sent)
		if got := strings.Contains(h.events(), "Bad"); got != c.bad {
			t.Errorf("%s: %s", c.name, h.events())
		}
	}
}
