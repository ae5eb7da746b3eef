package attack

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// slow are the attacks by peers that take their time, one for each state in which a
// connection can be.
func slow() []Attack {
	host := func(a *assault) string { return " HTTP/1.1\r\nHost: " + a.t.Addr + "\r\n" }
	return []Attack{
		trickle("silent", "opens connections and sends no byte", Plain, nil, ""),
		trickle("slow-line", "sends the first line of a request byte by byte", Plain, nil, "GET /streams/a"),
		trickle("slow-fields", "sends the fields of a request byte by byte", Plain,
			func(a *assault) string { return "GET " + a.t.View + host(a) }, "X: y\r\n"),
		trickle("slow-gap", "sends the head of a request with a body, and nothing of that", Plain,
			func(a *assault) string { return aLog(a, host(a)) }, ""),
		trickle("slow-body", "sends the body of a request byte by byte", Plain,
			func(a *assault) string { return aLog(a, host(a)) }, "x"),
		trickle("slow-chunks", "pushes in chunks of a byte each", Plain, func(a *assault) string {
			return "POST " + a.t.Push + host(a) + "Transfer-Encoding: chunked\r\n\r\n"
		}, ""),
		slowPush(),
		trickle("slow-handshake", "sends the first message of its TLS byte by byte", TLS, nil, string(clientHello())),
		trickle("slow-proxied", "says byte by byte for whom it connects, as a trusted proxy", Plain, nil, "PROXY TCP4 192.0.2.1 192.0.2.2 "),
		slowReader(),
	}
}

// aLog is the head of a request with a body.
func aLog(a *assault, host string) string {
	return "POST " + a.t.View + host + "Content-Type: application/x-wms-logstats\r\nContent-Length: 60000\r\n\r\n"
}

const (
	// drip is how often a slow peer sends a byte.
	drip = 100 * time.Millisecond
	// slowPeers is how many connections it holds.
	slowPeers = 20
)

// trickle holds connections on each of which it sends a beginning at once and then
// some text byte by byte, again and again; nothing if that is empty. It comes back
// when the pump has closed one.
func trickle(name, what string, door Door, begin func(*assault) string, text string) Attack {
	return Attack{
		Name: name, What: what, Unit: "connections", Door: door,
		Own: Bounds{For: 3 * time.Second, Units: 4000, Connections: slowPeers, Rate: -1},
		run: func(a *assault) error {
			return a.workers(func() error {
				for a.next(1) {
					l, err := a.open()
					if err != nil {
						return err
					}
					if begin != nil {
						_, err = io.WriteString(l, begin(a))
					}
					if err == nil {
						a.drip(l, text)
					}
					_ = l.Close()
					if !a.wait(comeBack) {
						return nil
					}
				}
				return nil
			})
		},
	}
}

// drip sends a byte now and then until the pump or the attack ends it.
func (a *assault) drip(l *line, text string) {
	t := time.NewTicker(drip)
	defer t.Stop()
	for i := 0; ; i++ {
		select {
		case <-l.gone:
			return
		case <-a.ctx.Done():
			return
		case <-t.C:
		}
		if text == "" {
			continue
		}
		if _, err := io.WriteString(l, text[i%len(text):i%len(text)+1]); err != nil {
			return
		}
	}
}

// slowPush is an encoder that has set itself up and sends its first packet byte by byte.
func slowPush() Attack {
	return Attack{
		Name: "slow-push", What: "pushes a header at once, and its first packet byte by byte", Unit: "connections",
		Own: Bounds{For: 3 * time.Second, Units: 1000, Connections: 1, Rate: -1},
		run: func(a *assault) error {
			header, err := soundOf(1400, 0)
			if err != nil {
				return err
			}
			return a.workers(func() error {
				for a.next(1) {
					c, err := a.publish(header)
					if err != nil {
						return err
					}
					b := []byte("$D\x78\x05\x82")
					for a.wait(drip) {
						if err = a.send(c, b); err != nil {
							break
						}
						b = []byte{0}
					}
					_ = c.Close()
					if err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// smallWindow has a socket take next to nothing from its peer. Short segments keep the
// peer's own buffer from growing to the megabytes that loopback has.
func smallWindow(fd int) error {
	const shortest = 536
	return errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, shortest),
	)
}

// slowReader asks for more than its socket takes and reads byte by byte.
func slowReader() Attack {
	return Attack{
		Name: "slow-reader", What: "asks for a stream's header without a pause, and reads the answers byte by byte", Unit: "requests",
		Own: Bounds{For: 3 * time.Second, Units: 1 << 20, Connections: slowPeers, Rate: -1},
		run: func(a *assault) error {
			ask := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: NSPlayer/12.0\r\n\r\n", a.t.View, a.t.Addr)
			return a.workers(func() error {
				c, err := a.dialFrom(source, smallWindow)
				if err != nil {
					return err
				}
				defer c.Close()
				defer ends(a, c)()
				done := make(chan struct{})
				go func() {
					defer close(done)
					a.sip(c)
				}()
				for a.next(1) {
					n, err := io.WriteString(c, ask)
					a.count(func(d *Did) { d.Sent += int64(n) })
					if err != nil {
						break
					}
					if !a.wait(comeBack) {
						break
					}
				}
				_ = c.Close()
				<-done
				if a.ctx.Err() != nil {
					return nil
				}
				a.count(func(d *Did) { d.Closed++ })
				return errors.New("the pump has closed the connection")
			})
		},
	}
}

// sip reads a byte now and then, to the end of the connection.
func (a *assault) sip(c net.Conn) {
	b := make([]byte, 1)
	for a.wait(drip) {
		n, err := c.Read(b)
		a.count(func(d *Did) { d.Received += int64(n) })
		if err != nil {
			return
		}
	}
}
