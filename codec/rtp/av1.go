package rtp

// Bits of AV1's aggregation header (RTP Payload Format for AV1, 4.4).
const (
	av1Continues   = 0x80 // Z: the first element goes on from the packet before
	av1OneElement  = 0x10 // W is 1: there is one element, without a size
	av1NewSequence = 0x08 // N: the first packet of a coded video sequence
)

// av1TD is the header of a temporal delimiter without a size (AV1 5.3.2).
const av1TD = 2 << 3

// av1 is AV1. A coded video sequence begins with a sequence header and a key frame.
type av1 struct{}

// Look implements [Format].
func (av1) Look(payload []byte) Look {
	return keyIf(len(payload) > 1 && payload[0]&(av1Continues|av1NewSequence) == av1NewSequence)
}
