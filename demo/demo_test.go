package demo

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// maxClip keeps the binary small: the clip is part of every pump.
const maxClip = 1 << 20

// Where the fields that we look at are in the file ([ASF] 3.1, 3.2 and 5.1).
const (
	guidSize         = 16
	headerObjectSize = 24 // GUID and size
	headerFixedSize  = 30 // and the count of objects, and two reserved bytes
	dataObjectSize   = 50 // GUID, size, File ID, packet count, two reserved bytes
)

// The GUIDs as they are on the wire ([ASF] 10.1, 10.2).
var (
	guidHeader         = []byte("\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c")
	guidData           = []byte("\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c")
	guidFileProperties = []byte("\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65")
)

func TestClipIsSmall(t *testing.T) {
	if n := len(Clip()); n == 0 || n >= maxClip {
		t.Errorf("the clip has %d bytes, want more than 0 and less than %d", n, maxClip)
	}
}

// The clip is a Header Object and then a Data Object with whole packets, of the
// one size that the File Properties Object names.
func TestClipIsASF(t *testing.T) {
	b := Clip()
	if !bytes.HasPrefix(b, guidHeader) {
		t.Fatalf("the clip begins with % x, want the Header Object's GUID", b[:guidSize])
	}
	header := binary.LittleEndian.Uint64(b[guidSize:])
	if header < headerObjectSize || header+dataObjectSize > uint64(len(b)) {
		t.Fatalf("the header says %d bytes, the file has %d", header, len(b))
	}
	data := b[header:]
	if !bytes.HasPrefix(data, guidData) {
		t.Fatalf("after the header comes % x, want the Data Object's GUID", data[:guidSize])
	}
	least, most := packetSizes(t, b[:header])
	if least != most || least == 0 {
		t.Fatalf("packet sizes are %d to %d, want one size", least, most)
	}
	size := binary.LittleEndian.Uint64(data[guidSize:])
	packets := binary.LittleEndian.Uint64(data[40:])
	if packets == 0 || size != dataObjectSize+packets*uint64(least) || size > uint64(len(data)) {
		t.Errorf("%d packets of %d bytes in a Data Object of %d bytes", packets, least, size)
	}
}

// packetSizes finds the File Properties Object among the header's objects and
// returns its Minimum and Maximum Data Packet Size ([ASF] 3.2).
func packetSizes(t *testing.T, header []byte) (least, most uint32) {
	t.Helper()
	for rest := header[headerFixedSize:]; len(rest) >= headerObjectSize; {
		n := binary.LittleEndian.Uint64(rest[guidSize:])
		if n < headerObjectSize || n > uint64(len(rest)) {
			t.Fatalf("an object of %d bytes with %d left in the header", n, len(rest))
		}
		if bytes.HasPrefix(rest, guidFileProperties) {
			return binary.LittleEndian.Uint32(rest[92:]), binary.LittleEndian.Uint32(rest[96:])
		}
		rest = rest[n:]
	}
	t.Fatal("the header has no File Properties Object")
	return 0, 0
}
