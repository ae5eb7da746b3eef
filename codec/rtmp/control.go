package rtmp

import "encoding/binary"

// Messages about the connection itself go on this chunk stream, and on message stream 0
// (RTMP 1.0, 5.4).
const controlStream = 2

// Events of User Control (RTMP 1.0, 7.1.7).
const (
	eventStreamBegin  = 0 // stream(4)
	eventStreamEOF    = 1 // stream(4)
	eventStreamDry    = 2 // stream(4)
	eventBufferLength = 3 // stream(4) milliseconds(4)
	eventRecorded     = 4 // stream(4)
	eventPing         = 6 // anything(4), which comes back
	eventPong         = 7
)

// Kinds of limit in Set Peer Bandwidth (RTMP 1.0, 5.4.5).
const bandwidthDynamic = 2

// appendFigure appends a control message that is one figure of 32 bits.
func appendFigure(dst []byte, typ uint8, v uint32) []byte {
	return binary.BigEndian.AppendUint32(appendHead(dst, controlStream, typ, 0, 0, 4), v)
}

// appendChunkSize appends Set Chunk Size with the size that we use.
func appendChunkSize(dst []byte) []byte { return appendFigure(dst, typeChunkSize, ourChunk) }

// appendAck appends an Acknowledgement of so many bytes received, which wrap.
func appendAck(dst []byte, received uint64) []byte {
	return appendFigure(dst, typeAck, uint32(received))
}

// appendWindow appends Window Acknowledgement Size, in bytes.
func appendWindow(dst []byte, size uint32) []byte { return appendFigure(dst, typeWindow, size) }

// appendBandwidth appends Set Peer Bandwidth, dynamic, in bytes.
func appendBandwidth(dst []byte, size uint32) []byte {
	dst = appendHead(dst, controlStream, typeBandwidth, 0, 0, 5)
	return append(binary.BigEndian.AppendUint32(dst, size), bandwidthDynamic)
}

// appendUserControl appends an event about a message stream, or a ping or a pong with
// what comes back in place of the stream.
func appendUserControl(dst []byte, event uint16, stream uint32) []byte {
	dst = appendHead(dst, controlStream, typeUserControl, 0, 0, 6)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(dst, event), stream)
}

// appendBufferLength appends how much a player buffers of a message stream, in
// milliseconds.
func appendBufferLength(dst []byte, stream, ms uint32) []byte {
	dst = appendHead(dst, controlStream, typeUserControl, 0, 0, 10)
	dst = binary.BigEndian.AppendUint16(dst, eventBufferLength)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst, stream), ms)
}

// figure reads the figure that an Acknowledgement, a Window Acknowledgement Size or a Set
// Peer Bandwidth begins with.
func figure(body []byte) (v uint32, ok bool) {
	if len(body) < 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(body), true
}

// userControl reads an event, and what all that matter here have behind it: the message
// stream, or what a ping wants back.
func userControl(body []byte) (event uint16, stream uint32, ok bool) {
	if len(body) < 6 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(body), binary.BigEndian.Uint32(body[2:]), true
}

// How often we acknowledge, in bytes. Encoders have stopped that heard nothing in time;
// and nobody makes us answer each packet.
const (
	defaultWindow = 2_500_000
	mostWindow    = 1 << 20
	leastWindow   = 8 << 10
)

// acks says when a peer that sends a stream is to be acknowledged. The zero value is ready.
type acks struct {
	window uint32 // what the peer wants; 0: it has not said
	said   uint64 // bytes that were acknowledged
}

// due reports whether an acknowledgement is due now that so many bytes were received, and
// takes it for said. Half the window leaves the peer time to get it.
func (a *acks) due(received uint64) bool {
	window := a.window
	if window == 0 {
		window = defaultWindow
	}
	if received-a.said < uint64(min(max(window, leastWindow), mostWindow)/2) {
		return false
	}
	a.said = received
	return true
}

// set takes the window that a Window Acknowledgement Size names.
func (a *acks) set(body []byte) {
	if v, ok := figure(body); ok {
		a.window = v
	}
}
