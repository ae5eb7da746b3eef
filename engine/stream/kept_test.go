package stream

import (
	"log/slog"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/clock"
	"streampump/engine/internal/text"
	"streampump/engine/ring"
	"streampump/engine/settings"
)

// keeping is a header whose programme keeps as much beside its packets as is said.
type keeping struct {
	codec.Media
	kept *int
}

func (m keeping) NewProgramme() codec.Programme { return keeps{m.Media.NewProgramme(), m.kept} }

type keeps struct {
	codec.Programme
	kept *int
}

func (p keeps) Append(dst []byte, ev *codec.Event) ([]byte, codec.Mark, error) {
	out, mark, err := p.Programme.Append(dst, ev)
	mark.Kept = *p.kept
	return out, mark, err
}

// What a programme keeps is part of its stream's budget: packets make way for it, and where
// there is no room for it there is none for packets either. It is given back.
func TestWhatIsKeptCounts(t *testing.T) {
	cfg := settings.Default()
	cfg.Backlog.Bytes = 256 << 10
	env := &Env{Settings: &cfg, Log: slog.New(slog.DiscardHandler), Clock: clock.New(), Epochs: ring.NewEpochs(1)}
	st := New(env, settings.Stream{Path: "live", Push: true}, nil, func(int64, bool) {})
	in, kept := NewIngest(st), 0
	if err := in.Header(keeping{text.NewMedia("A"), &kept}, 1); err != nil {
		t.Fatal(err)
	}
	now := int64(1)
	packets := func(n int) (placed int) {
		t.Helper()
		for range n {
			now += int64(time.Millisecond)
			_, ok, err := in.Packet(&codec.Event{Kind: codec.Packet, Data: append([]byte("Pk "), make([]byte, 1<<10)...)}, now)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				placed++
			}
			if used := st.memory.Used(); used > cfg.Backlog.Bytes {
				t.Fatalf("%d bytes are used, %d may be", used, cfg.Backlog.Bytes)
			}
		}
		return placed
	}
	length := func() uint64 { r := st.Current().Ring; return r.Head() - r.Tail() }
	packets(1000)
	was := length()
	kept = 100 << 10
	if n := packets(1000); n != 1000 || length() > was/2 || length() == 0 {
		t.Errorf("%d packets of 1000 are taken, and %d of %d kept", n, length(), was)
	}
	kept = 300 << 10 // as of the next packet
	if n := packets(1000); n != 1 {
		t.Errorf("%d packets are taken although there is no room for what is kept", n)
	}
	st.Current().kept = 0
	kept = 0
	if n := packets(1000); n != 1000 || length() < was-2 {
		t.Errorf("%d packets of 1000 are taken again, and %d of %d kept", n, length(), was)
	}
	in.Commit()
	st.Close("over")
	if n := st.memory.Used(); n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}
