package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/pprof/profile"
	"golang.org/x/sys/unix"

	"streampump/codec"
)

// goroutines is the goroutine profile: the labels of each, by a function in its
// stack, as "loop=0 stream=live".
func goroutines(t testing.TB, function string) (labels []string) {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 0); err != nil {
		t.Fatal(err)
	}
	p, err := profile.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Sample {
		if inStack(s, function) {
			var words []string
			for _, key := range slices.Sorted(maps.Keys(s.Label)) {
				words = append(words, key+"="+s.Label[key][0])
			}
			labels = append(labels, strings.Join(words, " "))
		}
	}
	slices.Sort(labels)
	return labels
}

func inStack(s *profile.Sample, function string) bool {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if strings.HasSuffix(line.Function.Name, function) {
				return true
			}
		}
	}
	return false
}

// labelsHere are the labels of the calling goroutine. One at a time may ask.
//
//go:noinline
func labelsHere(t testing.TB) string {
	return strings.Join(goroutines(t, ".labelsHere"), " and ")
}

// wakeSpy notes the labels under which a loop is woken.
type wakeSpy struct {
	*labLoop
	seen *[]string
}

func (w wakeSpy) wake() {
	*w.seen = append(*w.seen, labelsHere(w.lab.t))
	w.labLoop.wake()
}

// Everything that a loop does for a stream is under the stream's label: what an
// encoder's bytes cause, the join, the sweep, viewers with more to send, and
// those whose sockets take bytes again. Afterwards the label is off.
func TestWorkForAStreamIsLabelled(t *testing.T) {
	b := newLab(t, labConfig(), StreamConfig{Path: "film", Push: true}, StreamConfig{Path: "news", Push: true})
	pprof.SetGoroutineLabels(b.e.loops[0].labels)
	defer pprof.SetGoroutineLabels(context.Background())
	var woken, written []string
	b.loops[0].loop.reactor = wakeSpy{b.loops[0], &woken}
	b.loops[0].before = func(p *peer) {
		written = append(written, p.name+": "+labelsHere(t))
	}
	want := func(what string, got *[]string, want ...string) {
		t.Helper()
		if !slices.Equal(*got, want) {
			t.Errorf("%s: got %q, want %q", what, *got, want)
		}
		if now := labelsHere(t); now != "loop=0" {
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
	b.viewer("carl", 0, "PLAY film")
	want("more than one turn allows", &written, slices.Repeat([]string{"carl: loop=0 stream=film"}, turns+1)...)
	b.finish()
}

// One stored pointer for each show and pass: not one for each viewer or packet.
// The hook forgets the mark that label leaves; whoever labelled again between two
// viewers of a show would set it again.
func TestLabelsAreSetOnceForAShow(t *testing.T) {
	const viewers = 20
	b := newLab(t, labConfig(), StreamConfig{Path: "film", Push: true}, StreamConfig{Path: "news", Push: true})
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
		enc.at.loop.traffic(enc.c, []byte("P x\nP x\nP x\n"))
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
	l, s := b.e.loops[0], b.e.order[0].shows[0]
	if n := testing.AllocsPerRun(100, func() { l.label(s); l.label(nil) }); n != 0 {
		t.Errorf("%v allocations for a label put on and taken off", n)
	}
}

// kernelSpy notes the labels under which a real loop writes.
type kernelSpy struct {
	kernel
	t    testing.TB
	mu   *sync.Mutex
	seen map[string]bool
}

func (k kernelSpy) writev(fd int, iov []unix.Iovec) (int, unix.Errno) {
	k.mu.Lock()
	k.seen[labelsHere(k.t)] = true
	k.mu.Unlock()
	return k.kernel.writev(fd, iov)
}

// Labels hold on the goroutines that gnet starts, and on those of the sources.
func TestRealGoroutinesAreLabelled(t *testing.T) {
	cfg := labConfig()
	cfg.Loops = 2
	e, err := New(cfg, []StreamConfig{
		{Path: "live", Push: true},
		{Path: "clip", File: &FileConfig{Data: []byte(clip("A", 1000, 0)), Open: newTextFile}},
		{Path: "far", Pull: &PullConfig{Open: newTextPull}},
	}, []codec.Protocol{textProtocol{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, errors.New("nobody there")
	}
	if err := e.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Shutdown)
	if here := labelsHere(t); here != "" {
		t.Errorf("starting leaves the labels %q", here)
	}
	eventually(t, "each source and loop runs under its label", func() bool {
		return slices.Equal(goroutines(t, ".(*stream).pull"), []string{"stream=far"}) &&
			slices.Equal(goroutines(t, ".(*stream).play"), []string{"stream=clip"}) &&
			slices.Equal(goroutines(t, ".(*eventloop).run"), []string{"loop=0", "loop=1"})
	})

	var mu sync.Mutex
	seen := map[string]bool{}
	for _, l := range e.loops {
		l.post(func() { l.kernel = kernelSpy{l.kernel, t, &mu, seen} })
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

// BenchmarkLabel is what a show and pass pay: a label on, and off again.
func BenchmarkLabel(b *testing.B) {
	lab := newLab(b, labConfig())
	l, s := lab.e.loops[0], lab.e.order[0].shows[0]
	b.ReportAllocs()
	for b.Loop() {
		l.label(s)
		l.label(nil)
	}
}
