package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/cmd/internal/logqueue"
)

// dial opens the socket, and gives the writer a clock and a patience that no test wears out.
func dial(t *testing.T, path string) (w *Writer, clock *time.Time) {
	t.Helper()
	w, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	now := w.tried
	w.now, w.patience = func() time.Time { return now }, 20*time.Second
	return w, &now
}

// moody is a writer whose patience can be taken from it.
type moody struct {
	*Writer
	impatient atomic.Bool
}

func (m *moody) Write(b []byte) (int, error) {
	m.patience = 20 * time.Second
	if m.impatient.Load() {
		m.patience = time.Millisecond
	}
	return m.Writer.Write(b)
}

// fill sends entries until there is no room for one, and says how many there are.
func fill(t *testing.T, path string) (taken int) {
	t.Helper()
	for {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			t.Fatal(err)
		}
		before := taken
		for ; err == nil; taken++ {
			_, err = unix.Write(fd, []byte("MESSAGE=filler\n"))
		}
		if taken--; taken == before {
			return taken
		}
	}
}

// queue is a program's log.
func queue(w io.Writer) *logqueue.Queue {
	return logqueue.New(w, func(w io.Writer) slog.Handler { return NewHandler(w, Options{Level: slog.LevelInfo}) })
}

// line is an entry as a handler writes it.
func line(msg string) []byte {
	var b bytes.Buffer
	slog.New(NewHandler(&b, Options{Level: slog.LevelInfo})).Info(msg)
	return b.Bytes()
}

// Each line of the queue is a datagram, in order.
func TestEntriesArrive(t *testing.T) {
	j := openJournald(t, socketPath(t))
	w, err := Dial(j.path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	q := queue(w)
	const lines = 300
	for n := range lines {
		q.Info("x", "n", n, "agent", "a\nb")
	}
	for n := range lines {
		if got, want := j.next(), fmt.Sprintf(`x n=%d agent="a\nb"`, n); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	if !q.Close(time.Minute) || q.Dropped() != 0 {
		t.Errorf("%d dropped", q.Dropped())
	}
}

// A journal that takes nothing costs lines, which are counted, and the journal says
// how many once it takes others.
func TestFullSocket(t *testing.T) {
	j := openJournald(t, socketPath(t))
	only, _ := dial(t, j.path)
	w := &moody{Writer: only}
	w.impatient.Store(true)
	taken := fill(t, j.path)
	if m := j.next(); m != "filler" {
		t.Fatal(m)
	}
	one, two := line("one"), line("two")
	n, err := w.Write(append(one, two...))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n != 0 && n != len(one) {
		t.Fatalf("%d bytes of %d, %v", n, 2*len(one), err)
	}
	taken += n/len(one) - 1
	if n == 0 {
		taken += fill(t, j.path)
	}
	q := queue(w)
	q.Info("lost")
	for q.Dropped() == 0 { // by the queue's goroutine
		runtime.Gosched()
	}
	w.impatient.Store(false)
	for range taken {
		if m := j.next(); m != "filler" && m != "one" {
			t.Fatal(m)
		}
	}
	q.Info("again")
	if m := j.next(); !strings.Contains(m, "dropped") || !strings.Contains(m, " lines=1 why=") {
		t.Error(m)
	}
	if m := j.next(); m != "again" {
		t.Error(m)
	}
	if !q.Close(time.Minute) || q.Dropped() != 1 {
		t.Errorf("%d dropped", q.Dropped())
	}
}

// A journal that goes and comes back is dialled again, at most once a second.
func TestReconnect(t *testing.T) {
	j := openJournald(t, socketPath(t))
	w, now := dial(t, j.path)
	step := func(what string, want error) {
		t.Helper()
		n, err := w.Write(line(what))
		if !errors.Is(err, want) || (n == 0) != (err != nil) {
			t.Fatalf("%s: %d, %v, want %v", what, n, err, want)
		}
	}
	step("before", nil)
	if m := j.next(); m != "before" {
		t.Fatal(m)
	}
	j.end()
	step("just gone", errAway)
	*now = now.Add(redial)
	step("gone", unix.ENOENT)
	j = openJournald(t, j.path)
	step("back a moment later", errAway)
	*now = now.Add(redial)
	step("back", nil)
	if m := j.next(); m != "back" {
		t.Fatal(m)
	}
	// It is replaced without a pause, a while after it was dialled.
	j.end()
	*now = now.Add(redial)
	j = openJournald(t, j.path)
	step("replaced", nil)
	if m := j.next(); m != "replaced" {
		t.Fatal(m)
	}
	if n, err := w.Write([]byte("\\x\n")); n != 0 || !errors.Is(err, errLine) {
		t.Errorf("what no handler wrote: %d, %v", n, err)
	}
}

func TestNoJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent")
	if _, err := Dial(path); err == nil || err.Error() != "the journal cannot be reached at "+path+": no such file or directory" {
		t.Error(err)
	}
}

// Standard error is the journal's if it is the stream that the variable names.
func TestStream(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(w.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	own := fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	for value, want := range map[string]bool{
		own: true, fmt.Sprintf("%d:%d", st.Dev, st.Ino+1): false, fmt.Sprintf("%d:%d", st.Dev+1, st.Ino): false, "": false, "x": false, "1": false,
	} {
		if Stream(value, w) != want {
			t.Errorf("%q, of %s: %v", value, own, !want)
		}
	}
	_ = w.Close()
	if Stream(own, w) {
		t.Error("a closed file is the journal's")
	}
}
