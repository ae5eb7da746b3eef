package attack

import (
	"bytes"
	"net"
	"slices"
	"strings"
)

// line is a connection whose answers are read and counted.
type line struct {
	net.Conn
	a    *assault
	stop func() bool
	gone chan struct{} // closed when nothing more can come
}

// open opens a connection and counts what comes on it.
func (a *assault) open() (*line, error) {
	c, err := a.dial()
	if err != nil {
		return nil, err
	}
	return a.watch(c), nil
}

// watch counts what comes on a connection, until it ends.
func (a *assault) watch(c net.Conn) *line {
	l := &line{Conn: c, a: a, gone: make(chan struct{})}
	l.stop = ends(a, c)
	a.mu.Lock()
	a.lines = append(a.lines, l)
	a.mu.Unlock()
	a.readers.Go(l.read)
	return l
}

// read counts what comes.
func (l *line) read() {
	defer close(l.gone)
	var s statuses
	b := make([]byte, 16<<10)
	for {
		n, err := l.Conn.Read(b)
		l.a.count(func(d *Did) {
			d.Received += int64(n)
			s.count(b[:n], d.Answers)
			if err != nil && l.a.ctx.Err() == nil && !l.a.over && slices.Contains(l.a.lines, l) {
				d.Closed++
			}
		})
		if err != nil {
			return
		}
	}
}

// Write sends, and counts what was sent.
func (l *line) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	l.a.count(func(d *Did) { d.Sent += int64(n) })
	return n, err
}

// Close closes the connection; the pump does not count as having done it.
func (l *line) Close() error {
	l.a.mu.Lock()
	l.a.lines = slices.DeleteFunc(l.a.lines, func(o *line) bool { return o == l })
	l.a.mu.Unlock()
	l.stop()
	return l.Conn.Close()
}

// closeAll closes what is open and waits for those who read.
func (a *assault) closeAll() {
	a.mu.Lock()
	a.over = true
	open := slices.Clone(a.lines)
	a.mu.Unlock()
	for _, l := range open {
		_ = l.Close()
	}
	a.readers.Wait()
}

// statuses finds the statuses of answers that come one behind the other.
type statuses struct{ held []byte }

// statusLines are what answers begin with, of the same length each; the status follows.
var statusLines = [...][]byte{[]byte("HTTP/1."), []byte("RTSP/1.")}

// lineSize is that length.
const lineSize = len("HTTP/1.")

// answerIn is where the first answer in b begins; -1 if none does.
func answerIn(b []byte) (first int) {
	first = -1
	for _, line := range statusLines {
		if i := bytes.Index(b, line); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}

// statusAt is where the status is, and statusEnd where it ends.
const statusAt, statusEnd = len("HTTP/1.1 "), len("HTTP/1.1 200")

// count counts the statuses in what has come.
func (s *statuses) count(b []byte, into map[string]int) {
	for _, status := range s.next(b) {
		into[status]++
	}
}

// next are the statuses in what has come.
func (s *statuses) next(b []byte) (found []string) {
	b = append(s.held, b...)
	for {
		i := answerIn(b)
		if i < 0 { // the end may be the beginning of one
			i = max(len(b)-lineSize+1, 0)
		}
		if len(b)-i < statusEnd {
			s.held = append([]byte(nil), b[i:]...)
			return found
		}
		// An answer may say what was asked, in words that look like it.
		if status := string(b[i+statusAt : i+statusEnd]); strings.Trim(status, "0123456789") == "" {
			found = append(found, status)
		}
		b = b[i+statusEnd:]
	}
}
