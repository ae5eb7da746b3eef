package rtmpclient

import (
	"context"
	"fmt"
	"time"

	"streampump/bench/flvsynth"
	"streampump/bench/pace"
)

// publisherSize is the size of an encoder's chunks, so that a tag is one of them.
const publisherSize = 65536

// Publisher is an encoder that sends a synthetic source. It is used by one goroutine.
type Publisher struct {
	*Client
	*flvsynth.Source
	// App and Name are what it publishes, as the path of a URL has them, and URL is that one.
	App, Name, URL string
	// Stream is the message stream that its tags go on.
	Stream uint32
	// By sends a tag otherwise than in a message of its own; nil: all go so.
	By func(flvsynth.Tag) error
}

// NewPublisher makes an encoder that publishes a source at a path, app/name, of a server.
func NewPublisher(c *Client, path string, s flvsynth.Spec) *Publisher {
	app, name := Split(path)
	return &Publisher{Client: c, Source: flvsynth.New(s), App: app, Name: name, URL: urlOf(c, app)}
}

// urlOf is the address of an application.
func urlOf(c *Client, app string) string { return "rtmp://" + c.RemoteAddr().String() + "/" + app }

// Open shakes hands and asks for the stream, which is accepted when it returns, and sends
// what describes the source.
func (p *Publisher) Open(ctx context.Context) error {
	if err := p.Start(ctx); err != nil {
		return err
	}
	for _, t := range p.Preamble() {
		if err := p.Tag(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// Start is Open without what describes the source.
func (p *Publisher) Start(ctx context.Context) error {
	if _, err := p.Handshake(ctx); err != nil {
		return err
	}
	if err := p.SetSize(ctx, publisherSize); err != nil {
		return err
	}
	if _, err := p.Connect(ctx, p.EncoderProperties(p.App, p.URL)); err != nil {
		return err
	}
	for _, name := range []string{"releaseStream", "FCPublish"} {
		if _, err := p.Ask(ctx, 0, name, nil, p.Name); err != nil {
			return err
		}
	}
	var err error
	if p.Stream, err = p.CreateStream(ctx); err != nil {
		return err
	}
	_, err = p.Client.Publish(ctx, p.Stream, p.Name)
	return err
}

// Tag sends a tag, or has By do so.
func (p *Publisher) Tag(ctx context.Context, t flvsynth.Tag) error {
	if p.By != nil {
		return p.By(t)
	}
	return p.Put(ctx, p.Message(t))
}

// Message is the message that a tag goes in.
func (p *Publisher) Message(t flvsynth.Tag) Message {
	chunk := uint32(chunkData)
	switch t.Type {
	case TypeVideo:
		chunk = chunkVideo
	case TypeAudio:
		chunk = chunkAudio
	}
	return Message{Chunk: chunk, Type: t.Type, Stream: p.Stream, Time: t.Time, Body: t.Body}
}

// Send sends n tags.
func (p *Publisher) Send(ctx context.Context, n int) error {
	for range n {
		if err := p.Tag(ctx, p.Next()); err != nil {
			return err
		}
	}
	return nil
}

// Pace sends tags when they are due, until the context ends, which is no error, or until
// enough says so.
func (p *Publisher) Pace(ctx context.Context, enough func() bool) error {
	return pace.Send(ctx, func() (time.Duration, func() error) {
		t := p.Next()
		return t.Due, func() error { return p.Tag(ctx, t) }
	}, enough)
}

// End ends the stream as an encoder does: it says so, and half-closes, where that is possible.
// The connection is still to be closed.
func (p *Publisher) End(ctx context.Context) error {
	for _, what := range []Message{
		p.call(0, "FCUnpublish", nil, p.Name),
		p.call(0, "deleteStream", nil, float64(p.Stream)),
	} {
		if err := p.Put(ctx, what); err != nil {
			return fmt.Errorf("ending the stream: %w", err)
		}
	}
	p.HalfClose()
	return nil
}
