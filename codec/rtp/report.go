package rtp

import (
	"encoding/binary"
	"errors"
)

// Packet types of RTCP (RFC 3550 12.1).
const (
	typeSenderReport   = 200
	typeReceiverReport = 201
	typeBye            = 203
)

// Sizes in bytes, with the header of four that every RTCP packet has (RFC 3550 6.4, 6.6).
const (
	reportHead       = 4
	senderReportSize = 28
	emptyReportSize  = 8
	byeSize          = 8 // with one SSRC
)

// What is wrong with an RTCP packet, apart from [ErrVersion].
var (
	ErrReportShort  = errors.New("an RTCP packet ends before the length that it tells")
	ErrReportFields = errors.New("an RTCP packet is too short for its own fields")
)

// IsReport reports whether b is an RTCP packet, on whatever channel it came: the second
// byte of an RTP packet that could be taken for one belongs to payload types that
// nothing uses for this reason (RFC 5761 4).
func IsReport(b []byte) bool { return len(b) >= 2 && b[1] >= 192 && b[1] <= 223 }

// SenderReport is a sender's statement of which time of day its timestamps are, and of
// how much it has sent (RFC 3550 6.4.1).
type SenderReport struct {
	SSRC    uint32
	NTP     uint64 // see [NTP]
	Time    uint32 // the same moment in units of the track's clock
	Packets uint32 // sent so far
	Octets  uint32 // of payload, sent so far
}

// Report is what a compound RTCP packet says of those who send.
type Report struct {
	Sender    SenderReport // the first one
	HasSender bool
	Bye       bool // somebody leaves: see Ends

	packets []byte // the whole ones, which are part of the bytes parsed
}

// ParseReport reads a compound RTCP packet, also one of reduced size (RFC 5506).
// Receiver reports, source descriptions and what is unknown are passed over. An error is
// one of [ErrReportShort], [ErrReportFields] and [ErrVersion]; what was before the
// fault stands in the report all the same, since cameras send rubbish behind good reports.
func ParseReport(b []byte) (Report, error) {
	var r Report
	for rest := b; len(rest) > 0; {
		packet, err := cutReport(rest)
		if err != nil {
			return r, err
		}
		switch packet[1] {
		case typeSenderReport:
			if len(packet) < senderReportSize {
				return r, ErrReportFields
			}
			if !r.HasSender {
				r.Sender, r.HasSender = senderReport(packet), true
			}
		case typeBye:
			if len(packet) < reportHead+4*count(packet) {
				return r, ErrReportFields
			}
			r.Bye = true
		}
		rest = rest[len(packet):]
		r.packets = b[:len(b)-len(rest)]
	}
	return r, nil
}

// cutReport takes one RTCP packet from the front of b.
func cutReport(b []byte) ([]byte, error) {
	if len(b) < reportHead {
		return nil, ErrReportShort
	}
	if b[0]>>versionShift != version {
		return nil, ErrVersion
	}
	size := 4 * (1 + int(binary.BigEndian.Uint16(b[2:])))
	if len(b) < size {
		return nil, ErrReportShort
	}
	return b[:size], nil
}

// count is the number of blocks or SSRCs in an RTCP packet.
func count(packet []byte) int { return int(packet[0] & 31) }

func senderReport(packet []byte) SenderReport {
	return SenderReport{
		SSRC:    binary.BigEndian.Uint32(packet[4:]),
		NTP:     binary.BigEndian.Uint64(packet[8:]),
		Time:    binary.BigEndian.Uint32(packet[16:]),
		Packets: binary.BigEndian.Uint32(packet[20:]),
		Octets:  binary.BigEndian.Uint32(packet[24:]),
	}
}

// Ends reports whether the sender ssrc says goodbye: a BYE names it, or names nobody
// and stands behind a report of its own. It reads the bytes that were parsed.
func (r *Report) Ends(ssrc uint32) bool {
	if !r.Bye {
		return false
	}
	var by uint32 // whose report came last
	known := false
	for rest := r.packets; len(rest) > 0; {
		packet, err := cutReport(rest)
		if err != nil {
			return false
		}
		rest = rest[len(packet):]
		switch packet[1] {
		case typeSenderReport, typeReceiverReport:
			if len(packet) >= emptyReportSize {
				by, known = binary.BigEndian.Uint32(packet[4:]), true
			}
		case typeBye:
			if names(packet, ssrc) || count(packet) == 0 && known && by == ssrc {
				return true
			}
		}
	}
	return false
}

// names reports whether a BYE lists ssrc.
func names(bye []byte, ssrc uint32) bool {
	for i := range count(bye) {
		if binary.BigEndian.Uint32(bye[reportHead+4*i:]) == ssrc {
			return true
		}
	}
	return false
}

// AppendSenderReport appends r as an RTCP packet of its own, without a source
// description: 28 bytes.
func AppendSenderReport(dst []byte, r SenderReport) []byte {
	dst = appendReportHead(dst, 0, typeSenderReport, senderReportSize)
	dst = binary.BigEndian.AppendUint32(dst, r.SSRC)
	dst = binary.BigEndian.AppendUint64(dst, r.NTP)
	dst = binary.BigEndian.AppendUint32(dst, r.Time)
	dst = binary.BigEndian.AppendUint32(dst, r.Packets)
	return binary.BigEndian.AppendUint32(dst, r.Octets)
}

// AppendEmptyReport appends a receiver report of ssrc about nobody: 8 bytes.
func AppendEmptyReport(dst []byte, ssrc uint32) []byte {
	dst = appendReportHead(dst, 0, typeReceiverReport, emptyReportSize)
	return binary.BigEndian.AppendUint32(dst, ssrc)
}

// AppendBye appends the goodbye of ssrc behind an empty receiver report, since a
// compound packet begins with a report (RFC 3550 6.1): 16 bytes.
func AppendBye(dst []byte, ssrc uint32) []byte {
	dst = AppendEmptyReport(dst, ssrc)
	dst = appendReportHead(dst, 1, typeBye, byeSize)
	return binary.BigEndian.AppendUint32(dst, ssrc)
}

func appendReportHead(dst []byte, count, typ byte, size int) []byte {
	dst = append(dst, version<<versionShift|count, typ)
	return binary.BigEndian.AppendUint16(dst, uint16(size/4-1))
}
