//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// network is a network of our own that the test may slow down: a namespace
// where the pump and its encoder are, and for each link a namespace where
// viewers are, joined by a veth pair with a bottleneck at the pump's end.
//
//	pump 10.98.0.1 ──tbf──► 10.98.0.2 viewers of link 0
//	     10.98.1.1 ──tbf──► 10.98.1.2 viewers of link 1
//
// The namespaces are named after this process, so that runs side by side do
// not meet, and are deleted at the test's end, whatever it was.
type network struct {
	t     testing.TB
	name  string
	links int
}

// networks counts the networks of this process, for their names.
var networks atomic.Int32

// smallBuffers bound what the kernel swallows for a viewer, so that the pump
// sees a stall after a second and not after half a minute: least, first and
// most bytes of a socket's buffer.
const smallBuffers = "4096 16384 65536"

// newNetwork makes a network with so many links, none of them slowed down yet.
// Where it may not, the test is skipped, or fails if nothing may be skipped.
func newNetwork(t testing.TB, links int) *network {
	t.Helper()
	needRoot(t)
	removeStale()
	n := &network{t: t, name: fmt.Sprintf("sp%d-%d", os.Getpid(), networks.Add(1)), links: links}
	t.Cleanup(n.remove)
	n.run("ip", "netns", "add", n.pump())
	n.run("ip", "-n", n.pump(), "link", "set", "lo", "up")
	n.smallBuffers(n.pump())
	for i := range links {
		n.addLink(i)
	}
	return n
}

// needRoot skips a test that cannot do its work, and says what is missing.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "network namespaces need root")
	}
	need(t, "ip", "tc")
	if why := namespaces(); why != "" {
		missing(t, "network namespaces cannot be used here: "+why)
	}
}

// namespaces is why network namespaces cannot be used, found out by really entering
// one as the tests do: where they may be made they need not be of use, as in a chroot,
// where ip cannot remount /sys. It is empty if they can.
var namespaces = sync.OnceValue(func() string {
	name := fmt.Sprintf("sp%d-0", os.Getpid())
	defer func() { _ = exec.Command("ip", "netns", "del", name).Run() }()
	for _, args := range [][]string{
		{"ip", "netns", "add", name},
		{"ip", "-n", name, "link", "set", "lo", "up"},
		{"ip", "netns", "exec", name, "true"},
		{"ip", "-n", name, "link", "add", "p0", "type", "veth", "peer", "name", "v0"},
		{"tc", "-n", name, "qdisc", "add", "dev", "p0", "root", "tbf", "rate", "1mbit", "burst", "16kb", "latency", "200ms"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Sprintf("%s: %v: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
		}
	}
	if err := inside(name, func() error { return nil }); err != nil {
		return err.Error()
	}
	return ""
})

// pump is the namespace of the pump, viewers that of a link's viewers.
func (n *network) pump() string            { return n.name }
func (n *network) viewers(i int) string    { return fmt.Sprintf("%s-v%d", n.name, i) }
func (n *network) address(i int) string    { return fmt.Sprintf("10.98.%d.1:%d", i, netPort) }
func (n *network) prefix() []string        { return within(n.pump()) }
func (n *network) device(i int) string     { return fmt.Sprintf("p%d", i) }
func (n *network) viewersEnd(i int) string { return fmt.Sprintf("v%d", i) }

// within is put before the command line of a program that is to run in a namespace.
func within(ns string) []string { return []string{"ip", "netns", "exec", ns} }

// netPort is the pump's port: a namespace has all of them to itself.
const netPort = 8086

// addLink joins a namespace of viewers to the pump's.
func (n *network) addLink(i int) {
	n.run("ip", "netns", "add", n.viewers(i))
	n.run("ip", "link", "add", n.device(i), "netns", n.pump(), "type", "veth", "peer", "name", n.viewersEnd(i), "netns", n.viewers(i))
	n.run("ip", "-n", n.pump(), "addr", "add", fmt.Sprintf("10.98.%d.1/24", i), "dev", n.device(i))
	n.run("ip", "-n", n.viewers(i), "addr", "add", fmt.Sprintf("10.98.%d.2/24", i), "dev", n.viewersEnd(i))
	n.run("ip", "-n", n.pump(), "link", "set", n.device(i), "up")
	n.run("ip", "-n", n.viewers(i), "link", "set", "lo", "up")
	n.run("ip", "-n", n.viewers(i), "link", "set", n.viewersEnd(i), "up")
	n.smallBuffers(n.viewers(i))
}

// slow puts a bottleneck on a link, or changes it while it is used: at most
// rate (such as "500kbit"); what waits longer than a fifth of a second is lost.
func (n *network) slow(i int, rate string) {
	n.run("tc", "-n", n.pump(), "qdisc", "replace", "dev", n.device(i), "root",
		"tbf", "rate", rate, "burst", "16kb", "latency", "200ms")
}

// smallBuffers bounds the socket buffers of a namespace. The settings are the
// namespace's own: the file names that of the thread that opens it.
func (n *network) smallBuffers(ns string) {
	n.t.Helper()
	err := inside(ns, func() error {
		for _, name := range []string{"tcp_wmem", "tcp_rmem"} {
			if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(smallBuffers), 0o644); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// dialFrom is a function that dials from within a namespace.
func dialFrom(ns string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		err = inside(ns, func() error {
			c, err = new(net.Dialer).DialContext(ctx, network, addr)
			return err
		})
		return c, err
	}
}

// inside calls f on a thread that is in the namespace; sockets that f makes
// stay there. A thread that cannot come back ends with its goroutine.
func inside(ns string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := enter("/run/netns/" + ns)
		if err == nil {
			err = f()
		}
		// Still locked, and not unlocked: the runtime ends the thread.
		done <- err
	}()
	return <-done
}

// enter moves the thread into the namespace that a file stands for.
func enter(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
}

// run runs a command that must succeed: that namespaces can be used is known.
func (n *network) run(args ...string) {
	n.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		n.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// removeStale deletes the namespaces of test processes that were killed, or
// ended by their time limit, before they could do it themselves.
func removeStale() {
	names, _ := os.ReadDir("/run/netns") // none if it does not exist
	for _, name := range names {
		var pid, number int
		if n, _ := fmt.Sscanf(name.Name(), "sp%d-%d", &pid, &number); n != 2 {
			continue
		}
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); os.IsNotExist(err) {
			_ = exec.Command("ip", "netns", "del", name.Name()).Run()
		}
	}
}

// remove deletes the namespaces, and with them the links.
func (n *network) remove() {
	for i := range n.links {
		_ = exec.Command("ip", "netns", "del", n.viewers(i)).Run()
	}
	_ = exec.Command("ip", "netns", "del", n.pump()).Run()
}

func TestBottleneckSlowsDown(t *testing.T) {
	n := newNetwork(t, 1)
	n.slow(0, "100kbit")
	got, err := n.transfer(0, 16<<10)
	if err != nil || got != 16<<10 {
		t.Fatalf("%d bytes came through the bottleneck: %v", got, err)
	}
	out, err := exec.Command("tc", "-s", "-n", n.pump(), "qdisc", "show", "dev", n.device(0)).Output()
	if err != nil || !strings.Contains(string(out), "tbf") || strings.Contains(string(out), "Sent 0 bytes") {
		t.Fatalf("the bottleneck was not on the way: %s %v", out, err)
	}
}

// transfer sends so many bytes from the pump's end of a link to the other and
// returns how many arrived.
func (n *network) transfer(i, size int) (got int64, err error) {
	var ln net.Listener
	err = inside(n.pump(), func() (err error) {
		ln, err = net.Listen("tcp", n.address(i))
		return err
	})
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = c.Write(make([]byte, size))
	}()
	c, err := dialFrom(n.viewers(i))(context.Background(), "tcp", n.address(i))
	if err != nil {
		return 0, err
	}
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		k, err := c.Read(buf)
		if got += int64(k); err != nil {
			return got, nil
		}
	}
}
