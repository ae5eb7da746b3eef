package player

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Record is what remains of a data packet after the verifier is through with
// it: enough to compare what two viewers got, anywhere in a chain of pumps.
type Record struct {
	Location uint32 // LocationId; the packet's place in the body for a plain viewer
	Header   uint32 // which header it belongs to: 1 for the first, 2 after one $C …
	// Start: the viewer joined here or was skipped forward to here, so that
	// the packet may be a trimmed copy.
	Start bool
	// Hash is of the packet's bytes as they came. Content is of its payloads
	// without times and padding: it survives the repair of short packets and
	// the shift of times at a splice. Both are the first eight bytes of SHA-256.
	Hash, Content uint64
}

func shortHash(b []byte) uint64 {
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}

// appendContent appends what [Record.Content] is the hash of.
func appendContent(dst []byte, payloads []payload) []byte {
	for i := range payloads {
		p := &payloads[i]
		flags := p.stream
		if p.key {
			flags |= 0x80
		}
		dst = append(dst, flags)
		dst = binary.LittleEndian.AppendUint32(dst, p.number)
		if !p.compressed {
			dst = binary.LittleEndian.AppendUint32(dst, p.offset)
		}
		dst = binary.LittleEndian.AppendUint32(dst, p.size)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(p.extension)))
		dst = append(dst, p.extension...)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(p.data)))
		dst = append(dst, p.data...)
	}
	return dst
}

// RecordOf is the record of one data packet, as an encoder keeps of what it
// sent. It fails if the packet does not parse.
func RecordOf(location uint32, packet []byte, packetSize int) (Record, error) {
	var p dataPacket
	if err := p.parse(packet, packetSize); err != nil {
		return Record{}, err
	}
	return Record{
		Location: location,
		Header:   1,
		Hash:     shortHash(packet),
		Content:  shortHash(appendContent(nil, p.payloads)),
	}, nil
}

// By says what of two packets must be equal.
type By uint8

// The ways of comparing.
const (
	ByHash    By = iota // every byte
	ByContent           // the payloads; times and the packet's outer fields may differ
)

func (r *Record) key(by By) uint64 {
	if by == ByContent {
		return r.Content
	}
	return r.Hash
}

// Compare compares what two viewers, or an encoder and a viewer, have of the
// same stream, and returns how many packets both have. The numbering may be
// shifted, as it is behind a pump that pulled from a pump; the shift is taken
// from the first packet that both have. From there on, packets of the same
// number must be equal, those where a viewer started excepted. Records must be
// in the order in which the packets came, and all of one header.
func Compare(a, b []Record, by By) (both int, err error) {
	shift, ok := findShift(a, b, by)
	if !ok {
		return 0, fmt.Errorf("of %d and %d packets none is in both", len(a), len(b))
	}
	i := 0
	for j := range b {
		want := b[j].Location + shift
		for i < len(a) && int32(a[i].Location-want) < 0 {
			i++
		}
		if i == len(a) {
			break
		}
		if a[i].Location != want || a[i].Start || b[j].Start {
			continue
		}
		if a[i].key(by) != b[j].key(by) {
			return both, fmt.Errorf("packet %d of the one and packet %d of the other differ", a[i].Location, b[j].Location)
		}
		both++
	}
	return both, nil
}

// findShift finds what must be added to a number in b to have the one in a.
func findShift(a, b []Record, by By) (shift uint32, ok bool) {
	numbers := make(map[uint64]uint32, len(a))
	for i := range a {
		if _, twice := numbers[a[i].key(by)]; !twice {
			numbers[a[i].key(by)] = a[i].Location
		}
	}
	for j := range b {
		if at, found := numbers[b[j].key(by)]; found && !b[j].Start {
			return at - b[j].Location, true
		}
	}
	return 0, false
}
