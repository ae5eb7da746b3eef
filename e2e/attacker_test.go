//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"streampump/bench/attack"
)

// attackerVariable holds the orders of a process of attackers. They are not in the
// process of the healthy viewers and come last when processors are short: an attacker
// is on a machine of his own, and only what he costs the pump may delay anybody.
const attackerVariable = "STREAMPUMP_ATTACKER"

// orders are what attackers are told.
type orders struct {
	Rows  []string
	Addrs map[attack.Door]string
}

// deed is what came of a row.
type deed struct {
	Did        attack.Did
	Err        string
	NotAllowed bool
}

// attackers are a process that waits for its word, and then attacks.
type attackers struct {
	cmd   *exec.Cmd
	word  io.WriteCloser
	deeds *os.File
}

// startAttackers starts this test program once more, as attackers.
func startAttackers(t *testing.T, o orders) *attackers {
	t.Helper()
	need(t, "nice")
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	a := &attackers{cmd: exec.Command("nice", "-n", "19", os.Args[0], "-test.run", "^TestAttacker$"), deeds: r}
	a.cmd.Env = append(os.Environ(), attackerVariable+"="+string(text))
	a.cmd.ExtraFiles = []*os.File{w}
	a.cmd.Stderr = os.Stderr
	a.word, err = a.cmd.StdinPipe()
	if err == nil {
		err = a.cmd.Start()
	}
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
		_ = r.Close()
	})
	return a
}

// attack gives the word, and takes it back when ctx ends.
func (a *attackers) attack(ctx context.Context) (map[string]deed, error) {
	if _, err := io.WriteString(a.word, "go\n"); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = a.word.Close() })
	defer stop()
	var deeds map[string]deed
	if err := json.NewDecoder(a.deeds).Decode(&deeds); err != nil {
		return nil, fmt.Errorf("the attackers say nothing: %w", err)
	}
	return deeds, nil
}

// TestAttacker is the attackers' process; there is nothing to test where it is none.
func TestAttacker(t *testing.T) {
	text := os.Getenv(attackerVariable)
	if text == "" {
		return
	}
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil {
		return // it is over before it has begun
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, _ = in.ReadString('\n')
		cancel()
	}()
	if err := json.NewEncoder(os.NewFile(3, "deeds")).Encode(o.obey(ctx)); err != nil {
		t.Error(err)
	}
}

// obey runs all rows at once.
func (o *orders) obey(ctx context.Context) map[string]deed {
	var mu sync.Mutex
	var all sync.WaitGroup
	deeds := map[string]deed{}
	for _, s := range attackScenes() {
		for i := range s.rows {
			row := &s.rows[i]
			if !strings.Contains("\n"+strings.Join(o.Rows, "\n")+"\n", "\n"+row.name+"\n") {
				continue
			}
			all.Go(func() {
				did, err := row.run(ctx, o.Addrs)
				d := deed{Did: did, NotAllowed: errors.Is(err, attack.ErrNotAllowed)}
				if err != nil {
					d.Err = err.Error()
				}
				mu.Lock()
				deeds[row.name] = d
				mu.Unlock()
			})
		}
	}
	all.Wait()
	return deeds
}

// run runs a row's attack.
func (row *attackRow) run(ctx context.Context, addrs map[attack.Door]string) (attack.Did, error) {
	kind, err := row.attack()
	if err != nil {
		return attack.Did{}, err
	}
	at := attack.Target{Addr: addrs[kind.Door], View: or(row.view, "/streams/evil"), Push: or(row.push, "/streams/evil_push")}
	return kind.Run(ctx, at, row.bounds)
}

// attack is the row's.
func (row *attackRow) attack() (attack.Attack, error) {
	if row.kind != nil {
		return *row.kind, nil
	}
	return attack.Named(row.name)
}

// or is the first text that says something.
func or(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
