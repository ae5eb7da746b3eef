package rtmp

import (
	"fmt"
	"net"
	"testing"
	"time"

	"streampump/bench/rtmpclient"
)

// station is a server that the pump pulls a row's stream from. The row talks for it.
type station struct{ *net.TCPListener }

func startStation(t *testing.T) *station {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &station{l}
}

// url is the address that the pump has.
func (s *station) url() string { return fmt.Sprintf("rtmp://%s/live/x?token=t1", s.Addr()) }

// theirs is the message stream that a station gives.
const theirs = 7

// called is the pump's call to a station.
type called struct {
	*encoder // of the station, as which it sends
	// greeting, connect and play are what the pump has said.
	greeting      []byte
	connect, play rtmpclient.Command
	// wrap changes a message before it is sent; nil: none is.
	wrap func(rtmpclient.Message) rtmpclient.Message
}

// called waits until the pump comes, and talks with it until it has asked for the stream.
// The pump may have come before, and be gone again.
func (k *kit) called(f *film, wrap func(rtmpclient.Message) rtmpclient.Message) *called {
	k.Helper()
	for {
		k.check(k.station.SetDeadline(time.Now().Add(2 * patience)))
		conn, err := k.station.Accept()
		k.check(err)
		k.Cleanup(func() { _ = conn.Close() })
		t := &tap{Conn: conn}
		c := &called{encoder: &encoder{link: &link{rtmpclient.NewConn(t, patience), k, t}, film: f, stream: theirs, pulled: true}, wrap: wrap}
		if c.shake() {
			c.talk()
			return c
		}
	}
}

// shake shakes hands as a server; it reports false for a connection that is over.
func (c *called) shake() bool {
	k := c.k
	var err error
	if c.greeting, err = c.Bytes(k.ctx, len(rtmpclient.Greeting())); err != nil {
		return false
	}
	if c.Send(k.ctx, append(rtmpclient.Greeting(), c.greeting[1:]...)) != nil {
		return false
	}
	_, err = c.Bytes(k.ctx, len(c.greeting)-1)
	return err == nil
}

// says sends a message, as the station is.
func (c *called) says(m rtmpclient.Message) {
	c.k.Helper()
	if c.wrap != nil {
		m = c.wrap(m)
	}
	c.puts(m)
}

// asks reads up to the next call with one of the names.
func (c *called) asks(names ...string) rtmpclient.Command {
	c.k.Helper()
	for {
		m := c.next()
		if m.Type != rtmpclient.TypeCommand {
			c.k.want(m.Type < rtmpclient.TypeAudio, "the pump sends %v", &m)
			continue
		}
		call, err := m.Command()
		c.k.check(err)
		for _, name := range names {
			if call.Name == name {
				return call
			}
		}
	}
}

// talk answers up to the call for the stream.
func (c *called) talk() {
	k := c.k
	k.Helper()
	c.connect = c.asks("connect")
	c.puts(rtmpclient.NumberMessage(rtmpclient.TypeWindow, 100_000), rtmpclient.Message{Chunk: 2, Type: rtmpclient.TypePeerBandwidth, Body: append(number(100_000), 2)})
	c.sends(4096)
	c.says(calling(0, "_result", c.connect.ID, object("fmsVer", "FMS/3,5,3,888", "capabilities", 31),
		object("level", "status", "code", "NetConnection.Connect.Success", "description", "ok", "objectEncoding", 0)))
	create := c.asks("createStream")
	c.says(calling(0, "_result", create.ID, nil, float64(theirs)))
	c.play = c.asks("play")
}

// told sends a status of the stream.
func (c *called) told(level, code string) {
	c.k.Helper()
	c.says(calling(theirs, "onStatus", 0, nil, object("level", level, "code", code, "description", "as said")))
}

// starts tells the pump that the stream begins.
func (c *called) starts() {
	c.k.Helper()
	c.puts(rtmpclient.ControlMessage(rtmpclient.StreamBegin, theirs))
	c.told("status", "NetStream.Play.Reset")
	c.told("status", "NetStream.Play.Start")
}
