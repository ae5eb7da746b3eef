package engine

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

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
