package attack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"streampump/bench/rtspclient"
)

// byDatagrams are the attacks over RTSP by viewers whose packets go by UDP, and on the
// ports from which they go.
func byDatagrams() []Attack {
	return []Attack{
		Shapes("rtsp-udp-shapes", "asks for packets by UDP at ports and addresses that nobody may name", Plain, udpShapes()),
		udpDeaf(), udpTurns(), udpSwitches(), udpHalfCloses(), udpAsks(), udpLeft(), udpAims(), udpStrangers(),
	}
}

// ears are two sockets for the packets of a track and the reports about them.
type ears [2]*net.UDPConn

// listen opens two sockets at an address, that hardly hold anything.
func (a *assault) listen(at net.IP) (ears, error) { return listenAt(at) }

func listenAt(at net.IP) (e ears, err error) {
	for i := range e {
		if e[i], err = net.ListenUDP("udp", &net.UDPAddr{IP: at}); err != nil {
			e.Close()
			return e, err
		}
		_ = e[i].SetReadBuffer(1)
	}
	return e, nil
}

// Close closes them. What is sent there from then on is answered by the system that nobody
// listens.
func (e ears) Close() {
	for _, c := range e {
		if c != nil {
			_ = c.Close()
		}
	}
}

// pair is how a Transport names their ports.
func (e ears) pair() string {
	return fmt.Sprintf("%d-%d", e[0].LocalAddr().(*net.UDPAddr).Port, e[1].LocalAddr().(*net.UDPAddr).Port)
}

// toPorts asks for a track's packets by UDP.
func toPorts(pair string) string { return "Transport: RTP/AVP;unicast;client_port=" + pair }

// setUp sets both tracks up. What the pump says of the last is returned.
func (a *assault) setUpTracks(c *rtspclient.Client, fields ...string) (said string, err error) {
	for track := range 2 {
		h, _, err := c.Try(a.ctx, "SETUP", fmt.Sprintf("%s/trackID=%d", a.rtsp(a.t.View), track), "", fields[track%len(fields)])
		if err != nil {
			a.count(func(d *Did) { d.Closed++ })
			return "", err
		}
		a.count(func(d *Did) { d.Answers[fmt.Sprint(h.Status)]++ })
		if h.Status != 200 {
			return "", fmt.Errorf("SETUP is answered %v", h)
		}
		said = h.Get("Transport")
	}
	return said, nil
}

// playTo begins to view with packets by UDP, to the ports of a pair.
func (a *assault) playTo(c *rtspclient.Client, pair string, more ...string) (said string, err error) {
	if said, err = a.setUpTracks(c, toPorts(pair)+strings.Join(more, "")); err != nil {
		return "", err
	}
	status, err := a.askRTSP(c, "PLAY", a.rtsp(a.t.View), "")
	if err == nil && status != 200 {
		err = fmt.Errorf("PLAY is answered %d", status)
	}
	return said, err
}

// wrong notes what must not be.
func (a *assault) wrong(format string, args ...any) {
	a.count(func(d *Did) {
		if len(d.Wrong) < maxWrong {
			d.Wrong = append(d.Wrong, fmt.Sprintf(format, args...))
		}
	})
}

// overUDP is an attack by viewers over UDP, each with a connection and sockets of its own;
// control may see the connection's socket before.
func overUDP(name, what, unit string, own Bounds, control func(int) error, work func(*assault, *rtspclient.Client, ears) error) Attack {
	return Attack{
		Name: name, What: what, Unit: unit, Own: own,
		run: func(a *assault) error {
			return a.rtspWorkers(control, func(_ context.Context, c *rtspclient.Client) error {
				e, err := a.listen(source)
				if err != nil {
					return err
				}
				defer e.Close()
				c.Frames(func(byte, []byte) error { return nil })
				return work(a, c, e)
			})
		},
	}
}

func udpDeaf() Attack {
	var turn atomic.Int64
	own := Bounds{For: 3 * time.Second, Units: 10_000, Connections: 200, Rate: 200}
	return overUDP("rtsp-udp-deaf", "watches by UDP with sockets that take nothing, or closes them at once, and says nothing further", "viewers", own, smallWindow,
		func(a *assault, c *rtspclient.Client, e ears) error {
			if !a.next(1) {
				return nil
			}
			if _, err := a.playTo(c, e.pair()); err != nil {
				return err
			}
			if turn.Add(1)%2 == 0 {
				e.Close()
			}
			<-a.ctx.Done()
			return nil
		})
}

func udpTurns() Attack {
	own := Bounds{For: 3 * time.Second, Units: 100_000, Connections: 40, Rate: -1}
	return overUDP("rtsp-udp-turns", "plays by UDP and pauses in turn, and ends the session in between", "requests", own, nil,
		func(a *assault, c *rtspclient.Client, e ears) error {
			if _, err := a.playTo(c, e.pair()); err != nil {
				return err
			}
			for i := 0; a.next(1); i++ {
				method := [...]string{"PAUSE", "PLAY"}[i%2]
				if i == 20 {
					method = "TEARDOWN"
				}
				if _, err := a.askRTSP(c, method, a.rtsp(a.t.View), ""); err != nil {
					return err
				}
				if method == "TEARDOWN" {
					return errors.New("the session is over")
				}
			}
			return nil
		})
}

func udpSwitches() Attack {
	own := Bounds{For: 3 * time.Second, Units: 100_000, Connections: 20, Rate: -1}
	return overUDP("rtsp-udp-switches", "sets up its tracks by UDP, over the connection and one each way in turn, in one session that it plays and pauses", "turns", own, nil,
		func(a *assault, c *rtspclient.Client, e ears) error {
			apart := toPorts(e.pair())
			for _, ways := range [][]string{{apart}, {transport}, {apart, transport}, {transport, apart}} {
				if _, err := a.setUpTracks(c, ways...); err != nil {
					return err
				}
			}
			for i := 0; a.next(1); i++ {
				ways, want := []string{apart, transport}[i%2:i%2+1], 200
				if i%3 == 2 {
					ways, want = []string{apart, transport}, 461
				}
				if _, err := a.setUpTracks(c, ways...); err != nil {
					return err
				}
				status, err := a.askRTSP(c, "PLAY", a.rtsp(a.t.View), "")
				if err != nil {
					return err
				}
				if status != want && status != 404 { // while there is no source
					a.wrong("PLAY of tracks by %q is answered %d", ways, status)
				}
				if _, err := a.askRTSP(c, "PAUSE", a.rtsp(a.t.View), ""); err != nil {
					return err
				}
			}
			return nil
		})
}

func udpHalfCloses() Attack {
	const soon = 2 * time.Second
	own := Bounds{For: 3 * time.Second, Units: 10_000, Connections: 40, Rate: -1}
	return overUDP("rtsp-udp-half-closes", "watches by UDP, closes its side of the connection, and keeps the rest", "viewers", own, nil,
		func(a *assault, c *rtspclient.Client, e ears) error {
			if !a.next(1) {
				return nil
			}
			if _, err := a.playTo(c, e.pair()); err != nil {
				return err
			}
			conn := c.Conn.Conn.(counted).Conn
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				return err
			}
			for began := time.Now(); !hungUp(conn); {
				if time.Since(began) > soon {
					a.wrong("the connection is open %v after its other side was closed", soon)
				}
				if !a.wait(drip) {
					return nil
				}
			}
			a.count(func(d *Did) { d.Closed++ })
			return errors.New("the pump has closed the connection")
		})
}

func udpAsks() Attack {
	own := Bounds{For: 3 * time.Second, Units: 100_000, Connections: 40, Rate: -1}
	return overUDP("rtsp-udp-asks", "watches by UDP, asks for the description again and again, and takes no answer", "requests", own, smallWindow,
		func(a *assault, c *rtspclient.Client, e ears) error {
			if _, err := a.playTo(c, e.pair()); err != nil {
				return err
			}
			for a.next(1) {
				if err := c.Send(a.ctx, []byte(strings.Repeat(c.Request("DESCRIBE", a.rtsp(a.t.View), ""), 8))); err != nil {
					a.count(func(d *Did) { d.Closed++ })
					return err
				}
				if !a.wait(comeBack) {
					return nil
				}
			}
			return nil
		})
}

func udpLeft() Attack {
	own := Bounds{For: 3 * time.Second, Units: 4000, Connections: 600, Rate: 1000}
	return overUDP("rtsp-udp-left", "sets the tracks of a stream up by UDP, on one connection after another of one address, and never plays", "sessions", own, nil,
		func(a *assault, c *rtspclient.Client, e ears) error {
			if !a.next(1) {
				return nil
			}
			if _, err := a.setUpTracks(c, toPorts(e.pair())); err != nil {
				return err
			}
			_, err := c.Next(a.ctx) // until it is closed
			if a.ctx.Err() == nil {
				a.count(func(d *Did) { d.Closed++ })
			}
			return err
		})
}
