package load

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"streampump/bench/meter"
	"streampump/bench/player"
	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// url is where players over RTSP play.
func (o *Options) url() string { return "rtsp://" + o.Addr + o.Path }

// rtspJoiner follows what a server says to one player over RTSP, from the first answer up
// to the beginning of a key frame.
type rtspJoiner struct {
	talk *rtspclient.Talk
	say  string // the next request; empty if there is none
	held []byte // what may be the beginning of an item
}

func newRTSPJoiner(url string) *rtspJoiner {
	talk := rtspclient.NewTalk(url)
	return &rtspJoiner{talk: talk, say: talk.First()}
}

// next is the request that is to be sent now; empty if there is none.
func (j *rtspJoiner) next() []byte {
	say := j.say
	j.say = ""
	return []byte(say)
}

// feed takes the next bytes. done says that pictures can be decoded from what has come.
func (j *rtspJoiner) feed(b []byte) (done bool, err error) {
	j.held = append(j.held, b...)
	rest := j.held
	for {
		it, n, err := rtspclient.Parse(rest)
		switch {
		case err != nil:
			return false, err
		case n == 0:
			j.held = append(j.held[:0], rest...)
			return false, nil
		case it.Answer != nil:
			if j.say, err = j.talk.Answer(it.Answer, it.Body); err != nil {
				return false, err
			}
		case j.talk.Playing() && it.Channel == j.talk.Video && beginsKey(it.Packet):
			return true, nil
		}
		rest = rest[n:]
	}
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

// rtpFault is a stream over RTSP that broke a rule of [rtpsynth.Checker].
type rtpFault struct{ error }

// counted counts the bytes that a connection reads.
type counted struct {
	net.Conn
	read int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read += int64(n)
	return n, err
}

// runRTSP watches over RTSP until ctx ends or the player fails.
func (w *watcher) runRTSP(ctx context.Context) {
	d := w.dialer()
	d.Timeout = player.DefaultTimeout
	c, err := d.DialContext(ctx, "tcp", w.server.String())
	if err == nil {
		err = w.watchRTSP(ctx, &counted{Conn: c})
	}
	if ctx.Err() == nil {
		w.tally.lost(w.joined, err)
	}
}

// watchRTSP is watch over RTSP. It owns the connection.
func (w *watcher) watchRTSP(ctx context.Context, c *counted) error {
	conn := rtspclient.NewConn(c, player.DefaultTimeout)
	defer conn.Close()
	v := rtspclient.NewViewer(&rtspclient.Client{Conn: conn}, w.o.url(), *w.o.RTP)
	v.Loose, v.AnyRun = w.o.AnyStart, true
	v.Seen = func(t rtpsynth.Track, _ []byte) { w.seenRTP(v, t) }
	defer func() { w.tally.verifiedRTP(v.Counts()) }()
	if err := v.Open(ctx); err != nil {
		return err
	}
	w.tally.change(func(n *Counts) { n.Connected++ })
	for {
		stall := false
		err := v.Until(ctx, func(n rtpsynth.Counts) bool {
			w.sawRTP(n, c.read)
			stall = w.stalls && !w.stalled && w.tally.measuring.Load()
			return stall
		})
		if !stall {
			return rtpError(err)
		}
		w.stalled = true
		if !sleep(ctx, w.o.Stall.For) {
			return ctx.Err()
		}
	}
}

// rtpError tells an error of the stream from one of the connection.
func rtpError(err error) error {
	var net net.Error
	switch {
	case errors.Is(err, rtspclient.ErrOver):
		return errEnded
	case errors.As(err, &net), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled):
		return err
	}
	return &rtpFault{err}
}

// seenRTP takes the delay of a packet.
func (w *watcher) seenRTP(v *rtspclient.Viewer, t rtpsynth.Track) {
	if !w.stalls {
		now := meter.Now()
		w.tally.stamped(now, v.Due(t, now))
	}
}

// sawRTP takes in what the checker has counted after a packet, and what was read.
func (w *watcher) sawRTP(n rtpsynth.Counts, read int64) {
	w.tally.bytes.Add(read - w.bytes)
	w.bytes = read
	if !w.joined && n.Decodes {
		w.joined = true
		w.tally.joined(time.Since(w.began))
	}
}
