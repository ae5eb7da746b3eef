package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
func fileStream(t *testing.T, text string) (StreamConfig, string) {
	name := filepath.Join(t.TempDir(), "clip")
	writeFile(t, name, text)
	return StreamConfig{Path: "live", File: &FileConfig{File: name, Open: newTextFile}}, name
}

func TestFileLoopsWithOneTimeLine(t *testing.T) {
	sc, _ := fileStream(t, clip("A", 20, 3000))
	inBubble(t, sc, nil, func(b *bubble) {
		s := b.after(9950 * time.Millisecond)
		st := s.Streams[0]
		// Five rounds of two seconds; a splice puts the first packet of a round
		// at the end of the last one, which in this protocol has no duration.
		if st.PacketsIn < 100 || st.PacketsIn > 106 || st.Programmes != 1 || st.Splices < 4 {
			t.Errorf("%d packets in %d programmes with %d splices after ten seconds", st.PacketsIn, st.Programmes, st.Splices)
		}
		wantState(t, s, "up")
	})
}

func TestFileInMemory(t *testing.T) {
	sc := StreamConfig{Path: "live", File: &FileConfig{Data: []byte(clip("A", 10, 0)), Open: newTextFile}}
	inBubble(t, sc, nil, func(b *bubble) {
		if n := b.after(1950 * time.Millisecond).Streams[0].PacketsIn; n < 20 || n > 23 {
			t.Errorf("%d packets in two seconds", n)
		}
	})
}

func TestReplacedFileIsTakenAtTheLoopPoint(t *testing.T) {
	sc, name := fileStream(t, clip("A", 50, 0))
	inBubble(t, sc, nil, func(b *bubble) {
		b.after(time.Second)
		writeFile(t, name, clip("B", 50, 2000))
		if m := b.after(3 * time.Second).Streams[0].Media; m != "A" {
			t.Errorf("%s plays before the old file is over", m)
		}
		st := b.after(3 * time.Second).Streams[0]
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
				if n := s.Streams[0].PacketsIn; n < 68 || s.Streams[0].Programmes != 1 {
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
		if p := b.after(time.Second).Streams[0].Problem; !strings.Contains(p, "the file ends before its first packet") {
			t.Errorf("the problem is %q", p)
		}
		writeFile(t, name, clip("A", 50, 0))
		wantState(t, b.after(10*time.Second), "up")
	})
}
