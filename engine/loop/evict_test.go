package loop

import (
	"strings"
	"testing"

	"streampump/codec"
)

// Another loop's encoder may evict a packet while it is being written: between
// the look into the ring and the move past it. The write goes on with what it
// had found.
func TestPacketIsEvictedDuringItsWrite(t *testing.T) {
	for _, room := range []int{-1, 60} { // whole, and stopped inside
		cfg := labConfig()
		cfg.Backlog.Bytes = 64 << 10
		b := newLab(t, cfg)
		enc := b.encoder("live", "H A")
		line := []byte("P " + strings.Repeat("x", 2000))
		enc.send("Pk start\n")
		v := b.viewer("v", 0, "PLAY live")
		v.room = room
		st := b.e.order[0]
		once := false
		b.loops[0].before = func(*peer) {
			if once {
				return
			}
			once = true
			defer enc.c.ingest.Commit()
			for range 40 {
				if _, _, err := enc.c.ingest.Packet(&codec.Event{Kind: codec.Packet, Data: line}, b.now); err != nil {
					t.Error(err)
				}
			}
		}
		enc.send("P one\nP " + strings.Repeat("y", 60) + "\n")
		if st.Current().Ring.Tail() < 5 {
			t.Fatal("nothing was evicted")
		}
		b.loops[0].before = nil
		v.setRoom(-1)
		if got := v.text(); !strings.HasSuffix(got, "{A} 0-2") {
			t.Errorf("room %d: got %s, want what was found, whole", room, got)
		}
		b.finish()
	}
}

// The end of a programme that comes with its last packets, or between two looks
// at it, ends the viewers without another publish.
func TestEndComesWithTheLastPackets(t *testing.T) {
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A")
	enc.send("Pk start\n")
	v := b.viewer("v", 0, "PLAY live")
	v.text()
	enc.send("P a\nP b\nFINISH\n")
	if got := v.text(); got != `1-2 "END ended"` || !v.fin {
		t.Errorf("got %s, half-closed %v", got, v.fin)
	}
	b.finish()
}

// An encoder that comes at the very end of a hold finds the stream either held or
// over, never half ended.
func TestReturnAtTheEndOfTheHold(t *testing.T) {
	for _, late := range []int64{-1, 0, 1} {
		cfg := labConfig()
		b := newLab(t, cfg)
		enc := b.encoder("live", "H A")
		enc.send("Pk x\n")
		v := b.viewer("v", 0, "PLAY live")
		v.text()
		enc.hangup()
		end := b.now + int64(cfg.Timeouts.PushHold)
		b.now = end + late
		if late >= 0 {
			b.e.Due(b.now)
			b.run()
		}
		back := b.encoder("live", "H A")
		back.send("Pk y\n")
		want := "1"
		if late >= 0 {
			want = `"END ended"`
		}
		if got := v.text(); got != want {
			t.Errorf("%+d ns: the viewer got %s, want %s", late, got, want)
		}
		b.finish()
	}
}
