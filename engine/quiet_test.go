package engine

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// A viewer on a real socket that sends without an end is not read: the kernel makes it
// wait. Then it is closed.
func TestFloodOfAViewerWaitsInItsSocket(t *testing.T) {
	e, address := realEngine(t, nil)
	pushed(t, address)
	v := playing(t, e, address)
	sent := 0
	for piece := make([]byte, 64<<10); ; {
		n, err := v.Write(piece)
		sent += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("it is not closed")
		}
		if err != nil {
			break
		}
	}
	// What was read, and what the kernel holds at both ends: some megabytes at most.
	if sent > 64<<20 {
		t.Errorf("%d bytes were taken of it", sent)
	}
	eventually(t, "it is closed for its flood", func() bool { return e.Snapshot().Closes["viewer_floods"] == 1 })
}

// An encoder on a real socket that is too fast is read no faster than it may send, and
// loses nothing, the end of its connection included.
func TestFastEncoderWaitsInItsSocket(t *testing.T) {
	const rate, packets = 50_000, 100_000
	e, address := realEngine(t, func(cfg *Config) { cfg.Limits.Packets = rate })
	enc := pushed(t, address)
	v := playing(t, e, address)
	if _, err := io.WriteString(enc, strings.Repeat("P x\n", packets)); err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= packets; i++ {
		if p := v.until(';', ":"); !strings.HasPrefix(p, fmt.Sprintf("<%d", i)) {
			t.Fatalf("after %d came %q", i-1, p)
		}
	}
	eventually(t, "the encoder is lost", func() bool { return e.Snapshot().Closes["push_lost"] == 1 })
}

// A viewer that is not read and breaks is noticed all the same.
func TestQuietViewerThatBreaks(t *testing.T) {
	e, address := realEngine(t, nil)
	enc := pushed(t, address)
	v := playing(t, e, address)
	if _, err := v.Write(make([]byte, 100<<10)); err != nil {
		t.Fatal(err)
	}
	if err := v.TCPConn.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = v.Close()
	eventually(t, "it has gone", func() bool {
		if _, err := io.WriteString(enc, "P x\n"); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		return e.Snapshot().Viewers == 0
	})
}
