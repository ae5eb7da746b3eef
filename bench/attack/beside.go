package attack

import (
	"context"
	"sync"

	"streampump/bench/load"
)

// Outcome is what healthy viewers saw, and what was done beside them.
type Outcome struct {
	*load.Result
	Did Did
}

// Beside runs a crowd, and an attack from the moment its measurement begins; the
// attack is cut off when the measurement ends. Without an attack (nil) it is the calm
// run.
func Beside(ctx context.Context, crowd load.Options, attack func(context.Context) (Did, error)) (*Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o := new(Outcome)
	var failed error
	var attacking sync.WaitGroup
	if attack != nil {
		crowd.Began = func() { attacking.Go(func() { o.Did, failed = attack(ctx) }) }
	}
	r, err := load.Run(ctx, crowd)
	cancel()
	attacking.Wait()
	if err == nil {
		err = failed
	}
	o.Result = r
	return o, err
}
