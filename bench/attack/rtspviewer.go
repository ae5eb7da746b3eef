package attack

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"streampump/bench/rtspclient"
)

// transport asks for a track's packets on the connection.
const transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"

// turns are viewers that begin and stop again and again.
func turns() Attack {
	return Attack{
		Name: "rtsp-turns", What: "plays and pauses in turn, ends the session in between, and reads what comes",
		Unit: "requests",
		Own:  Bounds{For: 3 * time.Second, Units: 100_000, Connections: 40, Rate: -1},
		run: func(a *assault) error {
			return a.workers(func() error {
				v, err := a.playRTSP(nil)
				if err != nil {
					return err
				}
				defer v.Close()
				for i := 0; a.next(1); i++ {
					method := [...]string{"PAUSE", "PLAY"}[i%2]
					if i > 0 && i%20 == 0 {
						method = "TEARDOWN"
					}
					if _, err := a.askRTSP(v.Client, method, v.Base, ""); err != nil {
						return err
					}
					if method == "TEARDOWN" {
						return errors.New("the session is over")
					}
				}
				return nil
			})
		},
	}
}

// asks are viewers that ask while they watch, and read nothing.
func asks() Attack {
	return Attack{
		Name: "rtsp-asks", What: "watches, asks for the description eight times at once again and again, and reads nothing",
		Unit: "requests",
		Own:  Bounds{For: 3 * time.Second, Units: 100_000, Connections: 60, Rate: -1},
		run: func(a *assault) error {
			return a.workers(func() error {
				v, err := a.playRTSP(smallWindow)
				if err != nil {
					return err
				}
				defer v.Close()
				for a.next(1) {
					if err := v.Send(a.ctx, []byte(strings.Repeat(v.Request("DESCRIBE", v.URL, ""), 8))); err != nil {
						a.count(func(d *Did) { d.Closed++ })
						return err
					}
					if !a.wait(comeBack) {
						break
					}
				}
				return nil
			})
		},
	}
}

// frameTalk are viewers that send packets and reports.
func frameTalk() Attack {
	return Attack{
		Name: "rtsp-talks", What: "watches and sends megabytes of packets and reports meanwhile",
		Unit: "viewers",
		Own:  Bounds{For: 3 * time.Second, Units: 10_000, Connections: 40, Rate: -1},
		run: func(a *assault) error {
			var b []byte
			for i := range 500 {
				b = rtspclient.AppendFrame(b, byte(i), make([]byte, i%50))
			}
			b = rtspclient.AppendFrame(b, 1, make([]byte, 40_000))
			return a.workers(func() error {
				for a.next(1) {
					v, err := a.playRTSP(nil)
					if err != nil {
						return err
					}
					stop := discard(v.Conn.Conn)
					for a.wait(comeBack) && err == nil {
						_, err = v.Write(b)
					}
					stop()
					if err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// nobodyReads are viewers that take nothing.
func nobodyReads() Attack {
	return Attack{
		Name: "rtsp-never-reads", What: "watches, a thousand times, and reads nothing from then on, in the middle of a picture or not",
		Unit: "viewers",
		Own:  Bounds{For: 3 * time.Second, Units: 10_000, Connections: 1000, Rate: 1000},
		run: func(a *assault) error {
			return a.workers(func() error {
				for a.next(1) {
					v, err := a.playRTSP(smallWindow)
					if err != nil {
						return err
					}
					for a.ctx.Err() == nil && !hungUp(v.Conn.Conn.(counted).Conn) {
						a.wait(drip)
					}
					_ = v.Close()
					if a.ctx.Err() == nil {
						a.count(func(d *Did) { d.Closed++ })
						return errors.New("the pump has closed the connection")
					}
				}
				return nil
			})
		},
	}
}

// leftSessions are connections of viewers and encoders that set up and do no more.
func leftSessions() Attack {
	return Attack{
		Name: "rtsp-left", What: "sets the tracks of a stream up, on one connection after another of one address, and never plays",
		Unit: "sessions",
		Own:  Bounds{For: 3 * time.Second, Units: 4000, Connections: 600, Rate: 1000},
		run: func(a *assault) error {
			return a.rtspWorkers(nil, func(ctx context.Context, c *rtspclient.Client) error {
				if !a.next(1) {
					return nil
				}
				for _, track := range []string{"/trackID=0", "/trackID=1"} {
					h, _, err := c.Try(ctx, "SETUP", a.rtsp(a.t.View)+track, "", transport)
					if err != nil {
						a.rtspTurnedAway(err)
						return err
					}
					a.count(func(d *Did) { d.Answers[fmt.Sprint(h.Status)]++ })
					c.Session, _, _ = strings.Cut(h.Get("Session"), ";")
				}
				_, err := c.Next(ctx) // until it is closed
				if ctx.Err() == nil {
					a.count(func(d *Did) { d.Closed++ })
				}
				return err
			})
		},
	}
}

// rtspGuesses tries passwords by Digest.
func rtspGuesses() Attack {
	return Attack{
		Name: "rtsp-guesses", What: "tries names with passwords by Digest and by Basic, many on each connection",
		Unit: "guesses",
		Own:  Bounds{For: 3 * time.Second, Units: 20_000, Connections: 20, Rate: 2000},
		run: func(a *assault) error {
			return a.rtspWorkers(nil, func(_ context.Context, c *rtspclient.Client) error {
				for i := 0; a.next(1); i++ {
					address := a.rtsp(a.t.View)
					proof := fmt.Sprintf("Authorization: Digest username=\"anna\", realm=\"stream-pump\", nonce=\"AAAA\", uri=\"%s\", response=\"%032x\"", address, i)
					if i%2 == 1 {
						proof = "Authorization: Basic " + hex.EncodeToString(fmt.Appendf(nil, "x%05d", i))
					}
					if _, err := a.askRTSP(c, "DESCRIBE", address, "", proof); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// rtspSips are viewers that read a byte now and then.
func rtspSips() Attack {
	return Attack{
		Name: "rtsp-sips", What: "watches and reads a byte now and then",
		Unit: "viewers",
		Own:  Bounds{For: 3 * time.Second, Units: 10_000, Connections: 100, Rate: -1},
		run: func(a *assault) error {
			return a.workers(func() error {
				for a.next(1) {
					v, err := a.playRTSP(smallWindow)
					if err != nil {
						return err
					}
					a.sip(v.Conn.Conn)
					_ = v.Close()
				}
				return nil
			})
		},
	}
}

// halves are viewers that want a stream's pictures only.
func halves() Attack {
	return Attack{
		Name: "rtsp-halves", What: "watches the pictures of a stream that has next to nothing but sound",
		Unit: "viewers",
		Own:  Bounds{For: 3 * time.Second, Units: 10_000, Connections: 100, Rate: -1},
		run: func(a *assault) error {
			return a.rtspWorkers(nil, func(ctx context.Context, c *rtspclient.Client) error {
				if !a.next(1) {
					return nil
				}
				status, err := a.askRTSP(c, "SETUP", a.rtsp(a.t.View)+"/trackID=0", "", transport)
				if err == nil && status == 200 {
					status, err = a.askRTSP(c, "PLAY", a.rtsp(a.t.View), "")
				}
				if err != nil || status != 200 {
					return errors.Join(err, errors.New("it does not play yet"))
				}
				_, err = io.Copy(io.Discard, c.Conn.Conn)
				return err
			})
		},
	}
}
