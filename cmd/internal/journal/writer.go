package journal

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Socket is where journald takes entries.
const Socket = "/run/systemd/journal/socket"

const (
	// patience is how long one call of [Writer.Write] waits for a journal that takes
	// nothing.
	patience = time.Second
	// redial is the time between two tries to reach a journal that is gone.
	redial = time.Second
)

// Writer sends the lines of a [Handler] to the journal. One goroutine may use it.
type Writer struct {
	path     string
	conn     *net.UnixConn // nil while the journal cannot be reached
	tried    time.Time     // the last time that it was dialled
	entry    []byte
	patience time.Duration
	now      func() time.Time
}

// Dial opens the journal's socket. A process that gives up its rights does so before:
// later the socket is opened anew only if the journal has gone and come back.
func Dial(path string) (*Writer, error) {
	w := &Writer{path: path, patience: patience, now: time.Now}
	return w, w.dial()
}

// dial opens the socket.
func (w *Writer) dial() error {
	w.tried = w.now()
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: w.path, Net: "unixgram"})
	if err != nil {
		var call *os.SyscallError
		if errors.As(err, &call) {
			err = call.Err
		}
		return fmt.Errorf("the journal cannot be reached at %s: %w", w.path, err)
	}
	w.conn = conn
	return nil
}

// Write sends each line as an entry. It waits a bounded time while the journal takes
// nothing, and then fails with the number of bytes in the lines that it has taken; what
// becomes of the others is the caller's business.
func (w *Writer) Write(lines []byte) (n int, err error) {
	until := time.Now().Add(w.patience)
	for n < len(lines) {
		line, _, _ := bytes.Cut(lines[n:], newline)
		if w.entry, err = appendEntry(w.entry[:0], line); err != nil {
			return n, err
		}
		if err = w.send(until); err != nil {
			return n, err
		}
		n = min(n+len(line)+1, len(lines))
	}
	return n, nil
}

var newline = []byte{'\n'}

// errAway says that the journal is gone and was looked for a moment ago.
var errAway = errors.New("the journal is away")

// send sends the entry; if the journal has gone, to the one that has come since.
func (w *Writer) send(until time.Time) error {
	if w.conn != nil {
		err := w.put(until)
		if !gone(err) {
			return err
		}
		w.Close()
	}
	if w.now().Sub(w.tried) < redial {
		return errAway
	}
	if err := w.dial(); err != nil {
		return err
	}
	return w.put(until)
}

// put sends the entry on the present socket.
func (w *Writer) put(until time.Time) error {
	if err := w.conn.SetWriteDeadline(until); err != nil {
		return err
	}
	_, err := w.conn.Write(w.entry)
	return err
}

// gone reports whether an error says that nobody is at the other end.
func gone(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOTCONN) ||
		errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
}

// Close gives the socket back.
func (w *Writer) Close() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}
