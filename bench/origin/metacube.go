package origin

import "encoding/binary"

// Metacube frames a stream for Cubemap: in front of each block stand eight
// bytes by which it is found, its size, flags, and a CRC of both.
//
//	off 0   8 bytes  "cube!map"
//	off 8   u32 be   size of the block behind these 16 bytes
//	off 12  u16 be   flags
//	off 14  u16 be   CRC of size and flags
const (
	metacubeSync = "cube!map"
	metacubeSize = 16

	flagHeader   = 1 // a header, for whoever joins
	flagNotStart = 2 // nobody may join here
)

// The CRC's polynomial, and its first value, which keeps zeros from passing.
const (
	crcPolynomial = 0x8FDB
	crcStart      = 0x1234
)

// appendBlock appends a block with its framing.
func appendBlock(b []byte, flags uint16, block []byte) []byte {
	b = append(b, metacubeSync...)
	at := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(len(block)))
	b = binary.BigEndian.AppendUint16(b, flags)
	b = binary.BigEndian.AppendUint16(b, blockCRC(b[at:]))
	return append(b, block...)
}

// blockCRC is the CRC of a block's size and flags: each bit is shifted in, then
// sixteen zeros.
func blockCRC(b []byte) uint16 {
	crc := uint16(crcStart)
	shift := func(bit uint16) {
		high := crc & 0x8000
		crc = crc<<1 | bit
		if high != 0 {
			crc ^= crcPolynomial
		}
	}
	for _, c := range b {
		for i := 7; i >= 0; i-- {
			shift(uint16(c>>i) & 1)
		}
	}
	for range 16 {
		shift(0)
	}
	return crc
}
