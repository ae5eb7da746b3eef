package main

import (
	"crypto/rand"
	"fmt"
	"strings"

	"streampump/cmd/internal/cli"
	"streampump/codec"
	"streampump/codec/connect"
	"streampump/codec/mmsh"
	"streampump/codec/rtmp"
	"streampump/codec/rtsp"
	"streampump/config"
	"streampump/engine"
	"streampump/engine/route"
	"streampump/engine/trust"
)

// product is what the pump calls itself to its peers.
const product = "Stream Pump"

// agent is the same as protocols have it that want one word and a version.
var agent = strings.ReplaceAll(product, " ", "-") + "/" + cli.Version

// protocolsOf are the protocols that every listener takes. MMSH is HTTP, and answers those
// whom nobody understands.
func protocolsOf(c *config.Config, page func(path string) (string, bool)) []codec.Protocol {
	return []codec.Protocol{
		rtsp.NewProtocol(rtsp.Options{
			Server:  agent,
			MaxHead: c.MaxHead, Timeout: c.Engine.Timeouts.Session,
		}),
		rtmp.NewProtocol(rtmp.Options{Server: agent}),
		mmsh.NewProtocol(mmsh.Options{
			Product: product, Version: cli.Version,
			MaxHead: c.MaxHead, Timeout: c.Engine.Timeouts.Session,
			Page: page,
		}),
	}
}

// streamsOf turns the enabled streams into the engine's.
func streamsOf(c *config.Config) (out []engine.StreamConfig, err error) {
	proxy := route.Proxy{Address: c.Proxy.Address, Local: c.Proxy.Local}
	for _, s := range c.Streams {
		if !s.Enabled {
			continue
		}
		sc := engine.StreamConfig{Name: s.Name, Path: s.Path, Protocol: s.Type.Protocol(), Limits: s.Limits, FullLocation: s.FullTo}
		switch {
		case s.Type.Pushed():
			sc.Push = true
		case s.Type == config.TypeFile:
			sc.File = &engine.FileConfig{File: s.File, Open: mmsh.NewFile}
		case s.Type.Pulled():
			if sc.Pull, err = pullOf(s, proxy); err != nil {
				return nil, fmt.Errorf("stream %q: %w", s.Path, err)
			}
		}
		out = append(out, sc)
	}
	return out, nil
}

// pullOf joins a pulled stream's address, its protocol and the way there. A source
// without TLS may redirect us to one with it, which is then judged as any other.
func pullOf(s config.Stream, proxy route.Proxy) (*engine.PullConfig, error) {
	opens := map[string]func(config.Pull) (func() codec.Dialled, error){
		config.MMSH: mmshPull, config.RTSP: rtspPull, config.RTMP: rtmpPull,
	}
	open, err := opens[s.Type.Protocol()](s.Pull)
	if err != nil {
		return nil, err
	}
	believed := trust.Options{Host: s.Pull.Host}
	if s.Pull.TLS != nil {
		believed = *s.Pull.TLS
	}
	return &engine.PullConfig{Open: open, Route: proxy.Route, TLS: trust.New(believed).For, Tunnel: connect.New}, nil
}

// mmshPull opens conversations with a source of MMSH.
func mmshPull(p config.Pull) (func() codec.Dialled, error) {
	u, err := mmsh.NewURL(p.Host, uint16(p.Port), p.Path, p.TLS != nil)
	return func() codec.Dialled { return mmsh.NewPull(mmsh.PullOptions{URL: u}) }, err
}

// rtspPull opens conversations with a source of RTSP. What one learns of it is for the
// next: there is one at a time.
func rtspPull(p config.Pull) (func() codec.Dialled, error) {
	u, err := rtsp.NewURL(p.Host, uint16(p.Port), p.Path, p.TLS != nil)
	o := rtsp.PullOptions{
		URL: u, User: p.User, Password: p.Password,
		ClientNonce: rand.Text, Past: &rtsp.Past{},
	}
	return func() codec.Dialled { return rtsp.NewPull(o) }, err
}

// rtmpPull opens conversations with a source of RTMP.
func rtmpPull(p config.Pull) (func() codec.Dialled, error) {
	u, err := rtmp.NewURL(p.Host, uint16(p.Port), p.Path, p.TLS != nil)
	return func() codec.Dialled { return rtmp.NewPull(rtmp.PullOptions{URL: u}) }, err
}
