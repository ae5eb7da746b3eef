package stream

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"streampump/engine/clock"
	"streampump/engine/internal/text"
	"streampump/engine/ring"
	"streampump/engine/settings"
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

// Heads that forms have in common are counted once.
func TestHeadsAreCountedOnce(t *testing.T) {
	cfg := settings.Default()
	held := func(name string) int64 {
		env := &Env{Settings: &cfg, Log: slog.New(slog.DiscardHandler), Clock: clock.New(), Epochs: ring.NewEpochs(1)}
		st := New(env, settings.Stream{Path: "live", Push: true}, nil, func(int64, bool) {})
		in := NewIngest(st)
		if err := in.Header(text.NewMedia(name), 1); err != nil {
			t.Fatal(err)
		}
		in.Commit()
		defer st.Close("over")
		return st.Snapshot().Backlog
	}
	// The framed head and the plain one grow; the other forms have the framed one.
	if n := held(strings.Repeat("x", 1001)) - held("x"); n != 2000 {
		t.Errorf("two heads that are longer by 1000 bytes take %d bytes more", n)
	}
}
