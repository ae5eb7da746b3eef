package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"streampump/admin"
	"streampump/cmd/internal/supervisor"
	"streampump/engine"
)

// Where a listener comes from, if the pump has not opened it itself.
const (
	fromManager = "the service manager"
	fromStore   = "the descriptor store"
)

// opening is a listener of the pump and where it comes from; from is empty for one that
// it opens itself.
type opening struct {
	engine.Listener
	from string
}

// openings are all listeners of a pump.
type openings struct {
	streams []opening // of viewers and encoders, those in clear first
	admin   opening   // without an address if none is wanted
	// given are the manager's own, by kind, and stored those that an earlier process has
	// stored and that nobody has taken yet.
	given  map[string][]supervisor.Socket
	stored []supervisor.Socket
}

// openings decides for each listener whether it is opened, or inherited: sockets of the
// service manager stand for all configured addresses of their kind; a stored socket
// stands for the configured address that is its own. Other stored ones are given up.
func (s service) openings(sec *security) (*openings, error) {
	given, stored, err := s.manager.Sockets()
	if err != nil {
		return nil, err
	}
	o := &openings{given: map[string][]supervisor.Socket{}, stored: stored}
	for _, g := range given {
		o.given[g.Name] = append(o.given[g.Name], g)
	}
	if err := o.fit(s); err != nil {
		return nil, err
	}
	o.streams = o.kind(supervisor.Plain, s.Listen)
	for _, l := range o.kind(supervisor.TLS, s.TLS.Listen) {
		l.TLS = sec.store.TLSConfig()
		o.streams = append(o.streams, l)
	}
	if s.Admin.Enabled {
		o.admin = o.kind(supervisor.Admin, []netip.AddrPort{s.Admin.Listen})[0]
	}
	var names []string
	for _, left := range o.stored {
		_ = left.Listener.Close()
		names = append(names, left.Name)
	}
	s.manager.Forget(names...)
	return o, nil
}

// fit says which of the manager's sockets have no place in the configuration.
func (o *openings) fit(s service) error {
	var wrong []error
	if len(o.given[supervisor.TLS]) > 0 && len(s.TLS.Listen) == 0 {
		wrong = append(wrong, errors.New(`the service manager gives a socket "tls", and the configuration has no TLS: set "ssl" and certificates, or take the socket out of its unit`))
	}
	switch n := len(o.given[supervisor.Admin]); {
	case n > 0 && !s.Admin.Enabled:
		wrong = append(wrong, errors.New(`the service manager gives a socket "admin", and the admin listener is off: set "enabled" in "admin", or take the socket out of its unit`))
	case n > 1:
		wrong = append(wrong, fmt.Errorf(`the service manager gives %d sockets "admin", and there is one admin listener`, n))
	}
	return errors.Join(wrong...)
}

// kind are the listeners of a kind.
func (o *openings) kind(name string, configured []netip.AddrPort) (out []opening) {
	for _, g := range o.given[name] {
		out = append(out, opening{engine.Listener{Address: g.Address().String(), Inherited: g.Listener}, fromManager})
	}
	if len(out) > 0 {
		return out
	}
	for _, a := range configured {
		l := opening{Listener: engine.Listener{Address: a.String()}}
		if kept := o.take(a); kept != nil {
			l.Inherited, l.from = kept, fromStore
		}
		out = append(out, l)
	}
	return out
}

// take is the stored socket of an address; nil if there is none.
func (o *openings) take(a netip.AddrPort) *net.TCPListener {
	i := slices.IndexFunc(o.stored, func(s supervisor.Socket) bool { return s.Address() == a })
	if i < 0 {
		return nil
	}
	l := o.stored[i].Listener
	o.stored = slices.Delete(o.stored, i, i+1)
	return l
}

// listeners are those of viewers and encoders, for the engine.
func (o *openings) listeners() (out []engine.Listener) {
	for _, l := range o.streams {
		out = append(out, l.Listener)
	}
	return out
}

// store has the manager keep what the pump has opened itself, for the next process.
func (o *openings) store(m *supervisor.Manager, open []*net.TCPListener, door *admin.Server) {
	for i, l := range o.streams {
		if l.from == "" {
			m.Store(open[i])
		}
	}
	if door != nil && o.admin.from == "" {
		m.Store(door.Listener())
	}
}

// attrs are a listener's origin in the log.
func (l opening) attrs() []any {
	if l.from == "" {
		return nil
	}
	return []any{"from", l.from}
}
