package rtmpclient

import (
	"context"
	"errors"
	"fmt"
	"io"

	"streampump/bench/flvsynth"
)

// Viewer plays a synthetic source and checks what it gets. It is used by one goroutine.
type Viewer struct {
	*Client
	*flvsynth.Checker
	// App and Name are what it plays, as the path of a URL has them, and URL is that of App.
	App, Name, URL string
	// Stream is the message stream that it was given.
	Stream uint32
	// Seen gets each message with a picture or sound that was judged and found good; it may be
	// nil.
	Seen func(t flvsynth.Track, m Message)
	// Heard are the codes of statuses and the events of user control since play was asked for,
	// in their order, such as "NetStream.Play.Start" and "StreamBegin".
	Heard []string

	playing bool // play was accepted
	over    bool // the server has said so
}

// NewViewer makes a viewer of a path, app/name, of a server, which comes from these sources.
func NewViewer(c *Client, path string, sources ...flvsynth.Spec) *Viewer {
	app, name := Split(path)
	v := &Viewer{Client: c, App: app, Name: name, URL: urlOf(c, app), Checker: flvsynth.NewChecker(sources...)}
	c.Aside = v.judge
	return v
}

// Open shakes hands, asks for the stream and begins to play it.
func (v *Viewer) Open(ctx context.Context) error {
	if err := v.Ready(ctx); err != nil {
		return err
	}
	return v.Begin(ctx)
}

// Ready is Open up to play.
func (v *Viewer) Ready(ctx context.Context) error {
	if _, err := v.Handshake(ctx); err != nil {
		return err
	}
	if _, err := v.Connect(ctx, v.Properties(v.App, v.URL)); err != nil {
		return err
	}
	var err error
	v.Stream, err = v.CreateStream(ctx)
	return err
}

// Begin asks to play and is accepted.
func (v *Viewer) Begin(ctx context.Context) error {
	s, err := v.Play(ctx, v.Stream, v.Name)
	if s.Code != "" {
		v.Heard = append(v.Heard, s.Code)
	}
	v.playing = err == nil
	return err
}

// ErrOver is returned for a stream that ends before there was enough of it.
var ErrOver = errors.New("the stream is over")

// events are those of user control that are told by name.
var events = map[uint16]string{StreamBegin: "StreamBegin", StreamEOF: "StreamEOF"}

// judge checks a message.
func (v *Viewer) judge(m Message) error {
	switch m.Type {
	case TypeAudio, TypeVideo, TypeData:
		return v.tag(m)
	case TypeCommand, TypeCommandAMF3:
		return v.told(m)
	case TypeControl:
		event, _, ok := m.Control()
		if !ok {
			return fmt.Errorf("there is no event in %v", &m)
		}
		if name := events[event]; name != "" {
			v.Heard = append(v.Heard, name)
		}
	case TypeAggregate:
		return fmt.Errorf("tags come together in %v", &m)
	}
	return nil
}

// told takes a status. What says that the stream has ended is noted, and an error is one.
func (v *Viewer) told(m Message) error {
	c, err := m.Command()
	if err != nil || c.Name != "onStatus" {
		return err
	}
	s := c.Status()
	v.Heard = append(v.Heard, s.Code)
	switch {
	case s.Level == "error":
		return &StatusError{"play", s}
	case s.Code == "NetStream.Play.UnpublishNotify", s.Code == "NetStream.Play.Stop":
		v.over = true
	case s.Code == "NetStream.Play.PublishNotify":
		v.over = false
	}
	return nil
}

// tag judges a message with a tag.
func (v *Viewer) tag(m Message) error {
	switch {
	case !v.playing && !v.Loose:
		return fmt.Errorf("before play is answered comes %v", &m)
	case m.Stream != v.Stream && !v.Loose:
		return fmt.Errorf("on another stream than %d comes %v", v.Stream, &m)
	case v.over && !v.Loose:
		return fmt.Errorf("behind the stream's end comes %v", &m)
	}
	if m.Type == TypeData {
		all, err := m.Values()
		if err != nil {
			return err
		}
		if len(all) > 0 && all[0] != "onMetaData" && (v.Loose || all[0] == "|RtmpSampleAccess") {
			return nil
		}
	}
	t, media, err := v.Tag(m.Type, m.Time, m.Body)
	if err == nil && media && v.Seen != nil {
		v.Seen(t, m)
	}
	return err
}

// Until reads until enough says so, asked after each message. At the stream's end, or the
// connection's, the error is ErrOver.
func (v *Viewer) Until(ctx context.Context, enough func(flvsynth.Counts) bool) error {
	for !enough(v.Counts()) {
		m, err := v.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return ErrOver
		case err != nil:
			return fmt.Errorf("after %+v: %w", v.Counts(), err)
		}
		if err := v.aside(ctx, m); err != nil {
			return err
		}
		if v.over && !v.Loose {
			return ErrOver
		}
	}
	return nil
}

// Over reads to the connection's end, which must come behind the stream's: the statuses that
// players wait for, and the event (StreamEOF).
func (v *Viewer) Over(ctx context.Context) error {
	err := v.Until(ctx, func(flvsynth.Counts) bool { return false })
	if !errors.Is(err, ErrOver) {
		return err
	}
	for {
		m, err := v.Next(ctx)
		if errors.Is(err, io.EOF) {
			return v.ended()
		}
		if err == nil {
			err = v.aside(ctx, m)
		}
		if err != nil {
			return err
		}
	}
}

// ended checks what was heard at the end.
func (v *Viewer) ended() error {
	want := []string{"NetStream.Play.UnpublishNotify", "StreamEOF", "NetStream.Play.Stop"}
	last := v.Heard[max(len(v.Heard)-len(want), 0):]
	if fmt.Sprint(last) != fmt.Sprint(want) {
		return fmt.Errorf("the connection ended behind %q, and not behind %q", last, want)
	}
	return nil
}
