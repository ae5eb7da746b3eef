package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"streampump/admin"
	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/logqueue"
	"streampump/cmd/internal/supervisor"
	"streampump/config"
	"streampump/engine"
)

func newServeCommand(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "serve CONFIG",
		Short: "Run the streams of a configuration",
		Long: `Run the streams of a configuration until SIGTERM or Ctrl-C; viewers are then
told that the stream is over before the program ends. A configuration with
mistakes is refused before a socket is opened; if only a stream's files cannot be
used, the others run and the pump keeps trying that one. CONFIG may be - for
standard input.`,
		Example: `  stream-pump serve pump.json`,
		Args:    cli.Arguments("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			signals := catch()
			defer signals.release()
			manager := supervisor.Open()
			defer manager.Close()
			c, problems := e.read(args[0])
			if c == nil {
				manager.Failed(fmt.Errorf("%s cannot be used: the log says why", configName(args[0])))
				e.print(problems)
				return e.refuse(args[0], problems)
			}
			log, err := e.openLog(c.Log)
			if err != nil {
				manager.Failed(err)
				return err
			}
			defer log.Close(logTime)
			for _, p := range problems {
				log.Log(cmd.Context(), levelOf(p), "the configuration has a problem", "why", p.String())
			}
			if err := manager.Unusable(); err != nil {
				log.Warn("not all that the service manager says can be used", "why", err)
			}
			streams, err := streamsOf(c)
			if err == nil {
				err = e.serve(cmd.Context(), service{
					Config: c, streams: streams, log: log, signals: signals,
					manager: manager, source: e.sourceOf(args[0]),
				})
			}
			if err != nil {
				manager.Failed(err)
				// In the log, whose format holds to its last line.
				log.Error("the pump cannot run", "why", err)
				return cli.ErrTold
			}
			return nil
		},
	}
}

// levelOf is how loud a problem of the configuration is in the log.
func levelOf(p config.Problem) slog.Level {
	if p.Warning {
		return slog.LevelWarn
	}
	return slog.LevelError
}

// service is what serve runs.
type service struct {
	*config.Config
	streams []engine.StreamConfig
	log     *logqueue.Queue
	signals *signals
	// manager is who started the pump, and source where its configuration came from; a
	// demo has neither.
	manager *supervisor.Manager
	source  source
	// foreground: it belongs to a terminal, and goes with it (SIGHUP).
	foreground bool
	// ready is called once all doors are open; it may be nil.
	ready func(*engine.Engine)
}

// serve runs the engine until ctx ends or a signal asks for the end.
func (e env) serve(ctx context.Context, s service) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	going := e.watch(ctx, end, s)
	defer going.done()

	p, err := e.start(ctx, s)
	if err != nil {
		return err
	}
	s.announce(p.eng, p.open)
	defer p.sec.run(ctx)()
	p.open.store(s.manager, p.eng.Listeners(), p.door)
	sup := &supervision{service: s, eng: p.eng, sec: p.sec, open: p.open}
	defer sup.begin(ctx)()
	<-ctx.Done()
	sup.end()
	s.log.Info("going down", "viewers", p.eng.Snapshot().Viewers, "within", s.Engine.Timeouts.Shutdown)
	p.eng.Shutdown()
	if p.door != nil {
		within, cancel := context.WithTimeout(context.Background(), adminTime)
		defer cancel()
		p.door.Close(within)
	}
	s.log.Info("down")
	return nil
}

// underway is a service that runs.
type underway struct {
	eng  *engine.Engine
	open *openings
	door *admin.Server // nil if there is none
	sec  *security
}

// start makes everything ready for a service and starts its engine. What takes rights
// comes first: when the listeners are open, the process gives up what it can.
func (e env) start(ctx context.Context, s service) (*underway, error) {
	log := s.log.Logger
	confined, err := e.confinementOf(s.Config, s.source.file())
	if err != nil {
		return nil, err
	}
	if err := noCore(s.Config); err != nil {
		return nil, err
	}
	guard(s.Config, log)
	timers, err := fit(s.Config, len(s.streams), log)
	if err != nil {
		return nil, err
	}
	sec, err := secure(s.Config, log)
	if err != nil {
		return nil, err
	}
	eng, err := engine.New(s.Engine, s.streams, protocolsOf(s.Config, sec.page), log)
	if err != nil {
		return nil, err
	}
	open, door, err := s.listen(ctx, eng, sec)
	if err != nil {
		return nil, err
	}
	if err = confined.enter(s.Config, sec, timers, log); err == nil {
		err = eng.Start()
	}
	if err != nil {
		eng.Shutdown()
		if door != nil {
			door.Close(ctx)
		}
		return nil, err
	}
	if door != nil {
		door.Serve()
	}
	return &underway{eng, open, door, sec}, nil
}

// listen opens or takes over all listeners. The admin listener is nil if none is wanted.
func (s service) listen(ctx context.Context, eng *engine.Engine, sec *security) (*openings, *admin.Server, error) {
	open, err := s.openings(sec)
	if err != nil {
		return nil, nil, err
	}
	if err := eng.Listen(open.listeners()...); err != nil {
		return nil, nil, advised(err, s.portKey())
	}
	door, err := s.openAdmin(ctx, eng, sec, open.admin)
	if err != nil {
		eng.Shutdown()
		return nil, nil, advised(err, adminKey)
	}
	return open, door, nil
}

// openAdmin opens the admin listener, or takes it over; nil if none is wanted.
func (s service) openAdmin(ctx context.Context, eng *engine.Engine, sec *security, at opening) (*admin.Server, error) {
	if !s.Admin.Enabled {
		return nil, nil
	}
	kinds := map[string]string{}
	for _, st := range s.Streams {
		if st.Enabled {
			kinds[st.Path] = string(st.Type)
		}
	}
	o := admin.Options{
		Source: eng, Version: cli.Version, Types: kinds, LogDropped: s.log.Dropped,
		Certificates: sec.status,
		GoingDown:    func() bool { return ctx.Err() != nil }, Log: few(s.log.Logger),
	}
	var door *admin.Server
	if at.Inherited != nil {
		door = admin.Inherit(at.Inherited, o)
	} else {
		var err error
		if door, err = admin.Listen(s.Admin.Listen, o); err != nil {
			return nil, err
		}
	}
	if a := door.Address().(*net.TCPAddr); at.from == fromManager && !a.IP.IsLoopback() { // others were warned of by the configuration
		s.log.Warn("the admin listener has no password, and can be reached from other machines", "address", a.String(), "from", at.from)
	}
	s.log.Info("admin listener is open", append([]any{"address", door.Address().String()}, at.attrs()...)...)
	return door, nil
}

// announce says what is served where.
func (s service) announce(eng *engine.Engine, open *openings) {
	for _, st := range s.Streams {
		if st.Enabled {
			s.log.Info("stream is configured", "stream", st.Path, "name", st.Name, "type", st.Type)
		}
	}
	for i, a := range eng.Addresses() {
		l := open.streams[i]
		s.log.Info("listening", append([]any{"address", a.String(), "tls", l.TLS != nil}, l.attrs()...)...)
	}
	if s.ready != nil {
		s.ready(eng)
	}
}
