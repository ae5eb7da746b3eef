package rtmpclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"streampump/bench/payload"
)

// Live publishes the source in real time until ctx ends, which is no error and ends the
// stream as encoders end it. The run begins at the next millisecond of a clock in
// nanoseconds, and is called by it (see [payload.Begin]). An encoder that runs late does
// not shift what follows.
func (p *Publisher) Live(ctx context.Context, now func() uint64) error {
	if err := p.Start(ctx); err != nil {
		return err
	}
	whole, stop := context.WithCancel(context.WithoutCancel(ctx)) // no tag is cut short
	defer stop()
	said := p.listen(whole)
	run, began := payload.Begin(now())
	p.Run = run
	for _, t := range p.Preamble() {
		if err := p.Tag(whole, t); err != nil {
			return err
		}
	}
	for {
		t := p.Next()
		wait := t.Due - time.Duration(int64(now()-began)) //nolint:gosec // it is negative before the beginning
		if over, err := p.rest(ctx, whole, wait, said); over {
			return err
		}
		if err := p.Tag(whole, t); err != nil {
			return err
		}
	}
}

// heard is what a server says to a running encoder.
type heard struct {
	message Message
	err     error
}

// listen reads what the server says, on a goroutine of its own, until ctx ends or the
// connection does.
func (p *Publisher) listen(ctx context.Context) <-chan heard {
	all := make(chan heard)
	go func() {
		for {
			m, err := p.next(ctx, 0)
			select {
			case all <- heard{m, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return all
}

// rest waits until the next tag is due, and answers what the server says meanwhile. over says
// that there is no next tag.
func (p *Publisher) rest(ctx, whole context.Context, d time.Duration, said <-chan heard) (over bool, err error) {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return true, p.finish(whole, said)
		case h := <-said:
			if h.err == nil {
				h.err = p.hears(whole, h.message)
			}
			if errors.Is(h.err, io.EOF) {
				h.err = fmt.Errorf("the server has closed the connection: %w", h.err)
			}
			if h.err != nil {
				return true, h.err
			}
		case <-t.C:
			return false, nil
		}
	}
}

// finish ends the stream and waits for the server's end, which nobody has to bring: nothing
// that was sent must be lost with the connection.
func (p *Publisher) finish(ctx context.Context, said <-chan heard) error {
	if err := p.End(ctx); err != nil {
		return err
	}
	t := time.NewTimer(p.timeout)
	defer t.Stop()
	for {
		select {
		case h := <-said:
			if h.err != nil {
				return nil //nolint:nilerr // however it ends
			}
		case <-t.C:
			return nil
		}
	}
}

// hears takes what the server says while the stream is on.
func (p *Publisher) hears(ctx context.Context, m Message) error {
	if m.Type != TypeCommand {
		return p.Pong(ctx, m)
	}
	a, err := m.Command()
	if err != nil {
		return err
	}
	if s := a.Status(); s.Level == "error" {
		return &StatusError{"publish", s}
	}
	return nil
}
