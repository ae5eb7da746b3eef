package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"streampump/bench/load"
	"streampump/bench/report"
	"streampump/bench/report/result"
	"streampump/cmd/internal/cli"
)

// crowdFlags are the flags of players that need words of their own.
type crowdFlags struct {
	load.Options
	secure                            secureFlags
	protocol, verify, stall, throttle string
	stream                            feedFlags
	json                              bool
	html                              string
}

func newPlayersCommand(e env) *cobra.Command {
	var o crowdFlags
	cmd := &cobra.Command{
		Use:   "players URL",
		Short: "Play a stream as many players at once",
		Long: `Play a stream as many players at once, and say how it went: how many connected
and held, what they got, how long they took to join, by how much the server
delayed the stream, and what its process used.

Some players are verified: each of their bytes is checked, and the delay is
theirs. The others join and then take what comes at the least cost. The delay
needs the stream of pump-bench encoder, on this machine.

With --tls, or a URL with https://, each player makes a handshake of its own and
checks the server's certificate. Verified players decrypt all; the others no more
than their answer and first packet, so that what is received is counted as it came.

From a URL with rtsp:// they play over RTSP, on the connection, and from one with rtmp://
over RTMP, what pump-bench encoder sends there with the same --bitrate, --gop and
--packet-size. A player has joined when a key frame begins, or, over RTMP, is there.

The players connect over --ramp. When all have joined or failed, and a second
later, the measurement begins and lasts for --duration; Ctrl-C ends it early and
prints what was measured so far. --html also writes it as a page, with plots of
the whole run. On loopback the players are spread over addresses of 127.1.0.0/16.
The exit code is 1 if a player was lost.`,
		Example: `  pump-bench players mmsh://localhost:8086/streams/live -n 1000
  pump-bench players mmsh://localhost:8086/streams/live -n 5000 --ramp 10s --stall 5%:20s --pid $(pidof stream-pump)
  pump-bench players http://localhost:8000/stream --protocol http -n 1000 --verify 0 --json
  pump-bench players https://pump.example/streams/live -n 1000 --ca ca.pem
  pump-bench players mmsh://localhost:8086/streams/live -n 1000 --pid $(pidof stream-pump) --html report.html
  pump-bench players rtsp://localhost:8554/live -n 300 --gop 50 --pid $(pidof stream-pump)
  pump-bench players rtmp://localhost/streams/live -n 300 --gop 50 --pid $(pidof stream-pump)`,
		Args: cli.Arguments("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.stream.check(feedOf(args[0]), cmd.Flags()); err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			if err := o.complete(args[0]); err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			return e.play(cmd.Context(), args[0], &o)
		},
	}
	f := cmd.Flags()
	f.IntVarP(&o.Players, "number", "n", 100, "players")
	f.StringVar(&o.protocol, "protocol", "mmsh", "protocol of the players where the URL does not say rtsp or rtmp: mmsh or http")
	f.StringVar(&o.verify, "verify", "auto", "how many players are verified: a number, all, or auto (up to 10)")
	f.DurationVar(&o.Ramp, "ramp", 2*time.Second, "time over which the players connect; 0: at once")
	f.DurationVar(&o.Duration, "duration", 10*time.Second, "how long to measure once all have joined")
	f.StringVar(&o.stall, "stall", "", "share of the players that stops reading, and for how long, as in 5%:20s")
	f.StringVar(&o.throttle, "throttle", "", "share of the players that reads slowly, and at what bitrate, as in 5%:300k")
	f.IntVar(&o.Segment, "segment", 0, segmentUsage)
	f.BoolVar(&o.Describe, "describe", false, "players ask for the header first, on a connection of its own, as VLC does")
	f.Float64Var(&o.Churn, "churn", 0, "players per second that leave and are replaced")
	f.IntVar(&o.Threads, "threads", 1, "threads that drain players")
	f.IntVar(&o.PID, "pid", 0, "the server's process, to be measured")
	o.secure.add(f)
	o.stream.add(f)
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	f.StringVar(&o.html, "html", "", htmlUsage)
	return cmd
}

// segmentUsage is what the flag for segments does.
const segmentUsage = "most bytes in a TCP segment to a player: 1460 is Ethernet's; 0: the interface's own"

// verifyAuto is how many players are verified if nothing is said: enough to
// see a broken stream and to sample the delay, few enough to cost little.
const verifyAuto = 10

// complete reads the flags that are texts, and checks the whole.
func (o *crowdFlags) complete(url string) error {
	if err := o.where(url); err != nil {
		return err
	}
	var err error
	switch o.verify {
	case "all":
		o.Verify = o.Players
	case "auto":
		o.Verify = min(o.Players, verifyAuto)
		if o.Churn > 0 {
			o.Verify = min(o.Players-1, verifyAuto)
		}
	default:
		if o.Verify, err = strconv.Atoi(o.verify); err != nil {
			return fmt.Errorf("--verify takes a number, all or auto, not %q", o.verify)
		}
	}
	if o.stall != "" {
		if o.Stall, err = load.ParseStall(o.stall); err != nil {
			return err
		}
	}
	if o.throttle != "" {
		if o.Throttle, err = load.ParseThrottle(o.throttle); err != nil {
			return err
		}
	}
	if err := inBounds(
		bound{"number (-n)", "1 or more", o.Players >= 1, o.Players}, notBelow0("ramp", o.Ramp), above0("duration", o.Duration),
		notBelow0("churn", o.Churn), bound{"threads", fmt.Sprintf("1 to %d", load.MaxThreads), o.Threads >= 1 && o.Threads <= load.MaxThreads, o.Threads},
		notBelow0("pid", o.PID), notBelow0("segment", o.Segment),
	); err != nil {
		return err
	}
	return o.Check()
}

// where reads the URL, and what is spoken there.
func (o *crowdFlags) where(url string) error {
	if protocol := feedOf(url); protocol != "" {
		to, err := parseFeed(protocol, url, &o.secure)
		if err != nil {
			return err
		}
		o.Addr, o.Path, o.protocol = to.addr, to.path, protocol
		o.Feed, err = o.stream.stream(protocol)
		return err
	}
	to, secured, err := o.secure.target(url)
	if err != nil {
		return err
	}
	o.Addr, o.Path, o.TLS = to.addr, to.path, secured
	o.Plain, err = speaksHTTP(o.protocol)
	return err
}

// settings are the flags as they took effect.
func (o *crowdFlags) settings(url string) result.PlayersSettings {
	return result.PlayersSettings{
		URL: url, Protocol: o.protocol, Players: o.Players, Verify: o.Verify, Ramp: o.Ramp.Seconds(),
		Duration: o.Duration.Seconds(), Stall: o.Stall.String(), Throttle: o.Throttle.String(), Segment: o.Segment,
		Describe: o.Describe, Churn: o.Churn, Threads: o.Threads, PID: o.PID, TLS: o.secure.on,
	}
}

// play runs the players, prints the result and writes the page.
func (e env) play(ctx context.Context, url string, o *crowdFlags) error {
	page, err := report.Open(o.html)
	if err != nil {
		return err
	}
	defer page.Discard()
	show := e.newProgress(o.Expected(), 1)
	o.Progress = show.players
	r, err := load.Run(ctx, o.Options)
	show.done()
	if err != nil {
		return err
	}
	err = e.show(&result.Players{About: about(), Settings: o.settings(url), Result: r}, o.json, page)
	for _, p := range r.Problems {
		fmt.Fprintf(e.stderr, "pump-bench: %s\n", p)
	}
	switch {
	case err != nil:
		return err
	case len(r.Problems) > 0:
		return cli.ErrTold
	case r.Interrupted && r.Measured == nil:
		return errNothing
	}
	return nil
}
