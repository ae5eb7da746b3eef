package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"streampump/bench/floor"
	"streampump/bench/report"
	"streampump/cmd/internal/cli"
)

// floorReport is the JSON of the command floor.
type floorReport struct {
	About
	Interrupted bool          `json:"interrupted"`
	Viewers     int           `json:"viewers"`
	PacketSize  int           `json:"packet_size"`
	Coalesce    float64       `json:"coalesce"`
	Bitrate     int           `json:"bitrate"`
	Segment     int           `json:"segment,omitempty"`
	Result      *floor.Result `json:"result"`
}

func newFloorCommand(e env) *cobra.Command {
	o := floor.Options{}
	rate := bits(1_000_000)
	var asJSON bool
	var html string
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
			return e.floor(cmd.Context(), o, asJSON, html)
		},
	}
	f := cmd.Flags()
	f.IntVarP(&o.Viewers, "number", "n", 1000, "viewers")
	f.IntVar(&o.PacketSize, "packet-size", 1412, "bytes of a packet with its framing")
	f.Float64VarP(&o.Coalesce, "coalesce", "k", 8, "packets in a call, on average")
	f.Var(&rate, "bitrate", "of the stream, such as 64k or 1.5M")
	f.DurationVar(&o.Duration, "duration", 5*time.Second, "how long it sends")
	f.IntVar(&o.Segment, "segment", 0, segmentUsage)
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	f.StringVar(&html, "html", "", htmlUsage)
	return cmd
}

// floor measures, prints the result and writes the page.
func (e env) floor(ctx context.Context, o floor.Options, asJSON bool, html string) error {
	page, err := openPage(html)
	if err != nil {
		return err
	}
	defer page.discard()
	show := e.newProgress(o.Duration, 1)
	stop := show.byClock(fmt.Sprintf("sending to %d viewers", o.Viewers))
	r, err := floor.Run(ctx, o)
	stop()
	show.done()
	if err != nil {
		return err
	}
	all := floorReport{about(), ctx.Err() != nil, o.Viewers, o.PacketSize, o.Coalesce, o.Bitrate, o.Segment, r}
	if asJSON {
		err = e.json(all)
	} else {
		_, err = e.stdout.Write(all.appendText(nil))
	}
	return errors.Join(err, page.write(all.page()))
}

// appendText appends the result as text for people.
func (r *floorReport) appendText(b []byte) []byte {
	if r.Interrupted {
		b = append(b, interrupted+"\n"...)
	}
	f := r.Result
	in := ""
	if r.Segment > 0 {
		in = fmt.Sprintf(", in segments of %d bytes", r.Segment)
	}
	return fmt.Appendf(b, `%d viewers, %g packets of %d bytes in a call%s, %.1f s
calls       %d, of which %d met a full socket
bytes       %d
CPU         %.0f ns a call, %.3f s a GB, %.3f cores
behind      %.1f ms at most
`, r.Viewers, r.Coalesce, r.PacketSize, in, f.Seconds, f.Calls, f.Short, f.Bytes, f.NsPerCall, f.SecondsByGB, f.CPUSeconds/f.Seconds, f.Behind)
}

// page is the report. There is no course to plot: the floor is even.
func (r *floorReport) page() *report.Page {
	f := r.Result
	p := &report.Page{
		Title:   fmt.Sprintf("The floor for %d viewers", r.Viewers),
		Verdict: fmt.Sprintf("Sending costs %.3f CPU-s a GB here at least; what a server pays above it is its own.", f.SecondsByGB),
		Headline: []report.Figure{
			{Name: "CPU", Value: decimal(f.SecondsByGB, 3), Unit: "CPU-s/GB", Note: fmt.Sprintf("%.3f cores", f.CPUSeconds/f.Seconds)},
			{Name: "A call", Value: decimal(f.NsPerCall, 0), Unit: "ns", Note: fmt.Sprintf("with %g packets", r.Coalesce)},
			{Name: "Behind", Value: decimal(f.Behind, 1), Unit: "ms", Note: "at most"},
		},
		Sections: []report.Section{{Title: "What was sent", Table: numbers(
			row("calls", f.Calls), row("of them, met a full socket", f.Short), row("bytes", f.Bytes))}},
		Facts: r.facts([]report.Fact{
			{Name: "viewers", Value: strconv.Itoa(r.Viewers)}, {Name: "packet size", Value: fmt.Sprintf("%d bytes", r.PacketSize)},
			{Name: "packets in a call", Value: strconv.FormatFloat(r.Coalesce, 'g', 4, 64)}, {Name: "bitrate", Value: fmt.Sprintf("%d bit/s", r.Bitrate)},
			{Name: "sent for", Value: decimal(f.Seconds, 1) + " s"},
		}),
	}
	if r.Segment > 0 {
		p.Facts = append(p.Facts, segmentFact(r.Segment))
	}
	if r.Interrupted {
		p.Verdict = pageInterrupted + " " + p.Verdict
	}
	return p
}

// json prints a result.
func (e env) json(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
