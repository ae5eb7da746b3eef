package attack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// OverTLS is an attack of the table over RTSP or RTMP, made over TLS. Its name has an s behind
// that of the protocol.
func OverTLS(name string) (Attack, error) {
	k, err := Named(name)
	k.Name = strings.NewReplacer("rtsp-", "rtsps-", "rtmp-", "rtmps-").Replace(k.Name)
	k.What += ", over TLS"
	k.Door, k.secure = TLS, true
	return k, err
}

// rtspHellos are whole handshakes for one request each. Over TLS, that is: see [OverTLS].
func rtspHellos() Attack {
	return Attack{
		Name: "rtsp-hellos", What: "asks for a stream's description on one connection after another, and leaves", Unit: "requests",
		Own: Bounds{For: 3 * time.Second, Units: 10_000, Connections: 32, Rate: 400},
		run: func(a *assault) error {
			return a.rtspWorkers(nil, func(_ context.Context, c *rtspclient.Client) error {
				if !a.next(1) {
					return nil
				}
				if _, err := a.askRTSP(c, "DESCRIBE", a.rtsp(a.t.View), ""); err != nil {
					return err
				}
				return errors.New("it comes again")
			})
		},
	}
}

// foreignTypes are encoders whose packets are of no type that they have announced.
func foreignTypes() Attack {
	return Attack{
		Name: "rtsp-foreign", What: "pushes to a stream that another encoder feeds, packets of types only that it has not announced", Unit: "packets",
		Own: Bounds{For: 3 * time.Second, Units: 100_000, Connections: 4, Rate: 3000},
		run: func(a *assault) error {
			return a.workers(func() error {
				l, err := a.record(rtpsynth.Plain())
				if err != nil {
					return err
				}
				defer l.Close()
				for i := 0; a.next(10); i++ {
					var b []byte
					for k := range 10 {
						h := rtpHead{typ: 126, marker: true, seq: uint16(10*i + k), ts: uint32(i), ssrc: 7} //nolint:gosec // it wraps
						b = appendRTP(b, byte(2*(k%2)), h, nalKey, 0x88)
					}
					if _, err := l.Write(b); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// unprovenAnnounces are announcements of encoders that bring no password.
func unprovenAnnounces() Attack {
	return Attack{
		Name: "rtsp-unproven", What: "announces streams with descriptions of 15 KB that have a track too many, and without the password that they take, many on each connection", Unit: "announcements",
		Own: Bounds{For: 3 * time.Second, Units: 100_000, Connections: 100, Rate: 4000},
		run: func(a *assault) error {
			body := largestDescription() + "m=audio 0 RTP/AVP 0\r\n"
			return a.numbered(func(worker int) error {
				c, err := a.dialFrom(sourceOf(worker), nil)
				if err != nil {
					return err
				}
				l := a.watch(c)
				defer l.Close()
				for i := 1; a.next(1); i++ {
					if _, err := fmt.Fprintf(l, "ANNOUNCE %s RTSP/1.0\r\nCSeq: %d\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", a.rtsp(a.t.Push), i, len(body), body); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}
