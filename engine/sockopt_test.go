package engine

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Every accepted socket sends at once, and a slow viewer leaves little in the kernel:
// the defaults promise both, and both are read back from the sockets.
func TestSocketOptions(t *testing.T) {
	lowat := func(c *Config) { c.Fanout.NotSentLowat = DefaultConfig().Fanout.NotSentLowat }
	t.Run("own", func(t *testing.T) {
		e, address := realEngine(t, lowat)
		optionsOf(t, e, address)
	})
	t.Run("inherited", func(t *testing.T) {
		ln := copied(t, opened(t))
		e, address := engineOn(t, lowat, Listener{Inherited: ln})
		optionsOf(t, e, address)
	})
}

func optionsOf(t *testing.T, e *Engine, address string) {
	t.Helper()
	_ = pushed(t, address)
	_ = playing(t, e, address)
	names := []struct{ level, name, want int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, DefaultConfig().Fanout.NotSentLowat},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 60},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 12},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 5},
	}
	got := make(chan int)
	for _, l := range e.group.Loops() {
		l.Post(func() {
			fds := l.Descriptors()
			for _, fd := range fds {
				for _, o := range names {
					if v, err := unix.GetsockoptInt(int(fd), o.level, o.name); err != nil || v != o.want {
						t.Errorf("option %d of level %d is %d (%v), want %d", o.name, o.level, v, err, o.want)
					}
				}
			}
			got <- len(fds)
		})
	}
	looked := 0
	for range e.group.Loops() {
		looked += <-got
	}
	if looked < 2 {
		t.Fatalf("%d connections, want an encoder and a viewer", looked)
	}
}
