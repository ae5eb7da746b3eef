package climb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"streampump/bench/load"
)

// full is how much of a resource is taken when nothing more can be had of it:
// what is left goes to the kernel and to whoever else is there.
const full = 0.9

// Options say how to climb.
type Options struct {
	From      int           // players of the first step
	Most      int           // players of the largest
	Precision float64       // how far the bound may be off, as a part of it
	Delay     time.Duration // the added delay that 99 of 100 packets may have
	Joins     float64       // players that connect in a second
	// Load is what the players of each step do; Players, Ramp and Progress are
	// filled in, and Verify is how many are verified at most.
	Load load.Options
	Room Room
	// Play runs one step, with [load.Run] at the end. An error ends the climb; a
	// server that fails under its load is no error, but something that was seen.
	Play func(context.Context, load.Options) (Played, error)
	// Begin is called before each step; nil is not.
	Begin func(players int, expected time.Duration)
}

// Played is what was seen of a step.
type Played struct {
	*load.Result
	Loops  int    // event loops of the server; 0: not known
	Failed string // why the server ended by itself; empty if it did not
}

// Check refuses options that cannot make a climb.
func (o *Options) Check() error {
	switch {
	case o.From < 1 || o.Most < o.From:
		return fmt.Errorf("a climb goes up from 1 player or more, not from %d to %d", o.From, o.Most)
	case !(o.Precision > 0 && o.Precision < 1):
		return fmt.Errorf("the precision must be between 0 and 1, not %v", o.Precision)
	case o.Delay <= 0:
		return errors.New("the bound on the delay must be more than 0")
	case !(o.Joins > 0):
		return errors.New("players must join at some rate")
	}
	most := o.of(o.Most)
	return most.Check()
}

// of is what the given number of players do.
func (o *Options) of(players int) load.Options {
	l := o.Load
	l.Players, l.Verify = players, min(players, l.Verify)
	l.Ramp = time.Duration(float64(players) / o.Joins * float64(time.Second))
	return l
}

// Climb is what came of it.
type Climb struct {
	Steps   []*Step `json:"steps"` // in the order in which they were run
	Verdict Verdict `json:"verdict"`
	// Interrupted says that it was ended early.
	Interrupted bool `json:"interrupted"`
	// Ended is why it could not go on; empty if it came to its end.
	Ended string `json:"ended,omitempty"`
}

// Run climbs. When ctx ends, the climb holds the steps so far. An error means
// that nothing was measured.
func Run(ctx context.Context, o Options) (*Climb, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	r := &Climb{}
	c := course{Options: &o}
	seen := newEyes(&o)
	for n := c.next(); n != 0; n = c.next() {
		s, err := seen.step(ctx, n)
		if err == nil && s != nil && len(r.Steps) == 0 && s.nobody() {
			err = fmt.Errorf("a climb cannot begin: %s", strings.Join(s.Why, "; "))
		}
		if err == nil && s != nil && s.puzzling() {
			// Somebody else may have had the machine for a moment. What fails
			// twice counts.
			r.Steps = append(r.Steps, s)
			s, err = seen.step(ctx, n)
		}
		if ctx.Err() != nil {
			r.Interrupted = true
			break
		}
		if err != nil {
			if len(r.Steps) == 0 {
				return nil, err
			}
			r.Ended = err.Error()
			break
		}
		r.Steps = append(r.Steps, s)
		c.took(n, s.Held())
	}
	if len(r.Steps) == 0 {
		return nil, errors.New("interrupted before anything was measured")
	}
	r.Verdict = verdictOf(r.Steps, c.good, c.bad, &o)
	return r, nil
}

// course says how many players are next.
type course struct {
	*Options
	good, bad int // the most that were carried, the fewest that were not; 0: none yet
}

// next is how many players are tried next; 0 if enough is known.
func (c *course) next() int {
	switch {
	case c.bad == 0 && c.good == 0:
		return c.From
	case c.bad == 0 && c.good == c.Most:
		return 0
	case c.bad == 0:
		return min(2*c.good, c.Most)
	case c.bad-c.good <= max(1, int(c.Precision*float64(c.bad))):
		return 0
	}
	return (c.good + c.bad) / 2
}

// took notes the outcome of a step.
func (c *course) took(players int, held bool) {
	if held {
		c.good = max(c.good, players)
	} else if c.bad == 0 || players < c.bad {
		c.bad = players
	}
}
