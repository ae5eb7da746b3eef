package main

import (
	"fmt"

	"streampump/cmd/internal/cli"
	"streampump/codec"
	"streampump/codec/connect"
	"streampump/codec/mmsh"
	"streampump/config"
	"streampump/engine"
	"streampump/engine/route"
	"streampump/engine/trust"
)

// protocolOf is the protocol that this version speaks.
func protocolOf(c *config.Config, page func(path string) (string, bool)) codec.Protocol {
	return mmsh.NewProtocol(mmsh.Options{
		Product: "Stream Pump", Version: cli.Version,
		MaxHead: c.MaxHead, Timeout: c.Engine.Timeouts.Session,
		Page: page,
	})
}

// streamsOf turns the enabled streams into the engine's.
func streamsOf(c *config.Config) (out []engine.StreamConfig, err error) {
	proxy := route.Proxy{Address: c.Proxy.Address, Local: c.Proxy.Local}
	for _, s := range c.Streams {
		if !s.Enabled {
			continue
		}
		sc := engine.StreamConfig{Name: s.Name, Path: s.Path, Limits: s.Limits, FullLocation: s.FullTo}
		switch s.Type {
		case config.TypeMMSHPush:
			sc.Push = true
		case config.TypeFile:
			sc.File = &engine.FileConfig{File: s.File, Open: mmsh.NewFile}
		case config.TypeMMSHPull:
			if sc.Pull, err = pullOf(s, proxy); err != nil {
				return nil, fmt.Errorf("stream %q: %w", s.Path, err)
			}
		default:
			return nil, fmt.Errorf("stream %q: this version does not serve streams of type %s", s.Path, s.Type)
		}
		out = append(out, sc)
	}
	return out, nil
}

// pullOf joins a pulled stream's address, its protocol and the way there. A source
// without TLS may redirect us to one with it, which is then judged as any other.
func pullOf(s config.Stream, proxy route.Proxy) (*engine.PullConfig, error) {
	u := mmsh.URL{Host: s.Pull.Host, Port: uint16(s.Pull.Port), Path: s.Pull.Path, TLS: s.Pull.TLS != nil}
	if err := u.Check(); err != nil {
		return nil, err
	}
	believed := trust.Options{Host: s.Pull.Host}
	if s.Pull.TLS != nil {
		believed = *s.Pull.TLS
	}
	return &engine.PullConfig{
		Open:  func() codec.Dialled { return mmsh.NewPull(mmsh.PullOptions{URL: u}) },
		Route: proxy.Route,
		TLS:   trust.New(believed).For, Tunnel: connect.New,
	}, nil
}
