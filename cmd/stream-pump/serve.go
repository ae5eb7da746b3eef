package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"streampump/admin"
	"streampump/cmd/internal/cli"
	"streampump/codec"
	"streampump/codec/mmsh"
	"streampump/config"
	"streampump/engine"
	"streampump/engine/route"
)

func newServeCommand(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "serve CONFIG",
		Short: "Run the streams of a configuration",
		Long: `Run the streams of a configuration until SIGTERM or Ctrl-C; viewers are then
told that the stream is over before the program ends. A configuration with
mistakes is refused before a socket is opened.`,
		Example: `  stream-pump serve pump.json`,
		Args:    cli.Arguments("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.load(args[0])
			if err != nil {
				return err
			}
			streams, err := streamsOf(c)
			if err != nil {
				return err
			}
			return e.serve(cmd.Context(), c, streams, func(*engine.Engine) {})
		},
	}
}

// serve runs the engine until ctx ends. ready is called once all doors are open.
func (e env) serve(ctx context.Context, c *config.Config, streams []engine.StreamConfig, ready func(*engine.Engine)) error {
	log := e.logger(c.Log)
	stop := keep(fit(c, log), log)
	defer stop()
	eng, err := engine.New(c.Engine, streams, []codec.Protocol{protocolOf(c)}, log)
	if err != nil {
		return err
	}
	var listen []string
	for _, a := range c.Listen {
		listen = append(listen, a.String())
	}
	if err := eng.Listen(listen...); err != nil {
		return err
	}
	var door *admin.Server
	if c.Admin.Enabled {
		if door, err = admin.Listen(c.Admin.Listen.String(), admin.Handler(eng, cli.Version), log); err != nil {
			eng.Shutdown()
			return err
		}
		log.Info("admin listener is open", "address", door.Address().String())
	}
	if err := eng.Start(); err != nil {
		eng.Shutdown()
		return err
	}
	for _, a := range eng.Addresses() {
		log.Info("listening", "address", a.String())
	}
	ready(eng)
	<-ctx.Done()
	log.Info("going down", "viewers", eng.Snapshot().Viewers, "within", c.Engine.Timeouts.Shutdown)
	eng.Shutdown()
	if door != nil {
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		door.Close(end)
	}
	log.Info("down")
	return nil
}

// protocolOf is the protocol that this version speaks.
func protocolOf(c *config.Config) codec.Protocol {
	return mmsh.NewProtocol(mmsh.Options{
		Product: "Stream Pump", Version: cli.Version,
		MaxHead: c.MaxHead, Timeout: c.Engine.Timeouts.Session,
	})
}

// streamsOf turns the enabled streams into the engine's.
func streamsOf(c *config.Config) (out []engine.StreamConfig, err error) {
	proxy := route.Proxy{Address: c.Proxy.Address, Local: c.Proxy.Local}
	for _, s := range c.Streams {
		if !s.Enabled {
			continue
		}
		sc := engine.StreamConfig{Name: s.Name, Path: s.Path}
		switch s.Type {
		case config.TypePush:
			sc.Push = true
		case config.TypeFile:
			sc.File = &engine.FileConfig{File: s.File, Open: mmsh.NewFile}
		case config.TypePull:
			if sc.Pull, err = pullOf(s, proxy); err != nil {
				return nil, fmt.Errorf("stream %q: %w", s.Path, err)
			}
		}
		out = append(out, sc)
	}
	return out, nil
}

// pullOf joins a pulled stream's address, its protocol and the way there.
func pullOf(s config.Stream, proxy route.Proxy) (*engine.PullConfig, error) {
	u := mmsh.URL{Host: s.Pull.Host, Port: uint16(s.Pull.Port), Path: s.Pull.Path}
	if err := u.Check(); err != nil {
		return nil, err
	}
	return &engine.PullConfig{
		Open:  func() codec.Dialled { return mmsh.NewPull(mmsh.PullOptions{URL: u}) },
		Route: proxy.Route,
	}, nil
}

// logger writes the program's log to standard error.
func (e env) logger(c config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.Level}
	if c.JSON {
		return slog.New(slog.NewJSONHandler(e.stderr, o))
	}
	return slog.New(slog.NewTextHandler(e.stderr, o))
}
