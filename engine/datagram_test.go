package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/codec"
	"streampump/engine/internal/text"
)

// datagramEngine is an engine that sends datagrams, from whatever ports there are.
func datagramEngine(t *testing.T, address string) (e *Engine, at string, first uint16) {
	t.Helper()
	for first = 36_000; first < 46_000; first += 64 {
		cfg := labConfig()
		cfg.Loops, cfg.Datagrams.First, cfg.Timeouts.Shutdown = 2, first, 100*time.Millisecond
		e, err := New(cfg, []StreamConfig{{Path: "live", Push: true}}, []codec.Protocol{text.Protocol{}}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Listen(Plain(address)...); err != nil {
			t.Skip(err)
		}
		if len(e.datagrams) == 0 {
			e.Shutdown()
			continue
		}
		if err := e.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Shutdown)
		return e, e.Addresses()[0].String(), first
	}
	t.Fatal("no ports are free")
	return nil, "", 0
}

// Viewers on two real loops have their packets on sockets of their own, from the address
// that they have connected to, and their answers on their connections.
func TestRealDatagrams(t *testing.T) {
	files := descriptors(t)
	for address, connect4 := range map[string]string{"0.0.0.0:0": "127.0.0.5", "[::]:0": "127.0.0.6", "[::1]:0": "::1"} {
		t.Run(address, func(t *testing.T) {
			e, at, first := datagramEngine(t, address)
			_, port, _ := net.SplitHostPort(at)
			at = net.JoinHostPort(connect4, port)
			enc := pushed(t, at)
			eventually(t, "the stream is up", func() bool { return e.Snapshot().Streams[0].PacketsIn > 0 })
			ports := map[uint16]bool{}
			for range 4 {
				v := connect(t, at)
				host := v.LocalAddr().(*net.TCPAddr).IP
				ear, err := net.ListenUDP("udp", &net.UDPAddr{IP: host})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = ear.Close() }()
				_ = ear.SetReadDeadline(time.Now().Add(patience))
				v.say(fmt.Sprintf("PLAY live port=%d", ear.LocalAddr().(*net.UDPAddr).Port))
				v.until('}', "{A}")
				buf := make([]byte, 1<<16)
				n, from, err := ear.ReadFromUDPAddrPort(buf)
				if err != nil || string(buf[:n]) != "<0K:first;" || from.Addr().Unmap() != netip.MustParseAddr(connect4) {
					t.Fatalf("%q from %v, %v", buf[:n], from, err)
				}
				ports[from.Port()] = true
				idle, err := unix.GetsockoptInt(serverSide(t, e, v), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
				if err != nil || idle != 30 {
					t.Errorf("a silent connection is probed after %d s, %v", idle, err)
				}
				v.say("REPLY")
				v.until('\n', "OK Reply")
				v.say("HALT")
				v.until('\n', "OK Halt")
				_ = v.Close()
			}
			if len(ports) != 2 || !ports[first] || !ports[first+2] {
				t.Errorf("packets came from ports %v, want %d and %d", ports, first, first+2)
			}
			enc.say("FINISH")
			e.Shutdown()
		})
	}
	eventually(t, "the descriptors of before", func() bool { return descriptors(t) <= files })
}

// serverSide is the engine's descriptor of a client's connection.
func serverSide(t *testing.T, e *Engine, c *client) (found int) {
	t.Helper()
	want := c.LocalAddr().(*net.TCPAddr).AddrPort()
	found = -1
	for _, l := range e.group.Loops() {
		fds := make(chan []int32, 1)
		l.Post(func() { fds <- l.Descriptors() })
		for _, fd := range <-fds {
			at, err := unix.Getpeername(int(fd))
			if err != nil {
				continue
			}
			switch a := at.(type) {
			case *unix.SockaddrInet4:
				if a.Port == int(want.Port()) {
					found = int(fd)
				}
			case *unix.SockaddrInet6:
				if a.Port == int(want.Port()) {
					found = int(fd)
				}
			}
		}
	}
	return found
}

// Where the ports are taken, the operator is told, and viewers play over connections.
func TestDatagramPortsTaken(t *testing.T) {
	_, _, first := datagramEngine(t, "127.0.0.1:0")
	cfg := labConfig()
	cfg.Datagrams.First, cfg.Timeouts.Shutdown = first, 100*time.Millisecond
	var log bytes.Buffer
	other, err := New(cfg, []StreamConfig{{Path: "live", Push: true}}, []codec.Protocol{text.Protocol{}}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Listen(Plain("127.0.0.1:0")...); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("UDP port %d cannot be opened", first); !strings.Contains(log.String(), want) {
		t.Errorf("no %q in %s", want, &log)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Shutdown()
	at := other.Addresses()[0].String()
	enc := pushed(t, at)
	v := playing(t, other, at)
	enc.say("P second")
	v.until(';', "second;")
}

func TestDescriptorsForDatagrams(t *testing.T) {
	cfg := labConfig()
	cfg.Loops = 64
	without := ReserveDescriptors(cfg, nil)
	cfg.Datagrams.First = 6970
	if n := ReserveDescriptors(cfg, nil) - without; n != 2*64 {
		t.Errorf("%d descriptors are kept back for the sockets of 64 loops", n)
	}
}

// Encoders on two real loops are heard, in both families, and what they leave behind is
// nothing.
func TestRealHearing(t *testing.T) {
	files := descriptors(t)
	for address, connect4 := range map[string]string{"0.0.0.0:0": "127.0.0.5", "[::]:0": "127.0.0.6", "[::1]:0": "::1"} {
		t.Run(address, func(t *testing.T) {
			e, at, first := datagramEngine(t, address)
			_, port, _ := net.SplitHostPort(at)
			at = net.JoinHostPort(connect4, port)
			for round := range 4 {
				enc := connect(t, at)
				mouth, err := net.ListenUDP("udp", &net.UDPAddr{IP: enc.LocalAddr().(*net.TCPAddr).IP})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = mouth.Close() }()
				enc.say(fmt.Sprintf("PUBLISH live port=%d", mouth.LocalAddr().(*net.UDPAddr).Port))
				enc.until('\n', "OK Publish")
				for k := range uint16(2) { // only one of the loops hears it
					to := netip.AddrPortFrom(netip.MustParseAddr(connect4), first+2*k)
					if _, err := mouth.WriteToUDPAddrPort([]byte("H A\nPk first"), to); err != nil {
						t.Fatal(err)
					}
				}
				eventually(t, "the packets have come", func() bool { return e.Snapshot().Streams[0].PacketsIn == uint64(round+1) })
				if n := e.group.Ears(); n != 3 {
					t.Errorf("%d sockets are open", n)
				}
				enc.say("FINISH")
				enc.until('\n', "END ended")
			}
			if n := e.group.Ears(); n != 0 {
				t.Errorf("%d sockets are open in the end", n)
			}
			e.Shutdown()
		})
	}
	eventually(t, "the descriptors of before", func() bool { return descriptors(t) <= files })
}
