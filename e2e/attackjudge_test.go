//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/bench/push"
)

// judge wants the healthy viewers to have missed nothing, the pump to be alive and
// within the scene's bounds, and each row to have gone as it must.
func (g *staged) judge(t *testing.T) {
	t.Helper()
	o := g.o
	if len(o.Problems) > 0 || o.Counts.Held != healthyViewers || o.Delay == nil || o.Verified == nil || o.Server == nil {
		t.Fatalf("the healthy viewers: %+v, problems %q, notes %q\n%s", o.Counts, o.Problems, o.Notes, g.p.tail())
	}
	if v := o.Verified; v.Gaps != 0 || v.Broken != 0 || v.Foreign || v.Objects == 0 {
		t.Errorf("the healthy viewers missed something: %+v", v)
	}
	if g.grown > g.memory {
		t.Errorf("the pump grew by %d bytes, %d may be", g.grown, g.memory)
	}
	if n := max(o.Server.Descriptors, g.p.descriptors()); n > g.open {
		t.Errorf("the pump has %d descriptors open, %d may be", n, g.open)
	}
	if log := g.p.Log(); strings.Contains(log, "panic:") || strings.Contains(log, "fatal error:") {
		t.Errorf("the pump panicked:\n%s", g.p.tail())
	}
	boundedLog(t, g.p.Log(), time.Minute)
	for _, err := range g.asked {
		t.Error(err)
	}
	for i := range g.rows {
		g.judgeRow(t, &g.rows[i])
		if g.rows[i].after != nil {
			g.rows[i].after(t, g.p)
		}
	}
}

// judgeRow wants a row to have gone as it must.
func (g *staged) judgeRow(t *testing.T, row *attackRow) {
	t.Helper()
	did := g.dids[row.name]
	for _, wrong := range did.Wrong {
		t.Errorf("%s: %s", row.name, wrong)
	}
	if n := g.shapesOf(row); len(did.Right) < n {
		t.Errorf("%s: %d of %d shapes were answered as they must be", row.name, len(did.Right), n)
	}
	for _, status := range row.answers {
		if did.Answers[status] == 0 {
			t.Errorf("%s: nobody was answered %s, but %v", row.name, status, did.Answers)
		}
	}
	for _, reason := range row.closes {
		if g.closes[reason] == 0 {
			t.Errorf("%s: nothing was closed for the reason %s, but %v", row.name, reason, g.closes)
		}
	}
	if row.problem == "" {
		return
	}
	if _, err := g.failure(row); err != nil {
		t.Error(err)
	}
	const attempts = 500 // with a tenth of a second between two, and some requests for each
	if n := g.sources[row.name].Opened(); n > attempts {
		t.Errorf("%s: the pump came %d times", row.name, n)
	}
}

// failure is what the log says of a source.
func (g *staged) failure(row *attackRow) (string, error) {
	for line := range strings.Lines(g.p.Log()) {
		_, why, told := strings.Cut(line, " why=\"")
		if told && strings.Contains(line, "stream="+row.name+" ") && strings.Contains(why, row.problem) {
			why, _, _ = strings.Cut(strings.ReplaceAll(why, `\"`, "'"), `"`)
			why, _, _ = strings.Cut(why, " (")
			return why, nil
		}
	}
	return "", fmt.Errorf("%s: no line of the log says %q; the stream's problem is %q", row.name, row.problem, streamOf(g.p.status(), row.name).Problem)
}

// shapesOf is how many shapes a row has.
func (g *staged) shapesOf(row *attackRow) int {
	kind, err := row.attack()
	if err != nil {
		return 0 // it is a source
	}
	return kind.Shapes
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

// fewProgrammes wants a stream to have begun no more programmes than a pump lets it:
// some at once, and one a second.
func fewProgrammes(t *testing.T, p *pump) {
	t.Helper()
	const most = 40
	if n := streamOf(p.status(), "evil").Programmes; n == 0 || n > most {
		t.Errorf("%d programmes have begun, and 1 to %d may", n, most)
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

// knowsThePassword asks for the stream from another address than the attack's. It has
// no source, so who is let in is told 503 with a time to come again.
func knowsThePassword(_ *pump, target string) error {
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
