//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/e2e/rig"
	"streampump/engine"
)

// dialer opens connections, from wherever the test is to stand.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// plainDial is the dialer of the ordinary network.
func plainDial(ctx context.Context, network, addr string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// pump is a running program and a way to ask it how it is, which works when it
// is in a namespace of its own and when it has no descriptor left: the
// connection is opened at the start and kept.
type pump struct {
	*rig.Pump
	t      testing.TB
	client *http.Client
}

// startPump runs a pump in this network, or in a namespace, asked through dial.
func startPump(t testing.TB, o rig.Options, dial dialer) *pump {
	t.Helper()
	p := &pump{Pump: rig.Start(t, o), t: t}
	transport := &http.Transport{DialContext: dial, MaxConnsPerHost: 1}
	p.client = &http.Client{Transport: transport, Timeout: patience}
	t.Cleanup(transport.CloseIdleConnections)
	p.status()
	return p
}

// glance is how often it looks.
const glance = 20 * time.Millisecond

// get asks the admin listener for something.
func (p *pump) get(path string) []byte {
	p.t.Helper()
	r, err := p.client.Get("http://" + p.Admin.String() + path)
	if err != nil {
		p.t.Fatalf("the pump does not answer its operator: %v\n%s", err, p.tail())
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// status is the pump's own account of itself.
func (p *pump) status() (s engine.Snapshot) {
	p.t.Helper()
	var up struct {
		Seconds float64 `json:"uptime_seconds"`
	}
	text := p.get("/status")
	if err := errors.Join(json.Unmarshal(text, &s), json.Unmarshal(text, &up)); err != nil {
		p.t.Fatal(err)
	}
	s.Uptime = time.Duration(up.Seconds * float64(time.Second))
	return s
}

// await asks for the status until ok says yes.
func (p *pump) await(what string, ok func(engine.Snapshot) bool) engine.Snapshot {
	p.t.Helper()
	s := p.status()
	for deadline := time.Now().Add(patience); !ok(s); s = p.status() {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: not so after %v: %+v\n%s", what, patience, s, p.tail())
		}
		time.Sleep(glance)
	}
	return s
}

// tail is the end of the pump's log.
func (p *pump) tail() string { return tail(p.Log()) }

// held is what the pump's program has in use after it has collected its garbage, in
// bytes: its live heap and its stacks. What is resident beyond that comes and goes,
// by up to a megabyte: the program's file, which comes in piece by piece whenever
// something is done for the first time, and free pages that Go gives back later.
func (p *pump) held() int64 {
	p.t.Helper()
	p.collect()
	report, sum := string(p.get("/debug/pprof/heap?gc=1&debug=1")), int64(0)
	for _, name := range []string{"HeapAlloc", "Stack"} {
		_, rest, _ := strings.Cut(report, "\n# "+name+" = ")
		var n int64
		if _, err := fmt.Sscan(rest, &n); err != nil || n == 0 {
			p.t.Fatalf("the heap's profile has no %s: %v", name, err)
		}
		sum += n
	}
	return sum
}

// resident is the memory that the system holds for the pump now, in bytes.
func (p *pump) resident() int64 { return p.memory("VmRSS") }

// memory is a line of what the system says of the pump's memory, in bytes.
func (p *pump) memory(name string) int64 {
	p.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if _, err := fmt.Sscanf(line, name+": %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	p.t.Fatalf("no %s in the pump's status:\n%s", name, b)
	return 0
}

// settled is the resident memory after the pump has collected its garbage.
func (p *pump) settled() int64 {
	p.t.Helper()
	p.collect()
	return p.resident()
}

// collect has the pump collect its garbage. What does it is a profile, whose own
// memory is part of every figure: it is made several times before the first.
func (p *pump) collect() {
	p.t.Helper()
	const collections = 3 // one to find garbage, one to sweep it, one for what the profiles themselves left
	for range collections {
		p.get("/debug/pprof/heap?gc=1")
	}
}

// descriptors is how many files and sockets the pump has open.
func (p *pump) descriptors() int {
	p.t.Helper()
	d, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID()))
	if err != nil {
		p.t.Fatal(err)
	}
	return len(d)
}

// goroutines is how many the pump has.
func (p *pump) goroutines() (n int) {
	p.t.Helper()
	b := p.get("/debug/pprof/goroutine?debug=1")
	if _, err := fmt.Sscanf(string(b), "goroutine profile: total %d", &n); err != nil {
		p.t.Fatalf("%v: %.200s", err, b)
	}
	return n
}

// feed is a synthetic encoder that pushes in real time.
type feed struct {
	t      testing.TB
	cancel context.CancelFunc
	done   chan struct{}
	err    error
	client *push.Client
}

// startFeed pushes a stream to path until the test ends, or feed.stop. Its
// header is in the pump when startFeed returns.
func startFeed(t testing.TB, p *pump, dial dialer, addr, path string, spec synth.Spec) *feed {
	t.Helper()
	e, err := synth.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return startSource(t, p, dial, addr, path, e, push.RealTime(1))
}

// startSource is startFeed for any source and pace.
func startSource(t testing.TB, p *pump, dial dialer, addr, path string, src push.Source, pace push.Pace) *feed {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &feed{t: t, cancel: cancel, done: make(chan struct{})}
	t.Cleanup(f.stop)
	c, err := dial(ctx, "tcp", addr)
	if err != nil {
		close(f.done)
		t.Fatal(err)
	}
	f.client = push.New(c, push.Options{Path: "/streams/" + path + "_push"})
	if _, err := f.client.Setup(ctx, push.AutoDestroy); err != nil {
		close(f.done)
		t.Fatal(err)
	}
	go func() {
		defer close(f.done)
		f.err = f.client.Run(ctx, src, push.RunOptions{Pace: pace})
	}()
	p.awaitUp(path)
	return f
}

// stop cuts the encoder's connection, wherever it is.
func (f *feed) stop() {
	f.cancel()
	<-f.done
	if f.client != nil {
		_ = f.client.Close()
	}
}

// awaitUp waits until a stream has packets.
func (p *pump) awaitUp(path string) {
	p.t.Helper()
	p.await(path+" is up", func(s engine.Snapshot) bool {
		st := streamOf(s, path)
		return st.State == "up" && st.BacklogLen > 0
	})
}
