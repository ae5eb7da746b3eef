package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
)

// unitLines are the packets of one unit behind a first one, as the source sends them and
// as viewers get them in each form.
func unitLines(sizes ...int) (lines string, forms map[string]string) {
	forms = map[string]string{}
	for i, size := range sizes {
		verb, kind := "Pi", "v"
		if i == 0 {
			verb = "P"
		}
		if i%3 == 1 {
			kind = "a"
		}
		payload := kind + strings.Repeat(string(rune('b'+i)), size)
		lines += verb + " " + payload + "\n"
		framed := fmt.Sprintf("<%d:%s;", i+1, payload)
		forms["PLAY live"] += framed
		forms["PLAY live plain"] += framed[1:]
		if kind == "v" {
			forms["PLAY live video"] += framed
		} else {
			forms["PLAY live audio"] += framed
		}
	}
	return lines, forms
}

// A socket stops at each byte of a unit in turn, in each form. Then the viewer is late:
// the unit is still in the ring, or has left it, or the stream's memory is short. The
// viewer gets the rest of the unit and goes on at the newest start.
func TestUnitIsWholeWhereverTheSocketStops(t *testing.T) {
	plainOnly(t, "a socket stops inside records")
	lines, forms := unitLines(3, 1, 0, 7, 2, 11, 0)
	for request, unit := range forms {
		for _, how := range []string{"late", "evicted", "let_go"} {
			for stop := range len(unit) + 1 {
				cfg := labConfig()
				cfg.Backlog.Duration, cfg.Backlog.MaxLag = time.Hour, time.Second
				if how != "late" {
					cfg.Backlog.Duration = time.Millisecond
				}
				b := newLab(t, cfg)
				b.env.Buffers.Segment = 40 // so that the vector has several pieces
				enc := b.encoder("live", "H A join")
				enc.send("Pk start\n")
				v := b.viewer("v", 0, request)
				v.got, v.room = nil, stop
				before := b.e.Totals().Packets
				enc.send(lines)
				for range 20 {
					b.advance(200 * time.Millisecond)
					enc.send("Pk newest\n")
				}
				r := b.e.order[0].Current().Ring
				if how == "late" != (r.Tail() == 0) {
					t.Fatalf("%s: the ring begins with packet %d", how, r.Tail())
				}
				if how == "let_go" {
					b.loops[0].loop.showOf(b.e.order[0]).LetGo()
					b.run()
					if v.c.viewer().pin != nil {
						t.Errorf("%q, stopped at %d: a packet is still pinned", request, stop)
					}
				}
				v.setRoom(-1)
				if v.gone || v.c.viewer() == nil {
					t.Fatalf("%s, %q, stopped at byte %d: closed: %v; got %q", how, request, stop, v.c.reason, v.got)
				}
				rest, had := unit, strings.Count(lines, "\n")+1
				if stop == 0 {
					rest, had = "", 1
				}
				newest := fmt.Sprintf("(%d %d behind %d)", v.c.viewer().variant, r.Head()-1, r.Head()-1-uint64(had))
				rest += newest + fmt.Sprintf("<%dK:newest;", r.Head()-1)
				if strings.Contains(request, "plain") {
					rest = strings.Replace(rest, newest+"<", newest, 1)
				}
				// A key start that can be trimmed is; these cannot.
				if got := strings.ReplaceAll(string(v.got), "T:", "K:"); got != rest {
					t.Errorf("%s, %q, stopped at byte %d: got %q, want %q", how, request, stop, got, rest)
				}
				if n, want := b.e.Totals().Packets-before, strings.Count(rest, ";"); n != uint64(want) {
					t.Errorf("%s, %q, stopped at byte %d: %d packets are counted as sent, want %d", how, request, stop, n, want)
				}
				if pinned := v.c.viewer().pin; pinned != nil && !v.c.parked && v.c.viewer().sent != nothingLeft {
					t.Errorf("a packet stays pinned")
				}
				b.finish()
			}
		}
	}
}

// A viewer asks behind a part of a unit, and its socket stops at each byte of the answer
// in turn. The rest of the unit, which comes then and leaves the ring, comes behind the
// answer, whether it is pinned or the viewer had to let it go.
func TestRestOfUnitComesBehindAnAnswer(t *testing.T) {
	plainOnly(t, "a socket stops inside records")
	const answer = "OK Reply\n"
	for _, letsGo := range []bool{false, true} {
		for stop := range len(answer) {
			cfg := labConfig()
			cfg.Backlog.Duration, cfg.Backlog.MaxLag = time.Millisecond, time.Second
			b := newLab(t, cfg)
			b.env.Buffers.Segment = 40
			enc := b.encoder("live", "H A")
			enc.send("Pk start\n")
			v := b.viewer("v", 0, "PLAY live")
			enc.send("P va\nPi vb\n")
			v.got, v.room = nil, stop
			v.send("REPLY\n")
			enc.send("Pi vc\nPi vd\n")
			for range 20 {
				b.advance(200 * time.Millisecond)
				enc.send("Pk newest\n")
			}
			if letsGo {
				b.loops[0].loop.showOf(b.e.order[0]).LetGo()
				b.run()
				if v.c.viewer().pin != nil {
					t.Errorf("stopped at %d: a packet is still pinned", stop)
				}
			}
			v.setRoom(-1)
			if got, want := strings.ReplaceAll(string(v.got), "T:", "K:"), answer+"<3:vc;<4:vd;<24K:newest;"; got != want {
				t.Errorf("lets go: %v, stopped at %d: got %q, want %q", letsGo, stop, got, want)
			}
			b.finish()
		}
	}
}

// largeUnit is a unit of packets of 1,000 bytes, without the line that begins it.
func largeUnit(packets int) string {
	return strings.Repeat("Pi v"+strings.Repeat("x", 1000)+"\n", packets)
}

// crawl has a viewer stop inside the first packet of a unit of so many packets, and the
// unit leave the ring.
func crawl(t *testing.T, packets int) (b *lab, enc, v *peer) {
	cfg := labConfig()
	cfg.Backlog.Duration, cfg.Backlog.MaxLag, cfg.Timeouts.Stall = time.Second, 2*time.Second, 10*time.Second
	b = newLab(t, cfg)
	b.env.Buffers.Segment = 2000
	enc = b.encoder("live", "H A")
	enc.send("Pk start\n")
	v = b.viewer("v", 0, "PLAY live")
	v.room = 10
	enc.send("P first" + strings.Repeat("x", 1000) + "\n" + largeUnit(packets))
	b.advance(1500 * time.Millisecond)
	enc.send("Pk next\n")
	if !b.e.order[0].Current().Ring.At(uint64(packets+2)).Start() || b.e.order[0].Current().Ring.Tail() != uint64(packets+2) {
		t.Fatal("the unit has not left the ring")
	}
	return b, enc, v
}

// A viewer that takes a byte now and then keeps a unit that has left the ring no longer
// than the rest of a packet, if little is left of it, and is closed else: after some
// patience, or at once when memory is short.
func TestUnitIsNotKeptForLong(t *testing.T) {
	plainOnly(t, "a socket stops inside records")
	for _, c := range []struct {
		name    string
		packets int
		pressed bool
		after   time.Duration
		keeps   bool // it has the unit pinned
		closed  bool
	}{
		{"little_soon", 10, false, time.Second / 4, true, false},
		{"little_late", 10, false, time.Second, false, false},
		{"little_pressed", 10, true, 0, false, false},
		{"much_soon", 80, false, time.Second, true, false},
		{"much_late", 80, false, 10 * time.Second, true, false},
		{"much_too_late", 80, false, 12 * time.Second, false, true},
		{"much_pressed", 80, true, 0, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, enc, v := crawl(t, c.packets)
			for left := c.after; left > 0; left -= time.Second {
				b.advance(min(left, time.Second))
				v.setRoom(1)
			}
			if c.pressed {
				b.loops[0].loop.showOf(b.e.order[0]).LetGo()
				b.run()
			}
			if v.gone != c.closed || v.gone && v.c.reason != reason.ViewerTooSlow {
				t.Fatalf("closed: %v, %v", v.gone, v.c.reason)
			}
			enc.send("Pk last\n")
			if !v.gone {
				if keeps := v.c.viewer().pin != nil; keeps != c.keeps {
					t.Errorf("keeps the unit: %v, want %v", keeps, c.keeps)
				}
				v.setRoom(-1)
				got := v.text()
				all, skips := fmt.Sprintf("} 0-%d", c.packets+3), fmt.Sprintf("} 0-%d %d", c.packets+1, c.packets+3)
				if !strings.HasSuffix(got, all) && !strings.HasSuffix(got, skips) {
					t.Errorf("got %.80s, want %s or %s", got, all, skips)
				}
			}
			enc.send("Pk last\n")
			if n := b.env.Buffers.Out(); n > 3 {
				t.Errorf("%d segments are kept", n)
			}
			b.finish()
		})
	}
}

// A viewer that has had everything pins nothing. Should so much come at once that the
// rest of its unit is gone before its turn, it is closed. Where all packets are units it
// goes on at the newest start.
func TestViewerWithoutTheRestOfItsUnitIsClosed(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       reason.Reason
	}{
		{"inside", "Pi v\n", reason.ViewerTooSlow},
		{"no_units", "P v\n", reason.None},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := labConfig()
			cfg.Backlog.Bytes = 64 << 10
			b := newLab(t, cfg)
			enc := b.encoder("live", "H A")
			enc.send("Pk start\n")
			v := b.viewer("v", 0, "PLAY live")
			if v.c.viewer().pin != nil {
				t.Error("a viewer that has everything pins a packet")
			}
			v.text()
			enc.arrives([]byte(c.line))
			for range 60 {
				enc.arrives([]byte("P x" + strings.Repeat("x", 2000) + "\n"))
			}
			enc.arrives([]byte("Pk last\n"))
			b.run()
			if v.c.reason != c.want {
				t.Errorf("closed: %v, %v", v.c.reason, v.text())
			}
			if got := v.text(); c.want != reason.None && got != `"END ended"` || c.want == reason.None && !strings.HasSuffix(got, "62") {
				t.Errorf("got %s", got)
			}
			b.finish()
		})
	}
}

// A source that never begins anything whole does not keep a late viewer from leaving
// packets out: the bound of a unit ends it.
func TestEndlessUnitHasAnEnd(t *testing.T) {
	cfg := labConfig()
	cfg.Backlog.Duration, cfg.Backlog.MaxLag, cfg.Timeouts.Stall = time.Minute, time.Second, time.Minute
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A")
	enc.send("Pk start\n")
	v := b.viewer("v", 0, "PLAY live")
	v.text()
	v.room = 5
	for range 5 {
		enc.send(strings.Repeat("Pi x\n", 500))
		b.advance(time.Second)
	}
	enc.send("Pk last\n")
	v.setRoom(-1)
	if got := v.text(); got != "1-1023 2501" {
		t.Errorf("got %s, want the first 1024 packets, and the last", got)
	}
	b.finish()
}
