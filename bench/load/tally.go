package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"streampump/bench/feed"
	"streampump/bench/player"
	"streampump/bench/secure"
)

const (
	// maxDelay is the longest delay that is told apart from longer ones, in
	// microseconds: nobody calls what is older live.
	maxDelay = 600e6
	// digits is the precision of a histogram in decimal digits.
	digits = 3
	// maxReasons and maxFaults bound what a run remembers of what went wrong.
	maxReasons, maxFaults = 50, 20
	// otherReasons stands for the reasons past maxReasons.
	otherReasons = "other reasons"
)

// Counts is how many players are where.
type Counts struct {
	Started   int `json:"started"`   // began to connect, replacements included
	Connected int `json:"connected"` // of those, the server answered with 200
	Joined    int `json:"joined"`    // of those, got their first data packet
	Held      int `json:"held"`      // of those, still had the stream at the end
	Replaced  int `json:"replaced"`  // left by plan
	Lost      int `json:"lost"`      // failed, were turned away or cut off
}

// waiting is how many players wait for their first packet.
func (c Counts) waiting() int { return c.Started - c.Held - c.Replaced - c.Lost }

// tally is what all players of a run add to.
type tally struct {
	bytes     atomic.Int64
	measuring atomic.Bool
	mu        sync.Mutex
	counts    Counts
	reasons   map[string]int
	shaken    map[string]int          // TLS connections, by what was agreed on
	join      *hdrhistogram.Histogram // microseconds
	step      *hdrhistogram.Histogram // delays since the timeline's step began, microseconds
	checks    Verified
	unusable  int // time stamps of the future
	began     time.Time
	lastJoin  time.Duration // after began
	stalled   weight
	unweighed error // why the kernel's memory was not read

	// These belong to the goroutine of Run.
	delay *hdrhistogram.Histogram // of the measurement's steps that have ended, microseconds
	spare *hdrhistogram.Histogram // empty, for the next step
}

func newTally() *tally {
	return &tally{
		reasons: map[string]int{}, began: time.Now(),
		join:  hdrhistogram.New(1, maxDelay, digits),
		step:  hdrhistogram.New(1, maxDelay, digits),
		delay: hdrhistogram.New(1, maxDelay, digits),
		spare: hdrhistogram.New(1, maxDelay, digits),
	}
}

func (y *tally) change(f func(*Counts)) {
	y.mu.Lock()
	defer y.mu.Unlock()
	f(&y.counts)
}

func (y *tally) snapshot() Counts {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.counts
}

// joined counts a player that has its first packet, and how long after it began to
// connect.
func (y *tally) joined(took time.Duration) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.counts.Joined++
	y.counts.Held++
	record(y.join, took)
	y.lastJoin = time.Since(y.began)
}

// shook counts a TLS handshake.
func (y *tally) shook(s *tls.ConnectionState) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.shaken == nil {
		y.shaken = map[string]int{}
	}
	y.shaken[secure.Spoken(s)]++
}

// record records a time; what is out of bounds counts as the bound.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), maxDelay)) // within bounds it cannot fail
}

// lost counts a player that failed, with the reason.
func (y *tally) lost(held bool, err error) {
	reason := reasonOf(err)
	y.mu.Lock()
	defer y.mu.Unlock()
	y.counts.Lost++
	if held {
		y.counts.Held--
	}
	if _, known := y.reasons[reason]; !known && len(y.reasons) >= maxReasons {
		reason = otherReasons
	}
	y.reasons[reason]++
	var fault *player.Fault
	var broken *feed.Fault
	if errors.As(err, &fault) || errors.As(err, &broken) {
		y.checks.Broken++
		if len(y.checks.Faults) < maxFaults {
			y.checks.Faults = append(y.checks.Faults, err.Error())
		}
	}
}

// reasonOf is an error in words that are the same for all players it meets.
func reasonOf(err error) string {
	var fault *player.Fault
	var broken *feed.Fault
	var errno syscall.Errno
	switch {
	case errors.As(err, &broken):
		return "the stream broke a rule of " + broken.Of
	case errors.As(err, &fault):
		return "the stream broke the rule " + fault.Rule.String()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("nothing came for %v", player.DefaultTimeout)
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection"
	}
	return err.Error()
}

// stamped takes a delay in: now less the stamp, both of one clock.
func (y *tally) stamped(now, stamp uint64) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if stamp > now {
		y.unusable++
		return
	}
	record(y.step, time.Duration(now-stamp))
}

// endStep takes the delays that came in since it was called last, and adds
// them to those of the measurement if that was under way.
func (y *tally) endStep(measuring bool) *hdrhistogram.PackedHistogram {
	y.mu.Lock()
	ended := y.step
	y.step = y.spare
	y.mu.Unlock()
	// Of one geometry, so that no merge drops anything.
	if measuring {
		y.delay.Merge(ended)
	}
	packed := hdrhistogram.NewPacked(1, maxDelay, digits)
	packed.MergeFrom(ended)
	packed.Compact()
	ended.Reset()
	y.spare = ended
	return packed
}

// weighed adds what the kernel holds for stalled players of a crowd.
func (y *tally) weighed(held []int64, err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if err != nil {
		y.unweighed = err
		return
	}
	for _, n := range held {
		y.stalled.sockets++
		y.stalled.sum += n
		y.stalled.most = max(y.stalled.most, n)
	}
}

// weight is what the kernel holds for some sockets, in bytes.
type weight struct {
	sockets   int
	sum, most int64
}

// result is nil for no sockets.
func (w weight) result() *Stalled {
	if w.sockets == 0 {
		return nil
	}
	return &Stalled{Sockets: w.sockets, Mean: w.sum / int64(w.sockets), Max: w.most}
}

// verified adds what a verified player saw in all its time, with how many media
// objects it checked, and whether the stream was not one that can be checked.
func (y *tally) verified(c player.Counts, objects int64, foreign bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.checks.Packets += c.Packets
	y.checks.Objects += objects
	y.checks.Gaps += c.Gaps
	y.checks.Missing += c.Missing
	y.checks.Rounds += c.Rounds
	y.checks.Foreign = y.checks.Foreign || foreign
}

// verifiedFeed adds the same of a player of a Feed.
func (y *tally) verifiedFeed(c feed.Counts) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.checks.Packets += int64(c.Packets)
	y.checks.Gaps += int64(c.Gaps)
	y.checks.Missing += int64(c.Missing)
	if y.checks.Damaged == nil {
		y.checks.Damaged = new(int64)
	}
	*y.checks.Damaged += int64(c.Damaged)
}
