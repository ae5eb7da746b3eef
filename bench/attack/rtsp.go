package attack

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// overRTSP are the attacks over RTSP.
func overRTSP() []Attack {
	return slices.Concat(byDatagrams(), []Attack{
		rtspHellos(), foreignTypes(), unprovenAnnounces(),
		Shapes("rtsp-shapes", "sends requests over RTSP that are none, and those that could be of HTTP", Plain, rtspShapes()),
		announces(), tinyFrames(), wildFrames(), jumps(), changingSets(), longUnits(), leads(), reports(), rtspTakeovers(),
		turns(), asks(), frameTalk(), nobodyReads(), rtspSips(), halves(), leftSessions(), rtspGuesses(),
		trickle("rtsp-slow-line", "sends OPTIONS byte by byte, which may be of HTTP or of RTSP", Plain, nil, "OPTIONS * "),
		trickle("rtsp-slow-fields", "sends the fields of a request over RTSP byte by byte", Plain,
			func(a *assault) string { return "DESCRIBE " + a.rtsp(a.t.View) + " RTSP/1.0\r\n" }, "X: y\r\n"),
		trickle("rtsp-slow-body", "sends the description of an ANNOUNCE byte by byte", Plain, func(a *assault) string {
			return "ANNOUNCE " + a.rtsp(a.t.Push) + " RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 16000\r\n\r\n"
		}, "x"),
	})
}

// rtsp is the address of a path at the target.
func (a *assault) rtsp(path string) string {
	scheme := "rtsp"
	if a.secure {
		scheme = "rtsps"
	}
	return (&url.URL{Scheme: scheme, Host: a.t.Addr, Path: path}).String()
}

// rtspPatience is how long an answer is waited for. The end of the attack cuts it short.
const rtspPatience = time.Minute

// counted is a connection whose bytes are counted.
type counted struct {
	net.Conn
	a *assault
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.a.count(func(d *Did) { d.Received += int64(n) })
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.a.count(func(d *Did) { d.Sent += int64(n) })
	return n, err
}

// client opens a connection over which requests go; control may see its socket before.
func (a *assault) client(control func(fd int) error) (*rtspclient.Client, error) {
	c, err := a.dialFrom(source, control)
	if err != nil {
		return nil, err
	}
	ends(a, c)
	return &rtspclient.Client{Conn: rtspclient.NewConn(counted{c, a}, rtspPatience), Agent: "attack"}, nil
}

// askRTSP asks and counts the answer.
func (a *assault) askRTSP(c *rtspclient.Client, method, address, body string, fields ...string) (status int, err error) {
	h, _, err := c.Try(a.ctx, method, address, body, fields...)
	a.count(func(d *Did) {
		switch {
		case err == nil:
			status = h.Status
			d.Answers[fmt.Sprint(h.Status)]++
		case a.ctx.Err() == nil:
			d.Closed++
		}
	})
	return status, err
}

// record begins a push over RTSP. What comes on the connection from then on is counted.
func (a *assault) record(s rtpsynth.Spec) (*line, error) {
	c, err := a.dial()
	if err != nil {
		return nil, err
	}
	p := rtspclient.NewPublisher(&rtspclient.Client{Conn: rtspclient.NewConn(counted{c, a}, rtspPatience), Agent: "attack"}, a.rtsp(a.t.Push), s)
	if err := p.Publish(a.ctx); err != nil {
		_ = c.Close()
		a.rtspTurnedAway(err)
		return nil, err
	}
	a.count(func(d *Did) { d.Answers["200"]++ })
	return a.watch(c), nil
}

// rtspTurnedAway counts what the pump said.
func (a *assault) rtspTurnedAway(err error) {
	if a.ctx.Err() != nil {
		return
	}
	a.count(func(d *Did) {
		d.Closed++
		if s, ok := err.(*rtspclient.StatusError); ok { //nolint:errorlint // it is not wrapped
			d.Answers[fmt.Sprint(s.Head.Status)]++
		}
	})
}

// playRTSP begins to view over RTSP.
func (a *assault) playRTSP(control func(fd int) error) (*rtspclient.Viewer, error) {
	c, err := a.client(control)
	if err != nil {
		return nil, err
	}
	v := rtspclient.NewViewer(c, a.rtsp(a.t.View))
	v.Frames(func(byte, []byte) error { return nil })
	if err := v.Open(a.ctx); err != nil {
		_ = c.Close()
		a.rtspTurnedAway(err)
		return nil, err
	}
	a.count(func(d *Did) { d.Answers["200"]++ })
	return v, nil
}

// rtspWorkers repeats work on connections of RTSP, as [assault.workers] does, and closes
// each connection when its work is done.
func (a *assault) rtspWorkers(control func(fd int) error, work func(context.Context, *rtspclient.Client) error) error {
	return a.workers(func() error {
		c, err := a.client(control)
		if err != nil {
			return err
		}
		defer c.Close()
		return work(a.ctx, c)
	})
}
