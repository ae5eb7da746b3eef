// Package logqueue is the log of a program that must not wait for its log: lines go
// into a bounded queue, and one goroutine writes them.
//
//	slog.Handler ──line──► Queue.Write: copied, or counted as dropped
//	                          │ (two buffers that change places)
//	                       write: whole batches ──► a file, a pipe, a terminal
//
// A pipe that nobody reads, a disk that is full and a terminal that was stopped cost
// lines and never time: whoever logs holds a lock for the copy of one line. Lines are
// dropped whole. Once the output takes lines again, a line in their place says how
// many are missing.
//
// The package knows slog's handlers and io.Writer. What becomes of SIGPIPE, which
// ends a program by default when the reader of its standard error is gone, is
// the program's business.
package logqueue

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of what waits to be written. When a stream ends and its viewers leave at
// once, that is some thousands of lines of 200 bytes; a full queue takes twice
// maxBytes, with the batch that is being written.
const (
	maxBytes = 4 << 20
	maxLines = 16 << 10
)

// keepBytes is how large a buffer may stay once it is empty again.
const keepBytes = 256 << 10

// Queue takes lines and writes them in the background. Any goroutine may use it.
type Queue struct {
	*slog.Logger

	out     io.Writer
	dropped atomic.Uint64 // lines, from the start

	mu      sync.Mutex
	more    sync.Cond // lines wait, or the queue is closed
	waiting []byte    // whole lines
	lines   int       // in waiting
	lost    uint64    // lines dropped behind those that wait, and not yet told
	closed  bool
	done    chan struct{} // closed when the writer has ended

	// The writer's own.
	notice *slog.Logger // says what is missing, into told
	told   bytes.Buffer
	torn   bool   // the output ends within a line
	owed   uint64 // lines lost and not told, because the output failed
	why    error  // the first failure of the output since then
}

// New makes a log that goes to out in the form of the handler, and starts its
// writer. [Queue.Close] ends it.
func New(out io.Writer, handler func(io.Writer) slog.Handler) *Queue {
	q := &Queue{out: out, done: make(chan struct{})}
	q.more.L = &q.mu
	q.Logger = slog.New(handler(q))
	q.notice = slog.New(handler(&q.told))
	go q.run()
	return q
}

// Write takes a line, or counts it as dropped. It never waits for the output and
// never fails: nobody could do anything about it.
func (q *Queue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		q.dropped.Add(1)
		return len(line), nil
	case q.lost > 0 || q.lines >= maxLines || len(q.waiting)+len(line) > maxBytes:
		// After a dropped line all are dropped, until the writer has said so: then there
		// is one gap and not many.
		q.lost++
		q.dropped.Add(1)
	default:
		q.waiting = append(q.waiting, line...)
		q.lines++
	}
	q.more.Signal()
	return len(line), nil
}

// Dropped is how many lines were dropped since the start.
func (q *Queue) Dropped() uint64 { return q.dropped.Load() }

// Close refuses further lines and returns when the waiting ones are written, or after
// the given time: an output that takes nothing does not hold up the end. It reports
// whether all was written.
func (q *Queue) Close(within time.Duration) bool {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.more.Signal()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-q.done:
		return true
	case <-late.C:
		return false
	}
}

// run writes what comes until the queue is closed and empty.
func (q *Queue) run() {
	defer close(q.done)
	var batch []byte
	for {
		lines, lost, more := 0, uint64(0), false
		batch, lines, lost, more = q.take(batch)
		if !more {
			return
		}
		q.write(batch, lines)
		q.tell(lost)
	}
}

// take waits for lines and exchanges their buffer for an empty one. lost is how
// many were dropped behind them; more is false at the end.
func (q *Queue) take(empty []byte) (batch []byte, lines int, lost uint64, more bool) {
	if cap(empty) > keepBytes {
		empty = nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.lines == 0 && q.lost == 0 && !q.closed {
		q.more.Wait()
	}
	if q.lines == 0 && q.lost == 0 {
		return nil, 0, 0, false
	}
	batch, lines, lost = q.waiting, q.lines, q.lost
	q.waiting, q.lines, q.lost = empty[:0], 0, 0
	return batch, lines, lost, true
}

// write writes a batch, some lines at a time. Lines that the output does not
// take are dropped with the rest of the batch: whether it will take others is
// seen when they come.
func (q *Queue) write(batch []byte, lines int) {
	if q.owed > 0 && !q.put(q.account(0)) {
		q.miss(lines, nil)
		return
	}
	for len(batch) > 0 {
		some := piece(batch)
		n, err := q.out.Write(some)
		if err != nil {
			n = min(max(n, 0), len(some))
			q.torn = n > 0 && some[n-1] != '\n'
			q.miss(lines-bytes.Count(some[:n], newline), err)
			return
		}
		lines -= bytes.Count(some, newline)
		batch = batch[len(some):]
	}
}

// atOnce is PIPE_BUF: what a pipe takes whole, so that lines of two programs that
// share one do not get mixed up.
const atOnce = 4096

// piece is the whole lines from the beginning of a batch that are written at once; a
// longer line goes alone.
func piece(batch []byte) []byte {
	if len(batch) <= atOnce {
		return batch
	}
	if end := bytes.LastIndexByte(batch[:atOnce], '\n'); end >= 0 {
		return batch[:end+1]
	}
	if end := bytes.IndexByte(batch, '\n'); end >= 0 {
		return batch[:end+1]
	}
	return batch
}

var newline = []byte{'\n'}

// miss counts lines that the output did not take, and keeps the first reason.
func (q *Queue) miss(lines int, why error) {
	if q.why == nil {
		q.why = why
	}
	q.owed += uint64(lines)
	q.dropped.Add(uint64(lines))
}

// tell says after a batch how many lines are missing there.
func (q *Queue) tell(lost uint64) {
	if lost > 0 {
		q.put(q.account(lost))
	}
}

// account is the line about all that is missing at this place.
func (q *Queue) account(lost uint64) []byte {
	q.owed += lost
	q.told.Reset()
	if q.torn {
		q.told.WriteByte('\n')
	}
	lines := slog.Uint64("lines", q.owed)
	if q.why == nil {
		q.notice.LogAttrs(context.Background(), slog.LevelError, "log lines were dropped, because nobody took them in time", lines)
	} else {
		q.notice.LogAttrs(context.Background(), slog.LevelError, "log lines were dropped, because they could not be written",
			lines, slog.Any("why", q.why))
	}
	return q.told.Bytes()
}

// put writes the line about what is missing, and reports whether it was taken.
func (q *Queue) put(line []byte) bool {
	if n, err := q.out.Write(line); err != nil {
		q.torn = q.torn && n == 0 || n > 1
		return false
	}
	q.owed, q.torn, q.why = 0, false, nil
	return true
}
