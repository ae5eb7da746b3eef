package rtp

import "encoding/binary"

// MPEG transport stream packets (ISO 13818-1 2.4.3).
const (
	tsSize         = 188
	tsSync         = 0x47
	tsHead         = 4
	tsError        = 0x80 // in the second byte, with the next one and the PID
	tsUnitStart    = 0x40
	tsAdaptation   = 0x20 // in the fourth byte
	tsPayload      = 0x10
	tsRandomAccess = 0x40 // in the adaptation field's second byte
	pidMask        = 0x1FFF
)

// Tables (ISO 13818-1 2.4.4). Both have their entries behind a head that counts from
// the table's identifier, and a CRC behind these.
const (
	patID      = 0
	patHead    = 8
	patEntry   = 4
	pmtID      = 2
	pmtHead    = 12
	pmtEntry   = 5
	tableCRC   = 4
	lengthMask = 0x0FFF // of all lengths in tables
	current    = 0x01   // in a table's sixth byte: it holds now, not next
)

// noPID is the identifier of packets without content.
const noPID = 0x1FFF

// mp2t is a transport stream with one programme (RFC 2250 2); of several, the first.
type mp2t struct {
	pmt      uint16 // where the programme's map comes
	pictures uint16 // where its pictures come; without any, its clock
}

func newMP2T() *mp2t { return &mp2t{pmt: noPID, pictures: noPID} }

// Look implements [Format]. Key is random access to the programme's pictures: sound says
// so of itself all the time. So nothing is before the tables have come.
func (f *mp2t) Look(payload []byte) Look {
	look := Other
	for len(payload) >= tsSize && payload[0] == tsSync {
		if f.packet(payload[:tsSize]) {
			look = Key
		}
		payload = payload[tsSize:]
	}
	return look
}

// packet looks at one transport stream packet and reports whether decoding can start at
// it.
func (f *mp2t) packet(b []byte) bool {
	if b[1]&tsError != 0 {
		return false
	}
	pid := binary.BigEndian.Uint16(b[1:]) & pidMask
	at, random := tsHead, false
	if b[3]&tsAdaptation != 0 {
		at += 1 + int(b[4])
		random = b[4] > 0 && b[5]&tsRandomAccess != 0
	}
	if b[1]&tsUnitStart != 0 && b[3]&tsPayload != 0 && at < len(b) {
		// A table begins behind as many bytes as the first one says.
		switch section := b[min(at+1+int(b[at]), len(b)):]; {
		case pid == 0:
			f.association(section)
		case pid == f.pmt && pid != noPID:
			f.mapping(section)
		}
	}
	return random && pid == f.pictures && pid != noPID
}

// section returns the entries of a table that holds now, as many as there are in its
// first packet.
func section(b []byte, id uint8, head int) (entries []byte, ok bool) {
	if len(b) < head || b[0] != id || b[5]&current == 0 {
		return nil, false
	}
	end := 3 + int(binary.BigEndian.Uint16(b[1:])&lengthMask) - tableCRC
	return b[head:max(min(end, len(b)), head)], true
}

// association reads where the first programme's map comes (2.4.4.3).
func (f *mp2t) association(b []byte) {
	b, ok := section(b, patID, patHead)
	if !ok {
		return
	}
	for ; len(b) >= patEntry; b = b[patEntry:] {
		if binary.BigEndian.Uint16(b) == 0 { // the network's
			continue
		}
		if pid := binary.BigEndian.Uint16(b[2:]) & pidMask; pid != f.pmt {
			f.pmt, f.pictures = pid, noPID
		}
		return
	}
}

// mapping reads where the programme's pictures come (2.4.4.8).
func (f *mp2t) mapping(b []byte) {
	entries, ok := section(b, pmtID, pmtHead)
	if !ok {
		return
	}
	f.pictures = binary.BigEndian.Uint16(b[8:]) & pidMask // of its clock
	at := int(binary.BigEndian.Uint16(b[10:]) & lengthMask)
	for at+pmtEntry <= len(entries) {
		e := entries[at:]
		if tsPictures(e[0]) {
			f.pictures = binary.BigEndian.Uint16(e[1:]) & pidMask
			return
		}
		at += pmtEntry + int(binary.BigEndian.Uint16(e[3:])&lengthMask)
	}
}

// tsPictures reports whether a stream type (ISO 13818-1 table 2-34, and what others
// have registered) is one of pictures.
func tsPictures(typ uint8) bool {
	switch typ {
	case 0x01, 0x02, // MPEG-1, MPEG-2
		0x10,       // MPEG-4 part 2
		0x1B, 0x20, // H.264, its views
		0x21,       // JPEG 2000
		0x24, 0x33, // H.265, H.266
		0x42, 0xD2, 0xD4, // AVS
		0xD1, // Dirac
		0xEA: // VC-1
		return true
	default:
		return false
	}
}
