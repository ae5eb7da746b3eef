package rtspclient

import (
	"context"
	"fmt"
	"time"

	"streampump/bench/pace"
	"streampump/bench/rtpsynth"
)

// Publisher is an encoder that sends a synthetic source. It is used by one goroutine.
type Publisher struct {
	*Client
	*rtpsynth.Source
	URL string
	// Channel is the first of the two channels of each track, by its place in the
	// description.
	Channel func(index int) byte
	// Control is the control attribute of each track.
	Control func(index int) string
	// By sends a packet otherwise than on its track's channel; nil: all go there.
	By func(x rtpsynth.Packet) error
}

// NewPublisher makes an encoder that announces a source at an address, with the channels
// and control attributes that ffmpeg has.
func NewPublisher(c *Client, url string, s rtpsynth.Spec) *Publisher {
	return &Publisher{
		Client: c, Source: rtpsynth.New(s), URL: url,
		Channel: func(i int) byte { return byte(2 * i) },
		Control: func(i int) string { return fmt.Sprintf("streamid=%d", i) },
	}
}

// Publish announces the source, sets its tracks up, and begins to record.
func (p *Publisher) Publish(ctx context.Context) error {
	if err := p.Announce(ctx); err != nil {
		return err
	}
	for i := range p.Tracks {
		if err := p.Setup(ctx, i); err != nil {
			return err
		}
	}
	return p.Record(ctx)
}

// Announce asks what may be asked, and describes the source.
func (p *Publisher) Announce(ctx context.Context) error {
	if _, _, err := p.Ask(ctx, "OPTIONS", p.URL, ""); err != nil {
		return err
	}
	var control []string
	for i := range p.Tracks {
		control = append(control, p.Control(i))
	}
	h, _, err := p.Ask(ctx, "ANNOUNCE", p.URL, p.Describe(control...), "Content-Type: application/sdp")
	if err == nil {
		p.take(h)
	}
	return err
}

// Setup sets up the track with that place in the description. The server must take the
// encoder's channels: packets may be on their way.
func (p *Publisher) Setup(ctx context.Context, i int) error {
	ch := p.Channel(i)
	transport := fmt.Sprintf("RTP/AVP/TCP;unicast;interleaved=%d-%d", ch, ch+1)
	h, _, err := p.Ask(ctx, "SETUP", p.URL+"/"+p.Control(i), "", "Transport: "+transport+";mode=record")
	if err != nil {
		return err
	}
	if first, ok := interleaved(h.Get("Transport")); !ok || first != int(ch) {
		return fmt.Errorf("an encoder that asks for %q gets %q", transport, h.Get("Transport"))
	}
	p.take(h)
	return nil
}

// Record begins.
func (p *Publisher) Record(ctx context.Context) error {
	_, _, err := p.Ask(ctx, "RECORD", p.URL, "", "Range: npt=0.000-")
	return err
}

// Send sends n packets.
func (p *Publisher) Send(ctx context.Context, n int) error {
	for range n {
		if err := p.Put(ctx, p.Next()); err != nil {
			return err
		}
	}
	return nil
}

// Pace sends packets when they are due, until the context ends, which is no error, or
// until enough says so.
func (p *Publisher) Pace(ctx context.Context, enough func() bool) error {
	return pace.Send(ctx, func() (time.Duration, func() error) {
		packet := p.Next()
		return packet.Due, func() error { return p.Put(ctx, packet) }
	}, enough)
}

// Reports sends a report of each track.
func (p *Publisher) Reports(ctx context.Context) error {
	for i := range p.Tracks {
		if err := p.Put(ctx, p.Report(i)); err != nil {
			return err
		}
	}
	return nil
}

// Put sends a packet on its track's channel, or as By says.
func (p *Publisher) Put(ctx context.Context, x rtpsynth.Packet) error {
	if p.By != nil {
		return p.By(x)
	}
	ch := p.Channel(x.Index)
	if x.Report {
		ch++
	}
	return p.Conn.Send(ctx, AppendFrame(nil, ch, x.Bytes))
}

// Teardown ends the stream as an encoder does.
func (p *Publisher) Teardown(ctx context.Context) error {
	_, _, err := p.Ask(ctx, "TEARDOWN", p.URL, "")
	return err
}
