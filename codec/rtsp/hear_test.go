package rtsp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

// pushedApart are the requests of an encoder of two tracks that come by UDP, up to CSeq 4.
func pushedApart() string {
	const url = "rtsp://h/live"
	return announced(url, 1, encoderSDP) + crlf(
		ask("SETUP", url+"/streamid=0", 2, udp("5000-5001")+";mode=record")+
			ask("SETUP", url+"/streamid=1", 3, udp("5002-5003")+";mode=record")+
			ask("RECORD", url, 4))
}

// heard is a host that records from datagrams.
func heardHost(t testing.TB) *host {
	t.Helper()
	h := openNear()
	h.feed([]byte(pushedApart()))
	if h.next != codec.Ingest {
		t.Fatalf("%s\n%s", h.events(), h.out)
	}
	h.log = nil
	return h
}

// hear gives a datagram to the session as the engine does; nil is that time passes.
func (h *host) hear(t testing.TB, channel uint8, b []byte, now time.Time) {
	t.Helper()
	s := h.sess.(codec.Hearing)
	given := bytes.Clone(b)
	for calls, more := 0, true; more && !h.ended; calls, given = calls+1, nil {
		var ev codec.Event
		if ev, more = s.Hear(channel, given, now); ev.Kind == codec.None {
			break
		}
		if ev.Kind != codec.Header && ev.Kind != codec.Packet && ev.Kind != codec.Finish || calls > 4*rtp.WindowPackets {
			t.Fatalf("event %d is %v", calls, ev.Kind)
		}
		ev.At = now
		h.event(&ev)
	}
	if at, ok := s.Due(); ok && !at.After(now) {
		t.Fatalf("what is due at %v is not yielded at %v", at, now)
	}
}

func TestPushByDatagrams(t *testing.T) {
	const base, setup = "rtsp://h/live", "Setup live; Reply live; Reply live"
	announce := strings.ReplaceAll(announced(base, 1, encoderSDP), "\r", "")
	for _, c := range []conversation{
		{name: "pause", next: codec.Ingest,
			talk: []exchange{
				{in: announce, answer: says(1, "200 OK")},
				{in: ask("SETUP", base+"/streamid=1", 2, udp("5002-5003")), answer: says(2, "200 OK") + "Transport: RTP/AVP;unicast;client_port=5002-5003;server_port=6970-6971;mode=record\n" + ingestSession},
				{in: ask("SETUP", base+"/streamid=0", 3, "Transport: RTP/AVP/UDP;unicast;client_port=5000;mode=record"), answer: says(3, "200 OK") + "Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=6970-6971;mode=record\n"},
				{in: ask("RECORD", base, 4), answer: says(4, "200 OK")},
				{in: ask("GET_PARAMETER", base, 5), answer: says(5, "200 OK")},
				{in: ask("SETUP", base+"/streamid=0", 6, udp("7000-7001")), answer: says(6, "455 Method Not Valid in This State")},
				{in: ask("PAUSE", base, 7), answer: says(7, "200 OK")},
				{in: ask("SETUP", base+"/streamid=0", 8, udp("7000-7001")), answer: says(8, "200 OK")},
				{in: ask("RECORD", base, 9), answer: says(9, "200 OK")},
			},
			events: setup + "; Reply live; Publish session=0x8000000000000099 live to=[5000 5001 5002 5003]; Reply; Reply live; Pause live; Reply live; " +
				"Publish session=0x8000000000000099 live to=[7000 7001 5002 5003]"},
		{name: "one_track", next: codec.Ingest,
			talk: []exchange{
				{in: announce, answer: says(1, "200 OK")},
				{in: ask("SETUP", base+"/streamid=1", 2, udp("5002-5003")), answer: says(2, "200 OK")},
				{in: ask("RECORD", base, 3), answer: says(3, "200 OK")},
			},
			events: setup + "; Publish session=0x8000000000000099 live to=[5002 5003 0 0]"},
		{name: "both_ways", next: codec.Ingest,
			talk: []exchange{
				{in: announce, answer: says(1, "200 OK")},
				{in: ask("SETUP", base+"/streamid=0", 2, udp("5000-5001")), answer: says(2, "200 OK")},
				{in: ask("SETUP", base+"/streamid=1", 3, tcp), answer: says(3, "200 OK") + "Transport: RTP/AVP/TCP;unicast;interleaved="},
				{in: ask("RECORD", base, 4), answer: says(4, noTransport)},
				{in: ask("SETUP", base+"/streamid=0", 5, tcp), answer: says(5, "400 Bad Request")}, // the channels of the other
				{in: ask("SETUP", base+"/streamid=0", 6, "Transport: RTP/AVP/TCP;unicast;interleaved=4-5"), answer: says(6, "200 OK")},
				{in: ask("RECORD", base, 7), answer: says(7, "200 OK")},
			},
			events: setup + "; Reply live; Reply live; Reply live; Reply live; Publish session=0x8000000000000099 live"},
		{name: "the_same_ports", next: codec.Keep,
			talk: []exchange{
				{in: announce, answer: says(1, "200 OK")},
				{in: ask("SETUP", base+"/streamid=0", 2, udp("5000-5001")), answer: says(2, "200 OK")},
				{in: ask("SETUP", base+"/streamid=1", 3, udp("5000-5001")), answer: says(3, "400 Bad Request")},
				{in: ask("SETUP", base+"/streamid=1", 4, udp("5001-5002")), answer: says(4, "400 Bad Request")},
				{in: ask("SETUP", base+"/streamid=0", 5, udp("5001-5002")), answer: says(5, "200 OK")}, // its own
				{in: ask("SETUP", base+"/streamid=1", 6, udp("5000")), answer: says(6, "400 Bad Request")},
				{in: ask("SETUP", base+"/streamid=1", 7, "Transport: RTP/AVP;unicast;mode=record"), answer: says(7, noTransport)},
			},
			events: setup + strings.Repeat("; Reply live", 5)},
	} {
		t.Run(c.name, func(t *testing.T) { c.with(t, openNear) })
	}
}

// What comes is the encoder's packets as over a connection: the header before the first of
// them, reports that came before behind it, the end with all goodbyes. What is of no track,
// or comes over the connection, is nothing.
func TestHear(t *testing.T) {
	h := heardHost(t)
	for _, d := range []struct {
		channel uint8
		data    string
	}{
		{1, report}, {3, "nothing"}, {0, ""}, {0, "nothing"}, {4, picturePacket}, {255, picturePacket}, {1, picturePacket},
		{0, picturePacket}, {0, picturePacket}, {2, soundPacket}, {0, report}, {1, report}, {0, "no packet"},
	} {
		h.hear(t, d.channel, []byte(d.data), began)
	}
	h.feed([]byte(frame(0, picturePacket) + crlf(ask("GET_PARAMETER", "rtsp://h/live", 5))))
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

// sent is a datagram under way.
type sent struct {
	ev codec.Event
	at time.Time
}

// through are the events that a session makes of datagrams, which arrive in the order of
// their times; the engine asks it when something is due.
func through(t testing.TB, h *host, all []sent) {
	t.Helper()
	s := h.sess.(codec.Hearing)
	slices.SortStableFunc(all, func(a, b sent) int { return a.at.Compare(b.at) })
	for _, d := range all {
		for at, ok := s.Due(); ok && !at.After(d.at); at, ok = s.Due() {
			h.hear(t, 0, nil, at)
		}
		h.hear(t, d.ev.Channel, d.ev.Data, d.at)
	}
	for at, ok := s.Due(); ok; at, ok = s.Due() {
		h.hear(t, 0, nil, at)
	}
}

// outOf is what a programme makes of events, by track.
func outOf(t testing.TB, events []codec.Event) (tracks [2][]rtp.Packet) {
	t.Helper()
	pieces := feed(t, mustMedia(encoderSDP).NewProgramme(), events)
	for track := range tracks {
		tracks[track] = of(pieces, track)
	}
	return tracks
}

// Whatever the order of an encoder's packets, and how often they come, viewers get what
// they would over a connection; and if some are lost, the others.
func TestHeardInAnyOrder(t *testing.T) { heardInAnyOrder(t, heardHost) }

// heardInAnyOrder checks that of a session that open opens.
func heardInAnyOrder(t *testing.T, open func(testing.TB) *host) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		camera := newCamera()
		var all []sent
		var over []codec.Event
		for i, ev := range camera.play(100) {
			kept := i < 8 || seed%3 != 2 || random.IntN(20) > 0 // of a third some are lost
			if !kept {
				continue
			}
			over = append(over, ev)
			d := sent{ev, ev.At}
			if i >= 8 { // until then it is not known which is the first
				d.at = d.at.Add(time.Duration(random.Int64N(int64(rtp.WindowDelay))))
			}
			for range 1 + random.IntN(5)/4 {
				all = append(all, d)
				d.at = d.at.Add(time.Duration(random.Int64N(int64(time.Second))))
			}
		}
		h := open(t)
		through(t, h, all)
		got, want := outOf(t, h.data), outOf(t, over)
		for track := range want {
			if !slices.EqualFunc(got[track], want[track], samePacket) {
				t.Fatalf("seed %d, track %d: %d packets, want %d", seed, track, len(got[track]), len(want[track]))
			}
		}
	}
}

// A packet waits as long as it may for those before it, and no longer; a report does not.
func TestHeardInTime(t *testing.T) {
	h := heardHost(t)
	c := newCamera()
	p := c.play(2)
	s := h.sess.(codec.Hearing)
	h.hear(t, 0, p[0].Data, began)
	h.hear(t, 0, p[2].Data, began.Add(10*time.Millisecond))
	h.hear(t, 1, c.video.report(0).Data, began.Add(20*time.Millisecond))
	due, ok := s.Due()
	if !ok || !due.Equal(began.Add(10*time.Millisecond+rtp.WindowDelay)) || len(h.data) != 2 {
		t.Fatalf("%d events, and more at %v, %t", len(h.data), due, ok)
	}
	h.hear(t, 0, nil, due.Add(-1))
	if len(h.data) != 2 {
		t.Error("it has not waited")
	}
	h.hear(t, 0, nil, due)
	if _, ok := s.Due(); ok || len(h.data) != 3 || !bytes.Equal(h.data[2].Data, p[2].Data) {
		t.Errorf("%d events, and more %t", len(h.data), ok)
	}
}

// After a pause an encoder may count from anywhere.
func TestHeardAfterAPause(t *testing.T) {
	h := heardHost(t)
	packet := func(seq uint16) []byte {
		p := rtp.Packet{Type: 96, Seq: seq, SSRC: 1, Payload: slice}
		return p.Append(nil)
	}
	h.hear(t, 0, packet(50_000), began)
	h.hear(t, 0, packet(50_002), began) // which waits
	h.feed([]byte(crlf(ask("PAUSE", "rtsp://h/live", 5))))
	h.hear(t, 0, packet(50_003), began)
	if _, ok := h.sess.(codec.Hearing).Due(); ok || len(h.data) != 1 {
		t.Errorf("%d packets, and more %t, in a pause", len(h.data), ok)
	}
	h.feed([]byte(crlf(ask("RECORD", "rtsp://h/live", 6))))
	h.hear(t, 0, packet(49_900), began)
	if len(h.data) != 2 {
		t.Errorf("%d packets after a pause", len(h.data))
	}
}

// What an encoder sends costs nothing, in order or not.
func TestHearingIsCheap(t *testing.T) {
	hearingIsCheap(t, heardHost(t))
	hearingIsCheap(t, heardPull(t))
}

func hearingIsCheap(t *testing.T, h *host) {
	t.Helper()
	s := h.sess.(codec.Hearing)
	p := rtp.Packet{Type: 96, SSRC: 1, Payload: make([]byte, 1400)}
	b, now, n := p.Append(nil), began, 0
	pass := func() {
		for _, seq := range [8]uint16{0, 1, 3, 2, 2, 7, 4, 6} { // the fifth is lost
			now = now.Add(time.Millisecond)
			rtp.Rewrite(b, 96, p.Seq+seq, 0, 1)
			for given, more := b, true; more; given = nil {
				var ev codec.Event
				if ev, more = s.Hear(0, given, now); ev.Kind == codec.Packet {
					n++
				}
			}
		}
		p.Seq += 8
	}
	pass()
	now = now.Add(time.Second)
	for range 20 {
		pass()
		now = now.Add(rtp.WindowDelay)
	}
	n = 0
	if allocs := testing.AllocsPerRun(100, func() {
		pass()
		now = now.Add(rtp.WindowDelay)
	}); allocs != 0 || n < 100*7 {
		t.Errorf("%v allocations, %d packets", allocs, n)
	}
}

// FuzzHear: whatever datagrams come, and when, the session keeps the contract, and what it
// passes on a programme takes.
func FuzzHear(f *testing.F) { fuzzHear(f, heardHost) }

// fuzzHear is that for a session that open opens.
func fuzzHear(f *testing.F, open func(testing.TB) *host) {
	c := newCamera()
	var good, mixed []byte
	for i, ev := range append(append(c.reports(), c.play(5)...), c.reports()...) {
		good = appendFuzzStep(good, ev.Channel, 1, ev.Data)
		if i%7 != 3 {
			mixed = appendFuzzStep(mixed, ev.Channel, uint16(i%3), ev.Data)
		}
		if i%5 == 0 && i > 9 {
			mixed = append(mixed, good[len(good)-len(ev.Data)-5:]...)
		}
	}
	f.Add(good)
	f.Add(mixed)
	f.Add(appendFuzzStep(appendFuzzStep(appendFuzzStep(nil, 0, 0, []byte(picturePacket)), 1, 0, []byte(byePic)), 3, 9, []byte(byeSnd)))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := open(t)
		s, at := h.sess.(codec.Hearing), began
		for len(b) >= 5 && !h.ended {
			channel, size := b[0], min(int(b[3])<<8|int(b[4]), len(b)-5)
			at = at.Add(time.Duration(int(b[1])<<8|int(b[2])) * time.Millisecond)
			if due, ok := s.Due(); ok && !due.After(at) {
				h.hear(t, 0, nil, at)
			}
			h.hear(t, channel, b[5:5+size], at)
			b = b[5+size:]
		}
		if due, ok := s.Due(); ok && !h.ended {
			h.hear(t, 0, nil, due.Add(time.Minute))
			if _, ok := s.Due(); ok {
				t.Error("something waits for ever")
			}
		}
		if len(h.data) > 0 && h.headed == nil {
			t.Fatal("packets come without a header")
		}
		feed(t, bothMedia.NewProgramme(), h.data)
	})
}

// An encoder that sends only what it has not announced is told so over UDP too, and has taken
// nothing over.
func TestStrangePacketsOverUDP(t *testing.T) {
	h := heardHost(t)
	s, now := h.sess.(codec.Hearing), time.Now()
	for i := range maxForeign {
		p := rtp.Packet{Type: 7, Seq: uint16(i), Payload: []byte("x")}
		ev, more := s.Hear(0, p.Append(nil), now)
		want := codec.None
		if i == maxForeign-1 {
			want = codec.Bad
		}
		if ev.Kind != want || more {
			t.Fatalf("packet %d: %v, more %t", i, ev.Kind, more)
		}
		if ev.Kind == codec.Bad {
			h.event(&ev)
		}
	}
	if out := string(h.out); !strings.Contains(out, "payload type 7") || h.next != codec.Close {
		t.Errorf("next %d: %s", h.next, out)
	}
}
