package loop

import (
	"context"
	"fmt"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	"streampump/engine/internal/labels"
	"streampump/engine/settings"
)

// wakeSpy notes the labels under which a loop is woken.
type wakeSpy struct {
	*labLoop
	seen *[]string
}

func (w wakeSpy) Wake() {
	*w.seen = append(*w.seen, labels.Here(w.lab.t))
	w.labLoop.Wake()
}

// Everything that a loop does for a stream is under the stream's label: what an
// encoder's bytes cause, the join, the sweep, viewers with more to send, and
// those whose sockets take bytes again. Afterwards the label is off.
func TestWorkForAStreamIsLabelled(t *testing.T) {
	b := newLab(t, labConfig(), settings.Stream{Path: "film", Push: true}, settings.Stream{Path: "news", Push: true})
	pprof.SetGoroutineLabels(b.e.loops[0].labels)
	defer pprof.SetGoroutineLabels(context.Background())
	var woken, written []string
	b.loops[0].loop.reactor = wakeSpy{b.loops[0], &woken}
	b.loops[0].before = func(p *peer) {
		written = append(written, p.name+": "+labels.Here(t))
	}
	want := func(what string, got *[]string, want ...string) {
		t.Helper()
		if !slices.Equal(*got, want) {
			t.Errorf("%s: got %q, want %q", what, *got, want)
		}
		if now := labels.Here(t); now != "loop=0" {
			t.Errorf("%s: after the pass the labels are %q", what, now)
		}
		woken, written = nil, nil
	}
	film, news := b.encoder("film", "H A"), b.encoder("news", "H A audio")
	film.send("Pk x")
	woken, written = nil, nil
	anna := b.dial("anna", 0, "10.0.0.1")
	anna.send("PLAY film\n")
	want("join", &written, "anna: loop=0 stream=film")
	bert := b.viewer("bert", 0, "PLAY news")
	woken, written = nil, nil

	film.send("\n")
	want("ingest", &woken, "loop=0 stream=film")
	news.send("Pk x\n")
	want("ingest of the other", &woken, "loop=0 stream=news")
	film.send("P x\n")
	want("sweep", &written, "anna: loop=0 stream=film")
	news.send("P x\n")
	want("sweep of the other", &written, "bert: loop=0 stream=news")

	bert.room = 0
	news.send("P x\n")
	want("a full socket", &written, "bert: loop=0 stream=news")
	bert.setRoom(-1)
	want("it takes bytes again", &written, "bert: loop=0 stream=news")

	anna.hangup()
	film.send("Pk x\n" + strings.Repeat("P "+strings.Repeat("x", 1000)+"\n", 7*maxWrite/1000))
	if *overTLS {
		return // it takes more calls
	}
	b.viewer("carl", 0, "PLAY film")
	want("more than one turn allows", &written, slices.Repeat([]string{"carl: loop=0 stream=film"}, turns+1)...)
	b.finish()
}

// One stored pointer for each show and pass: not one for each viewer or packet.
// The hook forgets the mark that label leaves; whoever labelled again between two
// viewers of a show would set it again.
func TestLabelsAreSetOnceForAShow(t *testing.T) {
	const viewers = 20
	b := newLab(t, labConfig(), settings.Stream{Path: "film", Push: true}, settings.Stream{Path: "news", Push: true})
	encoders := []*peer{b.encoder("film", "H A audio"), b.encoder("news", "H A audio")}
	for i := range viewers {
		b.viewer(fmt.Sprint(i), 0, "PLAY "+[]string{"film", "news"}[i%2])
	}
	l, labelled, writes := b.e.loops[0], 0, 0
	b.loops[0].before = func(*peer) {
		writes++
		if l.shown != nil {
			labelled++
		}
		l.shown = nil
	}
	for _, enc := range encoders { // both streams in one pass
		enc.arrives([]byte("P x\nP x\nP x\n"))
	}
	b.run()
	if writes != viewers || labelled != 2 {
		t.Errorf("%d labels for %d write calls of two shows, want 2 for %d", labelled, writes, viewers)
	}
	b.loops[0].before = nil
	l.shown = nil
	b.finish()
}

func TestLabelDoesNotAllocate(t *testing.T) {
	b := newLab(t, labConfig())
	l, s := b.e.loops[0], b.e.loops[0].showOf(b.e.order[0])
	if n := testing.AllocsPerRun(100, func() { l.label(s); l.label(nil) }); n != 0 {
		t.Errorf("%v allocations for a label put on and taken off", n)
	}
}

// BenchmarkLabel is what a show and pass pay: a label on, and off again.
func BenchmarkLabel(b *testing.B) {
	lab := newLab(b, labConfig())
	l, s := lab.e.loops[0], lab.e.loops[0].showOf(lab.e.order[0])
	b.ReportAllocs()
	for b.Loop() {
		l.label(s)
		l.label(nil)
	}
}
