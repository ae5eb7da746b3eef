package rtsp

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"

	"streampump/codec/http1"
)

// On one connection come requests, answers and interleaved packets, in both directions
// and in any order, each whole before the next (RFC 2326, 10.12):
//
//	METHOD url RTSP/1.0 CRLF fields CRLF body
//	RTSP/1.0 status reason CRLF fields CRLF body
//	'$' channel8 length16 packet

const (
	// frameMark begins an interleaved packet, and no message.
	frameMark = '$'
	// frameHead is how many bytes come before the packet itself.
	frameHead = 4
	// maxBody is the most bytes of an answer's body. A camera's description has some
	// kilobytes.
	maxBody = 64 << 10
	// maxAnnounced is the most bytes of a request's body, of which an encoder's description
	// is kept for as long as its connection is open: as many as of a head, which anybody may
	// send too. What ffmpeg, GStreamer and cameras announce has less than 2 KB.
	maxAnnounced = 16 << 10
)

// part is what an inlet has found.
type part uint8

const (
	nothing  part = iota // more bytes are needed
	aRequest             // inlet.msg.req, and its body
	anAnswer             // inlet.msg.answer, and its body
	aPacket              // inlet.channel, inlet.packet
)

// inlet takes what a peer sends apart. It is part of every viewer's session, where it
// only passes over reports, so what messages and packets need is kept apart.
type inlet struct {
	msg     *message // a message that has begun, the one that was found last, or memory for one
	packets *packets // nil: interleaved packets are passed over
	head    [frameHead]byte
	have    uint8    // bytes of head
	left    uint16   // bytes of the packet that are still to come
	got     progress // of msg
	keep    bodies
	talks   bool // more messages are expected soon, and the memory of one is kept for the next
}

// progress is how much of a message has come.
type progress uint8

const (
	noneOfIt progress = iota
	partOfIt
	allOfIt
)

// bodies are the messages whose bodies an inlet keeps. Others are passed over: a peer can
// begin one at any time, and need not end it.
type bodies uint8

const (
	readBodies  bodies = iota // of all that is ever read: of ANNOUNCE, and of answers
	description               // of ANNOUNCE
	noBodies
)

// message is one request or answer.
type message struct {
	cut    http1.Cutter
	is     part            // aRequest or anAnswer, once its head has come
	req    http1.Request   // of a request
	answer *http1.Response // of an answer
	// body is what has come of the body, if that is kept. It may be part of the bytes that
	// were given last. See [bodies].
	body     []byte
	left     int  // bytes of the body that are still to come
	kept     bool // the body is
	announce announcement
}

// packets is where interleaved packets go that are wanted.
type packets struct {
	data []byte // the last one found: part of the bytes given, or of buf
	buf  []byte // one that came in pieces
	took int    // how many of the bytes given last the last one was
	ours bool   // data is buf
}

// wanted makes the inlet find interleaved packets from now on, and passed makes it pass
// over them again.
func (in *inlet) wanted() { in.packets = &packets{} }
func (in *inlet) passed() { in.packets = nil }

// next takes bytes from the front of b, up to the end of the next part. With [nothing]
// all of b was taken. What is found is valid until the next call. An error, which is an
// [*http1.Error], is permanent. maxHead is the most bytes of a head, 0 for
// [http1.MaxHead].
func (in *inlet) next(b []byte, maxHead int) (n int, found part, err error) {
	in.done()
	for n < len(b) {
		k := 0
		switch x := b[n]; {
		case in.got == partOfIt:
			k, found, err = in.message(b[n:])
		case in.have > 0 || x == frameMark:
			k, found = in.frame(b[n:])
		case x == '\r' || x == '\n': // between messages, also where a '$' follows
			k = 1
		default:
			in.begin(maxHead)
		}
		if n += k; err != nil || found != nothing {
			return n, found, err
		}
	}
	return n, nothing, nil
}

// usualFields is how many header fields a request has at most, as players and encoders
// write it.
const usualFields = 8

// begin begins a message.
func (in *inlet) begin(maxHead int) {
	if in.msg == nil {
		in.msg = &message{}
	}
	in.msg.cut.Max, in.got = maxHead, partOfIt
}

// done forgets the message that was found last.
func (in *inlet) done() {
	if in.got != allOfIt {
		return
	}
	if in.got = noneOfIt; !in.talks {
		in.msg = nil
		return
	}
	in.msg.clear()
}

// clear forgets the message. The memory of its fields is kept unless they were unusually
// many.
func (m *message) clear() {
	fields := m.req.Fields[:0]
	if clear(m.req.Fields); cap(fields) > 2*usualFields {
		fields = nil
	}
	*m = message{req: http1.Request{Fields: fields}}
}

// rest gives up what is only memory for the next message.
func (in *inlet) rest() {
	if in.got == noneOfIt {
		in.msg = nil
	}
}

// hold makes the message that was found last one whose last byte is still to come: it is
// found again with that. Its body is kept, and has at least that byte.
func (in *inlet) hold() {
	m := in.msg
	m.body, m.left, in.got = bytes.Clone(m.body[:len(m.body)-1]), 1, partOfIt
}

// begun reports whether part of a message has come, but not all of it.
func (in *inlet) begun() bool { return in.got == partOfIt }

// channel is that of the packet that was found.
func (in *inlet) channel() uint8 { return in.head[1] }

// message takes bytes of a message.
func (in *inlet) message(b []byte) (n int, found part, err error) {
	m := in.msg
	if m.is == nothing {
		var head []byte
		if n, head, err = m.cut.Consume(b); head == nil {
			return n, nothing, err
		}
		if err = m.parse(head, in.keep); err != nil {
			return n, nothing, err
		}
	}
	k := min(m.left, len(b)-n)
	m.take(b[n : n+k])
	if n += k; m.left > 0 {
		return n, nothing, nil
	}
	in.got = allOfIt
	return n, m.is, nil
}

// parse reads a whole head; keep says whether the body is kept.
func (m *message) parse(head []byte, keep bodies) (err error) {
	var fields http1.Fields
	most := int64(maxAnnounced)
	if line, ok := isHTTP(head); ok {
		return &http1.Error{Status: 400, What: "it is HTTP, " + strconv.Quote(http1.Clip(line)) + ": another port may be for RTSP, or this one wants TLS (rtsps://)", Offset: -1}
	}
	if isAnswer(head) {
		most = maxBody
		if m.answer, err = http1.ParseRTSPResponse(head); err != nil {
			return err
		}
		m.is, fields, m.kept = anAnswer, m.answer.Fields, keep == readBodies
	} else {
		if m.req, err = http1.ParseRTSPRequest(head, m.room()); err != nil {
			return err
		}
		m.is, fields, m.kept = aRequest, m.req.Fields, m.req.Method == "ANNOUNCE" && keep != noBodies
	}
	length, _, err := fields.ContentLength()
	if err == nil && length > most {
		err = &http1.Error{Status: 413, What: "the body of a message has " + strconv.FormatInt(length, 10) + " bytes", Offset: -1}
	}
	m.left = int(min(length, most))
	return err
}

// room is memory for the fields of a request.
func (m *message) room() http1.Fields {
	if m.req.Fields == nil {
		return make(http1.Fields, 0, usualFields)
	}
	return m.req.Fields
}

// isAnswer tells an answer from a request: no method has a slash.
func isAnswer(head []byte) bool { return strings.HasPrefix(string(head[:min(len(head), 5)]), "RTSP/") }

// isHTTP reports whether a message is an answer of HTTP, and returns its first line. That
// is what a web server says, and many a server of TLS to whom nobody speaks TLS.
func isHTTP(head []byte) (line string, ok bool) {
	if !strings.HasPrefix(string(head[:min(len(head), 5)]), "HTTP/") {
		return "", false
	}
	line, _, _ = strings.Cut(string(head), "\n")
	return strings.TrimSpace(line), true
}

// take takes bytes of the body. The room for it grows with what comes, not with what is
// announced.
func (m *message) take(b []byte) {
	whole := m.left == len(b) && m.body == nil
	m.left -= len(b)
	switch {
	case !m.kept || len(b) == 0:
	case whole:
		m.body = b
	default:
		m.body = append(m.body, b...)
	}
}

// frame takes bytes of an interleaved packet. One without bytes is passed over: some
// peers send such to keep the connection open.
func (in *inlet) frame(b []byte) (n int, found part) {
	if in.have < frameHead {
		n = copy(in.head[in.have:], b)
		if in.have += uint8(n); in.have < frameHead {
			return n, nothing
		}
		in.left = binary.BigEndian.Uint16(in.head[2:])
	}
	k := min(int(in.left), len(b)-n)
	in.left -= uint16(k)
	whole := in.left == 0
	if whole {
		in.have = 0
	}
	if in.packets == nil || k == 0 {
		return n + k, nothing
	}
	in.packets.take(b[n:n+k], whole)
	if !whole {
		return n + k, nothing
	}
	return n + k, aPacket
}

// take takes bytes of a packet; the last of them make it whole.
func (p *packets) take(b []byte, whole bool) {
	if p.ours {
		p.buf, p.ours = p.buf[:0], false
	}
	p.took = len(b)
	if whole && len(p.buf) == 0 {
		p.data = b
		return
	}
	p.buf = append(p.buf, b...)
	if whole {
		p.data, p.ours = p.buf, true
	}
}

// back undoes the end of the packet that was found last, so that the same bytes find it
// again. It returns how many of the bytes given last these are, at least one.
func (in *inlet) back() int {
	p := in.packets
	if p.ours {
		p.buf, p.ours = p.buf[:len(p.buf)-p.took], false
	}
	in.have, in.left = frameHead, uint16(p.took)
	return p.took
}
