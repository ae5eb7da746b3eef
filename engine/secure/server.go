package secure

import (
	"bytes"
	"context"
	"crypto/fips140"
	"crypto/tls"
	"encoding/hex"
	"net"
	"slices"
	"sync"
)

// Server does the server's side of handshakes, by one configuration. Any goroutine may
// use it.
type Server struct {
	config *tls.Config // of which the keys of session tickets are used

	mu    sync.Mutex
	spare []*informant // as many as there were handshakes at the same time
}

// NewServer makes a server. It has session tickets of its own if cfg has no keys for
// them. cfg must not be changed any more; its KeyLogWriter is not used.
func NewServer(cfg *tls.Config) *Server {
	s := &Server{config: cfg.Clone()}
	s.config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if cfg.GetConfigForClient != nil {
			if other, err := cfg.GetConfigForClient(hello); other != nil || err != nil {
				return other, err
			}
		}
		// The module that FIPS 140 is about wants to count the records itself.
		if fips140.Enabled() || !slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
			return nil, nil // the one it has
		}
		h := &handover{informant: s.informant(cfg)}
		h.informant.handover = h
		hello.Conn.(*wire).shaking.handover = h // crypto/tls has it from Serve
		return h.informant.config, nil
	}
	return s
}

// Serve does a handshake on conn. Afterwards nothing is read from conn or written to it:
// it is the caller's, who moves the bytes. place is the handshake's place in a room, nil
// if there is none. When ctx is done the handshake fails; conn is then of no use.
func (s *Server) Serve(ctx context.Context, conn net.Conn, place *Place) (*Conn, error) {
	shaking := &shaking{conn: conn, place: place, left: maxHello}
	c := &Conn{wire: wire{shaking: shaking}}
	c.tls = tls.Server(&c.wire, s.config)
	if err := place.calculate(); err != nil {
		return nil, err
	}
	err := c.tls.HandshakeContext(ctx)
	if h := shaking.handover; h != nil {
		s.giveBack(h.informant)
		if err == nil {
			err = c.takeOver(h)
		}
		clear(h.secret[:])
	}
	place.yield()
	if err != nil {
		return nil, err
	}
	c.wire.shaking, c.wire.barren = nil, 0
	return c, nil
}

// takeOver has the connection make its records itself, if it can.
func (c *Conn) takeOver(h *handover) error {
	state := c.tls.ConnectionState()
	if err := c.sealer.take(&state, h); err != nil {
		return err
	}
	if c.sealer.ready() {
		c.wire.sealer = &c.sealer
	}
	return nil
}

// handover is what a handshake leaves to who makes the records after it.
type handover struct {
	informant *informant
	secret    [maxSecret]byte
	size      int    // bytes of the secret; 0: there is none yet
	flight    []byte // what has been sent since there is one
}

// sent notes what crypto/tls has sent; the nil handover does nothing.
func (h *handover) sent(b []byte) {
	if h != nil && h.size > 0 {
		h.flight = append(h.flight, b...)
	}
}

// informant is a configuration that tells one handshake at a time the secret that its
// records have: crypto/tls tells the configuration and nobody else. It is used again,
// because a connection keeps its configuration for as long as it lives, and each of
// thousands would keep another.
type informant struct {
	config   *tls.Config
	handover *handover // of the present handshake
}

// informant is a spare one, or one more.
func (s *Server) informant(cfg *tls.Config) *informant {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.spare) - 1; last >= 0 {
		i := s.spare[last]
		s.spare = s.spare[:last]
		return i
	}
	i := &informant{config: cfg.Clone()}
	i.config.GetConfigForClient = nil
	i.config.KeyLogWriter = i
	return i
}

func (s *Server) giveBack(i *informant) {
	i.handover = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = append(s.spare, i)
}

// serverSecret is how the line begins that has the first secret of what a server sends
// after its handshake; the client's random number follows, and then the secret.
var serverSecret = []byte("SERVER_TRAFFIC_SECRET_0 ")

// Write implements [io.Writer] for crypto/tls, which gives a line with each secret.
func (i *informant) Write(line []byte) (int, error) {
	rest, ok := bytes.CutPrefix(line, serverSecret)
	if h := i.handover; ok && h != nil {
		_, secret, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
		if hex.DecodedLen(len(secret)) <= len(h.secret) {
			h.size, _ = hex.Decode(h.secret[:], secret)
		}
	}
	return len(line), nil
}
