package attack

import (
	"errors"
	"io"
	"net"
	"time"

	"streampump/bench/rtmpclient"
)

// rtmpViewers is an attack by viewers over RTMP. Whoever is sent away comes back.
func rtmpViewers(name, what string, connections int, rate float64, control func(fd int) error, do func(*assault, *rtmpclient.Viewer) error) Attack {
	return Attack{
		Name: name, What: what, Unit: "viewers",
		Own: Bounds{For: 3 * time.Second, Units: 10_000, Connections: connections, Rate: rate},
		run: func(a *assault) error {
			return a.workers(func() error {
				for a.next(1) {
					v, err := a.playRTMP(control)
					if err != nil {
						return err
					}
					err = do(a, v)
					_ = v.Close()
					if err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// discard reads all that comes until stop, which closes the connection: nothing is counted
// after that.
func discard(c net.Conn) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, c)
	}()
	return func() {
		_ = c.Close()
		<-done
	}
}

// rtmpTurns are viewers that begin and stop again and again.
func rtmpTurns() Attack {
	return rtmpViewers("rtmp-turns", "pauses and goes on in turn, ends the stream and plays it again in between, and reads what comes", 40, -1, nil, func(a *assault, v *rtmpclient.Viewer) error {
		defer discard(v.Conn.Conn)()
		for i := 0; a.wait(comeBack); i++ {
			var err error
			switch {
			case i%20 < 18:
				_, err = v.Ask(a.ctx, v.Stream, "pause", nil, i%2 == 0, 0.0)
			case i%20 == 18:
				_, err = v.Ask(a.ctx, 0, "deleteStream", nil, float64(v.Stream))
			default:
				_, err = v.Ask(a.ctx, v.Stream, "play", nil, v.Name, -2000.0)
			}
			if err != nil {
				a.count(func(d *Did) { d.Closed++ })
				return err
			}
		}
		return nil
	})
}

// floods are viewers that send one thing again and again.
func floods(name, what string, control func(fd int) error, read bool, text func() []byte) Attack {
	return rtmpViewers(name, what, 40, -1, control, func(a *assault, v *rtmpclient.Viewer) error {
		if read {
			defer discard(v.Conn.Conn)()
		}
		for b := text(); a.wait(comeBack); {
			if err := v.Send(a.ctx, b); err != nil {
				a.count(func(d *Did) { d.Closed++ })
				return err
			}
		}
		return nil
	})
}

func rtmpPings() Attack {
	return floods("rtmp-pings", "watches, pings the pump eight times at once again and again, and reads nothing", smallWindow, false, func() (b []byte) {
		for i := range 8 {
			b = rtmpclient.AppendMessage(b, rtmpclient.ControlMessage(rtmpclient.PingRequest, uint32(i)), 128)
		}
		return b
	})
}

func rtmpTalks() Attack {
	return floods("rtmp-talks", "watches and sends megabytes of acknowledgements and of commands that nobody knows meanwhile", nil, true, func() (b []byte) {
		for i := range 1000 {
			b = rtmpclient.AppendMessage(b, rtmpclient.NumberMessage(rtmpclient.TypeAck, uint32(i)), 128)
			b = rtmpclient.AppendMessage(b, rtmpclient.ValuesMessage(rtmpclient.TypeCommand, 3, 0, 0, "receiveAudio", 0.0, nil, true), 128)
		}
		return b
	})
}

// rtmpSips are viewers that read a byte now and then.
func rtmpSips() Attack {
	return rtmpViewers("rtmp-sips", "watches and reads a byte now and then", 100, -1, smallWindow, func(a *assault, v *rtmpclient.Viewer) error {
		a.sip(v.Conn.Conn)
		return nil
	})
}

// rtmpNeverReads are viewers that take nothing.
func rtmpNeverReads() Attack {
	return rtmpViewers("rtmp-never-reads", "watches, two hundred times, and reads nothing from then on", 200, 1000, smallWindow, func(a *assault, v *rtmpclient.Viewer) error {
		for a.ctx.Err() == nil && !hungUp(v.Conn.Conn.(counted).Conn) {
			a.wait(drip)
		}
		if a.ctx.Err() != nil {
			return nil
		}
		a.count(func(d *Did) { d.Closed++ })
		return errors.New("the pump has closed the connection")
	})
}

// strangers is an attack by peers that have connected and ask for no stream: each sends a
// text again and again.
func strangers(name, what string, connections int, text func() []byte) Attack {
	return Attack{
		Name: name, What: what, Unit: "writes",
		Own: Bounds{For: 3 * time.Second, Units: 100_000, Connections: connections, Rate: -1},
		run: func(a *assault) error {
			b := text()
			return a.workers(func() error {
				l, err := a.connectRTMP()
				if err != nil {
					return err
				}
				defer l.Close()
				for a.next(1) {
					if _, err := l.Write(b); err != nil {
						return err
					}
				}
				<-a.ctx.Done()
				return nil
			})
		},
	}
}

func rtmpCalls() Attack {
	return strangers("rtmp-calls", "connects, and makes and ends streams without waiting for the answers", 20, func() (b []byte) {
		for len(b) < batch {
			for _, call := range []string{"createStream", "releaseStream", "deleteStream", "FCPublish"} {
				b = rtmpclient.AppendMessage(b, rtmpclient.ValuesMessage(rtmpclient.TypeCommand, 3, 0, 0, call, 7.0, nil, 1.0), 128)
			}
		}
		return b
	})
}

func rtmpChatter() Attack {
	return strangers("rtmp-chatter", "connects, and sends messages of one byte that say nothing, in the name of a stream that was never asked for", 10, func() (b []byte) {
		m := rtmpclient.Message{Chunk: 10, Type: rtmpclient.TypeAudio, Stream: rtmpStream}
		b = rtmpclient.AppendHead(b, 0, m, 0, 0)
		for len(b) < batch {
			b = rtmpclient.AppendHead(b, 3, m, 0, 0)
		}
		return b
	})
}

// rtmpLeft are connections that get as far as a stream, and do no more.
func rtmpLeft() Attack {
	return Attack{
		Name: "rtmp-left", What: "makes a stream on one connection after another of one address, and neither plays nor publishes it",
		Unit: "connections",
		Own:  Bounds{For: 3 * time.Second, Units: 4000, Connections: 300, Rate: 1000},
		run: func(a *assault) error {
			create := rtmpclient.AppendMessage(nil, rtmpclient.ValuesMessage(rtmpclient.TypeCommand, 3, 0, 0, "createStream", 2.0, nil), 128)
			return a.workers(func() error {
				if !a.next(1) {
					return nil
				}
				l, err := a.connectRTMP()
				if err != nil {
					return err
				}
				defer l.Close()
				if _, err := l.Write(create); err != nil {
					return err
				}
				select {
				case <-l.gone:
					return errors.New("the pump has closed the connection")
				case <-a.ctx.Done():
					return nil
				}
			})
		},
	}
}
