package loop

import (
	"crypto/tls"
	"testing"

	"golang.org/x/sys/unix"

	"streampump/engine/reason"
)

// refusing is a kernel that takes nothing for once, for a reason that is not the peer's.
type refusing struct {
	Kernel
	refuses bool
}

func (k *refusing) Writev(fd int, iov []unix.Iovec) (int, unix.Errno) {
	if k.refuses {
		k.refuses = false
		return 0, unix.ENOMEM
	}
	return k.Kernel.Writev(fd, iov)
}

// A record of TLS's own that could not be sent has had its number: whatever came behind
// it would be a forgery to the peer, which would be blamed for saying so.
func TestNothingFollowsARecordThatWasNotSent(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		b := newLab(t, labConfig())
		b.tls, b.maxTLS = true, version
		enc := b.encoder("live", "H A audio")
		enc.send("P a\n")
		v := b.viewer("v", 0, "PLAY live")
		v.text()
		k := &refusing{Kernel: v.c.loop.kernel}
		v.c.loop.kernel = k
		k.refuses = true
		v.c.Record(make([]byte, 50))
		enc.send("P b\n")
		if got := v.text(); got != "" || !v.gone || v.c.reason != reason.WriteFailed {
			t.Errorf("%x: it got %q, gone: %v, with %v", version, got, v.gone, v.c.reason)
		}
		b.finish()
	}
}
