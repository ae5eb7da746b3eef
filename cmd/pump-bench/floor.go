package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"streampump/bench/floor"
	"streampump/bench/report"
	"streampump/bench/report/result"
	"streampump/cmd/internal/cli"
)

func newFloorCommand(e env) *cobra.Command {
	o := floor.Options{}
	rate := bits(1_000_000)
	var asJSON, secured bool
	var html string
	cmd := &cobra.Command{
		Use:   "floor",
		Short: "Measure the least that any server can cost here",
		Long: `Measure the least that any program can pay to send a stream to many viewers on
this machine: one thread that writes several packets from one shared buffer to
each of N loopback connections, at the stream's pace, and does nothing else.

No server is needed. What a server pays above this, with as many viewers and as
many packets in a call, is its own. --tls adds what encryption alone costs.`,
		Example: `  pump-bench floor
  pump-bench floor -n 5000 --bitrate 64k --coalesce 4 --json`,
		Args: cli.Arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Bitrate = int(rate)
			err := inBounds(
				bound{"number (-n)", "1 or more", o.Viewers >= 1, o.Viewers}, above0("packet-size", o.PacketSize),
				bound{"coalesce (-k)", fmt.Sprintf("1 to %d", floor.MaxCoalesce), o.Coalesce >= 1 && o.Coalesce <= floor.MaxCoalesce, o.Coalesce},
				above0("duration", o.Duration), notBelow0("segment", o.Segment),
			)
			if err == nil {
				err = o.Check()
			}
			if err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			if secured {
				o.Seal = sealFor
			}
			return e.floor(cmd.Context(), o, asJSON, html)
		},
	}
	f := cmd.Flags()
	f.IntVarP(&o.Viewers, "number", "n", 1000, "viewers")
	f.IntVar(&o.PacketSize, "packet-size", 1412, "size of a packet with its framing, in bytes")
	f.Float64VarP(&o.Coalesce, "coalesce", "k", 8, "packets per call, on average")
	f.Var(&rate, "bitrate", bitrateUsage)
	f.DurationVar(&o.Duration, "duration", 5*time.Second, "how long it sends")
	f.IntVar(&o.Segment, "segment", 0, segmentUsage)
	f.BoolVar(&secured, "tls", false, "measure first what AES-GCM alone costs, with records of 16 KB")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	f.StringVar(&html, "html", "", htmlUsage)
	return cmd
}

// sealFor is how long AES-GCM alone is measured.
const sealFor = time.Second

// floor measures, prints the result and writes the page.
func (e env) floor(ctx context.Context, o floor.Options, asJSON bool, html string) error {
	page, err := report.Open(html)
	if err != nil {
		return err
	}
	defer page.Discard()
	show := e.newProgress(o.Duration+o.Seal, 1)
	stop := show.byClock(fmt.Sprintf("sending to %d viewers", o.Viewers))
	r, err := floor.Run(ctx, o)
	stop()
	show.done()
	if err != nil {
		return err
	}
	return e.show(&result.Floor{
		About: about(), Interrupted: ctx.Err() != nil, Viewers: o.Viewers, PacketSize: o.PacketSize, Coalesce: o.Coalesce,
		Bitrate: o.Bitrate, Segment: o.Segment, Result: r,
	}, asJSON, page)
}
