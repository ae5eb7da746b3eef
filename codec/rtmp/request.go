package rtmp

import (
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
)

// verb is what a peer asks.
type verb uint8

const (
	verbNone    verb = iota // nothing that is answered
	verbHello               // C0 and C1
	verbPing                // of User Control
	verbAck                 // nothing: an acknowledgement is due
	verbBroken              // nothing: it broke the protocol
	verbConnect             // commands from here on
	verbCreate
	verbAnnounce // that a stream will be published
	verbPlay
	verbPlay2
	verbPublish
	verbPause
	verbEnd       // of the stream
	verbUnpublish // the same, of encoders
)

// verbs are the commands that are understood. All others are passed over: those that change
// nothing here, as receiveAudio does not where all viewers are sent the same, and those about
// recordings. To refuse a seek would end libavformat's players.
var verbs = map[string]verb{
	"connect":       verbConnect,
	"createStream":  verbCreate,
	"releaseStream": verbAnnounce,
	"FCPublish":     verbAnnounce,
	"play":          verbPlay,
	"play2":         verbPlay2,
	"publish":       verbPublish,
	"pause":         verbPause,
	"deleteStream":  verbEnd,
	"closeStream":   verbEnd,
	"FCUnpublish":   verbUnpublish,
}

// request is one request, until it is answered. But for the echo it holds no reference to
// the message it came from.
type request struct {
	verb     verb
	id       float64 // of the transaction; 0 wants no answer
	event    codec.Event
	name     string // of the stream
	echo     []byte // C1, valid until the next Consume
	ping     uint32
	enhanced bool   // connect: the peer has heard of Enhanced RTMP
	proof    proof  // connect
	no       string // the code that it is refused with whatever the engine says, if it has one
	text     string // and why
}

// pumpProduct is what pumps call themselves.
const pumpProduct = "StreamPump"

// command is the event of a command.
func (s *server) command(m *message) codec.Event {
	body := m.body
	if m.typ == typeCommand3 && len(body) > 0 {
		body = body[1:] // how the rest is written: in AMF0, like all others
	}
	c, err := parseCommand(body)
	if err != nil {
		return broken(err)
	}
	q := s.request(verbs[c.name])
	q.id = c.id
	switch q.verb {
	case verbConnect:
		return s.connect(q, &c)
	case verbCreate:
		return s.ask(q)
	case verbAnnounce:
		if isID(c.id) {
			return s.ask(q)
		}
	case verbPlay:
		return s.play(q, text(c.args[0]))
	case verbPlay2:
		return s.play(q, field(c.args[0], "streamName"))
	case verbPublish:
		return s.publish(q, text(c.args[0]))
	case verbPause:
		return s.pause(q, c.args[0].Bool)
	case verbEnd:
		return s.stop(q)
	case verbUnpublish:
		if s.state == publishing {
			return s.finish()
		}
	}
	return codec.Event{}
}

// connect notes what the peer wants to be connected to. That it exists is seen when it
// asks for a stream.
func (s *server) connect(q *request, c *command) codec.Event {
	if s.state != ready {
		return codec.Event{}
	}
	path := field(c.object, "app")
	s.app = &app{
		path:  strings.Clone(path[:min(len(path), maxPath+maxSecret)]),
		agent: strings.Clone(http1.Agent(field(c.object, "flashVer"))),
	}
	q.enhanced = isEnhanced(c.object)
	s.lookAhead(q, c.object)
	return s.ask(q)
}

// play asks for a stream.
func (s *server) play(q *request, name string) codec.Event {
	if s.app == nil {
		return broken(errEarly)
	}
	t := parseTarget(s.app.path, name, false)
	q.name = t.name
	switch {
	case s.state == playing && t.name == s.view.name: // it is
		return codec.Event{}
	case s.state != ready:
		q.no, q.text = playFailed, "the connection has another stream"
	default:
		q.event = codec.Event{
			Kind: codec.Play, Path: t.name, Credentials: t.credentials, Pump: http1.HasProduct(s.app.agent, pumpProduct),
		}
	}
	return s.ask(q)
}

// publish asks to bring a stream.
func (s *server) publish(q *request, name string) codec.Event {
	if s.app == nil {
		return broken(errEarly)
	}
	t := parseTarget(s.app.path, name, true)
	q.name = t.name
	if s.state != ready {
		q.no, q.text = publishBadName, "the connection has another stream"
	} else {
		q.event = codec.Event{Kind: codec.Publish, Path: t.name, Credentials: t.credentials}
	}
	return s.ask(q)
}

// pause stops the messages for a while, or has them go on at a key frame.
func (s *server) pause(q *request, on bool) codec.Event {
	v := s.view
	switch {
	case v == nil || on != (s.state == playing) || !on && !v.paused:
		return codec.Event{}
	case on:
		q.event = codec.Event{Kind: codec.Halt, Session: v.key}
	default:
		q.event = codec.Event{
			Kind: codec.Play, Path: v.name, Session: v.key, Credentials: v.credentials, Pump: http1.HasProduct(s.app.agent, pumpProduct),
		}
	}
	return s.ask(q)
}

// stop ends the stream of the connection, whichever it names: GStreamer names it instead
// of its number.
func (s *server) stop(q *request) codec.Event {
	switch {
	case s.state == publishing:
		return s.finish()
	case s.view == nil:
		return codec.Event{}
	}
	q.event = codec.Event{Kind: codec.Stop, Session: s.view.key}
	return s.ask(q)
}

// finish ends an encoder's stream.
func (s *server) finish() codec.Event {
	s.state = thanking
	return codec.Event{Kind: codec.Finish, Leaves: true} // GStreamer says that it failed if we close first
}

// requestError is a peer that broke the protocol; the text is the operator's sentence.
type requestError struct{ what string }

func (e *requestError) Error() string { return e.what }

var errEarly = &requestError{"a stream is asked for before connect"}
