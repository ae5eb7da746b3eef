package rtspclient

import (
	"context"
	"time"

	"streampump/bench/pace"
	"streampump/bench/payload"
)

// reportEvery is how often a live publisher reports, as encoders do.
const reportEvery = 5 * time.Second

// Live publishes the source in real time until ctx ends, which is no error and ends the
// stream as encoders end it. The run begins at the next millisecond of a clock in
// nanoseconds, and is called by it (see [payload.Begin]). An encoder that runs late does
// not shift what follows.
func (p *Publisher) Live(ctx context.Context, now func() uint64) error {
	p.Frames(func(byte, []byte) error { return nil }) // reports about what was received
	if err := p.Publish(ctx); err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx) // no packet is cut short
	run, began := payload.Begin(now())
	p.Run = run
	reported := -reportEvery
	for {
		packet := p.Next()
		wait := packet.Due - time.Duration(int64(now()-began)) //nolint:gosec // it is negative before the beginning
		if !pace.Sleep(ctx, wait) {
			return p.Teardown(whole)
		}
		if packet.Due-reported >= reportEvery {
			if err := p.Reports(whole); err != nil {
				return err
			}
			reported = packet.Due
		}
		if err := p.Put(whole, packet); err != nil {
			return err
		}
	}
}
