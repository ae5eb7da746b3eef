package feed

import (
	"context"
	"errors"
	"net"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
	"streampump/bench/synth"
)

// interleaved is what RTSP adds to a packet.
const interleaved = 4

// overRTSP is a stream that comes and goes over RTSP, all of its tracks on the connection.
type overRTSP struct{ spec rtpsynth.Spec }

// OverRTSP is a source's stream over RTSP.
func OverRTSP(spec rtpsynth.Spec) Stream { return &overRTSP{spec} }

func (s *overRTSP) Protocol() string { return RTSP }

func (s *overRTSP) Mean() (bytes, packets float64) {
	bytes, packets = s.spec.Mean()
	return bytes + packets*interleaved, packets
}

// ASF leaves out the packet with the parameter sets of each key frame.
func (s *overRTSP) ASF() (synth.Spec, error) {
	part, sound := s.spec.Typical()
	l := likeness{
		picture: rtpsynth.Picture, tone: s.spec.Sound(), gop: s.spec.GOP, parts: s.spec.Parts, keyParts: s.spec.KeyParts,
		part: part + interleaved, keyPart: part + interleaved, sound: sound + interleaved,
	}
	return l.asf()
}

func (s *overRTSP) url(at Place) string { return "rtsp://" + at.Addr + at.Path }

func (s *overRTSP) Publish(ctx context.Context, c net.Conn, to Place, now func() uint64) (Sent, error) {
	p := rtspclient.NewPublisher(&rtspclient.Client{Conn: rtspclient.NewConn(c, patience)}, s.url(to), s.spec)
	err := p.Live(ctx, now)
	return Sent{p.Sent(rtpsynth.Video), p.Sent(rtpsynth.Audio)}, err
}

// There reports whether the stream is described.
func (s *overRTSP) There(ctx context.Context, c net.Conn, at Place) bool {
	ctx, done := asking(ctx, c)
	defer done()
	client := rtspclient.Client{Conn: rtspclient.NewConn(c, patience)}
	h, _, err := client.Try(ctx, "DESCRIBE", s.url(at), "", "Accept: application/sdp")
	return err == nil && h.Status == 200
}

// rtspJoiner is a Joiner.
type rtspJoiner struct {
	talk *rtspclient.Talk
	say  string // the next request; empty if there is none
	pieces
}

func (s *overRTSP) Join(at Place) Joiner {
	talk := rtspclient.NewTalk(s.url(at))
	return &rtspJoiner{talk: talk, say: talk.First()}
}

func (j *rtspJoiner) Playing() bool { return j.talk.Playing() }

func (j *rtspJoiner) Next() []byte {
	say := j.say
	j.say = ""
	return []byte(say)
}

func (j *rtspJoiner) Feed(b []byte) (done bool, err error) { return j.feed(b, j.take) }

// take takes an item: an answer, or a packet.
func (j *rtspJoiner) take(b []byte) (n int, done bool, err error) {
	it, n, err := rtspclient.Parse(b)
	switch {
	case err != nil || n == 0:
	case it.Answer != nil:
		j.say, err = j.talk.Answer(it.Answer, it.Body)
	default:
		done = j.talk.Playing() && it.Channel == j.talk.Video && beginsKey(it.Packet)
	}
	return n, done, err
}

// beginsKey reports whether an RTP packet of H.264 without an extension has parameter sets
// or the beginning of a key frame (RFC 6184, 5.2).
func beginsKey(b []byte) bool {
	const sequence, key, aggregate, fragment, first = 7, 5, 24, 28, 0x80
	payload := b[min(len(b), rtpsynth.HeaderSize):]
	if len(payload) < 4 {
		return false
	}
	switch kind := payload[0] & 0x1F; kind {
	case aggregate:
		return payload[3]&0x1F == sequence
	case fragment:
		return payload[1]&first != 0 && payload[1]&0x1F == key
	default:
		return kind == key || kind == sequence
	}
}

// rtspViewer is a Viewer.
type rtspViewer struct{ *rtspclient.Viewer }

func (s *overRTSP) Watch(c net.Conn, at Place, o Watching) Viewer {
	v := rtspclient.NewViewer(&rtspclient.Client{Conn: rtspclient.NewConn(c, patience)}, s.url(at), s.spec)
	v.Loose, v.AnyRun = o.Loose, true
	if o.Delay != nil {
		v.Seen = func(t rtpsynth.Track, _ []byte) {
			now := o.Now()
			o.Delay(now, v.Due(t, now))
		}
	}
	return rtspViewer{v}
}

func (v rtspViewer) Until(ctx context.Context, enough func() bool) error {
	err := v.Viewer.Until(ctx, func(rtpsynth.Counts) bool { return enough() })
	if errors.Is(err, rtspclient.ErrOver) {
		return ErrOver
	}
	return fault("RTP", err, new(*rtspclient.StatusError))
}

func (v rtspViewer) Counts() Counts {
	n := v.Viewer.Counts()
	return Counts{
		Packets: n.All(), Gaps: n.Gaps[0] + n.Gaps[1], Missing: n.Missing[0] + n.Missing[1],
		Damaged: n.Cut + n.OffKey, Decodes: n.Decodes,
	}
}

func (v rtspViewer) Close() error { return v.Conn.Close() }
