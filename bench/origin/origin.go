package origin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"streampump/codec/asf"
)

// writeTimeout is how long a server may take to take a packet before it is
// given up: far longer than one that lives needs.
const writeTimeout = 5 * time.Second

// dataObject is the size of the Data Object's own fields behind the header
// [ASF 3.2.3]; packets follow.
const dataObject = 50

// Source is an encoder in real time; see push.Source.
type Source interface {
	Header() []byte
	Next() (packet []byte, sendTime uint32, err error)
}

// Framing is how a stream lies in a body.
type Framing uint8

// The framings.
const (
	Plain    Framing = iota // an ASF file without an end
	Metacube                // the same in Metacube blocks
)

// Server answers every request with the stream. Its packets go to whoever is
// connected, from one goroutine.
type Server struct {
	listener net.Listener
	source   Source
	header   *asf.Header
	framing  Framing

	mu      sync.Mutex
	clients map[net.Conn]bool // and whether it has begun
	joined  chan struct{}     // closed when the first has connected
	once    sync.Once
	work    sync.WaitGroup
}

// Listen makes a server on a free port of 127.0.0.1. Run makes it work.
func Listen(source Source, framing Framing) (*Server, error) {
	raw := source.Header()
	if len(raw) < dataObject {
		return nil, errors.New("the source has no header")
	}
	header, err := asf.ParseHeader(raw)
	if err != nil {
		return nil, fmt.Errorf("the source's header: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no port for the source: %w", err)
	}
	return &Server{
		listener: l, source: source, header: header, framing: framing,
		clients: map[net.Conn]bool{}, joined: make(chan struct{}),
	}, nil
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Joined is closed once a server has fetched the stream.
func (s *Server) Joined() <-chan struct{} { return s.joined }

// Run gives out the stream until ctx ends or the source does.
func (s *Server) Run(ctx context.Context) error {
	s.work.Go(s.accept)
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() })
	defer stop()
	err := s.give(ctx)
	_ = s.listener.Close()
	s.work.Wait() // whoever is being greeted is a client then
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.clients {
		_ = c.Close()
	}
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return // it is closed
		}
		s.work.Go(func() { s.greet(c) })
	}
}

// greet answers a request with the header; the packets follow from give.
func (s *Server) greet(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(writeTimeout))
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		_ = c.Close()
		return
	}
	head := []byte("HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\nCache-Control: no-cache\r\n")
	if s.framing == Metacube {
		head = append(head, "Content-Encoding: metacube\r\n"...)
	}
	head = append(head, "\r\n"...)
	if s.framing == Metacube {
		head = appendBlock(head, flagHeader, s.source.Header())
	} else {
		head = append(head, s.source.Header()...)
	}
	if _, err := c.Write(head); err != nil {
		_ = c.Close()
		return
	}
	_ = c.SetDeadline(time.Time{})
	s.mu.Lock()
	s.clients[c] = false
	s.mu.Unlock()
	s.once.Do(func() { close(s.joined) })
}

// give hands out the packets as they come.
func (s *Server) give(ctx context.Context) error {
	var block []byte
	var parsed asf.Packet
	for {
		packet, _, err := s.source.Next()
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := parsed.Parse(packet, len(packet)); err != nil {
			return fmt.Errorf("the source's packet: %w", err)
		}
		start := s.header.StartsKey(&parsed, packet)
		block = s.frame(block[:0], packet, start)
		s.send(block, start)
	}
}

// frame appends a packet as it lies in the body.
func (s *Server) frame(b, packet []byte, start bool) []byte {
	if s.framing == Plain {
		return append(b, packet...)
	}
	flags := uint16(flagNotStart)
	if start {
		flags = 0
	}
	return appendBlock(b, flags, packet)
}

// send sends a packet to all who have begun, and to those who begin with it.
func (s *Server) send(block []byte, start bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, begun := range s.clients {
		if !begun && !start {
			continue
		}
		s.clients[c] = true
		_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := c.Write(block); err != nil {
			_ = c.Close()
			delete(s.clients, c)
		}
	}
}
