package loop

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/codec"
)

// What a programme has viewers sent where they start comes behind the answer and the
// head, and before the packets: at a join, at the end of a wait, behind packets that were
// left out, in the next programme, and where they start anywhere.
func TestBytesWhereViewersStart(t *testing.T) {
	cfg := labConfig()
	cfg.Backlog.Duration, cfg.Backlog.MaxLag, cfg.Timeouts.Stall = 2*time.Second, time.Second, time.Minute
	cfg.Timeouts.KeyWait = 3 * time.Second
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A join")
	early := b.viewer("early", 0, "PLAY live switch")
	want := func(p *peer, want string) {
		t.Helper()
		if got := p.text(); !strings.HasSuffix(got, want) || len(got) > len(want)+len(`"OK Play s=01234567" `) {
			t.Errorf("%s got %s, want %s", p.name, got, want)
		}
	}
	want(early, `{A}`)
	enc.send("P x\nP x\n")
	want(early, ``) // there is no key frame yet
	enc.send("Pk x\nPi x\n")
	want(early, `(0 2) 2-3`)
	video := b.viewer("video", 0, "PLAY live video")
	want(video, `{A} (2 2) 2-3`)
	enc.send("Pi x\n") // no start
	want(early, `4`)
	want(video, `4`)

	early.room = 3
	for range 4 {
		enc.send("P x\nPi x\n")
		b.advance(time.Second)
	}
	enc.send("Pk x\n")
	early.setRoom(-1)
	want(early, `5-6 (0 13 behind 6) 13`)
	want(video, `5-13`)

	enc.send("H B join\n")
	want(early, `"END switch" {B}`)
	want(video, `"END ended"`)
	enc.send("P x\n")
	b.advance(cfg.Timeouts.KeyWait + time.Second)
	enc.send("Pi x\n")
	want(early, ``) // it starts anywhere, but with something whole
	enc.send("P x\nPi x\n")
	want(early, `(0 2) 2-3`)
	late := b.viewer("late", 0, "PLAY live audio")
	want(late, `{B}`)
	enc.send("Pi x\nP x\n")
	want(late, `(3 5) 5`)
	want(early, `4-5`)
	b.finish()
}

// They wait as the answer does where a socket takes nothing, and do not pile up: who
// takes a byte now and then while start after start goes by has one of them waiting.
func TestBytesWhereViewersStartDoNotPileUp(t *testing.T) {
	cfg := labConfig()
	cfg.Backlog.Duration, cfg.Backlog.MaxLag, cfg.Timeouts.Stall = 2*time.Second, time.Second, time.Minute
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A join")
	enc.send("Pk x\n")
	v := b.dial("v", 0, "10.0.0.1")
	v.room = 5
	v.send("PLAY live\n")
	most := 0
	for range 100 {
		enc.send("Pk x\n")
		b.advance(3 * time.Second)
		if v.setRoom(1); v.c.out != nil {
			most = max(most, v.c.out.left())
		}
	}
	if most > 40 {
		t.Errorf("up to %d bytes waited", most)
	}
	v.setRoom(-1)
	// Over TLS it has had the first packet, and nothing since.
	if got := v.text(); !strings.HasSuffix(got, " (0 100) 100") && !strings.HasSuffix(got, " (0 100 behind 99) 100") {
		t.Errorf("got %s", got)
	}
	b.finish()
}

// A programme that has nothing to say where viewers start costs them nothing.
func TestNothingIsSentWhereViewersStart(t *testing.T) {
	cfg := labConfig()
	cfg.Backlog.MaxLag = time.Second
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A")
	v := b.viewer("v", 0, "PLAY live")
	writes := v.writes
	enc.send("Pk x\n")
	if v.c.out != nil || v.writes != writes+1 {
		t.Errorf("an outbox was made, or %d writes instead of one", v.writes-writes)
	}
	b.finish()
}

// A form that leaves packets out is sent the others from where they lie: those that lie
// in one piece are one buffer, and those that are left out are none. Nobody is woken to
// send nothing.
func TestBuffersOfFormsThatLeaveOut(t *testing.T) {
	plainOnly(t, "the kernel is given records")
	for _, c := range []struct {
		request string
		kinds   string
		buffers int // of all packets
	}{
		{"PLAY live", strings.Repeat("v", 200), 1},
		{"PLAY live video", strings.Repeat("v", 200), 1},
		{"PLAY live video", strings.Repeat("v", 150) + "a" + strings.Repeat("v", 49), 2},
		{"PLAY live video", "avavavavav", 5},
		{"PLAY live audio", strings.Repeat("v", 200), 0},
		{"PLAY live audio", strings.Repeat("v", 150) + "a" + strings.Repeat("v", 3000) + "aa", 2},
		{"PLAY live plain", "vavava", 6}, // without what frames them, they do not lie in one piece
	} {
		t.Run(fmt.Sprintf("%s_%d_of_%d", strings.ReplaceAll(c.request, " ", "_"), c.buffers, len(c.kinds)), func(t *testing.T) {
			b := newLab(t, labConfig())
			enc := b.encoder("live", "H A")
			enc.send("Pk x\n")
			v := b.viewer("v", 0, c.request)
			v.got = nil
			buffers := 0
			b.loops[0].loop.kernel = &witness{labKernel{b.loops[0]}, func(p *peer, iov []unix.Iovec) {
				if p == v {
					buffers += len(iov)
				}
			}}
			var lines, want bytes.Buffer
			open := "<"
			if strings.Contains(c.request, "plain") {
				open = ""
			}
			for i, kind := range c.kinds {
				fmt.Fprintf(&lines, "P %c%d\n", kind, i)
				if !strings.Contains(c.request, "video") && !strings.Contains(c.request, "audio") || strings.Contains(c.request, map[rune]string{'v': "video", 'a': "audio"}[kind]) {
					fmt.Fprintf(&want, "%s%d:%c%d;", open, i+1, kind, i)
				}
			}
			enc.send(lines.String())
			if !bytes.Equal(v.got, want.Bytes()) {
				t.Errorf("got %d bytes: %.100q, want %d: %.100q", len(v.got), v.got, want.Len(), want.Bytes())
			}
			if buffers != c.buffers {
				t.Errorf("%d buffers in %d writes, want %d", buffers, v.writes, c.buffers)
			}
			b.finish()
		})
	}
}

// Packets that a form leaves out do not count as sent, and neither stop a viewer that
// catches up nor one whose socket stops.
func TestPacketsLeftOutAreNotCounted(t *testing.T) {
	cfg := labConfig()
	cfg.Limits.JoinSpeed = 5
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A rate=100000")
	enc.send("Pk x\n")
	for range 3000 {
		enc.send("P v" + strings.Repeat("x", 100) + "\nP ay\n")
	}
	v := b.viewer("v", 0, "PLAY live audio")
	b.advance(10 * time.Second)
	if got := bytes.Count(v.got, []byte(":ay;")); got != 3000 || v.c.pace != nil {
		t.Errorf("%d packets of sound came, it still catches up: %v", got, v.c.pace != nil)
	}
	before := b.e.Totals().Packets
	v.got, v.room = nil, 10
	enc.send("P v\nP a1\nP v\nP v\nP a2\nP v\n")
	v.setRoom(-1)
	if n := b.e.Totals().Packets - before; n != 2 || bytes.Count(v.got, []byte(";")) != 2 {
		t.Errorf("%d packets are counted, it got %q", n, v.got)
	}
	b.finish()
}

// However many packets a form leaves out, a pass looks at some of them only.
func TestLooksAtSomePacketsThatAreLeftOut(t *testing.T) {
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A")
	enc.send("Pk x\n")
	v := b.viewer("v", 0, "PLAY live audio")
	v.got = nil
	in := enc.c.ingest
	for i := range 3*turns*maxLook + 1 {
		line := []string{"P v", "P a"}[i/(3*turns*maxLook)]
		if _, _, err := in.Packet(&codec.Event{Kind: codec.Packet, Data: []byte(line)}, b.now); err != nil {
			t.Fatal(err)
		}
	}
	in.Commit()
	for pass := range 3 {
		b.loops[0].round()
		if next := v.c.viewer().next; next != uint64((pass+1)*turns*maxLook+1) {
			t.Fatalf("after %d passes it has passed over %d packets", pass+1, next)
		}
	}
	b.run()
	if got := bytes.Count(v.got, []byte(";")); got != 1 {
		t.Errorf("it got %q", v.got)
	}
	b.finish()
}

// A viewer has a session in each form but the plain one, whose requests name none; a
// player that comes back in another form goes on with it.
func TestSessionsInEachForm(t *testing.T) {
	b := newLab(t, labConfig())
	b.encoder("live", "H A").send("Pk x\n")
	key := ""
	for _, form := range []string{"", "video", "audio"} {
		v := b.viewer("v", 0, "PLAY live "+form+" s="+key)
		got := v.takesKey()
		if got == "" || key != "" && got != key {
			t.Errorf("in form %q the session is %q, want %q", form, got, key)
		}
		key = got
		if form == "audio" {
			v.send("HALT\nPLAY live s=" + key + "\n")
			if text := v.text(); !strings.Contains(text, `"OK Play s=`+key+`"`) {
				t.Errorf("got %s", text)
			}
			continue
		}
		b.viewer("v", 0, "PLAY live s="+key).hangup() // which takes the place of the one before
		if !v.fin {
			t.Errorf("in form %q the viewer whose session goes on elsewhere is not ended", form)
		}
	}
	if got := b.viewer("plain", 0, "PLAY live plain").takesKey(); got != "" {
		t.Errorf("in the plain form the session is %q", got)
	}
	b.finish()
}
