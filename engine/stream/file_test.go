package stream

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/internal/text"
	"streampump/engine/settings"
)

// clip is a file of n packets, 100 ms apart, under the given header, whose
// times begin at from.
func clip(header string, n, from int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "H %s\n", header)
	for i := range n {
		verb := "P"
		if i%5 == 0 {
			verb = "Pk"
		}
		fmt.Fprintf(&s, "%s t=%d x\n", verb, from+100*i)
	}
	return s.String()
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// fileStream is a stream that plays a file of the test's own.
func fileStream(t *testing.T, content string) (settings.Stream, string) {
	name := filepath.Join(t.TempDir(), "clip")
	writeFile(t, name, content)
	return settings.Stream{Path: "live", File: &settings.File{File: name, Open: text.NewFile}}, name
}

func TestFileLoopsWithOneTimeLine(t *testing.T) {
	sc, _ := fileStream(t, clip("A", 20, 3000))
	inBubble(t, sc, nil, func(b *bubble) {
		s := b.after(9950 * time.Millisecond)
		st := s
		// Five rounds of two seconds; a splice puts the first packet of a round
		// at the end of the last one, which in this protocol has no duration.
		if st.PacketsIn < 100 || st.PacketsIn > 106 || st.Programmes != 1 || st.Splices < 4 {
			t.Errorf("%d packets in %d programmes with %d splices after ten seconds", st.PacketsIn, st.Programmes, st.Splices)
		}
		wantState(t, s, "up")
	})
}

func TestFileInMemory(t *testing.T) {
	sc := settings.Stream{Path: "live", File: &settings.File{Data: []byte(clip("A", 10, 0)), Open: text.NewFile}}
	inBubble(t, sc, nil, func(b *bubble) {
		if n := b.after(1950 * time.Millisecond).PacketsIn; n < 20 || n > 23 {
			t.Errorf("%d packets in two seconds", n)
		}
	})
}

func TestReplacedFileIsTakenAtTheLoopPoint(t *testing.T) {
	sc, name := fileStream(t, clip("A", 50, 0))
	inBubble(t, sc, nil, func(b *bubble) {
		b.after(time.Second)
		writeFile(t, name, clip("B", 50, 2000))
		if m := b.after(3 * time.Second).Media; m != "A" {
			t.Errorf("%s plays before the old file is over", m)
		}
		st := b.after(3 * time.Second)
		if st.Media != "B" || st.Programmes != 2 {
			t.Errorf("%s plays, %d programmes", st.Media, st.Programmes)
		}
		// Seven seconds: 50 packets of the old one and two seconds' worth of the
		// new, whose own times begin anew.
		if st.PacketsIn < 69 || st.PacketsIn > 73 {
			t.Errorf("%d packets after seven seconds", st.PacketsIn)
		}
	})
}

func TestBadReplacementIsReportedAndTheOldFileKept(t *testing.T) {
	for _, c := range []struct{ name, text, why string }{
		{"Rubbish", "rubbish\n", "a line that is no packet"},
		{"Empty", "H A\n", "the file ends before its first packet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc, name := fileStream(t, clip("A", 20, 0))
			inBubble(t, sc, nil, func(b *bubble) {
				b.after(time.Second)
				writeFile(t, name, c.text)
				s := b.after(6 * time.Second)
				wantState(t, s, "up")
				if n := s.PacketsIn; n < 68 || s.Programmes != 1 {
					t.Errorf("%d packets after seven seconds", n)
				}
				if n := strings.Count(b.log.String(), c.why); n != 1 {
					t.Errorf("the reason was logged %d times:\n%s", n, b.log.String())
				}
			})
		})
	}
}

func TestMissingFileIsLookedForAgain(t *testing.T) {
	sc, name := fileStream(t, "")
	inBubble(t, sc, nil, func(b *bubble) {
		if p := b.after(time.Second).Problem; !strings.Contains(p, "the file ends before its first packet") {
			t.Errorf("the problem is %q", p)
		}
		writeFile(t, name, clip("A", 50, 0))
		wantState(t, b.after(10*time.Second), "up")
	})
}

// A machine, or a process, that was stopped for an hour does not send the hour
// that it missed.
func TestFileGoesOnAfterALongStop(t *testing.T) {
	sc, _ := fileStream(t, clip("A", 50000, 0))
	inBubble(t, sc, nil, func(b *bubble) {
		var stopped atomic.Int64
		began := time.Now()
		b.env.Clock.Now = func() int64 { return int64(time.Since(began)) + stopped.Load() }
		before := b.after(time.Second).PacketsIn
		stopped.Store(int64(time.Hour))
		if n := b.after(2*time.Second).PacketsIn - before; n < 15 || n > 25 {
			t.Errorf("%d packets in the two seconds after an hour's stop, ten are due in a second", n)
		}
	})
}

// A file that gives no times is no reason to play it as fast as the machine can.
func TestFileWithoutTimesIsHeldBack(t *testing.T) {
	sc, _ := fileStream(t, "H A\nPk t=0 x\nP t=0 x\n")
	inBubble(t, sc, nil, func(b *bubble) {
		if n := b.after(time.Second).PacketsIn; n < 2 || n > 100 {
			t.Errorf("%d packets in a second", n)
		}
	})
}

// lockWatch is a file's reader that looks, at the first bytes of each read,
// whether the stream was locked during it.
type lockWatch struct {
	codec.Session
	st     **Stream
	fresh  bool
	locked *atomic.Int64
}

func (w *lockWatch) Consume(b []byte) (int, codec.Event) {
	if st := *w.st; st != nil && w.fresh {
		if !st.mu.TryLock() {
			w.locked.Add(1)
		} else {
			st.mu.Unlock()
		}
	}
	n, ev := w.Session.Consume(b)
	w.fresh = n == len(b)
	return n, ev
}

// A disk may take its time: the stream is not locked meanwhile, or the engine's
// clock, which looks after all streams, would wait for the disk.
func TestFileIsReadUnlocked(t *testing.T) {
	var st *Stream
	var locked atomic.Int64
	content := "H A\n" + strings.Repeat("Pk t=0 "+strings.Repeat("x", 100)+"\n", 2000) + "P t=1050 x\n" // no read falls on a tick of the engine's clock, which locks too
	sc, _ := fileStream(t, content)
	sc.File.Open = func() codec.Session { return &lockWatch{Session: text.NewFile(), st: &st, locked: &locked} }
	inBubble(t, sc, nil, func(b *bubble) {
		st = b.st
		b.after(3 * time.Second)
		if n := locked.Load(); n > 0 {
			t.Errorf("the stream was locked during %d reads", n)
		}
	})
}
