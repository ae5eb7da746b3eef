//go:build !race

package journal

import (
	"io"
	"log/slog"
	"net/netip"
	"testing"
)

// A line costs no more than slog's own text handler would.
func TestFewAllocations(t *testing.T) {
	cost := func(h slog.Handler) float64 {
		log := slog.New(h).With("stream", "news")
		peer := netip.MustParseAddrPort("192.0.2.7:1234")
		return testing.AllocsPerRun(1000, func() {
			log.Info("viewer left", "peer", peer, "reason", "viewer_left", "bytes", int64(1)<<40, "agent", "VLC media player 3.0")
		})
	}
	text := cost(slog.NewTextHandler(io.Discard, nil))
	if ours := cost(NewHandler(io.Discard, Options{Level: slog.LevelInfo})); ours > text+2 {
		t.Errorf("%v allocations for a line; the text handler needs %v", ours, text)
	}
}
