package rtmpclient

import (
	"context"
	"fmt"
	"strings"

	"streampump/bench/amf0"
)

// The chunk streams that a client uses, as ffmpeg does.
const (
	chunkCommands = 3
	chunkAudio    = 4
	chunkData     = 4
	chunkVideo    = 6
	chunkCalls    = 8 // play and publish
)

// Client is one side's part of a conversation: it numbers its calls, and understands what is
// answered. It is used by one goroutine.
type Client struct {
	*Conn
	// Agent is what it calls itself; empty: as ffmpeg does.
	Agent string
	// Aside gets each message that comes while an answer is waited for and is not that; nil:
	// they are passed over. Pings are answered in any case.
	Aside func(Message) error

	calls float64
}

// Command is what a message of that type says.
type Command struct {
	Name string
	// ID is the number of the call, or of that which it answers.
	ID float64
	// Values are all behind it.
	Values []any
	// Message is what it came in.
	Message Message
}

// Command reads a command.
func (m *Message) Command() (Command, error) {
	all, err := m.Values()
	if err != nil {
		return Command{}, err
	}
	c := Command{Message: *m}
	if len(all) > 0 {
		c.Name, _ = all[0].(string)
	}
	if c.Name == "" || m.Type != TypeCommand && m.Type != TypeCommandAMF3 {
		return c, fmt.Errorf("%v is no command", m)
	}
	if len(all) > 1 {
		c.ID, _ = all[1].(float64)
		c.Values = all[2:]
	}
	return c, nil
}

// Status is what an onStatus, or the answer to connect, tells of.
type Status struct {
	Level, Code, Description string
	// Info is the whole object.
	Info any
	// Command is what it came in.
	Command Command
}

// Status reads the object that tells of a status: the second value behind the number.
func (c Command) Status() Status {
	s := Status{Command: c}
	if len(c.Values) < 2 {
		return s
	}
	s.Info = c.Values[1]
	s.Level, _ = amf0.Field(s.Info, "level").(string)
	s.Code, _ = amf0.Field(s.Info, "code").(string)
	s.Description, _ = amf0.Field(s.Info, "description").(string)
	return s
}

// StatusError is a call that is answered otherwise than it was wanted.
type StatusError struct {
	Call   string
	Status Status
}

// Error names both.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s is answered with %s %s (%s)", e.Call, e.Status.Command.Name, e.Status.Code, e.Status.Description)
}

// Split takes the path of a URL apart into the application and the stream's name, as ffmpeg
// does: what is behind the last slash is the name. A path of one part is an application.
func Split(path string) (app, name string) {
	path = strings.TrimPrefix(path, "/")
	whole, query, asked := strings.Cut(path, "?")
	app, name = whole, ""
	if i := strings.LastIndexByte(whole, '/'); i >= 0 {
		app, name = whole[:i], whole[i+1:]
	}
	switch {
	case !asked:
	case name != "":
		name += "?" + query
	default:
		app += "?" + query
	}
	return app, name
}

// Ask sends a call on a message stream, and does not wait for the answer to the number that
// it returns.
func (c *Client) Ask(ctx context.Context, stream uint32, name string, values ...any) (id float64, err error) {
	m := c.call(stream, name, values...)
	return c.calls, c.Put(ctx, m)
}

// call is the next call.
func (c *Client) call(stream uint32, name string, values ...any) Message {
	c.calls++
	chunk := uint32(chunkCommands)
	if stream > 0 {
		chunk = chunkCalls
	}
	return ValuesMessage(TypeCommand, chunk, stream, 0, append([]any{name, c.calls}, values...)...)
}

// Call sends a call and waits for what answers it, _result or _error.
func (c *Client) Call(ctx context.Context, stream uint32, name string, values ...any) (Command, error) {
	id, err := c.Ask(ctx, stream, name, values...)
	if err != nil {
		return Command{}, fmt.Errorf("sending %s: %w", name, err)
	}
	answer, err := c.Await(ctx, func(a Command) bool {
		return a.ID == id && (a.Name == "_result" || a.Name == "_error")
	})
	if err != nil {
		return answer, fmt.Errorf("waiting for the answer to %s: %w", name, err)
	}
	return answer, nil
}

// Await reads up to the first command that is wanted.
func (c *Client) Await(ctx context.Context, wanted func(Command) bool) (Command, error) {
	for {
		m, err := c.Next(ctx)
		if err != nil {
			return Command{}, err
		}
		if m.Type == TypeCommand || m.Type == TypeCommandAMF3 {
			a, err := m.Command()
			if err != nil || wanted(a) {
				return a, err
			}
		}
		if err := c.aside(ctx, m); err != nil {
			return Command{}, err
		}
	}
}

// aside passes on what is not an answer.
func (c *Client) aside(ctx context.Context, m Message) error {
	if err := c.Pong(ctx, m); err != nil || c.Aside == nil {
		return err
	}
	return c.Aside(m)
}

// Pong answers a ping, and does nothing with another message.
func (c *Client) Pong(ctx context.Context, m Message) error {
	event, data, ok := m.Control()
	if !ok || event != PingRequest {
		return nil
	}
	answer := ControlMessage(PingResponse)
	answer.Body = append(answer.Body, data...)
	return c.Put(ctx, answer)
}

// Properties are those that connect says of a player, as ffmpeg's.
func (c *Client) Properties(app, url string) amf0.Object {
	agent := c.Agent
	if agent == "" {
		agent = "LNX 9,0,124,2"
	}
	return amf0.Object{
		{Name: "app", Value: app}, {Name: "flashVer", Value: agent}, {Name: "tcUrl", Value: url}, {Name: "fpad", Value: false},
		{Name: "capabilities", Value: 15.0}, {Name: "audioCodecs", Value: 4071.0}, {Name: "videoCodecs", Value: 252.0}, {Name: "videoFunction", Value: 1.0},
	}
}

// EncoderProperties are those of an encoder, as ffmpeg's.
func (c *Client) EncoderProperties(app, url string) amf0.Object {
	agent := c.Agent
	if agent == "" {
		agent = "FMLE/3.0 (compatible; Lavf)"
	}
	return amf0.Object{
		{Name: "app", Value: app}, {Name: "type", Value: "nonprivate"}, {Name: "flashVer", Value: agent}, {Name: "tcUrl", Value: url},
	}
}

// Connect connects to an application and wants success. The answer's status is that of its
// second object.
func (c *Client) Connect(ctx context.Context, properties amf0.Object) (Status, error) {
	a, err := c.Call(ctx, 0, "connect", properties)
	if err != nil {
		return Status{}, err
	}
	s := a.Status()
	if a.Name != "_result" || s.Code != "NetConnection.Connect.Success" {
		return s, &StatusError{"connect", s}
	}
	return s, nil
}

// CreateStream makes a message stream.
func (c *Client) CreateStream(ctx context.Context) (uint32, error) {
	a, err := c.Call(ctx, 0, "createStream", nil)
	if err != nil {
		return 0, err
	}
	if a.Name == "_result" && len(a.Values) == 2 {
		if n, ok := a.Values[1].(float64); ok && n > 0 {
			return uint32(n), nil
		}
	}
	return 0, &StatusError{"createStream", a.Status()}
}

// Play asks for a stream, live or not, and wants it to start. What comes before the answer
// goes aside.
func (c *Client) Play(ctx context.Context, stream uint32, name string) (Status, error) {
	return c.begin(ctx, stream, "NetStream.Play.Start", "play", nil, name, -2000.0)
}

// Publish offers a stream and wants it to be taken.
func (c *Client) Publish(ctx context.Context, stream uint32, name string) (Status, error) {
	return c.begin(ctx, stream, "NetStream.Publish.Start", "publish", nil, name, "live")
}

// begin sends a call and waits for the status that says that something starts, or for one
// that is an error.
func (c *Client) begin(ctx context.Context, stream uint32, code, call string, values ...any) (Status, error) {
	id, err := c.Ask(ctx, stream, call, values...)
	if err != nil {
		return Status{}, fmt.Errorf("sending %s: %w", call, err)
	}
	a, err := c.Await(ctx, func(a Command) bool {
		s := a.Status()
		return a.Name == "onStatus" && (s.Code == code || s.Level == "error") || a.Name == "_error" && a.ID == id
	})
	if err != nil {
		return Status{}, fmt.Errorf("waiting for the answer to %s: %w", call, err)
	}
	s := a.Status()
	if s.Code != code {
		return s, &StatusError{call, s}
	}
	return s, nil
}
