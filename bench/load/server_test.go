package load

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/bench/meter"
	"streampump/bench/synth"
)

// server is the other end: as little of an MMSH server as players need, made
// from the specification and not from codec.
type server struct {
	t       *testing.T
	addr    string
	stamped bool
	corrupt bool        // a byte of media is wrong
	refuse  bool        // 503 for all
	pours   bool        // bytes without a stop and without a stream
	tls     *tls.Config // nil is plain TCP

	mu    sync.Mutex
	conns []net.Conn
	asked []string // "describe" or "play", in the order of the requests
	// segments is the size of each connection's, in bytes.
	segments []int
}

// mms is one MMS packet with the MMS data packet header [MS-WMSP] 2.2.3.1.2.
func mms(kind byte, location uint32, flags byte, payload []byte) []byte {
	b := []byte{'$', kind, 0, 0}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(payload)+8))
	b = binary.LittleEndian.AppendUint32(b, location)
	b = append(b, 0, flags)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(payload)+8))
	return append(b, payload...)
}

// framing is what mms puts in front of a payload.
const framing = 12

const playHead = "HTTP/1.0 200 OK\r\nServer: Rex/9.0\r\nContent-Type: application/x-mms-framed\r\n" +
	"Pragma: no-cache, client-id=7, features=\"broadcast\"\r\nConnection: close\r\n\r\n"

const describeHead = "HTTP/1.0 200 OK\r\nServer: Rex/9.0\r\nContent-Type: application/vnd.ms.wms-hdr.asfv1\r\n" +
	"Pragma: no-cache, client-id=7, features=\"broadcast\"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"

// pour answers with a plain body, as fast as the player takes it.
func pour(c net.Conn) {
	_, err := c.Write([]byte("HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\nConnection: close\r\n\r\n"))
	for b := make([]byte, 32<<10); err == nil; {
		_, err = c.Write(b)
	}
}

func serve(t *testing.T, s *server) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.t, s.addr = t, l.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.segments = append(s.segments, segmentOf(c))
			s.mu.Unlock()
			if s.tls != nil {
				c = tls.Server(c, s.tls)
			}
			serving.Go(func() { s.play(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.hangUp()
		serving.Wait()
	})
	return s
}

// segmentOf is the size of the segments that are sent on a connection.
func segmentOf(c net.Conn) (n int) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { n, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) })
	}
	if err != nil {
		return 0
	}
	return n
}

// hangUp cuts all connections.
func (s *server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
}

// play sends a stream, of about 100 packets a second, until the player goes.
func (s *server) play(c net.Conn) {
	defer c.Close()
	request, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	what := "play"
	if strings.Contains(strings.Join(request.Header["Pragma"], ","), "request-context=1") {
		what = "describe"
	}
	s.mu.Lock()
	s.asked = append(s.asked, what)
	s.mu.Unlock()
	if s.pours {
		pour(c)
		return
	}
	if s.refuse {
		_, _ = c.Write([]byte("HTTP/1.0 503 Service Unavailable\r\n\r\n"))
		return
	}
	e, err := synth.New(synth.Spec{Streams: []synth.Stream{synth.Video(1, 100, 400_000, 10)}, PacketSize: 1400})
	if err != nil {
		s.t.Error(err)
		return
	}
	if what == "describe" {
		_, _ = c.Write(append(fmt.Appendf(nil, describeHead, len(e.Header())+framing), mms('H', 0, 0x0C, e.Header())...))
		return
	}
	if _, err := c.Write(append([]byte(playHead), mms('H', 0, 0x0C, e.Header())...)); err != nil {
		return
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := uint32(0); ; i++ {
		<-tick.C
		if s.stamped {
			e.SetStamp(meter.Now())
		}
		packet, _, err := e.Next()
		if err != nil {
			s.t.Error(err)
			return
		}
		if s.corrupt && i == 20 {
			packet[len(packet)/4] ^= 1
		}
		if _, err := c.Write(mms('D', i, 0, packet)); err != nil {
			return
		}
	}
}
