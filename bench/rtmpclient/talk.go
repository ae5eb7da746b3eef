package rtmpclient

import "fmt"

// Talk is what a player says until it plays a stream, for those who have the bytes and no
// connection of this package.
type Talk struct {
	client  Client
	app     string
	name    string
	url     string
	in      *Reader
	shaken  bool
	stream  bool // it has one
	playing bool
	say     []byte
}

// NewTalk begins to talk to a server at an address about a path, app/name.
func NewTalk(addr, path string) *Talk {
	app, name := Split(path)
	return &Talk{
		app: app, name: name, url: "rtmp://" + addr + "/" + app, in: NewReader(), say: Greeting(),
		client: Client{Conn: &Conn{Size: firstChunk}},
	}
}

// Playing reports whether all is said: what comes from now on is the stream.
func (t *Talk) Playing() bool { return t.playing }

// Next is what is to be sent now; empty if there is nothing.
func (t *Talk) Next() []byte {
	b := t.say
	t.say = nil
	return b
}

// Take takes what there is at the front of b: n bytes, 0 if that is not all there. m is a
// message that is not for the talk, if there is one.
func (t *Talk) Take(b []byte) (m *Message, n int, err error) {
	if !t.shaken {
		n, err = t.shake(b)
		return nil, n, err
	}
	m, n, err = t.in.Take(b)
	if m == nil || err != nil || t.playing || m.Type != TypeCommand {
		return m, n, err
	}
	return nil, n, t.answer(m)
}

// shake answers the handshake and connects.
func (t *Talk) shake(b []byte) (n int, err error) {
	if len(b) < AnswerSize {
		return 0, nil
	}
	echo, err := Echo(b)
	if err != nil {
		return 0, err
	}
	t.shaken = true
	t.say = append(append(t.say, echo...), t.call(0, "connect", t.client.Properties(t.app, t.url))...)
	return AnswerSize, nil
}

// answer takes the answer to the newest call, and makes the next.
func (t *Talk) answer(m *Message) error {
	a, err := m.Command()
	if err != nil {
		return err
	}
	s := a.Status()
	switch {
	case s.Level == "error" || a.Name == "_error":
		return &StatusError{fmt.Sprintf("call %.0f", t.client.calls), s}
	case a.Name == "onStatus":
		t.playing = s.Code == "NetStream.Play.Start"
	case a.Name != "_result" || a.ID != t.client.calls:
	case t.client.calls == 1:
		t.say = t.call(0, "createStream", nil)
	case !t.stream:
		if len(a.Values) < 2 {
			return fmt.Errorf("createStream is answered with %v", a.Values)
		}
		n, _ := a.Values[1].(float64)
		t.stream = true
		t.say = t.call(uint32(n), "play", nil, t.name, -2000.0)
	}
	return nil
}

func (t *Talk) call(stream uint32, name string, values ...any) []byte {
	return AppendMessage(nil, t.client.call(stream, name, values...), firstChunk)
}
