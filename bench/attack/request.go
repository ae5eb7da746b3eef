package attack

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// root is a request of the least bytes; its connection stays open.
const root = "GET / HTTP/1.1\r\nHost:\r\n\r\n"

// requests are the attacks by requests.
func requests() []Attack {
	return []Attack{pipelined(), mixed(), idle(), flood(), slowHeads()}
}

// batch is how many bytes of requests or packets are sent at once: more than a
// pump reads at once.
const batch = 64 << 10

func pipelined() Attack {
	return Attack{
		Name: "pipelined", What: "asks for / again and again without waiting for the answers",
		Unit: "requests",
		Own:  Bounds{For: 3 * time.Second, Units: 1 << 20, Connections: 100, Rate: -1},
		run:  func(a *assault) error { return a.repeat(strings.Repeat(root, batch/len(root)), batch/len(root)) },
	}
}

// mixed pipelines what costs the pump more than its page.
func mixed() Attack {
	return Attack{
		Name: "pipelined-mixed", What: "asks again and again, without waiting, for all that a pump answers",
		Unit: "requests",
		Own:  Bounds{For: 3 * time.Second, Units: 1 << 20, Connections: 50, Rate: -1},
		run: func(a *assault) error {
			host := " HTTP/1.1\r\nHost: " + a.t.Addr + "\r\n"
			const player = "User-Agent: NSPlayer/12.0\r\n"
			text := "GET " + a.t.View + host + player + "\r\n" +
				"OPTIONS *" + host + "\r\n" +
				"GET /" + host + "\r\n" +
				"POST " + a.t.View + host + player + "Content-Type: application/x-wms-logstats\r\nContent-Length: 7\r\n\r\n<XML/>\n"
			const kinds, each = 4, 60
			return a.repeat(strings.Repeat(text, each/kinds), each)
		},
	}
}

func setups() Attack {
	return Attack{
		Name: "setups", What: "sets up sessions of encoders that never publish",
		Unit: "setups",
		Own:  Bounds{For: 3 * time.Second, Units: 131_072, Connections: 8, Rate: -1},
		run: func(a *assault) error {
			setup := fmt.Sprintf(setupText, a.t.Push, a.t.Addr)
			const each = 32
			return a.repeat(strings.Repeat(setup, each), each)
		},
	}
}

// setupText asks for an encoder's session.
const setupText = "POST %s HTTP/1.1\r\nContent-Type: application/x-wms-pushsetup\r\nHost: %s\r\n" +
	"Content-Length: 0\r\nConnection: Keep-Alive\r\nCookie: push-id=0\r\n\r\n"

// repeat sends a text of the given number of units again and again on each
// connection.
func (a *assault) repeat(text string, units int) error {
	return a.workers(func() error {
		l, err := a.open()
		if err != nil {
			return err
		}
		defer l.Close()
		for a.next(units) {
			if _, err := l.Write([]byte(text)); err != nil {
				return err
			}
		}
		// What was sent last is answered, if the pump answers at all.
		a.wait(time.Second)
		return nil
	})
}

func idle() Attack {
	const every = time.Minute
	return Attack{
		Name: "idle", What: "keeps connections of one address open with a request of 25 bytes a minute each",
		Unit: "requests",
		Own:  Bounds{For: 3 * time.Second, Units: 1 << 20, Connections: 600, Rate: -1},
		run: func(a *assault) error {
			return a.workers(func() error {
				l, err := a.open()
				if err != nil {
					return err
				}
				defer l.Close()
				for a.next(1) {
					if _, err := l.Write([]byte(root)); err != nil {
						return err
					}
					a.wait(every)
				}
				return nil
			})
		},
	}
}

func flood() Attack {
	return Attack{
		Name: "flood", What: "opens more connections than the pump takes, from many addresses, and does not hang up when it is refused",
		Unit: "connections",
		Own:  Bounds{For: 3 * time.Second, Units: 4000, Connections: 1000, Rate: 2000},
		run: func(a *assault) error {
			var held []*line
			for from := 0; a.next(1); from++ {
				c, err := a.dialFrom(sourceOf(from), nil)
				if err != nil {
					if a.wait(comeBack) {
						continue
					}
					return err
				}
				l := a.watch(c)
				_, _ = l.Write([]byte(root)) // one that is refused already may be closed
				// Half of them stay, which keeps the pump full.
				if held = append(held, l); len(held) > a.b.Connections {
					stay := a.b.Connections / 2
					_ = held[stay].Close()
					held = slices.Delete(held, stay, stay+1)
				}
			}
			return nil
		},
	}
}

func slowHeads() Attack {
	return Attack{
		Name: "slow-heads", What: "sends the heads of its requests byte by byte",
		Unit: "bytes",
		Own:  Bounds{For: 3 * time.Second, Units: 1 << 20, Connections: 400, Rate: 2000},
		run: func(a *assault) error {
			head := "GET " + a.t.View + " HTTP/1.1\r\nX-Slow: " + strings.Repeat("x", 8000)
			return a.workers(func() error {
				l, err := a.open()
				if err != nil {
					return err
				}
				defer l.Close()
				for i := range head {
					if !a.next(1) {
						return nil
					}
					if _, err := l.Write([]byte(head[i : i+1])); err != nil {
						return err
					}
				}
				return errors.New("the head is at its end")
			})
		},
	}
}
