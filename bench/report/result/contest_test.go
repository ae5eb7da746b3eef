package result

import (
	"strings"
	"testing"

	"streampump/bench/contest"
	"streampump/bench/load"
)

// compared is a made-up contest: two rounds, of which the second was interrupted
// at VLC.
func compared() *Contest {
	pump := func(cpu, delay float64) *contest.Outcome {
		return &contest.Outcome{Name: "pump", Figures: contest.Figures{
			contest.CPUPerGB: cpu, contest.CPUPerCall: 18.25, contest.DelayP99: delay, contest.Held: 100, contest.Lost: 0,
		}}
	}
	rival := func(cpu float64) *contest.Outcome {
		return &contest.Outcome{Name: "cubemap", Figures: contest.Figures{contest.CPUPerGB: cpu, contest.DelayP99: 200, contest.Held: 98, contest.Lost: 2},
			Result: &load.Result{Notes: []string{"the delay was guessed"}, TLS: map[string]int{"TLS 1.3, AES": 98}}}
	}
	t := &contest.Table{
		Names: []string{"pump", "cubemap", "vlc", "floor"}, Rounds: 2, Interrupted: true,
		Runs: map[string][]*contest.Outcome{
			"pump": {pump(0.6, 50), pump(0.7, 60)}, "cubemap": {rival(0.8), rival(1)},
			"vlc":   {{Name: "vlc", Failed: "vlc: it burns"}, nil},
			"floor": {{Name: "floor", Figures: contest.Figures{contest.CPUPerGB: 0.5, contest.CPUPerCall: 18.25}}, nil},
		},
	}
	return &Contest{
		About{Program: "pump-bench 1", Commit: "0123", Date: "today"},
		ContestSettings{Players: 100, Stream: Stream{Bitrate: 1e6, PacketSize: 1400}, Rounds: 2, HeadStart: 2.5, Duration: 5, Stall: "5%:2s", Throttle: "5%:300k", Segment: 1460, ServerCores: []int{0}, LoadCores: []int{1, 2}},
		map[string]string{"pump": "stream-pump 1", "cubemap": "cubemap 1.4", "vlc": ""}, t, t.Failures(),
	}
}

func TestTextOfAContest(t *testing.T) {
	want := `interrupted; this is what was measured so far
100 players, 1 Mbit/s in packets of 1400 bytes, 2 rounds of 5 s; servers on core 0, load on 1-2; 2.5 s after the stream began; stalled: 5%:2s; throttled: 5%:300k; segments of 1460 bytes
pump: stream-pump 1
cubemap: cubemap 1.4; TLS 1.3, AES

                        pump                 cubemap              vlc  floor
CPU per byte, s/GB      0.650 (0.600–0.700)  0.900 (0.800–1.000)  –    0.500
CPU per write call, µs  18.2                 –                    –    18.2
added delay, p99, ms    55.0 (50.0–60.0)     200.0                –    –
players held            100                  98                   –    –
players lost            0                    2                    –    –

pump/…              pump  cubemap           vlc  floor
CPU per byte        1     0.72 (0.70–0.75)  –    1.20
CPU per write call  1     –                 –    1.00
added delay, p99    1     0.28 (0.25–0.30)  –    –

note        cubemap: the delay was guessed
failed      vlc, round 1: vlc: it burns
`
	if got := string(compared().Text()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPageOfAContest(t *testing.T) {
	checkPage(t, shown(t, compared().Page()), []string{
		"<title>pump, cubemap, vlc, floor side by side</title>",
		`<p class="verdict bad">Interrupted; this is what was measured so far. Failed: vlc, round 1: vlc: it burns.</p>`,
		`<dt>CPU of cubemap</dt><dd>0.900 <small>s/GB</small></dd><dd class="note">pump has 0.72 (0.70–0.75) times that</dd>`,
		`<td class="number bad">2</td>`, `<td class="number">–</td>`, "<td>CPU per byte, s/GB</td>", "<td>CPU per byte</td>", "<figcaption>CPU per byte <span>s/GB</span>",
		`<td class="bad">vlc, round 1: vlc: it burns</td>`, "<td>cubemap: the delay was guessed</td>",
		"<dt>cubemap</dt><dd>cubemap 1.4; TLS 1.3, AES</dd>", "<dt>contest</dt><dd>100 players, 1 Mbit/s", "<dt>commit</dt><dd>0123</dd>",
	}, []string{"CPU of vlc", "memory per viewer", "gaps", "NaN"})
}

func TestVerdictOfAContest(t *testing.T) {
	for want, change := range map[string]func(*Contest){
		"All servers held their players.":          func(r *Contest) { r.Failures, r.Interrupted = nil, false },
		pageInterrupted:                            func(r *Contest) { r.Failures = nil },
		"Failed: a; and 1 more, below.":            func(r *Contest) { r.Failures, r.Interrupted = []string{"a", "b"}, false },
		pageInterrupted + " Nothing was measured.": func(r *Contest) { r.Failures, r.Runs = nil, nil },
	} {
		r := compared()
		change(r)
		if got, _ := r.verdict(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// One round has no spread, and says so.
func TestOneRoundSaysThatItHasNoSpread(t *testing.T) {
	r := compared()
	if got := string(r.Text()); strings.Contains(got, "no spread") {
		t.Errorf("two rounds:\n%s", got)
	}
	r.Rounds = 1
	if got := string(r.Text()); !strings.Contains(got, "note        "+oneRound+"\n") {
		t.Errorf("one round:\n%s", got)
	}
	checkPage(t, shown(t, r.Page()), []string{"From one round, which has no spread.", "<td>" + oneRound}, nil)
}
