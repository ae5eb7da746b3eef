package rtmpclient

import (
	"encoding/binary"
	"fmt"

	"streampump/bench/amf0"
)

// Types of messages (RTMP 1.0, 5.4 and 7.1).
const (
	TypeChunkSize     uint8 = 1
	TypeAbort         uint8 = 2
	TypeAck           uint8 = 3
	TypeControl       uint8 = 4
	TypeWindow        uint8 = 5
	TypePeerBandwidth uint8 = 6
	TypeAudio         uint8 = 8
	TypeVideo         uint8 = 9
	TypeDataAMF3      uint8 = 15
	TypeCommandAMF3   uint8 = 17
	TypeData          uint8 = 18
	TypeCommand       uint8 = 20
	TypeAggregate     uint8 = 22
)

// Events of user control (RTMP 1.0, 7.1.7).
const (
	StreamBegin     uint16 = 0
	StreamEOF       uint16 = 1
	SetBufferLength uint16 = 3
	PingRequest     uint16 = 6
	PingResponse    uint16 = 7
)

// firstChunk is the size of chunks until their sender changes it (RTMP 1.0, 5.4.1).
const firstChunk = 128

// Message is a whole message. Of one that is sent, Form, Chunks and Extended are not looked
// at.
type Message struct {
	// Chunk is the chunk stream that it comes on.
	Chunk uint32
	Type  uint8
	// Stream is the message stream.
	Stream uint32
	// Time is absolute, in milliseconds, whatever the header had.
	Time uint32
	// Body belongs to whoever has the message.
	Body []byte

	// Form is the kind of its first chunk's header, 0 to 3, and Chunks how many there were.
	Form   uint8
	Chunks int
	// Extended says that its header had the time in four bytes more (RTMP 1.0, 5.3.1.3).
	Extended bool
}

// String is the message for people.
func (m *Message) String() string {
	return fmt.Sprintf("a message of type %d on stream %d at %d ms with %d bytes, % x", m.Type, m.Stream, m.Time, len(m.Body), m.Body[:min(len(m.Body), 16)])
}

// Control is the event of a message of user control, and what it says; ok is false for other
// messages.
func (m *Message) Control() (event uint16, data []byte, ok bool) {
	if m.Type != TypeControl || len(m.Body) < 2 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint16(m.Body), m.Body[2:], true
}

// Number is the first four bytes of a body as a number, which is what the types up to 6 have.
func (m *Message) Number() uint32 {
	if len(m.Body) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(m.Body)
}

// Values are those of a command or of data, behind the byte in front of them that the types
// for AMF3 have.
func (m *Message) Values() ([]any, error) {
	b := m.Body
	switch m.Type {
	case TypeData, TypeCommand:
	case TypeDataAMF3, TypeCommandAMF3:
		if len(b) == 0 {
			return nil, fmt.Errorf("%v has no format", m)
		}
		b = b[1:]
	default:
		return nil, fmt.Errorf("%v has no values", m)
	}
	all, err := amf0.Values(b)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", m, err)
	}
	return all, nil
}

// NumberMessage is one of the types whose body is one number, on the chunk stream that is for
// those.
func NumberMessage(typ uint8, n uint32) Message {
	return Message{Chunk: 2, Type: typ, Body: binary.BigEndian.AppendUint32(nil, n)}
}

// ControlMessage is one of user control with numbers behind its event.
func ControlMessage(event uint16, numbers ...uint32) Message {
	b := binary.BigEndian.AppendUint16(nil, event)
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return Message{Chunk: 2, Type: TypeControl, Body: b}
}

// ValuesMessage is a command or data with these values.
func ValuesMessage(typ uint8, chunk, stream, time uint32, values ...any) Message {
	return Message{Chunk: chunk, Type: typ, Stream: stream, Time: time, Body: amf0.Append(nil, values...)}
}
