package rtmp

import (
	"errors"

	"streampump/codec/amf"
)

// command is a command message (RTMP 1.0, 7.2). Its values are part of the message.
type command struct {
	name   string
	id     float64   // of the transaction; 0 wants no answer
	object amf.Value // of connect; null in all others
	args   [maxArgs]amf.Value
}

// maxArgs is how many arguments of a command are looked at.
const maxArgs = 2

var errCommand = errors.New("a command has no name that can be read")

// maxCommandName is the longest name of a command that is one.
const maxCommandName = 64

// parseCommand reads the body of a command. What is missing behind its name, or cannot be
// read, is not there: clients differ in what they leave out.
func parseCommand(body []byte) (c command, err error) {
	r := amf.NewReader(body)
	name, err := r.Next()
	if err != nil || !name.IsText() || len(name.Text) > maxCommandName {
		return c, errCommand
	}
	c.name = string(name.Text)
	if id, err := r.Next(); err == nil && id.Marker == amf.Number {
		c.id = id.Number
	}
	c.object, _ = r.Next()
	for i := range c.args {
		if !r.More() {
			break
		}
		c.args[i], _ = r.Next()
	}
	return c, nil
}

// text is the text of an argument; empty if it is none.
func text(v amf.Value) string {
	if !v.IsText() {
		return ""
	}
	return string(v.Text)
}

// field is the text of a property.
func field(v amf.Value, name string) string {
	f, _ := v.Field(name)
	return text(f)
}

// isEnhanced reports whether what a client says of itself has something of Enhanced RTMP.
func isEnhanced(object amf.Value) bool {
	for _, name := range [...]string{"fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"} {
		if _, ok := object.Field(name); ok {
			return true
		}
	}
	return false
}
