package engine

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// A viewer that closes its side after its request gets the stream like any other;
// once it is gone for good, it counts as a viewer that left.
func TestHalfClosedViewerGoesOn(t *testing.T) {
	e, address := realEngine(t, func(c *Config) { c.Timeouts.Drain = time.Hour })
	enc := pushed(t, address)
	v := playing(t, e, address)
	if err := v.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 60<<10)
	for i := range 100 {
		enc.say("P " + big)
		v.until(';', fmt.Sprintf("<%d:", i+1))
	}
	_ = v.Close()
	eventually(t, "the viewer has left", func() bool {
		enc.say("P more")
		return e.Snapshot().Closes["viewer_left"] == 1
	})
}

// While a stream is silent nothing tells whether a viewer that has closed its side
// is there: it is let go.
func TestHalfClosedViewerOfASilentStreamIsLetGo(t *testing.T) {
	e, address := realEngine(t, func(c *Config) { c.Timeouts.Drain = 20 * time.Millisecond })
	_ = pushed(t, address)
	v := playing(t, e, address)
	_ = v.CloseWrite()
	if _, err := v.in.ReadByte(); err != io.EOF {
		t.Errorf("the silent viewer got %v", err)
	}
	eventually(t, "the viewer has left", func() bool { return e.Snapshot().Closes["viewer_left"] == 1 })
}

// A viewer that closed its side while its socket was full goes on when it reads
// again.
func TestHalfClosedStalledViewerGoesOn(t *testing.T) {
	e, address := realEngine(t, func(c *Config) { c.Backlog.Bytes = 256 << 20 })
	enc := pushed(t, address)
	v := playing(t, e, address)
	if err := v.SetReadBuffer(smallBuffer); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 60<<10)
	sent := 0
	for e.Snapshot().Stalled == 0 {
		if sent++; sent > 2000 {
			t.Fatal("the viewer's socket takes everything")
		}
		enc.say("P " + big)
	}
	_ = v.CloseWrite()
	for i := range sent {
		v.until(';', fmt.Sprintf("<%d:", i+1))
	}
	enc.say("P last")
	v.until(';', "last;")
}

// A peer that has nothing more to ask gets its whole answer, although the socket did
// not take it at once; then the connection ends.
func TestHalfClosedPeerGetsItsWholeAnswer(t *testing.T) {
	e, address := realEngine(t, nil)
	enc := connect(t, address)
	head := strings.Repeat("h", 100<<10)
	enc.say("PUBLISH live")
	enc.say("H " + head)
	eventually(t, "the stream is up", func() bool { return e.group.Streams()[0].Joinable() != nil })
	c := connect(t, address)
	if err := c.SetReadBuffer(smallBuffer); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for e.Snapshot().Stalled == 0 {
		if asked++; asked > 1000 {
			t.Fatal("the peer's socket takes everything")
		}
		was := e.Snapshot().Bytes
		c.say("DESCRIBE live")
		eventually(t, "it was answered", func() bool { s := e.Snapshot(); return s.Bytes > was || s.Stalled > 0 })
	}
	_ = c.CloseWrite()
	for range asked {
		c.until('\n', "OK Describe")
		c.until('}', head)
	}
	if _, err := c.in.ReadByte(); err != io.EOF {
		t.Errorf("after the answer came %v", err)
	}
	eventually(t, "the connection is closed", func() bool { return e.group.Connections() == 1 })
}

// An encoder that closes its side has ended.
func TestHalfClosedEncoderIsOver(t *testing.T) {
	e, address := realEngine(t, nil)
	enc := pushed(t, address)
	_ = playing(t, e, address)
	_ = enc.CloseWrite()
	eventually(t, "the source is held", func() bool { return e.Snapshot().Closes["push_lost"] == 1 })
}
