package attack

import (
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"streampump/bench/player"
)

// watching are the attacks by viewers, of the stream that the healthy ones watch.
func watching() []Attack {
	return []Attack{
		viewers("never-reads", "watches and reads nothing", nil),
		viewers("sips", "watches and reads a byte now and then", func(a *assault, c net.Conn) error {
			a.sip(c)
			return nil
		}),
		viewers("talks", "watches and sends megabytes meanwhile, requests among them", func(a *assault, c net.Conn) error {
			go func() { _, _ = io.Copy(io.Discard, c) }()
			text := strings.Repeat(root+strings.Repeat("x", 1000), 60)
			for a.ctx.Err() == nil {
				n, err := io.WriteString(c, text)
				a.count(func(d *Did) { d.Sent += int64(n) })
				if err != nil || !a.wait(comeBack) {
					return err
				}
			}
			return nil
		}),
		viewers("half-closes", "watches with its own side of the connection closed, and reads nothing", func(a *assault, c net.Conn) error {
			return c.(*net.TCPConn).CloseWrite()
		}),
		joins("joins", "joins from one address, and leaves with the first bytes", 1000, source),
		joins("leaves", "asks for the stream and leaves at once, with a reset, without a look at the answer", 1000, nil),
	}
}

// viewers holds viewers that do something bad. Whoever is sent away comes back.
func viewers(name, what string, do func(*assault, net.Conn) error) Attack {
	return Attack{
		Name: name, What: what, Unit: "viewers",
		Own: Bounds{For: 3 * time.Second, Units: 10_000, Connections: 100, Rate: -1},
		run: func(a *assault) error {
			return a.workers(func() error {
				for a.next(1) {
					if err := a.view(do); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// view is one such viewer, until the pump has had enough of it.
func (a *assault) view(do func(*assault, net.Conn) error) error {
	c, err := a.dialFrom(source, smallWindow)
	if err != nil {
		return err
	}
	defer c.Close()
	defer ends(a, c)()
	if err := a.ask(c); err != nil {
		return err
	}
	if do != nil {
		if err := do(a, c); err != nil {
			return err
		}
	}
	for a.ctx.Err() == nil {
		if hungUp(c) {
			a.count(func(d *Did) { d.Closed++ })
			return errors.New("the pump has closed the connection")
		}
		if !a.wait(drip) {
			break
		}
	}
	return nil
}

// ask asks for the stream.
func (a *assault) ask(c net.Conn) error {
	n, err := c.Write(player.PlayOnly().AppendPlay(nil, a.t.View, a.t.Addr, 0))
	a.count(func(d *Did) { d.Sent += int64(n) })
	return err
}

// joins joins and leaves, so many times a second. Without a source it leaves rudely.
func joins(name, what string, rate float64, from net.IP) Attack {
	return Attack{
		Name: name, What: what, Unit: "joins",
		Own: Bounds{For: 3 * time.Second, Units: 10_000, Connections: 16, Rate: rate},
		run: func(a *assault) error {
			return a.workers(func() error {
				for a.next(1) {
					if err := a.join(from != nil); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func (a *assault) join(reads bool) error {
	c, err := a.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	defer ends(a, c)()
	if err := a.ask(c); err != nil {
		return err
	}
	if !reads {
		return c.(*net.TCPConn).SetLinger(0)
	}
	b := make([]byte, 16<<10)
	n, err := c.Read(b)
	a.count(func(d *Did) {
		d.Received += int64(n)
		new(statuses).count(b[:n], d.Answers)
	})
	if err != nil {
		a.count(func(d *Did) { d.Closed++ })
	}
	return err
}
