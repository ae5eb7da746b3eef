package floor

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/bench/meter"
	"streampump/bench/segment"
)

// TestEveryViewerGetsEveryPacket: what is countable is exact.
func TestEveryViewerGetsEveryPacket(t *testing.T) {
	const ticks = 80 // of 2 ms
	for _, c := range []struct {
		coalesce       float64
		calls, packets int64
	}{
		{4, 200, 800},   // each tick serves a quarter of the viewers
		{2.5, 320, 804}, // two packets in one call, three in the next; in the first turn all have three
		{1, 800, 800},
	} {
		o := Options{Viewers: 10, PacketSize: 1000, Coalesce: c.coalesce, Bitrate: 4_000_000, Duration: ticks * 2 * time.Millisecond}
		r, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Calls != c.calls || r.Short != 0 || r.Bytes != c.packets*1000 {
			t.Errorf("%g in a call: %+v, want %d calls and %d packets", c.coalesce, r, c.calls, c.packets)
		}
		if r.CPUSeconds <= 0 || r.NsPerCall <= 0 || r.SecondsByGB <= 0 || r.Seconds < o.Duration.Seconds() {
			t.Errorf("%+v", r)
		}
	}
}

// TestSeal: what AES-GCM costs is beside the rest, and only where it was asked for.
func TestSeal(t *testing.T) {
	o := Options{Viewers: 1, PacketSize: 1000, Coalesce: 1, Bitrate: 4_000_000, Duration: 10 * time.Millisecond}
	for _, length := range []time.Duration{0, time.Nanosecond} {
		o.Seal = length
		r, err := Run(t.Context(), o)
		if err != nil || (r.SealByGB > 0) != (length > 0) {
			t.Errorf("for %v: %+v, %v", length, r, err)
		}
	}
}

func TestFullSocketsAreCounted(t *testing.T) {
	// More in a call than a socket's buffers take.
	r, err := Run(t.Context(), Options{
		Viewers: 1, PacketSize: 16 << 10, Coalesce: MaxCoalesce, Bitrate: 1 << 30, Duration: 140 * time.Millisecond, // 1024 ticks of 122 µs, and so one call at least
	})
	if err != nil || r.Short == 0 || r.Bytes >= r.Calls*16<<20 {
		t.Errorf("%+v, %v", r, err)
	}
}

// The thread sends in segments of the size that was asked for.
func TestSegments(t *testing.T) {
	for _, most := range []int{0, segment.Ethernet} {
		r := &room{}
		if err := r.fill(t.Context(), 2, most); err != nil {
			t.Fatal(err)
		}
		for _, fd := range r.senders {
			if n, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG); err != nil || (n <= segment.Ethernet) != (most > 0) {
				t.Errorf("asked for %d: %d, %v", most, n, err)
			}
		}
		r.close()
	}
}

func TestRefusals(t *testing.T) {
	good := Options{Segment: segment.Ethernet, Viewers: 1, PacketSize: 1, Coalesce: 1, Bitrate: 1_000_000, Duration: time.Millisecond}
	limit, err := meter.Descriptors()
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Options){
		"more than 0":         func(o *Options) { o.Viewers = 0 },
		"1 to 1024":           func(o *Options) { o.Coalesce = 1025 },
		"descriptors":         func(o *Options) { o.Viewers = int(limit) },
		"a segment must have": func(o *Options) { o.Segment = 1 },
		"no resu":             func(o *Options) { o.Bitrate = 1 },
	} {
		o := good
		change(&o)
		if r, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %v; want %q", r, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := Run(ctx, good); err == nil {
		t.Errorf("%+v", r)
	}
}
