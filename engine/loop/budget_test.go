package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/engine/settings"
	"streampump/engine/stream"
)

// attacked is a lab with a healthy stream, which one viewer has, and another one.
// What the other's peers do must not be seen by the viewer.
type attacked struct {
	*lab
	good, enc *peer
	sent      int
}

func newAttacked(t *testing.T, cfg settings.Config) *attacked {
	a := &attacked{lab: newLab(t, cfg,
		settings.Stream{Path: "live", Push: true}, settings.Stream{Path: "bad", Push: true})}
	a.enc = a.encoder("live", "H A audio")
	a.enc.send("P start\n")
	a.good = a.viewer("good", 0, "PLAY live")
	a.good.text()
	a.sent = 1
	return a
}

// healthy sends a packet of the healthy stream: its viewer gets it at once.
func (a *attacked) healthy() {
	a.t.Helper()
	a.enc.send("P x\n")
	if got := a.good.text(); got != fmt.Sprint(a.sent) {
		a.t.Fatalf("the healthy viewer got %q, want packet %d", got, a.sent)
	}
	a.sent++
}

func (a *attacked) bad() stream.Snapshot { return a.e.order[1].Snapshot() }

// A source that begins a programme with every packet, or with two headers in
// turn, has some of them and is refused; it comes back at once, for a while.
// All of it takes less memory than a segment.
func TestProgrammesAreBounded(t *testing.T) {
	for name, body := range map[string]string{
		"clock":   strings.Repeat("OVER x\n", 5000),
		"headers": strings.Repeat("H B\nPk x\nH C\nPk x\n", 2500),
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttacked(t, labConfig())
			began := a.now
			tries := 0
			for ; a.now-began < int64(10*time.Second); tries++ {
				enc := a.encoder("bad", "H B")
				enc.send(body)
				if got := enc.text(); !strings.Contains(got, "END refused (its header or its clock begins a new programme too often") {
					t.Fatalf("attempt %d was told %s", tries, got)
				}
				s := a.bad()
				if most := uint64(16 + (a.now-began)/int64(time.Second)); s.Programmes > most {
					t.Fatalf("%d programmes began within %v", s.Programmes, time.Duration(a.now-began))
				}
				if s.Backlog > 80<<10 { // all of them in one pass
					t.Fatalf("the stream holds %d bytes", s.Backlog)
				}
				a.healthy()
				a.advance(100 * time.Millisecond)
				if s := a.bad(); s.Backlog > 8<<10 || a.env.Buffers.Out() > 2 {
					t.Fatalf("the stream holds %d bytes, %d buffers are out", s.Backlog, a.env.Buffers.Out())
				}
			}
			if n := len(a.e.order[1].Programmes()); n != 1 {
				t.Errorf("%d programmes are left", n)
			}
			if n := a.e.Totals().Closes["push_changes"]; n == 0 {
				t.Error("no encoder was closed for it")
			}
			a.healthy()
			a.finish()
		})
	}
}

// With viewers in each programme that take nothing, programmes cannot be given
// back. They count, and the viewers are cleared out in time.
func TestProgrammesWithStalledViewersCount(t *testing.T) {
	cfg := labConfig()
	cfg.Backlog.Bytes = 1 << 20
	a := newAttacked(t, cfg)
	enc := a.encoder("bad", "H B0")
	for i := range 120 {
		enc.send("Pk " + strings.Repeat("x", 30000) + "\n")
		v := a.dial(fmt.Sprint("v", i), 0, "10.0.0.1")
		v.room = 40
		v.send("PLAY bad switch\n")
		if enc.gone {
			t.Fatalf("the encoder was refused after %d programmes: %s", i, enc.text())
		}
		enc.send(fmt.Sprintf("H B%d\n", i+1))
		a.healthy()
		a.advance(time.Second)
	}
	if s := a.bad(); s.Programmes < 100 || s.LeftOut > 0 {
		t.Errorf("%d programmes began, %d packets were left out: %s", s.Programmes, s.LeftOut, a.log.String())
	}
	most := int((cfg.Backlog.MaxLag+cfg.Timeouts.Stall)/time.Second) + 3
	if n := len(a.e.order[1].Programmes()); n > most {
		t.Errorf("%d programmes are kept, want %d at most", n, most)
	}
	a.finish()
}

// One plain viewer of packets whose padding was cut off gets each of them whole,
// and everybody's history stays as it was.
func TestPaddedFormsHaveTheirShare(t *testing.T) {
	cfg := labConfig()
	cfg.Backlog.Bytes = 4 << 20
	cfg.Backlog.JoinBurst, cfg.Backlog.MaxLag, cfg.Backlog.Duration = 3*time.Second, time.Minute, time.Hour
	a := newAttacked(t, cfg)
	enc := a.encoder("bad", "H B audio pad=65000")
	for range 20 {
		enc.send(strings.Repeat("P 0123456789\n", 100))
		a.advance(250 * time.Millisecond)
	}
	before := a.bad()
	v := a.viewer("v", 0, "PLAY bad plain")
	first, _, _ := strings.Cut(string(v.got[strings.IndexByte(string(v.got), ']')+1:]), ":")
	if first == "" || first == "1999" {
		t.Fatalf("the viewer begins at packet %q", first)
	}
	v.mute = true
	was := v.total
	for range 50 {
		a.healthy()
		enc.send("P 0123456789\n")
		a.advance(10 * time.Millisecond)
	}
	after := a.bad()
	if n := v.total - was; n < 50*65000 || n%65000 != 0 {
		t.Errorf("the viewer got %d bytes, want at least 50 packets of 65,000", n)
	}
	if after.BacklogLen < before.BacklogLen || after.LeftOut > 0 {
		t.Errorf("the backlog had %d packets, and has %d beside the viewer; %d were left out", before.BacklogLen, after.BacklogLen, after.LeftOut)
	}
	if n := after.Backlog - before.Backlog; n > cfg.Backlog.Bytes/8+1<<16 {
		t.Errorf("the viewer made the stream hold %d bytes more", n)
	}
	if n := a.loops[0].loop.scratch.Size(); n > 256<<10 {
		t.Errorf("the loop's scratch has %d bytes", n)
	}
	a.finish()
}

// Millions of the smallest packets make a backlog no larger than it may be.
func TestSmallestPacketsFillNoMoreThanTheBacklog(t *testing.T) {
	cfg := labConfig()
	cfg.Backlog.Bytes, cfg.Backlog.Duration = 8<<20, time.Hour
	cfg.Limits.Packets = 0 // all of them at one moment
	a := newAttacked(t, cfg)
	enc := a.encoder("bad", "H B audio")
	line := strings.Repeat("P 01234567890123\n", 2000)
	for range 100 {
		enc.send(line)
		a.healthy()
	}
	s := a.bad()
	if s.PacketsIn != 200000 || s.BacklogLen < 40000 || s.Backlog < cfg.Backlog.Bytes/2 {
		t.Errorf("of %d packets %d are kept, in %d bytes", s.PacketsIn, s.BacklogLen, s.Backlog)
	}
	a.finish()
}

// Viewers that stop inside packets of all ages keep what is theirs, when that
// would take much of the stream's memory: the history is not shortened for it, no
// packet is left out, and each of them has the rest of its packet.
func TestStalledViewersLetGoOfWhatWasEvicted(t *testing.T) {
	cfg := labConfig()
	cfg.Backlog.Bytes, cfg.Backlog.Duration, cfg.Timeouts.Stall = 1<<20, 2*time.Second, time.Hour
	a := newAttacked(t, cfg)
	enc := a.encoder("bad", "H B pad=3000")
	packet := strings.Repeat("x", 1000)
	var stalled []*peer
	for i := range 400 {
		enc.send("Pk " + packet + "\n")
		if i%2 == 0 {
			v := a.dial(fmt.Sprint("v", i), 0, "10.0.0.1")
			v.room = 150
			v.send([]string{"PLAY bad\n", "PLAY bad plain\n"}[i/2%2])
			stalled = append(stalled, v)
		}
		a.advance(100 * time.Millisecond)
		if i%10 == 0 {
			a.healthy()
		}
	}
	s := a.bad()
	if s.LeftOut > 0 || s.BacklogLen < 20 {
		t.Errorf("%d packets were left out, %d are kept: %s", s.LeftOut, s.BacklogLen, a.log.String())
	}
	for i, v := range stalled {
		v.setRoom(-1)
		_, rest, _ := strings.Cut(string(v.got), []string{"}", "]"}[i%2])
		number, body, _ := strings.Cut(rest, ":")
		body, _, whole := strings.Cut(body, ";")
		if want := strings.Repeat("x", 1000); !whole || !strings.HasPrefix(body, want) || number == "" {
			t.Fatalf("viewer %d: its packet %q is not whole: %.60q", i, number, body)
		}
	}
	a.finish()
}

// One stream that wants everything leaves each of the others its share, and all of
// them together have no more than there is.
func TestStreamsShareTheMemoryOfThePump(t *testing.T) {
	cfg := labConfig()
	cfg.Backlog.Bytes, cfg.Backlog.Total, cfg.Backlog.Duration = 16<<20, 8<<20, time.Hour
	a := newAttacked(t, cfg)
	enc := a.encoder("bad", "H B audio")
	big := strings.Repeat("P "+strings.Repeat("x", 10000)+"\n", 6)
	for range 500 {
		enc.send(big)
		a.healthy()
	}
	if s := a.bad(); s.Backlog < 3<<20 || s.Backlog > 6<<20 || s.LeftOut > 0 {
		t.Errorf("the large stream holds %d bytes, %d packets were left out", s.Backlog, s.LeftOut)
	}
	for range 500 {
		a.enc.send(big)
	}
	if s := a.e.order[0].Snapshot(); s.Backlog < 1<<20 || s.LeftOut > 0 {
		t.Errorf("the other stream holds %d bytes, %d packets were left out", s.Backlog, s.LeftOut)
	}
	a.finish()
}
