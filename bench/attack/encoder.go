package attack

import (
	"time"

	"streampump/bench/player"
)

// inflatedPreroll makes a viewer begin as far back as it may.
const inflatedPreroll = time.Minute

func inflated() Attack {
	return Attack{
		Name: "inflated", What: "pushes packets of 14 bytes that a plain viewer gets as 65,000, falls silent, and is that viewer",
		Unit: "packets",
		Own:  Bounds{For: 3 * time.Second, Units: 20_000, Connections: 1, Rate: -1},
		run: func(a *assault) error {
			header, err := soundOf(largest, inflatedPreroll)
			if err != nil {
				return err
			}
			c, err := a.publish(header)
			if err != nil {
				return err
			}
			defer c.Close()
			for more := tiny(); a.next(tinyEach); {
				if err := a.send(c, more(nil)); err != nil {
					return err
				}
			}
			l, err := a.open()
			if err != nil {
				return err
			}
			defer l.Close()
			if _, err := l.Write(player.Curl().AppendPlay(nil, a.t.View, a.t.Addr, 0)); err != nil {
				return err
			}
			<-a.ctx.Done()
			return nil
		},
	}
}

// takeovers are encoders that take a stream from each other again and again.
func takeovers() Attack {
	return Attack{
		Name: "takeovers", What: "has encoders take one stream over from each other as fast as they can",
		Unit: "takeovers",
		Own:  Bounds{For: 3 * time.Second, Units: 20_000, Connections: 8, Rate: -1},
		run:  func(a *assault) error { return a.short(time.Minute) },
	}
}

// cutPushes are encoders that are cut as soon as they have begun.
func cutPushes() Attack {
	return Attack{
		Name: "cut-pushes", What: "begins a push with a header and some packets, and cuts it, again and again",
		Unit: "pushes",
		Own:  Bounds{For: 3 * time.Second, Units: 20_000, Connections: 4, Rate: -1},
		run:  func(a *assault) error { return a.short(0) },
	}
}

// short pushes a header and some packets, stays for a while or until it is turned
// away, and does it again.
func (a *assault) short(stay time.Duration) error {
	const few = 100 * (framing + tinySize)
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
			err = a.send(c, tiny()(nil)[:few])
			for until := time.Now().Add(stay); err == nil && time.Now().Before(until) && !c.Answered(); {
				if !a.wait(comeBack) {
					break
				}
			}
			_ = c.Close()
			if err != nil {
				return err
			}
		}
		return nil
	})
}
