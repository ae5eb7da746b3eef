package engine

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Every accepted socket sends at once, and a slow viewer leaves little in the
// kernel: both are what the defaults promise, read back from the sockets.
func TestSocketOptions(t *testing.T) {
	e, address := realEngine(t, func(c *Config) { c.Fanout.NotSentLowat = DefaultConfig().Fanout.NotSentLowat })
	_ = pushed(t, address)
	_ = playing(t, e, address)
	type options struct{ noDelay, lowat, keepAlive int }
	got := make(chan []options)
	for _, l := range e.loops {
		l.post(func() {
			var all []options
			for fd := range l.conns {
				noDelay, _ := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY)
				lowat, _ := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT)
				keepAlive, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE)
				all = append(all, options{noDelay, lowat, keepAlive})
			}
			got <- all
		})
	}
	var all []options
	for range e.loops {
		all = append(all, <-got...)
	}
	if len(all) < 2 {
		t.Fatalf("%d connections, want an encoder and a viewer", len(all))
	}
	for _, o := range all {
		if o != (options{1, DefaultConfig().Fanout.NotSentLowat, 1}) {
			t.Errorf("TCP_NODELAY %d, TCP_NOTSENT_LOWAT %d, SO_KEEPALIVE %d", o.noDelay, o.lowat, o.keepAlive)
		}
	}
}
