//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"streampump/bench/rtspclient"
)

// What viewers got that stopped for a while, or whose network is too slow for the stream,
// is a film with holes: ffmpeg decodes it to its end without an error.
func TestRTSPStalledViewersFilmDecodes(t *testing.T) {
	need(t, "ffmpeg")
	n := newNetwork(t, 2)
	n.slow(0, "30mbit")
	n.slow(1, "1mbit")
	p := startTapedPump(t, n, "rtsp_push")
	pushNoise(t, n, 2)
	p.awaitUp("live")
	stops := []time.Duration{5 * time.Second, 20 * time.Second}
	if os.Getenv(longStalls) != "" {
		stops = append(stops, time.Minute)
	}
	checkStalls(t, p, stops, func(link int) *taped { return tapeRTSP(t, n, link) })
}

// pushNoise has ffmpeg push pictures of so many megabits a second, and sound, from where
// the pump is.
func pushNoise(t *testing.T, n *network, megabits int) {
	t.Helper()
	pushNoiseFrom(t, n.prefix(), fmt.Sprintf("rtsp://127.0.0.1:%d/live", netPort), megabits, "tcp")
}

// pushNoiseFrom does the same from elsewhere, to an address, over TCP or UDP.
func pushNoiseFrom(t *testing.T, prefix []string, url string, megabits int, transport string) {
	t.Helper()
	startNoise(t, prefix, megabits, "-f", "rtsp", "-rtsp_transport", transport, url)
}

// rtspTape is a viewer over RTSP whose film is as a file of H.264 has it.
type rtspTape struct {
	*taped
	conn *rtspclient.Conn
	talk *rtspclient.Talk

	part []byte // of a unit that has begun
	seq  uint16
	at   uint32
}

// tapeRTSP starts a viewer of a link of the network.
func tapeRTSP(t testing.TB, n *network, link int) *taped {
	t.Helper()
	c, err := dialFrom(n.viewers(link))(t.Context(), "tcp", n.address(link))
	if err != nil {
		t.Fatal(err)
	}
	v := &rtspTape{conn: rtspclient.NewConn(c, patience), talk: rtspclient.NewTalk("rtsp://" + n.address(link) + "/live")}
	v.taped = newTaped(t, v.conn, "-f", "h264", "-framerate", fmt.Sprint(filmRate))
	if err := v.conn.Send(t.Context(), []byte(v.talk.First())); err != nil {
		t.Fatal(err)
	}
	v.play(func() (func() error, error) {
		it, err := v.conn.Next(t.Context())
		return func() error { return v.take(it) }, err
	})
	return v.taped
}

// take takes an answer or a packet.
func (v *rtspTape) take(it rtspclient.Item) error {
	if it.Answer == nil {
		if it.Channel == v.talk.Video {
			v.packet(it.Packet)
		}
		return nil
	}
	v.sets(string(it.Body))
	next, err := v.talk.Answer(it.Answer, it.Body)
	if err == nil && next != "" {
		err = v.conn.Send(v.t.Context(), []byte(next))
	}
	return err
}

var parameterSets = regexp.MustCompile(`sprop-parameter-sets=([^;\s]+)`)

// sets begins the film with the parameter sets of a description.
func (v *rtspTape) sets(description string) {
	m := parameterSets.FindStringSubmatch(description)
	if m == nil {
		return
	}
	for set := range strings.SplitSeq(m[1], ",") {
		b, err := base64.StdEncoding.DecodeString(set)
		if err != nil {
			v.amiss("%v", err)
		}
		v.unit(b)
	}
}

// packet takes an RTP packet as ffmpeg makes them: 12 bytes, and the payload.
func (v *rtspTape) packet(b []byte) {
	seq, at := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:])
	if step := seq - v.seq; !v.fresh && step != 1 {
		v.holes++
		v.part, v.fresh = nil, true // what was cut is no unit
		if step > 1<<15 {
			v.amiss("the numbers go from %d to %d", v.seq, seq)
		}
	}
	if !v.fresh {
		v.played += time.Duration(int32(at-v.at)) * time.Second / 90_000
	}
	v.payload(b[12:], v.fresh)
	v.seq, v.at, v.fresh = seq, at, false
}

// payload takes the units of H.264 in a payload (RFC 6184, 5.6 to 5.8). The first one must
// be where a decoder can begin.
func (v *rtspTape) payload(b []byte, first bool) {
	const aggregate, fragment, begins, ends = 24, 28, 0x80, 0x40
	kind := b[0] & 0x1F
	switch kind {
	case aggregate:
		kind = b[3] & 0x1F
		for b = b[1:]; len(b) > 2; {
			size := 2 + int(binary.BigEndian.Uint16(b))
			v.unit(b[2:size])
			b = b[size:]
		}
	case fragment:
		kind = b[1] & 0x1F
		if b[1]&begins != 0 {
			v.part = []byte{b[0]&0xE0 | kind}
		} else if v.part == nil {
			v.amiss("behind packet %d a unit goes on that has not begun", v.seq)
			return
		}
		if v.part = append(v.part, b[2:]...); b[1]&ends != 0 {
			v.unit(v.part)
			v.part = nil
		}
	default:
		v.unit(b)
	}
	const key, information, sequence, delimiter = 5, 6, 7, 9
	if first && kind != key && kind != information && kind != sequence && kind != delimiter {
		v.amiss("it begins, or goes on, with a unit of type %d", kind)
	}
}

// unit writes one to the film (H.264, annex B).
func (v *rtspTape) unit(b []byte) { v.film = append(append(v.film, 0, 0, 0, 1), b...) }
