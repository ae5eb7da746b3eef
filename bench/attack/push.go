package attack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"streampump/bench/push"
	"streampump/bench/synth"
)

const (
	// tinySize is a data packet with one byte of media: flags, times, stream number
	// and that byte. Its $D has 14 bytes.
	tinySize = 10
	// framing is what precedes a packet in a push.
	framing = 4
	// largest is the largest packet size that a pump takes.
	largest = 65_000
	// far is by how much a send time goes on at most.
	far = math.MaxInt32
)

// pushes are the attacks by encoders.
func pushes() []Attack {
	return []Attack{
		programmesByTime(), programmesByHeader(), tinyPackets(), tinyEncoders(), inflated(), setups(), takeovers(), cutPushes(),
	}
}

// appendTiny appends the $D of a tiny packet of sound.
func appendTiny(b []byte, sendTime uint32) []byte {
	b = append(b, '$', 'D', tinySize, 0)
	b = append(b, 0x00, 0x40) // single payload, nothing but a stream number
	b = binary.LittleEndian.AppendUint32(b, sendTime)
	return append(b, 0, 0, 0x81, 0) // duration, stream 1 with key bit, media
}

// appendHeader appends the $H of a header.
func appendHeader(b, header []byte) []byte {
	b = append(b, '$', 'H')
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	return append(b, header...)
}

// soundOf is the header of a stream of sound, in which every packet is a good place
// to begin. Preroll is what viewers are given of the past.
func soundOf(packetSize int, preroll time.Duration) ([]byte, error) {
	s := synth.Sound(64_000)
	s.PacketSize, s.Preroll = packetSize, preroll
	e, err := synth.New(s)
	if err != nil {
		return nil, err
	}
	return e.Header(), nil
}

// encoder pushes some units at a time until the attack is over: what is appended by
// what begin gives, which is called for each connection. Whoever is turned away comes
// back.
func (a *assault) encoder(header []byte, units int, begin func() func(b []byte) []byte) error {
	return a.workers(func() error {
		c, err := a.publish(header)
		if err != nil {
			return err
		}
		defer c.Close()
		var b []byte
		more := begin()
		for a.next(units) {
			if err := a.send(c, more(b[:0])); err != nil {
				return err
			}
		}
		return nil
	})
}

// publish sets a session up and sends a header.
func (a *assault) publish(header []byte) (*push.Client, error) {
	return a.publishTo(a.t.Push, header)
}

// publishTo does so at another path than the target's.
func (a *assault) publishTo(path string, header []byte) (*push.Client, error) {
	conn, err := a.dial()
	if err != nil {
		return nil, err
	}
	c := push.New(conn, push.Options{Path: path, Host: a.t.Addr})
	head, err := c.Setup(a.ctx, push.AutoDestroy)
	if err == nil {
		a.count(func(d *Did) { d.Answers[fmt.Sprint(head.Status)]++ })
		if err = c.Start(a.ctx, push.Endless); err == nil {
			err = a.send(c, appendHeader(nil, header))
		}
	}
	if err != nil {
		_ = c.Close()
		return nil, a.turnedAway(err)
	}
	return c, nil
}

// send sends a part of a push's body, and sees whether the pump has had enough.
func (a *assault) send(c *push.Client, b []byte) error {
	if c.Answered() {
		_, err := c.Answer(a.ctx)
		return a.turnedAway(errors.Join(err, errors.New("the pump has answered")))
	}
	err := c.Raw(a.ctx, b)
	if err == nil {
		a.count(func(d *Did) { d.Sent += int64(len(b)) })
		return nil
	}
	return a.turnedAway(err)
}

// turnedAway counts what the pump said.
func (a *assault) turnedAway(err error) error {
	if a.ctx.Err() != nil {
		return err
	}
	var status *push.StatusError
	a.count(func(d *Did) {
		d.Closed++
		if errors.As(err, &status) {
			d.Answers[fmt.Sprint(status.Head.Status)]++
		}
	})
	return err
}

func programmesByTime() Attack {
	return Attack{
		Name: "programmes-by-time", What: "pushes packets of 14 bytes of which every second one is too far in the future for the programme that it is in",
		Unit: "packets",
		Own:  Bounds{For: 3 * time.Second, Units: 200_000, Connections: 1, Rate: -1},
		run: func(a *assault) error {
			header, err := soundOf(1400, 0)
			if err != nil {
				return err
			}
			const each = 1000
			return a.encoder(header, each, func() func([]byte) []byte {
				at := uint32(0)
				return func(b []byte) []byte {
					for range each {
						b, at = appendTiny(b, at), at+far
					}
					return b
				}
			})
		},
	}
}

func programmesByHeader() Attack {
	return Attack{
		Name: "programmes-by-header", What: "pushes two headers in turn, with a packet behind each",
		Unit: "headers",
		Own:  Bounds{For: 3 * time.Second, Units: 40_000, Connections: 1, Rate: -1},
		run: func(a *assault) error {
			one, err1 := soundOf(1400, 0)
			other, err2 := soundOf(1416, 0)
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			const each = 100
			turns := func(b []byte) []byte {
				for i := range each {
					b = appendTiny(appendHeader(b, [...][]byte{other, one}[i%2]), 0)
				}
				return b
			}
			return a.encoder(one, each, func() func([]byte) []byte { return turns })
		},
	}
}

// tinyEach is how many tiny packets are sent at once.
const tinyEach = batch / (framing + tinySize)

// tiny makes tiny packets whose send times go on by a millisecond each thousand.
func tiny() func(b []byte) []byte {
	made := uint32(0)
	return func(b []byte) []byte {
		for range tinyEach {
			b, made = appendTiny(b, made/1000), made+1
		}
		return b
	}
}

func tinyPackets() Attack {
	return Attack{
		Name: "tiny-packets", What: "pushes packets of 14 bytes, which are 24 in a backlog, as fast as it can",
		Unit: "packets",
		Own:  Bounds{For: 3 * time.Second, Units: 1_400_000, Connections: 1, Rate: -1},
		run: func(a *assault) error {
			header, err := soundOf(1400, 0)
			if err != nil {
				return err
			}
			return a.encoder(header, tinyEach, tiny)
		},
	}
}

// tinyStreams is how many streams tiny-encoders has: one for each of its connections.
const tinyStreams = 12

func tinyEncoders() Attack {
	return Attack{
		Name: "tiny-encoders", What: "pushes packets of 14 bytes to twelve streams, as fast as it can",
		Unit: "packets",
		Own:  Bounds{For: 3 * time.Second, Units: 12_000_000, Connections: tinyStreams, Rate: -1},
		run: func(a *assault) error {
			header, err := soundOf(1400, 0)
			if err != nil {
				return err
			}
			free := make(chan string, tinyStreams)
			for i := range tinyStreams {
				free <- fmt.Sprintf(a.t.Push, i+1)
			}
			return a.workers(func() error {
				path := <-free
				defer func() { free <- path }()
				c, err := a.publishTo(path, header)
				if err != nil {
					return err
				}
				defer c.Close()
				var b []byte
				for more := tiny(); a.next(tinyEach); {
					if err := a.send(c, more(b[:0])); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}
