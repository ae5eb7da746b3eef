// Package floor measures the least that any program can pay to send one stream to
// many viewers on this machine: one thread, one shared buffer, one call for several
// packets that lie in it one behind the other, and nothing else. What a server costs
// above that is its own.
//
//	each packet tick:  the next N/k viewers  ◄──send── the packets since their last turn
//
// Each packet tick serves a share of the N viewers with their last k packets, so
// that the load is even and each viewer gets every packet once. The viewers
// are loopback connections of this process; the thread that reads them is not
// counted, but the kernel charges what a receiver's side of loopback does with
// a segment to the sender, here as at every server that is measured so.
package floor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"streampump/bench/affinity"
	"streampump/bench/drain"
	"streampump/bench/meter"
	"streampump/bench/segment"
)

// MaxCoalesce is the most packets in a call: what writev(2) takes, and far more
// than a socket does.
const MaxCoalesce = 1024

// reserve is how many descriptors are left for everything but viewers.
const reserve = 64

// Options say what is sent.
type Options struct {
	Viewers    int
	PacketSize int           // bytes
	Coalesce   float64       // packets in a call, on average
	Bitrate    int           // bits per second of the stream
	Duration   time.Duration // how long it is sent
	Segment    int           // most bytes of a TCP segment; 0: the interface's own
	// Seal is for how long AES-GCM alone is measured before; 0 leaves it.
	Seal time.Duration
	// Cores are the processors that the writing thread may run on; all of the
	// process's if empty.
	Cores []int
}

// Result is what it cost.
type Result struct {
	Seconds float64 `json:"seconds"`
	Calls   int64   `json:"calls"`
	Bytes   int64   `json:"bytes"`
	// Short is how many calls wrote nothing or less than was given to them:
	// sockets were full. What they did not write is left out.
	Short       int64   `json:"short_calls"`
	CPUSeconds  float64 `json:"cpu_seconds"` // of the writing thread
	NsPerCall   float64 `json:"ns_per_call"`
	SecondsByGB float64 `json:"cpu_seconds_per_gb"` // of 10^9 bytes
	// SealByGB is what AES-GCM alone costs (see [Seal]); 0 if it was not measured.
	SealByGB float64 `json:"aes_gcm_cpu_seconds_per_gb,omitempty"`
	// Behind is by how much a tick was late at worst, in milliseconds.
	Behind float64 `json:"behind_ms"`
}

// Run sends until the duration is over or ctx ends. It fails if no call could
// be made.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	sealByGB := 0.0
	if o.Seal > 0 {
		var err error
		if sealByGB, err = Seal(ctx, o.Cores, o.Seal); err != nil {
			return nil, err
		}
	}
	r := &room{}
	defer r.close()
	if err := r.fill(ctx, o.Viewers, o.Segment); err != nil {
		return nil, err
	}
	stop := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() { r.read(stop) })
	var res *Result
	sent := make(chan error, 1)
	go func() {
		sent <- affinity.Locked(o.Cores, func() error {
			res = send(ctx, r.senders, o)
			return nil
		})
	}()
	err := <-sent
	close(stop)
	reading.Wait()
	switch {
	case err != nil:
		return nil, err
	case res.Calls == 0 || res.Bytes == 0:
		return nil, errors.New("nothing was sent, so there is no result")
	}
	res.SealByGB = sealByGB
	return res, nil
}

// Check refuses options with which nothing can be measured.
func (o *Options) Check() error {
	limit, err := meter.Descriptors()
	if err != nil {
		return err
	}
	switch {
	case o.Viewers < 1, o.PacketSize < 1, o.Bitrate < 1, o.Duration <= 0, o.Seal < 0:
		return errors.New("viewers, packet size, bitrate and duration must be more than 0, and no time less")
	case !(o.Coalesce >= 1 && o.Coalesce <= MaxCoalesce):
		return fmt.Errorf("a call can have 1 to %d packets, not %g", MaxCoalesce, o.Coalesce)
	case uint64(2*o.Viewers+reserve) > limit:
		return fmt.Errorf("%d viewers, with both ends here, need %d descriptors, but this process may have %d (ulimit -n)",
			o.Viewers, 2*o.Viewers+reserve, limit)
	}
	return segment.Check(o.Segment)
}

// room is the connections, both ends.
type room struct {
	senders, readers []int
}

func (r *room) close() {
	for _, fd := range append(r.senders, r.readers...) {
		_ = unix.Close(fd)
	}
}

// fill opens n connections over loopback, with segments of most bytes.
func (r *room) fill(ctx context.Context, n, most int) error {
	l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a socket: %w", err)
	}
	defer unix.Close(l)
	if err := unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fmt.Errorf("binding to loopback: %w", err)
	}
	if err := unix.Listen(l, 1); err != nil {
		return fmt.Errorf("listening on loopback: %w", err)
	}
	addr, err := unix.Getsockname(l)
	if err != nil {
		return err
	}
	for range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.join(l, addr, most); err != nil {
			return fmt.Errorf("viewer %d of %d: %w", len(r.senders)+1, n, err)
		}
	}
	return nil
}

// join opens one connection.
func (r *room) join(listener int, addr unix.Sockaddr, most int) error {
	reader, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	r.readers = append(r.readers, reader)
	if err := segment.Announce(reader, most); err != nil {
		return err
	}
	if err := unix.Connect(reader, addr); err != nil {
		return err
	}
	sender, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return err
	}
	r.senders = append(r.senders, sender)
	return unix.SetsockoptInt(sender, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
}

// read drains the viewers' ends until stop is closed.
func (r *room) read(stop <-chan struct{}) {
	set := drain.New()
	for _, fd := range r.readers {
		set.Add(fd)
	}
	tick := time.NewTimer(set.Interval())
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			set.Sweep(func(int, int64, error) {})
			tick.Reset(set.Interval())
		case <-stop:
			return
		}
	}
}

// send is the thread that is measured.
func send(ctx context.Context, fds []int, o Options) *Result {
	most := int(math.Ceil(o.Coalesce))
	packets := make([]byte, o.PacketSize*most)
	served := make([]uint64, len(fds)) // in which tick each was served last
	next, credit := 0, 0.0             // whose turn it is, and how many have theirs
	tick := uint64(float64(o.PacketSize) * 8 / float64(o.Bitrate) * 1e9)
	res := &Result{}
	began, cpu := meter.Now(), meter.ThreadCPU()
	var behind uint64
	for t := uint64(1); t*tick <= uint64(o.Duration) && ctx.Err() == nil; t++ {
		sleepUntil(began + t*tick)
		behind = max(behind, meter.Now()-(began+t*tick))
		for credit += float64(len(fds)) / o.Coalesce; credit >= 1; credit-- {
			n := most
			if served[next] > 0 {
				n = min(n, int(t-served[next]))
			}
			served[next] = t
			res.write(fds[next], packets[:o.PacketSize*n])
			next = (next + 1) % len(fds)
		}
	}
	used := meter.ThreadCPU() - cpu
	res.Seconds = float64(meter.Now()-began) / 1e9
	res.Behind = float64(behind) / 1e6
	res.CPUSeconds = used.Seconds()
	if res.Calls > 0 && res.Bytes > 0 {
		res.NsPerCall = float64(used.Nanoseconds()) / float64(res.Calls)
		res.SecondsByGB = used.Seconds() / (float64(res.Bytes) / 1e9)
	}
	return res
}

// sleepUntil sleeps on this thread, not in the scheduler, up to a time of the
// clock of [meter.Now].
func sleepUntil(at uint64) {
	ts := unix.NsecToTimespec(int64(at))
	for errors.Is(unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil), unix.EINTR) {
	}
}
