package rtmp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"

	"streampump/bench/amf0"
	"streampump/bench/rtmpclient"
)

// link is a connection to the pump.
type link struct {
	*rtmpclient.Conn
	k   *kit
	tap *tap
}

// tap keeps what came over a connection.
type tap struct {
	net.Conn
	mu   sync.Mutex
	came []byte
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	t.came = append(t.came, b[:n]...)
	t.mu.Unlock()
	return n, err
}

// all is what came so far, with what was read ahead.
func (t *tap) all() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.came)
}

// dial opens a connection that has said nothing yet; the row's end closes it.
func (k *kit) dial() *link {
	k.Helper()
	return k.dialWith(&net.Dialer{Timeout: patience})
}

func (k *kit) dialWith(d *net.Dialer) *link {
	k.Helper()
	c, err := k.all.connect(k.ctx, k.addr, d)
	k.check(err)
	k.Cleanup(func() { _ = c.Close() })
	t := &tap{Conn: c}
	return &link{rtmpclient.NewConn(t, patience), k, t}
}

// link opens a connection and shakes hands.
func (k *kit) link() *link {
	k.Helper()
	l := k.dial()
	l.shake()
	return l
}

// shake shakes hands.
func (l *link) shake() {
	l.k.Helper()
	_, err := l.Handshake(l.k.ctx)
	l.k.check(err)
}

// raw sends bytes in one segment, as far as one can tell.
func (l *link) raw(parts ...[]byte) {
	l.k.Helper()
	l.k.check(l.Send(l.k.ctx, bytes.Join(parts, nil)))
}

// puts sends messages in one segment.
func (l *link) puts(all ...rtmpclient.Message) {
	l.k.Helper()
	l.k.check(l.Put(l.k.ctx, all...))
}

// sends sets the size of the chunks that are sent.
func (l *link) sends(size int) {
	l.k.Helper()
	l.k.check(l.SetSize(l.k.ctx, size))
}

// calling is a call as it is sent.
func calling(stream uint32, name string, id float64, values ...any) rtmpclient.Message {
	return rtmpclient.ValuesMessage(rtmpclient.TypeCommand, 3, stream, 0, append([]any{name, id}, values...)...)
}

// call sends a call.
func (l *link) call(stream uint32, name string, id float64, values ...any) {
	l.k.Helper()
	l.puts(calling(stream, name, id, values...))
}

// pings asks whether the pump is there.
func (l *link) pings(n uint32) {
	l.k.Helper()
	l.puts(rtmpclient.ControlMessage(rtmpclient.PingRequest, n))
}

// next reads the next message.
func (l *link) next() rtmpclient.Message {
	l.k.Helper()
	m, err := l.Next(l.k.ctx)
	l.k.want(err == nil, "%v; the pump's log of this peer:\n%s", err, strings.Join(l.k.log("peer="+l.LocalAddr().String()+" "), "\n"))
	return m
}

// command reads the next message, which is to be a command.
func (l *link) command() rtmpclient.Command {
	l.k.Helper()
	m := l.next()
	c, err := m.Command()
	l.k.check(err)
	return c
}

// answer reads up to the answer to a call. Only what is about the connection itself may
// come before it.
func (l *link) answer(id float64) rtmpclient.Command {
	l.k.Helper()
	for {
		m := l.next()
		if m.Type != rtmpclient.TypeCommand {
			l.k.want(m.Type < rtmpclient.TypeAudio && m.Stream == 0, "before the answer to call %v comes %v", id, &m)
			continue
		}
		c, err := m.Command()
		l.k.check(err)
		if (c.Name == "_result" || c.Name == "_error") && c.ID == id {
			return c
		}
		l.k.want(c.ID != 0 && (c.Name == "_result" || c.Name == "_error" || c.Name == "onFCPublish"), "before the answer to call %v comes %s", id, said(c))
	}
}

// properties are what a player says of itself.
func properties(app string, more ...any) amf0.Object {
	return append(object("app", app, "flashVer", "LNX 9,0,124,2", "tcUrl", "rtmp://pump.example/"+app), object(more...)...)
}

// connect connects to an application, and gives the answer's values.
func (l *link) connect(app string, more ...any) rtmpclient.Command {
	l.k.Helper()
	l.call(0, "connect", 1, properties(app, more...))
	c := l.answer(1)
	l.k.want(c.Name == "_result" && c.Status().Code == "NetConnection.Connect.Success", "connect is answered %s", said(c))
	return c
}

// created reads the answer to a createStream, which must be 1: what is sent to all viewers
// has that in it.
func (l *link) created(id float64) uint32 {
	l.k.Helper()
	c := l.answer(id)
	l.k.want(c.Name == "_result" && len(c.Values) == 2 && c.Values[0] == nil && c.Values[1] == 1.0, "createStream is answered %s", said(c))
	return 1
}

// anyStatus reads the next message, which is to tell of a status of the given level. It
// gives its code.
func (l *link) anyStatus(level string) string {
	l.k.Helper()
	for {
		m := l.next()
		if event, _, ok := m.Control(); m.Type == rtmpclient.TypeAck || ok && event == rtmpclient.StreamBegin {
			continue // the one comes at any time, and the other ahead of a start
		}
		c, err := m.Command()
		l.k.check(err)
		s := c.Status()
		if (c.Name == "_result" || c.Name == "_error" || c.Name == "onFCPublish") && c.ID != 0 {
			continue // to a call that needs no answer
		}
		l.k.want(c.Name == "onStatus" && s.Level == level && s.Code != "" && s.Description != "", "a status of level %s should come, and there is %s", level, said(c))
		l.k.want(m.Stream == 1 || !strings.HasPrefix(s.Code, "NetStream."), "a status of the stream comes on %d: %s", m.Stream, said(c))
		return s.Code
	}
}

// status is anyStatus with a code.
func (l *link) status(code, level string) {
	l.k.Helper()
	got := l.anyStatus(level)
	l.k.want(got == code, "the status is %s and not %s", got, code)
}

// told reads the next message, which is to be user control.
func (l *link) told(event uint16, numbers ...uint32) {
	l.k.Helper()
	m, want := l.next(), rtmpclient.ControlMessage(event, numbers...)
	l.k.want(m.Type == rtmpclient.TypeControl && m.Stream == 0 && bytes.Equal(m.Body, want.Body), "%v should come, and there is %v", &want, &m)
}

// gone checks that the connection is closed in order, behind all that was read.
func (l *link) gone() {
	l.k.Helper()
	m, err := l.Next(l.k.ctx)
	l.k.want(errors.Is(err, io.EOF), "the connection should end, and there is %v (%v)", &m, err)
	_ = l.Close() // as peers do
}

// thrown checks that the connection ends, whatever is said before.
func (l *link) thrown() {
	l.k.Helper()
	for {
		if _, err := l.Next(l.k.ctx); err != nil {
			l.k.want(ended(err), "the connection should end: %v", err)
			_ = l.Close()
			return
		}
	}
}
