package loop

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// driven is a reactor of loops that the test runs all the time.
type driven struct{}

func (driven) Wake()              {}
func (driven) Close(*Conn)        {}
func (driven) Listen(*Conn, bool) {}

// The operator sees who is watching, and by whom.
func TestRoster(t *testing.T) {
	cfg := labConfig()
	cfg.Loops, cfg.Access = 2, &judge{}
	b := newLab(t, cfg)
	b.dial("enc", 0, "10.0.0.9").send("PUBLISH live u=anna:x\nH A\nPk x\n")
	for i := range 4 {
		b.dial(fmt.Sprint(i), i%2, "10.0.0.1").send("PLAY live u=anna:x a=player\n")
	}
	b.advance(3 * time.Second)
	for _, k := range b.loops {
		k.loop.Drive(labKernel{k}, driven{}) // another goroutine asks
	}
	roster := func(w Wanted) ([]ViewerRow, bool) {
		type part struct {
			rows []ViewerRow
			more bool
		}
		done := make(chan part, 1)
		go func() {
			rows, more, err := b.e.Roster(t.Context(), w)
			if err != nil {
				t.Error(err)
			}
			done <- part{rows, more}
		}()
		for {
			for _, l := range b.e.loops {
				l.Run() // whoever is asked answers in its pass
			}
			select {
			case p := <-done:
				return p.rows, p.more
			default:
			}
		}
	}
	for _, c := range []struct {
		w    Wanted
		n    int
		more bool
	}{
		{Wanted{Most: 10}, 4, false}, {Wanted{Most: 4, Stream: "LIVE", Client: "anna"}, 4, false}, {Wanted{Most: 3}, 3, true}, {Wanted{Most: 1}, 1, true},
		{Wanted{Most: 10, Stream: "other"}, 0, false}, {Wanted{Most: 10, Client: "otto"}, 0, false},
	} {
		rows, more := roster(c.w)
		if len(rows) != c.n || more != c.more {
			t.Errorf("%+v: %d rows, more %v", c.w, len(rows), more)
		}
		for _, r := range rows {
			if r.Stream != "live" || r.Client != "anna" || r.Agent != "player" || r.Seconds != 3 || r.Bytes == 0 || !r.Peer.IsValid() {
				t.Errorf("%+v", r)
			}
		}
	}
	if s := b.e.order[0].Snapshot(); s.Client != "anna" {
		t.Errorf("the source's client is %q", s.Client)
	}
	// A loop that has no time does not keep the operator waiting for ever.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, more, err := b.e.Roster(ctx, Wanted{Most: 10}); err == nil || !more {
		t.Errorf("more %v, %v", more, err)
	}
}
