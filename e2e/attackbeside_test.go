//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/bench/push"
)

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

// fewProgrammes wants a stream to have begun no more programmes than a pump lets it:
// some at once, and one a second.
func fewProgrammes(t *testing.T, p *pump) {
	t.Helper()
	const most = 40
	if n := streamOf(p.status(), "evil").Programmes; n == 0 || n > most {
		t.Errorf("%d programmes have begun, and 1 to %d may", n, most)
	}
}

// packetRate is the default of limits.packets_per_second_per_source.
const packetRate = 20_000

// sourceHasARate wants a pulled source to have been held to its rate, and the log to say
// so.
func sourceHasARate(t *testing.T, p *pump) {
	t.Helper()
	hasARate(t, p, "source-tiny", "source")
}

// secureEncoderHasARate wants the same of an encoder over TLS.
func secureEncoderHasARate(t *testing.T, p *pump) {
	t.Helper()
	hasARate(t, p, "rtsps-tiny", "encoder")
}

// hasARate wants who feeds a stream to have been held to its rate.
func hasARate(t *testing.T, p *pump, path, who string) {
	t.Helper()
	s := streamOf(p.status(), path)
	// A second's packets come at once, and some more are read with them.
	if most := uint64(packetRate * (s.UpSeconds + 2)); s.PacketsIn == 0 || s.PacketsIn > most {
		t.Errorf("%d packets were taken in %.1f s, 1 to %d may be", s.PacketsIn, s.UpSeconds, most)
	}
	if !strings.Contains(p.Log(), who+" is slowed down") {
		t.Errorf("the log does not say that the %s is slowed down", who)
	}
}

// packetsHaveARate wants the crowd's encoders to have been held to their rate, and the log
// to say so of them.
func packetsHaveARate(t *testing.T, p *pump) {
	t.Helper()
	// The attack lasts as long as it is measured; then what was read by then is still
	// looked at. A second's packets come at once.
	const most = packetRate * (uint64(attackMeasured/time.Second) + 3)
	held := 0
	for _, s := range p.status().Streams {
		if !strings.HasPrefix(s.Path, "evil") || s.PacketsIn == 0 {
			continue
		}
		if held++; s.PacketsIn > most {
			t.Errorf("%d packets were taken of %s, %d may be", s.PacketsIn, s.Path, most)
		}
	}
	if held == 0 {
		t.Error("no packet was taken")
	}
	if !strings.Contains(p.Log(), "encoder is slowed down") {
		t.Error("the log does not say that an encoder is slowed down")
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

// viewersComeIn join one after another, from another address than the attack's.
func viewersComeIn(_ *pump, target string) error {
	v := player.Viewer{Client: player.PlayOnly(), Addr: target, Path: "/streams/live", Timeout: patience,
		Dial: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: sourceAddress(99)}}).DialContext}
	for i := range 20 {
		c, _, err := v.Play(context.Background())
		if err != nil {
			return fmt.Errorf("viewer %d from another address is turned away: %w", i, err)
		}
		if err := c.Close(); err != nil {
			return err
		}
		time.Sleep(glance)
	}
	return nil
}

// comesLast waits until a thread of the pump computes at the lowest priority, which it
// may choose in spite of its sandbox.
func comesLast(p *pump) error {
	for deadline := time.Now().Add(attackMeasured / 2); time.Now().Before(deadline); time.Sleep(glance) {
		stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.PID()))
		if err != nil {
			return err
		}
		for _, stat := range stats {
			text, _ := os.ReadFile(stat) // the thread may have ended
			const nice = 16              // behind the name, from 0 (proc_pid_stat(5))
			_, rest, _ := strings.Cut(string(text), ") ")
			if f := strings.Fields(rest); len(f) > nice && f[nice] == "19" {
				return nil
			}
		}
	}
	return errors.New("no thread of the pump has the lowest priority while passwords are guessed")
}

// knowsThePassword asks for the stream from another address than the attack's. It has
// no source, so who is let in is told 503 with a time to come again.
func knowsThePassword(p *pump, target string) error {
	if err := comesLast(p); err != nil {
		return err
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: sourceAddress(99)}}).DialContext}, Timeout: attackMeasured}
	for range 3 {
		r, err := http.NewRequest(http.MethodGet, "http://"+target+"/streams/evil", nil)
		if err != nil {
			return err
		}
		r.SetBasicAuth(knownUser, knownPassword)
		a, err := c.Do(r)
		if err != nil {
			return fmt.Errorf("who knows the password is not answered: %w", err)
		}
		text, _ := io.ReadAll(a.Body)
		_ = a.Body.Close()
		if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "source") {
			return fmt.Errorf("who knows the password is answered %s %s", a.Status, text)
		}
	}
	return nil
}

// ratesAreOff wants nobody to have had waits noted.
func ratesAreOff(t *testing.T, p *pump) {
	t.Helper()
	if got := string(p.get("/debug/rates")); strings.ContainsAny(got, "123456789") {
		t.Errorf("waits are noted: %s", got)
	}
}
