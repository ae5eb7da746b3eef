package rtmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"streampump/e2e/rig"
	"streampump/engine"
)

// patience is how long a row waits for what must come.
const patience = 8 * time.Second

// kit is what a row works with.
type kit struct {
	*testing.T
	ctx     context.Context
	all     *fixture
	pump    *rig.Pump
	addr    string // of the pump, to dial
	path    string // the row's own stream
	story   story  // what was sent to it
	station *station
}

func newKit(t *testing.T, f *fixture, r *row) *kit {
	p := f.pumps[r.on]
	return &kit{T: t, ctx: t.Context(), all: f, pump: p, addr: f.address(p), path: r.test(), station: f.stations[r.name]}
}

// check fails the row with the error, if there is one.
func (k *kit) check(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

// want fails the row unless ok.
func (k *kit) want(ok bool, format string, args ...any) {
	k.Helper()
	if !ok {
		k.Fatalf(format, args...)
	}
}

// ended reports whether a connection is over, and not only silent.
func ended(err error) bool {
	var no net.Error
	return err != nil && !(errors.As(err, &no) && no.Timeout())
}

// await waits until ok says yes, looking again and again: the pump's status and log have
// no other way to tell.
func (k *kit) await(what string, ok func() bool) {
	k.Helper()
	const look = 5 * time.Millisecond
	tick := time.NewTicker(look)
	defer tick.Stop()
	late := time.After(2 * patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			k.Fatalf("%s: not so after %v; the pump's log:\n%s", what, 2*patience, strings.Join(k.log(k.path), "\n"))
		}
	}
}

// log are the pump's log lines that have all of the texts in them.
func (k *kit) log(texts ...string) (lines []string) {
next:
	for line := range strings.Lines(k.pump.Log()) {
		line = strings.TrimSuffix(line, "\n") + " " // every value has a blank behind it
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue next
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// tag is what a line of the log about the row's stream has in it.
func (k *kit) tag() string { return "stream=" + k.path + " " }

// logged waits for a line of the log with all of the texts.
func (k *kit) logged(texts ...string) {
	k.Helper()
	k.await(fmt.Sprintf("a log line with %q", texts), func() bool { return len(k.log(texts...)) > 0 })
}

// stream is the pump's account of the row's stream.
func (k *kit) stream() engine.StreamSnapshot {
	k.Helper()
	for _, st := range k.pump.Status().Streams {
		if st.Path == k.path {
			return st
		}
	}
	k.Fatalf("the pump has no stream %q", k.path)
	return engine.StreamSnapshot{}
}

// source waits until the stream's source is in a state.
func (k *kit) source(state string) {
	k.Helper()
	k.await("the source is "+state, func() bool { return k.stream().State == state })
}

// viewers waits until the stream has so many.
func (k *kit) viewers(n int) {
	k.Helper()
	k.await(fmt.Sprintf("%d viewers", n), func() bool { return k.stream().Viewers == int64(n) })
}
