package gate

import (
	"math"
	"slices"
	"strings"
	"testing"

	"streampump/bench/contest"
	"streampump/bench/feed"
	"streampump/bench/load"
	"streampump/bench/rival"
	"streampump/bench/stat"
	"streampump/bench/synth"
)

// made is a table of one figure for each of the servers, round by round.
func made(f contest.Figure, columns map[string][]float64) *contest.Table {
	t := &contest.Table{Runs: map[string][]*contest.Outcome{}}
	for name, values := range columns {
		for _, v := range values {
			o := &contest.Outcome{Name: name, Figures: contest.Figures{}}
			if !math.IsNaN(v) {
				o.Figures[f] = v
			}
			t.Runs[name] = append(t.Runs[name], o)
		}
	}
	return t
}

func TestJudge(t *testing.T) {
	nan := math.NaN()
	cost := Row{Name: "cost", Kind: Ratio, Bound: 1, values: ratio(pump, cubemap, contest.CPUPerGB)}
	raised := cost
	raised.raise = floorOf(cubemap, contest.CPUPerGB)
	delay := Row{Name: "delay", Kind: Time, Bound: 100, values: column(pump, contest.CPUPerGB)}
	lost := Row{Name: "lost", Kind: Count, Bound: 0, values: worst(contest.CPUPerGB)}
	ones := []float64{1, 1, 1, 1, 1}
	for _, c := range []struct {
		name          string
		row           Row
		pump, other   []float64
		short, strict State
	}{
		{"below", cost, []float64{0.9, 0.8, 0.7, 0.8, 0.9}, ones, Holds, Holds},
		{"just_past_and_steady", cost, []float64{1.05, 1.05, 1.05, 1.05, 1.05}, ones, Past, Fell},
		{"just_past_within_its_spread", cost, []float64{0.98, 1.02, 1.05, 1.06, 1.1}, ones, Past, Holds},
		{"past_more_than_a_tenth_however_it_spreads", cost, []float64{0.5, 0.6, 1.2, 1.3, 3}, ones, Past, Fell},
		{"far_past_and_sure", cost, []float64{1.6, 1.7, 1.8, 1.9, 2}, ones, Fell, Fell},
		{"far_past_and_not_sure", cost, []float64{1.4, 1.7, 1.8, 1.9, 2}, ones, Past, Fell},
		{"nobody_to_compare_with", cost, ones, []float64{nan, nan, nan, nan, nan}, Missing, Missing},
		{"late", delay, []float64{300, 300, 300, 300, 300}, nil, Past, Fell},
		{"in_time", delay, []float64{99, 99, 99, 99, 99}, nil, Holds, Holds},
		{"lost_once", lost, []float64{0, 0, 1, 0, 0}, nil, Fell, Fell},
		{"lost_none", lost, []float64{0, 0, 0, 0, 0}, nil, Holds, Holds},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := made(contest.CPUPerGB, map[string][]float64{pump: c.pump, cubemap: c.other})
			if v := c.row.judge(table, false); v.State != c.short {
				t.Errorf("the short form says %s: %+v", v.State, v.Summary)
			}
			if v := c.row.judge(table, true); v.State != c.strict {
				t.Errorf("the strict form says %s: %+v, limit %g", v.State, v.Summary, v.Limit)
			}
		})
	}
	if v := cost.judge(nil, true); v.State != Missing || v.Summary != nil {
		t.Errorf("a scene that was not run: %+v", v)
	}
	// Where nothing can be below 1.2 of the rival, 1.32 is the bound.
	table := made(contest.CPUPerGB, map[string][]float64{pump: {1.3, 1.3}, cubemap: {1, 1}, floor: {1.2, 1.2}})
	if v := raised.judge(table, false); v.State != Holds || v.Floor != 1.2*own || v.Limit != 1.2*own*looseness {
		t.Errorf("%+v", v)
	}
	table = made(contest.CPUPerGB, map[string][]float64{pump: {1.3, 1.3}, cubemap: {1, 1}, floor: {0.5, 0.5}})
	if v := raised.judge(table, true); v.State != Fell || v.Floor != 0 {
		t.Errorf("%+v", v)
	}
}

func TestStalledCallsAreByPlayer(t *testing.T) {
	table := made(contest.WritesMetFull, map[string][]float64{stalled: {50, 30}})
	table.Runs[stalled][0].Result = &load.Result{Stalled: &load.Stalled{Sockets: 25}}
	if got := stalledCalls()(table); got[0] != 2 || !math.IsNaN(got[1]) {
		t.Errorf("%v", got)
	}
}

// TestSealed: 1.5 over TLS, where 1 in clear and 0.4 of encryption allow 1.46.
func TestSealed(t *testing.T) {
	table := made(contest.CPUPerGB, map[string][]float64{secured: {1.46, 1.46}, pump: {1, 1}})
	for _, v := range []float64{0.4, math.NaN()} {
		table.Runs[floor] = append(table.Runs[floor], &contest.Outcome{Figures: contest.Figures{contest.SealPerGB: v}})
	}
	if got := sealed(table); len(got) != 1 || math.Abs(got[0]-1) > 1e-9 {
		t.Errorf("%v", got)
	}
	delete(table.Runs, floor)
	if got := sealed(table); len(got) != 0 {
		t.Errorf("without the floor: %v", got)
	}
}

// TestStalledGrowthIsByPlayer: 20 MB for 200 players are 100 kB each.
func TestStalledGrowthIsByPlayer(t *testing.T) {
	table := made(contest.RSSGrowth, map[string][]float64{securedStalled: {20, 20}})
	table.Runs[securedStalled][0].Result = &load.Result{StalledPlayers: 200}
	if got := stalledGrowth(table); got[0] != 100 || !math.IsNaN(got[1]) {
		t.Errorf("%v", got)
	}
}

// TestCheapestRival: the least of each round, of whoever was measured in it.
func TestCheapestRival(t *testing.T) {
	nan := math.NaN()
	table := made(contest.CPUPerGB, map[string][]float64{rtspPump: {1, 1, 1, nan}, "go2rtc": {4, nan, nan, 2}, "lal": {8, 2, nan, 2}})
	if got := cheapest(rtspPump, feed.RTSP, "")(table); !slices.Equal(got, []float64{0.25, 0.5}) {
		t.Errorf("%v", got)
	}
	table = made(contest.CPUPerGB, map[string][]float64{rtmpPump: {1}, rtmpPump + thousand: {2}, "nginx-rtmp": {2}, "nginx-rtmp" + thousand: {8}, "mediamtx": {5}})
	if got := cheapest(rtmpPump+thousand, feed.RTMP, thousand)(table); !slices.Equal(got, []float64{0.25}) {
		t.Errorf("%v", got)
	}
}

// TestDamageIsOfViewersThatWereSkipped: where nobody was, there is nothing to say.
func TestDamageIsOfViewersThatWereSkipped(t *testing.T) {
	table := made(contest.Damaged, map[string][]float64{rtspStalled: {0, 0, 3}})
	for i, gaps := range []float64{2, 0, 1} {
		table.Runs[rtspStalled][i].Figures[contest.Gaps] = gaps
	}
	if got := damaged(rtspStalled)(table); got[0] != 0 || !math.IsNaN(got[1]) || got[2] != 3 {
		t.Errorf("%v", got)
	}
}

// TestMemoryIsOfViewers: what grows without them, which one alone has too, is not theirs.
func TestMemoryIsOfViewers(t *testing.T) {
	nan := math.NaN()
	table := made(contest.RSSPerViewer, map[string][]float64{rtspPump: {8, 8, 8, nan}, rtspAlone: {604, 604, nan, 604}})
	for name, held := range map[string][]float64{rtspPump: {301, 101, 301, 301}, rtspAlone: {1, 1, 1, 1}} {
		for i, n := range held {
			table.Runs[name][i].Figures[contest.Held] = n
		}
	}
	got := viewersMemory(rtspPump, rtspAlone)(table)
	if math.Abs(got[0]-(301*8-604)/300.0) > 1e-9 || math.Abs(got[1]-(101*8-604)/100.0) > 1e-9 || !math.IsNaN(got[2]) || !math.IsNaN(got[3]) {
		t.Errorf("%v", got)
	}
	delete(table.Runs, rtspAlone)
	if got := viewersMemory(rtspPump, rtspAlone)(table); len(stat.Present(got)) > 0 {
		t.Errorf("without one to compare with: %v", got)
	}
}

// TestSamePackets: what RTSP and RTMP are compared with has as many players and the same
// packets, in the same scene, in segments of the same size; one alone plays as long as all.
func TestSamePackets(t *testing.T) {
	s := setup(t)
	scenes, err := Strict().scenes(&s)
	if err != nil {
		t.Fatal(err)
	}
	find := func(where, name string) *contest.Heat {
		i := slices.IndexFunc(scenes, func(s scene) bool { return s.name == where })
		j := slices.IndexFunc(scenes[i].heats, func(h *contest.Heat) bool { return h.Name == name })
		if j < 0 {
			t.Fatalf("in %s there is no %s", where, name)
		}
		return scenes[i].heats[j]
	}
	for _, c := range []struct {
		scene, own, like string
		packets          float64 // a second
	}{{"feeds", rtspPump, rtspLike, 137.75}, {"feeds", rtmpPump, rtmpLike, 56.25}, {"rtmp-rivals", rtmpPump, rtmpLike, 56.25}} {
		own, like := find(c.scene, c.own), find(c.scene, c.like)
		e, err := synth.New(like.Spec)
		if err != nil {
			t.Fatal(err)
		}
		packets, at, size := 0.0, uint32(0), 0
		for at < 16_000 {
			b, sent, err := e.Next()
			if err != nil {
				t.Fatal(err)
			}
			packets, at, size = packets+1, sent, size+len(b)+feed.Framed
		}
		bytes, number := own.Feed.Mean()
		if rate := (packets - 1) / 16; math.Abs(rate-c.packets) > 0.5 || math.Abs(rate/number-1) > 0.02 || math.Abs(float64(size)/16/bytes-1) > 0.02 {
			t.Errorf("%s: %.1f packets and %d bytes a second, the other has %.1f and %.0f", c.like, rate, size/16, number, bytes)
		}
		if like.Feed != nil || like.Load.Players != own.Load.Players || like.Load.Segment != own.Load.Segment || like.Load.Expected() != own.Load.Expected() {
			t.Errorf("%s: %+v, and the other has %+v", c.like, like.Load, own.Load)
		}
	}
	for _, c := range [][3]string{{"rtsp-rivals", rtspPump, rtspAlone}, {"rtmp-rivals", rtmpPump, rtmpAlone}} {
		all, one := find(c[0], c[1]), find(c[0], c[2])
		if one.Load.Players != 1 || one.Load.Expected() != all.Load.Expected() || one.Load.Segment != all.Load.Segment || one.Feed != all.Feed {
			t.Errorf("%s: %+v, and all have %+v", c[2], one.Load, all.Load)
		}
	}
}

// setup is a machine with everything on it.
func setup(t *testing.T) Setup {
	t.Helper()
	k, err := rival.Named("cubemap")
	if err != nil {
		t.Fatal(err)
	}
	video := func(bitrate int) (synth.Spec, error) {
		return synth.Spec{PacketSize: 1400, Streams: []synth.Stream{synth.Video(1, 25, bitrate, 25)}}, nil
	}
	fronts := make([]*rival.Kind, 2)
	for i, name := range []string{nginx, stunnel} {
		if fronts[i], err = rival.Named(name); err != nil {
			t.Fatal(err)
		}
	}
	others := make([]*rival.Kind, 2)
	for i, name := range []string{"go2rtc", "nginx-rtmp"} {
		if others[i], err = rival.Named(name); err != nil {
			t.Fatal(err)
		}
	}
	return Setup{Pump: "stream-pump", Cubemap: k, Fronts: fronts, Rivals: others, Video: video, Most: 19_800, Place: contest.Placement{Server: []int{0}, Load: []int{1}}}
}

// Every row has a scene with the servers that it is about, and a name of its own.
func TestRowsHaveTheirScenes(t *testing.T) {
	s := setup(t)
	for _, form := range []Form{Short(), Strict()} {
		scenes, err := form.scenes(&s)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, r := range Rows() {
			if names[r.Name] || r.What == "" || strings.Contains(r.Name, " ") {
				t.Errorf("row %q", r.Name)
			}
			names[r.Name] = true
			if r.Scene != "" && !slices.ContainsFunc(scenes, func(s scene) bool { return s.name == r.Scene }) {
				t.Errorf("row %s is about the scene %s, and there is none", r.Name, r.Scene)
			}
		}
		for i := range scenes {
			for _, h := range scenes[i].heats {
				o := h.Load
				if err := o.Check(); err != nil && o.Players < 5000 {
					t.Errorf("%s: %v", scenes[i].what, err)
				}
			}
		}
	}
}

func TestExpected(t *testing.T) {
	for _, c := range []struct {
		form  Form
		most  float64 // minutes
		only  []string
		steps int
	}{{Short(), 4, nil, 16}, {Strict(), 32, nil, 16}, {Short(), 1, []string{"delay-few", "lost"}, 1}} {
		g := Gate{Form: c.form, Setup: setup(t), Only: c.only}
		total, scenes := g.Expected()
		if total.Minutes() > c.most || total <= 0 || scenes != c.steps {
			t.Errorf("%+v: %v in %d scenes", c, total, scenes)
		}
	}
}

func TestGateIsRefused(t *testing.T) {
	hasty := Strict()
	hasty.Rounds = 4
	for want, g := range map[string]Gate{
		"at least five rounds, not 4": {Form: hasty},
		`there is no row "speed"`:     {Form: Short(), Only: []string{"speed"}},
		"one of those is needed":      {Form: Short(), Only: []string{"lost", "gaps"}},
	} {
		if err := g.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := g.Run(t.Context()); err == nil {
			t.Error("it runs")
		}
	}
}

// A row about 19,000 viewers is not measured with fewer.
func TestFewDescriptorsLeaveARowOut(t *testing.T) {
	s := setup(t)
	s.Most = 10_000
	scenes, err := Short().scenes(&s)
	if err != nil || slices.ContainsFunc(scenes, func(s scene) bool { return s.name == "many" }) {
		t.Errorf("%v, %v", scenes, err)
	}
}

func TestFell(t *testing.T) {
	r := Result{Verdicts: []Verdict{{Row: Row{Name: "a"}, State: Fell}, {Row: Row{Name: "b"}, State: Missing}, {Row: Row{Name: "c"}, State: Past}}}
	if got := r.Fell(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("%v", got)
	}
	r.Strict = true
	r.Verdicts = append(r.Verdicts, Verdict{Row: Row{Name: "d", Unpackaged: true}, State: Missing}, Verdict{Row: Row{Name: "e", Unpackaged: true}, State: Fell})
	if got := r.Fell(); !slices.Equal(got, []string{"a", "b", "e"}) {
		t.Errorf("%v", got)
	}
}

// A rival that fails is told, and fells the strict form only, which lacks a pair.
func TestFailuresOfRivals(t *testing.T) {
	failed := func(why string) []*contest.Outcome { return []*contest.Outcome{nil, {Failed: why}} }
	table := &contest.Table{
		Names: []string{pump, cubemap, stunnel, describe, floor, "srs, 1,000"},
		Runs: map[string][]*contest.Outcome{
			pump: failed("it fell"), cubemap: failed("1 lost"), stunnel: failed("it slept"), describe: failed("it stood"), floor: {nil}, "srs, 1,000": failed("it hung"),
		},
	}
	r := Result{}
	r.failures("a scene", table)
	if want := []string{"a scene: pump, round 2: it fell", "a scene: " + describe + ", round 2: it stood"}; !slices.Equal(r.Failures, want) {
		t.Errorf("%q, want %q", r.Failures, want)
	}
	if want := []string{"a scene: cubemap, round 2: 1 lost", "a scene: stunnel, round 2: it slept", "a scene: srs, 1,000, round 2: it hung"}; !slices.Equal(r.Rivals, want) {
		t.Errorf("%q, want %q", r.Rivals, want)
	}
	r = Result{Strict: true}
	if r.failures("a scene", table); len(r.Failures) != 5 || len(r.Rivals) != 0 {
		t.Errorf("%+v", r)
	}
}
