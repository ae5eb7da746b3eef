package result

import (
	"fmt"
	"strconv"

	"streampump/bench/floor"
	"streampump/bench/report"
)

// Floor is what came of a floor.
type Floor struct {
	About
	Interrupted bool          `json:"interrupted"`
	Viewers     int           `json:"viewers"`
	PacketSize  int           `json:"packet_size"`
	Coalesce    float64       `json:"coalesce"`
	Bitrate     int           `json:"bitrate"`
	Segment     int           `json:"segment,omitempty"`
	Result      *floor.Result `json:"result"`
}

// Text is the result as text for people.
func (r *Floor) Text() (b []byte) {
	if r.Interrupted {
		b = append(b, interrupted+"\n"...)
	}
	f := r.Result
	in := ""
	if r.Segment > 0 {
		in = fmt.Sprintf(", in segments of %d bytes", r.Segment)
	}
	b = fmt.Appendf(b, `%d viewers, %g packets of %d bytes in a call%s, %.1f s
calls       %d, of which %d met a full socket
bytes       %d
CPU         %.0f ns a call, %.3f s a GB, %.3f cores
behind      %.1f ms at most
`, r.Viewers, r.Coalesce, r.PacketSize, in, f.Seconds, f.Calls, f.Short, f.Bytes, f.NsPerCall, f.SecondsByGB, f.CPUSeconds/f.Seconds, f.Behind)
	if f.SealByGB > 0 {
		b = fmt.Appendf(b, "AES-GCM     %.3f s a GB alone\n", f.SealByGB)
	}
	return b
}

// Page is the report. There is no course to plot: the floor is even.
func (r *Floor) Page() *report.Page {
	f := r.Result
	p := &report.Page{
		Title:   fmt.Sprintf("The floor for %d viewers", r.Viewers),
		Verdict: fmt.Sprintf("Sending costs at least %.3f CPU-s per GB here; what a server pays above it is its own.", f.SecondsByGB),
		Headline: []report.Figure{
			{Name: "CPU", Value: decimal(f.SecondsByGB, 3), Unit: "CPU-s/GB", Note: fmt.Sprintf("%.3f cores", f.CPUSeconds/f.Seconds)},
			{Name: "A call", Value: decimal(f.NsPerCall, 0), Unit: "ns", Note: fmt.Sprintf("with %g packets", r.Coalesce)},
			{Name: "Behind", Value: decimal(f.Behind, 1), Unit: "ms", Note: "at most"},
		},
		Sections: []report.Section{{Title: "What was sent", Table: numbers(
			row("calls", f.Calls), row("calls that met a full socket", f.Short), row("bytes", f.Bytes))}},
		Facts: r.facts([]report.Fact{
			{Name: "viewers", Value: strconv.Itoa(r.Viewers)}, {Name: "packet size", Value: fmt.Sprintf("%d bytes", r.PacketSize)},
			{Name: "packets per call", Value: strconv.FormatFloat(r.Coalesce, 'g', 4, 64)}, {Name: "bitrate", Value: fmt.Sprintf("%d bit/s", r.Bitrate)},
			{Name: "sent for", Value: decimal(f.Seconds, 1) + " s"},
		}),
	}
	if f.SealByGB > 0 {
		p.Headline = append(p.Headline, report.Figure{Name: "AES-GCM", Value: decimal(f.SealByGB, 3), Unit: "CPU-s/GB", Note: "alone, in records of 16 KB"})
	}
	if r.Segment > 0 {
		p.Facts = append(p.Facts, segmentFact(r.Segment))
	}
	if r.Interrupted {
		p.Verdict = pageInterrupted + " " + p.Verdict
	}
	return p
}
