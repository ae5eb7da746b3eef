package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/access"
	"streampump/engine/reason"
	"streampump/engine/stream"
)

// key is the session key in the first answer that the peer got, which it takes.
func (p *peer) takesKey() string {
	line, rest, _ := cutLine(p.got)
	_, key, _ := strings.Cut(line, "s=")
	p.got = []byte(rest)
	return key
}

// A viewer may ask in the middle of its stream. The answer comes at once, between two
// packets, wherever its socket has stopped.
func TestAnswersComeBetweenPackets(t *testing.T) {
	plainOnly(t, "a socket stops inside records")
	const packet = "<1:abcdefgh;"
	for _, c := range []struct{ request, answer string }{
		{"REPLY", "OK Reply\n"},
		{"CONTROL s=KEY", "OK Control s=KEY\n"},
		{"CONTROL s=1", "NOSESSION Control s=00000001\nEND"},
		{"DESCRIBE live s=KEY", "OK Describe s=KEY\n{A}"},
		{"LOOKUP live", "OK Lookup\n"},
	} {
		for stop := range len(packet) + 1 {
			b := newLab(t, labConfig())
			enc := b.encoder("live", "H A")
			enc.send("Pk x\n")
			v := b.viewer("v", 0, "PLAY live")
			key := v.takesKey()
			v.got, v.room = nil, stop
			enc.send("P abcdefgh\n")
			v.send(strings.ReplaceAll(c.request, "KEY", key) + "\n")
			enc.send("P last\n")
			v.setRoom(-1)
			want := packet + strings.ReplaceAll(c.answer, "KEY", key) + "<2:last;"
			if stop == 0 { // nothing of the packet has been sent
				want = strings.ReplaceAll(c.answer, "KEY", key) + packet + "<2:last;"
			}
			if answer, ends := strings.CutSuffix(c.answer, "END"); ends { // the session has it so
				want = packet + answer
				if stop == 0 {
					want = answer
				}
			}
			if string(v.got) != want {
				t.Errorf("%q, stopped at %d: got %q, want %q", c.request, stop, v.got, want)
			}
			b.finish()
		}
	}
}

// A viewer that halts its stream gets the rest of the packet it is in, and then the
// answer. Its room and its session are free; it can play again.
func TestViewerHaltsItsStream(t *testing.T) {
	plainOnly(t, "a socket stops inside records")
	const packet = "<1:abcdefgh;"
	for stop := range len(packet) + 1 {
		cfg := labConfig()
		cfg.Limits.Viewers.Viewers = 1
		b := newLab(t, cfg)
		enc := b.encoder("live", "H A")
		enc.send("Pk x\n")
		v := b.viewer("v", 0, "PLAY live")
		key := v.takesKey()
		v.got, v.room = nil, stop
		enc.send("P abcdefgh\n")
		v.send("HALT\nREPLY\n")
		enc.send("P more\n")
		v.setRoom(-1)
		want := packet + "OK Halt\nOK Reply\n"
		if stop == 0 {
			want = "OK Halt\nOK Reply\n"
		}
		if string(v.got) != want {
			t.Errorf("stopped at %d: got %q, want %q", stop, v.got, want)
		}
		if v.c.phase != phaseRequest || v.c.account.Load() != nil || v.c.key != 0 || b.e.order[0].Current().Viewers.Load() != 0 {
			t.Errorf("phase %d, it still views", v.c.phase)
		}
		other := b.viewer("other", 0, "PLAY live") // there is room for one
		if v.text(); !strings.HasPrefix(other.text(), `"OK Play`) {
			t.Error("the room of who halted is not free")
		}
		other.hangup()
		enc.send("Pk y\n")
		v.send("HALT\nPLAY live s=" + key + "\n")
		if got, want := v.text(), `"OK Halt" "OK Play s=`+key+`" {A} 3`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		v.hangup()
		b.logs(`msg="viewer left" stream=live peer=10.0.0.1:12 reason=viewer_left`)
		b.finish()
	}
}

// One that has halted has the time of any other connection between requests.
func TestHaltedViewerIsNotKeptForever(t *testing.T) {
	cfg := labConfig()
	b := newLab(t, cfg)
	b.encoder("live", "H A").send("Pk x\n")
	v := b.viewer("v", 0, "PLAY live")
	gone := b.viewer("gone", 0, "PLAY live")
	v.send("HALT\n")
	gone.send("HALT\n")
	gone.hangup()
	b.advance(cfg.Timeouts.KeepAlive - time.Second)
	if v.send("REPLY\n"); v.gone || v.fin {
		t.Error("it is closed too soon")
	}
	b.advance(cfg.Timeouts.KeepAlive + time.Second)
	if v.c.reason != reason.KeepAliveTimeout || gone.c.reason != reason.ViewerLeft {
		t.Errorf("closed: %v, and %v", v.c.reason, gone.c.reason)
	}
	b.logs("reason=viewer_left")
	b.finish()
}

// A viewer that stops its own Play on its own connection leaves as one that halts. The
// session says whether the connection goes on.
func TestViewerStopsItsOwnPlay(t *testing.T) {
	for _, closes := range []bool{false, true} {
		b := newLab(t, labConfig())
		enc := b.encoder("live", "H A")
		enc.send("Pk x\n")
		v := b.viewer("v", 0, "PLAY live")
		key := v.takesKey()
		v.text()
		v.room = 4
		enc.send("P abcdefgh\n")
		stop := "STOP s=" + key
		if closes {
			stop += " close"
		}
		v.send(stop + "\n")
		enc.send("P more\n")
		v.setRoom(-1)
		want := `1 "OK Stop s=` + key + `"`
		if got := v.text(); got != want || v.fin != closes {
			t.Errorf("got %s, want %s; closed: %v", got, want, v.fin)
		}
		if !closes {
			v.send("PLAY live s=" + key + "\n")
			if got := v.text(); !strings.HasPrefix(got, `"OK Play s=`+key) {
				t.Errorf("got %s", got)
			}
		}
		v.hangup()
		if want := map[bool]reason.Reason{true: reason.ViewerStopped, false: reason.ViewerLeft}[closes]; v.c.reason != want {
			t.Errorf("closed: %v, want %v", v.c.reason, want)
		}
		b.finish()
	}
}

// An encoder may ask while it sends: it is answered, its packets go on, and its time is
// counted by them. Requests are bounded as a viewer's are.
func TestEncoderAsksWhileItSends(t *testing.T) {
	cfg := labConfig()
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A")
	enc.got = nil
	enc.send("Pk x\nASK\nP y\nASK live\nP z\n")
	v := b.viewer("v", 0, "PLAY live")
	if got, seen := enc.text(), v.text(); !strings.HasPrefix(got, `"OK Reply" "OK Describe s=`) || !strings.HasSuffix(got, ` {A}`) || !strings.HasSuffix(seen, " 0-2") {
		t.Errorf("the encoder got %s, the viewer %s", got, seen)
	}
	for range 5 {
		b.advance(cfg.Timeouts.PushIdle / 4)
		enc.send("ASK\n")
	}
	if enc.c.reason != reason.PushIdle {
		t.Errorf("an encoder that only asks is not idle: %v", enc.c.reason)
	}
	b.finish()

	b = newLab(t, cfg)
	enc = b.encoder("live", "H A")
	if enc.send(strings.Repeat("ASK\n", 2*requestBurst)); enc.c.reason != reason.TooManyRequests {
		t.Errorf("an encoder that asks on and on: %v", enc.c.reason)
	}
	b.finish()

	b = newLab(t, cfg)
	enc = b.encoder("live", "H A")
	enc.room = 3
	for range 10 {
		b.advance(cfg.Timeouts.Stall / 4)
		enc.send("Pk x\nASK\n")
	}
	if enc.c.reason != reason.AnswerStalled {
		t.Errorf("an encoder that takes no answer: %v", enc.c.reason)
	}
	b.finish()
}

// A viewer whose request waits for a decision goes on to get its packets; what it sends
// behind that waits, in its order, and is bounded.
func TestDecisionInMidStream(t *testing.T) {
	begin := func(t *testing.T) (b *lab, j *judge, enc, v *peer) {
		b, j, enc = guarded(t)
		v = b.viewer("v", 0, "PLAY live u=anna:x")
		v.got = nil
		v.send("DESCRIBE live u=otto:x\nREPLY\nCONTROL s=1\n")
		enc.send("P a\nP b\n")
		if string(v.got) != "<1:a;<2:b;" || v.c.phase != phaseView {
			t.Fatalf("got %q in phase %d", v.got, v.c.phase)
		}
		v.got = nil
		return b, j, enc, v
	}
	for _, c := range []struct {
		name string
		goes func(b *lab, j *judge, enc, v *peer)
		want string // how it begins
		end  reason.Reason
	}{
		{"allowed", func(b *lab, j *judge, enc, _ *peer) {
			j.decide(b, access.Decision{Client: "otto"})
			enc.send("P c\n")
		}, "OK Describe s=*\n{A}OK Reply\nNOSESSION Control s=00000001\n", reason.Answered},
		{"says_who_it_is", func(b *lab, j *judge, enc, v *peer) {
			j.decide(b, access.Decision{Client: "otto"})
			v.hangup()
			b.logs("reason=answered bytes=")
			b.logs("client=anna")
		}, "OK Describe", reason.Answered},
		{"goes_on", func(b *lab, j *judge, enc, v *peer) {
			v.c.inbox.bytes = []byte("REPLY\n")
			enc.send("P c\n")
			j.decide(b, access.Decision{Client: "otto"})
			enc.send("P d\n")
		}, "<3:c;OK Describe s=*\n{A}OK Reply\n<4:d;", reason.None},
		{"challenged", func(b *lab, j *judge, enc, v *peer) {
			v.c.inbox.bytes = []byte("REPLY\n")
			j.decide(b, access.Decision{Outcome: access.Denied, Reason: "wrong", Public: "no"})
			enc.send("P c\n")
		}, "UNPROVEN Describe (no)\nOK Reply\n<3:c;", reason.None},
		{"too_late", func(b *lab, j *judge, enc, v *peer) {
			v.c.inbox.bytes = nil
			for range 11 {
				b.advance(time.Second)
				enc.send("P c\n")
			}
		}, "<3:c;<4:c;<5:c;<6:c;<7:c;<8:c;<9:c;<10:c;<11:c;UNDECIDED Describe\n", reason.Answered},
		{"stream_ends", func(b *lab, j *judge, enc, v *peer) {
			enc.send("FINISH\n")
			j.decide(b, access.Decision{Client: "otto"})
		}, "END ended\n", reason.StreamEnded},
		{"socket_full", func(b *lab, j *judge, enc, v *peer) {
			v.c.inbox.bytes = []byte("REPLY\n")
			v.room = 2
			enc.send("P c\n")
			j.decide(b, access.Decision{Client: "otto"})
			v.setRoom(-1)
			enc.send("P d\n")
		}, "<3:c;OK Describe s=*\n{A}OK Reply\n<4:d;", reason.None},
		{"floods", func(_ *lab, _ *judge, _, v *peer) {
			v.send(strings.Repeat("REPLY\n", maxWaiting/6+1))
		}, "", reason.TooManyRequests},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, j, enc, v := begin(t)
			c.goes(b, j, enc, v)
			got := string(v.got)
			if i := strings.Index(got, "s="); i >= 0 && strings.Contains(c.want, "*") {
				got = got[:i+2] + "*" + got[strings.IndexByte(got[i:], '\n')+i:]
			}
			if !strings.HasPrefix(got, c.want) || v.c.reason != c.end {
				t.Errorf("got %q, want %q; closed: %v, want %v", got, c.want, v.c.reason, c.end)
			}
			b.advance(20 * time.Second)
			b.finish()
		})
	}
}

// So does an encoder: its packets wait behind its request, and none is lost.
func TestDecisionInMidPush(t *testing.T) {
	for _, late := range []bool{false, true} {
		b, j, enc := guarded(t)
		v := b.viewer("v", 0, "PLAY live u=anna:x")
		v.text()
		enc.send("P a\nASK live u=otto:x\nP b\n")
		for i := range 20 {
			enc.send(fmt.Sprintf("P %s%d\n", strings.Repeat("x", 2000), i))
		}
		if got := v.text(); got != "1" || enc.gone || len(enc.got) > 0 {
			t.Errorf("the viewer got %s, the encoder %q", got, enc.got)
		}
		want := `"OK Describe s=`
		if late {
			want = `"UNDECIDED Describe"`
			b.advance(labConfig().Timeouts.Head + time.Second)
		} else {
			j.decide(b, access.Decision{Client: "otto"})
			enc.send("P last\n")
		}
		if got := enc.text(); !strings.HasPrefix(got, want) {
			t.Errorf("the encoder got %s, want %s", got, want)
		}
		if late && b.e.order[0].State() != stream.SourceHeld {
			t.Errorf("the session has ended the connection, and the stream is %v", b.e.order[0].State())
		}
		if got := v.text(); late && enc.c.phase < phaseEnding || !late && got != "2-23" {
			t.Errorf("late: %v, the viewer got %s", late, got)
		}
		b.advance(labConfig().Timeouts.PushIdle + time.Second)
		if enc.c.reason != reason.PushIdle && !late {
			t.Errorf("the encoder was closed: %v", enc.c.reason)
		}
		b.finish()
	}
}

// A flood behind the request of an encoder is bounded.
func TestPacketsBehindADecisionAreBounded(t *testing.T) {
	b, _, enc := guarded(t)
	enc.send("ASK live u=otto:x\n")
	packet := "P " + strings.Repeat("x", 60000) + "\n"
	for range maxBehind/len(packet) + 1 {
		enc.send(packet)
	}
	if enc.c.reason != reason.TooManyRequests {
		t.Errorf("closed: %v", enc.c.reason)
	}
	b.finish()
}
