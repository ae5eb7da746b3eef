package rtmp

import "errors"

// errAggregate is the error of an aggregate that cannot be read to its end.
var errAggregate = errors.New("an aggregate message ends within a tag")

// An aggregate yields the messages of an aggregate message one by one (RTMP 1.0, 7.1.6).
// It has tags as an FLV file has them:
//
//	type(1) size(3) time(3) time, upper part(1) zero(3)  body  size of all this(4)
//
// Their times count from the first one's, which is the message's.
type aggregate struct {
	rest   []byte
	stream uint32
	shift  uint32 // what is added to the tags' times, once begun
	time   uint32
	begun  bool
}

const (
	tagHead = 11
	tagTail = 4 // the size once more, for those who go backwards
	tagType = 0x1F
)

// newAggregate reads m, of type 22. The messages' bodies are part of its body.
func newAggregate(m message) aggregate {
	return aggregate{rest: m.body, stream: m.stream, time: m.time}
}

// next is the next message, which is sound, pictures or data; what else there is, is passed
// over. ok is false at the end. The error is errAggregate; what came before it is good.
func (a *aggregate) next() (m message, ok bool, err error) {
	for len(a.rest) > 0 {
		if m, err = a.tag(); err != nil {
			a.rest = nil
			return message{}, false, err
		}
		if m.typ == typeAudio || m.typ == typeVideo || m.typ == typeData {
			return m, true, nil
		}
	}
	return message{}, false, nil
}

// tag takes a tag. The last one's size behind it may be missing.
func (a *aggregate) tag() (m message, err error) {
	b := a.rest
	if len(b) < tagHead {
		return m, errAggregate
	}
	end := tagHead + int(u24(b[1:]))
	if end > len(b) {
		return m, errAggregate
	}
	time := u24(b[4:]) | uint32(b[7])<<24
	if !a.begun {
		a.begun, a.shift = true, a.time-time
	}
	a.rest = b[min(end+tagTail, len(b)):]
	return message{typ: b[0] & tagType, stream: a.stream, time: time + a.shift, body: b[tagHead:end:end]}, nil
}
