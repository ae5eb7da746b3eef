package contest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"streampump/bench/load"
)

// Figure names one figure of a heat, with its unit.
type Figure string

// The figures.
const (
	CPUPerGB       Figure = "cpu_s_per_gb"        // of the server, by 10^9 bytes that players got
	CPUPerCall     Figure = "cpu_us_per_call"     // of the server, by write call (pump and floor)
	CPUPerPacket   Figure = "cpu_us_per_packet"   // of the server, by packet delivered (pump)
	Cores          Figure = "cores"               // of the server
	PacketsPerCall Figure = "packets_per_call"    // pump and floor
	DelayP50       Figure = "delay_p50_ms"        // from when the encoder had the packet
	DelayP99       Figure = "delay_p99_ms"        //
	DelayMax       Figure = "delay_max_ms"        //
	JoinP50        Figure = "join_p50_ms"         // from a player's connect to its first packet
	JoinP99        Figure = "join_p99_ms"         //
	AllJoined      Figure = "all_joined_ms"       // from the first connect to the last join
	JoinCPU        Figure = "cpu_ms_per_join"     // of the server, by player, where all came at once
	SealPerGB      Figure = "aes_gcm_s_per_gb"    // what AES-128-GCM alone costs (floor)
	RSSPerViewer   Figure = "rss_per_viewer_kb"   // 10^3 bytes; growth since before the first player
	RSSGrowth      Figure = "rss_growth_mb"       // 10^6 bytes; in the measurement
	StalledKernel  Figure = "stalled_kernel_mb"   // 10^6 bytes that the kernel holds by stalled player
	Held           Figure = "held"                // players that had the stream to the end
	Lost           Figure = "lost"                // players that were cut off or never had it
	Gaps           Figure = "gaps"                // of verified players
	Broken         Figure = "broken"              // verified players whose stream broke a rule
	Damaged        Figure = "damaged_pictures"    // of verified players: what a gap cut or began (RTSP)
	GeneratorCores Figure = "generator_cores"     //
	GeneratorPerGB Figure = "generator_s_per_gb"  //
	MachinePerGB   Figure = "machine_s_per_gb"    // of the whole machine: server, generator, kernel, and all else
	WritesMetFull  Figure = "writes_met_full"     // write calls that met a full socket (pump)
	Received       Figure = "received_mbit_per_s" // by all players
)

// Figures are a heat's figures. What was not measured is not in it.
type Figures map[Figure]float64

// At is a figure, or NaN.
func (f Figures) At(name Figure) float64 {
	if v, ok := f[name]; ok {
		return v
	}
	return math.NaN()
}

// set takes a figure that is a number.
func (f Figures) set(name Figure, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		f[name] = v
	}
}

// take takes the figures of a result.
// Held and Lost are always known; the rest is there where it was measured.
func (f Figures) take(r *load.Result) {
	f[Held], f[Lost] = float64(r.Counts.Held), float64(r.Counts.Lost+r.Waiting)
	if r.Delay != nil {
		f[DelayP50], f[DelayP99], f[DelayMax] = r.Delay.P50, r.Delay.P99, r.Delay.Max
	}
	if r.Join != nil {
		f[JoinP50], f[JoinP99] = r.Join.P50, r.Join.P99
	}
	if r.AllJoined != nil {
		f[AllJoined] = *r.AllJoined
	}
	if r.JoinCPU != nil {
		f.set(JoinCPU, *r.JoinCPU*1e3/float64(r.Players))
	}
	if v := r.Verified; v != nil && v.Packets > 0 {
		f[Gaps] = float64(v.Gaps)
	}
	if v := r.Verified; v != nil && (v.Packets > 0 || v.Broken > 0) {
		f[Broken] = float64(v.Broken)
	}
	if v := r.Verified; v != nil && v.Packets > 0 && v.Damaged != nil {
		f[Damaged] = float64(*v.Damaged)
	}
	if r.Stalled != nil && r.Stalled.Sockets > 0 {
		f[StalledKernel] = float64(r.Stalled.Mean) / 1e6
	}
	if m := r.Measured; m != nil {
		f.set(GeneratorCores, m.Generator.Cores)
		f.set(Received, m.BitRate/1e6)
		if m.Generator.PerGB != nil {
			f[GeneratorPerGB] = *m.Generator.PerGB
		}
		if m.Machine != nil && m.Machine.PerGB != nil {
			f[MachinePerGB] = *m.Machine.PerGB
		}
	}
	f.server(r)
}

// server takes the figures of the server's process and of what it counts.
func (f Figures) server(r *load.Result) {
	s := r.Server
	if s == nil {
		return
	}
	f.set(Cores, s.CPU.Cores)
	if s.CPU.PerGB != nil {
		f.set(CPUPerGB, *s.CPU.PerGB)
	}
	f.set(RSSPerViewer, float64(s.RSS-s.RSSBefore)/float64(r.Counts.Held)/1e3)
	f.set(RSSGrowth, float64(s.RSSPeakMeasured-s.RSSAtStart)/1e6)
	count := func(name string) float64 {
		if v, counted := r.Counters[name]; counted {
			return v
		}
		return math.NaN()
	}
	calls, packets := count("write_calls"), count("packets_sent")
	f.set(CPUPerCall, s.CPU.Seconds*1e6/calls)
	f.set(CPUPerPacket, s.CPU.Seconds*1e6/packets)
	f.set(PacketsPerCall, packets/calls)
	f.set(WritesMetFull, count("write_calls_full"))
}

const (
	// countersWithin is how long a pump may take to tell its counters.
	countersWithin = 5 * time.Second
	// maxStatus bounds its answer: far more than the status of a stream.
	maxStatus = 4 << 20
)

// Counters reads the numbers that stand at the top of a pump's status, from its
// admin listener at host:port.
func Counters(admin string) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), countersWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/status", nil)
	if err != nil {
		return nil, err
	}
	t := http.Transport{DisableKeepAlives: true} // the pump goes before the next question
	answer, err := t.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the status is answered with %s", answer.Status)
	}
	var status map[string]any
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxStatus)).Decode(&status); err != nil {
		return nil, fmt.Errorf("the status cannot be read: %w", err)
	}
	numbers := map[string]float64{}
	for name, v := range status {
		if n, ok := v.(float64); ok {
			numbers[name] = n
		}
	}
	return numbers, nil
}
