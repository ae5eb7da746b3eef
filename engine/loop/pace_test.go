package loop

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/engine/settings"
)

// pacedLab is a stream of 100 kB/s, ten packets a second, of which 49 packets have come
// since its newest key frame, a second more than its viewers' start.
func pacedLab(t *testing.T, set func(*settings.Limits)) (b *lab, enc *peer) {
	t.Helper()
	cfg := labConfig()
	cfg.Timeouts.PushIdle = time.Hour
	set(&cfg.Limits)
	b = newLab(t, cfg)
	enc = b.encoder("live", "H A rate=800000")
	b.packets(enc, 50)
	b.packets(enc, 49)
	return b, enc
}

// packetBytes is the size of a packet as a viewer gets it, but for some bytes.
const packetBytes = 10_000

// packets sends a GOP of so many packets, ten a second.
func (b *lab) packets(enc *peer, n int) {
	for i := range n {
		verb := "P "
		if i == 0 {
			verb = "Pk "
		}
		enc.send(verb + strings.Repeat("x", packetBytes-7) + "\n")
		b.advance(100 * time.Millisecond)
	}
}

// join opens a connection whose bytes are counted.
func (b *lab) join(name string) *peer {
	p := b.dial(name, 0, "10.0.0.1")
	p.mute = true
	p.send("PLAY live\n")
	return p
}

// near reports whether a number of bytes is about so many packets.
func near(bytes int, packets float64) bool {
	d := float64(bytes)/packetBytes - packets
	return -1.5 < d && d < 1.5
}

// A viewer has a start of two seconds at once, then five times the rate, and then what
// comes, as it comes.
func TestJoinerCatchesUp(t *testing.T) {
	for _, c := range []struct {
		name      string
		speed     int
		at        []float64 // packets, after so many tenths of a second
		catchesUp int       // after so many tenths
	}{
		{"five", 5, []float64{20, 25, 30, 35, 40, 45, 50, 55}, 7},
		{"two", 2, []float64{20, 22, 24, 26}, 29},
		{"unbounded", 0, []float64{49, 50, 51}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, enc := pacedLab(t, func(l *settings.Limits) { l.JoinSpeed = c.speed })
			v := b.join("v")
			for i, want := range c.at {
				if !near(v.total, want) {
					t.Errorf("after %d00 ms it has %d bytes, want %.0f packets", i, v.total, want)
				}
				if i < len(c.at)-1 {
					b.packets(enc, 1)
				}
			}
			for tenths := len(c.at) - 1; v.c.pace != nil; tenths++ {
				if tenths > c.catchesUp+1 {
					t.Fatalf("it has not caught up after %d00 ms, with %d bytes", tenths, v.total)
				}
				b.packets(enc, 1)
			}
			if v.c.viewer().mode.has(paced) || v.c.timer != 0 {
				t.Error("it has caught up and is not done with that")
			}
			was := v.total
			b.packets(enc, 5)
			if !near(v.total-was, 5) {
				t.Errorf("afterwards it got %d bytes of 5 packets", v.total-was)
			}
			b.finish()
		})
	}
}

// Those who join together have one allowance beyond what is reserved for each: the
// bandwidth that is left, and at least a share of the limit.
func TestJoinersHaveOneAllowance(t *testing.T) {
	for _, c := range []struct {
		name      string
		bandwidth int // streams
		share     int
		together  float64 // packets a second for all, beyond their own
	}{
		{"what_is_left", 20, 1, 100},
		{"a_share", 10, 20, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, enc := pacedLab(t, func(l *settings.Limits) {
				l.Viewers.Bandwidth, l.JoinShare = settings.Bits(c.bandwidth*808_000), c.share
			})
			var all []*peer
			answers := 0 // bytes in front of the packets
			for i := range 10 {
				p := b.dial(fmt.Sprint("v", i), 0, "10.0.0.1")
				p.send("PLAY live\n")
				before, _, _ := bytes.Cut(p.got, []byte{'<'})
				answers += len(before)
				p.mute, p.got = true, nil
				all = append(all, p)
			}
			sum := func() (n int) {
				for _, p := range all {
					n += p.total
				}
				return n - answers
			}
			// Each gets its answer and, of what they have together, one packet more than
			// there is at most.
			if n := sum(); n > 11*packetBytes {
				t.Errorf("at once they got %d bytes", n)
			}
			for tenths := 1; tenths <= 20; tenths++ {
				b.packets(enc, 1)
				// A packet is counted as 1.01; each viewer is ahead by up to one, and all by a burst and their answers.
				most := float64(tenths)*(10+c.together/10)*1.01 + 10 + 8
				if n := float64(sum()) / packetBytes; n > most {
					t.Errorf("after %d00 ms they have %.0f packets, want %.0f at most", tenths, n, most)
				}
			}
			least := 20*(10+c.together/10)*0.95 - 10
			if n := float64(sum()) / packetBytes; n < least {
				t.Errorf("after 2 s they have %.0f packets, want %.0f at least", n, least)
			}
			for i, p := range all {
				if n := float64(p.total) / packetBytes; n < 18 {
					t.Errorf("viewer %d has %.0f packets, fewer than came", i, n)
				}
			}
			b.finish()
		})
	}
}

// Whatever ends or stops a viewer while it catches up does so at once, and leaves
// nothing behind.
func TestJoinerIsInterrupted(t *testing.T) {
	slow := func(l *settings.Limits) { l.JoinSpeed = 1 }
	t.Run("stalls", func(t *testing.T) {
		b, enc := pacedLab(t, slow)
		v := b.dial("v", 0, "10.0.0.1")
		v.mute, v.room = true, 5*packetBytes+50
		v.send("PLAY live\n")
		b.packets(enc, 3)
		if !v.c.parked {
			t.Fatal("its socket is full, and it is not parked")
		}
		was := v.total
		v.setRoom(-1)
		if v.total == was {
			t.Error("it does not go on")
		}
		b.packets(enc, 1)
		b.finish()
	})
	t.Run("shutdown", func(t *testing.T) {
		b, _ := pacedLab(t, slow)
		v := b.join("v")
		b.shutdown()
		if !v.fin {
			t.Error("it waits for its pace before it ends")
		}
		b.finish()
	})
	t.Run("end_of_the_stream", func(t *testing.T) {
		b, enc := pacedLab(t, slow)
		v := b.join("v")
		enc.send("FINISH\n")
		b.advance(2 * time.Second)
		if v.fin {
			t.Error("it is cut off in the middle of what there is")
		}
		b.advance(3 * time.Second)
		if !v.fin || !near(v.total, 49) {
			t.Errorf("in the end it has %d bytes; the last one came: %v", v.total, v.fin)
		}
		b.finish()
	})
	t.Run("closed_side", func(t *testing.T) {
		b, enc := pacedLab(t, slow)
		v := b.join("v")
		v.halfClose()
		b.packets(enc, 10)
		if v.gone || v.total < 25*packetBytes {
			t.Errorf("it has %d bytes and is gone: %v", v.total, v.gone)
		}
		b.finish()
	})
	t.Run("leaves", func(t *testing.T) {
		b, enc := pacedLab(t, slow)
		v, w := b.join("v"), b.join("w")
		v.hangup()
		b.packets(enc, 60)
		if !near(w.total, 20+60) {
			t.Errorf("the other has %d bytes", w.total)
		}
		b.finish()
	})
}

// A plain viewer and one that must wait for a key frame are paced alike, or not at all.
func TestWhoIsNotPaced(t *testing.T) {
	b, enc := pacedLab(t, func(*settings.Limits) {})
	plain := b.dial("plain", 0, "10.0.0.1")
	plain.mute = true
	plain.send("PLAY live plain\n")
	if plain.c.pace == nil || !near(plain.total, 20) {
		t.Errorf("a plain viewer begins with %d bytes", plain.total)
	}
	b.packets(enc, 1) // a key frame
	if v := b.join("v"); v.c.pace != nil {
		t.Error("one that has all at once has a pace")
	}
	b.finish()
}

// A pass does not take longer when the turns of many who catch up come at once.
func TestPassIsShortWhoeverCatchesUp(t *testing.T) {
	b, _ := pacedLab(t, func(l *settings.Limits) { l.JoinSpeed, l.LoosePerAddress = 2, 0 })
	b.silent = true
	var all []*peer
	for i := range 600 {
		all = append(all, b.join(fmt.Sprint("v", i)))
	}
	k := b.loops[0]
	k.cost = 100 * time.Microsecond
	b.now += paceTurn
	longest, before := time.Duration(0), k.writes
	for k.loop.Wake(); k.woken; {
		began := b.now
		k.woken = false
		k.loop.Run()
		longest = max(longest, time.Duration(b.now-began))
	}
	if most := 3 * time.Duration(yieldAfter); longest > most {
		t.Errorf("a pass over viewers whose turn had come took %v, want no more than %v", longest, most)
	}
	if n := k.writes - before; n < len(all) {
		t.Errorf("%d writes for %d viewers", n, len(all))
	}
	b.finish()
}

// A programme whose rate nobody knows holds nobody back.
func TestWhoCatchesUpGoesOnWithoutARate(t *testing.T) {
	b, enc := pacedLab(t, func(l *settings.Limits) { l.JoinSpeed = 1 })
	v := b.dial("v", 0, "10.0.0.1")
	v.mute = true
	v.send("PLAY live switch\n")
	enc.send("H B\nPk x\n" + strings.Repeat("P "+strings.Repeat("x", packetBytes-7)+"\n", 20))
	b.advance(5 * time.Second)
	if !near(v.total, 49+20) || v.c.pace != nil {
		t.Errorf("it has %d bytes of 69 packets, and a pace: %v", v.total, v.c.pace != nil)
	}
	b.finish()
}

// What others use of the common allowance, on a loop whose clock is ahead, takes nothing
// from what is reserved for a viewer.
func TestWhatIsReservedIsNotShared(t *testing.T) {
	b, enc := pacedLab(t, func(l *settings.Limits) { l.Viewers.Bandwidth, l.JoinShare = 20*808_000, 100 })
	v := b.join("v")
	was := v.total
	for range 10 {
		b.e.joiners.usedUntil.Store(b.now + int64(time.Second))
		b.packets(enc, 1)
	}
	if got := v.total - was; got < 8*packetBytes {
		t.Errorf("within a second it got %d bytes, and %d are reserved", got, 10*packetBytes)
	}
	b.finish()
}
