package stream

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/clock"
	"streampump/engine/internal/text"
	"streampump/engine/ring"
	"streampump/engine/settings"
)

// swelling is a header whose packets with "swell" in them grow to 1 MiB.
type swelling struct {
	codec.Media
	seen *[]string // the packets that the codec has seen, and those that it was told it misses
}

func (m swelling) NewProgramme() codec.Programme { return swells{m.Media.NewProgramme(), m.seen} }

type swells struct {
	codec.Programme
	seen *[]string
}

func (p swells) Append(dst []byte, ev *codec.Event) ([]byte, codec.Mark, error) {
	*p.seen = append(*p.seen, string(ev.Data))
	out, mark, err := p.Programme.Append(dst, ev)
	if err == nil && strings.Contains(string(ev.Data), "swell") {
		out = append(out, make([]byte, 1<<20)...)
	}
	return out, mark, err
}

func (p swells) Miss(ev *codec.Event) { *p.seen = append(*p.seen, "- "+string(ev.Data)) }

// What follows a packet that there is no room for begins with a key frame, whatever
// was left out before it, and wherever that was found: before it was framed, or behind
// it, because it grew. The codec sees each once, or is told once that it misses it: a packet may
// say what later ones need.
func TestWhatFollowsAGapIsAKeyFrame(t *testing.T) {
	cfg := settings.Default()
	cfg.Backlog.Bytes = 64 << 10
	env := &Env{Settings: &cfg, Log: slog.New(slog.DiscardHandler), Clock: clock.New(), Epochs: ring.NewEpochs(1)}
	st := New(env, settings.Stream{Path: "live", Push: true}, nil, func(int64, bool) {})
	in := NewIngest(st)
	var seen []string
	if err := in.Header(swelling{text.NewMedia("A"), &seen}, 1); err != nil {
		t.Fatal(err)
	}
	now := int64(1)
	packet := func(data string) (placed bool) {
		now += int64(time.Millisecond)
		n := len(seen)
		_, placed, err := in.Packet(&codec.Event{Kind: codec.Packet, Data: []byte(data)}, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := seen[n:]; len(got) != 1 || got[0] != data && (got[0] != "- "+data || placed) {
			t.Errorf("of %.20q the codec has seen %.20q", data, got)
		}
		return placed
	}
	packet("Pk x")
	env.Epochs.Enter(0) // a pass that lasts: nothing is free before its end
	for n := 0; packet("P " + strings.Repeat("x", 1<<10)); n++ {
		if n == 1000 {
			t.Fatal("there is always room")
		}
	}
	packet("Pk " + strings.Repeat("x", 1<<10)) // which is left out as well, so nothing goes on with it
	env.Epochs.Leave(0)
	for _, step := range []struct {
		data   string
		placed bool
	}{
		{"P x", false}, {"Pk swell", false}, {"P x", false},
		{"Pk x", true}, {"P x", true},
		{"P swell", false}, {"P x", false},
		{"Pk swell", false}, {"P x", false},
		{"Pk x", true}, {"P x", true},
	} {
		if placed := packet(step.data); placed != step.placed {
			t.Errorf("%q: in the backlog %v, want %v", step.data, placed, step.placed)
		}
	}
	in.Commit()
	st.Close("over")
	if n := env.Buffers.Out(); n != 0 {
		t.Errorf("%d buffers are out", n)
	}
}
