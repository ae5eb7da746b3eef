package rtmpclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/bench/amf0"
	"streampump/bench/flvsynth"
	"streampump/bench/payload"
)

// timeout is more than anything here takes.
const timeout = 10 * time.Second

// meet has a server's side of a conversation done by serve, and is the other end.
func meet(t *testing.T, serve func(*Peer) error) *Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err1 := Dial(t.Context(), l.Addr().String(), Options{Timeout: timeout})
	theirs, err2 := l.Accept()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		defer theirs.Close()
		done <- serve(&Peer{Conn: NewConn(theirs, timeout)})
	}()
	t.Cleanup(func() {
		_ = c.Close()
		var network net.Error // of a client that has gone
		if err := <-done; err != nil && !errors.As(err, &network) && !errors.Is(err, io.EOF) && !errors.Is(err, errRefused) {
			t.Errorf("the server: %v", err)
		}
	})
	return &Client{Conn: c}
}

// viewed are the messages of a source as a server sends them: what describes it first, and
// then n tags.
func viewed(s flvsynth.Spec, n int) (all []Message) {
	src := flvsynth.New(s)
	p := Publisher{Source: src, Stream: peerStream}
	for _, t := range src.Preamble() {
		t.Time = 0
		if t.Type == TypeData {
			t.Body = s.Metadata()
		}
		all = append(all, p.Message(t))
	}
	for range n {
		all = append(all, p.Message(src.Next()))
	}
	return all
}

// farewell is how a server ends a stream.
var farewell = []Message{
	Told("status", "NetStream.Play.UnpublishNotify"), ControlMessage(StreamEOF, peerStream), Told("status", "NetStream.Play.Stop"),
}

// TestViewer plays a stream up to its end.
func TestViewer(t *testing.T) {
	s := flvsynth.Plain()
	c := meet(t, func(p *Peer) error {
		w, err := p.Meet(t.Context())
		if err != nil || w != (Wish{"play", "streams", "live"}) {
			return fmt.Errorf("it wants %+v: %w", w, err)
		}
		access := ValuesMessage(TypeData, 5, peerStream, 0, "|RtmpSampleAccess", true, true)
		ping := ControlMessage(PingRequest, 77)
		if err := p.Put(t.Context(), append([]Message{access, ping}, viewed(s, 100)...)...); err != nil {
			return err
		}
		m, err := p.Next(t.Context())
		if err != nil {
			return err
		}
		if event, data, ok := m.Control(); !ok || event != PingResponse || data[3] != 77 {
			return fmt.Errorf("a ping is answered with %v", &m)
		}
		return p.Put(t.Context(), farewell...)
	})
	v := NewViewer(c, "/streams/live", s)
	seen := 0
	v.Seen = func(flvsynth.Track, Message) { seen++ }
	if err := v.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := v.Over(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := v.Counts(); n.All() != 100 || seen != 100 || !n.Decodes || n.Metadata != 1 || n.Headers != [2]int{1, 1} {
		t.Errorf("%+v, %d seen", n, seen)
	}
	if want := []string{"StreamBegin", "NetStream.Play.Start", "NetStream.Play.UnpublishNotify", "StreamEOF", "NetStream.Play.Stop"}; !slices.Equal(v.Heard, want) {
		t.Errorf("%q", v.Heard)
	}
}

// TestViewerThatIsSentWrong: each breach is told.
func TestViewerThatIsSentWrong(t *testing.T) {
	s := flvsynth.Plain()
	for want, send := range map[string]func([]Message) []Message{
		"on another stream than 1": func(all []Message) []Message { all[4].Stream = 2; return all },
		"tags come together":       func(all []Message) []Message { all[4].Type = TypeAggregate; return all },
		"byte 30 is":               func(all []Message) []Message { all[9].Body[30] ^= 1; return all },
		"the metadata is no":       func(all []Message) []Message { all[0].Body = amf0.Append(nil, "@setDataFrame"); return all },
		"NetStream.Play.Failed":    func(all []Message) []Message { return append(all[:9:9], Told("error", "NetStream.Play.Failed")) },
		"the stream is over":       func(all []Message) []Message { return append(all[:9:9], farewell[0]) },
		"there is no event":        func([]Message) []Message { return []Message{{Chunk: 2, Type: TypeControl, Body: []byte{1}}} },
	} {
		c := meet(t, func(p *Peer) error {
			if _, err := p.Meet(t.Context()); err != nil {
				return err
			}
			return p.Put(t.Context(), send(viewed(s, 20))...)
		})
		v := NewViewer(c, "/live/x", s)
		if err := v.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := v.Until(t.Context(), func(n flvsynth.Counts) bool { return n.All() >= 20 }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestViewerThatIsCutOff: a connection that ends without a word is told.
func TestViewerThatIsCutOff(t *testing.T) {
	c := meet(t, func(p *Peer) error {
		if _, err := p.Meet(t.Context()); err != nil {
			return err
		}
		return p.Put(t.Context(), farewell[0])
	})
	v := NewViewer(c, "live", flvsynth.Plain())
	if err := v.Open(t.Context()); err != nil || v.App != "live" || v.Name != "" {
		t.Fatal(err)
	}
	if err := v.Over(t.Context()); err == nil || !strings.Contains(err.Error(), "and not behind") {
		t.Error(err)
	}
}

// TestRefusals: a call that is refused is an error that names it.
func TestRefusals(t *testing.T) {
	for _, call := range []string{"play", "publish"} {
		c := meet(t, func(p *Peer) error {
			p.Refuse = call
			_, err := p.Meet(t.Context())
			return err
		})
		var err error
		if call == "play" {
			err = NewViewer(c, "/live/x", flvsynth.Plain()).Open(t.Context())
		} else {
			err = NewPublisher(c, "/live/x", flvsynth.Plain()).Open(t.Context())
		}
		var refused *StatusError
		if !errors.As(err, &refused) || refused.Call != call || refused.Status.Level != "error" {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// TestPublisher: what an encoder sends is the source's, with what describes it.
func TestPublisher(t *testing.T) {
	s := flvsynth.Plain()
	got := make(chan []string, 1)
	c := meet(t, func(p *Peer) error {
		if w, err := p.Meet(t.Context()); err != nil || w.Call != "publish" || w.App != "a/b" || w.Name != "c?key=k" {
			return fmt.Errorf("it wants %+v: %w", w, err)
		}
		var said []string
		check := flvsynth.NewChecker(s)
		for {
			m, err := p.Next(t.Context())
			switch {
			case errors.Is(err, io.EOF):
				got <- append(said, fmt.Sprint(check.Counts().All()))
				return nil
			case err != nil:
				return err
			case m.Type == TypeCommand:
				a, err := m.Command()
				if err != nil {
					return err
				}
				said = append(said, a.Name)
				continue
			case m.Type == TypeData:
				m.Body = s.Metadata()
			}
			if _, _, err := check.Tag(m.Type, m.Time, m.Body); err != nil || m.Stream != peerStream {
				return fmt.Errorf("%v: %w", &m, err)
			}
		}
	})
	p := NewPublisher(c, "/a/b/c?key=k", s)
	if err := errors.Join(p.Open(t.Context()), p.Send(t.Context(), 60), p.End(t.Context()), c.Close()); err != nil {
		t.Fatal(err)
	}
	if said := <-got; !slices.Equal(said, []string{"FCUnpublish", "deleteStream", "60"}) {
		t.Errorf("%q", said)
	}
}

// TestLive: a live source is called by its beginning, answers pings, and ends as encoders do.
func TestLive(t *testing.T) {
	s, err := flvsynth.Live(1_000_000, 25)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	last, run := make(chan string, 1), make(chan uint32, 1)
	c := meet(t, func(p *Peer) error {
		if _, err := p.Meet(t.Context()); err != nil {
			return err
		}
		name := ""
		for n := 0; ; {
			m, err := p.Next(t.Context())
			if err != nil {
				return err
			}
			_, data, pong := m.Control()
			switch {
			case m.Type == TypeCommand:
				a, err := m.Command()
				if name = a.Name; err != nil || name == "deleteStream" {
					last <- name
					return err
				}
			case pong:
				if len(data) != 4 {
					return fmt.Errorf("%v answers a ping", &m)
				}
				stop()
			case m.Type == TypeVideo && len(m.Body) > 100:
				if n++; n == 2 {
					id, err := payload.Read(m.Body)
					if run <- id.Run; err != nil {
						return err
					}
					if err := p.Put(t.Context(), ControlMessage(PingRequest, 1)); err != nil {
						return err
					}
				}
			}
		}
	})
	const at = 5_000_000_000
	began := time.Now()
	now := func() uint64 { return at + uint64(time.Since(began)) }
	if err := NewPublisher(c, "/live/x", s).Live(ctx, now); err != nil {
		t.Fatal(err)
	}
	if r := <-run; r < at/1_000_000 || r > at/1_000_000+60_000 {
		t.Errorf("its run is %d", r)
	}
	if name := <-last; name != "deleteStream" {
		t.Errorf("it says %s at the end", name)
	}
}

// TestTalk: who has the bytes and no connection gets to the stream, wherever they are cut.
func TestTalk(t *testing.T) {
	for _, piece := range []int{1, 7, 1000, 1 << 20} {
		c := meet(t, func(p *Peer) error {
			if w, err := p.Meet(t.Context()); err != nil || w.Name != "x" {
				return fmt.Errorf("it wants %+v: %w", w, err)
			}
			return p.Put(t.Context(), viewed(flvsynth.Plain(), 1)...)
		})
		talk, held, b := NewTalk("h:1", "/live/x"), []byte(nil), make([]byte, piece)
		var first *Message
		for first == nil {
			if say := talk.Next(); len(say) > 0 {
				if err := c.Send(t.Context(), say); err != nil {
					t.Fatal(err)
				}
				continue
			}
			n, err := c.Read(b)
			if err != nil {
				t.Fatalf("in pieces of %d: %v", piece, err)
			}
			held = append(held, b[:n]...)
			for first == nil {
				m, n, err := talk.Take(held)
				if err != nil {
					t.Fatal(err)
				}
				held = held[n:]
				if m != nil && talk.Playing() && m.Type == TypeData {
					first = m
				}
				if n == 0 {
					break
				}
			}
		}
	}
	talk := NewTalk("h:1", "/live/x")
	answer := make([]byte, AnswerSize)
	answer[0] = 6
	if _, _, err := talk.Take(answer); err == nil {
		t.Error("it speaks version 6")
	}
}

func TestSplit(t *testing.T) {
	for path, want := range map[string][2]string{
		"/live": {"live", ""}, "/live/": {"live", ""}, "/live/x": {"live", "x"}, "a/b/c": {"a/b", "c"},
		"/live/x?y=1&z=/2": {"live", "x?y=1&z=/2"}, "/live?k=1": {"live?k=1", ""},
	} {
		if app, name := Split(path); app != want[0] || name != want[1] {
			t.Errorf("%s is %q and %q", path, app, name)
		}
	}
}

// TestContextCutsAReadShort, and a server that ends in a message is told from one that does
// not.
func TestContextCutsAReadShort(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	c := NewConn(ours, timeout)
	if _, err := c.Next(ctx); err == nil {
		t.Error("it goes on")
	}
	go func() { _, _ = theirs.Write(AppendHead(nil, 0, Message{Chunk: 4}, 0, 9)); _ = theirs.Close() }()
	if _, err := c.Next(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}
