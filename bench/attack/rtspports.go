package attack

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"streampump/bench/rtspclient"
)

// victim is an address that attackers name and do not come from.
var victim = net.IPv4(127, 66, 7, 7)

// udpAims are viewers that name another's address. All name one pair of ports there: what
// the pump sends goes to the address that they come from.
func udpAims() Attack {
	return Attack{
		Name: "rtsp-udp-aims", What: "watches by UDP and names another's address, on many connections and to the same ports", Unit: "viewers",
		Own: Bounds{For: 3 * time.Second, Units: 1000, Connections: 40, Rate: -1},
		run: func(a *assault) error {
			theirs, ours, err := a.listenTwice(victim, source)
			if err != nil {
				return err
			}
			defer theirs.Close()
			defer ours.Close()
			var here atomic.Int64
			a.hear(theirs, func() { a.wrong("a datagram comes to %s, from where nobody has connected", victim) })
			a.hear(ours, func() { here.Add(1) })
			err = a.rtspWorkers(nil, func(_ context.Context, c *rtspclient.Client) error {
				if !a.next(1) {
					return nil
				}
				if _, err := a.playTo(c, theirs.pair(), ";destination=", victim.String(), ";source=", victim.String()); err != nil {
					return err
				}
				<-a.ctx.Done()
				return nil
			})
			if here.Load() == 0 {
				a.wrong("no datagram comes to the address that was connected from")
			}
			return err
		},
	}
}

// listenTwice opens sockets of the same ports at two addresses. Somebody may have them at
// one: then others are tried.
func (a *assault) listenTwice(first, second net.IP) (one, two ears, err error) {
	for range 100 {
		if one, err = a.listen(first); err != nil {
			return one, two, err
		}
		if two, err = a.at(second, one); err == nil {
			return one, two, nil
		}
		one.Close()
	}
	return one, two, err
}

// at opens sockets of the same ports as others at another address.
func (a *assault) at(host net.IP, as ears) (e ears, err error) {
	for i := range e {
		if e[i], err = net.ListenUDP("udp", &net.UDPAddr{IP: host, Port: as[i].LocalAddr().(*net.UDPAddr).Port}); err != nil {
			e.Close()
			return e, err
		}
	}
	return e, nil
}

// hear calls each for each datagram, until the attack is over.
func (a *assault) hear(e ears, each func()) {
	for _, c := range e {
		stop := ends(a, c)
		a.readers.Go(func() {
			defer stop()
			b := make([]byte, 64<<10)
			for {
				n, err := c.Read(b)
				if n > 0 {
					a.count(func(d *Did) { d.Received += int64(n) })
					each()
				}
				if err != nil {
					return
				}
			}
		})
	}
}

// udpStrangers sends to the pump's own ports what nobody may say there: goodbyes of its
// tracks and of viewers, reports, and bytes that are nothing.
func udpStrangers() Attack {
	const senders = 4
	return Attack{
		Name: "rtsp-udp-strangers", What: "sends goodbyes, reports and whatever else to the ports from which packets come by UDP, from its own ports and from others", Unit: "datagrams",
		Own: Bounds{For: 3 * time.Second, Units: 240_000, Connections: 1, Rate: 120_000},
		run: func(a *assault) error {
			return a.rtspWorkers(nil, func(_ context.Context, c *rtspclient.Client) error {
				own, err := a.listen(source)
				if err != nil {
					return err
				}
				defer own.Close()
				said, err := a.playTo(c, own.pair())
				if err != nil {
					return err
				}
				port, ssrc := portsIn(said)
				if port == 0 {
					return fmt.Errorf("the pump names no port: %q", said)
				}
				var heard atomic.Int64
				a.hear(own, func() { heard.Add(1) })
				for i := range senders {
					from, err := a.listen(sourceOf(i))
					if err != nil {
						return err
					}
					defer from.Close()
					a.readers.Go(func() { a.shout(from, port, ssrc) })
				}
				a.shout(own, port, ssrc)
				a.wait(drip) // what is still on its way
				was := heard.Load()
				for began := time.Now(); heard.Load() == was && time.Since(began) < time.Second && a.wait(comeBack); {
				}
				if heard.Load() == was && a.ctx.Err() == nil {
					a.wrong("the viewer who said goodbye there gets nothing further")
				}
				<-a.ctx.Done()
				return nil
			})
		},
	}
}

// portsIn are the pump's first port and the SSRC that a Transport names.
func portsIn(transport string) (port int, ssrc uint32) {
	for part := range strings.SplitSeq(transport, ";") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "server_port":
			first, _, _ := strings.Cut(value, "-")
			port, _ = strconv.Atoi(first)
		case "ssrc":
			n, _ := strconv.ParseUint(value, 16, 32)
			ssrc = uint32(n)
		}
	}
	return port, ssrc
}

// shout sends datagrams from two sockets to the pump's two ports, until the attack is over
// or has sent enough.
func (a *assault) shout(from ears, port int, ssrc uint32) {
	const each = 100
	id := string([]byte{byte(ssrc >> 24), byte(ssrc >> 16), byte(ssrc >> 8), byte(ssrc)})
	list := [][]byte{
		[]byte("\x80\xc9\x00\x01" + id + "\x81\xcb\x00\x01" + id), // a report, and goodbye
		[]byte("\x81\xcb\x00\x01" + id),
		[]byte("\x80\xc8\x00\x06" + id + strings.Repeat("\xff", 20)),
		[]byte("\x80\x60\x00\x01\x00\x00\x00\x01" + id + strings.Repeat("x", 1400)),
		{},
		[]byte(strings.Repeat("\xff", 1400)),
		[]byte("TEARDOWN " + a.rtsp(a.t.View) + " RTSP/1.0\r\nCSeq: 9\r\n\r\n"),
	}
	pump := netip.MustParseAddrPort(a.t.Addr).Addr()
	for i := 0; a.next(each); {
		for range each {
			i++
			to := netip.AddrPortFrom(pump, uint16(port+i/2%2))          //nolint:gosec // it is a port
			n, _ := from[i%2].WriteToUDPAddrPort(list[i%len(list)], to) // nobody may listen there
			a.count(func(d *Did) { d.Sent += int64(n) })
		}
	}
}
