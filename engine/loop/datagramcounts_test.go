package loop

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A call sends up to 64 datagrams, from where they lie in the backlog, and those of one
// length as one; a pass allocates nothing.
func TestDatagramCalls(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	cfg := labConfig()
	cfg.Backlog.Duration, cfg.Fanout.Budget = time.Second, 0
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A audio")
	enc.send(strings.Repeat("P v\n", 100)) // numbers have three digits from here on
	var viewers []*peer
	for range 10 {
		viewers = append(viewers, b.listener("v", 0, "PLAY live"))
	}
	d := &b.loops[0].datagrams
	for _, c := range []struct{ packets, calls int }{{1, 1}, {64, 1}, {65, 2}, {128, 2}} {
		calls, runs := d.calls, d.runs
		enc.send(strings.Repeat("P v\n", c.packets))
		if n, r := d.calls-calls, d.runs-runs; n != 10*c.calls || r != n {
			t.Errorf("%d packets took %d calls and %d runs for 10 viewers, want %d for each", c.packets, n, r, c.calls)
		}
	}
	calls, runs := d.calls, d.runs
	enc.send("P v\nP v\nP a\nP a\nP vvv\nP vvv\nP v\nP vv\n") // two channels, of one socket
	if n, r := d.calls-calls, d.runs-runs; n != 10 || r != 10*4 {
		t.Errorf("packets of two channels took %d calls and %d runs for 10 viewers", n, r)
	}
	k := b.loops[0]
	line := []byte("P " + strings.Repeat("x", 1000) + "\n")
	b.silent = true
	for range 200 {
		enc.sendBytes(line)
		b.advance(11 * time.Millisecond)
	}
	for _, v := range viewers {
		v.deaf = true
	}
	allocs := testing.AllocsPerRun(200, func() {
		k.loop.Traffic(enc.c, line)
		b.run()
		b.now += int64(11 * time.Millisecond)
		k.loop.Run()
	})
	if allocs > 0 && !raced {
		t.Errorf("%v allocations for a packet and 10 viewers", allocs)
	}
	b.silent = false
	b.finish()
}

// A way that takes no runs, because they are longer than fits or for other reasons, has the
// same datagrams one by one, each once.
func TestDatagramsOneByOne(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A join")
	enc.send("Pk v\n")
	v, w := b.listener("v", 0, "PLAY live"), b.listener("w", 0, "PLAY live")
	v.alone = true
	d := &b.loops[0].datagrams
	enc.send("P vv\nP v\nP v\nP v\n")
	calls, runs := d.calls, d.runs
	enc.send("P v\nP v\nP v\nP v\nP a\n")
	for _, p := range []*peer{v, w} {
		if got := p.text(); !strings.HasSuffix(got, "{A} (0 0) 0-9") {
			t.Errorf("%s got %s", p.name, got)
		}
	}
	if n, r := d.calls-calls, d.runs-runs; n != 2 || r != 5+2 {
		t.Errorf("%d calls and %d runs for two viewers, one of which takes none", n, r)
	}
	if n := b.e.Totals().Lost; n != 0 {
		t.Errorf("%d datagrams are lost", n)
	}
	b.finish()
}

// sharedDatagrams notes where datagrams lie.
type sharedDatagrams struct {
	labKernel
	bases [][]*byte
}

func (s *sharedDatagrams) Datagrams(fd int, r *Route, bufs []unix.Iovec, runs []Run) (int, unix.Errno) {
	var bases []*byte
	for _, v := range bufs {
		bases = append(bases, v.Base)
	}
	s.bases = append(s.bases, bases)
	return s.labKernel.Datagrams(fd, r, bufs, runs)
}

func TestDatagramsAreNotCopied(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A")
	enc.send("Pk v\n")
	v := b.listener("v", 0, "PLAY live")
	b.listener("w", 0, "PLAY live")
	spy := &sharedDatagrams{labKernel: labKernel{b.loops[0]}}
	b.loops[0].loop.kernel = spy
	enc.send("P v\nP a\n")
	s := v.c.viewer().prog.Ring.At(1)
	if len(spy.bases) != 2 || !slices.Equal(spy.bases[0], spy.bases[1]) || spy.bases[0][0] != unsafe.SliceData(s.Bytes(primary, nil)) {
		t.Errorf("two viewers were sent %v, and the packet lies elsewhere", spy.bases)
	}
	b.finish()
}
