package attack

import (
	"errors"
	"net"
	"slices"
	"time"

	"streampump/bench/flvsynth"
	"streampump/bench/rtmpclient"
)

// overRTMP are the attacks over RTMP.
func overRTMP() []Attack {
	return slices.Concat(rtmpEncoders(), []Attack{
		unfinished(), rtmpTakeovers(), silentPublishes(),
		rtmpTurns(), rtmpPings(), rtmpTalks(), rtmpSips(), rtmpNeverReads(), rtmpLeft(), rtmpCalls(), rtmpChatter(),
		Shapes("rtmp-shapes", "sends over RTMP what is no message, and values that nest, count or are announced beyond any bound", Plain, rtmpShapes()),
		trickle("rtmp-hello", "shakes hands over RTMP, and says no more", Plain, func(*assault) string {
			return string(rtmpclient.Greeting())
		}, ""),
		trickle("rtmp-slow-hello", "shakes hands over RTMP byte by byte", Plain, nil, string(rtmpclient.Greeting())),
		trickle("rtmp-slow-connect", "sends its first command over RTMP byte by byte", Plain, func(*assault) string {
			b := append(rtmpclient.Greeting(), make([]byte, len(rtmpclient.Greeting())-1)...)
			return string(rtmpclient.AppendHead(b, 0, rtmpclient.Message{Chunk: 3, Type: rtmpclient.TypeCommand}, 0, 4000))
		}, "\x02"),
	})
}

// rtmpPatience is how long an answer is waited for. The end of the attack cuts it short.
const rtmpPatience = time.Minute

// rtmpClient makes a client of a connection, whose bytes are counted.
func (a *assault) rtmpClient(c net.Conn) *rtmpclient.Client {
	return &rtmpclient.Client{Conn: rtmpclient.NewConn(counted{c, a}, rtmpPatience), Agent: "attack"}
}

// connectRTMP shakes hands and connects to an application that nobody asked for yet. What
// comes on the connection from then on is counted.
func (a *assault) connectRTMP() (*line, error) {
	c, err := a.dial()
	if err != nil {
		return nil, err
	}
	defer ends(a, c)()
	k := a.rtmpClient(c)
	if _, err = k.Handshake(a.ctx); err == nil {
		_, err = k.Connect(a.ctx, k.Properties("streams", "rtmp://"+a.t.Addr+"/streams"))
	}
	if err != nil {
		_ = c.Close()
		a.rtmpTurnedAway(err)
		return nil, err
	}
	return a.watch(c), nil
}

// publishRTMP begins a push over RTMP, and sends nothing of the stream. What comes on the
// connection from then on is counted. Chunks have 64 KiB.
func (a *assault) publishRTMP() (*line, error) {
	c, err := a.dial()
	if err != nil {
		return nil, err
	}
	p := rtmpclient.NewPublisher(a.rtmpClient(c), a.t.Push, flvsynth.Plain())
	if err := p.Start(a.ctx); err != nil {
		_ = c.Close()
		a.rtmpTurnedAway(err)
		return nil, err
	}
	a.count(func(d *Did) { d.Answers["Publish.Start"]++ })
	return a.watch(c), nil
}

// playRTMP begins to view over RTMP; control may see the socket before.
func (a *assault) playRTMP(control func(fd int) error) (*rtmpclient.Viewer, error) {
	c, err := a.dialFrom(source, control)
	if err != nil {
		return nil, err
	}
	ends(a, c)
	v := rtmpclient.NewViewer(a.rtmpClient(c), a.t.View)
	v.Aside = nil // nothing is checked
	if err := v.Open(a.ctx); err != nil {
		_ = c.Close()
		a.rtmpTurnedAway(err)
		return nil, err
	}
	a.count(func(d *Did) { d.Answers["Play.Start"]++ })
	return v, nil
}

// rtmpTurnedAway counts what the pump said.
func (a *assault) rtmpTurnedAway(err error) {
	if a.ctx.Err() != nil {
		return
	}
	a.count(func(d *Did) {
		d.Closed++
		var s *rtmpclient.StatusError
		if errors.As(err, &s) {
			d.Answers[s.Status.Code]++
		}
	})
}

// rtmpSize is that of an encoder's chunks ([assault.publishRTMP]).
const rtmpSize = 65536

// rtmpStream is the message stream that everybody gets.
const rtmpStream = 1

// put appends a message of a stream, with the chunk stream that ffmpeg has for its type.
func put(b []byte, typ uint8, time uint32, body []byte) []byte {
	chunk := uint32(4)
	if typ == rtmpclient.TypeVideo {
		chunk = 6
	}
	return rtmpclient.AppendMessage(b, rtmpclient.Message{Chunk: chunk, Type: typ, Stream: rtmpStream, Time: time, Body: body}, rtmpSize)
}

// opening are the headers of pictures and sound, behind which a stream is up.
func opening(b []byte) []byte {
	s := flvsynth.Plain()
	b = put(b, rtmpclient.TypeVideo, 0, s.Header(flvsynth.Video, 0))
	return put(b, rtmpclient.TypeAudio, 0, s.Header(flvsynth.Audio, 0))
}

// What bodies of a key frame of H.264 and of a frame of AAC begin with; see flvsynth.
var (
	keyBody   = []byte{0x17, 1, 0, 0, 0, 0, 0, 0, 3, 0x65, 0x88}
	soundBody = []byte{0xAF, 1}
)

// key and tone append a key frame and a frame of sound, whose last byte is their number.
func key(b []byte, time uint32, i int) []byte {
	return put(b, rtmpclient.TypeVideo, time, append(keyBody[:len(keyBody):len(keyBody)], byte(i)))
}

func tone(b []byte, time uint32, i int) []byte {
	return put(b, rtmpclient.TypeAudio, time, append(soundBody[:len(soundBody):len(soundBody)], byte(i)))
}
