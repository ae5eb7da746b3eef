package engine

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"streampump/codec"
	"streampump/engine/internal/labels"
	"streampump/engine/internal/text"
	"streampump/engine/loop"
)

// kernelSpy notes the labels under which a real loop writes.
type kernelSpy struct {
	loop.Kernel
	t    testing.TB
	mu   *sync.Mutex
	seen map[string]bool
}

func (k kernelSpy) Writev(fd int, iov []unix.Iovec) (int, unix.Errno) {
	k.mu.Lock()
	k.seen[labels.Here(k.t)] = true
	k.mu.Unlock()
	return k.Kernel.Writev(fd, iov)
}

// Labels hold on the goroutines that gnet starts, and on those of the sources.
func TestRealGoroutinesAreLabelled(t *testing.T) {
	cfg := labConfig()
	cfg.Loops = 2
	e, err := New(cfg, []StreamConfig{
		{Path: "live", Push: true},
		{Path: "clip", File: &FileConfig{Data: []byte("H A\n" + strings.Repeat("Pk t=1 x\nPk t=100 x\n", 500)), Open: text.NewFile}},
		{Path: "far", Pull: &PullConfig{Open: text.NewPull}},
	}, []codec.Protocol{text.Protocol{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e.env.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, errors.New("nobody there")
	}
	if err := e.Listen(Plain("127.0.0.1:0")...); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Shutdown)
	if here := labels.Here(t); here != "" {
		t.Errorf("starting leaves the labels %q", here)
	}
	eventually(t, "each source and loop runs under its label", func() bool {
		return slices.Equal(labels.Of(t, ".(*Stream).pull"), []string{"stream=far"}) &&
			slices.Equal(labels.Of(t, ".(*Stream).play"), []string{"stream=clip"}) &&
			slices.Equal(labels.Of(t, ".(*eventloop).run"), []string{"loop=0", "loop=1"})
	})

	var mu sync.Mutex
	seen := map[string]bool{}
	for _, l := range e.group.Loops() {
		l.Post(func() {
			l.Wrap(func(k loop.Kernel) loop.Kernel { return kernelSpy{k, t, &mu, seen} })
		})
	}
	address := e.Addresses()[0].String()
	enc := pushed(t, address)
	for range 2 {
		playing(t, e, address)
	}
	enc.say("P second")
	eventually(t, "both loops write under the stream's label", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return seen["loop=0 stream=live"] && seen["loop=1 stream=live"]
	})
}
