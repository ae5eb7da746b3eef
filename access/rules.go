package access

import (
	"net/netip"
	"strings"
)

// Rules say who may do one thing with a stream. The zero value lets everybody in.
type Rules struct {
	// Networks are the only ones from which peers may come; none means that they may
	// come from anywhere.
	Networks []netip.Prefix
	// Trusted are networks from which peers need no credentials.
	Trusted []netip.Prefix
	// Keys are those that tokens may be signed with.
	Keys []Key
	// Accounts are who may come with a password. One name may have several, each with
	// its password stored in another way.
	Accounts []Account
	// Pumps are the clients (of tokens, accounts or a backend) that may be pumps with
	// viewers of their own. Those of a trusted network may be, too.
	Pumps []string
	// Callback says how a backend is asked about peers that bring nothing of these, and
	// Backend is who asks it; nil if nobody is asked. Whoever makes a guard makes the
	// one of the other.
	Callback *Callback
	Backend  Backend
}

// asks reports whether the rules ask strangers for credentials.
func (r *Rules) asks() bool {
	return len(r.Keys) > 0 || len(r.Accounts) > 0 || r.Callback != nil || r.Backend != nil
}

// Open reports whether the rules let everybody in.
func (r *Rules) Open() bool {
	return !r.asks() && len(r.Networks) == 0 && len(r.Trusted) == 0
}

// Config is all rules of a pump.
type Config struct {
	// Default are the rules of streams that have none of their own, by role.
	Default [roles]Rules
	// Streams are the rules of single streams, by path in lower case. A stream's own
	// rules stand in place of all of the default's.
	Streams map[string]StreamRules
}

// StreamRules are one stream's own rules; nil stands for the default.
type StreamRules struct{ Publish, View *Rules }

func (s StreamRules) of(r Role) *Rules {
	if r == Publish {
		return s.Publish
	}
	return s.View
}

// Rules are those that hold for a stream, which need not exist.
func (c *Config) Rules(role Role, stream string) *Rules {
	if own := c.Streams[strings.ToLower(stream)].of(role); own != nil {
		return own
	}
	return &c.Default[role]
}

// Open reports whether everybody may do everything.
func (c *Config) Open() bool {
	for role := range roles {
		if !c.Default[role].Open() {
			return false
		}
		for _, s := range c.Streams {
			if own := s.of(role); own != nil && !own.Open() {
				return false
			}
		}
	}
	return true
}

// within reports whether one of the networks has the address.
func within(networks []netip.Prefix, a netip.Addr) bool {
	a = a.WithZone("")
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
