package rtsp

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
	"streampump/codec/sdp"
)

// Parameter sets of two H.264 streams, and payloads of what else a stream has.
var (
	spsA, ppsA = decode64("Z01AHtoCgL/lwEQAAAMABAAAAwDIPFi6gA=="), decode64("aO88gA==")
	spsB, ppsB = decode64("Z01AHtoCgPWwEQAAAwABAAADADIPFi6g"), decode64("aO8Ciw==")
	aud        = []byte{0x09, 0xF0}
	sei        = []byte{0x06, 0x05, 0x01, 0x00, 0x80}
	idrStart   = []byte{0x7C, 0x85, 0x88, 0x84, 1, 2, 3}
	idrEnd     = []byte{0x7C, 0x45, 1, 2, 3}
	slice      = []byte{0x41, 0x9A, 1, 2, 3, 4}
	sliceStart = []byte{0x7C, 0x81, 0x9A, 1, 2}
	sliceEnd   = []byte{0x7C, 0x41, 1, 2}
	sound      = []byte{0x00, 0x10, 0x00, 0x20, 1, 2, 3, 4} // of AAC
)

func decode64(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func sprop(sps, pps []byte) string {
	return "sprop-parameter-sets=" + base64.StdEncoding.EncodeToString(sps) + "," + base64.StdEncoding.EncodeToString(pps)
}

const (
	videoLine = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1\n"
	audioLine = "m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/48000/2\na=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190\n"
)

// parseMedia is the media of a description.
func parseMedia(t testing.TB, text string) *media {
	t.Helper()
	d, err := sdp.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMedia(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// began is when the tests' sources begin to send.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sender is one track of a source.
type sender struct {
	channel uint8
	typ     uint8
	clock   int64
	ssrc    uint32
	seq     uint16
	offset  uint32        // the timestamp at the source's time 0
	ntp     time.Duration // how far the source's time of day is from ours
}

func (s *sender) time(at time.Duration) uint32 {
	return s.offset + uint32(int64(at)/int64(time.Millisecond)*s.clock/1000)
}

// packet is the next packet, of media time at.
func (s *sender) packet(at time.Duration, marker bool, payload []byte) codec.Event {
	p := rtp.Packet{Marker: marker, Type: s.typ, Seq: s.seq, Time: s.time(at), SSRC: s.ssrc, Payload: payload}
	s.seq++
	return codec.Event{Kind: codec.Packet, Channel: s.channel, At: began.Add(at), Data: p.Append(nil)}
}

// report is a sender report about media time at.
func (s *sender) report(at time.Duration) codec.Event {
	sr := rtp.SenderReport{SSRC: s.ssrc, NTP: rtp.NTP(began.Add(at + s.ntp)), Time: s.time(at), Packets: 1, Octets: 2}
	return codec.Event{Kind: codec.Packet, Channel: s.channel + 1, At: began.Add(at), Data: rtp.AppendSenderReport(nil, sr)}
}

// camera is a source with pictures, a key frame each second, and sound.
type camera struct {
	video, audio sender
	sets         [2][]byte // in front of each key frame; nil: none
	now          time.Duration
}

func newCamera() *camera {
	return &camera{
		video: sender{channel: 0, typ: 96, clock: 90000, ssrc: 0x11111111, seq: 65500, offset: 4294000000},
		audio: sender{channel: 2, typ: 97, clock: 48000, ssrc: 0x22222222, seq: 7, offset: 1000},
		sets:  [2][]byte{spsA, ppsA},
	}
}

// picture is the packets of the next 40 ms: a picture, with sound between its packets.
func (c *camera) picture() (out []codec.Event) {
	v := func(marker bool, payload []byte) { out = append(out, c.video.packet(c.now, marker, payload)) }
	if c.now%time.Second == 0 {
		v(false, aud)
		for _, set := range c.sets {
			if set != nil {
				v(false, set)
			}
		}
		v(false, idrStart)
		out = append(out, c.audio.packet(c.now, true, sound))
		v(true, idrEnd)
	} else {
		v(false, aud)
		v(false, sliceStart)
		out = append(out, c.audio.packet(c.now, true, sound))
		v(true, sliceEnd)
	}
	c.now += 40 * time.Millisecond
	return out
}

// play is the packets of so many pictures.
func (c *camera) play(pictures int) (out []codec.Event) {
	for range pictures {
		out = append(out, c.picture()...)
	}
	return out
}

// reports are the tracks' sender reports of now.
func (c *camera) reports() []codec.Event {
	return []codec.Event{c.video.report(c.now), c.audio.report(c.now)}
}

// piece is what one Append made.
type piece struct {
	mark   codec.Mark
	bytes  []byte
	frames []framed
	err    error
}

// framed is a frame of a piece.
type framed struct {
	channel uint8
	p       rtp.Packet
	sr      rtp.SenderReport
	report  bool
}

// cutFrames takes frames apart.
func cutFrames(t testing.TB, b []byte) (out []framed) {
	t.Helper()
	for len(b) > 0 {
		if len(b) < frameHead || b[0] != frameMark || len(b) < frameHead+int(binary.BigEndian.Uint16(b[2:])) {
			t.Fatalf("no frame: %x", b)
		}
		size := int(binary.BigEndian.Uint16(b[2:]))
		f, packet := framed{channel: b[1]}, b[frameHead:frameHead+size]
		if f.report = f.channel%2 == 1; f.report {
			r, err := rtp.ParseReport(packet)
			if err != nil || !r.HasSender {
				t.Fatalf("report %x: %v", packet, err)
			}
			f.sr = r.Sender
		} else {
			p, err := rtp.Parse(packet)
			if err != nil {
				t.Fatalf("packet %x: %v", packet, err)
			}
			f.p = p
		}
		out, b = append(out, f), b[frameHead+size:]
	}
	return out
}

// feed appends events and checks of each piece what is true for all.
func feed(t testing.TB, g codec.Programme, events []codec.Event) (out []piece) {
	t.Helper()
	for i := range events {
		b, mark, err := g.Append([]byte("x"), &events[i])
		if b[0] != 'x' {
			t.Fatal("what was there is overwritten")
		}
		if err != nil {
			if len(b) != 1 || mark.Key {
				t.Fatalf("%d bytes, key %t and %v", len(b)-1, mark.Key, err)
			}
			if !errors.Is(err, codec.ErrSkip) && !errors.Is(err, codec.ErrHeld) {
				t.Fatalf("a packet ends the ingest: %v", err)
			}
			out = append(out, piece{mark: mark, err: err})
			continue
		}
		p := piece{mark: mark, bytes: b[1:], frames: cutFrames(t, b[1:])}
		if mark.Most != len(b)-1 || mark.Key && !mark.Start {
			t.Fatalf("%d bytes with %+v", len(b)-1, mark)
		}
		for _, f := range p.frames {
			if f.channel/2 != p.frames[0].channel/2 {
				t.Fatalf("frames of two tracks in one packet: %+v", p.frames)
			}
		}
		out = append(out, p)
	}
	return out
}

// of are the RTP packets of a track in pieces.
func of(pieces []piece, track int) (out []rtp.Packet) {
	for _, p := range pieces {
		for _, f := range p.frames {
			if int(f.channel) == 2*track {
				out = append(out, f.p)
			}
		}
	}
	return out
}

// reportsOf are the sender reports on a track in pieces.
func reportsOf(pieces []piece, track int) (out []rtp.SenderReport) {
	for _, p := range pieces {
		for _, f := range p.frames {
			if int(f.channel) == 2*track+1 {
				out = append(out, f.sr)
			}
		}
	}
	return out
}

// consecutive checks that the packets of a track have all numbers.
func consecutive(t *testing.T, packets []rtp.Packet) {
	t.Helper()
	for i := 1; i < len(packets); i++ {
		if packets[i].Seq != packets[i-1].Seq+1 {
			t.Errorf("number %d follows %d", packets[i].Seq, packets[i-1].Seq)
		}
		if packets[i].SSRC != packets[0].SSRC || packets[i].Type != packets[0].Type {
			t.Errorf("%08x and type %d, then %08x and %d", packets[0].SSRC, packets[0].Type, packets[i].SSRC, packets[i].Type)
		}
	}
}

// notes are the sentences for the operator.
func notes(pieces []piece) (out []string) {
	for _, p := range pieces {
		if p.mark.Note != nil {
			out = append(out, p.mark.Note.Error())
		}
	}
	return out
}
