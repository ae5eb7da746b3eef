package load

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/bench/meter"
	"streampump/bench/synth"
)

// TestMarksAnyCut: reads cut a stream anywhere.
func TestMarksAnyCut(t *testing.T) {
	var all []byte
	var want []uint32
	for i := range uint32(100) {
		all = append(all, "what a server puts between"...)
		all = synth.AppendObject(all, synth.Mark{Stream: 1, Sequence: i, Stamp: 1, Carrier: synth.Carrier(i % 2)}, 400)
		want = append(want, i)
	}
	r := rand.New(rand.NewPCG(7, 8))
	for _, most := range []int{1, 7, 100, 5000} {
		var k marks
		var got []uint32
		for rest := all; len(rest) > 0; {
			n := min(1+r.IntN(most), len(rest))
			k.write(rest[:n], func(m synth.Mark) { got = append(got, m.Sequence) })
			rest = rest[n:]
			if len(k.held) > 200 {
				t.Fatalf("%d bytes are held", len(k.held))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pieces of up to %d bytes %d marks are found, of %d", most, len(got), len(want))
		}
	}
}

// TestMarksOfAnyServer: the delay is measured, and nothing is said of what was
// not looked at.
func TestMarksOfAnyServer(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{stamped: true, corrupt: true})
	for _, describe := range []bool{false, true} {
		r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", Players: 4, Verify: 2, Marks: true, Describe: describe, Stall: Stall{50, 50 * time.Millisecond}})
		if len(r.Problems) > 0 || r.Counts.Held != 4 || r.Delay == nil || r.Verified != nil ||
			!slices.Equal(r.Notes, []string{"nothing was checked: only time stamps were looked for"}) {
			t.Errorf("%+v", r)
		}
	}
}

// TestMarksOfABrokenServer: what ends a player is told.
func TestMarksOfABrokenServer(t *testing.T) {
	t.Parallel()
	ended := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "all of it")
	}))
	defer ended.Close()
	for addr, want := range map[string]string{
		serve(t, &server{refuse: true}).addr: "2 lost: the answer is HTTP/1.0 503 Service Unavailable",
		ended.Listener.Addr().String():       "2 lost: the server closed the connection",
	} {
		r := play(t.Context(), t, Options{Addr: addr, Path: "/x", Players: 2, Verify: 2, Marks: true, Plain: true})
		if !strings.Contains(strings.Join(r.Problems, "\n"), want) {
			t.Errorf("%+v, want %q", r, want)
		}
	}
}

// A player that has left is not waited for, though nothing comes any more.
func TestMarksEndWithTheRun(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := synth.AppendObject(nil, synth.Mark{Stream: 1, Stamp: meter.Now()}, 400)
		_, _ = w.Write(b)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer silent.Close()
	r := play(t.Context(), t, Options{Addr: silent.Listener.Addr().String(), Path: "/x", Players: 1, Verify: 1, Marks: true, Plain: true, Duration: time.Millisecond})
	if r.Counts.Held != 1 || r.Interrupted {
		t.Errorf("%+v", r)
	}
}
