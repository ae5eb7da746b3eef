package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/bench/floor"
	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/fetch"
	"streampump/config"
	"streampump/demo"
	"streampump/tuning"
	"streampump/tuning/capacity"
)

// fixedFloor measures nothing: 6 microseconds a call, and a tenth for each 1,000 bytes.
func fixedFloor(_ context.Context, o floor.Options) (*floor.Result, error) {
	return &floor.Result{Calls: 1000, NsPerCall: 6000 + 0.1*float64(o.PacketSize)*o.Coalesce, Seconds: o.Duration.Seconds()}, nil
}

// fixedCipher is a cipher of five gigabytes a second.
func fixedCipher() float64 { return 2e-10 }

const twoStreams = `{"streams": [
  {"type": "mmsh_push", "path": "live"},
  {"type": "mmsh_push", "path": "off", "enabled": false},
  {"type": "file", "path": "clip", "source_options": {"file": "clip.wmv"}},
]}`

// inFolder writes a configuration and a clip into an empty folder.
func inFolder(t *testing.T, config string) {
	t.Helper()
	folder := t.TempDir()
	t.Chdir(folder)
	write(t, "pump.json", config)
	write(t, "clip.wmv", string(demo.Clip()))
}

func TestCapacityText(t *testing.T) {
	testdata, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	// Nothing is held, so that the text does not depend on the engine's rule: only
	// loops that are full send several packets at once.
	inFolder(t, strings.Replace(twoStreams, "{", `{"fanout": {"latency_budget": 0}, `, 1))
	o := startOn(t, fakeBox(readyBox), "doctor", "--capacity", "pump.json", "--bitrate", "500k")
	if o.code != cli.ExitOK || o.stderr != "" {
		t.Errorf("exit code %d, errors %q", o.code, o.stderr)
	}
	t.Chdir(testdata)
	golden(t, "capacity.txt", o.stdout)
}

// capacityOf runs doctor --capacity --json on a machine that is ready.
func capacityOf(t *testing.T, args ...string) capacityReport {
	t.Helper()
	o := startOn(t, fakeBox(readyBox), append([]string{"doctor", "--json", "--capacity", "pump.json"}, args...)...)
	var r capacityReport
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != cli.ExitOK || o.stderr != "" {
		t.Fatalf("exit code %d, errors %q, %v", o.code, o.stderr, err)
	}
	return r
}

func (r capacityReport) limit(resource string) int {
	i := slices.IndexFunc(r.Limits, func(l limitReport) bool { return l.Resource == resource })
	if i < 0 {
		return -1
	}
	return r.Limits[i].Viewers
}

func TestCapacityJSON(t *testing.T) {
	inFolder(t, twoStreams)
	r := capacityOf(t)
	if len(r.Streams) != 2 || r.Streams[0].Path != "live" || !r.Streams[0].Assumed || r.Streams[0].Bitrate != 1_000_000 || r.Streams[0].Share != 0.5 {
		t.Errorf("streams %+v", r.Streams)
	}
	if clip := r.Streams[1]; clip.Assumed || clip.Bitrate <= 0 || clip.PacketSize < 100 || clip.Type != "file" {
		t.Errorf("the file's header was not read: %+v", clip)
	}
	// So many viewers of 1 Mbit/s that packets are held, by the engine's own rule.
	live := r.Streams[0]
	if want := live.TurnMS / 1e3 * 1e6 / 8 / 1400; live.TurnMS <= 0 || math.Abs(live.Packets-want) > 0.01 || want < 2 {
		t.Errorf("%+v, want %.2f packets in a call", live, want)
	}
	if len(r.Measured) != 2 || math.Abs(r.Measured[0].Packets-live.Packets) > 0.01 || r.Factor != capacity.PumpFactor {
		t.Errorf("measured %+v", r.Measured)
	}
	if r.Viewers != r.Limits[0].Viewers || r.First != r.Limits[0].Resource || r.limit("network card") < 0 || r.limit("descriptors") != 524288-128 {
		t.Errorf("%+v", r)
	}
}

// What runs is not assumed: the pump of the configuration is asked.
func TestCapacityOfARunningPump(t *testing.T) {
	inFolder(t, `{"admin": {"listen": "127.0.0.1:9999"}, "streams": [
		{"type": "mmsh_push", "path": "live"}, {"type": "mmsh_push", "path": "off"},
		{"type": "file", "path": "clip", "source_options": {"file": "clip.wmv"}}]}`)
	asked := ""
	pump := func(_ context.Context, address string) (fetch.Status, error) {
		asked = address
		return fetch.Status{Version: "1", Streams: []fetch.StreamStatus{
			{Path: "live", Bitrate: 345_678, PacketsIn: 3, BytesIn: 3 * 2900}, {Path: "off", PacketsIn: 5, BytesIn: 5000},
			{Path: "clip", Bitrate: 222_222, PacketsIn: 1, BytesIn: 1000},
		}}, nil
	}
	o := startBeside(t, pump, fakeBox(readyBox), "doctor", "--json", "--capacity", "pump.json", "--bitrate", "2M")
	var r capacityReport
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != cli.ExitOK || asked != "127.0.0.1:9999" {
		t.Fatalf("%+v, %v; asked at %s", o, err, asked)
	}
	for i, want := range []plannedReport{
		{Path: "live", Bitrate: 345_678, PacketSize: 2900, Known: fromPump},
		{Path: "off", Bitrate: 2_000_000, PacketSize: 1400, Known: assumed, Assumed: true},
		{Path: "clip", Bitrate: 222_222, PacketSize: 1000, Known: fromPump},
	} {
		got := r.Streams[i]
		if got.Path != want.Path || got.Bitrate != want.Bitrate || got.PacketSize != want.PacketSize || got.Known != want.Known || got.Assumed != want.Assumed {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	r = capacityOf(t)
	if !slices.ContainsFunc(r.Assumptions, func(s string) bool { return strings.Contains(s, "no running pump could be asked") }) {
		t.Errorf("%q", r.Assumptions)
	}
}

func TestCapacityOptions(t *testing.T) {
	inFolder(t, `{"streams": [{"type": "mmsh_push", "path": "live"}, {"type": "mmsh_push", "path": "slow"}],
  "fanout": {"latency_budget": 0, "loops": 2}, "limits": {"connections": 50}}`)
	r := capacityOf(t, "--bitrate", "2M", "--packet-size", "2000", "--fps", "30", "--nic", "10G", "--share", "live=3")
	if s := r.Streams[0]; s.Bitrate != 2_000_000 || s.PacketSize != 2000 || s.FPS != 30 || s.Share != 0.75 || s.TurnMS != 125 || s.Packets != 15.625 {
		t.Errorf("%+v", s)
	}
	// Eight calls a second of 31,438 bytes in 22 segments.
	if want := 0.95 * 10e9 / (8 * 8 * (31438 + 22*90)); math.Abs(float64(r.limit("network card"))-want) > 1 {
		t.Errorf("%d by the network card, want %.0f", r.limit("network card"), want)
	}
	if r.Viewers != 50 || r.First != "limits.connections" || len(r.Measured) != 1 {
		t.Errorf("%d by %s, measured %+v", r.Viewers, r.First, r.Measured)
	}
	if r = capacityOf(t, "--nic", "lo"); len(r.Unknown) != 1 || r.Unknown[0].Resource != "network card" || !strings.Contains(strings.Join(r.Assumptions, "\n"), "lo does not report its speed") {
		t.Errorf("not known %+v, assumptions %q", r.Unknown, r.Assumptions)
	}
}

// Every limit of the configuration is among those that may give out first.
func TestCapacityKnowsTheLimits(t *testing.T) {
	inFolder(t, `{"limits": {"viewers": 3000, "bandwidth": "500Mbit"}, "backlog": {"total": "2MiB"}, "fanout": {"loops": 5}, "streams": [
		{"type": "mmsh_push", "path": "live", "limits": {"viewers": 200}},
		{"type": "mmsh_push", "path": "slow", "limits": {"bandwidth": "1Mbit"}}]}`)
	r := capacityOf(t, "--bitrate", "1M", "--share", "live=3")
	for resource, want := range map[string]int{
		"limits.viewers": 3000, "limits.bandwidth": 500, "live: viewers": 266, "slow: bandwidth": 4, "descriptors": 524288 - 131,
	} {
		if got := r.limit(resource); got != want {
			t.Errorf("%d by %s, want %d", got, resource, want)
		}
	}
	if r.First != "slow: bandwidth" {
		t.Errorf("%s gives out first", r.First)
	}
	budget := r.limit("memory budget")
	inFolder(t, twoStreams)
	if less := capacityOf(t).limit("memory budget"); less >= budget || less <= 0 {
		t.Errorf("%d viewers fit beside two backlogs, and %d beside 2 MiB", less, budget)
	}
}

// Where there is a TLS listener, encryption costs time and memory.
func TestCapacityOverTLS(t *testing.T) {
	capacityWith := func(listen []netip.AddrPort) (r capacityReport) {
		c := config.Default()
		c.Streams = []config.Stream{{Path: "live", Enabled: true, Type: config.TypeMMSHPush}}
		c.TLS.Listen = listen
		var out bytes.Buffer
		e := env{stdout: &out, floor: fixedFloor, cipher: fixedCipher, status: noPump}
		o := capacityFlags{on: true, bitrate: 1_000_000, packetSize: 1400, fps: 25}
		if err := e.capacity(t.Context(), fakeBox(readyBox)(tuning.Self), c, o, true); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	plain, secure := capacityWith(nil), capacityWith([]netip.AddrPort{netip.MustParseAddrPort("[::]:8089")})
	if plain.limit("processors over TLS") != -1 {
		t.Error("what is not encrypted costs encryption")
	}
	if got, most := secure.limit("processors over TLS"), secure.limit("processors"); got <= 0 || got >= most || most != plain.limit("processors") {
		t.Errorf("%d viewers over TLS, %d of any kind", got, most)
	}
	for _, resource := range []string{"memory", "memory budget"} {
		if a, b := secure.limit(resource), plain.limit(resource); a >= b || a < b/2 {
			t.Errorf("%d by the %s over TLS, %d without", a, resource, b)
		}
	}
	if s := measureCipher(); s <= 0 || s > 1e-6 {
		t.Errorf("a byte takes %g s", s)
	}
}

func TestCapacityRefuses(t *testing.T) {
	inFolder(t, twoStreams)
	write(t, "one.json", `{"streams": [{"type": "mmsh_push", "path": "live"}]}`)
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"--capacity", "CONFIG is missing: --capacity is about its streams", cli.ExitUsage},
		{"--nic 10G", "--nic has no effect without --capacity", cli.ExitUsage},
		{"--fps 25 pump.json", "--fps has no effect without --capacity", cli.ExitUsage},
		{"--capacity --fps 0 pump.json", "--fps must be above 0 and at most 1000", cli.ExitUsage},
		{"--share a=1 pump.json", "--share has no effect without --capacity", cli.ExitUsage},
		{"--capacity --all pump.json", "--all has no effect with --capacity", cli.ExitUsage},
		{"--capacity --packet-size 10 pump.json", "--packet-size must be from 64 to 65527 bytes", cli.ExitUsage},
		{"--capacity --nic eth7 pump.json", "--nic eth7 is neither an interface of this machine nor a speed such as 500M or 10G", cli.ExitFailed},
		{"--capacity --share far=2 pump.json", `--share names "far", but no stream with that path is enabled`, cli.ExitFailed},
		{"--capacity --share live=-1 pump.json", `--share gives "live" -1 parts; 0 to 1000000 are possible`, cli.ExitFailed},
		{"--capacity --share live=0,clip=0 pump.json", "no stream is enabled, or none has viewers: there is nothing to compute", cli.ExitFailed},
		{"--capacity --share live=0 one.json", "no stream is enabled, or none has viewers: there is nothing to compute", cli.ExitFailed},
	} {
		want := "stream-pump: " + c.want + "\n"
		if c.code == cli.ExitUsage {
			want += "Try 'stream-pump doctor --help'.\n"
		}
		startOn(t, fakeBox(readyBox), append([]string{"doctor"}, strings.Fields(c.args)...)...).want(t, c.code, "", want)
	}
}

func TestCapacityOfABrokenMeasurement(t *testing.T) {
	p := &capacity.Plan{
		Streams: []capacity.Stream{{Name: "live", Bitrate: 1_000_000, PacketSize: 1400, Share: 1}},
		Turn:    func(int, float64, float64) time.Duration { return 0 },
	}
	e := env{floor: func(context.Context, floor.Options) (*floor.Result, error) { return nil, errors.New("no sockets") }}
	if _, err := e.price(t.Context(), p); err == nil || err.Error() != "the cost of a write call cannot be measured: no sockets" {
		t.Error(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := (env{floor: fixedFloor}).price(ended, p); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Error(err)
	}
}

// What is measured is bounded in sockets and in how busy it is, and the floor
// takes it.
func TestMeasurement(t *testing.T) {
	for _, c := range []struct {
		name       string
		bitrate    int
		packets    float64
		limit      uint64
		viewers    int
		minBitrate int
	}{
		{"a_usual_stream", 1_000_000, 7, 0, 1000, 0},
		{"so_fast_that_fewer_are_enough", 100_000_000, 64, 0, 179, 0},
		{"so_slow_that_it_is_sent_faster", 8_000, 1, 0, 500, 560_000},
		{"few_descriptors", 1_000_000, 7, 356, 50, 0},
		{"no_descriptors", 1_000_000, 7, 10, 1, 0},
	} {
		p := &capacity.Plan{Streams: []capacity.Stream{{Name: "live", Bitrate: c.bitrate, PacketSize: 1400 - capacity.Framing}}, Descriptors: c.limit}
		o := measurement(capacity.Calls{Stream: "live", Packets: c.packets, Bytes: int(c.packets * 1400)}, time.Second, p)
		if o.Viewers != c.viewers || o.Coalesce != c.packets || o.PacketSize != 1400 || o.Bitrate < c.minBitrate || o.Duration != time.Second {
			t.Errorf("%s: %+v, want %d viewers", c.name, o, c.viewers)
		}
	}
	r, err := floor.Run(t.Context(), floor.Options{Viewers: 10, PacketSize: 1400, Coalesce: 1, Bitrate: 1_000_000, Duration: 50 * time.Millisecond})
	if err != nil || r.NsPerCall <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestParseSpeed(t *testing.T) {
	for text, want := range map[string]float64{"10G": 10e9, "2.5G": 2.5e9, "500M": 500e6} {
		if got, ok := parseSpeed(text); !ok || got != want {
			t.Errorf("%s: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "G", "-1G", "0M", "NaNG", "InfG", "10", "10T", "99999G", "eth0"} {
		if got, ok := parseSpeed(text); ok {
			t.Errorf("%q was taken for %v", text, got)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for n, want := range map[int]int{0: 0, 99: 99, 101: 100, 7442: 7400, 19872: 19000} {
		if got := rounded(n); got != want {
			t.Errorf("%d: %d", n, got)
		}
	}
}
