package logqueue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func asJSON(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) }

// record is a line of the log.
type record struct {
	Msg   string
	N     int
	Lines uint64
}

// records reads a log, every line of which has to be whole.
func records(t *testing.T, text []byte) (all []record) {
	t.Helper()
	for line := range bytes.Lines(text) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("a line is no JSON: %v: %q", err, line)
		}
		all = append(all, r)
	}
	return all
}

// output is a writer that can be stopped, and then fails or takes part of what it gets.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	calls int
	fail  func(b []byte) (int, error)
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	if o.fail != nil {
		n, err := o.fail(b)
		o.text.Write(b[:n])
		return n, err
	}
	return o.text.Write(b)
}

func (o *output) failing(f func(b []byte) (int, error)) {
	o.mu.Lock()
	o.fail = f
	o.mu.Unlock()
}

func TestLinesComeInOrderAndWhole(t *testing.T) {
	var out output
	q := New(&out, asJSON)
	const writers, each = 8, 200
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range each {
				q.Info(fmt.Sprint(w), "n", n)
			}
		})
	}
	all.Wait()
	if !q.Close(time.Minute) || q.Dropped() != 0 {
		t.Fatalf("not everything was written: %d dropped", q.Dropped())
	}
	next := map[string]int{}
	for _, r := range records(t, out.text.Bytes()) {
		if r.N != next[r.Msg] {
			t.Fatalf("line %d of %s is behind %d", r.N, r.Msg, next[r.Msg])
		}
		next[r.Msg]++
	}
	for w := range writers {
		if next[fmt.Sprint(w)] != each {
			t.Errorf("%d lines of %d, want %d", next[fmt.Sprint(w)], w, each)
		}
	}
}

// With a pipe that nobody reads, whoever logs does not wait; what there is no
// room for is counted, and told in its place when the pipe is read again.
func TestPipeThatNobodyReads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	q := New(w, asJSON)
	const burst = 3 * maxLines
	for n := range burst {
		q.Info("burst", "n", n)
	}
	dropped := q.Dropped()
	if dropped == 0 || dropped >= burst {
		t.Fatalf("%d of %d lines were dropped", dropped, burst)
	}
	if q.Close(time.Millisecond) {
		t.Error("a pipe that nobody reads took everything")
	}
	var text []byte
	var reading sync.WaitGroup
	reading.Go(func() { text, _ = io.ReadAll(r) })
	if !q.Close(time.Minute) {
		t.Fatal("a pipe that is read does not take everything")
	}
	_ = w.Close()
	reading.Wait()
	next, told := 0, uint64(0)
	for _, r := range records(t, text) {
		switch {
		case r.Lines > 0:
			told += r.Lines
			next += int(r.Lines)
		case r.N != next:
			t.Fatalf("line %d is where %d should be", r.N, next)
		default:
			next++
		}
	}
	if next != burst || told != dropped || q.Dropped() != dropped {
		t.Errorf("%d lines are accounted for of %d; %d were dropped, and %d are told", next, burst, dropped, told)
	}
}

// A reader that dies costs lines and nothing else. (That the process lives is
// shown where the process is: SIGPIPE is its business.)
func TestOutputThatFailsAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out output
		q := New(&out, asJSON)
		step := func(n int) { q.Info("x", "n", n); synctest.Wait() }
		step(0)
		out.failing(func([]byte) (int, error) { return 0, io.ErrClosedPipe })
		step(1)
		step(2)
		out.failing(func(b []byte) (int, error) { return len(b) / 2, errors.New("no space left on device") })
		step(3) // half of a notice
		out.failing(nil)
		step(4)
		step(5)
		if !q.Close(time.Second) {
			t.Fatal("not everything was written")
		}
		lines := strings.SplitAfter(strings.TrimSuffix(out.text.String(), "\n"), "\n")
		if len(lines) != 5 || json.Valid([]byte(lines[1])) {
			t.Fatalf("%q", lines)
		}
		for _, why := range []string{"could not be written", io.ErrClosedPipe.Error()} {
			if !strings.Contains(lines[2], why) {
				t.Errorf("%q does not say %q", lines[2], why)
			}
		}
		all := records(t, []byte(lines[0]+strings.Join(lines[2:], "")))
		want := []record{{"x", 0, 0}, {all[1].Msg, 0, 3}, {"x", 4, 0}, {"x", 5, 0}}
		if fmt.Sprint(all) != fmt.Sprint(want) || !strings.Contains(all[1].Msg, "were dropped") || q.Dropped() != 3 {
			t.Errorf("%v, want %v; %d dropped", all, want, q.Dropped())
		}
	})
}

// A disk that fills up within a batch: what it took is there, and the line that
// was torn is ended before anything else is written.
func TestBatchThatIsTakenInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out output
		q := New(&out, asJSON)
		room := 10_000
		out.failing(func(b []byte) (int, error) {
			n := min(room, len(b))
			if room -= n; n < len(b) {
				return n, errors.New("no space left on device")
			}
			return n, nil
		})
		const lines = 500
		for n := range lines {
			q.Info("x", "n", n)
		}
		synctest.Wait()
		out.failing(nil)
		q.Info("after")
		if !q.Close(time.Second) {
			t.Fatal("not everything was written")
		}
		var whole, torn int
		var told uint64
		for line := range bytes.Lines(out.text.Bytes()) {
			var r record
			switch err := json.Unmarshal(line, &r); {
			case err != nil:
				torn++
			case r.Msg == "x":
				whole++
			default:
				told += r.Lines
			}
		}
		if torn > 1 || whole+int(told) != lines || q.Dropped() != told || told == 0 {
			t.Errorf("%d whole, %d torn, %d told, %d dropped", whole, torn, told, q.Dropped())
		}
	})
}

// A line larger than the queue is dropped and told, and others go on.
func TestLineLargerThanTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out output
		q := New(&out, asJSON)
		q.Info(strings.Repeat("x", maxBytes))
		synctest.Wait()
		q.Info("after")
		if !q.Close(time.Second) || q.Dropped() != 1 {
			t.Fatalf("%d dropped", q.Dropped())
		}
		if all := records(t, out.text.Bytes()); len(all) != 2 || all[0].Lines != 1 || all[1].Msg != "after" {
			t.Errorf("%+v", all)
		}
	})
}

// Closing waits no longer than it may, and lines after it are counted.
func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		out := output{fail: func(b []byte) (int, error) { <-hang; return len(b), nil }}
		q := New(&out, asJSON)
		q.Info("x")
		began := time.Now()
		if q.Close(3*time.Second) || time.Since(began) != 3*time.Second {
			t.Errorf("it took %v", time.Since(began))
		}
		q.Info("late")
		if q.Dropped() != 1 {
			t.Errorf("%d dropped", q.Dropped())
		}
		close(hang)
		if !q.Close(time.Second) {
			t.Error("it did not end")
		}
	})
}

// Lines of programs that share a pipe are not mixed up.
func TestPiecesAreWholeLines(t *testing.T) {
	long := strings.Repeat("x", 2*atOnce) + "\n"
	for batch, want := range map[string]int{
		"a\nb\n":                              4,
		strings.Repeat("0123456\n", atOnce/8): atOnce,
		strings.Repeat("0123456\n", atOnce/8) + "a\n": atOnce,
		strings.Repeat("012345\n", atOnce):            atOnce / 7 * 7,
		long + "a\n":                                  len(long),
		"a\n" + long:                                  2,
		strings.Repeat("x", 2*atOnce):                 2 * atOnce,
	} {
		if got := len(piece([]byte(batch))); got != want {
			t.Errorf("of %d bytes %d are written at once, want %d", len(batch), got, want)
		}
	}
}

// A line costs what slog allocates for it, and nothing more.
func TestNothingIsAllocatedForALine(t *testing.T) {
	q := New(io.Discard, func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) })
	line := []byte("a line that is as long as most are, with some values=1 and=2\n")
	if n := testing.AllocsPerRun(1000, func() { _, _ = q.Write(line) }); n >= 1 {
		t.Errorf("%v allocations for a line", n)
	}
	q.Close(time.Minute)
}
