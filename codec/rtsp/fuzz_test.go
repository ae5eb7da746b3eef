package rtsp

import (
	"bytes"
	"strings"
	"testing"

	"streampump/codec"
)

// FuzzServer: whatever a peer sends, and whatever the engine decides, the session keeps
// the contract, does not depend on the pieces, answers in whole messages, and holds no
// more than a bound.
func FuzzServer(f *testing.F) {
	play := ""
	for _, x := range played() {
		play += x.in
	}
	f.Add([]byte(crlf(ffmpegDescribe+ffmpegSetup+ffmpegSetup2+ffmpegPlay)+frame(1, "report")+crlf(ffmpegTeardown)), uint64(0))
	f.Add([]byte(crlf(play+ask("PAUSE", "rtsp://h/live", 4)+ask("PLAY", "rtsp://h/live", 5)+"RTSP/1.0 200 OK\n\n")), uint64(0))
	f.Add([]byte(pushed()+frame(1, report)+frame(0, picturePacket)+frame(2, soundPacket)+frame(3, byeSnd)+frame(1, byePic)), uint64(0))
	f.Add([]byte(pushed()+frame(0, picturePacket)+crlf(ask("PAUSE", "rtsp://h/live", 6)+ask("TEARDOWN", "rtsp://h/live", 7))), uint64(0))
	f.Add([]byte(announced("rtsp://h/live", 1, sinkSDP)+crlf(ask("SETUP", "rtsp://h/live/stream=0", 2, tcp)+ask("RECORD", "rtsp://h/live", 3))+frame(0, picturePacket)), uint64(0x1B))
	f.Add([]byte(crlf(ask("DESCRIBE", "rtsp://u:p@h/live?token=t/trackID=1", 1, "Require: x")+ask("DESCRIBE", "rtsp://h/live", 2, `Authorization: Digest username="u", uri="/live", nonce="", response=""`))), uint64(0xA8))
	f.Add([]byte("\r\n$\x00\x00\x01xOPTIONS * RTSP/1.0\nCSeq : 1\n\n\x80"), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, verdicts uint64) {
		whole, cut := openFuzzed(verdicts), openFuzzed(verdicts)
		whole.feed(bytes.Clone(b))
		for _, p := range cuts(b, verdicts) {
			cut.feed(bytes.Clone(p))
		}
		if whole.transcript() != cut.transcript() || whole.fail != "" {
			t.Fatalf("whole %s\ncut %s", whole.transcript(), cut.transcript())
		}
		s := cut.sess.(*server)
		if p := s.in.packets; p != nil && cap(p.buf) > 2*(1<<16) || s.in.msg != nil && cap(s.in.msg.body) > 2*maxAnnounced {
			t.Error("too much is held")
		}
		if s.state == recording && s.push == nil || s.state == playing && !s.view.isSetUp() || s.in.packets != nil && s.state != recording {
			t.Errorf("%+v", s)
		}
		wantMessages(t, s.AppendEnd(cut.out, codec.CauseEnded, ""))
	})
}

// openFuzzed is a host whose engine decides by the bits of a number, four for each
// decision, over and over.
func openFuzzed(verdicts uint64) *host {
	h := openServer()
	h.decide = func(ev *codec.Event) codec.Verdict {
		verdicts = verdicts>>4 | verdicts<<60
		c := codec.Code(verdicts & 15)
		switch {
		case ev.Kind == codec.Reply || ev.Kind == codec.Bad:
			return codec.Verdict{}
		case c == codec.OK || c > codec.Undecided:
			v := codec.Verdict{Session: uint64(c) + 1, Media: bothMedia}
			if c == codec.Undecided+1 {
				v.Media = soundMedia
			}
			return v
		}
		return codec.Verdict{Code: c, Challenge: &challenge, Location: "rtsp://other/x", RetryAfter: 1e9}
	}
	return h
}

// wantMessages fails unless b is answers of ours and frames, whole and nothing else.
func wantMessages(t *testing.T, b []byte) {
	t.Helper()
	in := &inlet{}
	in.wanted()
	for len(b) > 0 {
		n, found, err := in.next(b, 0)
		if err != nil || found == nothing || found == aRequest {
			t.Fatalf("%v %v in %q", found, err, b)
		}
		if found == anAnswer && !strings.HasPrefix(string(b), "RTSP/1.0 ") {
			t.Fatalf("%q", b)
		}
		b = b[n:]
	}
}
