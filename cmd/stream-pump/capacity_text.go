package main

import (
	"fmt"
	"strconv"

	"streampump/cmd/internal/cli"
	"streampump/tuning/capacity"
)

// assumptions are what the estimate rests on but cannot know. why says why no running
// pump told; empty if one did.
func assumptions(streams []planned, why string, c card, m measured) []string {
	var all []string
	if why != "" {
		all = append(all, why)
	}
	for _, s := range streams {
		if s.known == assumed {
			all = append(all, "bitrates, with padding, and packet sizes are not known before a stream runs: give them with --bitrate and --packet-size")
			break
		}
	}
	if len(streams) > 1 {
		all = append(all, "viewers are divided among the streams as shown: --share changes that")
	}
	all = append(all, c.how)
	for _, r := range m.runs {
		if r.Short*fullSockets > r.Calls {
			all = append(all, "sockets were full during the measurement, so a call seems cheaper than it is")
		}
	}
	return append(all,
		fmt.Sprintf("the cost of a write call was measured over loopback with %d sockets, where the sender also pays for the receiver; a card's driver and interrupts are not included", m.runs[0].Viewers),
		fmt.Sprintf("the pump pays %.2f times that (an assumption, to be compared with pump-bench capacity)", capacity.PumpFactor),
		fmt.Sprintf("at the processors' limit a loop comes round every %d ms, so one packet in a hundred is delayed by a quarter of a second, as much as pump-bench capacity allows", capacity.FullTurn.Milliseconds()),
		"nothing else runs on the machine; one viewer in twenty has stalled")
}

// fullSockets is the part of the calls that may find a full socket before it is worth
// a word, as one in this many.
const fullSockets = 20

// appendCapacity appends an estimate as text for people.
func appendCapacity(b []byte, e *capacity.Estimate, streams []planned, notes []string) []byte {
	b = fmt.Appendf(b, "about %s viewers; what gives out first: %s\n\n", thousands(rounded(e.Viewers())), e.Limits[0].Resource)
	width := 0
	for _, l := range e.Limits {
		width = max(width, len(l.Resource))
	}
	for _, u := range e.Unknown {
		width = max(width, len(u.Resource))
	}
	for _, l := range e.Limits {
		b = appendWrapped(b, fmt.Sprintf("  %-*s %12s ", width, l.Resource, thousands(l.Viewers)), l.From)
	}
	for _, u := range e.Unknown {
		b = appendWrapped(b, fmt.Sprintf("  %-*s %12s ", width, u.Resource, "not known"), u.Why)
	}
	b = append(b, "\nstreams\n"...)
	for i, s := range streams {
		rate := cli.Bits(s.Bitrate)
		if rate >= 10_000 {
			rate = (rate + 500) / 1000 * 1000 // a measured one is not known better
		}
		c := e.Calls[i]
		b = appendWrapped(b, fmt.Sprintf("  %s:", s.Name), fmt.Sprintf("%.4g%% of the viewers, %sbit/s in packets of %d bytes (%s); %s",
			100*s.Share, &rate, s.PacketSize, s.known, callsText(c)))
	}
	b = append(b, "\nassumptions\n"...)
	for _, n := range notes {
		b = appendWrapped(b, "  -", n)
	}
	return b
}

// callsText says how a stream is sent.
func callsText(c capacity.Calls) string {
	if c.Packets <= 1 {
		return "a call for each packet"
	}
	return fmt.Sprintf("%.3g packets a call, every %d ms", c.Packets, c.Turn.Milliseconds())
}

// rounded keeps two digits of an estimate: it is no better than that.
func rounded(n int) int {
	step := 1
	for n/step >= 100 {
		step *= 10
	}
	return n / step * step
}

// thousands writes a number with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// capacityReport is the JSON of doctor --capacity.
type capacityReport struct {
	Viewers     int                 `json:"viewers"`
	First       string              `json:"gives_out_first"`
	Limits      []limitReport       `json:"limits"`
	Unknown     []unknownReport     `json:"not_known"`
	Streams     []plannedReport     `json:"streams"`
	Measured    []measurementReport `json:"measured"`
	Factor      float64             `json:"pump_factor"`
	Assumptions []string            `json:"assumptions"`
}

type limitReport struct {
	Resource string `json:"resource"`
	Viewers  int    `json:"viewers"`
	From     string `json:"from"`
}

type unknownReport struct {
	Resource string `json:"resource"`
	Why      string `json:"why"`
}

type plannedReport struct {
	Path       string  `json:"path"`
	Type       string  `json:"type"`
	Bitrate    int     `json:"bitrate"`
	PacketSize int     `json:"packet_size"`
	FPS        float64 `json:"pictures_per_second"`
	Assumed    bool    `json:"assumed"`
	Known      string  `json:"known"`
	Share      float64 `json:"share"`
	Packets    float64 `json:"packets_per_call"`
	// TurnMS is from one call for a viewer to the next, if there is a packet for it.
	TurnMS float64 `json:"turn_ms"`
}

type measurementReport struct {
	Sockets   int     `json:"sockets"`
	Packets   float64 `json:"packets_per_call"`
	Bytes     int     `json:"bytes_per_call"`
	Calls     int64   `json:"calls"`
	Short     int64   `json:"short_calls"`
	NsPerCall float64 `json:"ns_per_call"`
	Seconds   float64 `json:"seconds"`
}

func reportCapacity(e *capacity.Estimate, streams []planned, m measured, notes []string) capacityReport {
	r := capacityReport{
		Viewers: e.Viewers(), First: e.Limits[0].Resource, Unknown: []unknownReport{},
		Factor: capacity.PumpFactor, Assumptions: notes,
	}
	for _, l := range e.Limits {
		r.Limits = append(r.Limits, limitReport(l))
	}
	for _, u := range e.Unknown {
		r.Unknown = append(r.Unknown, unknownReport(u))
	}
	for i, s := range streams {
		c := e.Calls[i]
		r.Streams = append(r.Streams, plannedReport{
			s.Name, s.kind, s.Bitrate, s.PacketSize, s.Bursts, s.known == assumed, s.known, s.Share, c.Packets, c.Turn.Seconds() * 1e3,
		})
	}
	for _, p := range m.runs {
		r.Measured = append(r.Measured, measurementReport{
			p.Viewers, p.Coalesce, p.bytes(), p.Calls, p.Short, p.NsPerCall, p.Seconds,
		})
	}
	return r
}
