package stream

import (
	"testing"
	"time"
)

func TestRateMeter(t *testing.T) {
	var m rateMeter
	var last int64
	for i := range int64(1000) {
		if rate, ok := m.add(i * int64(20*time.Millisecond)); ok {
			last = rate
		}
	}
	if last != 50_000 {
		t.Errorf("%d packets in a thousand seconds, want 50000", last)
	}
}
