package rtsp

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

// onlyUDP is what a source answers that does not send over TCP.
func onlyUDP() string { return camAnswers("461 Unsupported Transport") }

// fromPorts is what it says of a track that it sends by UDP.
func fromPorts(ours, theirs string) string {
	return "Transport: RTP/AVP;unicast;client_port=" + ours + ";server_port=" + theirs
}

const (
	asks0   = "SETUP rtsp://cam/live/trackID=1|Transport: RTP/AVP;unicast;client_port=40000-40001\r\n"
	asks2   = "SETUP rtsp://cam/live/trackID=2|Transport: RTP/AVP;unicast;client_port=40002-40003\r\n|" + sid
	refuses = "Setup to=[1 1 1 1]: the source answered 461 Unsupported Transport to SETUP of track 1 (H264, 90000 Hz): it does not send over TCP"
)

// toHear are the turns of a source that sends by UDP, up to its packets.
func toHear(description string) []turn {
	return []turn{
		{camOK("Public: GET_PARAMETER"), "DESCRIBE rtsp://cam/live"},
		{camDescribes(description, "Content-Base: rtsp://cam/live/"), "SETUP rtsp://cam/live/trackID=1|" + setUp0},
		{onlyUDP(), asks0 + "|!Session"},
		{camOK(fromPorts("40000-40001", "6970-6971"), sid), asks2},
		{camOK(fromPorts("40002-40003", "6970-6971")), "PLAY rtsp://cam/live/|" + sid},
		{camOK(), ""},
	}
}

// A source that refuses TCP for its first track is asked for UDP, at ports of the engine's,
// and says from where it sends. All else that one may answer is refused.
func TestPullByUDP(t *testing.T) {
	asked := func(more ...turn) []turn { return append(toHear(camSDP)[:3], more...) }
	both := func(more ...turn) []turn { return append(toHear(camSDP)[:4], more...) }
	first := "the source does not send track 1 by UDP from its address to ours, although it does not send over TCP either: its Transport is "
	for _, c := range []pulled{
		{name: "ordinary", turns: toHear(camSDP), events: refuses + "; Publish to=[6970 6971 6970 6971]", end: tearsDown},
		{name: "of_its_own_address", turns: both(
			turn{camOK("Transport: RTP/AVP/UDP;unicast;source=10.0.0.5;client_port=40002-40003;server_port=50000"), "PLAY rtsp://cam/live/"}),
			events: refuses + "; Publish to=[6970 6971 50000 50001]", end: tearsDown},
		{name: "of_nobodys_address", turns: both(
			turn{camOK(fromPorts("1-2", "6972-6973;source=0.0.0.0")), "PLAY rtsp://cam/live/"}),
			events: refuses + "; Publish to=[6970 6971 6972 6973]", end: tearsDown},
		{name: "of_a_name", turns: both(
			turn{camOK(fromPorts("1-2", "6972-6973;source=cam.local")), "PLAY rtsp://cam/live/"}),
			events: refuses + "; Publish to=[6970 6971 6972 6973]", end: tearsDown},
		{name: "mapped", turns: both(
			turn{camOK(fromPorts("1-2", "6972-6973;source=::ffff:10.0.0.5")), "PLAY rtsp://cam/live/"}),
			events: refuses + "; Publish to=[6970 6971 6972 6973]", end: tearsDown},
		{name: "asks_for_a_password", turns: asked(
			turn{camAnswers("401 Unauthorized", `WWW-Authenticate: Basic realm="x"`), asks0 + "|Authorization: Basic dTpw"}),
			events: refuses, end: ""},
		{name: "packets_between_answers", turns: append(toHear(camSDP), turn{frame(0, rtpOf(1)) + "\x00" + camSays("OPTIONS * RTSP/1.0", "CSeq: 7"), "RTSP/1.0 200 OK|CSeq: 7"}),
			events: refuses + "; Publish to=[6970 6971 6970 6971]", end: tearsDown},
		{name: "ends_it", turns: append(toHear(camSDP), turn{camSays("TEARDOWN rtsp://cam/live RTSP/1.0", "CSeq: 7"), tearsDown}),
			events: refuses + "; Publish to=[6970 6971 6970 6971]; Finish"},
		{name: "sends_us_on", turns: append(toHear(camSDP), turn{camSays("REDIRECT rtsp://cam/live RTSP/1.0", "CSeq: 7", "Location: rtsp://other/live"), ""}),
			events: refuses + "; Publish to=[6970 6971 6970 6971]; Redial", end: tearsDown},

		{name: "elsewhere", turns: asked(turn{camOK(fromPorts("40000-40001", "6970-6971;source=10.0.0.6"), sid), ""}),
			events: refuses + `; Bad: the source would send track 1 from "10.0.0.6", and nothing is heard but what comes from its connection's address, 10.0.0.5`, end: tearsDown},
		{name: "no_ports", turns: asked(turn{camOK("Transport: RTP/AVP;unicast;client_port=40000-40001", sid), ""}),
			events: refuses + `; Bad: the source does not say from which ports, 1024 and above, it sends track 1: its Transport is "RTP/AVP;unicast;client_port=40000-40001"`, end: tearsDown},
		{name: "ports_of_services", turns: asked(turn{camOK(fromPorts("40000-40001", "53-54"), sid), ""}),
			events: refuses + `; Bad: the source does not say from which ports, 1024 and above, it sends track 1: its Transport is "RTP/AVP;unicast;client_port=40000-40001;server_port=53-54"`, end: tearsDown},
		{name: "to_many", turns: asked(turn{camOK("Transport: RTP/AVP;multicast;destination=232.0.0.1;port=5000-5001"), ""}),
			events: refuses + "; Bad: " + first + `"RTP/AVP;multicast;destination=232.0.0.1;port=5000-5001"`},
		{name: "over_TCP_after_all", turns: asked(turn{camOK(setUp0), ""}),
			events: refuses + "; Bad: " + first + `"RTP/AVP/TCP;unicast;interleaved=0-1"`},
		{name: "does_not_say", turns: asked(turn{camOK(sid), ""}), events: refuses + "; Bad: " + first + `""`, end: "TEARDOWN rtsp://cam/live/"},
		{name: "neither", turns: asked(turn{onlyUDP(), ""}),
			events: refuses + "; Bad: the source answered 461 Unsupported Transport to SETUP of track 1 (H264, 90000 Hz): it sends neither over TCP nor over UDP"},
		{name: "only_one_by_UDP", turns: both(turn{onlyUDP(), ""}),
			events: refuses + "; Bad: the source answered 461 Unsupported Transport to SETUP of track 2 (PCMA, 8000 Hz): it sends the track before it over UDP, and all must come the same way", end: tearsDown},
		{name: "only_one_by_TCP", turns: append(toPlay()[:3], turn{onlyUDP(), ""}),
			events: "Bad: the source answered 461 Unsupported Transport to SETUP of track 2 (PCMA, 8000 Hz): it sends the track before it over TCP, and all must come the same way", end: tearsDown},
	} {
		t.Run(c.name, c.run)
	}
}

// A source is asked for nothing further if the engine has no ports for it.
func TestPullWithoutPorts(t *testing.T) {
	for _, v := range []codec.Verdict{{Code: codec.Refused}, {}} {
		h := openPull(nil)
		h.decide = func(ev *codec.Event) codec.Verdict {
			if ev.Kind == codec.Setup {
				return v
			}
			return codec.Verdict{}
		}
		for _, x := range toHear(camSDP)[:3] {
			h.out = nil
			h.feed([]byte(strings.ReplaceAll(x.in, "CSEQ", fmt.Sprint(h.sess.(*pull).cseq))))
		}
		if end := h.sess.AppendEnd(nil, codec.CauseRefused, ""); len(h.out)+len(end) > 0 || h.next != codec.Close {
			t.Errorf("said %q, and at the end %q; next %d", h.out, end, h.next)
		}
	}
}

// heardPull is a pull of what ffmpeg announces, whose packets come by UDP.
func heardPull(t testing.TB) *host {
	t.Helper()
	h := openPull(nil)
	for _, x := range toHear(strings.ReplaceAll(encoderSDP, "streamid=", "trackID=")) {
		h.feed([]byte(strings.ReplaceAll(x.in, "CSEQ", fmt.Sprint(h.sess.(*pull).cseq))))
	}
	if p := h.sess.(*pull); p.stage != stagePlaying {
		t.Fatalf("stage %d: %s", p.stage, h.events())
	}
	h.log = nil
	return h
}

// What comes by UDP is as from an encoder: the header before the first packet, reports that
// came before behind it, the end with all goodbyes. What comes over the connection is none.
func TestPullHears(t *testing.T) {
	h := heardPull(t)
	for _, d := range []struct {
		channel uint8
		data    string
	}{
		{1, report}, {3, "nothing"}, {0, ""}, {0, "nothing"}, {4, picturePacket}, {255, picturePacket}, {1, picturePacket},
		{0, picturePacket}, {0, picturePacket}, {2, soundPacket}, {0, report}, {1, report}, {0, "no packet"},
	} {
		h.hear(t, d.channel, []byte(d.data), began)
	}
	h.feed([]byte(frame(0, picturePacket) + camSays("OPTIONS * RTSP/1.0", "CSeq: 7")))
	h.hear(t, 1, []byte(byePic), began)
	h.hear(t, 3, []byte(byeSnd), began)
	data := func(channel uint8, data string) string { return fmt.Sprintf("; Packet %d:%x", channel, data) }
	want := "Header" + data(1, report) + data(0, picturePacket) + data(2, soundPacket) + data(1, report) + data(0, "no packet") + "; Reply; Finish"
	if got := h.events(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	n := len(h.log)
	h.ended = false
	if h.hear(t, 0, []byte(picturePacket), began); len(h.log) != n {
		t.Errorf("after the end: %q", h.log[n:])
	}
}

// Whatever the order of its datagrams, viewers get what they would over a connection.
func TestPullHeardInAnyOrder(t *testing.T) { heardInAnyOrder(t, heardPull) }

// A source is heard from when PLAY is said, not before, and not on another connection.
func TestPullHearsInTime(t *testing.T) {
	h := openPull(nil)
	s := h.sess.(codec.Knocking)
	turns := toHear(camSDP)
	heard := func() bool {
		n := len(h.log)
		h.hear(t, 0, []byte(rtpOf(1)), began)
		return len(h.log) > n
	}
	for i, x := range turns {
		if heard() != (i == len(turns)-1) { // it is in a hurry
			t.Errorf("turn %d: heard %t", i, i < len(turns)-1)
		}
		h.feed([]byte(strings.ReplaceAll(x.in, "CSEQ", fmt.Sprint(h.sess.(*pull).cseq))))
	}
	h.hear(t, 0, []byte(rtpOf(3)), began)
	if _, ok := s.Due(); !ok {
		t.Error("nothing waits")
	}
	h.feed([]byte(camSays("REDIRECT rtsp://cam/live RTSP/1.0", "CSeq: 7", "Location: rtsp://other/live")))
	if _, ok := s.Due(); ok || heard() {
		t.Error("who sends us on is heard")
	}
	h.hello()
	if _, ok := s.Due(); ok || heard() {
		t.Error("another connection has what was heard on the last")
	}
}

// The session is kept alive over the connection.
func TestPullByUDPKeepsAlive(t *testing.T) {
	h := heardPull(t)
	p := h.sess.(*pull)
	start := p.now
	for now := start; now < start+55*time.Second; {
		said, next := p.Tick(nil, now)
		if len(said) > 0 || next != now+waiting {
			t.Fatalf("%q is said at %v, and the next tick is at %v, although nothing has come", said, now, next)
		}
		now = next
	}
	h.hear(t, 0, []byte(picturePacket), began)
	said, next := p.Tick(nil, start+55*time.Second)
	wantSaid(t, string(said), "GET_PARAMETER rtsp://cam/live/|Session: 12345678")
	if next != start+110*time.Second {
		t.Errorf("the next tick is at %v", next)
	}
}

// What is sent to a source is a packet without anything and a report about nobody.
func TestPullKnocks(t *testing.T) {
	s := heardPull(t).sess.(codec.Knocking)
	for channel, want := range map[uint8]string{0: "800000000000000000000000", 1: "80c9000100000000", 2: "800000000000000000000000", 3: "80c9000100000000"} {
		b := s.AppendKnock([]byte{'x'}, channel)
		if got := hex.EncodeToString(b[1:]); b[0] != 'x' || got != want || rtp.IsReport(b[1:]) != (channel&1 == 1) {
			t.Errorf("channel %d: %s, want %s", channel, got, want)
		}
	}
}

// FuzzPullHear: whatever datagrams come from a source that is pulled, and when, the session
// keeps the contract, and what it passes on a programme takes.
func FuzzPullHear(f *testing.F) { fuzzHear(f, heardPull) }
