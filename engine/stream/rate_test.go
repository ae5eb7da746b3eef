package stream

import (
	"testing"
	"time"
)

func TestPacketsOf(t *testing.T) {
	for _, c := range []struct{ bytes, packets int }{
		{0, 1}, {1, 1}, {14, 1}, {1400, 1}, {1500, 1}, {1501, 2}, {3000, 2}, {3001, 3}, {65_535, 44},
	} {
		if n := Packets(c.bytes); n != c.packets {
			t.Errorf("%d bytes count as %d packets, want %d", c.bytes, n, c.packets)
		}
	}
}

func TestPacketTime(t *testing.T) {
	for _, c := range []struct {
		perSecond int
		time      time.Duration
	}{
		{0, 0}, {1, time.Second}, {20_000, 50 * time.Microsecond}, {1e6, time.Microsecond}, {2e9, 1},
	} {
		if d := time.Duration(PacketTime(c.perSecond)); d != c.time {
			t.Errorf("at %d a second each packet has %v, want %v", c.perSecond, d, c.time)
		}
	}
}
