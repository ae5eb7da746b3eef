package result

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"streampump/bench/load"
)

// Players is what came of a run of players.
type Players struct {
	About
	Settings PlayersSettings `json:"settings"`
	*load.Result
}

// PlayersSettings are how they played.
type PlayersSettings struct {
	URL      string  `json:"url"`
	Protocol string  `json:"protocol"`
	Players  int     `json:"players"`
	Verify   int     `json:"verify"`
	Ramp     float64 `json:"ramp_seconds"`
	Duration float64 `json:"duration_seconds"`
	Stall    string  `json:"stall,omitempty"`
	Throttle string  `json:"throttle,omitempty"`
	Segment  int     `json:"segment,omitempty"`
	TLS      bool    `json:"tls,omitempty"`
	Describe bool    `json:"describe,omitempty"`
	Churn    float64 `json:"churn_per_second,omitempty"`
	Threads  int     `json:"threads"`
	PID      int     `json:"pid,omitempty"`
}

// Text is the result as text for people. What was not measured has no line, but a
// note.
func (r *Players) Text() (b []byte) {
	c := &r.Counts
	if r.Interrupted {
		b = append(b, interrupted+"\n"...)
	}
	b = fmt.Appendf(b, "players     %d asked for; %d connected, %d joined, %d held to the end", r.Players, c.Connected, c.Joined, c.Held)
	if c.Replaced > 0 {
		b = fmt.Appendf(b, ", %d replaced", c.Replaced)
	}
	if c.Lost > 0 {
		b = fmt.Appendf(b, ", %d lost", c.Lost)
	}
	if r.Waiting > 0 {
		b = fmt.Appendf(b, ", %d still waiting", r.Waiting)
	}
	b = append(b, '\n')
	if r.StalledPlayers > 0 {
		b = fmt.Appendf(b, "            %d stalled by plan (%s)\n", r.StalledPlayers, r.Settings.Stall)
	}
	if r.ThrottledPlayers > 0 {
		b = fmt.Appendf(b, "            %d throttled by plan (%s)\n", r.ThrottledPlayers, r.Settings.Throttle)
	}
	b = appendTimes(b, "join", r.Join)
	if r.AllJoined != nil {
		b = fmt.Appendf(b, "            all after %.1f ms\n", *r.AllJoined)
	}
	for _, spoken := range slices.Sorted(maps.Keys(r.TLS)) {
		b = fmt.Appendf(b, "TLS         %s: %s\n", spoken, times(r.TLS[spoken], "handshake"))
	}
	if m := r.Measured; m != nil {
		b = fmt.Appendf(b, "received    %d bytes in %.1f s (%.1f Mbit/s)\n", m.Bytes, m.Seconds, m.BitRate/1e6)
	}
	b = appendTimes(b, "delay", r.Delay)
	b = appendVerified(b, r.Verified)
	if s := r.Server; s != nil {
		b = appendCPU(b, "server", s.CPU)
		b = fmt.Appendf(b, "            RSS %.1f MB, %.1f MB at most, %.1f MB before; %d descriptors\n",
			float64(s.RSS)/1e6, float64(s.RSSPeak)/1e6, float64(s.RSSBefore)/1e6, s.Descriptors)
	}
	if k := r.Stalled; k != nil {
		b = fmt.Appendf(b, "            kernel %.3f MB per stalled player, %.3f MB at most; %d sockets\n", float64(k.Mean)/1e6, float64(k.Max)/1e6, k.Sockets)
	}
	if r.JoinCPU != nil {
		b = fmt.Appendf(b, "            %.3f CPU-s until all had joined, %.3f ms for each\n", *r.JoinCPU, *r.JoinCPU*1e3/float64(r.Players))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Counters)) {
		b = fmt.Appendf(b, "            %s + %s\n", name, strconv.FormatFloat(r.Counters[name], 'f', -1, 64))
	}
	if r.Measured != nil {
		b = appendCPU(b, "generator", r.Measured.Generator)
		if m := r.Measured.Machine; m != nil {
			b = appendCPU(b, "machine", *m)
		}
	}
	for _, n := range r.Notes {
		b = fmt.Appendf(b, "note        %s\n", n)
	}
	return b
}

func appendTimes(b []byte, name string, t *load.Times) []byte {
	if t == nil {
		return b
	}
	return fmt.Appendf(b, "%-11s p50 %.1f, p90 %.1f, p99 %.1f, p99.9 %.1f, max %.1f ms (%s)\n",
		name, t.P50, t.P90, t.P99, t.P999, t.Max, times(int(t.Samples), "sample")+fewText(t))
}

// fewText says which percentiles are only the largest of too few samples; empty if
// none are.
func fewText(t *load.Times) string {
	switch few := t.TooFew(); few {
	case "":
		return ""
	case "p99.9":
		return ", too few for p99.9"
	default:
		return ", too few for " + few + " and above"
	}
}

func appendVerified(b []byte, v *load.Verified) []byte {
	if v == nil || v.Packets == 0 && v.Broken == 0 { // nothing came that could be
		return b
	}
	judged, damage := fmt.Sprintf(", %d media objects", v.Objects), ""
	if v.Damaged != nil { // over RTSP, where each packet is judged by itself
		judged, damage = "", fmt.Sprintf(", %d damaged pictures", *v.Damaged)
	}
	b = fmt.Appendf(b, "verified    %d players: %d packets%s, %d gaps of %d packets%s, %d broken\n",
		v.Players, v.Packets, judged, v.Gaps, v.Missing, damage, v.Broken)
	if v.Rounds > 0 {
		b = fmt.Appendf(b, "            a file started over %d times\n", v.Rounds)
	}
	for _, f := range v.Faults {
		b = fmt.Appendf(b, "            %s\n", f)
	}
	return b
}

func appendCPU(b []byte, name string, c load.CPU) []byte {
	b = fmt.Appendf(b, "%-11s %.3f cores", name, c.Cores)
	if c.PerGB != nil {
		b = fmt.Appendf(b, ", %.3f CPU-s per GB", *c.PerGB)
	}
	return append(b, '\n')
}
