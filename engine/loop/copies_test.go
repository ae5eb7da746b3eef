package loop

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// witness is the lab's kernel with an eye on what it is given.
type witness struct {
	labKernel
	see func(p *peer, iov []unix.Iovec)
}

func (w *witness) Writev(fd int, iov []unix.Iovec) (int, unix.Errno) {
	w.see(w.socks[fd], iov)
	return w.labKernel.Writev(fd, iov)
}

// No delivered packet is copied: every buffer that the kernel is given is packets
// where they lie in the backlog, in the form that the viewer gets. The plain form
// is made by leaving the framing out, and is no copy either; each packet is a
// buffer of its own then.
func TestKernelIsGivenTheBacklogItself(t *testing.T) {
	plainOnly(t, "the kernel is given records")
	cfg := labConfig()
	cfg.Backlog.Duration = time.Second
	c := newCrowd(t, 300, 89, cfg)
	c.viewer("p", 0, "PLAY live plain").mute = true
	buffers, found := uint64(0), uint64(0)
	c.loops[0].loop.kernel = &witness{labKernel{c.loops[0]}, func(p *peer, iov []unix.Iovec) {
		for _, v := range iov {
			n := c.inBacklog(p.c.viewer(), v)
			if n == 0 {
				t.Fatalf("a write call points to %d bytes that are not the backlog's", v.Len)
			}
			buffers++
			found += n
		}
	}}
	packets, writes := c.sent()
	c.publish(1500 * time.Millisecond)
	p, w := c.sent()
	if p-packets != found || buffers <= w-writes || buffers > (w-writes)*11/10 {
		t.Errorf("%d packets in %d buffers in %d calls, %d delivered: want all, and few calls with several buffers", found, buffers, w-writes, p-packets)
	}
	c.finish()
}

// inBacklog is how many packets a buffer is; 0 if it is anything else.
func (c *crowd) inBacklog(v *viewer, buf unix.Iovec) (n uint64) {
	r := v.prog.Ring
	next, left := uintptr(unsafe.Pointer(buf.Base)), int(buf.Len) // a number, because it ends behind the segment
	for seq := r.Tail(); seq < r.Head() && left > 0; seq++ {
		b := r.At(seq).Bytes(v.variant, &v.conn.loop.scratch)
		switch {
		case uintptr(unsafe.Pointer(unsafe.SliceData(b))) == next && len(b) <= left:
			next, left = next+uintptr(len(b)), left-len(b)
			n++
		case n > 0:
			return 0
		}
	}
	if left > 0 {
		return 0
	}
	return n
}

// A viewer that joins gets the answer, the stream's head and the packets since
// the key frame in one write call.
func TestJoinIsOneWriteCall(t *testing.T) {
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A")
	enc.send("Pk x\nP x\nP x\n")
	v := b.viewer("v", 0, "PLAY live")
	if got := v.text(); v.tries != 1 || !strings.HasSuffix(got, " {A} 0-2") {
		t.Errorf("%d write calls brought %s", v.tries, got)
	}
	b.finish()
}
