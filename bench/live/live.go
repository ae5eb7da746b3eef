// Package live gives out the packets of a synthetic encoder in real time, and has
// each media object carry the time at which it was due, so that a viewer on the same
// machine can say how long everything between took.
//
//	synth ──packet──► live: waits until it is due ──► push
//
// A packet leaves when the last media object it begins, or goes on with, is due: as
// at a real encoder, which cannot send what it has not encoded. An encoder that runs
// late does not shift what follows, so its lateness is part of the measurement and
// does not hide that the pump held it up.
package live

import (
	"context"
	"fmt"
	"io"
	"time"

	"streampump/bench/meter"
	"streampump/bench/synth"
	"streampump/codec/asf"
)

// Source is a push.Source in real time. It is used by one goroutine.
type Source struct {
	ctx   context.Context
	spec  synth.Spec
	enc   *synth.Encoder
	began uint64
	limit time.Duration
	now   func() uint64
	wait  func(context.Context, time.Duration)

	packets, bytes int64
	late           time.Duration
}

// New makes a source whose first packet is due now. It ends, with io.EOF, when ctx
// ends or limit has passed; a limit of 0 is none.
func New(ctx context.Context, spec synth.Spec, limit time.Duration) (*Source, error) {
	return newSource(ctx, spec, limit, meter.Now, wait)
}

func newSource(ctx context.Context, spec synth.Spec, limit time.Duration,
	now func() uint64, wait func(context.Context, time.Duration),
) (*Source, error) {
	enc, err := synth.New(spec)
	if err != nil {
		return nil, err
	}
	s := &Source{ctx: ctx, spec: spec, enc: enc, began: now(), limit: limit, now: now, wait: wait}
	enc.StampFrom(s.began)
	return s, nil
}

// wait sleeps, but only until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Header is the encoder's header.
func (s *Source) Header() []byte { return s.enc.Header() }

// Next returns the next packet when it is due; see push.Source.
func (s *Source) Next() (packet []byte, sendTime uint32, err error) {
	packet, sendTime, err = s.enc.Next()
	if err != nil {
		return nil, 0, err
	}
	due, err := s.due(packet)
	if err != nil {
		return nil, 0, err
	}
	if s.limit > 0 && due >= s.limit {
		return nil, 0, io.EOF
	}
	if early := due - s.elapsed(); early > 0 {
		s.wait(s.ctx, early)
	} else {
		s.late = max(s.late, -early)
	}
	if s.ctx.Err() != nil {
		return nil, 0, io.EOF
	}
	s.packets++
	s.bytes += int64(len(packet))
	return packet, sendTime, nil
}

func (s *Source) elapsed() time.Duration { return time.Duration(s.now() - s.began) }

// due is when a packet leaves the encoder, from the beginning: its last
// payload's time.
func (s *Source) due(packet []byte) (time.Duration, error) {
	var p asf.Packet
	if err := p.Parse(packet, s.enc.PacketSize()); err != nil {
		return 0, fmt.Errorf("the encoder's own packet: %w", err)
	}
	last := uint32(0)
	for it := p.Iter(packet); it.Next(); {
		last = it.Time
	}
	ms := last - s.spec.Start - uint32(s.spec.Preroll.Milliseconds())
	return time.Duration(ms) * time.Millisecond, nil
}

// Sent is how much was given out so far, and by how much a packet was late at
// worst.
func (s *Source) Sent() (packets, bytes int64, late time.Duration) {
	return s.packets, s.bytes, s.late
}
