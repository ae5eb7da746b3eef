//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"streampump/bench/attack"
	"streampump/bench/live"
	"streampump/bench/load"
	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/e2e/rig"
)

const (
	// healthyViewers are beside each attack, every byte of theirs verified.
	healthyViewers = 50
	// attackMeasured is how long they are measured. An attack begins with that and
	// ends within it.
	attackMeasured = 3500 * time.Millisecond
	// worthTelling is what the p99 of the added delay should stay within of a calm
	// run's, and farPast what no busy machine explains.
	worthTelling, farPast = 1.5, 10
	// calmSlack is added to the calm p99 before it is multiplied: below it everything
	// is noise.
	calmSlack = 5 // ms
)

// attackRow is an attack and what it may cost.
type attackRow struct {
	name   string // of the attack
	config string // beside the streams
	bounds attack.Bounds
	memory int64   // by which the pump may grow at most while it lasts
	open   int     // descriptors that the pump may have
	cores  float64 // more than in the calm run, that the pump may use; 0: whatever there is
	nofile int     // descriptors that the pump may have by its limit; 0: the system's
	during func(p *pump, target string) error
	after  func(*testing.T, *pump)
	tls    string // where the pump speaks TLS, if that is attacked
}

// attackRows are in the order of the table in bench/attack. Memory is for what an
// attack may keep: the backlog's budget where it fills one, little beyond.
var attackRows = []attackRow{
	{name: "programmes-by-time", memory: 48 << 20, open: 120},
	{name: "programmes-by-header", memory: 48 << 20, open: 120},
	{name: "tiny-packets", config: `"backlog": {"bytes": "8MiB"},`, memory: 32 << 20, open: 120},
	{name: "inflated", config: `"backlog": {"bytes": "8MiB"},`, memory: 48 << 20, open: 120},
	{name: "setups", config: `"limits": {"sessions": 2000},`, memory: 48 << 20, open: 120, after: anotherEncoder},
	{name: "urgent", memory: 32 << 20, open: 120, cores: 0.2},
	{name: "pipelined", memory: 64 << 20, open: 260},
	{name: "idle", config: `"limits": {"connections": 400},`, memory: 32 << 20, open: 480, during: anotherViewer},
	{name: "flood", memory: 48 << 20, open: 500, nofile: 512, during: operatorIsAnswered},
	{name: "slow-heads", memory: 32 << 20, open: 480, during: anotherViewer},
	{name: "handshakes", memory: 48 << 20, open: 480, during: viewersOverTLS},
	{name: "silent-handshakes", memory: 48 << 20, open: 480, during: viewersOverTLS},
}

// Nothing that one peer sends or withholds costs another: beside each attack the
// healthy viewers miss no byte, and what the pump uses for it has a bound.
func TestAttacks(t *testing.T) {
	// A machine that is busy with something else is not calm: the better of two runs
	// is told, and the worse one is what an attack is held against.
	row := attackRow{name: "calm", memory: 32 << 20, open: 120}
	calm, worse := attacked(t, row, nil), attacked(t, row, nil)
	if calm.Delay.P99 > worse.Delay.P99 {
		calm, worse = worse, calm
	}
	for _, row := range attackRows {
		t.Run(row.name, func(t *testing.T) {
			kind, err := attack.Named(row.name)
			if err != nil {
				t.Fatal(err)
			}
			o := attacked(t, row, &kind)
			ratio := o.Delay.P99 / (calm.Delay.P99 + calmSlack)
			t.Logf("%s", o.Did.String())
			t.Logf("delay p50 %.1f, p99 %.1f, max %.1f ms; calm p50 %.1f, p99 %.1f, max %.1f ms: %.2f times (p99 + %d ms)",
				o.Delay.P50, o.Delay.P99, o.Delay.Max, calm.Delay.P50, calm.Delay.P99, calm.Delay.Max, ratio, calmSlack)
			switch {
			case o.Delay.P99 > farPast*(worse.Delay.P99+calmSlack):
				t.Errorf("the healthy viewers' p99 is %.1f ms, and was %.1f and %.1f in the calm runs", o.Delay.P99, calm.Delay.P99, worse.Delay.P99)
			case ratio > worthTelling:
				t.Logf("above %g times, which a busy machine may explain", worthTelling)
			}
			if more := o.Server.CPU.Cores - calm.Server.CPU.Cores; row.cores > 0 && more > row.cores {
				t.Errorf("the pump used %.2f cores more than in the calm run, %.2f may be", more, row.cores)
			}
		})
	}
}

// attacked runs a row and judges what it did to the pump and to its viewers; a nil
// attack is the calm run.
func attacked(t *testing.T, row attackRow, kind *attack.Attack) *attack.Outcome {
	t.Helper()
	if kind != nil && kind.TLS {
		row.tls = freeAddr(t)
	}
	p := startPump(t, row.options(t), plainDial)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	src, err := live.New(ctx, synth.Plain(500_000), 0)
	if err != nil {
		t.Fatal(err)
	}
	startSource(t, p, plainDial, p.Addr.String(), "live", src, nil)
	before := p.settled()
	p.forgetPeak()
	// What is asked while it lasts is asked beside it, and answered before it ends.
	var asked error
	var run func(context.Context) (attack.Did, error)
	if kind != nil {
		run = func(ctx context.Context) (attack.Did, error) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				if row.during != nil {
					asked = row.during(p, row.target(p))
				}
			}()
			did, err := kind.Run(ctx, attack.Target{Addr: row.target(p), View: "/streams/evil", Push: "/streams/evil_push"}, row.bounds)
			<-done
			return did, err
		}
	}
	o, err := attack.Beside(t.Context(), load.Options{
		Addr: p.Addr.String(), Path: "/streams/live", Players: healthyViewers, Verify: healthyViewers,
		Ramp: 200 * time.Millisecond, Duration: attackMeasured, Threads: 1, PID: p.PID(),
	}, run)
	if errors.Is(err, attack.ErrNotAllowed) {
		missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	if asked != nil {
		t.Error(asked)
	}
	row.judge(t, p, o, p.peak()-before)
	if row.after != nil {
		row.after(t, p)
	}
	return o
}

// target is the address that is attacked.
func (row *attackRow) target(p *pump) string {
	if row.tls != "" {
		return row.tls
	}
	return p.Addr.String()
}

// options are the pump's.
func (row *attackRow) options(t *testing.T) rig.Options {
	t.Helper()
	config := row.config
	if row.tls != "" {
		_, port, _ := net.SplitHostPort(row.tls)
		cert := certificate(t, rig.Reachable(t), "localhost")
		config += fmt.Sprintf(`"ssl": true, "ssl_port": %s, "ssl_cert": %q, "ssl_key": %q,`, port, cert, cert)
	}
	o := rig.Options{Config: config + `"streams": [{"type": "mmsh_push", "path": "live"},
		{"type": "mmsh_push", "path": "evil"}, {"type": "mmsh_push", "path": "other"}]`}
	if row.nofile > 0 {
		need(t, "prlimit")
		o.Prefix = []string{"prlimit", fmt.Sprintf("--nofile=%d:%d", row.nofile, row.nofile)}
	}
	return o
}

// judge wants the healthy viewers to have missed nothing, and the pump to be alive
// and within the row's bounds.
func (row *attackRow) judge(t *testing.T, p *pump, o *attack.Outcome, grown int64) {
	t.Helper()
	if len(o.Problems) > 0 || o.Counts.Held != healthyViewers || o.Delay == nil || o.Verified == nil || o.Server == nil {
		t.Fatalf("the healthy viewers: %+v, problems %q, notes %q\n%s", o.Counts, o.Problems, o.Notes, p.tail())
	}
	if v := o.Verified; v.Gaps != 0 || v.Broken != 0 || v.Foreign || v.Objects == 0 {
		t.Errorf("the healthy viewers missed something: %+v", v)
	}
	t.Logf("the pump grew by %.1f MB, %.1f may be; %.2f cores, %d descriptors",
		float64(grown)/1e6, float64(row.memory)/1e6, o.Server.CPU.Cores, o.Server.Descriptors)
	if grown > row.memory {
		t.Errorf("the pump grew by %d bytes, %d may be", grown, row.memory)
	}
	if n := max(o.Server.Descriptors, p.descriptors()); n > row.open {
		t.Errorf("the pump has %d descriptors open, %d may be", n, row.open)
	}
	p.status() // it answers its operator
	boundedLog(t, p.Log(), time.Minute)
	if strings.Contains(p.Log(), "panic:") {
		t.Errorf("the pump panicked:\n%s", p.tail())
	}
}

// anotherEncoder is one that comes when the attack is over: nothing that the
// attacker left behind keeps it out.
func anotherEncoder(t *testing.T, p *pump) {
	t.Helper()
	c, err := push.Dial(t.Context(), p.Addr.String(), push.Options{Path: "/streams/other_push"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Setup(t.Context(), push.AutoDestroy); err != nil {
		t.Errorf("another encoder is turned away: %v", err)
	}
}

// anotherViewer joins while the attack has all the connections that it is given.
func anotherViewer(p *pump, _ string) error {
	last := int64(-1)
	for deadline := time.Now().Add(attackMeasured / 2); time.Now().Before(deadline); time.Sleep(glance) {
		s := p.status()
		if s.Connections == last && last > healthyViewers+1 {
			break
		}
		last = s.Connections
	}
	v := player.Viewer{Client: player.PlayOnly(), Addr: p.Addr.String(), Path: "/streams/live", Timeout: patience,
		Dial: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: sourceAddress(99)}}).DialContext}
	c, _, err := v.Play(context.Background())
	if err != nil {
		return fmt.Errorf("with %d connections open a viewer from another address is turned away: %w", last, err)
	}
	return c.Close()
}

// viewersOverTLS join one after another, from another address than the attack's.
func viewersOverTLS(p *pump, target string) error {
	d := tls.Dialer{
		NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: sourceAddress(99)}},
		Config:    &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate is the test's own
	}
	for i := range 20 {
		v := player.Viewer{Client: player.PlayOnly(), Addr: target, Path: "/streams/live", Timeout: patience, Dial: d.DialContext}
		c, _, err := v.Play(context.Background())
		if err != nil {
			return fmt.Errorf("viewer %d over TLS, from another address, is turned away: %w", i, err)
		}
		if err := c.Close(); err != nil {
			return err
		}
		time.Sleep(glance)
	}
	return nil
}

// operatorIsAnswered asks for the status on new connections, as a monitor does.
func operatorIsAnswered(p *pump, _ string) error {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: attackMeasured}
	for deadline := time.Now().Add(attackMeasured / 2); time.Now().Before(deadline); time.Sleep(glance) {
		r, err := c.Get("http://" + p.Admin.String() + "/status")
		if err != nil {
			return fmt.Errorf("the operator is not answered: %w", err)
		}
		_ = r.Body.Close()
	}
	return nil
}

// forgetPeak has the system note the pump's largest memory anew (proc(5)).
func (p *pump) forgetPeak() {
	p.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte("5"), 0); err != nil {
		p.t.Fatal(err)
	}
}

// peak is the most memory that the system held for the pump since then, in bytes.
func (p *pump) peak() int64 { return p.memory("VmHWM") }
