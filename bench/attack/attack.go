package attack

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Target is where an attack is aimed.
type Target struct {
	Addr string // host:port, on loopback
	View string // path that viewers of the attacked stream open
	// Push is the path that encoders of the attacked stream push to. Where several streams
	// are attacked it has %d in it, for their numbers from 1.
	Push string
}

// Bounds are where an attack ends, whichever comes first. A zero stands for the
// attack's own.
type Bounds struct {
	For         time.Duration
	Units       int     // see [Attack.Unit]
	Connections int     // at once
	Rate        float64 // units a second, all connections together; below 0: as fast as the pump takes them
}

// Did is what an attack did.
type Did struct {
	Sent        int64 // bytes
	Received    int64 // bytes
	Units       int
	Connections int // opened
	Failed      int // that could not be opened
	Closed      int // that the pump closed
	// Answers is how often the pump gave which status.
	Answers map[string]int
	// Right are the shapes that were answered as they must be, and Wrong what the
	// others were answered, the first few: see [Shape].
	Right map[string]bool
	Wrong []string
}

// maxWrong bounds what is kept of wrong answers.
const maxWrong = 20

// String is what was done, in a line.
func (d *Did) String() string {
	return fmt.Sprintf("%d units, %d bytes sent, %d received, %d connections (%d not opened, %d closed by the pump), answers %v",
		d.Units, d.Sent, d.Received, d.Connections, d.Failed, d.Closed, d.Answers)
}

// Door is a kind of listener.
type Door uint8

// The doors of a pump.
const (
	Plain Door = iota // for viewers and encoders
	TLS               // the same, over TLS
	Admin             // for the operator
)

// Attack is one way to be a bad peer.
type Attack struct {
	Name string
	What string // one does, in a sentence
	Unit string // that it repeats, and that bounds and rates count
	Door Door   // that it comes to
	// Shapes is how many shapes it tries, each of which must be in [Did.Right]; 0 if it is
	// none of those attacks.
	Shapes int
	Needs  string // what the machine must allow it; empty for nothing
	Own    Bounds
	secure bool // it speaks TLS before all else
	run    func(*assault) error
}

// All are all the attacks, but those that are made of what a test knows ([Shapes]) and
// those by sources ([Source]).
func All() []Attack {
	return slices.Concat(pushes(), requests(), shaped(), slow(), watching(), connecting(), proving(), overRTSP(), overRTMP())
}

// Named is the attack of that name.
func Named(name string) (Attack, error) {
	for _, a := range All() {
		if a.Name == name {
			return a, nil
		}
	}
	return Attack{}, fmt.Errorf("there is no attack %q", name)
}

// ErrNotAllowed is wrapped by the error of an attack that this machine does not
// allow, see [Attack.Needs].
var ErrNotAllowed = errors.New("not allowed here")

// Run attacks until the bounds or ctx end it, which is no error. The error is why
// it could not begin or go on.
func (k Attack) Run(ctx context.Context, t Target, b Bounds) (Did, error) {
	addr, err := netip.ParseAddrPort(t.Addr)
	if err != nil {
		return Did{}, fmt.Errorf("attack: the address %q is none: %w", t.Addr, err)
	}
	if !addr.Addr().IsLoopback() {
		return Did{}, fmt.Errorf("attack: %s is not on loopback", addr)
	}
	b = b.over(k.Own)
	ctx, cancel := context.WithTimeout(ctx, b.For)
	defer cancel()
	a := &assault{ctx: ctx, t: t, b: b, secure: k.secure, began: time.Now(), did: newDid()}
	err = k.run(a)
	a.closeAll()
	if ctx.Err() != nil && !errors.Is(err, ErrNotAllowed) {
		err = nil // that is how it ends
	}
	return a.did, err
}

func newDid() Did { return Did{Answers: map[string]int{}, Right: map[string]bool{}} }

// over takes from the attack's own bounds what b does not say.
func (b Bounds) over(own Bounds) Bounds {
	if b.For <= 0 {
		b.For = own.For
	}
	if b.Units <= 0 {
		b.Units = own.Units
	}
	if b.Connections <= 0 {
		b.Connections = own.Connections
	}
	if b.Rate == 0 {
		b.Rate = own.Rate
	}
	return b
}

// assault is an attack under way. Its methods may be called by several goroutines.
type assault struct {
	// Set once.
	ctx    context.Context
	t      Target
	b      Bounds
	secure bool
	began  time.Time

	mu    sync.Mutex
	did   Did
	lines []*line // that are open
	over  bool

	readers sync.WaitGroup
}

// next waits until some units are due. It reports false when the attack is over.
func (a *assault) next(units int) bool {
	a.mu.Lock()
	if a.did.Units+units > a.b.Units || a.ctx.Err() != nil {
		a.mu.Unlock()
		return false
	}
	a.did.Units += units
	due := a.began
	if a.b.Rate > 0 {
		due = due.Add(time.Duration(float64(a.did.Units-units) / a.b.Rate * float64(time.Second)))
	}
	a.mu.Unlock()
	return a.wait(time.Until(due))
}

// wait reports false when the attack is over before d has passed.
func (a *assault) wait(d time.Duration) bool {
	if d <= 0 {
		return a.ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-a.ctx.Done():
		return false
	}
}

// comeBack is how long a worker waits before it connects again after it was turned
// away, so that what is measured is the attack and not the dialling.
const comeBack = 20 * time.Millisecond

// workers runs one worker for each connection, again and again until the attack is
// over, or one of them has done its part.
func (a *assault) workers(work func() error) error {
	var all sync.WaitGroup
	errs := make([]error, a.b.Connections)
	for i := range errs {
		all.Go(func() {
			for {
				errs[i] = work()
				if errs[i] == nil || errors.Is(errs[i], ErrNotAllowed) || !a.wait(comeBack) {
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// count changes what was done.
func (a *assault) count(change func(*Did)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.did)
}
