package stream

import (
	"testing"
	"time"
)

func TestRateMeter(t *testing.T) {
	var m rateMeter
	var last rates
	for i := range int64(1000) {
		if rate, ok := m.add(i*int64(20*time.Millisecond), 250, 500); ok {
			last = rate
		}
	}
	if last != (rates{50_000, 100_000, 200_000}) {
		t.Errorf("%+v, want 50000 packets in a thousand seconds and 100000 bits in one", last)
	}
}
