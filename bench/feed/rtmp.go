package feed

import (
	"context"
	"errors"
	"net"

	"streampump/bench/flvsynth"
	"streampump/bench/rtmpclient"
	"streampump/bench/synth"
)

// overRTMP is a stream that comes and goes over RTMP.
type overRTMP struct{ spec flvsynth.Spec }

// OverRTMP is a source's stream over RTMP.
func OverRTMP(spec flvsynth.Spec) Stream { return &overRTMP{spec} }

func (s *overRTMP) Protocol() string { return RTMP }

func (s *overRTMP) Mean() (bytes, packets float64) { return s.spec.Mean() }

// ASF has packets that a key frame fills, and others are shorter.
func (s *overRTMP) ASF() (synth.Spec, error) {
	l := likeness{picture: flvsynth.Picture, tone: flvsynth.Sound, gop: s.spec.GOP, parts: 1, keyParts: 1}
	l.part, l.keyPart, l.sound = s.spec.Typical()
	return l.asf()
}

func (s *overRTMP) Publish(ctx context.Context, c net.Conn, to Place, now func() uint64) (Sent, error) {
	p := rtmpclient.NewPublisher(&rtmpclient.Client{Conn: rtmpclient.NewConn(c, patience)}, to.Path, s.spec)
	err := p.Live(ctx, now)
	return Sent{p.Sent(flvsynth.Video), p.Sent(flvsynth.Audio)}, err
}

// There reports whether a part of the stream comes: some servers hold players of a stream
// that they do not have.
func (s *overRTMP) There(ctx context.Context, c net.Conn, at Place) bool {
	ctx, done := asking(ctx, c)
	defer done()
	v := rtmpclient.NewViewer(&rtmpclient.Client{Conn: rtmpclient.NewConn(c, patience)}, at.Path, s.spec)
	v.Loose, v.AnyRun = true, true
	if v.Open(ctx) != nil {
		return false
	}
	return v.Until(ctx, func(n flvsynth.Counts) bool { return n.All() > 0 }) == nil
}

// rtmpJoiner is a Joiner.
type rtmpJoiner struct {
	*rtmpclient.Talk
	pieces
}

func (s *overRTMP) Join(at Place) Joiner {
	return &rtmpJoiner{Talk: rtmpclient.NewTalk(at.Addr, at.Path)}
}

func (j *rtmpJoiner) Feed(b []byte) (done bool, err error) { return j.feed(b, j.take) }

// take takes a part of the conversation, or a chunk.
func (j *rtmpJoiner) take(b []byte) (n int, done bool, err error) {
	m, n, err := j.Take(b)
	if m != nil && err == nil {
		done = j.Playing() && m.Type == rtmpclient.TypeVideo && isKey(m.Body)
	}
	return n, done, err
}

// isKey reports whether the body of a message of pictures is a key frame of H.264, and not
// what describes it (FLV 10.1, E.4.3).
func isKey(b []byte) bool { return len(b) > 1 && b[0] == 0x17 && b[1] == 1 }

// rtmpViewer is a Viewer.
type rtmpViewer struct{ *rtmpclient.Viewer }

func (s *overRTMP) Watch(c net.Conn, at Place, o Watching) Viewer {
	v := rtmpclient.NewViewer(&rtmpclient.Client{Conn: rtmpclient.NewConn(c, patience)}, at.Path, s.spec)
	v.Loose, v.AnyRun = o.Loose, true
	if o.Delay != nil {
		v.Seen = func(t flvsynth.Track, _ rtmpclient.Message) {
			now := o.Now()
			o.Delay(now, v.Due(t, now))
		}
	}
	return rtmpViewer{v}
}

func (v rtmpViewer) Until(ctx context.Context, enough func() bool) error {
	err := v.Viewer.Until(ctx, func(flvsynth.Counts) bool { return enough() })
	if errors.Is(err, rtmpclient.ErrOver) {
		return ErrOver
	}
	return fault("RTMP", err, new(*rtmpclient.StatusError))
}

func (v rtmpViewer) Counts() Counts {
	n := v.Viewer.Counts()
	return Counts{
		Packets: n.All(), Gaps: n.Gaps[0] + n.Gaps[1], Missing: n.Missing[0] + n.Missing[1],
		Damaged: n.OffKey, Decodes: n.Decodes,
	}
}

func (v rtmpViewer) Close() error { return v.Conn.Close() }
