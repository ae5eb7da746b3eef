package stream

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/internal/text"
	"streampump/engine/settings"
)

func TestChangesAreBounded(t *testing.T) {
	var c changes
	at := func(seconds float64) int64 { return int64(time.Hour) + int64(seconds*float64(time.Second)) }
	spend := func(seconds float64) (n int) {
		for c.allow(at(seconds)) {
			n++
		}
		return n
	}
	for _, step := range []struct {
		seconds float64
		want    int
	}{{0, changesAtOnce}, {0.9, 0}, {1, 1}, {1.9, 0}, {2, 1}, {7.5, 5}, {8, 1}, {3600, changesAtOnce}, {3600.5, 0}} {
		if n := spend(step.seconds); n != step.want {
			t.Errorf("after %v s: %d programmes may begin, want %d", step.seconds, n, step.want)
		}
	}
}

// restless is a source's packets that begin a programme each, and headers in turn.
var restless = map[string]string{
	"clock":   "H A\nPk t=0 x\n" + strings.Repeat("OVER t=0 x\n", 100),
	"headers": strings.Repeat("H A\nPk t=0 x\nH B\nPk t=0 x\n", 50),
}

// checkRestless looks at a stream whose source has been so for some seconds: the
// attempt has failed with a sentence that is logged once, and nothing is kept.
func checkRestless(t *testing.T, b *bubble, d time.Duration) {
	t.Helper()
	s := b.after(d)
	if most := uint64(changesAtOnce + int(d/time.Second)); s.Programmes < changesAtOnce || s.Programmes > most {
		t.Errorf("%d programmes have begun, want %d at most", s.Programmes, most)
	}
	if s.Backlog > 8<<10 || len(b.st.Programmes()) > 1 {
		t.Errorf("%d bytes and %d programmes are kept", s.Backlog, len(b.st.Programmes()))
	}
	log := b.log.String()
	if n := strings.Count(log, "source failed, trying again"); n != 1 || !strings.Contains(log, ErrChanges.Error()) {
		t.Errorf("the failure was logged %d times:\n%s", n, log)
	}
	if n := strings.Count(log, "clock is used up"); n > 1 {
		t.Errorf("the end of a time line was logged %d times", n)
	}
}

func TestPullThatBeginsTooManyProgrammesFails(t *testing.T) {
	for name, body := range restless {
		t.Run(name, func(t *testing.T) {
			inBubble(t, pulled, nil, func(b *bubble) {
				b.answer = func(int) net.Conn {
					return serve(func(c net.Conn) { _, _ = io.WriteString(c, body) })
				}
				checkRestless(t, b, 25*time.Second)
				if len(b.dials) < 3 {
					t.Errorf("dialled %v", b.dials)
				}
			})
		})
	}
}

func TestFileThatBeginsTooManyProgrammesFails(t *testing.T) {
	for name, body := range restless {
		t.Run(name, func(t *testing.T) {
			sc := settings.Stream{Path: "live", File: &settings.File{Data: []byte(body), Open: text.NewFile}}
			inBubble(t, sc, nil, func(b *bubble) { checkRestless(t, b, 25*time.Second) })
		})
	}
}

// A programme without viewers is given back at once: no clock runs here.
func TestProgrammeThatNobodyWasInIsGivenBackAtOnce(t *testing.T) {
	inBubble(t, settings.Stream{Path: "live", Push: true}, nil, func(b *bubble) {
		in := NewIngest(b.st)
		for i := range 5 {
			if err := in.Header(text.NewMedia(fmt.Sprint("H", i)), 0); err != nil {
				t.Fatal(err)
			}
			ev := codec.Event{Kind: codec.Packet, Data: []byte("Pk x")}
			if _, _, err := in.Packet(&ev, 0); err != nil {
				t.Fatal(err)
			}
			in.Commit()
			if n, held := len(b.st.Programmes()), b.st.Snapshot().Backlog; n != 1 || held > 5<<10 {
				t.Fatalf("%d programmes in %d bytes", n, held)
			}
		}
	})
}

// A programme that has ended and has viewers counts, and its packets go before those
// of the next one.
func TestEndedProgrammesCount(t *testing.T) {
	change := func(c *settings.Config) { c.Backlog.Bytes = 1 << 20 }
	inBubble(t, settings.Stream{Path: "live", Push: true}, change, func(b *bubble) {
		in := NewIngest(b.st)
		fill := func(media string, packets int) *Programme {
			if err := in.Header(text.NewMedia(media), 0); err != nil {
				t.Fatal(err)
			}
			ev := codec.Event{Kind: codec.Packet, Data: []byte("Pk " + strings.Repeat("x", 1000))}
			for range packets {
				if _, placed, err := in.Packet(&ev, 0); err != nil || !placed {
					t.Fatalf("placed %v, %v", placed, err)
				}
			}
			in.Commit()
			return b.st.Current()
		}
		old := fill("A", 2000)
		old.Viewers.Add(1)
		kept := old.Ring.Head() - old.Ring.Tail()
		held := b.st.Snapshot().Backlog
		p := fill("B", 300)
		if got := b.st.Snapshot().Backlog; len(b.st.Programmes()) != 2 || got < held || got > 1<<20 {
			t.Errorf("%d programmes hold %d bytes, and one held %d", len(b.st.Programmes()), got, held)
		}
		if left := old.Ring.Head() - old.Ring.Tail(); left == 0 || left >= kept || p.Ring.Tail() != 0 {
			t.Errorf("%d packets of %d are left of the old programme, the new one begins at %d", left, kept, p.Ring.Tail())
		}
		old.Viewers.Add(-1)
		b.st.Tend(0)
		if n := len(b.st.Programmes()); n != 1 {
			t.Errorf("%d programmes are left", n)
		}
	})
}
