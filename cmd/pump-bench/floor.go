package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"streampump/bench/floor"
	"streampump/bench/meter"
	"streampump/cmd/internal/cli"
)

// floorReport is the JSON of the command floor.
type floorReport struct {
	About
	Viewers    int           `json:"viewers"`
	PacketSize int           `json:"packet_size"`
	Coalesce   float64       `json:"coalesce"`
	Bitrate    int           `json:"bitrate"`
	Result     *floor.Result `json:"result"`
}

// About says where and with what a result was measured.
type About struct {
	Program string        `json:"program"`
	Date    string        `json:"date"`
	Machine meter.Machine `json:"machine"`
}

func about() About {
	text := cli.VersionText("pump-bench")
	return About{text[:len(text)-1], time.Now().UTC().Format(time.RFC3339), meter.ThisMachine()}
}

func newFloorCommand(e env) *cobra.Command {
	o := floor.Options{}
	rate := bits(1_000_000)
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "floor",
		Short: "Measure the least that any server can cost here",
		Long: `Measure the least that any program can pay to send a stream to many viewers on
this machine: one thread that writes several packets from one shared buffer to
each of N loopback connections, at the stream's pace, and does nothing else.

No server is needed. What a server pays above this, with as many viewers and as
many packets in a call, is its own.`,
		Example: `  pump-bench floor
  pump-bench floor -n 5000 --bitrate 64k --coalesce 4 --json`,
		Args: cli.Arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Bitrate = int(rate)
			r, err := floor.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				return e.json(floorReport{about(), o.Viewers, o.PacketSize, o.Coalesce, o.Bitrate, r})
			}
			_, err = fmt.Fprintf(e.stdout, `%d viewers, %g packets of %d bytes in a call, %.1f s
calls       %d, of which %d met a full socket
bytes       %d
CPU         %.0f ns a call, %.3f s a GB, %.3f cores
behind      %.1f ms at most
`, o.Viewers, o.Coalesce, o.PacketSize, r.Seconds, r.Calls, r.Short, r.Bytes, r.NsPerCall, r.SecondsByGB, r.CPUSeconds/r.Seconds, r.Behind)
			return err
		},
	}
	f := cmd.Flags()
	f.IntVarP(&o.Viewers, "number", "n", 1000, "viewers")
	f.IntVar(&o.PacketSize, "packet-size", 1412, "bytes of a packet with its framing")
	f.Float64VarP(&o.Coalesce, "coalesce", "k", 8, "packets in a call, on average")
	f.Var(&rate, "bitrate", "of the stream, such as 64k or 1.5M")
	f.DurationVar(&o.Duration, "duration", 5*time.Second, "how long it sends")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

// json prints a result.
func (e env) json(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
