package mmsh

import (
	"strconv"
	"strings"

	"streampump/codec/http1"
)

// Session keys. The engine draws them at random and hands them to us as opaque
// numbers; on the wire they are of two kinds that must not be confused, and bit 63
// tells them apart:
//
//	viewer  0x0000_0000_NNNN_NNNN  client-id N, decimal, not 0, of the 32 bits
//	                               that there are ([MS-WMSP] 2.2.1.4.5)
//	ingest  0x8… and 63 bits       push-id: those 63 bits, decimal, not 0
//
// [IngestKey] is that bit. Key 0 names no session.
const (
	// IngestKey is set in the keys of encoders' sessions.
	IngestKey uint64 = 1 << 63
	// strangeKey stands for a push-id that cannot be ours. No session has it.
	strangeKey = IngestKey
)

// viewerKey is the key of a client-id.
func viewerKey(client uint32) uint64 { return uint64(client) }

// appendClientID appends a viewer's key as its client-id.
func appendClientID(dst []byte, key uint64) []byte {
	return strconv.AppendUint(dst, uint64(uint32(key)), 10)
}

// appendPushID appends an ingest's key as its push-id.
func appendPushID(dst []byte, key uint64) []byte {
	return strconv.AppendUint(dst, key&^IngestKey, 10)
}

// pushKey reads the push-id out of a request's cookies, of which there may be
// several, ";" between them ([MS-WMHTTP] 2.2.1.2). None, or 0, is key 0.
func pushKey(f http1.Fields) uint64 {
	for line := range f.All("Cookie") {
		for c := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(c, "=")
			if strings.EqualFold(strings.TrimSpace(name), "push-id") {
				return parsePushID(unquote(strings.TrimSpace(value)))
			}
		}
	}
	return 0
}

func parsePushID(v string) uint64 {
	n, err := strconv.ParseUint(v, 10, 63)
	switch {
	case v == "" || err == nil && n == 0:
		return 0
	case err != nil:
		return strangeKey
	default:
		return n | IngestKey
	}
}
