package rtsp

import "encoding/binary"

// A frame is a packet between the messages of a connection (RFC 2326 10.12):
//
//	'$' channel8 length16 | packet
//
// Track N has channel 2N for its packets and 2N+1 for the reports about them, for every
// viewer, so that frames are shared.

// maxPacket is the longest packet that fits a frame.
const maxPacket = 1<<16 - 1

// packetChannel is where a track's packets go.
func packetChannel(track int) uint8 { return uint8(2 * track) }

// reportChannel is where the reports about a track go.
func reportChannel(track int) uint8 { return uint8(2*track + 1) }

// appendFrame appends packet, of at most 65,535 bytes, as a frame.
func appendFrame(dst []byte, channel uint8, packet []byte) []byte {
	return append(append(dst, frameMark, channel, byte(len(packet)>>8), byte(len(packet))), packet...)
}

// setFrame sets the length of a frame that reaches to the end of b.
func setFrame(b []byte) { binary.BigEndian.PutUint16(b[2:], uint16(len(b)-frameHead)) }

// Datagram implements [codec.Programme]: what is in a frame is a datagram.
func (g *programme) Datagram(b []byte) (datagram []byte, channel uint8, size int) {
	size = frameHead + int(binary.BigEndian.Uint16(b[2:]))
	return b[frameHead:size:size], b[1], size
}
