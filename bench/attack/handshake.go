package attack

import (
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// handshakes asks for handshakes and gives none back: the pump calculates for each,
// the attacker sends the same bytes again and again.
func handshakes() Attack {
	return Attack{
		Name: "handshakes", What: "begins TLS handshakes and leaves when the pump has done its part",
		Unit: "handshakes", Door: TLS,
		Own: Bounds{For: 3 * time.Second, Units: 100_000, Connections: 64, Rate: -1},
		run: func(a *assault) error {
			hello := clientHello()
			return a.workers(func() error {
				for a.next(1) {
					if err := a.beginHandshake(hello); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// beginHandshake sends a ClientHello and waits for the beginning of the answer.
func (a *assault) beginHandshake(hello []byte) error {
	c, err := a.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	stop := ends(a, c)
	defer stop()
	n, err := c.Write(hello)
	a.count(func(d *Did) { d.Sent += int64(n) })
	if err != nil {
		return err
	}
	n, err = c.Read(make([]byte, 4<<10))
	a.count(func(d *Did) {
		d.Received += int64(n)
		if err != nil && a.ctx.Err() == nil {
			d.Closed++
		}
	})
	return err
}

// silentHandshakes holds as many handshakes as it can and does not go on with them.
func silentHandshakes() Attack {
	return Attack{
		Name: "silent-handshakes", What: "begins TLS handshakes, and stops in the middle of its first message",
		Unit: "connections", Door: TLS,
		Own: Bounds{For: 3 * time.Second, Units: 3000, Connections: 1000, Rate: 1000},
		run: func(a *assault) error {
			hello := clientHello()
			for open := 0; open < a.b.Connections && a.next(1); open++ {
				l, err := a.open()
				if err != nil {
					if a.wait(comeBack) {
						continue
					}
					return err
				}
				_, _ = l.Write(hello[:len(hello)/2]) // one that is refused already may be closed
			}
			<-a.ctx.Done()
			return nil
		},
	}
}

// clientHello is the first message of an ordinary client.
func clientHello() []byte {
	w := &firstWrite{}
	_ = tls.Client(w, &tls.Config{ServerName: "localhost", NextProtos: []string{"http/1.1"}}).Handshake()
	return w.bytes
}

// firstWrite is a connection that takes one message and breaks.
type firstWrite struct {
	net.Conn
	bytes []byte
}

func (w *firstWrite) Write(p []byte) (int, error) {
	w.bytes = append(w.bytes, p...)
	return len(p), nil
}

func (w *firstWrite) Read([]byte) (int, error)         { return 0, errEnough }
func (w *firstWrite) Close() error                     { return nil }
func (w *firstWrite) SetDeadline(time.Time) error      { return nil }
func (w *firstWrite) SetWriteDeadline(time.Time) error { return nil }

var errEnough = errors.New("one message is enough")
