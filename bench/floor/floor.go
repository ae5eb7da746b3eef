// Package floor measures the least that any program can pay to send one stream
// to many viewers on this machine: one thread, one shared buffer, one vectored
// write for several packets, and nothing else. What a server costs above it is
// its own.
//
//	tick t:  viewers i with i mod k = t mod k  ◄──writev── the last k packets
//
// Each packet tick serves a share of the viewers with their last k packets, so
// that the load is even and each viewer gets every packet once. The viewers
// are loopback connections of this process; the thread that reads them is not
// counted, but the kernel charges what a receiver's side of loopback does with
// a segment to the sender, here as at every server that is measured so.
package floor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"streampump/bench/drain"
	"streampump/bench/meter"
)

// MaxCoalesce is the most packets in a call: what writev(2) takes.
const MaxCoalesce = 1024

// reserve is how many descriptors are left for everything but viewers.
const reserve = 64

// Options say what is sent.
type Options struct {
	Viewers    int
	PacketSize int           // bytes
	Coalesce   int           // packets in a call
	Bitrate    int           // bits per second of the stream
	Duration   time.Duration // how long it is sent
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
	// Behind is by how much a tick was late at worst, in milliseconds.
	Behind float64 `json:"behind_ms"`
}

// Run sends until the duration is over or ctx ends. It fails if no call could
// be made.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	r := &room{}
	defer r.close()
	if err := r.fill(ctx, o.Viewers); err != nil {
		return nil, err
	}
	stop := make(chan struct{})
	var reading sync.WaitGroup
	var readErr error
	reading.Go(func() { readErr = r.read(stop) })
	res := send(ctx, r.senders, o)
	close(stop)
	reading.Wait()
	switch {
	case readErr != nil:
		return nil, readErr
	case res.Calls == 0 || res.Bytes == 0:
		return nil, errors.New("nothing was sent, so there is nothing to tell")
	}
	return res, nil
}

func (o *Options) check() error {
	limit, err := meter.Descriptors()
	if err != nil {
		return err
	}
	switch {
	case o.Viewers < 1, o.PacketSize < 1, o.Bitrate < 1, o.Duration <= 0:
		return errors.New("viewers, packet size, bitrate and duration must be more than 0")
	case o.Coalesce < 1 || o.Coalesce > MaxCoalesce:
		return fmt.Errorf("a call takes 1 to %d packets, not %d", MaxCoalesce, o.Coalesce)
	case uint64(2*o.Viewers+reserve) > limit:
		return fmt.Errorf("%d viewers need %d descriptors, both ends being here, and this process may have %d (ulimit -n)",
			o.Viewers, 2*o.Viewers+reserve, limit)
	}
	return nil
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

// fill opens n connections over loopback.
func (r *room) fill(ctx context.Context, n int) error {
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
		if err := r.join(l, addr); err != nil {
			return fmt.Errorf("viewer %d of %d: %w", len(r.senders)+1, n, err)
		}
	}
	return nil
}

// join opens one connection.
func (r *room) join(listener int, addr unix.Sockaddr) error {
	reader, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	r.readers = append(r.readers, reader)
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
func (r *room) read(stop <-chan struct{}) error {
	set, err := drain.New()
	if err != nil {
		return err
	}
	defer set.Close()
	for _, fd := range r.readers {
		if err := set.Add(fd); err != nil {
			return err
		}
	}
	tick := time.NewTimer(set.Interval())
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := set.Sweep(func(int, int64, error) {}); err != nil {
				return err
			}
			tick.Reset(set.Interval())
		case <-stop:
			return nil
		}
	}
}

// send is the thread that is measured.
func send(ctx context.Context, fds []int, o Options) *Result {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	packets := vectors(o)
	tick := uint64(float64(o.PacketSize) * 8 / float64(o.Bitrate) * 1e9)
	res := &Result{}
	began, cpu := meter.Now(), meter.ThreadCPU()
	var behind uint64
	for t := uint64(1); t*tick <= uint64(o.Duration) && ctx.Err() == nil; t++ {
		sleepUntil(began + t*tick)
		behind = max(behind, meter.Now()-(began+t*tick))
		for i := int(t % uint64(o.Coalesce)); i < len(fds); i += o.Coalesce {
			res.write(fds[i], packets, o.PacketSize*o.Coalesce)
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

// vectors are k packets in one shared buffer.
func vectors(o Options) []unix.Iovec {
	buffer := make([]byte, o.PacketSize*o.Coalesce)
	v := make([]unix.Iovec, o.Coalesce)
	for i := range v {
		v[i].Base = &buffer[i*o.PacketSize]
		v[i].SetLen(o.PacketSize)
	}
	return v
}

// sleepUntil sleeps on this thread, not in the scheduler, up to a time of the
// clock of [meter.Now].
func sleepUntil(at uint64) {
	ts := unix.NsecToTimespec(int64(at))
	for errors.Is(unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil), unix.EINTR) {
	}
}
