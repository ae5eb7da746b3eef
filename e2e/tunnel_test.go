//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// tunnel is a link of a network whose packets pass through the test, which loses some of
// those to the viewers and lets others overtake some. What tc has for it is not in every
// kernel.
//
//	pump 10.98.0.1 ──tun──► the test ──tun──► 10.98.0.2 viewers of link 0
type tunnel struct {
	loss, late float64 // how many of all packets, from 0 to 1
	random     *rand.Rand

	passed, lost, overtaken atomic.Int64
}

// overtakers is how many packets go before one that is late: few, as players wait for it
// for a short time only.
const overtakers = 3

// largest is more than an IP packet has here.
const largest = 1 << 16

// addTunnel adds such a link to a network.
func (n *network) addTunnel(loss, late float64) *tunnel { return n.tunnelled(loss, late, false) }

// tunnelled is addTunnel; inward says that it is so towards the pump, and the other way is
// good.
func (n *network) tunnelled(loss, late float64, inward bool) *tunnel {
	n.t.Helper()
	i := n.links
	n.links++
	n.run("ip", "netns", "add", n.viewers(i))
	n.run("ip", "-n", n.viewers(i), "link", "set", "lo", "up")
	near, far := openTun(n.t, n.pump(), n.device(i)), openTun(n.t, n.viewers(i), n.viewersEnd(i))
	n.run("ip", "-n", n.pump(), "addr", "add", fmt.Sprintf("10.98.%d.1/24", i), "dev", n.device(i))
	n.run("ip", "-n", n.viewers(i), "addr", "add", fmt.Sprintf("10.98.%d.2/24", i), "dev", n.viewersEnd(i))
	n.run("ip", "-n", n.pump(), "link", "set", n.device(i), "up")
	n.run("ip", "-n", n.viewers(i), "link", "set", n.viewersEnd(i), "up")
	if inward {
		near, far = far, near
	}
	x := &tunnel{loss: loss, late: late, random: rand.New(rand.NewPCG(1, uint64(i)))} //nolint:gosec // it must be the same each time
	var both sync.WaitGroup
	both.Go(func() { x.forth(near, far) })
	both.Go(func() { back(far, near) })
	n.t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
		both.Wait()
	})
	return x
}

// openTun makes a device of a namespace whose packets are read and written here, one at a
// time.
func openTun(t testing.TB, ns, name string) *os.File {
	t.Helper()
	const path = "/dev/net/tun"
	var fd int
	err := inside(ns, func() (err error) {
		if fd, err = unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		r, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		return unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	})
	if err != nil {
		missing(t, err.Error())
	}
	return os.NewFile(uintptr(fd), path)
}

// forth carries packets to the viewers, until the devices are closed.
func (x *tunnel) forth(from, to *os.File) {
	var held []byte // it is late
	var wait int
	b := make([]byte, largest)
	for {
		size, err := from.Read(b)
		if err != nil {
			return
		}
		chance := x.random.Float64()
		switch {
		case chance < x.loss:
			x.lost.Add(1)
			continue
		case chance < x.loss+x.late && held == nil:
			held, wait = append(held, b[:size]...), overtakers
			continue
		}
		_, _ = to.Write(b[:size])
		x.passed.Add(1)
		if wait--; held != nil && wait == 0 {
			_, _ = to.Write(held)
			held = nil
			x.overtaken.Add(1)
		}
	}
}

// back carries packets to the pump.
func back(from, to *os.File) {
	b := make([]byte, largest)
	for {
		size, err := from.Read(b)
		if err != nil {
			return
		}
		_, _ = to.Write(b[:size])
	}
}
