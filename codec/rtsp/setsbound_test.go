package rtsp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
	"streampump/codec/sdp"
)

// Parameter sets in packets make a description no longer than one may be: every viewer
// is sent it, and a source may have hundreds of formats.
func TestSetsLengthenADescriptionUpToABound(t *testing.T) {
	const tracks, formats = 4, 8
	var b strings.Builder
	for range tracks {
		b.WriteString("m=video 0 RTP/AVP 96 97 98 99 100 101 102 103\r\n")
		for i := range formats {
			fmt.Fprintf(&b, "a=rtpmap:%d H264/90000\r\n", 96+i)
		}
	}
	d, err := sdp.Parse([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMedia(d)
	if err != nil {
		t.Fatal(err)
	}
	g, at, seq := newProgramme(m), time.Unix(1000, 0), uint16(0)
	send := func(track, format int, payload ...byte) {
		p := rtp.Packet{Type: uint8(96 + format), Seq: seq, Time: uint32(at.Unix()) * 90000, SSRC: 1, Payload: payload}
		seq++
		_, _, _ = g.Append(nil, &codec.Event{Channel: uint8(2 * track), Data: p.Append(nil), At: at}) // whether it goes out does not matter
	}
	size := func() int { return g.Media().(*media).size() }
	before, first := m.size(), 0
	for track := range tracks {
		for format := range formats {
			at = at.Add(2 * refreshInterval)
			send(track, format, append([]byte{0x67, 0x4D, 0x40, 0x1E}, bytes.Repeat([]byte{1}, 1000)...)...)
			for _, id := range []byte{0x80, 0x40, 0x60, 0x20} {
				send(track, format, append([]byte{0x68, id}, bytes.Repeat([]byte{1}, 1000)...)...)
			}
			send(track, format, 0x65, 0x88)
			at = at.Add(2 * refreshInterval)
			send(track, format, 0x41, 0x88)
			if first == 0 {
				first = size()
			}
		}
	}
	if last := size(); first < before+4000 || last < sdp.MaxSize/2 || last > sdp.MaxSize {
		t.Errorf("the description had %d bytes, then %d, and has %d; %d may be", before, first, last, sdp.MaxSize)
	}
}
