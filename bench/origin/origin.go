package origin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"streampump/codec/asf"
)

const (
	// writeTimeout is how long a server may take to take a packet before it is
	// given up: far longer than one that lives needs.
	writeTimeout = 5 * time.Second
	// queued is how many packets wait for one client: some seconds of any
	// stream. Whoever is further behind does not read.
	queued = 1024
	// maxClients bounds who is connected at once: a server needs one or two.
	maxClients = 16
)

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
// connected; one that does not take them is left behind and then let go, and
// holds up neither the others nor the source.
type Server struct {
	listener net.Listener
	source   Source
	raw      []byte // the header
	header   *asf.Header
	framing  Framing

	joined chan struct{} // closed when the first has the header
	once   sync.Once
	work   sync.WaitGroup

	mu      sync.Mutex
	over    bool // nobody is let in any more
	clients map[*client]bool
}

// client is one connection. Its queue is closed, under the server's mu, when it
// is no client any more.
type client struct {
	conn  net.Conn
	queue chan []byte
	// Guarded by the server's mu.
	greeted, begun bool
}

// Listen makes a server on a free port of 127.0.0.1. Run makes it work; one that
// is not run is to be closed.
func Listen(source Source, framing Framing) (*Server, error) {
	raw := source.Header()
	if len(raw) == 0 {
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
		listener: l, source: source, raw: raw, header: header, framing: framing,
		clients: map[*client]bool{}, joined: make(chan struct{}),
	}, nil
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Joined is closed once a server has fetched the header.
func (s *Server) Joined() <-chan struct{} { return s.joined }

// Close ends a server that is not run.
func (s *Server) Close() { _ = s.listener.Close() }

// Run gives out the stream until ctx ends or the source does; that is no error.
// What is queued is still sent then, unless ctx ends. When it returns, all
// connections are closed and all its goroutines have ended.
func (s *Server) Run(ctx context.Context) error {
	s.work.Go(s.accept)
	err := s.give(ctx)
	_ = s.listener.Close()
	s.mu.Lock()
	s.over = true
	open := slices.Collect(maps.Keys(s.clients))
	for _, c := range open {
		s.dropLocked(c)
		if !c.greeted {
			_ = c.conn.Close()
		}
	}
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		for _, c := range open {
			_ = c.conn.Close()
		}
	})
	defer stop()
	s.work.Wait()
	return err
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // it is closed
		}
		c := &client{conn: conn, queue: make(chan []byte, queued)}
		s.mu.Lock()
		if s.over || len(s.clients) >= maxClients {
			_ = conn.Close()
		} else {
			s.clients[c] = true
			s.work.Go(func() { s.serve(c) })
		}
		s.mu.Unlock()
	}
}

// serve answers a request with the header, and sends the packets that follow.
func (s *Server) serve(c *client) {
	defer s.leave(c)
	if s.greet(c) != nil {
		return
	}
	s.mu.Lock()
	c.greeted = true
	s.mu.Unlock()
	s.once.Do(func() { close(s.joined) })
	for block := range c.queue {
		_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := c.conn.Write(block); err != nil {
			return
		}
	}
}

// greet reads a request and answers it with the header.
func (s *Server) greet(c *client) error {
	_ = c.conn.SetDeadline(time.Now().Add(writeTimeout)) // one that fails fails below
	if _, err := http.ReadRequest(bufio.NewReader(c.conn)); err != nil {
		return err
	}
	head := []byte("HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\nCache-Control: no-cache\r\n")
	if s.framing == Metacube {
		head = append(head, "Content-Encoding: metacube\r\n\r\n"...)
		head = appendBlock(head, flagHeader, s.raw)
	} else {
		head = append(append(head, "\r\n"...), s.raw...)
	}
	_, err := c.conn.Write(head)
	return err
}

// leave ends a client's connection.
func (s *Server) leave(c *client) {
	_ = c.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(c)
}

// dropLocked gives a client no more packets. Its goroutine ends the connection
// once it has sent those that are queued.
func (s *Server) dropLocked(c *client) {
	if s.clients[c] {
		delete(s.clients, c)
		close(c.queue)
	}
}

// give hands out the packets as they come.
func (s *Server) give(ctx context.Context) error {
	var parsed asf.Packet
	for {
		packet, _, err := s.source.Next()
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if len(packet) != s.header.PacketSize() {
			return fmt.Errorf("the source's packet has %d bytes, and a file of such packets %d each", len(packet), s.header.PacketSize())
		}
		if err := parsed.Parse(packet, len(packet)); err != nil {
			return fmt.Errorf("the source's packet: %w", err)
		}
		start := s.header.StartsKey(&parsed, packet)
		s.send(s.frame(packet, start), start)
	}
}

// frame is a copy of a packet as it lies in the body.
func (s *Server) frame(packet []byte, start bool) []byte {
	b := make([]byte, 0, metacubeSize+len(packet))
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
	for c := range s.clients {
		if !c.begun && !(start && c.greeted) {
			continue
		}
		c.begun = true
		select {
		case c.queue <- block:
		default:
			s.dropLocked(c)
			_ = c.conn.Close()
		}
	}
}
