package rtsp

import (
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/codec/address"
)

// A source that loses its place among its packets is read on from where the next begins.
// Nothing of what is skipped is taken for a packet.
func TestPullResynchronises(t *testing.T) {
	one, two, three := frame(0, rtpOf(1)), frame(0, rtpOf(2)), frame(2, rtpOf(3))
	g1, g2, g3 := packetEvent(0, rtpOf(1)), packetEvent(0, rtpOf(2)), packetEvent(2, rtpOf(3))
	swallowed := packetEvent(0, rtpOf(1)[:11]+two[:5])
	const lost = "Bad: the source sends bytes that belong to no packet, again and again or very many"
	for _, c := range []struct{ name, in, want string }{
		{"junk_between", one + "xyz\x80\xFF" + two + three, g1 + "; " + g2 + "; " + g3},
		{"zeros_between", one + "\x00\x00\x00\x00" + two, g1 + "; " + g2},
		{"empty_line_and_junk", one + "\r\n\x01" + two, g1 + "; " + g2},
		{"empty_packet_and_junk", one + frame(0, "") + "\x01" + two, g1 + "; " + g2},
		{"nearly_an_answer", one + "RTSP/2.0" + two, g1 + "; " + g2},
		{"nearly_a_request", one + "OPTIONS\x00" + two, g1 + "; " + g2},
		{"nearly_a_packet", one + "\x00$\x00\x00\x10\x00" + two, g1 + "; " + g2},
		{"packet_of_nobody", one + "\x00" + frame(9, rtpOf(9)) + two, g1 + "; " + g2},
		{"short_packet", one + "\x00" + frame(0, "\x80") + two, g1 + "; " + g2},
		{"marks", one + "\x00$$$$" + two, g1 + "; " + g2},
		{"answer_behind_junk", one + "\x00" + camSays("RTSP/1.0 200 OK", "CSeq: 1") + two, g1 + "; " + g2},
		{"reolink", one[:15] + two + three + one, swallowed + "; " + g3 + "; " + g1},
		{"many_times", strings.Repeat(one+"\x00", maxSkips) + two, strings.Repeat(g1+"; ", maxSkips) + g2},
		{"too_many_times", strings.Repeat(one+"\x00", maxSkips+1) + two, strings.Repeat(g1+"; ", maxSkips+1) + lost},
		{"broken_answer", one + "RTSP/1.0 200 OK\r\n\x00", g1 + "; Bad: control byte 0x00 at byte 17 of the head"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := wantAnyCut(t, c.in, playingPull)
			got := strings.TrimPrefix(h.notable(), "Header; ")
			if n := strings.Count(got, ": "+errSkipped.Error()); n != 1 && c.name != "broken_answer" {
				t.Errorf("the operator is told %d times", n)
			}
			if got = strings.ReplaceAll(got, ": "+errSkipped.Error(), ""); got != c.want {
				t.Errorf("got  %.2000s\nwant %.2000s", got, c.want)
			}
		})
	}
}

// No more is skipped than two of the longest packets.
func TestPullSkipsNoMore(t *testing.T) {
	for n, want := range map[int]codec.Kind{maxSkipped: codec.None, maxSkipped + 1: codec.Bad} {
		h := playingPull()
		h.feed([]byte(frame(0, rtpOf(1)) + strings.Repeat("\x00", n)))
		if bad := strings.Contains(h.events(), "Bad"); bad != (want == codec.Bad) {
			t.Errorf("%d bytes: %s", n, h.events())
		}
	}
}

// playingPull is a pull whose packets come.
func playingPull() *host {
	h := openPull(nil)
	for _, x := range toPlay() {
		h.feed([]byte(strings.ReplaceAll(x.in, "CSEQ", fmt.Sprint(h.sess.(*pull).cseq))))
	}
	return h
}

// consume gives b to a session and counts its packets.
func consume(t testing.TB, s codec.Session, b []byte) (packets int) {
	for len(b) > 0 {
		n, ev := s.Consume(b)
		switch ev.Kind {
		case codec.Packet:
			packets++
		case codec.Bad:
			t.Fatal(ev.Err)
		}
		b = b[n:]
	}
	return packets
}

// What was skipped is forgotten after many packets in a row.
func TestPullForgetsWhatItSkipped(t *testing.T) {
	h := playingPull()
	calm := []byte(strings.Repeat(frame(0, rtpOf(1)), calmPackets))
	for range 3 {
		consume(t, h.sess, []byte(strings.Repeat(frame(0, rtpOf(1))+"\x00", maxSkips)))
		if n := consume(t, h.sess, calm); n != calmPackets {
			t.Fatalf("%d packets", n)
		}
	}
}

// A packet costs no memory, also where it comes in pieces.
func TestPullAllocatesNothing(t *testing.T) {
	h := playingPull()
	b := []byte(strings.Repeat(frame(0, rtpOf(1)+strings.Repeat("x", 1000))+frame(3, srOf), 10))
	packets := 0
	if n := testing.AllocsPerRun(50, func() {
		packets += consume(t, h.sess, b[:777]) + consume(t, h.sess, b[777:2049]) + consume(t, h.sess, b[2049:])
	}); n != 0 || packets != 51*20 {
		t.Errorf("%v allocations, %d packets", n, packets)
	}
}

// Whatever a source sends, however cut: the same happens, what we say is whole messages
// of RTSP, and what is kept is bounded.
func FuzzPull(f *testing.F) {
	f.Add([]byte(inOneGo(toPlay())+frame(0, rtpOf(1))+"\x00"+frame(2, rtpOf(2))+frame(1, byeOf)+frame(3, byeOf)), uint64(1), false)
	f.Add([]byte("RTSP/1.0 401 No\nWWW-Authenticate: Digest nonce=\"a\\\"b\",qop=auth\n\nRTSP/1.0 302 x\nLocation: //a:b@c?d\n\n"), uint64(2), false)
	f.Add([]byte(frame(0, rtpOf(1))+"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"+frame(0, "")+"$$\x00RTSP"), uint64(3), true)
	f.Add([]byte("RTSP/1.0 200 OK\n\nRTSP/1.0 200 OK\nContent-Base: x\nContent-Length: 40\n\nv=0\na=control:/q\nm=audio 0 RTP/AVP 0 8\na=b"), uint64(4), false)
	f.Add([]byte(inOneGo(toHear(camSDP))+frame(1, byeOf)+"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"), uint64(5), false)
	f.Fuzz(func(t *testing.T, b []byte, seed uint64, play bool) {
		open := func() *host {
			if play {
				return playingPull()
			}
			return openPull(nil)
		}
		end := func(h *host) string {
			if h.fail != "" {
				t.Fatal(h.fail)
			}
			p := h.sess.(*pull)
			h.out, _ = p.Tick(h.out, p.now+3600e9)
			if !h.ended {
				h.out = p.AppendEnd(h.out, codec.CauseShutdown, "")
			}
			if again := p.AppendEnd(nil, codec.CauseShutdown, ""); len(again) > 0 {
				t.Errorf("a second last word: %q", again)
			}
			if p.in.packets != nil && cap(p.in.packets.buf) > 2<<16 || len(p.session) > maxSession || len(p.base) > address.MaxLen && p.stage != stageOver {
				t.Error("too much is kept")
			}
			return h.transcript()
		}
		one, cut := open(), open()
		one.feed(b)
		for _, piece := range cuts(b, seed) {
			cut.feed(piece)
		}
		want := end(one)
		if got := end(cut); got != want {
			t.Errorf("cut, it went\n%s\nwhole, it went\n%s", got, want)
		}
		wantOurWords(t, one.out)
	})
}

// inOneGo are the answers of a source, as they come if each is waited for.
func inOneGo(turns []turn) (all string) {
	for i, x := range turns {
		all += strings.ReplaceAll(x.in, "CSEQ", fmt.Sprint(i+1))
	}
	return all
}

// wantOurWords checks that what was said is whole messages, and nothing else.
func wantOurWords(t *testing.T, said []byte) {
	in := &inlet{}
	for len(said) > 0 {
		n, found, err := in.next(said, 64<<10)
		if err != nil || found != aRequest && found != anAnswer || found == aRequest && verbOf(in.msg.req.Method) == verbUnknown {
			t.Fatalf("said %q: %v", said, err)
		}
		said = said[n:]
	}
}
