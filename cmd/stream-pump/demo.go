package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/spf13/cobra"

	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/supervisor"
	"streampump/codec/mmsh"
	"streampump/config"
	"streampump/demo"
	"streampump/engine"
)

// demoPath is the demo stream's path.
const demoPath = "demo"

func newDemoCommand(e env) *cobra.Command {
	port := uint16(8086)
	var verbose bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a built-in test stream",
		Long: `Run a built-in test stream, and print the addresses to open in players. It
needs no configuration and ends with Ctrl-C. An encoder can push to it as well.`,
		Example: `  stream-pump demo
  stream-pump demo --port 9000`,
		Args: cli.Arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := config.Default()
			c.Listen = []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), port)}
			c.Admin.Enabled = false
			if !verbose {
				c.Log.Level = quiet
			}
			signals := catch()
			defer signals.release()
			log, err := e.openLog(c.Log)
			if err != nil {
				return err
			}
			defer log.Close(logTime)
			streams := []engine.StreamConfig{
				{Name: "Demo", Path: demoPath, File: &engine.FileConfig{Data: demo.Clip(), Open: mmsh.NewFile}},
				{Name: "Pushed", Path: "live", Push: true},
			}
			return e.serve(cmd.Context(), service{
				Config: c, streams: streams, log: log, signals: signals, manager: supervisor.None(), foreground: true, ready: e.showDemo,
			})
		},
	}
	cmd.Flags().VarP((*portFlag)(&port), "port", "p", "port to listen on; 0 lets the system choose one")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show the log, with every viewer that leaves")
	return cmd
}

// portFlag is a port on the command line, with our own words for what is not one.
type portFlag uint16

func (p *portFlag) String() string { return strconv.Itoa(int(*p)) }
func (p *portFlag) Type() string   { return "number" }

// Set implements [pflag.Value].
func (p *portFlag) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return errors.New("a port is a number from 0 to 65535")
	}
	*p = portFlag(n)
	return nil
}

// quiet keeps the demo's log to what is wrong.
const quiet = 8 // slog.LevelError

// showDemo prints what to open where.
func (e env) showDemo(eng *engine.Engine) {
	port := eng.Addresses()[0].Port()
	at := fmt.Sprintf("localhost:%d/streams/%s", port, demoPath)
	fmt.Fprintf(e.stdout, `Stream Pump carries a test stream. Open it in any of these:

  vlc mms://%[1]s
  ffplay mmsh://%[1]s
  mplayer mms://%[1]s
  mpv mmsh://%[1]s
  Windows Media Player: mms://%[1]s
  a browser, curl, ffmpeg: http://%[1]s
  playlist: http://%[1]s.asx

An encoder can push to http://localhost:%[2]d/streams/live_push and be seen at
mms://localhost:%[2]d/streams/live. Ctrl-C ends.
`, at, port)
}
